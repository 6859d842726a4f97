/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/verbs.h"
#include "core/mail/addr.h"
#include "db/roster.h"
#include "core/base/banned.h"

#define LS_BATCH 1000

/* --- show --------------------------------------------------------------- */

static json_t *
member_object(const struct member *member)
{
	g_autofree char *since = time_text(member->since_s);
	g_autofree char *bounced = time_text(member->bounced_s);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s}",
			 "address", member->addr, "name", member->name,
			 "delivery", member->delivery ? "on" : "off",
			 "own_posts", member->own_posts ? "yes" : "no",
			 "since", since, "bounces",
			 (json_int_t)member->bounces, "last_bounce", bounced,
			 "bounce_reason", member->bounce_reason);
}

static void
print_member(struct admin *admin, const struct member *member)
{
	g_autofree char *since = time_text(member->since_s);
	g_autofree char *bounced = time_text(member->bounced_s);

	(void) fprintf(admin->out, "address = %s\nname = %s\ndelivery = %s\n"
		       "own-posts = %s\nsince = %s\nbounces = %u\n",
		       member->addr, member->name,
		       member->delivery ? "on" : "off",
		       member->own_posts ? "yes" : "no", since,
		       member->bounces);
	if (member->bounces > 0)
		(void) fprintf(admin->out, "last-bounce = %s\n"
			       "bounce-reason = %s\n", bounced,
			       member->bounce_reason);
}

static int
not_on_list(struct admin *admin, const char *addr, const char *list)
{
	return admin_refuse(admin, "%s is not on %s", addr, list);
}

int
verb_member_show(struct admin *admin, const struct words *words)
{
	int status = ADMIN_DONE;
	struct list *list = find_list(admin, words->args[0], &status);
	g_autofree char *addr = addr_canon(words->args[1]);
	struct member *member = NULL;
	struct err err = ERR_INIT;

	if (list == NULL)
		return status;
	if (addr != NULL && roster_find(store_reader(admin->store), list->id,
					addr, &member, &err) != ERR_OK)
		status = admin_fail(admin, &err);
	else if (member == NULL)
		status = not_on_list(admin, words->args[1], list->addr);
	else if (words->json)
		admin_print(admin, member_object(member));
	else
		print_member(admin, member);
	member_free(member);
	list_free(list);
	return status;
}

/* --- ls ----------------------------------------------------------------- */

static void
print_entry(struct admin *admin, const struct roster_entry *entry, bool json,
	    bool *first)
{
	g_autofree char *since = NULL;

	if (!json) {
		(void) fprintf(admin->out, "%s%s%s%s\n", entry->name,
			       entry->name[0] != '\0' ? " <" : "",
			       entry->addr,
			       entry->name[0] != '\0' ? ">" : "");
		return;
	}
	since = time_text(entry->since_s);
	admin_array_add(admin, first, json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:I}", "address", entry->addr,
		"name", entry->name, "delivery", entry->delivery ? "on" :
		"off", "own_posts", entry->own_posts ? "yes" : "no", "since",
		since, "bounces", (json_int_t)entry->bounces));
}

/* The roster is read in pieces, with nothing locked while we print. */
static int
print_roster(struct admin *admin, uint32_t list, bool json)
{
	g_autofree char *after = g_strdup("");
	struct roster_batch batch;
	struct err err = ERR_INIT;
	bool first = true, end = false;

	while (!end && !ferror(admin->out)) {
		if (roster_batch(admin->store, list, after, LS_BATCH, &batch,
				 &err) != ERR_OK)
			return admin_fail(admin, &err);
		for (size_t i = 0; i < batch.count; i++)
			print_entry(admin, &batch.entries[i], json, &first);
		if (batch.count > 0) {
			g_free(after);
			after = g_strdup(batch.entries[batch.count - 1].key);
		}
		end = batch.end || batch.count == 0;
		roster_batch_done(&batch);
	}
	return ADMIN_DONE;
}

