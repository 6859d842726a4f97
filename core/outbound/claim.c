/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Which jobs of the queue are being sent: as many as there is room for, and
 * none of a list that is paused. Where more are due than that, they take
 * turns: one that has sent some batches since it got its place leaves it, and
 * stands behind all that are due. So nobody waits for the end of a post to a
 * million, nor for that of 64 large ones.
 */
#include "core/outbound/outbound_inside.h"

#include "core/attempt.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/watch.h"
#include "db/list.h"
#include "db/queue.h"
#include "core/base/banned.h"

#define DELIVERIES_MAX 64
#define LIST_DELIVERIES_MAX 48		/* of one list: others find room */
#define FULL_MS 100			/* until the next look where that is
					 * all that there is */
#define MEMORY_MAX (32 * 1024 * 1024)	/* of composed posts; one may pass */
#define LOOK_MS 1000			/* a hint may get lost */
#define TURN_COPIES 100			/* before it leaves for one that waits */
#define PAUSED_MS 600000		/* a paused list's job is looked at,
					 * if nobody resumes it */

void
outbound_log(const struct job *job, const char *event, const struct err *why)
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

void
outbound_add(struct outbound *outbound, struct delivery *delivery)
{
	g_ptr_array_add(outbound->deliveries, delivery);
	g_hash_table_add(outbound->claimed,
			 g_memdup2(&delivery_job(delivery)->id,
				   sizeof(struct post_id)));
	outbound->memory += delivery_bytes(delivery);
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
		outbound_log(job, "job.failed", &err);
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
	outbound_add(outbound, delivery);
	outbound_log(job, job->after[0] != '\0' ? "outbound.resumed" :
		     "outbound.begun", NULL);
}

/* A paused list's job comes back in a while, or when it is resumed. Whoever
 * resumes the list looks for those that were set aside: so it is asked in
 * this transaction whether it is paused. */
static enum err_code
set_one_aside(struct txn *txn, const struct job *job, struct err *err)
{
	struct job next = *job;		/* texts are borrowed */
	bool paused, taken = false;
	enum err_code rc = job_is_paused(txn, job, &paused, err);

	if (!paused)
		return rc;
	next.attempts = 0;
	next.due_ms = clock_ms() + PAUSED_MS;
	next.reason = (char *)(uintptr_t)OUTBOUND_PAUSED;
	return queue_replace(txn, job, &next, &taken, err);
}

static enum err_code
set_aside_body(struct txn *txn, void *arg, struct err *err)
{
	const GPtrArray *jobs = arg;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < jobs->len && rc == ERR_OK; i++)
		rc = set_one_aside(txn, g_ptr_array_index(jobs, i), err);
	return rc;
}

/* All in one transaction: a paused list may have thousands, and others wait
 * behind them. */
static void
set_aside(struct outbound *outbound, GPtrArray *jobs)
{
	struct err err = ERR_INIT;
	enum err_code rc;

	if (jobs->len == 0)
		return;
	outbound->look = true;		/* for the dates that they get */
	rc = store_txn(outbound->store, TXN_LAZY, set_aside_body, jobs, &err);
	for (guint i = 0; i < jobs->len; i++)
		outbound_log(g_ptr_array_index(jobs, i), rc == ERR_OK ?
			     "outbound.paused" : "outbound.failed",
			     rc == ERR_OK ? NULL : &err);
}

static bool
is_paused(struct outbound *outbound, const struct job *job)
{
	struct err err = ERR_INIT;
	bool paused;

	/* If it cannot be asked, what follows fails too, and is counted. */
	if (job_is_paused(store_reader(outbound->store), job, &paused, &err) !=
	    ERR_OK)
		outbound_log(job, "outbound.failed", &err);
	return paused;
}

bool
outbound_has_room(const struct outbound *outbound)
{
	return outbound->deliveries->len < DELIVERIES_MAX &&
		(outbound->memory < MEMORY_MAX ||
		 outbound->deliveries->len == 0);
}

/* Not after each batch: it is a look into all files of the queue. Without
 * room it is only for who waits. */
static bool
is_time_to_look(struct outbound *outbound, int64_t now_ms)
{
	if (!outbound_has_room(outbound)) {
		outbound->look = true;	/* when there is */
		return !outbound->crowded &&
			now_ms - outbound->looked_ms >= LOOK_MS;
	}
	return outbound->look || now_ms >= outbound->next_due_ms ||
		now_ms - outbound->looked_ms >= LOOK_MS;
}

static guint
deliveries_of(const struct outbound *outbound, uint32_t list)
{
	guint count = 0;

	for (guint i = 0; i < outbound->deliveries->len; i++) {
		const struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i);

		count += delivery_job(delivery)->list == list;
	}
	return count;
}

/* Those of lists that have fewer than `most` deliveries; the jobs of paused
 * lists are put into paused. True: some went. */
static bool
open_some(struct outbound *outbound, const struct settings *settings,
	  GPtrArray *jobs, guint most, GPtrArray *paused)
{
	bool any = false;

	for (guint i = 0; i < jobs->len && outbound_has_room(outbound); i++) {
		struct job *job = g_ptr_array_index(jobs, i);

		if (job == NULL || g_hash_table_contains(outbound->claimed,
							 &job->id) ||
		    deliveries_of(outbound, job->list) >= most)
			continue;
		g_ptr_array_index(jobs, i) = NULL;
		any = true;
		if (is_paused(outbound, job))
			g_ptr_array_add(paused, job);
		else
			open_delivery(outbound, settings, job);
	}
	return any;
}

static void
free_job(void *job)
{
	job_free(job);
}

