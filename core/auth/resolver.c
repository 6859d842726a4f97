/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/resolver.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/auth/resolver_ctx.h"
#include "core/auth/resolver_query.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

/*
 * One thread owns libunbound's context and all that goes on with it; others
 * leave notes. libunbound does the work in a thread of its own and talks to
 * ours over a pipe (ub_fd).
 */
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
	unsigned int sockets;
	enum err_code rc;

	rc = resolver_ctx_new(servers, &ctx, &sockets, err);
	if (rc != ERR_OK)
		return rc;
	resolver = g_new0(struct resolver, 1);
	resolver->ctx = ctx;
	resolver->sockets = sockets;
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
