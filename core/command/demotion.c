/* SPDX-License-Identifier: BSD-2-Clause */

/* muster bounce ls, show, reset: whose mail comes back, and what of it. */
#include <string.h>

#include "core/base/clock.h"
#include "core/bounce/bounce.h"
#include "core/bounce/score.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "db/event.h"
#include "core/base/banned.h"

static bool
is_off(enum delivery_mode delivery, enum off_by by)
{
	return delivery == DELIVERY_OFF && by == OFF_BY_BOUNCES;
}

/* "off" "warned" "probe" "score" */
static const char *
state_name(const struct roster_entry *entry)
{
	if (is_off(entry->delivery, entry->off_by))
		return entry->bounce.warnings > 0 ? "warned" : "off";
	return entry->bounce.probe_s != 0 ? "probe" : "score";
}

static json_t *
state_json(const struct call *call, const struct list_conf *conf,
	   const struct roster_entry *entry)
{
	int64_t now_s = clock_s(), when_s;
	enum bounce_step step = bounce_next(conf, entry->delivery,
					    entry->off_by, entry->off_s,
					    &entry->bounce, now_s, &when_s);

	return json_pack("{s:o, s:s, s:o, s:I, s:o, s:o, s:I, s:o, s:o}",
			 "address", json_text(entry->addr),
			 "state", state_name(entry),
			 "score", json_points(call, score_at(&entry->bounce,
							     conf, 0, now_s)),
			 "bounces", (json_int_t)entry->bounces,
			 "last_bounce", json_time(entry->bounced_s),
			 "reason", json_text_or_null(entry->bounce_reason),
			 "warnings", (json_int_t)entry->bounce.warnings,
			 "next", json_text_or_null(bounce_step_name(step)),
			 "next_time", json_time(when_s));
}

/* --- ls ----------------------------------------------------------------- */

static void
print_row(FILE *out, const json_t *state)
{
	g_autofree char *addr = print_plain(row_text(state, "address"));
	g_autofree char *reason = print_plain(row_text(state, "reason"));

	(void) fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", addr,
		       row_text(state, "state"), row_text(state, "score"),
		       row_text(state, "last_bounce"),
		       row_text(state, "next"),
		       row_text(state, "next_time"), reason);
}

static bool
is_wanted(const struct call *call, const struct list_conf *conf,
	  const struct roster_entry *entry)
{
	if (is_off(entry->delivery, entry->off_by))
		return true;
	return !call->off && (entry->bounce.probe_s != 0 ||
			      score_at(&entry->bounce, conf, 0,
				       clock_s()) > 0);
}

struct ls {
	const struct call *call;
	struct list_conf *conf;
	struct print_array array;
};

static bool
ls_member(void *arg, const struct roster_entry *entry)
{
	struct ls *ls = arg;

	if (is_wanted(ls->call, ls->conf, entry))
		print_array_row(&ls->array,
				state_json(ls->call, ls->conf, entry),
				print_row);
	return !ferror(ls->array.out);
}

enum admin_status
bounce_ls_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	struct ls ls = { .call = call };
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);
	enum err_code rc;

	if (status != ADMIN_DONE)
		return status;
	rc = list_conf_load(store_reader(call->admin->store), list->addr,
			    &ls.conf, &err);
	if (rc != ERR_OK)
		return call_fail(call, &err);
	print_array_begin(&ls.array, call);
	rc = roster_each(call->admin->store, list->id, ls_member, &ls, &err);
	list_conf_free(ls.conf);
	if (rc != ERR_OK)
		return call_fail(call, &err);
	print_array_end(&ls.array);
	return ADMIN_DONE;
}

/* --- show --------------------------------------------------------------- */

struct story { const char *addr; json_t *events; };

static enum err_code
add_event(void *arg, const struct event *event, struct err *err)
{
	struct story *story = arg;
	g_autofree char *time = NULL;

	(void) err;
	if (strcmp(event->addr, story->addr) != 0)
		return ERR_OK;
	time = time_text_us(event->time_us);
	(void) json_array_append_new(story->events, json_pack(
		"{s:s, s:s, s:o}", "time", time, "event", event->kind,
		"what", json_text(event->what)));
	return ERR_OK;
}

