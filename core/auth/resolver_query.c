/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/resolver_query.h"

#include "core/auth/dns_answer.h"
#include "core/auth/dns_name.h"
#include "core/auth/resolver_ctx.h"
#include "core/base/banned.h"

/*
 * ub_cancel() is not used: with a thread behind the context, libunbound 1.17
 * only keeps the answer back, while the query goes on trying and holds its
 * memory and its socket. So a query whose askers have all gone stays here too,
 * counted, until its answer comes (7 s, or 15 s over TCP, when there is none);
 * who asks the same meanwhile joins it.
 *
 * Each asker has so many queries under way at a time, the others of its
 * questions wait for these, and the more there are in all, the fewer it may
 * have. So those who ask for silent names by the hundred are in their own way,
 * and a post that needs three answers finds room and a socket at once.
 */
#define ASKER_QUERIES_MAX 16
#define ASKER_QUERIES_BUSY 4	/* when half of the sockets are taken */
#define ASKER_QUERIES_FULL 1	/* when all are */
#define RESOLVER_QUERIES_MAX 8192

/* --- queries ------------------------------------------------------------- */

static void
waiter_free(struct waiter *waiter)
{
	g_free(waiter->canon);
	g_free(waiter);
}

void
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

static guint
queries_allowed(const struct resolver *resolver)
{
	guint taken = g_hash_table_size(resolver->queries);

	if (taken < resolver->sockets / 2)
		return ASKER_QUERIES_MAX;
	return taken < resolver->sockets ? ASKER_QUERIES_BUSY
					 : ASKER_QUERIES_FULL;
}

static void
ask_next(struct asker *asker)
{
	while (asker->asked.length < queries_allowed(asker->resolver) &&
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

void
asker_expire(struct asker *asker)
{
	asker->has_expired = true;
	forget_questions(asker);
	asker->calls->expired(asker->arg);
}

void
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

void
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

