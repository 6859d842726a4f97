/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/stages.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "core/archive/archive.h"
#include "core/attempt.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/sandbox.h"
#include "core/base/wire.h"
#include "core/bounce/bounce.h"
#include "core/command/robot.h"
#include "core/held/held.h"
#include "core/pending/digest.h"
#include "core/pending/pending.h"
#include "core/pending/program.h"
#include "core/programs.h"
#include "core/watch.h"
#include "db/event.h"
#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/rate.h"
#include "db/token.h"
#include "core/base/banned.h"

/*
 * A stage is a function (job, transaction) -> next jobs; a thread here takes
 * what is due and calls it. The transaction is lazy: nobody outside has been
 * told anything, so if the power fails before the next durable commit, the
 * job is simply still there.
 */

#define BATCH 64
#define IDLE_MS 5000		/* a hint may get lost */
#define HOUSEKEEPING_MS 60000
#define WORKERS 9
#define SWEEP_S 3600
#define SLACK_S 3600

struct stages;

struct worker {
	struct stages *stages;
	enum stage stage;
	struct queue_turn *turn;
	pthread_t thread;
	uint64_t hints;		/* its own; under the lock of stages */
};

struct stages {
	struct store *store;
	struct settings *(*settings)(void);
	const struct verp *verp;
	void (*wake_outbound)(void);
	struct held_key *held;
	struct sign_keys *keys;
	struct worker workers[WORKERS];
	struct worker program;	/* of which programs have many threads */
	struct programs *programs;
	pthread_t timer;
	int64_t swept_s;	/* the timer's: the last sweep of all */
	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t changed;
	uint64_t hints;		/* how often there may have been work */
	bool stopping;
};

/* --- one job ------------------------------------------------------------ */

struct run {
	struct worker *worker;
	struct settings *settings;
	const struct job *job;
	struct held_result result;	/* of an answer about a held post */
	struct robot_result robot;	/* of commands */
	bool expired;			/* a held post */
	struct program_made made;	/* STAGE_PROGRAM */
	struct pending_next next;	/* of a post */
	struct archive_result archived;
};

/* Commands of older versions wait in pending. */
static bool
is_command(const struct run *run)
{
	return (run->worker->stage == STAGE_COMMAND ||
		run->worker->stage == STAGE_PENDING) &&
		robot_takes(run->job);
}

static bool
is_answer(const struct run *run)
{
	return is_command(run) &&
		held_is_answer(run->worker->stages->held, run->job);
}

static enum err_code
run_command(struct txn *txn, struct run *run, int64_t now_ms, struct err *err)
{
	const struct stages *stages = run->worker->stages;
	const struct robot_with with = {
		.store = stages->store, .settings = run->settings,
		.verp = stages->verp, .held = stages->held, .now_ms = now_ms,
	};

	if (is_answer(run))
		return held_answer_run(txn, run->settings, stages->held,
				       run->job, now_ms, &run->result, err);
	return robot_run(txn, &with, run->job, &run->robot, err);
}

static enum err_code
run_body(struct txn *txn, void *arg, struct err *err)
{
	struct run *run = arg;
	const struct stages *stages = run->worker->stages;
	int64_t now_ms = clock_ms();

	switch (run->worker->stage) {
	case STAGE_BOUNCE:
		return bounce_run(txn, run->settings, stages->verp, run->job,
				  err);
	case STAGE_NOTICE:
		if (bounce_is_digest(run->job))
			return bounce_digest_run(txn, run->settings, run->job,
						 now_ms, err);
		return held_notice_run(txn, run->settings, stages->held,
				       run->job, now_ms, err);
	case STAGE_HELD:
		return held_expire_run(txn, run->job, now_ms, &run->expired,
				       err);
	case STAGE_ARCHIVE:
		return archive_run(txn, run->settings, run->job,
				   &run->archived, err);
	default:
		break;
	}
	if (is_command(run))
		return run_command(txn, run, now_ms, err);
	return pending_run_made(txn, &(struct pending_with){
		run->settings, stages->verp, stages->keys },
		run->worker->stage == STAGE_PROGRAM ? &run->made : NULL,
		&run->next, run->job, err);
}

