/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/programs.h"

#include <pthread.h>
#include <string.h>

#include <glib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/pending/program.h"
#include "core/base/banned.h"

#define BATCH 64
#define IDLE_MS 5000		/* a hint may get lost */

struct programs {
	struct store *store;
	struct settings *(*settings)(void);
	void (*run)(void *arg, struct settings *settings, struct job *job);
	void *arg;
	struct queue_turn *turn;	/* the dispatcher's, like this: */
	bool probed;
	pthread_t thread;
	pthread_mutex_t lock;		/* of all below */
	pthread_cond_t changed;
	uint64_t changes;		/* jobs that came, or ended */
	GPtrArray *busy;		/* of struct job *, borrowed from the
					 * threads that are at them */
	bool stopping;
};

/* --- a job's thread ----------------------------------------------------- */

struct task {
	struct programs *programs;
	struct settings *settings;
	struct job *job;
};

static void
change_locked(struct programs *programs)
{
	programs->changes++;
	(void) pthread_cond_broadcast(&programs->changed);
}

static void *
work(void *arg)
{
	struct task *task = arg;
	struct programs *programs = task->programs;

	(void) pthread_setname_np(pthread_self(), "program");
	programs->run(programs->arg, task->settings, task->job);
	settings_unref(task->settings);
	(void) pthread_mutex_lock(&programs->lock);
	(void) g_ptr_array_remove_fast(programs->busy, task->job);
	change_locked(programs);
	(void) pthread_mutex_unlock(&programs->lock);
	job_free(task->job);
	g_free(task);
	return NULL;
}

/* False: no thread is to be had now. */
static bool
start_locked(struct programs *programs, struct settings *settings,
	     struct job *job)
{
	struct task *task = g_new(struct task, 1);
	pthread_attr_t detached;
	pthread_t thread;
	int rc;

	*task = (struct task){ programs, settings_ref(settings), job };
	g_ptr_array_add(programs->busy, job);
	(void) pthread_attr_init(&detached);
	(void) pthread_attr_setdetachstate(&detached,
					   PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &detached, work, task);
	(void) pthread_attr_destroy(&detached);
	if (rc == 0)
		return true;
	(void) g_ptr_array_remove_fast(programs->busy, job);
	settings_unref(task->settings);
	g_free(task);
	return false;
}

/* --- what may be begun -------------------------------------------------- */

enum answer { BEGUN, NOT_NOW, FULL };

static enum answer
may_begin_locked(const struct programs *programs,
		 const struct settings *settings, const struct job *job)
{
	int64_t of_list = 0;

	if (programs->stopping ||
	    programs->busy->len >= settings->programs_most)
		return FULL;
	for (guint i = 0; i < programs->busy->len; i++) {
		const struct job *other = programs->busy->pdata[i];

		if (memcmp(&other->id, &job->id, sizeof(job->id)) == 0)
			return NOT_NOW;
		of_list += other->list == job->list;
	}
	return of_list < settings->programs_of_list ? BEGUN : NOT_NOW;
}

/* Takes the job where it begins. */
static enum answer
begin(struct programs *programs, struct settings *settings, struct job **job)
{
	enum answer answer;

	(void) pthread_mutex_lock(&programs->lock);
	answer = may_begin_locked(programs, settings, *job);
	if (answer == BEGUN) {
		if (start_locked(programs, settings, *job))
			*job = NULL;
		else
			answer = FULL;
	}
	(void) pthread_mutex_unlock(&programs->lock);
	return answer;
}

/* --- the dispatcher ----------------------------------------------------- */

struct round {
	int64_t next_ms;	/* when there will be more */
	bool has_first;
	struct post_id first;	/* the first that could not begin: when it
				 * comes again all have been asked */
	bool is_over;
};

static void
look_at(struct programs *programs, struct settings *settings,
	struct job **job, struct round *round)
{
	if (round->has_first && memcmp(&round->first, &(*job)->id,
				       sizeof(round->first)) == 0) {
		round->is_over = true;
		return;
	}
	switch (begin(programs, settings, job)) {
	case BEGUN:
		return;
	case FULL:
		round->is_over = true;
		return;
	case NOT_NOW:
		if (!round->has_first)
			round->first = (*job)->id;
		round->has_first = true;
		return;
	}
}

