/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_DELIVERY_INSIDE_H
#define MUSTER_OUTBOUND_DELIVERY_INSIDE_H

#include "core/outbound/delivery.h"
#include "core/outbound/elsewhere.h"
#include "db/list.h"

/* Only delivery.c, expand.c, which makes batches, and progress.c, which
 * records what came of them. */
struct delivery {
	struct job *job;		/* as it is in the queue */
	const struct verp *verp;
	struct composed *what;
	struct list_conf *conf;		/* NULL of a late one, at first */
	char **authors;			/* canonical addresses */
	GHashTable *named;		/* set of the same: in To and Cc */
	struct elsewhere *elsewhere;	/* NULL: there is no other way */
	uint64_t left_out;		/* members who have it by another, and
					 * stand behind all batches */
	char *read_after;		/* key up to which batches were made */
	size_t addrs_read;		/* the same for TO_ADDRS */
	bool read_all;
	bool paused;			/* as of delivery_reconfigure() */
	int64_t wait_ms;		/* no batch before; unix time */
	GQueue batches;			/* made and not committed, in order */
	guint copies;			/* of these */
	GHashTable *answered;		/* set of batches that came back */
	struct job *next;		/* what delivery_commit() has put */
	guint commits;			/* batches that it has recorded */
	bool has_put;			/* that has put other jobs */
	bool dropped;			/* its job is not in the queue any
					 * more: nothing is put, or begun */
	size_t bytes;			/* of memory; 0 of a late one */
	guint recorded;			/* copies, since it was opened */
	bool leaving;			/* makes no more batches */
	uint64_t turn;			/* of its last batch */
	GPtrArray *late_jobs;		/* of those of them that have a late
					 * batch, in order */
	int64_t rated_us;		/* 0: nothing was answered yet */
	guint unrated;			/* copies since then */
	double rate;
};

/* delivery_new - takes job and what; authors: separated by ", " */
struct delivery *delivery_new(struct job *job, const struct verp *verp,
			      struct composed *what, const char *authors);
/* what its members are asked besides */
struct elsewhere_post delivery_post(struct delivery *delivery);
/* so many copies more are recorded */
void delivery_note_rate(struct delivery *delivery, guint copies);

#endif
