/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_H
#define MUSTER_ARCHIVE_H

#include "conf/settings.h"
#include "core/mail/header.h"
#include "db/archive.h"
#include "db/list.h"
#include "db/queue.h"

/*
 * The archive: a stage of its own, STAGE_ARCHIVE, so that no copy waits for
 * it. The job is put where the post is handed over to outbound
 * (core/pending), in the same transaction, and holds the post. It ends when
 * the post is in the archive's file, on disk, and known to the store; what
 * cannot be written waits and is tried again, for as long as it takes.
 */

/* archive_is_wanted - is this post to be archived? *why_out: what the trace is
 * to say if it is not though the list has an archive; else "". */
bool archive_is_wanted(const struct list_conf *conf,
		       const struct header *header, const char **why_out);

/* archive_job - for the post of another job; to be put, with a post_hold() */
struct job *archive_job(const struct job *job);

/* What became of it, for the log. */
struct archive_result {
	uint32_t number;	/* 0: it was not archived */
	uint64_t size;		/* octets in the file */
	uint64_t torn;		/* octets that were moved to mbox.torn */
};

/* archive_run - a job of STAGE_ARCHIVE. ERR_DOWN, ERR_NOSPACE, ERR_BUSY: not
 * now. */
enum err_code archive_run(struct txn *txn, const struct settings *settings,
			  const struct job *job, struct archive_result *out,
			  struct err *err);

#endif
