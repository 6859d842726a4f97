/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/flow.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/command/print.h"
#include "core/base/banned.h"

#define ETA_MOST_S (1000LL * 86400)	/* more is no estimate */

/* --- how many members are left ------------------------------------------ */

/* Between two keys of a list's roster. */
struct span {
	struct post_id job;
	char *after, *until;	/* "": from the first, to the last */
	uint64_t done;		/* copies sent and refused by then */
};

/* What was counted, and when. */
struct left { uint64_t left, done; };

static void
span_free(void *data)
{
	struct span *span = data;

	g_free(span->after);
	g_free(span->until);
	g_free(span);
}

static void
spans_free(void *data)
{
	g_ptr_array_unref(data);
}

/* What is counted in one walk: members of this list with this delivery. */
static void *
crowd_of(const struct job *job)
{
	return GSIZE_TO_POINTER((gsize)job->list << 2 | job->delivery);
}

/* crowds -> array of spans */
static bool
collect_span(void *arg, const struct job *job)
{
	GHashTable *lists = arg;
	void *number = crowd_of(job);
	GPtrArray *spans = g_hash_table_lookup(lists, number);
	struct span *span;

	if (job->audience != TO_MEMBERS)
		return true;
	if (spans == NULL) {
		spans = g_ptr_array_new_with_free_func(span_free);
		g_hash_table_insert(lists, number, spans);
	}
	span = g_new(struct span, 1);
	span->job = job->id;
	span->after = g_strdup(job->after);
	span->until = g_strdup(job->until);
	span->done = job->sent + job->refused;
	g_ptr_array_add(spans, span);
	return true;
}

static int
key_order(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left,
		      *(const char *const *)right);
}

static uint64_t
rank_of(const GPtrArray *keys, const uint64_t *ranks, const char *key)
{
	const char *const *found;

	if (keys->len == 0)
		return 0;
	found = bsearch(&key, keys->pdata, keys->len, sizeof(*keys->pdata),
			key_order);
	return found != NULL ?
		ranks[found - (const char *const *)(void *)keys->pdata] : 0;
}

static void
note_left(struct flow *flow, const struct span *span, uint64_t from,
	  uint64_t to)
{
	struct left *left = g_new(struct left, 1);

	left->left = to > from ? to - from : 0;
	left->done = span->done;
	g_hash_table_insert(flow->left, g_memdup2(&span->job,
						  sizeof(span->job)), left);
}

/* One walk for all jobs of a list. */
static enum err_code
count_list(const struct admin *admin, gsize crowd, const GPtrArray *spans,
	   struct flow *flow, struct err *err)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	g_autofree uint64_t *ranks = NULL;
	uint64_t all = 0;
	enum err_code rc;

	for (guint i = 0; i < spans->len; i++) {
		const struct span *span = spans->pdata[i];

		if (span->after[0] != '\0')
			g_ptr_array_add(keys, span->after);
		if (span->until[0] != '\0')
			g_ptr_array_add(keys, span->until);
	}
	g_ptr_array_sort(keys, key_order);
	ranks = g_new0(uint64_t, keys->len + 1);
	rc = roster_ranks(admin->store, (uint32_t)(crowd >> 2),
			  (enum delivery_mode)(crowd & 3),
			  (const char *const *)(void *)keys->pdata, keys->len,
			  ranks, &all, err);
	for (guint i = 0; i < spans->len && rc == ERR_OK; i++) {
		const struct span *span = spans->pdata[i];

		note_left(flow, span, rank_of(keys, ranks, span->after),
			  span->until[0] != '\0' ?
			  rank_of(keys, ranks, span->until) : all);
	}
	return rc;
}

static enum err_code
count_left(const struct admin *admin, struct flow *flow, struct err *err)
{
	g_autoptr(GHashTable) lists = g_hash_table_new_full(
		NULL, NULL, NULL, spans_free);
	GHashTableIter iter;
	gpointer list, spans;
	enum err_code rc;

	rc = queue_walk_in(store_reader(admin->store), STAGE_OUTBOUND,
			   collect_span, lists, err);
	g_hash_table_iter_init(&iter, lists);
	while (rc == ERR_OK && g_hash_table_iter_next(&iter, &list, &spans))
		rc = count_list(admin, GPOINTER_TO_SIZE(list), spans, flow,
				err);
	return rc;
}

/* --- what is being sent ------------------------------------------------- */

static void
read_rates(const struct admin *admin, struct flow *flow)
{
	g_autoptr(GArray) reports = NULL;

	if (admin->outbound == NULL)
		return;
	reports = outbound_reports(admin->outbound);
	for (guint i = 0; i < reports->len; i++) {
		const struct outbound_report *report = &g_array_index(
			reports, struct outbound_report, i);

		g_hash_table_insert(flow->rates,
			g_memdup2(&report->job, sizeof(report->job)),
			g_memdup2(&report->rate, sizeof(report->rate)));
	}
}

enum err_code
flow_read(const struct admin *admin, bool count, struct flow *out,
	  struct err *err)
{
	out->rates = g_hash_table_new_full(post_id_hash, post_id_equal,
					   g_free, g_free);
	out->left = g_hash_table_new_full(post_id_hash, post_id_equal,
					  g_free, g_free);
	read_rates(admin, out);
	return count ? count_left(admin, out, err) : ERR_OK;
}

void
flow_done(struct flow *flow)
{
	g_clear_pointer(&flow->rates, g_hash_table_unref);
	g_clear_pointer(&flow->left, g_hash_table_unref);
}

/* --- a job -------------------------------------------------------------- */