/* What became of held posts: nobody else says it in the log. */
static void
log_held(const struct run *run)
{
	const struct job *job = run->job;
	char id[POST_ID_TEXT + 1];
	struct log_ctx ctx = { .list = job->list_addr, .id = id };

	post_id_text(&job->post, id);
	if (run->expired)
		log_info(&ctx, "held.expired", kv_str("reason",
			 job_held_for(job)));
	if (!is_answer(run) || run->result.outcome != HELD_DONE)
		return;
	post_id_text(&run->result.post, id);
	log_info(&ctx, "held.decided", kv_str("decision",
		 held_decision_name(run->result.decision)));
}

static void
log_command(const struct run *run)
{
	char id[POST_ID_TEXT + 1];
	struct log_ctx ctx = { .list = run->job->list_addr, .id = id };

	if (!is_command(run) || is_answer(run))
		return;
	post_id_text(&run->job->post, id);
	log_info(&ctx, "command.run", kv_str("to",
		 role_name(run->job->role)), kv_num("commands",
		 run->robot.commands), kv_num("done", run->robot.done),
		 kv_str("answered", run->robot.answered ? "yes" : "no"));
}

static void
log_archived(const struct run *run)
{
	const struct archive_result *archived = &run->archived;
	char id[POST_ID_TEXT + 1];
	struct log_ctx ctx = { .list = run->job->list_addr, .id = id };

	post_id_text(&run->job->post, id);
	if (archived->torn > 0)
		log_warning(&ctx, "archive.torn", kv_num("octets",
			    (int64_t)archived->torn), kv_str("todo", "look at "
			    "mbox.torn: nobody but musterd may write to "
			    "mbox"));
	if (archived->number > 0)
		log_info(&ctx, "post.archived", kv_num("number",
			 archived->number), kv_num("size",
			 (int64_t)archived->size));
}

static void
log_job_failed(const struct job *job, const struct err *why)
{
	char post[POST_ID_TEXT + 1];
	struct log_ctx ctx = { .list = job->list_addr, .id = post };

	post_id_text(&job->post, post);
	log_warning(&ctx, "job.failed", kv_str("stage",
		    stage_name(job->stage)), kv_num("attempts",
		    job->attempts), kv_str("what", why->what),
		    kv_str("todo", why->todo));
}

/* What waits for the archive's disk says so once, not each minute. */
static void
log_failed(const struct job *job, const struct err *why)
{
	if (job->stage != STAGE_ARCHIVE || strcmp(job->reason, why->what) != 0)
		log_job_failed(job, why);
}

static bool
is_stopping(void *arg)
{
	struct stages *stages = arg;
	bool stopping;

	(void) pthread_mutex_lock(&stages->lock);
	stopping = stages->stopping;
	(void) pthread_mutex_unlock(&stages->lock);
	return stopping;
}

/* One stage has something new; the others need not look. */
static void
wake_stage(struct stages *stages, enum stage stage)
{
	(void) pthread_mutex_lock(&stages->lock);
	for (size_t i = 0; i < WORKERS; i++)
		stages->workers[i].hints += stages->workers[i].stage == stage;
	(void) pthread_cond_broadcast(&stages->changed);
	(void) pthread_mutex_unlock(&stages->lock);
}

/* Before the transaction begins, since it may take its time. */
static enum err_code
make_program(struct run *run, struct err *err)
{
	struct stages *stages = run->worker->stages;

	return program_run(&(struct program_with){
		.store = stages->store, .settings = run->settings,
		.is_stopped = is_stopping, .arg = stages }, run->job,
		&run->made, err);
}

