/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How a copy travels:
 *
 *	queue -> delivery    the dispatcher claims an outbound job; what all
 *	                     copies share is composed once (compose.c)
 *	delivery -> batch    some members are read from the roster and put in
 *	                     envelopes (expand.c); where copies are signed
 *	                     each, all cores do that
 *	batch -> relay       another thread sends them, an envelope in a
 *	                     transaction (relay.c, turns.c, conn.c)
 *	relay -> batch       with an answer for each copy
 *	batch -> progress    one durable transaction moves the jobs on, for
 *	                     all deliveries that have something to record
 *
 * The dispatcher does all work with the store and none with sockets, the
 * relay's thread the reverse. Copies that are with the relay and not yet
 * recorded are at most [outbound] in-flight: so many can be sent twice if
 * we are killed now.
 *
 * Claims live in memory. A kill forgets them, and the jobs are claimed
 * again from where their last progress was recorded.
 */
#include "core/outbound/outbound.h"

#include <pthread.h>

#include <glib.h>

#include "core/attempt.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/outbound/delivery.h"
#include "core/outbound/limits.h"
#include "core/outbound/relay.h"
#include "core/watch.h"
#include "db/list.h"
#include "db/queue.h"
#include "core/base/banned.h"

#define DELIVERIES_MAX 64
#define MEMORY_MAX (32 * 1024 * 1024)	/* of composed posts; one may pass */
#define LOOK_MS 1000			/* the same, while there is work */
#define IDLE_MS 5000			/* a hint may get lost */
#define BATCHES_SHARE 8			/* of in-flight for one batch: some
					 * are recorded while others are sent */
#define BATCHES_EACH 8			/* of one post */
#define BATCHES_ENOUGH 4		/* for the relay, for some time */
#define BATCH_MAX 500
#define RESERVED_SHARE 4		/* of in-flight, for what begins */
#define SIGN_BATCH_MAX 25		/* of copies that are signed each */
#define SIGN_BATCHES_CORE 4		/* of one post, for each core */
#define CONFIGURE_MS 1000		/* between two looks at lists' keys */
#define FAILED_MS 1000			/* before recording is tried again */
#define PAUSED_MS 60000			/* a paused list's job is looked at */

struct outbound {
	struct store *store;
	const struct verp *verp;
	struct relay *relay;
	pthread_t thread;

	pthread_mutex_t lock;		/* of the next six */
	pthread_cond_t changed;
	GQueue answered;		/* of struct batch */
	int out;			/* batches that are to come back */
	struct settings *settings;
	bool hint, stopping;
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
	bool look;			/* the queue may have something new */
	int64_t looked_ms, next_due_ms;
	int64_t wait_ms;		/* the first of deliveries that wait */
	bool failing;			/* to record */
	int64_t configured_ms;
};

/* --- claims ------------------------------------------------------------- */

static void
log_delivery(const struct job *job, const char *event, const struct err *why)
{
	char post[POST_ID_TEXT + 1];
	struct log_ctx ctx = { .list = job->list_addr, .id = post };

	post_id_text(&job->post, post);
	if (why != NULL)
		log_err(&ctx, event, why);
	else
		log_info(&ctx, event, kv_num("sent", job->sent),
			 kv_num("refused", job->refused),
			 kv_str("after", job->after));
}

/*
 * What may crash on a post is the composing, so that is what an attempt
 * is. Handing copies to the relay may take days and be cut off by any number
 * of restarts without a fault of the post's.
 */
static enum err_code
forget_attempt(struct txn *txn, void *arg, struct err *err)
{
	struct job *job = arg, next = *job;
	bool taken = false;

	next.attempts--;	/* others stay: watch_start() adds them */
	return queue_replace(txn, job, &next, &taken, err);
}

static void
open_delivery(struct outbound *outbound, const struct settings *settings,
	      struct job *job)
{
	struct delivery *delivery = NULL;
	struct err err = ERR_INIT, second = ERR_INIT;
	bool go = false;
	enum err_code rc;

