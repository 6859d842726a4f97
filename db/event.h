/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_EVENT_H
#define MUSTER_DB_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "db/store.h"

/*
 * libunbound calls libevent's event_add(), out of itself or of that library.
 * What a program exports comes first, so a name of ours must not be seen
 * outside of it.
 */
#pragma GCC visibility push(hidden)

/*
 * Events: what has happened to the members of a list, in order of time, for
 * the digest that owners get and for `muster bounce ls`. What has happened to
 * a post is in its trace (db/post.h).
 */
#define EVENT_KIND_MAX 32

struct event {			/* all texts borrowed */
	int64_t time_us;	/* unix time */
	uint16_t number;	/* of those with the same time */
	const char *kind;	/* "delivery-off": 1 to EVENT_KIND_MAX of a-z
				 * 0-9 - */
	const char *addr;	/* canonical, "" if it is about nobody */
	const char *what;	/* one line of UTF-8, for people */
};

/* event_add - now. ERR_INVALID for a kind or an address that is not as it
 * must be. The text is cut to one line of 2000 bytes. */
enum err_code event_add(struct txn *txn, uint32_t list, const char *kind,
			const char *addr, struct err *err,
			const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/*
 * event_walk - those of a list from since_us to before until_us, in order.
 * An event has the time at which it was added, and is seen when that
 * transaction has been committed: who goes on where he has stopped, stops a
 * minute before now. An error of one() ends the walk and is returned.
 */
typedef enum err_code (*event_one)(void *arg, const struct event *event,
				   struct err *err);
enum err_code event_walk(struct txn *txn, uint32_t list, int64_t since_us,
			 int64_t until_us, event_one one, void *arg,
			 struct err *err);

/* event_expire - forget those older than before_s; own lazy transactions.
 * Those of a deleted list stay until then. */
enum err_code event_expire(struct store *store, int64_t before_s,
			   struct err *err);

#pragma GCC visibility pop

#endif
