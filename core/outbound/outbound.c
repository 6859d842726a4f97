/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How a copy travels:
 *
 *	queue -> delivery    the dispatcher claims an outbound job (claim.c);
 *	                     what all copies share is composed once
 *	                     (compose.c)
 *	delivery -> batch    whose turn it is (ration.c) reads some members
 *	                     from the roster and puts them in envelopes
 *	                     (expand.c); where copies are signed each, all
 *	                     cores do that (signer.c)
 *	batch -> relay       another thread sends them (relay.c): which
 *	                     envelope is next (turns.c), on which connection
 *	                     (deal.c), in which words (conn_say.c)
 *	relay -> batch       with an answer for each copy (conn_talk.c,
 *	                     line.c)
 *	batch -> progress    one durable transaction moves the jobs on, for
 *	                     all deliveries that have something to record
 *	                     (progress.c)
 *
 * The dispatcher does all work with the store and none with sockets, the
 * relay's thread the reverse. Copies that are with the relay and not yet
 * recorded are at most [outbound] in-flight: so many can be sent twice if
 * we are killed now.
 *
 * Claims live in memory. A kill forgets them, and the jobs are claimed
 * again from where their last progress was recorded.
 */
#include "core/outbound/outbound_inside.h"

#include "core/base/clock.h"
#include "core/base/daemon.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/watch.h"
#include "core/base/banned.h"

#define IDLE_MS 5000			/* a hint may get lost */
#define BATCHES_ENOUGH 4		/* for the relay, for some time */
#define BATCHES_AT_ONCE 3		/* recorded together, meanwhile */
#define FAILED_MS 1000			/* before recording is tried again */

/* --- progress ----------------------------------------------------------- */

struct progress {
	struct outbound *outbound;
	const struct settings *settings;
};

static enum err_code
progress_body(struct txn *txn, void *arg, struct err *err)
{
	struct progress *progress = arg;
	GPtrArray *deliveries = progress->outbound->deliveries;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < deliveries->len && rc == ERR_OK; i++) {
		struct delivery *delivery = g_ptr_array_index(deliveries, i);

		if (delivery_can_commit(delivery))
			rc = delivery_commit(txn, delivery,
					     progress->settings, err);
	}
	return rc;
}

/* The job of a late batch is in the queue now. */
static void
take_born(struct outbound *outbound, struct delivery *delivery)
{
	struct batch *batch = delivery_first(delivery);

	outbound_add(outbound, delivery);
	outbound->in_flight += batch_size(batch);
	outbound_log(delivery_job(delivery), "outbound.late", NULL);
	if (g_hash_table_remove(outbound->orphans, batch))
		delivery_answered(delivery, batch);
}

static void
after_commit(struct outbound *outbound)
{
	g_autoptr(GPtrArray) born = g_ptr_array_new();
	guint recorded = 0, copies;

	for (guint i = outbound->deliveries->len; i > 0; i--) {
		struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i - 1);

		if (!delivery_can_commit(delivery))
			continue;
		outbound->look |= delivery_has_put(delivery);
		copies = delivery_committed(delivery, born);
		outbound->in_flight -= copies;
		recorded += copies;
		if (!delivery_is_done(delivery))
			continue;
		outbound_log(delivery_job(delivery),
			     delivery_was_dropped(delivery) ?
			     "outbound.dropped" : "outbound.done", NULL);
		outbound_close(outbound, i - 1);
	}
	outbound_note_recorded(outbound, recorded);
	for (guint i = 0; i < born->len; i++)
		take_born(outbound, g_ptr_array_index(born, i));
}

static bool
something_to_commit(const struct outbound *outbound)
{
	for (guint i = 0; i < outbound->deliveries->len; i++)
		if (delivery_can_commit(g_ptr_array_index(
			outbound->deliveries, i)))
			return true;
	return false;
}

static bool
commit_progress(struct outbound *outbound, const struct settings *settings)
{
	struct progress progress = { outbound, settings };
	struct err err = ERR_INIT;

	outbound->failing = false;
	if (!something_to_commit(outbound))
		return false;
	if (store_txn(outbound->store, TXN_DURABLE, progress_body, &progress,
		      &err) != ERR_OK) {
		log_err(NULL, "outbound.not-recorded", &err);
		outbound->failing = true;
		return false;	/* it stays to be recorded */
	}
	after_commit(outbound);
	return true;
}