	rc = attempt_begin(outbound->store, job, settings->attempts, &go,
			   &err);
	if (rc == ERR_OK && go)
		watch_job(job, true);
	if (rc == ERR_OK && go)
		rc = delivery_open(outbound->store, outbound->verp,
				   outbound->keys, job, &delivery, &err);
	watch_end();
	if (rc == ERR_OK && delivery != NULL)
		rc = store_txn(outbound->store, TXN_LAZY, forget_attempt, job,
			       &err);
	if (rc != ERR_OK) {
		log_delivery(job, "job.failed", &err);
		outbound->look = true;
		(void) attempt_failed(outbound->store, job, &err, &second);
	}
	if (rc != ERR_OK && delivery != NULL) {
		delivery_free(delivery);	/* and with it the job */
		return;
	}
	if (delivery == NULL) {
		job_free(job);
		return;
	}
	job->attempts--;
	g_ptr_array_add(outbound->deliveries, delivery);
	g_hash_table_add(outbound->claimed,
			 g_memdup2(&job->id, sizeof(job->id)));
	outbound->memory += delivery_bytes(delivery);
	log_delivery(job, job->after[0] != '\0' ? "outbound.resumed" :
		     "outbound.begun", NULL);
}

/* A paused list's job comes back in a while, or when it is resumed. Whoever
 * resumes the list looks for those that were set aside: so it is asked in
 * this transaction whether it is paused. */
static enum err_code
set_aside_body(struct txn *txn, void *arg, struct err *err)
{
	const struct job *job = arg;
	struct job next = *job;		/* texts are borrowed */
	g_autofree char *outgoing = NULL;
	bool taken = false;
	enum err_code rc = setting_holds(txn, job->list_addr, "outgoing",
					 &outgoing, err);

	if (rc != ERR_OK || g_strcmp0(outgoing, "paused") != 0)
		return rc;
	next.attempts = 0;
	next.due_ms = clock_ms() + PAUSED_MS;
	next.reason = (char *)(uintptr_t)OUTBOUND_PAUSED;
	return queue_replace(txn, job, &next, &taken, err);
}

static void
set_aside(struct outbound *outbound, const struct job *job)
{
	struct err err = ERR_INIT;

	outbound->look = true;		/* for the date that it gets */
	if (store_txn(outbound->store, TXN_LAZY, set_aside_body,
		      (void *)(uintptr_t)job, &err) != ERR_OK)
		log_delivery(job, "outbound.failed", &err);
	else
		log_delivery(job, "outbound.paused", NULL);
}

static bool
is_paused(struct outbound *outbound, const struct job *job)
{
	struct list_conf *conf = NULL;
	struct err err = ERR_INIT;
	bool paused;

	if (list_conf_load(store_reader(outbound->store), job->list_addr,
			   &conf, &err) != ERR_OK) {
		log_delivery(job, "outbound.failed", &err);
		return false;	/* what follows fails too, and is counted */
	}
	paused = conf->outgoing == OUTGOING_PAUSED;
	list_conf_free(conf);
	return paused;
}

static bool
has_room(const struct outbound *outbound)
{
	return outbound->deliveries->len < DELIVERIES_MAX &&
		(outbound->memory < MEMORY_MAX ||
		 outbound->deliveries->len == 0);
}

/* Not after each batch: it is a look into all files of the queue. */
static bool
is_time_to_look(struct outbound *outbound, int64_t now_ms)
{
	if (!has_room(outbound)) {
		outbound->look = true;	/* when there is */
		return false;
	}
	return outbound->look || now_ms >= outbound->next_due_ms ||
		now_ms - outbound->looked_ms >= LOOK_MS;
}

static void
claim(struct outbound *outbound, const struct settings *settings)
{
	g_autoptr(GPtrArray) jobs = NULL;
	struct err err = ERR_INIT;
	int64_t now_ms = clock_ms();

	if (!is_time_to_look(outbound, now_ms))
		return;
	outbound->looked_ms = now_ms;
	if (queue_due(outbound->store, STAGE_OUTBOUND, now_ms,
		      DELIVERIES_MAX * 2, &jobs, &outbound->next_due_ms,
		      &err) != ERR_OK) {
		log_err(NULL, "queue.failed", &err);
		return;
	}
	outbound->look = false;
	for (guint i = 0; i < jobs->len && has_room(outbound); i++) {
		struct job *job = g_ptr_array_index(jobs, i);

		if (g_hash_table_contains(outbound->claimed, &job->id))
			continue;
		if (is_paused(outbound, job)) {
			set_aside(outbound, job);
			continue;
		}
		g_ptr_array_index(jobs, i) = NULL;
		open_delivery(outbound, settings, job);
	}
}

