/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/base/clock.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

/* --- show --------------------------------------------------------------- */

static enum admin_status
no_member(const struct call *call, const char *addr, const char *list)
{
	return call_refuse(call, "%s is not a member of %s", addr, list);
}

static json_t *
text_or_null(const char *text)
{
	return text[0] != '\0' ? json_text(text) : json_null();
}

static json_t *
member_json(const struct call *call, const struct list *list,
	    const struct member *member)
{
	const struct bounce_state *bounce = &member->bounce;

	return json_pack(
		"{s:o, s:o, s:o, s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o,"
		" s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
		"list", json_text(list->addr),
		"address", json_text(member->addr),
		"name", json_text(member->name),
		"delivery", delivery_mode_name(member->delivery),
		"own_posts", (int)member->own_posts,
		"moderated", (int)member->moderated,
		"duplicates", (int)member->duplicates,
		"ack", (int)member->ack, "hidden", (int)member->hidden,
		"language", text_or_null(member->language),
		"off_by", text_or_null(off_by_name(member->off_by)),
		"off_since", json_time(member->off_s),
		"since", json_time(member->since_s),
		"posts", (json_int_t)member->posts,
		"bounces", (json_int_t)member->bounces,
		"last_bounce", json_time(member->bounced_s),
		"bounce_reason", text_or_null(member->bounce_reason),
		"score", json_points(call, bounce->score),
		"scored", json_time(bounce->score_s),
		"probe", json_time(bounce->probe_s),
		"warnings", (json_int_t)bounce->warnings,
		"last_warning", json_time(bounce->warned_s));
}

enum admin_status
member_show_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	g_autoptr(member_auto) member = NULL;
	g_autofree char *canon = NULL;
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status == ADMIN_DONE)
		status = call_member_addr(call, call->args[1], &canon);
	if (status != ADMIN_DONE)
		return status;
	if (roster_find(store_reader(call->admin->store), list->id, canon,
			&member, &err) != ERR_OK)
		return call_fail(call, &err);
	if (member == NULL)
		return no_member(call, canon, list->addr);
	print_object(call, member_json(call, list, member));
	return ADMIN_DONE;
}

/* --- set ---------------------------------------------------------------- */

struct change {
	uint32_t list;
	const char *addr;
	GPtrArray *pairs;
	bool found;
};

static bool *
truth_of(struct member *member, const char *key)
{
	const struct { const char *key; bool *truth; } all[] = {
		{ "ack", &member->ack },
		{ "duplicates", &member->duplicates },
		{ "hidden", &member->hidden },
		{ "moderated", &member->moderated },
		{ "own-posts", &member->own_posts },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if (strcmp(all[i].key, key) == 0)
			return all[i].truth;
	g_assert_not_reached();
}

static void
set_text(char **text, const char *value)
{
	g_free(*text);
	*text = g_strdup(value);
}

/* key_check() has made the values names of delivery, and yes and no. */
static void
apply(struct member *member, const struct pair *pair)
{
	const char *key = pair->key->name;
	enum delivery_mode delivery;

	if (strcmp(key, "name") == 0)
		set_text(&member->name, pair->value);
	else if (strcmp(key, "language") == 0)
		set_text(&member->language, pair->value);
	else if (strcmp(key, "delivery") != 0)
		*truth_of(member, key) = strcmp(pair->value, "yes") == 0;
	else if (delivery_mode_of_name(pair->value, &delivery))
		member_deliver(member, delivery, OFF_BY_ADMIN, clock_s());
	else
		g_assert_not_reached();
}

static enum err_code
set_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;
	g_autoptr(member_auto) member = NULL;
	enum err_code rc = roster_find(txn, change->list, change->addr,
				       &member, err);

	if (rc != ERR_OK)
		return rc;
	change->found = member != NULL;
	if (member == NULL)
		return ERR_OK;
	for (guint i = 0; i < change->pairs->len; i++)
		apply(member, change->pairs->pdata[i]);
	return roster_put(txn, change->list, member, err);
}

enum admin_status
member_set_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	g_autoptr(GPtrArray) pairs = pairs_new();
	g_autofree char *canon = NULL;
	struct change change = { .pairs = pairs };
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status == ADMIN_DONE)
		status = call_member_addr(call, call->args[1], &canon);
	if (status == ADMIN_DONE)
		status = pairs_read(call, pairs, member_keys, 2);
	if (status != ADMIN_DONE)
		return status;
	change.list = list->id;
	change.addr = canon;
	if (store_txn(call->admin->store, TXN_DURABLE, set_body, &change,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	if (!change.found)
		return no_member(call, canon, list->addr);
	(void) fprintf(call->admin->out, "%s: changed\n", canon);
	return ADMIN_DONE;
}

/* --- remove ------------------------------------------------------------- */

struct removal {
	uint32_t list;
	GPtrArray *addrs;	/* canonical */
	GArray *removed;	/* bool for each */
};

static enum err_code
remove_body(struct txn *txn, void *arg, struct err *err)
{
	struct removal *removal = arg;
	enum err_code rc = ERR_OK;

	g_array_set_size(removal->removed, 0);
	for (guint i = 0; i < removal->addrs->len && rc == ERR_OK; i++) {
		bool removed = false;

		rc = roster_remove(txn, removal->list,
				   removal->addrs->pdata[i], &removed, err);
		g_array_append_val(removal->removed, removed);
	}
	return rc;
}

static enum admin_status
report_removal(const struct call *call, const struct removal *removal,
	       const char *list)
{
	enum admin_status status = ADMIN_DONE;
	guint count = 0;

	for (guint i = 0; i < removal->addrs->len; i++) {
		if (g_array_index(removal->removed, bool, i))
			count++;
		else
			status = no_member(call, removal->addrs->pdata[i],
					   list);
	}
	(void) fprintf(call->admin->out, "%u removed\n", count);
	return status;
}

enum admin_status
member_remove_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	g_autoptr(GPtrArray) addrs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GArray) removed = g_array_new(FALSE, FALSE, sizeof(bool));
	struct removal removal = { .addrs = addrs, .removed = removed };
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	for (int i = 1; i < call->count && status == ADMIN_DONE; i++) {
		char *canon = NULL;

		status = call_member_addr(call, call->args[i], &canon);
		if (status == ADMIN_DONE)
			g_ptr_array_add(addrs, canon);
	}
	if (status != ADMIN_DONE)
		return status;
	removal.list = list->id;
	if (store_txn(call->admin->store, TXN_DURABLE, remove_body, &removal,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	return report_removal(call, &removal, list->addr);
}