/* --- the dispatcher ----------------------------------------------------- */

static void
take_answered(struct outbound *outbound)
{
	struct batch *batch;

	while ((batch = g_queue_pop_head(&outbound->answered)) != NULL)
		if (batch->owner != NULL)
			delivery_answered(batch->owner, batch);
		else
			g_hash_table_add(outbound->orphans, batch);
}

static void
wait_for_work(struct outbound *outbound, bool busy)
{
	int64_t now_ms = clock_ms(), until_ms;

	until_ms = MIN(now_ms + IDLE_MS, MAX(MIN(outbound->next_due_ms,
						 outbound->wait_ms),
					     now_ms));
	if (!outbound_has_room(outbound))
		until_ms = now_ms + IDLE_MS;
	if (outbound->deliveries->len > 0)
		until_ms = MIN(until_ms, now_ms + CONFIGURE_MS);
	until_ms += wire_now_ms() - now_ms;
	while (!busy && !outbound->hint && !outbound->stopping &&
	       g_queue_is_empty(&outbound->answered))
		if (clock_cond_until(&outbound->changed,
				     &outbound->lock, until_ms) != 0)
			break;
	outbound->look |= outbound->hint;
	outbound->hint = false;
}

static void
report(struct outbound *outbound)
{
	(void) pthread_mutex_lock(&outbound->lock);
	g_array_set_size(outbound->reports, 0);
	for (guint i = 0; i < outbound->deliveries->len; i++) {
		const struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i);
		struct outbound_report row = {
			.job = delivery_job(delivery)->id,
			.rate = delivery_rate(delivery),
		};

		g_array_append_val(outbound->reports, row);
	}
	(void) pthread_mutex_unlock(&outbound->lock);
}

/* One round; the settings it began with hold until its end. */
static bool
dispatch(struct outbound *outbound, struct settings *settings, bool dropped)
{
	bool recorded;

	if (dropped)
		outbound_look_for_dropped(outbound);
	recorded = commit_progress(outbound, settings);
	outbound_make_room(outbound);
	outbound_claim(outbound, settings);
	outbound_configure(outbound);
	outbound_expand(outbound, settings);
	report(outbound);
	if (outbound->failing) {
		outbound->wait_ms = MIN(outbound->wait_ms,
					clock_ms() + FAILED_MS);
		return false;
	}
	/* A list without anybody to send to is done at once. */
	return recorded || something_to_commit(outbound);
}

static void *
run(void *data)
{
	struct outbound *outbound = data;
	struct settings *settings;
	bool busy = true, dropped;

	(void) pthread_setname_np(pthread_self(), "outbound");
	daemon_batch_thread();
	(void) pthread_mutex_lock(&outbound->lock);
	for (;;) {
		wait_for_work(outbound, busy);
		if (outbound->stopping)
			break;
		take_answered(outbound);
		settings = settings_ref(outbound->settings);
		dropped = outbound->dropped;
		outbound->dropped = false;
		(void) pthread_mutex_unlock(&outbound->lock);
		busy = dispatch(outbound, settings, dropped);
		settings_unref(settings);
		(void) pthread_mutex_lock(&outbound->lock);
	}
	(void) pthread_mutex_unlock(&outbound->lock);
	return NULL;
}

/* In the relay's thread. Where it has enough to do, some are recorded at a
 * time, which costs no more than one. */
static void
on_finished(void *arg, struct batch *batch)
{
	struct outbound *outbound = arg;

	(void) pthread_mutex_lock(&outbound->lock);
	g_queue_push_tail(&outbound->answered, batch);
	if (batch->late == NULL)	/* else that one comes back yet */
		outbound->out--;
	if (outbound->out < BATCHES_ENOUGH ||
	    outbound->answered.length >= BATCHES_AT_ONCE)
		(void) pthread_cond_signal(&outbound->changed);
	(void) pthread_mutex_unlock(&outbound->lock);
}

/* --- from outside ------------------------------------------------------- */

