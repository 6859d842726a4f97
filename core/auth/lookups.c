/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/lookups.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include <glib.h>

#include "core/auth/dns_answer.h"
#include "core/auth/dns_name.h"
#include "core/auth/resolver_ask.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

/*
 * A question has no answer while it is under way, and then one that stays: an
 * evaluation that is repeated must find what it found before. So what comes
 * after the deadline is dropped, even if nobody has looked yet.
 *
 * Two hold a struct lookups: its owner until lookups_free(), and the
 * resolver's thread until it calls released(). Whoever goes last frees it.
 */
struct question {
	struct dns_answer *answer;	/* NULL: under way */
	GPtrArray *replaced;		/* earlier ones, maybe in use */
};

struct lookups {
	struct asker *asker;	/* NULL: without a resolver */
	int64_t deadline_ms;
	void (*changed)(void *arg);
	void *arg;
	struct dns_answer *too_many;

	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t event;	/* an answer, or changed() has returned */
	GHashTable *questions;	/* "TYPE NAME" -> struct question */
	size_t open;		/* questions under way */
	unsigned int holders;
	bool missed;		/* the deadline has passed with some open */
	bool closed;		/* by lookups_free() */
	bool calling;		/* changed() is running */
};

static void
question_free(gpointer data)
{
	struct question *question = data;

	dns_answer_free(question->answer);
	if (question->replaced != NULL)
		g_ptr_array_unref(question->replaced);
	g_free(question);
}

/* Locked; unlocks. */
static void
drop_hold(struct lookups *lookups)
{
	bool is_last = --lookups->holders == 0;

	(void)pthread_mutex_unlock(&lookups->lock);
	if (!is_last)
		return;
	g_hash_table_unref(lookups->questions);
	dns_answer_free(lookups->too_many);
	(void)pthread_cond_destroy(&lookups->event);
	(void)pthread_mutex_destroy(&lookups->lock);
	g_free(lookups);
}

/* --- in the resolver's thread -------------------------------------------- */

/* Locked; unlocks while changed() runs. */
static void
tell(struct lookups *lookups)
{
	(void)pthread_cond_broadcast(&lookups->event);
	if (lookups->changed == NULL || lookups->closed)
		return;
	lookups->calling = true;
	(void)pthread_mutex_unlock(&lookups->lock);
	lookups->changed(lookups->arg);
	(void)pthread_mutex_lock(&lookups->lock);
	lookups->calling = false;
	(void)pthread_cond_broadcast(&lookups->event);
}

/* Every question that is open fails. Locked. */
static void
miss_deadline(struct lookups *lookups)
{
	GHashTableIter iter;
	gpointer value;

	if (lookups->open == 0)
		return;
	g_hash_table_iter_init(&iter, lookups->questions);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct question *question = value;

		if (question->answer == NULL)
			question->answer = dns_answer_failed(
				"no answer by the deadline");
	}
	lookups->open = 0;
	lookups->missed = true;
}

static bool
is_past_deadline(const struct lookups *lookups)
{
	return wire_now_ms() >= lookups->deadline_ms;
}

static void
on_answered(void *arg, void *data, struct dns_answer *answer)
{
	struct lookups *lookups = arg;
	struct question *question = data;

	(void)pthread_mutex_lock(&lookups->lock);
	if (is_past_deadline(lookups))
		miss_deadline(lookups);
	if (question->answer != NULL) {
		dns_answer_free(answer);
	} else {
		question->answer = answer;
		lookups->open--;
		tell(lookups);
	}
	(void)pthread_mutex_unlock(&lookups->lock);
}

static void
on_expired(void *arg)
{
	struct lookups *lookups = arg;

	(void)pthread_mutex_lock(&lookups->lock);
	miss_deadline(lookups);
	if (lookups->missed)
		tell(lookups);
	(void)pthread_mutex_unlock(&lookups->lock);
}

static void
on_released(void *arg)
{
	struct lookups *lookups = arg;

	(void)pthread_mutex_lock(&lookups->lock);
	drop_hold(lookups);
}

static const struct asker_calls calls = {
	.answered = on_answered,
	.expired = on_expired,
	.released = on_released,
};

/* --- the owner's side ---------------------------------------------------- */

struct lookups *
lookups_new(struct resolver *resolver, int64_t deadline_ms,
	    void (*changed)(void *arg), void *arg)
{
	struct lookups *lookups = g_new0(struct lookups, 1);
	pthread_condattr_t attr;

	lookups->deadline_ms = deadline_ms;
	lookups->changed = changed;
	lookups->arg = arg;
	lookups->too_many = dns_answer_failed("too many questions");
	lookups->questions = g_hash_table_new_full(g_str_hash, g_str_equal,
						   g_free, question_free);
	(void)pthread_mutex_init(&lookups->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&lookups->event, &attr);
	(void)pthread_condattr_destroy(&attr);
	lookups->holders = 1;
	if (resolver == NULL)
		return lookups;
	lookups->holders = 2;
	lookups->asker = asker_new(resolver, deadline_ms, &calls, lookups);
	return lookups;
}

