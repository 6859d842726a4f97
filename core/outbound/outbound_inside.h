/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_INSIDE_H
#define MUSTER_OUTBOUND_INSIDE_H

#include <pthread.h>

#include "core/outbound/delivery.h"
#include "core/outbound/limits.h"
#include "core/outbound/outbound.h"
#include "core/outbound/relay.h"

/* Only outbound.c, claim.c and ration.c: the dispatcher's thread. */

#define CONFIGURE_MS 1000		/* between two looks at lists' keys */

struct outbound {
	struct store *store;
	const struct verp *verp;
	struct relay *relay;
	pthread_t thread;

	pthread_mutex_t lock;		/* of the next eight */
	pthread_cond_t changed;
	GQueue answered;		/* of struct batch */
	GQueue to_sign;			/* the same, for the pool */
	int out;			/* batches that are to come back */
	struct settings *settings;
	bool hint, stopping, dropped;	/* dropped: a job, perhaps */
	GArray *reports;		/* of struct outbound_report */

	/* the dispatcher's own */
	GPtrArray *deliveries;		/* in turn */
	GHashTable *claimed;		/* job ids of deliveries */
	GHashTable *orphans;		/* set of late batches that came back
					 * before they had a delivery */
	struct limits *limits;
	struct sign_keys *keys;
	GThreadPool *signers;
	size_t memory;
	int64_t in_flight;
	double rate;			/* copies recorded in a second, lately */
	int64_t rated_us, unrated;	/* since when, and how many since */
	struct queue_turn *turn;	/* through its jobs in the queue */
	uint64_t turns;			/* batches that were made */
	bool look;			/* the queue may have something new */
	bool crowded;			/* a job that is due has no place */
	int64_t looked_ms, next_due_ms;
	int64_t wait_ms;		/* the first of deliveries that wait */
	bool failing;			/* to record */
	int64_t configured_ms;
};

/* claim.c: which jobs are being sent */
void outbound_claim(struct outbound *outbound,
		    const struct settings *settings);
bool outbound_has_room(const struct outbound *outbound);
/* outbound_add, outbound_close - a delivery that is being sent, or no more */
void outbound_add(struct outbound *outbound, struct delivery *delivery);
void outbound_close(struct outbound *outbound, guint index);
/* which of them have no job in the queue any more */
void outbound_look_for_dropped(struct outbound *outbound);
/* where jobs wait for a place, those that have had theirs for long go */
void outbound_make_room(struct outbound *outbound);
/* what lists say now, once in a while; the jobs of paused ones go */
void outbound_configure(struct outbound *outbound);
void outbound_log(const struct job *job, const char *event,
		  const struct err *why);

/* ration.c: who may have how much in flight */
void outbound_note_recorded(struct outbound *outbound, guint copies);
void outbound_expand(struct outbound *outbound, struct settings *settings);
/* of the pool of threads that sign; unused is anything but NULL */
void outbound_sign_and_push(void *unused, void *outbound);

#endif