static enum err_code
run_job(struct worker *worker, struct settings *settings,
	const struct job *job, struct err *err)
{
	struct run run = { .worker = worker, .settings = settings,
			   .job = job };
	enum err_code rc = ERR_OK;

	if (worker->stage == STAGE_PROGRAM)
		rc = make_program(&run, err);
	if (rc == ERR_OK)
		rc = store_txn(worker->stages->store, TXN_LAZY, run_body,
			       &run, err);
	program_made_done(&run.made);
	if (rc != ERR_OK)
		return rc;
	if (run.next.program)
		programs_wake(worker->stages->programs);
	if (run.next.archive)
		wake_stage(worker->stages, STAGE_ARCHIVE);
	log_held(&run);
	log_command(&run);
	log_archived(&run);
	return rc;
}

/* A program may ask for another try; what else fails has its attempts. */
static enum err_code
not_done(struct worker *worker, const struct settings *settings,
	 const struct job *job, const struct err *why, struct err *err)
{
	struct store *store = worker->stages->store;

	if (worker->stage != STAGE_PROGRAM || why->code != ERR_DOWN)
		return attempt_failed(store, job, why, err);
	return attempt_later(store, job, why, settings->retry_most_s * 1000,
			     settings->max_age_s * 1000, err);
}

/* How much longer than others a job of this stage may take. */
static int64_t
more_ms(const struct worker *worker, const struct settings *settings)
{
	int64_t most_s = 0;

	if (worker->stage != STAGE_PROGRAM)
		return 0;
	for (size_t i = 0; i < settings->program_count; i++)
		most_s = MAX(most_s, settings->programs[i].time_s);
	return most_s * 1000 + SANDBOX_END_MS;
}

/* False: not even begun, so there is no use in going on now. */
static bool
do_job(struct worker *worker, struct settings *settings, struct job *job)
{
	struct store *store = worker->stages->store;
	struct err err = ERR_INIT, second = ERR_INIT;
	bool go = false;
	enum err_code rc;

	if (attempt_begin(store, job, settings->attempts, &go, &err) !=
	    ERR_OK) {
		log_job_failed(job, &err);
		return false;
	}
	if (!go)
		return true;
	watch_job(job, true);
	watch_more(more_ms(worker, settings));
	rc = run_job(worker, settings, job, &err);
	watch_end();
	if (rc == ERR_OK)
		return true;
	log_failed(job, &err);
	if (not_done(worker, settings, job, &err, &second) == ERR_OK)
		return true;
	log_job_failed(job, &second);
	return false;
}

/* --- the threads -------------------------------------------------------- */

/* For programs_start() */
static void
do_program(void *arg, struct settings *settings, struct job *job)
{
	struct worker *worker = arg;

	if (do_job(worker, settings, job))
		worker->stages->wake_outbound();
}

/* Until there is a hint that was not *seen, or for wait_ms. */
static void
wait_hint(struct worker *worker, uint64_t *seen, int64_t wait_ms)
{
	struct stages *stages = worker->stages;
	int64_t until_ms = wire_now_ms() + wait_ms;

	(void) pthread_mutex_lock(&stages->lock);
	while (!stages->stopping && *seen == stages->hints + worker->hints)
		if (clock_cond_until(&stages->changed, &stages->lock,
				     until_ms) != 0)
			break;
	*seen = stages->hints + worker->hints;
	(void) pthread_mutex_unlock(&stages->lock);
}

/* Everything that is due; *next_ms: when there will be more. */
static guint
do_due(struct worker *worker, int64_t *next_ms)
{
	g_autoptr(GPtrArray) jobs = NULL;
	struct settings *settings = worker->stages->settings();
	struct err err = ERR_INIT;
	guint done = 0;

	*next_ms = INT64_MAX;
	if (queue_due(worker->stages->store, worker->turn, clock_ms(), BATCH,
		      &jobs, next_ms, &err) != ERR_OK)
		log_err(NULL, "queue.failed", &err);
	while (jobs != NULL && done < jobs->len &&
	       !is_stopping(worker->stages) &&
	       do_job(worker, settings, g_ptr_array_index(jobs, done)))
		done++;
	if (done > 0)
		worker->stages->wake_outbound();
	settings_unref(settings);
	return done;
}