int
verb_member_ls(struct admin *admin, const struct words *words)
{
	int status = ADMIN_DONE;
	struct list *list = find_list(admin, words->args[0], &status);

	if (list == NULL)
		return status;
	if (words->json)
		admin_array_begin(admin);
	status = print_roster(admin, list->id, words->json);
	if (words->json)
		admin_array_end(admin);
	list_free(list);
	return status;
}

/* --- set ---------------------------------------------------------------- */

struct set {
	uint32_t list;
	const char *addr;
	GPtrArray *keys, *values;	/* of const char *, of char * */
	bool found;
};

static void
apply(struct member *member, const char *key, const char *value)
{
	bool truth = strcmp(value, "on") == 0 || strcmp(value, "yes") == 0;

	if (strcmp(key, "delivery") == 0) {
		member->delivery = truth;
	} else if (strcmp(key, "own-posts") == 0) {
		member->own_posts = truth;
	} else {
		g_free(member->name);
		member->name = g_strdup(value);
	}
}

static enum err_code
set_body(struct txn *txn, void *arg, struct err *err)
{
	struct set *set = arg;
	struct member *member = NULL;
	enum err_code rc;

	rc = roster_find(txn, set->list, set->addr, &member, err);
	set->found = member != NULL;
	for (guint i = 0; member != NULL && i < set->keys->len; i++)
		apply(member, g_ptr_array_index(set->keys, i),
		      g_ptr_array_index(set->values, i));
	if (member != NULL)
		rc = roster_put(txn, set->list, member, err);
	member_free(member);
	return rc;
}

static enum err_code
read_member_keys(char **pairs, struct set *set, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (; *pairs != NULL && rc == ERR_OK; pairs++) {
		const char *key = NULL;
		char *value = NULL;

		rc = read_pair(member_keys, *pairs, &key, &value, err);
		if (rc != ERR_OK)
			return rc;
		g_ptr_array_add(set->keys, (char *)(uintptr_t)key);
		g_ptr_array_add(set->values, value);
	}
	return rc;
}

int
verb_member_set(struct admin *admin, const struct words *words)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *addr = addr_canon(words->args[1]);
	struct set set = { .addr = addr, .keys = keys, .values = values };
	struct err err = ERR_INIT;
	struct list *list;
	int status = ADMIN_DONE;

	if (read_member_keys(words->args + 2, &set, &err) != ERR_OK)
		return admin_fail(admin, &err);
	list = find_list(admin, words->args[0], &status);
	if (list == NULL)
		return status;
	set.list = list->id;
	if (addr != NULL && store_txn(admin->store, TXN_DURABLE, set_body,
				      &set, &err) != ERR_OK)
		status = admin_fail(admin, &err);
	else if (!set.found)
		status = not_on_list(admin, words->args[1], list->addr);
	list_free(list);
	return status;
}

/* --- remove ------------------------------------------------------------- */

struct removal { uint32_t list; char **addrs; bool *removed; };

static enum err_code
remove_body(struct txn *txn, void *arg, struct err *err)
{
	struct removal *removal = arg;
	enum err_code rc = ERR_OK;

	for (int i = 0; removal->addrs[i] != NULL && rc == ERR_OK; i++) {
		g_autofree char *addr = addr_canon(removal->addrs[i]);

		removal->removed[i] = false;
		if (addr != NULL)
			rc = roster_remove(txn, removal->list, addr,
					   &removal->removed[i], err);
	}
	return rc;
}

int
verb_member_remove(struct admin *admin, const struct words *words)
{
	int status = ADMIN_DONE;
	struct list *list = find_list(admin, words->args[0], &status);
	g_autofree bool *removed = g_new0(bool, (gsize)words->count);
	struct removal removal = { .addrs = words->args + 1,
				   .removed = removed };
	struct err err = ERR_INIT;

	if (list == NULL)
		return status;
	removal.list = list->id;
	if (store_txn(admin->store, TXN_DURABLE, remove_body, &removal, &err)
	    != ERR_OK)
		status = admin_fail(admin, &err);
	for (int i = 0; status != ADMIN_LATER && removal.addrs[i] != NULL;
	     i++)
		if (!removed[i])
			status = not_on_list(admin, removal.addrs[i],
					     list->addr);
	list_free(list);
	return status;
}
