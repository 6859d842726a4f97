/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_RESOLVER_QUERY_H
#define MUSTER_AUTH_RESOLVER_QUERY_H

#include <pthread.h>
#include <stdbool.h>

#include <glib.h>
#include <unbound.h>

#include "core/auth/resolver_ask.h"

/*
 * resolver.c has the thread, resolver_query.c what goes on in it: askers with
 * a deadline each, their questions, and the queries in libunbound that these
 * wait for.
 */

struct resolver {
	struct ub_ctx *ctx;
	pthread_t thread;
	int wake_fd;

	pthread_mutex_t lock;	/* of these two */
	GQueue notes;		/* of struct note, oldest first */
	bool is_stopping;

	/* The thread's own */
	unsigned int sockets;	/* that libunbound may use at a time */
	GHashTable *queries;	/* key -> struct query, in libunbound */
	GSequence *deadlines;	/* of struct asker, nearest first */
};

/* Of the thread's own but for the first four, which do not change */
struct asker {
	struct resolver *resolver;
	int64_t deadline_ms;
	const struct asker_calls *calls;
	void *arg;
	GSequenceIter *deadline;	/* NULL: nothing was asked yet */
	bool has_expired;
	GQueue asked;		/* of struct waiter that have a query */
	GQueue waiting;		/* of struct waiter that have none yet */
};

/* A question of an asker */
struct waiter {
	struct asker *asker;
	void *question;
	char *canon;
	enum dns_type type;
	struct query *query;
};

/* A question that is in libunbound */
struct query {
	struct resolver *resolver;
	char *key;		/* "TYPE NAME" */
	enum dns_type type;
	GQueue waiters;		/* may be empty */
};

/* In the thread: */

/* asker_take - a question that was asked; waiter is handed over */
void asker_take(struct asker *asker, struct waiter *waiter);

/* asker_expire - its deadline has passed, and it is in deadlines no more */
void asker_expire(struct asker *asker);

/* asker_release - after asker_end() */
void asker_release(struct asker *asker);

/* After the thread: */
void query_free(struct query *query);

#endif