static void *
work(void *data)
{
	struct worker *worker = data;
	uint64_t seen = 0;
	int64_t next_ms;

	(void) pthread_setname_np(pthread_self(), stage_name(worker->stage));
	while (!is_stopping(worker->stages)) {
		if (do_due(worker, &next_ms) > 0)
			continue;
		next_ms -= MIN(next_ms, clock_ms());
		wait_hint(worker, &seen, MIN(next_ms, IDLE_MS));
	}
	return NULL;
}

/* The longest that a job of the stage is ever put off, and a good hour. */
static int64_t
longest_wait_ms(enum stage stage, const struct settings *settings)
{
	int64_t longest_s = ATTEMPT_REST_MOST_MS / 1000;

	if (stage == STAGE_NOTICE)
		longest_s = MAX(longest_s, 86400);	/* digests */
	if (stage == STAGE_PROGRAM)
		longest_s = MAX(longest_s, settings->retry_most_s);
	if (stage == STAGE_OUTBOUND)
		longest_s = MAX(longest_s, settings->retry_most_s * 5 / 4);
	for (size_t i = 0; stage == STAGE_OUTBOUND &&
	     i < settings->domain_limit_count; i++)
		longest_s = MAX(longest_s,
				settings->domain_limits[i].seconds);
	return (longest_s + SLACK_S) * 1000;
}

/* Jobs of a time that is no more: the clock has been set back. Held posts
 * wait for a date, and keep it. */
static void
hasten(struct stages *stages, const struct settings *settings)
{
	static const enum stage all[] = {
		STAGE_PENDING, STAGE_BOUNCE, STAGE_NOTICE, STAGE_COMMAND,
		STAGE_PROGRAM, STAGE_OUTBOUND, STAGE_ARCHIVE,
	};
	struct err err = ERR_INIT;
	uint64_t count = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		if (queue_hasten(stages->store, all[i], clock_ms() +
				 longest_wait_ms(all[i], settings), &count,
				 &err) != ERR_OK)
			log_err(NULL, "housekeeping.failed", &err);
		if (count == 0)
			continue;
		log_warning(NULL, "clock.was-set-back", kv_str("stage",
			    stage_name(all[i])), kv_num("jobs", count),
			    kv_str("todo", "nothing: what waited for a "
			    "later date is done now"));
		stages_wake(stages);
		stages->wake_outbound();
	}
}

/* Hourly; where much has failed at once, within the minute. */
static void
sweep_bounces(struct stages *stages, const struct settings *settings)
{
	int64_t now_s = clock_s();
	const bool hasty = now_s >= stages->swept_s &&
		now_s - stages->swept_s < SWEEP_S;
	struct err err = ERR_INIT;
	uint64_t done = 0;

	if (!hasty)
		stages->swept_s = now_s;
	if (bounce_sweep(stages->store, settings, now_s, hasty, is_stopping,
			 stages, &done, &err) != ERR_OK)
		log_err(NULL, "housekeeping.failed", &err);
	if (done > 0) {
		stages_wake(stages);
		stages->wake_outbound();
	}
}

static void
close_digests(struct stages *stages, const struct settings *settings)
{
	struct err err = ERR_INIT;
	unsigned int closed = 0;

	if (digest_tick(stages->store, settings, clock_s(), &closed, &err) !=
	    ERR_OK)
		log_err(NULL, "housekeeping.failed", &err);
	if (closed > 0)
		stages_wake(stages);
}

static void
keep_house(struct stages *stages)
{
	struct settings *settings = stages->settings();
	int64_t now_s = clock_s();
	struct err err = ERR_INIT;
	bool more = true;

	if (seen_expire(stages->store, now_s - settings->seen_keep_s, &err)
	    != ERR_OK || trace_expire(stages->store, now_s -
				      settings->trace_keep_s, &err) != ERR_OK ||
	    rate_expire(stages->store, now_s * 1000 - RATE_WINDOW_MS, &err)
	    != ERR_OK || token_expire(stages->store, now_s, &err) != ERR_OK ||
	    event_expire(stages->store, now_s - settings->trace_keep_s, &err)
	    != ERR_OK)
		log_err(NULL, "housekeeping.failed", &err);
	hasten(stages, settings);
	sweep_bounces(stages, settings);
	close_digests(stages, settings);
	while (more && !is_stopping(stages)) {
		more = false;
		if (list_purge(stages->store, &more, &err) != ERR_OK)
			log_err(NULL, "housekeeping.failed", &err);
	}
	settings_unref(settings);
}

