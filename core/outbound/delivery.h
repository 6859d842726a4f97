/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_DELIVERY_H
#define MUSTER_OUTBOUND_DELIVERY_H

#include "conf/settings.h"
#include "core/mail/verp.h"
#include "core/outbound/batch.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * A delivery: an outbound job that is being worked off, by the dispatcher's
 * thread alone. It expands the job's distribution list into batches, and
 * turns answered batches into progress: one transaction that moves the job
 * on, and has an effect for each copy that was not taken.
 */
struct delivery;

/* delivery_open - load what all its copies share. *out NULL: there is
 * nothing to do (the post is gone), and the job has been taken. */
enum err_code delivery_open(struct store *store, const struct verp *verp,
			    struct job *job, struct delivery **out,
			    struct err *err);
void delivery_free(struct delivery *delivery);

const struct job *delivery_job(const struct delivery *delivery);
size_t delivery_bytes(const struct delivery *delivery);	/* of memory */
size_t delivery_batches(const struct delivery *delivery);	/* not committed */

/* delivery_next - the next batch of at most max copies; *out NULL: that was
 * all. The delivery remembers it until it is committed. */
enum err_code delivery_next(struct delivery *delivery, struct store *store,
			    struct settings *settings, size_t max,
			    struct batch **out, struct err *err);

/* delivery_answered - this batch has come back */
void delivery_answered(struct delivery *delivery, struct batch *batch);

/* delivery_can_commit - are the oldest batches answered, or is all done? */
bool delivery_can_commit(const struct delivery *delivery);
bool delivery_is_done(const struct delivery *delivery);

/*
 * delivery_commit - the progress, in txn; delivery_committed - after the
 * transaction, forget what it recorded and return how many copies that
 * were. commit may run several times before.
 */
enum err_code delivery_commit(struct txn *txn, struct delivery *delivery,
			      const struct settings *settings,
			      struct err *err);
guint delivery_committed(struct delivery *delivery);

#endif