const char *
flow_state(const struct flow *flow, const struct job *job)
{
	bool is_due = job->due_ms <= clock_ms();

	/* What the engine says is a moment old. */
	if (is_due && g_hash_table_contains(flow->rates, &job->id))
		return "sending";
	if (strcmp(job->reason, OUTBOUND_PAUSED) == 0)
		return "paused";
	return is_due ? "waiting" : "deferred";
}

static json_t *
left_json(const struct flow *flow, const struct job *job)
{
	uint64_t since, done = job->sent + job->refused;
	const struct left *left;

	if (job->audience == TO_ADDRS)
		return json_integer((json_int_t)g_strv_length(job->addrs));
	left = g_hash_table_lookup(flow->left, &job->id);
	if (left == NULL)
		return json_null();
	/* It went on while we counted. */
	since = done > left->done ? done - left->done : 0;
	return json_integer((json_int_t)(left->left - MIN(since,
							  left->left)));
}

void
flow_estimate(json_t *object)
{
	const json_t *left = json_object_get(object, "remaining");
	double rate = json_number_value(json_object_get(object,
							"rate_per_s"));
	double eta_s = rate > 0 ? json_number_value(left) / rate : 0;
	bool known = json_is_integer(left) && rate > 0 && eta_s < ETA_MOST_S;

	(void) json_object_set_new(object, "eta_s", known ?
				   json_integer((json_int_t)(eta_s + 0.5)) :
				   json_null());
	(void) json_object_set_new(object, "ends", known ?
				   json_time(g_get_real_time() /
					     G_USEC_PER_SEC +
					     (int64_t)(eta_s + 0.5)) :
				   json_null());
}

/* Tenths are enough for anybody. */
static json_t *
rate_json(double rate)
{
	return json_real((double)(int64_t)(rate * 10 + 0.5) / 10);
}

void
flow_json(const struct flow *flow, const struct job *job, json_t *object)
{
	bool outbound = job->stage == STAGE_OUTBOUND;
	const char *state = outbound ? flow_state(flow, job) : "";
	const double *rate = strcmp(state, "sending") == 0 ?
		g_hash_table_lookup(flow->rates, &job->id) : NULL;

	(void) json_object_set_new(object, "state", outbound ?
				   json_string(state) : json_null());
	(void) json_object_set_new(object, "remaining", outbound ?
				   left_json(flow, job) : json_null());
	(void) json_object_set_new(object, "rate_per_s",
				   rate != NULL && *rate > 0 ?
				   rate_json(*rate) : json_null());
	flow_estimate(object);
}

/* --- the relays --------------------------------------------------------- */

json_t *
flow_relays(const struct admin *admin)
{
	g_autoptr(GArray) reports = NULL;
	json_t *relays = json_array();

	if (admin->outbound == NULL)
		return relays;
	reports = outbound_relays(admin->outbound);
	for (guint i = 0; i < reports->len; i++) {
		const struct relay_report *report = &g_array_index(
			reports, struct relay_report, i);

		(void) json_array_append_new(relays, json_pack(
			"{s:o, s:I, s:s, s:o, s:I, s:I, s:I}",
			"host", json_text(report->host),
			"port", (json_int_t)report->port,
			"state", report->down ? "down" : "up",
			"why", report->down ? json_text(report->why) :
			json_null(),
			"connections", (json_int_t)report->connections,
			"stalled", (json_int_t)report->stalled,
			"sent", (json_int_t)report->sent));
	}
	return relays;
}

json_t *
flow_totals(const struct admin *admin, const json_t *relays)
{
	g_autoptr(GArray) reports = admin->outbound != NULL ?
		outbound_reports(admin->outbound) : NULL;
	json_int_t connections = 0, sent = 0;
	const json_t *relay;
	double rate = 0;
	size_t i;

	json_array_foreach(relays, i, relay) {
		connections += json_integer_value(
			json_object_get(relay, "connections"));
		sent += json_integer_value(json_object_get(relay, "sent"));
	}
	for (guint at = 0; reports != NULL && at < reports->len; at++)
		rate += g_array_index(reports, struct outbound_report,
				      at).rate;
	return json_pack("{s:I, s:I, s:I, s:o}",
			 "connections", connections, "sent", sent,
			 "sending", (json_int_t)(reports != NULL ?
						 reports->len : 0),
			 "rate_per_s", rate_json(rate));
}

enum err_code
flow_stages(struct store *store, json_t *jobs, struct err *err)
{
	static const enum stage stages[] = {
		STAGE_PENDING, STAGE_OUTBOUND, STAGE_BOUNCE, STAGE_NOTICE,
		STAGE_COMMAND, STAGE_PROGRAM, STAGE_ARCHIVE, STAGE_HELD,
		STAGE_SHUNTED
	};
	uint64_t count;
	enum err_code rc;

	for (size_t i = 0; i < G_N_ELEMENTS(stages); i++) {
		rc = queue_count(store, stages[i], &count, err);
		if (rc != ERR_OK)
			return rc;
		(void) json_object_set_new(jobs, stage_name(stages[i]),
					   json_integer((json_int_t)count));
	}
	return ERR_OK;
}

char *
duration_text(int64_t seconds)
{
	static const struct { int64_t seconds; char unit; } units[] = {
		{ 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' }
	};
	size_t i = 0;
	int64_t rest;

	while (i < G_N_ELEMENTS(units) - 1 && seconds < units[i].seconds)
		i++;
	rest = seconds % units[i].seconds;
	if (i == G_N_ELEMENTS(units) - 1)
		return g_strdup_printf("%llds", (long long)seconds);
	return g_strdup_printf("%lld%c%02lld%c",
			       (long long)(seconds / units[i].seconds),
			       units[i].unit,
			       (long long)(rest / units[i + 1].seconds),
			       units[i + 1].unit);
}
