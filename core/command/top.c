/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/top.h"

#include <string.h>

#include "config.h"
#include "core/base/wire.h"
#include "core/command/flow.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

#define JOBS_MOST 100		/* in a look */
#define RATE_MS 600		/* over which a single look takes rates */

/* What a look at the outbound stage finds. */
struct found {
	const struct flow *flow;
	GPtrArray *jobs;	/* json objects, not those that are deferred */
	json_int_t deferred, deferred_copies, paused;
	int64_t next_ms;	/* the first of the deferred is due */
};

static void
free_object(void *object)
{
	json_decref(object);
}

static bool
look_at_job(void *arg, const struct job *job)
{
	struct found *found = arg;
	const char *state = flow_state(found->flow, job);
	json_t *object;

	if (strcmp(state, "deferred") == 0) {
		found->deferred++;
		found->deferred_copies += g_strv_length(job->addrs);
		found->next_ms = MIN(found->next_ms, job->due_ms);
		return true;
	}
	found->paused += strcmp(state, "paused") == 0 ? 1 : 0;
	object = job_json(job, found->flow);
	/* ties are broken by age */
	(void) json_object_set_new(object, "made_ms",
				   json_integer(job->made_ms));
	g_ptr_array_add(found->jobs, object);
	return true;
}

static int
rank(const json_t *job)
{
	static const char *const states[] = { "sending", "waiting", NULL };
	const char *state = json_string_value(json_object_get(job, "state"));
	int at = 0;

	while (states[at] != NULL && strcmp(states[at], state) != 0)
		at++;
	return at;
}

static int
job_order(const void *left, const void *right)
{
	const json_t *a = *(json_t *const *)left;
	const json_t *b = *(json_t *const *)right;
	json_int_t made_a = json_integer_value(json_object_get(a, "made_ms"));
	json_int_t made_b = json_integer_value(json_object_get(b, "made_ms"));

	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	return (made_a > made_b) - (made_a < made_b);
}

static json_t *
jobs_json(GPtrArray *jobs)
{
	json_t *array = json_array();

	g_ptr_array_sort(jobs, job_order);
	for (guint i = 0; i < jobs->len && i < JOBS_MOST; i++) {
		(void) json_object_del(jobs->pdata[i], "made_ms");
		(void) json_array_append(array, jobs->pdata[i]);
	}
	return array;
}

static json_t *
look_json(const struct call *call, const struct found *found, json_t *queue)
{
	json_t *relays = flow_relays(call->admin);
	const json_int_t jobs = (json_int_t)found->jobs->len;

	return json_pack(
		"{s:o, s:I, s:b, s:s, s:s, s:o, s:o, s:o, s:{s:I, s:I, s:o}, "
		"s:I, s:o, s:I}",
		"time", json_time(g_get_real_time() / G_USEC_PER_SEC),
		"monotonic_ms", (json_int_t)wire_now_ms(),
		"running", (int)call->admin->running,
		"version", PACKAGE_VERSION,
		"hostname", call->admin->settings->hostname,
		"outbound", flow_totals(call->admin, relays),
		"relays", relays, "queue", queue,
		"deferred", "jobs", found->deferred,
		"copies", found->deferred_copies,
		"next", found->deferred > 0 ?
		json_time(found->next_ms / 1000) : json_null(),
		"paused", found->paused,
		"jobs", jobs_json(found->jobs),
		"jobs_left_out", MAX(jobs - JOBS_MOST, 0));
}

static enum admin_status
look(const struct call *call, json_t **out)
{
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(
		free_object);
	g_auto(flow_auto) flow = { 0 };
	struct found found = { .flow = &flow, .jobs = jobs,
			       .next_ms = INT64_MAX };
	struct store *store = call->admin->store;
	json_t *queue = json_object();
	struct err err = ERR_INIT;
	enum err_code rc;

	rc = flow_read(call->admin, !call->uncounted, &flow, &err);
	if (rc == ERR_OK)
		rc = queue_walk_in(store_reader(store), STAGE_OUTBOUND,
				   look_at_job, &found, &err);
	if (rc == ERR_OK)
		rc = flow_stages(store, queue, &err);
	if (rc != ERR_OK) {
		json_decref(queue);
		return call_fail(call, &err);
	}
	*out = look_json(call, &found, queue);
	return ADMIN_DONE;
}

/* What the relays take is known by what they have taken between two looks. */
static json_t *
earlier_look(const struct call *call)
{
	json_t *relays = flow_relays(call->admin);
	json_t *totals = flow_totals(call->admin, relays);
	bool busy = json_integer_value(json_object_get(totals,
						       "connections")) > 0;
	json_t *before = json_pack("{s:I, s:o}", "monotonic_ms",
				   (json_int_t)wire_now_ms(), "relays",
				   relays);

	json_decref(totals);
	if (busy)
		g_usleep(RATE_MS * 1000);
	return before;
}

const char *
top_check(const struct call *call)
{
	return call->interval_s < 0 || call->interval_s > 3600 ?
		"--interval takes 1 to 3600 seconds" : NULL;
}

enum admin_status
top_run(struct call *call)
{
	const struct top_size size = { 0 };
	json_t *now = NULL, *before = NULL;
	enum admin_status status;
	char *text;

	if (!call->json)
		before = earlier_look(call);
	status = look(call, &now);
	if (status == ADMIN_DONE && call->json) {
		print_object(call, now);
	} else if (status == ADMIN_DONE) {
		text = top_frame(now, before, NULL, &size);
		(void) fputs(text, call->admin->out);
		g_free(text);
		json_decref(now);
	}
	json_decref(before);
	return status;
}
