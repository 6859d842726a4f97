/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_WAY_H
#define MUSTER_DB_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "db/post.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * The ways that one message takes: over each list that has accepted it, and
 * over the lists that such a one includes. There are such records only where
 * there is more than one way, or may be. They lie beside the trace of the
 * first post that the message came as (the group), and go with it.
 *
 * A way is open once its copies leave, and then it has a turn: who gets the
 * message by a way with a lower turn gets no copy by one with a higher.
 */
struct way {
	struct post_id group;
	struct post_id post;	/* the group, unless the message came twice */
	int64_t time_us;	/* when it was accepted; part of the key */
	uint32_t list;		/* whose members get it */
	uint32_t through;	/* the list whose post it is: the same one, or
				 * one that includes it */
	uint32_t turn;		/* 0: it is not open */
	int64_t as_of_s;	/* of its job in outbound, the same */
	uint64_t position;
};

/* way_put - add or replace; the key is group, time, list, through, post */
enum err_code way_put(struct txn *txn, const struct way *way,
		      struct err *err);
/* ways_get - of a group, by time, through, list: array of struct way */
enum err_code ways_get(struct txn *txn, const struct post_id *group,
		       GArray **out, struct err *err);
/* job_close_way - the copies of this job leave no more: nobody has to do
 * without one for their sake. Nothing where it is on no such way. */
enum err_code job_close_way(struct txn *txn, const struct job *job,
			    struct err *err);

#endif