static void
close_delivery(struct outbound *outbound, guint index)
{
	struct delivery *delivery = g_ptr_array_index(outbound->deliveries,
						      index);

	outbound->look = true;
	outbound->memory -= delivery_bytes(delivery);
	g_hash_table_remove(outbound->claimed, &delivery_job(delivery)->id);
	g_ptr_array_remove_index(outbound->deliveries, index);
	delivery_free(delivery);
}

/* --- lists that are paused ---------------------------------------------- */

static void
configure(struct outbound *outbound)
{
	int64_t now = wire_now_ms();
	struct err err = ERR_INIT;

	if (now - outbound->configured_ms < CONFIGURE_MS)
		return;
	outbound->configured_ms = now;
	for (guint i = outbound->deliveries->len; i > 0; i--) {
		struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i - 1);

		if (delivery_reconfigure(delivery,
					 store_reader(outbound->store),
					 &err) != ERR_OK)
			log_delivery(delivery_job(delivery),
				     "outbound.failed", &err);
		if (!delivery_is_paused(delivery) ||
		    delivery_batches(delivery) > 0 ||
		    delivery_is_done(delivery))
			continue;
		set_aside(outbound, delivery_job(delivery));
		close_delivery(outbound, i - 1);
	}
}

/* --- expansion ---------------------------------------------------------- */

/* In a thread of the pool. */
static void
sign_and_push(void *data, void *arg)
{
	struct outbound *outbound = arg;
	struct batch *batch = data;

	watch_post(&batch->post, batch->list);
	batch_sign(batch);
	watch_end();
	relay_push(outbound->relay, batch);
}

static void
give_out(struct outbound *outbound, struct delivery *delivery,
	 struct batch *batch)
{
	outbound->in_flight += batch->copies->len;
	if (batch->copies->len > 0) {
		(void) pthread_mutex_lock(&outbound->lock);
		outbound->out++;
		(void) pthread_mutex_unlock(&outbound->lock);
	}
	if (batch->copies->len == 0)
		delivery_answered(delivery, batch);
	else if (delivery_signs(delivery))
		(void) g_thread_pool_push(outbound->signers, batch, NULL);
	else
		relay_push(outbound->relay, batch);
}

static size_t
batches_most(const struct delivery *delivery)
{
	return delivery_signs(delivery) ?
		SIGN_BATCHES_CORE * g_get_num_processors() : BATCHES_EACH;
}

static bool
may_expand(struct outbound *outbound, const struct delivery *delivery)
{
	int64_t wait_ms = delivery_wait_ms(delivery);

	if (wait_ms > clock_ms()) {
		outbound->wait_ms = MIN(outbound->wait_ms, wait_ms);
		return false;
	}
	return !delivery_is_paused(delivery) &&
		delivery_batches(delivery) < batches_most(delivery);
}

/* Whose turn it is: that which has least on its way for its weight. */
static struct delivery *
neediest(struct outbound *outbound, const GHashTable *skip)
{
	struct delivery *best = NULL;

	for (guint i = 0; i < outbound->deliveries->len; i++) {
		struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i);

		if (!g_hash_table_contains((GHashTable *)(uintptr_t)skip,
					   delivery) &&
		    may_expand(outbound, delivery) &&
		    (best == NULL ||
		     delivery_load(delivery) < delivery_load(best)))
			best = delivery;
	}
	return best;
}

/* How many copies it may have now. A part of what may be in flight is left to
 * those that have nothing on its way, so that a short post need not wait for
 * long ones. */
static int64_t
room_for(const struct outbound *outbound, const struct settings *settings,
	 const struct delivery *delivery)
{
	int64_t room = settings->in_flight - outbound->in_flight;

	return delivery_batches(delivery) == 0 ? room :
		room - settings->in_flight / RESERVED_SHARE;
}

static bool
push_one(struct outbound *outbound, struct expansion with,
	 struct delivery *delivery)
{
	int64_t room = room_for(outbound, with.settings, delivery);
	struct batch *batch = NULL;
	struct err err = ERR_INIT;