/* Hints of work are none of its business. */
static void
wait_stop(struct stages *stages, int64_t wait_ms)
{
	int64_t until_ms = wire_now_ms() + wait_ms;

	(void) pthread_mutex_lock(&stages->lock);
	while (!stages->stopping)
		if (clock_cond_until(&stages->changed, &stages->lock,
				     until_ms) != 0)
			break;
	(void) pthread_mutex_unlock(&stages->lock);
}

static void *
tick(void *data)
{
	struct stages *stages = data;

	while (!is_stopping(stages)) {
		keep_house(stages);
		wait_stop(stages, HOUSEKEEPING_MS);
	}
	return NULL;
}

static void
start_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
	if (pthread_create(thread, NULL, run, arg) != 0)
		g_error("cannot start a thread");
}

struct stages *
stages_start(struct store *store, struct settings *(*settings)(void),
	     const struct verp *verp, void (*wake_outbound)(void))
{
	/* Posts must not come in faster than they go on. */
	static const struct { enum stage stage; unsigned int part, parts; }
	all[WORKERS] = {
		{ STAGE_PENDING, 0, 4 }, { STAGE_PENDING, 1, 4 },
		{ STAGE_PENDING, 2, 4 }, { STAGE_PENDING, 3, 4 },
		{ STAGE_BOUNCE, 0, 1 }, { STAGE_NOTICE, 0, 1 },
		{ STAGE_HELD, 0, 1 }, { STAGE_COMMAND, 0, 1 },
		{ STAGE_ARCHIVE, 0, 1 },
	};
	struct stages *stages = g_new0(struct stages, 1);

	stages->store = store;
	stages->settings = settings;
	stages->verp = verp;
	stages->wake_outbound = wake_outbound;
	stages->held = held_key_new(store_secret(store));
	stages->keys = sign_keys_new();
	(void) pthread_mutex_init(&stages->lock, NULL);
	clock_cond_init(&stages->changed);
	/* Each may be woken by any other. */
	for (size_t i = 0; i < WORKERS; i++)
		stages->workers[i] = (struct worker){ .stages = stages,
			.stage = all[i].stage, .turn = queue_turn_new(
				all[i].stage, all[i].part, all[i].parts) };
	stages->program = (struct worker){ .stages = stages,
		.stage = STAGE_PROGRAM };
	stages->programs = programs_start(store, settings, do_program,
					  &stages->program);
	for (size_t i = 0; i < WORKERS; i++)
		start_thread(&stages->workers[i].thread, work,
			     &stages->workers[i]);
	start_thread(&stages->timer, tick, stages);
	return stages;
}

void
stages_wake(struct stages *stages)
{
	(void) pthread_mutex_lock(&stages->lock);
	stages->hints++;
	(void) pthread_cond_broadcast(&stages->changed);
	(void) pthread_mutex_unlock(&stages->lock);
	programs_wake(stages->programs);
}

void
stages_stop(struct stages *stages)
{
	(void) pthread_mutex_lock(&stages->lock);
	stages->stopping = true;
	(void) pthread_cond_broadcast(&stages->changed);
	(void) pthread_mutex_unlock(&stages->lock);
	for (size_t i = 0; i < WORKERS; i++) {
		(void) pthread_join(stages->workers[i].thread, NULL);
		queue_turn_free(stages->workers[i].turn);
	}
	(void) pthread_join(stages->timer, NULL);
	programs_stop(stages->programs);
	held_key_free(stages->held);
	sign_keys_free(stages->keys);
	(void) pthread_cond_destroy(&stages->changed);
	(void) pthread_mutex_destroy(&stages->lock);
	g_free(stages);
}
