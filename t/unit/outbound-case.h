/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_OUTBOUND_CASE_H
#define MUSTER_T_OUTBOUND_CASE_H

#include "core/outbound/outbound.h"
#include "core/pending/pending.h"
#include "t/lib/sink.h"
#include "t/unit/stage-case.h"

/* Outbound with a store of one list, and a sink as its relay. */

#define POST "From: Ann <ann@example.net>\r\nTo: dev@lists.example.org\r\n" \
	"Subject: hi\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n" \
	"Message-ID: <1@example.net>\r\n\r\nHello\r\n.dot\r\n"
#define QUICK "retry-first=1s\nretry-most=1s\n"
#define PATIENCE_MS 60000

struct out_case {
	struct stage_case t;
	struct sink *sink;
	struct outbound *outbound;
};

static inline void
out_begin(struct out_case *o, const char *offers, const char *more)
{
	stage_begin(&o->t);
	o->sink = sink_start(0, offers);
	stage_settings(&o->t, sink_port(o->sink), more);
	o->outbound = NULL;
}

static inline void
out_start(struct out_case *o)
{
	case_ok(outbound_start(o->t.s.store, o->t.settings, o->t.verp,
			       &o->outbound, &o->t.s.err), &o->t.s);
}

static inline void
out_stop(struct out_case *o)
{
	outbound_stop(o->outbound);
	o->outbound = NULL;
}

static inline void
out_end(struct out_case *o)
{
	if (o->outbound != NULL)
		out_stop(o);
	sink_free(o->sink);
	stage_end(&o->t);
}

static inline enum err_code
ready_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return pending_run(txn, &(struct pending_with){
		work->t->settings, work->t->verp, work->t->keys }, work->job,
			   err);
}

/* A post that pending has made ready, and its job of outbound. t: of o, or
 * the same with another list. */
static inline struct post_id
out_post_as(struct out_case *o, struct stage_case *t, enum role role,
	    const char *author)
{
	struct stage_work work = { .t = t };
	struct post_id id = stage_post(t, STAGE_PENDING, role, "", author,
				       POST);
	g_autoptr(job_t) job = stage_job(t, STAGE_PENDING);

	work.job = job;
	case_txn(&t->s, ready_body, &work);
	if (o->outbound != NULL)
		outbound_wake(o->outbound);
	return id;
}

static inline struct post_id
out_post(struct out_case *o, enum role role, const char *author)
{
	return out_post_as(o, &o->t, role, author);
}

/* Until nothing is queued for outbound. */
static inline void
out_wait(struct out_case *o)
{
	int64_t until = g_get_monotonic_time() / 1000 + PATIENCE_MS;

	/* Twice: the files are counted one by one, and a job that moves
	 * from one to another just then is in neither. */
	while (stage_count(&o->t, STAGE_OUTBOUND) > 0 ||
	       stage_count(&o->t, STAGE_OUTBOUND) > 0) {
		if (g_get_monotonic_time() / 1000 > until)
			g_error("outbound does not finish: %u copies",
				sink_count(o->sink));
		g_usleep(2000);
	}
}

/* How many distinct recipients and senders the sink has seen. */
static inline void
count_distinct(struct out_case *o, guint *addrs_out, guint *senders_out)
{
	g_autoptr(GHashTable) addrs = g_hash_table_new(g_str_hash,
						       g_str_equal);
	g_autoptr(GHashTable) senders = g_hash_table_new(g_str_hash,
							 g_str_equal);
	const GPtrArray *copies;

	sink_stop(o->sink);
	copies = sink_copies(o->sink);
	for (guint i = 0; i < copies->len; i++) {
		const struct sink_copy *copy = g_ptr_array_index(copies, i);

		g_hash_table_add(addrs, copy->addr);
		g_hash_table_add(senders, copy->sender);
	}
	*addrs_out = g_hash_table_size(addrs);
	*senders_out = g_hash_table_size(senders);
}

static inline void
see_each(struct out_case *o, guint members, guint repeats_most)
{
	guint addrs, senders, copies;

	count_distinct(o, &addrs, &senders);
	copies = sink_copies(o->sink)->len;
	g_assert_cmpuint(addrs, ==, members);
	g_assert_cmpuint(senders, ==, members);
	g_assert_cmpuint(copies, <=, members + repeats_most);
}

static inline void
see_trace(struct out_case *o, const struct post_id *id, const char *part)
{
	g_autofree char *trace = stage_trace(&o->t, id);

	stage_see(trace, part);
}

#endif
