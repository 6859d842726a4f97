/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/resolver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <glib.h>
#include <unbound.h>

#include "core/auth/dns_answer.h"
#include "core/auth/dns_name.h"
#include "core/auth/resolver_ask.h"
#include "core/auth/resolver_ctx.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

/*
 * One thread owns libunbound's context and everything here but the notes,
 * which others leave for it under the lock. libunbound does the work in a
 * thread of its own and talks to ours over a pipe (ub_fd).
 *
 * ub_cancel() is not used: with a thread behind the context (libunbound 1.17)
 * it only keeps the answer back, while the query goes on trying and holds its
 * memory and its socket. So a query whose askers have all gone stays here too,
 * counted, until its answer comes; who asks the same meanwhile joins it.
 *
 * Fairness: a message has at most ASKER_QUERIES_MAX queries under way, the
 * others of its questions wait for these. So those who ask for silent names
 * by the hundred are in their own way first.
 */
#define ASKER_QUERIES_MAX 16
#define RESOLVER_QUERIES_MAX 8192

struct resolver {
	struct ub_ctx *ctx;
	pthread_t thread;
	int wake_fd;

	pthread_mutex_t lock;	/* of these two */
	GQueue notes;		/* of struct note, oldest first */
	bool is_stopping;

	/* The thread's own */
	GHashTable *queries;	/* key -> struct query, in libunbound */
	GSequence *deadlines;	/* of struct asker, nearest first */
};

/* Of the thread's own but for the first four, which do not change */
struct asker {
	struct resolver *resolver;
	int64_t deadline_ms;
	const struct asker_calls *calls;
	void *arg;
	GSequenceIter *deadline;	/* NULL: nothing was asked yet */
	bool has_expired;
	GQueue asked;		/* of struct waiter that have a query */
	GQueue waiting;		/* of struct waiter that have none yet */
};

/* A question of an asker */
struct waiter {
	struct asker *asker;
	void *question;
	char *canon;
	enum dns_type type;
	struct query *query;
};

/* A question that is in libunbound */
struct query {
	struct resolver *resolver;
	char *key;		/* "TYPE NAME" */
	enum dns_type type;
	GQueue waiters;		/* may be empty */
};

struct note {
	struct asker *asker;
	struct waiter *waiter;	/* NULL: asker_end() */
};

/* --- for all threads ----------------------------------------------------- */

static void
wake(struct resolver *resolver)
{
	(void)eventfd_write(resolver->wake_fd, 1); /* full: it is awake */
}

static void
leave_note(struct asker *asker, struct waiter *waiter)
{
	struct resolver *resolver = asker->resolver;
	struct note *note = g_new(struct note, 1);
	bool is_first;

	note->asker = asker;
	note->waiter = waiter;
	(void)pthread_mutex_lock(&resolver->lock);
	is_first = g_queue_is_empty(&resolver->notes);
	g_queue_push_tail(&resolver->notes, note);
	(void)pthread_mutex_unlock(&resolver->lock);
	if (is_first)
		wake(resolver);
}

struct asker *
asker_new(struct resolver *resolver, int64_t deadline_ms,
	  const struct asker_calls *calls, void *arg)
{
	struct asker *asker = g_new0(struct asker, 1);

	asker->resolver = resolver;
	asker->deadline_ms = deadline_ms;
	asker->calls = calls;
	asker->arg = arg;
	return asker;
}

void
asker_ask(struct asker *asker, const char *canon, enum dns_type type,
	  void *question)
{
	struct waiter *waiter = g_new0(struct waiter, 1);

	waiter->asker = asker;
	waiter->question = question;
	waiter->canon = g_strdup(canon);
	waiter->type = type;
	leave_note(asker, waiter);
}

void
asker_end(struct asker *asker)
{
	leave_note(asker, NULL);
}

/* --- queries ------------------------------------------------------------- */

static void
waiter_free(struct waiter *waiter)
{
	g_free(waiter->canon);
	g_free(waiter);
}

static void
query_free(struct query *query)
{
	g_free(query->key);
	g_free(query);
}

/* The waiter is in no queue any more. */
static void
deliver(struct waiter *waiter, struct dns_answer *answer)
{
	struct asker *asker = waiter->asker;

	asker->calls->answered(asker->arg, waiter->question, answer);
	waiter_free(waiter);
}

