/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_DELIVERY_H
#define MUSTER_OUTBOUND_DELIVERY_H

#include "conf/settings.h"
#include "core/auth/sign_keys.h"
#include "core/mail/verp.h"
#include "core/outbound/batch.h"
#include "core/outbound/limits.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * A delivery: an outbound job that is being worked off, by the dispatcher's
 * thread alone. It expands the job's distribution list into batches, and
 * turns answered batches into progress: one transaction that moves the job
 * on, and has an effect for each copy that was not taken.
 */
struct delivery;

/* delivery_open - load what all its copies share, and the key of a list that
 * signs each. *out NULL: there is nothing to do (the post is gone), and the
 * job has been taken. */
enum err_code delivery_open(struct store *store, const struct verp *verp,
			    struct sign_keys *keys, struct job *job,
			    struct delivery **out, struct err *err);
void delivery_free(struct delivery *delivery);

const struct job *delivery_job(const struct delivery *delivery);
size_t delivery_bytes(const struct delivery *delivery);	/* of memory */
/* batches that are not committed */
size_t delivery_batches(const struct delivery *delivery);
/* copies of these, for each unit of the list's weight */
double delivery_load(const struct delivery *delivery);

/* Are its copies signed each? */
bool delivery_signs(const struct delivery *delivery);

/* delivery_reconfigure - the list's keys as they are now, and who has the
 * message from elsewhere */
enum err_code delivery_reconfigure(struct delivery *delivery,
				   struct store *store, struct err *err);
/* job_is_paused - does its list send nothing now, or that whose post it is? */
enum err_code job_is_paused(struct txn *txn, const struct job *job,
			    bool *out, struct err *err);
/* Does the list send nothing at present? */
bool delivery_is_paused(const struct delivery *delivery);
/* delivery_recorded - copies since it was opened; 0 where the last ones are
 * on their way */
guint delivery_recorded(const struct delivery *delivery);
/* delivery_leave - it makes no more batches: others are to have its place */
void delivery_leave(struct delivery *delivery);
bool delivery_is_leaving(const struct delivery *delivery);
/* delivery_take_turn - the number of its turn, which grows from one to the
 * next in all; delivery_turn: of its last one, 0 before the first */
void delivery_take_turn(struct delivery *delivery, uint64_t turn);
uint64_t delivery_turn(const struct delivery *delivery);
/* copies per second, lately; 0: not known yet */
double delivery_rate(const struct delivery *delivery);

/* What an expansion goes by */
struct expansion {
	struct store *store;
	struct settings *settings;
	struct limits *limits;
	size_t max;		/* copies in a batch */
	bool xverp;		/* the relays offer it */
};

/*
 * delivery_next - the next batch; *out NULL: none now, either that was all,
 * or the next recipient's domain has to wait until delivery_wait_ms(). The
 * delivery remembers it until it is committed. Of a batch without copies
 * some recipients have got a later date.
 */
enum err_code delivery_next(struct delivery *delivery,
			    const struct expansion *expansion,
			    struct batch **out, struct err *err);
int64_t delivery_wait_ms(const struct delivery *delivery);	/* unix time */

/* delivery_answered - this batch has come back */
void delivery_answered(struct delivery *delivery, struct batch *batch);

/* delivery_has_put - has what was committed last put jobs for another time? */
bool delivery_has_put(const struct delivery *delivery);
/* delivery_first - the oldest batch that is not committed */
struct batch *delivery_first(const struct delivery *delivery);

/* delivery_can_commit - are the oldest batches answered, or is all done? */
bool delivery_can_commit(const struct delivery *delivery);
bool delivery_is_done(const struct delivery *delivery);

/*
 * delivery_look - is its job in the queue yet? If an administrator has
 * dropped it, no copy more is begun. delivery_commit() looks too.
 * delivery_was_dropped - has one of them found that?
 */
enum err_code delivery_look(struct delivery *delivery, struct txn *reader,
			    struct err *err);
bool delivery_was_dropped(const struct delivery *delivery);

/*
 * delivery_commit - the progress, in txn; delivery_committed - after the
 * transaction, forget what it recorded and return how many copies that
 * were. commit may run several times before. born: takes a delivery for each
 * batch whose late copies have become a job; they are on their way already.
 */
enum err_code delivery_commit(struct txn *txn, struct delivery *delivery,
			      const struct settings *settings,
			      struct err *err);
guint delivery_committed(struct delivery *delivery, GPtrArray *born);

#endif