static bool
look_at_some(struct programs *programs, struct settings *settings,
	     struct round *round)
{
	g_autoptr(GPtrArray) jobs = NULL;
	struct err err = ERR_INIT;
	const int64_t now_ms = clock_ms();

	round->next_ms = INT64_MAX;
	if (queue_due(programs->store, programs->turn, now_ms, BATCH, &jobs,
		      &round->next_ms, &err) != ERR_OK) {
		log_err(NULL, "queue.failed", &err);
		return false;
	}
	for (guint i = 0; i < jobs->len && !round->is_over; i++) {
		look_at(programs, settings, (struct job **)&jobs->pdata[i],
			round);
	}
	return jobs->len > 0 && round->next_ms <= now_ms;
}

/* What holds a program is said once, when there is one. */
static void
probe(struct programs *programs, const struct settings *settings)
{
	struct err err = ERR_INIT;
	g_autofree char *holds = NULL;

	if (programs->probed || settings->program_count == 0)
		return;
	programs->probed = true;
	if (program_probe(settings, &holds, &err) != ERR_OK)
		log_err(NULL, "sandbox.failed", &err);
	else
		log_info(NULL, "sandbox.holds", kv_str("by", holds));
}

/* All that is due and may begin; how long it may be until the next look. */
static int64_t
look(struct programs *programs)
{
	struct settings *settings = programs->settings();
	struct round round = { 0 };

	probe(programs, settings);
	while (look_at_some(programs, settings, &round) && !round.is_over)
		;
	settings_unref(settings);
	if (round.is_over || round.has_first)
		return IDLE_MS;		/* the next that ends wakes us */
	return CLAMP(round.next_ms - clock_ms(), 1, IDLE_MS);
}

static void *
dispatch(void *arg)
{
	struct programs *programs = arg;
	uint64_t seen;
	int64_t until_ms;

	(void) pthread_setname_np(pthread_self(), "programs");
	(void) pthread_mutex_lock(&programs->lock);
	while (!programs->stopping) {
		seen = programs->changes;
		(void) pthread_mutex_unlock(&programs->lock);
		until_ms = look(programs) + wire_now_ms();
		(void) pthread_mutex_lock(&programs->lock);
		while (!programs->stopping && seen == programs->changes)
			if (clock_cond_until(&programs->changed,
					     &programs->lock, until_ms) != 0)
				break;
	}
	while (programs->busy->len > 0)
		(void) pthread_cond_wait(&programs->changed, &programs->lock);
	(void) pthread_mutex_unlock(&programs->lock);
	return NULL;
}

struct programs *
programs_start(struct store *store, struct settings *(*settings)(void),
	       void (*run)(void *arg, struct settings *settings,
			   struct job *job), void *arg)
{
	struct programs *programs = g_new0(struct programs, 1);

	programs->store = store;
	programs->settings = settings;
	programs->run = run;
	programs->arg = arg;
	programs->turn = queue_turn_new(STAGE_PROGRAM, 0, 1);
	programs->busy = g_ptr_array_new();
	(void) pthread_mutex_init(&programs->lock, NULL);
	clock_cond_init(&programs->changed);
	if (pthread_create(&programs->thread, NULL, dispatch, programs) != 0)
		g_error("cannot start a thread");
	return programs;
}

void
programs_wake(struct programs *programs)
{
	(void) pthread_mutex_lock(&programs->lock);
	change_locked(programs);
	(void) pthread_mutex_unlock(&programs->lock);
}

void
programs_stop(struct programs *programs)
{
	(void) pthread_mutex_lock(&programs->lock);
	programs->stopping = true;
	change_locked(programs);
	(void) pthread_mutex_unlock(&programs->lock);
	(void) pthread_join(programs->thread, NULL);
	queue_turn_free(programs->turn);
	g_ptr_array_unref(programs->busy);
	(void) pthread_cond_destroy(&programs->changed);
	(void) pthread_mutex_destroy(&programs->lock);
	g_free(programs);
}