/* In the form in which walks over the roster have it. */
static struct roster_entry
entry_of(const struct member *member, const char *key)
{
	return (struct roster_entry){
		.key = key, .addr = member->addr,
		.bounce_reason = member->bounce_reason,
		.delivery = member->delivery, .off_by = member->off_by,
		.off_s = member->off_s, .bounces = member->bounces,
		.bounced_s = member->bounced_s, .bounce = member->bounce,
	};
}

static enum err_code
show_json(const struct call *call, const struct list *list, const char *addr,
	  json_t **out, json_t **events_out, struct err *err)
{
	struct txn *reader = store_reader(call->admin->store);
	g_autoptr(member_auto) member = NULL;
	struct story story = { .addr = addr };
	struct list_conf *conf = NULL;
	struct roster_entry entry;
	enum err_code rc = roster_find(reader, list->id, addr, &member, err);

	*out = NULL;
	if (rc == ERR_OK)
		rc = list_conf_load(reader, list->addr, &conf, err);
	if (rc != ERR_OK)
		return rc;
	story.events = json_array();
	rc = event_walk(reader, list->id, 0, INT64_MAX, add_event, &story,
			err);
	if (member != NULL) {
		entry = entry_of(member, addr);
		*out = state_json(call, conf, &entry);
	} else if (json_array_size(story.events) > 0) {
		*out = json_pack("{s:o, s:s}", "address", json_text(addr),
				 "state", "gone");
	}
	list_conf_free(conf);
	*events_out = story.events;
	return rc;
}

static void
print_events(FILE *out, const json_t *events)
{
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		g_autofree char *what = print_plain(row_text(event, "what"));

		(void) fprintf(out, "%s  %-14s  %s\n",
			       row_text(event, "time"),
			       row_text(event, "event"), what);
	}
}

enum admin_status
bounce_show_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	g_autofree char *canon = NULL;
	json_t *object = NULL, *events = NULL;
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status == ADMIN_DONE)
		status = call_member_addr(call, call->args[1], &canon);
	if (status != ADMIN_DONE)
		return status;
	if (show_json(call, list, canon, &object, &events, &err) != ERR_OK)
		status = call_fail(call, &err);
	else if (object == NULL)
		status = call_refuse(call, "%s is not subscribed to %s, and "
				     "nothing is known of it", canon,
				     list->addr);
	else if (call->json)
		(void) json_object_set(object, "events", events);
	if (status == ADMIN_DONE && call->json) {
		print_object(call, json_incref(object));
	} else if (status == ADMIN_DONE) {
		print_lines(call->admin->out, object);
		print_events(call->admin->out, events);
	}
	json_decref(object);
	json_decref(events);
	return status;
}

/* --- reset -------------------------------------------------------------- */

struct reset {
	struct bounce_with with;
	const char *addr;
	bool found;
};

static enum err_code
reset_body(struct txn *txn, void *arg, struct err *err)
{
	struct reset *reset = arg;

	return bounce_reset(txn, &reset->with, reset->addr,
			    "the administrator", &reset->found, err);
}

static enum admin_status
reset_one(const struct call *call, struct reset *reset, const char *arg)
{
	g_autofree char *canon = NULL;
	struct err err = ERR_INIT;
	enum admin_status status = call_member_addr(call, arg, &canon);

	if (status != ADMIN_DONE)
		return status;
	reset->addr = canon;
	if (store_txn(call->admin->store, TXN_DURABLE, reset_body, reset,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	if (!reset->found)
		return call_refuse(call, "%s is not subscribed to %s", canon,
				   reset->with.list_addr);
	(void) fprintf(call->admin->out, "%s: reset\n", canon);
	return ADMIN_DONE;
}

enum admin_status
bounce_reset_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	struct list_conf *conf = NULL;
	struct reset reset = { .with.settings = call->admin->settings };
	struct err err = ERR_INIT;
	enum admin_status one, status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	if (list_conf_load(store_reader(call->admin->store), list->addr,
			   &conf, &err) != ERR_OK)
		return call_fail(call, &err);
	reset.with.conf = conf;
	reset.with.list = list->id;
	reset.with.list_addr = list->addr;
	reset.with.now_s = clock_s();
	for (int i = 1; i < call->count; i++) {
		one = reset_one(call, &reset, call->args[i]);
		status = one != ADMIN_DONE ? one : status;
	}
	list_conf_free(conf);
	return status;
}
