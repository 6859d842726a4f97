/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

#define LS_BATCH 2000

/* --- ls ----------------------------------------------------------------- */

static json_t *
entry_json(const struct roster_entry *entry)
{
	return json_pack("{s:o, s:o, s:b, s:b, s:b, s:o, s:I, s:I}",
			 "address", json_text(entry->addr),
			 "name", json_text(entry->name),
			 "delivery", (int)entry->delivery,
			 "own_posts", (int)entry->own_posts,
			 "moderated", (int)entry->moderated,
			 "since", json_time(entry->since_s),
			 "posts", (json_int_t)entry->posts,
			 "bounces", (json_int_t)entry->bounces);
}

static void
entry_text(FILE *out, const struct roster_entry *entry)
{
	g_autofree char *addr = print_plain(entry->addr);

	(void) fprintf(out, "%s%s%s%s\n", addr,
		       entry->delivery ? "" : "\tdelivery=off",
		       entry->moderated ? "\tmoderated=yes" : "",
		       entry->own_posts ? "" : "\town-posts=no");
}

static void
ls_batch(const struct call *call, const struct roster_batch *batch,
	 struct print_array *array)
{
	for (size_t i = 0; i < batch->count; i++)
		if (call->json)
			print_array_item(array, entry_json(
					 &batch->entries[i]));
		else
			entry_text(call->admin->out, &batch->entries[i]);
}

static enum err_code
ls_members(const struct call *call, uint32_t list,
	   struct print_array *array, struct err *err)
{
	g_autofree char *after = g_strdup("");
	struct roster_batch batch;
	bool end = false;
	enum err_code rc;

	while (!end && !ferror(call->admin->out)) {
		rc = roster_batch(call->admin->store, list, after, LS_BATCH,
				  &batch, err);
		if (rc != ERR_OK)
			return rc;
		ls_batch(call, &batch, array);
		end = batch.end || batch.count == 0;
		if (!end) {
			g_free(after);
			after = g_strdup(batch.entries[batch.count - 1].key);
		}
		roster_batch_done(&batch);
	}
	return ERR_OK;
}

enum admin_status
member_ls_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	struct print_array array = { 0 };
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	if (call->json)
		print_array_begin(&array, call);
	if (ls_members(call, list->id, &array, &err) != ERR_OK)
		return call_fail(call, &err);
	if (call->json)
		print_array_end(&array);
	return ADMIN_DONE;
}

/* --- show --------------------------------------------------------------- */

static enum admin_status
no_member(const struct call *call, const char *addr, const char *list)
{
	return call_refuse(call, "%s is not a member of %s", addr, list);
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
	print_object(call, json_pack(
		"{s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:I, s:I, s:o, s:o}",
		"list", json_text(list->addr),
		"address", json_text(member->addr),
		"name", json_text(member->name),
		"delivery", (int)member->delivery,
		"own_posts", (int)member->own_posts,
		"moderated", (int)member->moderated,
		"since", json_time(member->since_s),
		"posts", (json_int_t)member->posts,
		"bounces", (json_int_t)member->bounces,
		"last_bounce", json_time(member->bounced_s),
		"bounce_reason", member->bounce_reason[0] != '\0' ?
		json_text(member->bounce_reason) : json_null()));
	return ADMIN_DONE;
}

/* --- set ---------------------------------------------------------------- */

struct change {
	uint32_t list;
	const char *addr;
	GPtrArray *pairs;
	bool found;
};

/* key_check() has made the values on/off and yes/no. */
static void
apply(struct member *member, const struct pair *pair)
{
	bool truth;

	if (strcmp(pair->key->name, "name") == 0) {
		g_free(member->name);
		member->name = g_strdup(pair->value);
		return;
	}
	if (!value_bool(pair->value, &truth))
		g_assert_not_reached();
	if (strcmp(pair->key->name, "delivery") == 0)
		member->delivery = truth;
	else if (strcmp(pair->key->name, "own-posts") == 0)
		member->own_posts = truth;
	else if (strcmp(pair->key->name, "moderated") == 0)
		member->moderated = truth;
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