static void ask_next(struct asker *asker);

/* Called by ub_process(), in our thread. */
static void
on_result(void *arg, int error, struct ub_result *result)
{
	struct query *query = arg;
	struct waiter *waiter;
	struct asker *asker;

	(void)g_hash_table_remove(query->resolver->queries, query->key);
	while ((waiter = g_queue_pop_head(&query->waiters)) != NULL) {
		asker = waiter->asker;
		(void)g_queue_remove(&asker->asked, waiter);
		deliver(waiter, resolver_ctx_answer(query->type, error,
						    result));
		ask_next(asker);
	}
	ub_resolve_free(result);
	query_free(query);
}

/* NULL, and error set: it cannot be asked. */
static struct query *
query_new(struct resolver *resolver, const struct waiter *waiter, char *key,
	  const char **error)
{
	g_autofree char *name = dns_name_escape(waiter->canon);
	struct query *query;
	int rc;

	if (g_hash_table_size(resolver->queries) >= RESOLVER_QUERIES_MAX) {
		*error = "too many questions at a time";
		return NULL;
	}
	query = g_new0(struct query, 1);
	query->resolver = resolver;
	query->key = g_strdup(key);
	query->type = waiter->type;
	rc = ub_resolve_async(resolver->ctx, name, (int)waiter->type, 1, query,
			      on_result, NULL);
	if (rc != 0) {
		*error = ub_strerror(rc);
		query_free(query);
		return NULL;
	}
	(void)g_hash_table_insert(resolver->queries, query->key, query);
	return query;
}

static void
ask(struct asker *asker, struct waiter *waiter)
{
	struct resolver *resolver = asker->resolver;
	g_autofree char *key = g_strdup_printf("%d %s", (int)waiter->type,
					       waiter->canon);
	struct query *query = g_hash_table_lookup(resolver->queries, key);
	const char *error = "";

	if (query == NULL)
		query = query_new(resolver, waiter, key, &error);
	if (query == NULL) {
		deliver(waiter, dns_answer_failed(error));
		return;
	}
	waiter->query = query;
	g_queue_push_tail(&query->waiters, waiter);
	g_queue_push_tail(&asker->asked, waiter);
}

static void
ask_next(struct asker *asker)
{
	while (asker->asked.length < ASKER_QUERIES_MAX &&
	       asker->waiting.length > 0)
		ask(asker, g_queue_pop_head(&asker->waiting));
}

/* --- askers -------------------------------------------------------------- */

/* Its queries go on without it. */
static void
forget_questions(struct asker *asker)
{
	struct waiter *waiter;

	while ((waiter = g_queue_pop_head(&asker->asked)) != NULL) {
		(void)g_queue_remove(&waiter->query->waiters, waiter);
		waiter_free(waiter);
	}
	while ((waiter = g_queue_pop_head(&asker->waiting)) != NULL)
		waiter_free(waiter);
}

static void
asker_expire(struct asker *asker)
{
	asker->has_expired = true;
	forget_questions(asker);
	asker->calls->expired(asker->arg);
}

static void
asker_release(struct asker *asker)
{
	forget_questions(asker);
	if (asker->deadline != NULL && !asker->has_expired)
		g_sequence_remove(asker->deadline);
	asker->calls->released(asker->arg);
	g_free(asker);
}

static gint
compare_deadlines(gconstpointer a, gconstpointer b, gpointer data)
{
	const struct asker *first = a, *second = b;

	(void)data;
	return first->deadline_ms < second->deadline_ms	  ? -1
	       : first->deadline_ms > second->deadline_ms ? 1
							  : 0;
}

static void
asker_take(struct asker *asker, struct waiter *waiter)
{
	if (asker->has_expired) {
		waiter_free(waiter);
		return;
	}
	if (asker->deadline == NULL)
		asker->deadline = g_sequence_insert_sorted(
			asker->resolver->deadlines, asker, compare_deadlines,
			NULL);
	g_queue_push_tail(&asker->waiting, waiter);
	ask_next(asker);
}

/* --- the thread ---------------------------------------------------------- */

