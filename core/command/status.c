/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "core/command/flow.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

struct counts { uint64_t lists, members, off; };

static enum err_code
count_members(struct store *store, struct counts *out, struct err *err)
{
	g_autofree char *after = g_strdup("");
	uint64_t members, off;
	enum err_code rc;

	for (;;) {
		g_autoptr(list_auto) list = NULL;

		rc = list_next(store_reader(store), after, &list, err);
		if (rc != ERR_OK || list == NULL)
			return rc;
		rc = roster_count(store, list->id, &members, &off, err);
		if (rc != ERR_OK)
			return rc;
		out->lists++;
		out->members += members;
		out->off += off;
		g_free(after);
		after = g_strdup(list->addr);
	}
}

/* "relay = HOST:PORT up, 8 connections (0 stalled), 1200 copies sent" */
static void
print_relays(FILE *out, const json_t *relays)
{
	const json_t *relay;
	size_t i;

	json_array_foreach(relays, i, relay) {
		const json_t *why = json_object_get(relay, "why");
		g_autofree char *text = json_is_string(why) ?
			print_plain(json_string_value(why)) : NULL;

		(void) fprintf(out, "relay = %s:%lld %s%s%s%s, %lld "
			"connections (%lld stalled), %lld copies sent\n",
			json_string_value(json_object_get(relay, "host")),
			(long long)json_integer_value(
				json_object_get(relay, "port")),
			json_string_value(json_object_get(relay, "state")),
			text != NULL ? " (" : "", text != NULL ? text : "",
			text != NULL ? ")" : "",
			(long long)json_integer_value(
				json_object_get(relay, "connections")),
			(long long)json_integer_value(
				json_object_get(relay, "stalled")),
			(long long)json_integer_value(
				json_object_get(relay, "sent")));
	}
}

static void
print_status(const struct call *call, json_t *object)
{
	json_t *relays = flow_relays(call->admin);

	(void) json_object_set_new(object, "outbound",
				   flow_totals(call->admin, relays));
	if (call->json) {
		(void) json_object_set(object, "relays", relays);
		print_object(call, object);
	} else {
		print_object(call, object);
		print_relays(call->admin->out, relays);
	}
	json_decref(relays);
}

enum admin_status
status_run(struct call *call)
{
	struct store *store = call->admin->store;
	struct counts counts = { 0 };
	struct err err = ERR_INIT;
	json_t *jobs = json_object();
	int64_t space;
	enum err_code rc;

	rc = count_members(store, &counts, &err);
	if (rc == ERR_OK)
		rc = flow_stages(store, jobs, &err);
	if (rc == ERR_OK)
		rc = store_space(store, &space, &err);
	if (rc != ERR_OK) {
		json_decref(jobs);
		return call_fail(call, &err);
	}
	print_status(call, json_pack(
		"{s:b, s:s, s:o, s:I, s:I, s:I, s:o, s:I, s:I}",
		"running", (int)call->admin->running,
		"version", PACKAGE_VERSION,
		"home", json_text(call->admin->settings->home),
		"lists", (json_int_t)counts.lists,
		"members", (json_int_t)counts.members,
		"delivery_off", (json_int_t)counts.off, "queue", jobs,
		"free_bytes", (json_int_t)space,
		"space_floor", (json_int_t)
		call->admin->settings->space_floor));
	return ADMIN_DONE;
}
