/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_DIGEST_H
#define MUSTER_PENDING_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/settings.h"
#include "core/pending/pending.h"
#include "db/digest.h"
#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * Digests: an accepted post is put into its list's open issue in the
 * transaction that takes it on (digest_collect). An issue is closed when it
 * has enough posts or bytes, when its time has come (digest_tick), or by an
 * administrator: one transaction opens the next and puts a job of
 * STAGE_PENDING, which makes a digest of each kind that is wanted
 * (digest_make) and puts their outbound jobs. db/digest.h says who gets what.
 */

struct digest_with {
	const struct settings *settings;
	const struct list_conf *conf;
	uint32_t list;
	const char *list_addr;
	int64_t now_s;
};

/*
 * digest_collect - post goes into the open issue if some member gets digests.
 * *position_out is for its outbound job; *what_out, for the trace, replaces
 * what is there: "; in digest vol 3 no 12", or "". *collected_out: it did, and
 * the caller stores its FORM_BASE in the same transaction.
 */
enum err_code digest_collect(struct txn *txn, const struct digest_with *with,
			     const struct post *post, uint64_t *position_out,
			     bool *collected_out, char **what_out,
			     struct err *err);

/* digest_close - the open issue, which is locked; it has posts. Where nobody
 * wants it any more it is just forgotten. */
enum err_code digest_close(struct txn *txn, const struct digest_with *with,
			   struct digest *digest, struct err *err);

/* digest_due_s - when the open issue is closed by its age; INT64_MAX: empty */
int64_t digest_due_s(const struct digest *digest,
		     const struct list_conf *conf);

/* digest_tick - close what is due; *closed says how many. Own transactions. */
enum err_code digest_tick(struct store *store,
			  const struct settings *settings, int64_t now_s,
			  unsigned int *closed, struct err *err);

/*
 * digest_make - the job of a closed issue (digest_is_order): one message of
 * each kind, with its outbound job. Posts are read one after the other and
 * the message is written as it grows, so that memory holds one post and the
 * table of contents, however large it becomes.
 */
enum err_code digest_make(struct txn *txn, const struct pending_with *with,
			  const struct list_conf *conf,
			  const struct job *job, struct err *err);

#endif