/* Lists that have nothing under way come first. */
static bool
open_jobs(struct outbound *outbound, const struct settings *settings,
	  GPtrArray *jobs)
{
	g_autoptr(GPtrArray) paused = g_ptr_array_new_with_free_func(
		free_job);
	bool any = open_some(outbound, settings, jobs, 1, paused);

	any |= open_some(outbound, settings, jobs, LIST_DELIVERIES_MAX,
			 paused);
	set_aside(outbound, paused);
	return any;
}

static bool
has_waiting(const struct outbound *outbound, const GPtrArray *jobs)
{
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = g_ptr_array_index(jobs, i);

		if (job != NULL &&
		    !g_hash_table_contains(outbound->claimed, &job->id))
			return true;
	}
	return false;
}

void
outbound_claim(struct outbound *outbound, const struct settings *settings)
{
	g_autoptr(GPtrArray) jobs = NULL;
	struct err err = ERR_INIT;
	int64_t now_ms = clock_ms();

	if (!is_time_to_look(outbound, now_ms))
		return;
	outbound->looked_ms = now_ms;
	if (queue_due(outbound->store, outbound->turn, now_ms,
		      DELIVERIES_MAX * 2, &jobs, &outbound->next_due_ms,
		      &err) != ERR_OK) {
		log_err(NULL, "queue.failed", &err);
		return;
	}
	outbound->look = false;
	if (!open_jobs(outbound, settings, jobs))
		outbound->next_due_ms = MAX(outbound->next_due_ms,
					    now_ms + FULL_MS);
	outbound->crowded = !outbound_has_room(outbound) &&
		has_waiting(outbound, jobs);
	outbound->look |= outbound->crowded;
}

void
outbound_close(struct outbound *outbound, guint index)
{
	struct delivery *delivery = g_ptr_array_index(outbound->deliveries,
						      index);

	outbound->look = true;
	outbound->memory -= delivery_bytes(delivery);
	g_hash_table_remove(outbound->claimed, &delivery_job(delivery)->id);
	g_ptr_array_remove_index(outbound->deliveries, index);
	delivery_free(delivery);
}

/* Where it cannot be read, recording finds out. */
void
outbound_look_for_dropped(struct outbound *outbound)
{
	struct err err = ERR_INIT;

	for (guint i = 0; i < outbound->deliveries->len; i++) {
		struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i);

		if (delivery_look(delivery, store_reader(outbound->store),
				  &err) != ERR_OK)
			outbound_log(delivery_job(delivery),
				     "outbound.failed", &err);
	}
}

/* --- turns -------------------------------------------------------------- */

static bool
has_left(const struct delivery *delivery)
{
	return delivery_is_leaving(delivery) &&
		delivery_batches(delivery) == 0 &&
		!delivery_is_done(delivery);
}

static enum err_code
go_behind_body(struct txn *txn, void *arg, struct err *err)
{
	const struct job *job = arg;
	struct job next = *job;		/* texts are borrowed */
	bool taken = false;

	next.due_ms = clock_ms();
	return queue_replace(txn, job, &next, &taken, err);
}

/* It has left, and goes to the end of what is due. */
static void
go_behind(struct outbound *outbound, guint index)
{
	struct delivery *delivery = g_ptr_array_index(outbound->deliveries,
						      index);
	struct job job = *delivery_job(delivery);
	struct err err = ERR_INIT;

	if (store_txn(outbound->store, TXN_LAZY, go_behind_body, &job, &err) !=
	    ERR_OK) {
		outbound_log(&job, "outbound.failed", &err);
		return;			/* the next round tries again */
	}
	outbound_close(outbound, index);
}

/* The one that has sent most since it came; none while another leaves. */
static void
send_one_away(const struct outbound *outbound)
{
	struct delivery *longest = NULL;
	guint most = TURN_COPIES;

	for (guint i = 0; i < outbound->deliveries->len; i++) {
		struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i);

		if (delivery_is_leaving(delivery))
			return;
		if (delivery_recorded(delivery) < most)
			continue;
		longest = delivery;
		most = delivery_recorded(delivery);
	}
	if (longest != NULL)
		delivery_leave(longest);
}

void
outbound_make_room(struct outbound *outbound)
{
	if (outbound->crowded && !outbound_has_room(outbound))
		send_one_away(outbound);
	for (guint i = outbound->deliveries->len; i > 0; i--)
		if (has_left(g_ptr_array_index(outbound->deliveries, i - 1)))
			go_behind(outbound, i - 1);
}

/* --- lists that are paused ---------------------------------------------- */

static bool
is_to_rest(const struct delivery *delivery)
{
	return delivery_is_paused(delivery) &&
		delivery_batches(delivery) == 0 &&
		!delivery_is_done(delivery);
}

void
outbound_configure(struct outbound *outbound)
{
	g_autoptr(GPtrArray) paused = g_ptr_array_new();
	int64_t now = wire_now_ms();
	struct err err = ERR_INIT;

	if (now - outbound->configured_ms < CONFIGURE_MS)
		return;
	outbound->configured_ms = now;
	for (guint i = 0; i < outbound->deliveries->len; i++) {
		struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i);
		const struct job *job = delivery_job(delivery);

		if (delivery_reconfigure(delivery, outbound->store, &err) !=
		    ERR_OK)
			outbound_log(job, "outbound.failed", &err);
		if (is_to_rest(delivery))
			g_ptr_array_add(paused, (void *)(uintptr_t)job);
	}
	set_aside(outbound, paused);
	for (guint i = outbound->deliveries->len; i > 0; i--)
		if (is_to_rest(g_ptr_array_index(outbound->deliveries,
						 i - 1)))
			outbound_close(outbound, i - 1);
}