	/* Rather none than many small ones. */
	if (room < 1 || (delivery_batches(delivery) > 0 &&
			 room < (int64_t)with.max / 2))
		return false;
	with.max = MIN(with.max, (size_t)room);
	if (delivery_signs(delivery))
		with.max = MIN(with.max, SIGN_BATCH_MAX);
	watch_job(delivery_job(delivery), false);
	if (delivery_next(delivery, &with, &batch, &err) != ERR_OK)
		log_delivery(delivery_job(delivery), "outbound.failed", &err);
	watch_end();
	if (batch == NULL)
		return false;
	give_out(outbound, delivery, batch);
	return true;
}

/* As long as there is room in flight. */
static void
expand(struct outbound *outbound, struct settings *settings)
{
	g_autoptr(GHashTable) full = g_hash_table_new(NULL, NULL);
	struct expansion with = {
		.store = outbound->store, .settings = settings,
		.limits = outbound->limits,
		.max = (size_t)CLAMP(settings->in_flight / BATCHES_SHARE, 1,
				     BATCH_MAX),
		.xverp = relay_offers_xverp(outbound->relay),
	};
	struct delivery *delivery;

	outbound->wait_ms = INT64_MAX;
	while ((delivery = neediest(outbound, full)) != NULL)
		if (!push_one(outbound, with, delivery))
			g_hash_table_add(full, delivery);
}

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

	g_ptr_array_add(outbound->deliveries, delivery);
	g_hash_table_add(outbound->claimed,
			 g_memdup2(&delivery_job(delivery)->id,
				   sizeof(struct post_id)));
	outbound->memory += delivery_bytes(delivery);
	outbound->in_flight += batch_size(batch);
	log_delivery(delivery_job(delivery), "outbound.late", NULL);
	if (g_hash_table_remove(outbound->orphans, batch))
		delivery_answered(delivery, batch);
}

static void
after_commit(struct outbound *outbound)
{
	g_autoptr(GPtrArray) born = g_ptr_array_new();

	for (guint i = outbound->deliveries->len; i > 0; i--) {
		struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i - 1);

		if (!delivery_can_commit(delivery))
			continue;
		outbound->look |= delivery_has_put(delivery);
		outbound->in_flight -= delivery_committed(delivery, born);
		if (!delivery_is_done(delivery))
			continue;
		log_delivery(delivery_job(delivery), "outbound.done", NULL);
		close_delivery(outbound, i - 1);
	}
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
	if (!has_room(outbound))
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
dispatch(struct outbound *outbound, struct settings *settings)
{
	bool recorded = commit_progress(outbound, settings);

	claim(outbound, settings);
	configure(outbound);
	expand(outbound, settings);
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
	bool busy = true;

	(void) pthread_mutex_lock(&outbound->lock);
	for (;;) {
		wait_for_work(outbound, busy);
		if (outbound->stopping)
			break;
		take_answered(outbound);
		settings = settings_ref(outbound->settings);
		(void) pthread_mutex_unlock(&outbound->lock);
		busy = dispatch(outbound, settings);
		settings_unref(settings);
		(void) pthread_mutex_lock(&outbound->lock);
	}
	(void) pthread_mutex_unlock(&outbound->lock);
	return NULL;
}

/* In the relay's thread. Where it has enough to do, two are recorded at a
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
	    outbound->answered.length >= 2)
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
	outbound->limits = limits_new();
	outbound->keys = sign_keys_new();
	outbound->wait_ms = INT64_MAX;
	outbound->reports = g_array_new(FALSE, TRUE,
					sizeof(struct outbound_report));
	outbound->signers = g_thread_pool_new(sign_and_push, outbound,
		(gint)g_get_num_processors(), FALSE, NULL);
	outbound->orphans = g_hash_table_new(NULL, NULL);
	outbound->claimed = g_hash_table_new_full(post_id_hash, post_id_equal,
						  g_free, NULL);
	g_queue_init(&outbound->answered);
	(void) pthread_mutex_init(&outbound->lock, NULL);
	clock_cond_init(&outbound->changed);
	outbound->relay = relay_start(settings, on_finished, outbound);
	if (pthread_create(&outbound->thread, NULL, run, outbound) != 0)
		return err_set(err, ERR_IO, "raise the limit on processes",
			       "cannot start a thread");
	(void) pthread_setname_np(outbound->thread, "outbound");
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
		close_delivery(outbound, outbound->deliveries->len - 1);
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