/* False: it is time to stop. */
static bool
read_notes(struct resolver *resolver)
{
	eventfd_t count;
	GQueue notes;
	struct note *note;
	bool goes_on;

	(void)eventfd_read(resolver->wake_fd, &count); /* or nobody woke us */
	(void)pthread_mutex_lock(&resolver->lock);
	notes = resolver->notes;
	g_queue_init(&resolver->notes);
	goes_on = !resolver->is_stopping;
	(void)pthread_mutex_unlock(&resolver->lock);
	while ((note = g_queue_pop_head(&notes)) != NULL) {
		if (note->waiter != NULL)
			asker_take(note->asker, note->waiter);
		else
			asker_release(note->asker);
		g_free(note);
	}
	return goes_on;
}

/* Those that are past; returns for how long there are no more, as poll() has
 * it. */
static int
meet_deadlines(struct resolver *resolver)
{
	int64_t now_ms = wire_now_ms();
	GSequenceIter *iter;

	while (!g_sequence_is_empty(resolver->deadlines)) {
		struct asker *asker;

		iter = g_sequence_get_begin_iter(resolver->deadlines);
		asker = g_sequence_get(iter);
		if (asker->deadline_ms > now_ms)
			return (int)MIN(asker->deadline_ms - now_ms, 60000);
		g_sequence_remove(iter);
		asker_expire(asker);
	}
	return -1;
}

static void *
run(void *data)
{
	struct resolver *resolver = data;
	struct pollfd fds[] = {
		{ .fd = ub_fd(resolver->ctx), .events = POLLIN },
		{ .fd = resolver->wake_fd, .events = POLLIN },
	};

	while (read_notes(resolver)) {
		(void)poll(fds, 2, meet_deadlines(resolver));
		(void)ub_process(resolver->ctx);
	}
	return NULL;
}

/* --- life ---------------------------------------------------------------- */

static void
dispose(struct resolver *resolver)
{
	GHashTableIter iter;
	gpointer value;

	ub_ctx_delete(resolver->ctx);
	g_hash_table_iter_init(&iter, resolver->queries);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		query_free(value);
	g_hash_table_unref(resolver->queries);
	g_sequence_free(resolver->deadlines);
	(void)pthread_mutex_destroy(&resolver->lock);
	if (resolver->wake_fd >= 0)
		(void)close(resolver->wake_fd);
	g_free(resolver);
}

static void
ignore_answer(void *arg, int error, struct ub_result *result)
{
	(void)arg;
	(void)error;
	ub_resolve_free(result);
}

/*
 * Our thread, and the library's, which begins with the first question: one
 * that it answers itself. Signals are for the threads of the program that
 * wait for them, or they would end it.
 */
static int
start_threads(struct resolver *resolver)
{
	sigset_t all, before;
	int error, id;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)ub_resolve_async(resolver->ctx, "localhost", 1, 1, NULL,
			       ignore_answer, &id);
	error = pthread_create(&resolver->thread, NULL, run, resolver);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

enum err_code
resolver_new(char *const *servers, struct resolver **out, struct err *err)
{
	struct resolver *resolver;
	struct ub_ctx *ctx;
	enum err_code rc;

	rc = resolver_ctx_new(servers, &ctx, err);
	if (rc != ERR_OK)
		return rc;
	resolver = g_new0(struct resolver, 1);
	resolver->ctx = ctx;
	resolver->queries = g_hash_table_new(g_str_hash, g_str_equal);
	resolver->deadlines = g_sequence_new(NULL);
	(void)pthread_mutex_init(&resolver->lock, NULL);
	resolver->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resolver->wake_fd < 0)
		rc = err_errno(err, "raise LimitNOFILE", "eventfd");
	else if ((errno = start_threads(resolver)) != 0)
		rc = err_errno(err, "", "resolver: cannot start a thread");
	if (rc != ERR_OK) {
		dispose(resolver);
		return rc;
	}
	*out = resolver;
	return ERR_OK;
}

void
resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	(void)pthread_mutex_lock(&resolver->lock);
	resolver->is_stopping = true;
	(void)pthread_mutex_unlock(&resolver->lock);
	wake(resolver);
	(void)pthread_join(resolver->thread, NULL);
	dispose(resolver);
}