enum err_code
outbound_start(struct store *store, struct settings *settings,
	       const struct verp *verp, struct outbound **out,
	       struct err *err)
{
	struct outbound *outbound = g_new0(struct outbound, 1);

	outbound->store = store;
	outbound->verp = verp;
	outbound->settings = settings_ref(settings);
	outbound->deliveries = g_ptr_array_new();
	outbound->turn = queue_turn_new(STAGE_OUTBOUND, 0, 1);
	outbound->limits = limits_new();
	outbound->keys = sign_keys_new();
	outbound->wait_ms = INT64_MAX;
	outbound->reports = g_array_new(FALSE, TRUE,
					sizeof(struct outbound_report));
	outbound->signers = g_thread_pool_new(outbound_sign_and_push, outbound,
		(gint)g_get_num_processors(), FALSE, NULL);
	outbound->orphans = g_hash_table_new(NULL, NULL);
	outbound->claimed = g_hash_table_new_full(post_id_hash, post_id_equal,
						  g_free, NULL);
	g_queue_init(&outbound->answered);
	g_queue_init(&outbound->to_sign);
	(void) pthread_mutex_init(&outbound->lock, NULL);
	clock_cond_init(&outbound->changed);
	outbound->relay = relay_start(settings, on_finished, outbound);
	if (pthread_create(&outbound->thread, NULL, run, outbound) != 0)
		return err_set(err, ERR_IO, "raise the limit on processes",
			       "cannot start a thread");
	*out = outbound;
	return ERR_OK;
}

void
outbound_wake(struct outbound *outbound)
{
	(void) pthread_mutex_lock(&outbound->lock);
	outbound->hint = true;
	(void) pthread_cond_signal(&outbound->changed);
	(void) pthread_mutex_unlock(&outbound->lock);
}

void
outbound_dropped(struct outbound *outbound)
{
	(void) pthread_mutex_lock(&outbound->lock);
	outbound->dropped = true;
	(void) pthread_mutex_unlock(&outbound->lock);
	outbound_wake(outbound);
}

void
outbound_reload(struct outbound *outbound, struct settings *settings)
{
	(void) pthread_mutex_lock(&outbound->lock);
	settings_unref(outbound->settings);
	outbound->settings = settings_ref(settings);
	(void) pthread_mutex_unlock(&outbound->lock);
	relay_reload(outbound->relay, settings);
	outbound_wake(outbound);
}

GArray *
outbound_reports(struct outbound *outbound)
{
	GArray *copy;

	(void) pthread_mutex_lock(&outbound->lock);
	copy = g_array_copy(outbound->reports);
	(void) pthread_mutex_unlock(&outbound->lock);
	return copy;
}

GArray *
outbound_relays(struct outbound *outbound)
{
	return relay_reports(outbound->relay);
}

/* The dispatcher is gone by then, so its part is ours: record what the
 * relay had answered, and what it had not goes back to the queue. */
static void
record_rest(struct outbound *outbound)
{
	take_answered(outbound);
	while (commit_progress(outbound, outbound->settings))
		;		/* what was late comes behind its batch */
	while (outbound->deliveries->len > 0)
		outbound_close(outbound, outbound->deliveries->len - 1);
}

void
outbound_stop(struct outbound *outbound)
{
	(void) pthread_mutex_lock(&outbound->lock);
	outbound->stopping = true;
	(void) pthread_cond_signal(&outbound->changed);
	(void) pthread_mutex_unlock(&outbound->lock);
	(void) pthread_join(outbound->thread, NULL);
	g_thread_pool_free(outbound->signers, FALSE, TRUE);
	relay_stop(outbound->relay);
	record_rest(outbound);
	g_ptr_array_free(outbound->deliveries, TRUE);
	queue_turn_free(outbound->turn);
	g_hash_table_destroy(outbound->claimed);
	g_hash_table_destroy(outbound->orphans);
	limits_free(outbound->limits);
	sign_keys_free(outbound->keys);
	g_array_free(outbound->reports, TRUE);
	(void) pthread_cond_destroy(&outbound->changed);
	(void) pthread_mutex_destroy(&outbound->lock);
	settings_unref(outbound->settings);
	g_free(outbound);
}