void
lookups_free(struct lookups *lookups)
{
	if (lookups == NULL)
		return;
	if (lookups->asker != NULL)
		asker_end(lookups->asker);
	(void)pthread_mutex_lock(&lookups->lock);
	lookups->closed = true;
	while (lookups->calling)
		(void)pthread_cond_wait(&lookups->event, &lookups->lock);
	drop_hold(lookups);
}

/* A question that is asked for the first time. Locked. */
static struct question *
question_add(struct lookups *lookups, char *key, const char *canon,
	     enum dns_type type)
{
	struct question *question = g_new0(struct question, 1);

	g_hash_table_insert(lookups->questions, key, question);
	if (canon == NULL || lookups->asker == NULL) {
		question->answer = dns_answer_new(DNS_NXDOMAIN);
		return question;
	}
	lookups->open++;
	asker_ask(lookups->asker, canon, type, question);
	return question;
}

static char *
question_key(const char *canon, enum dns_type type)
{
	/* All that no name can be are one question. */
	return g_strdup_printf("%d %s", (int)type,
			       canon == NULL ? "" : canon);
}

/* NULL: there are too many. Locked. */
static struct question *
question_of(struct lookups *lookups, const char *name, enum dns_type type)
{
	g_autofree char *canon = dns_name_canon(name);
	g_autofree char *key = question_key(canon, type);
	struct question *question =
		g_hash_table_lookup(lookups->questions, key);

	if (question != NULL)
		return question;
	if (g_hash_table_size(lookups->questions) >= LOOKUPS_MAX)
		return NULL;
	return question_add(lookups, g_steal_pointer(&key), canon, type);
}

static const struct dns_answer *
answer_of(struct lookups *lookups, const struct question *question)
{
	if (question == NULL)
		return lookups->too_many;
	if (question->answer == NULL && is_past_deadline(lookups))
		miss_deadline(lookups);
	return question->answer;
}

const struct dns_answer *
lookups_get(struct lookups *lookups, const char *name, enum dns_type type)
{
	const struct dns_answer *answer;

	(void)pthread_mutex_lock(&lookups->lock);
	answer = answer_of(lookups, question_of(lookups, name, type));
	(void)pthread_mutex_unlock(&lookups->lock);
	return answer;
}

const struct dns_answer *
lookups_await(struct lookups *lookups, const char *name, enum dns_type type)
{
	struct timespec until = {
		.tv_sec = (time_t)(lookups->deadline_ms / 1000),
		.tv_nsec = (long)(lookups->deadline_ms % 1000) * 1000000L,
	};
	const struct question *question;
	const struct dns_answer *answer;

	(void)pthread_mutex_lock(&lookups->lock);
	question = question_of(lookups, name, type);
	while ((answer = answer_of(lookups, question)) == NULL)
		(void)pthread_cond_timedwait(&lookups->event, &lookups->lock,
					     &until);
	(void)pthread_mutex_unlock(&lookups->lock);
	return answer;
}

size_t
lookups_open(struct lookups *lookups)
{
	size_t open;

	(void)pthread_mutex_lock(&lookups->lock);
	if (is_past_deadline(lookups))
		miss_deadline(lookups);
	open = lookups->open;
	(void)pthread_mutex_unlock(&lookups->lock);
	return open;
}

/* A new answer with the records of the old one, which may be in use. */
static struct dns_answer *
answer_with(const struct dns_answer *old, enum dns_status status,
	    const struct dns_record *record)
{
	struct dns_answer *answer =
		status == DNS_FAILED ? dns_answer_failed("failed")
				     : dns_answer_new(status);

	for (size_t i = 0; old != NULL && i < old->count; i++)
		dns_answer_add(answer, &old->records[i]);
	if (record != NULL)
		dns_answer_add(answer, record);
	return answer;
}

/* Locked */
static struct question *
question_to_put(struct lookups *lookups, const char *name,
		enum dns_type type)
{
	g_autofree char *canon = dns_name_canon(name);
	g_autofree char *key = question_key(canon, type);
	struct question *question =
		g_hash_table_lookup(lookups->questions, key);

	if (question == NULL) {
		question = g_new0(struct question, 1);
		g_hash_table_insert(lookups->questions, g_steal_pointer(&key),
				    question);
	} else if (question->answer == NULL) {
		lookups->open--;
	}
	return question;
}

void
lookups_put(struct lookups *lookups, const char *name, enum dns_type type,
	    enum dns_status status, const struct dns_record *record)
{
	struct question *question;
	struct dns_answer *answer;

	(void)pthread_mutex_lock(&lookups->lock);
	question = question_to_put(lookups, name, type);
	answer = answer_with(question->answer, status, record);
	if (question->replaced == NULL)
		question->replaced = g_ptr_array_new_with_free_func(
			(GDestroyNotify)dns_answer_free);
	if (question->answer != NULL)
		g_ptr_array_add(question->replaced, question->answer);
	question->answer = answer;
	(void)pthread_cond_broadcast(&lookups->event);
	(void)pthread_mutex_unlock(&lookups->lock);
}
