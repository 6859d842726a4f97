/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/base/clock.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/mail/addr.h"
#include "db/include.h"
#include "core/base/banned.h"

/* --- what may be set where ---------------------------------------------- */

static enum admin_status
check_domain(const struct call *call, const char *domain)
{
	const struct settings *settings = call->admin->settings;

	if (settings_has_domain(settings, domain) ||
	    settings_shares_domain(settings, domain))
		return ADMIN_DONE;
	return call_refuse(call, "%s is no list domain; add it to \"domains\" "
			   "or \"shared-domains\" in %s", domain,
			   settings->path);
}

static enum admin_status
check_new_name(const struct call *call, char **canon_out)
{
	const char *name = call->args[0];
	g_autofree char *canon = list_canon(name);
	const char *wrong = canon != NULL ? list_name_check(canon) :
		"a list's address is NAME@DOMAIN";
	enum admin_status status;

	if (wrong != NULL)
		return call_refuse(call, "\"%s\" cannot be a list: %s", name,
				   wrong);
	if (settings_is_feedback(call->admin->settings, canon))
		return call_refuse(call, "%s takes feedback reports "
				   "(\"feedback\" in %s)", canon,
				   call->admin->settings->path);
	status = check_domain(call, strrchr(canon, '@') + 1);
	if (status == ADMIN_DONE)
		*canon_out = g_steal_pointer(&canon);
	return status;
}

enum admin_status
call_scope(const struct call *call, const char *name, char **scope_out)
{
	g_autoptr(list_auto) list = NULL;
	enum admin_status status;

	if (strcmp(name, SCOPE_SITE) == 0) {
		*scope_out = g_strdup("");
		return ADMIN_DONE;
	}
	if (name[0] == '@') {
		status = check_domain(call, name + 1);
		if (status == ADMIN_DONE)
			*scope_out = g_ascii_strdown(name, -1);
		return status;
	}
	status = call_list(call, name, &list);
	if (status == ADMIN_DONE)
		*scope_out = g_strdup(list->addr);
	return status;
}

const char *
scope_text(const char *scope)
{
	return scope[0] != '\0' ? scope : SCOPE_SITE;
}

/* --- create, set, delete ------------------------------------------------ */

struct change {
	const char *scope;
	int64_t created_s;	/* 0: the list is there already */
	GPtrArray *pairs;	/* struct pair */
	GPtrArray *unset;	/* struct key */
	bool done;		/* false: the address is taken, or gone */
};

static enum err_code
apply_pairs(struct txn *txn, const struct change *change, struct err *err)
{
	enum err_code rc = ERR_OK;
	bool removed;

	for (guint i = 0; i < change->pairs->len && rc == ERR_OK; i++) {
		const struct pair *pair = change->pairs->pdata[i];

		rc = setting_put(txn, change->scope, pair->key->name,
				 pair->value, err);
	}
	for (guint i = 0; i < change->unset->len && rc == ERR_OK; i++) {
		const struct key *key = change->unset->pdata[i];

		rc = setting_remove(txn, change->scope, key->name, &removed,
				    err);
	}
	return rc;
}

static enum err_code
create_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;
	enum err_code rc = list_create(txn, change->scope,
				       change->created_s, &change->done,
				       err);

	if (rc != ERR_OK || !change->done)
		return rc;
	return apply_pairs(txn, change, err);
}

static enum err_code
set_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;
	g_autoptr(list_auto) list = NULL;
	const bool is_list = strchr(change->scope, '@') > change->scope;
	enum err_code rc;

	change->done = true;
	if (is_list) {
		rc = list_find(txn, change->scope, &list, err);
		if (rc != ERR_OK)
			return rc;
		change->done = list != NULL;
	}
	return change->done ? apply_pairs(txn, change, err) : ERR_OK;
}

static enum admin_status
commit(const struct call *call, struct change *change, txn_body body,
       const char *undone, const char *done)
{
	struct err err = ERR_INIT;

	if (store_txn(call->admin->store, TXN_DURABLE, body, change, &err) !=
	    ERR_OK)
		return call_fail(call, &err);
	if (!change->done)
		return call_refuse(call, "%s %s", change->scope, undone);
	(void) fprintf(call->admin->out, "%s: %s\n",
		       scope_text(change->scope), done);
	return ADMIN_DONE;
}

/* That is the administrator's to say, in the settings. */
static enum err_code
check_program(const struct call *call, const char *name, struct err *err)
{
	const struct settings *settings = call->admin->settings;

	if (name[0] == '\0' || settings_program(settings, name) != NULL)
		return ERR_OK;
	return err_set(err, ERR_INVALID, "add it, see muster.conf(5), and "
		       "reload musterd", "program=%s: there is no [program "
		       "%s] in %s", name, name, settings->path);
}

/* What conf/ cannot know: whether a policy and patterns can be read. */
static enum admin_status
check_pairs(const struct call *call, GPtrArray *pairs)
{
	struct err err = ERR_INIT;

	for (guint i = 0; i < pairs->len; i++) {
		const struct pair *pair = pairs->pdata[i];

		if (policy_value_check(pair->key, pair->value, &err) !=
		    ERR_OK || (pair->key->type == KEY_PROGRAM &&
			       check_program(call, pair->value, &err) !=
			       ERR_OK))
			return call_fail(call, &err);
	}
	return ADMIN_DONE;
}

static enum admin_status
check_include(const struct call *call, const struct pair *pair,
	      const char *scope)
{
	g_auto(GStrv) names = key_words(pair->value);
	g_autofree char *why = NULL;
	struct err err = ERR_INIT;

	if (names[0] == NULL)
		return ADMIN_DONE;
	if (strchr(scope, '@') == NULL || scope[0] == '@')
		return call_refuse(call, "include is for one list each: "
				   "muster list set LIST include=...");
	if (includes_check(store_reader(call->admin->store), scope, names,
			   &why, &err) != ERR_OK)
		return call_fail(call, &err);
	return why == NULL ? ADMIN_DONE :
		call_refuse(call, "%s cannot include %s: %s", scope,
			    pair->value, why);
}

/* Whether lists that a scope includes can be included. */
static enum admin_status
check_includes(const struct call *call, const GPtrArray *pairs,
	       const char *scope)
{
	enum admin_status status = ADMIN_DONE;

	for (guint i = 0; i < pairs->len && status == ADMIN_DONE; i++) {
		const struct pair *pair = pairs->pdata[i];

		if (strcmp(pair->key->name, "include") == 0)
			status = check_include(call, pair, scope);
	}
	return status;
}

enum admin_status
list_create_run(struct call *call)
{
	g_autoptr(GPtrArray) pairs = pairs_new();
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autofree char *canon = NULL, *owners = NULL;
	struct change change = {
		.created_s = clock_s(),
		.pairs = pairs, .unset = none,
	};
	enum admin_status status = check_new_name(call, &canon);

	if (status == ADMIN_DONE && call->owners != NULL) {
		owners = g_strjoinv(",", call->owners);
		status = pairs_add(call, pairs, list_keys, "owner", owners);
	}
	if (status == ADMIN_DONE)
		status = pairs_read(call, pairs, list_keys, 1);
	if (status == ADMIN_DONE)
		status = check_pairs(call, pairs);
	if (status == ADMIN_DONE)
		status = check_includes(call, pairs, canon);
	if (status != ADMIN_DONE)
		return status;
	change.scope = canon;
	return commit(call, &change, create_body,
		      "is there already; change it with muster list set",
		      "created");
}

const char *
list_set_check(const struct call *call)
{
	return call->count < 2 && call->unsets == NULL ?
		"KEY=VALUE or --unset KEY is missing" : NULL;
}

static enum admin_status
read_unsets(const struct call *call, GPtrArray *pairs, GPtrArray *unset)
{
	struct err err = ERR_INIT;

	for (char **name = call->unsets; name != NULL && *name != NULL;
	     name++) {
		const struct key *key = key_find(list_keys, *name);

		if (key == NULL) {
			(void) key_unknown(list_keys, *name, &err);
			return call_fail(call, &err);
		}
		for (guint i = 0; i < pairs->len; i++)
			if (((struct pair *)pairs->pdata[i])->key == key)
				return call_refuse(call, "%s is given and "
						   "unset", key->name);
		g_ptr_array_add(unset, (void *)(uintptr_t)key);
	}
	return ADMIN_DONE;
}

static bool
has_key(const struct change *change, const char *name)
{
	bool found = false;

	for (guint i = 0; i < change->pairs->len; i++)
		found |= strcmp(((const struct pair *)
				 change->pairs->pdata[i])->key->name,
				name) == 0;
	for (guint i = 0; i < change->unset->len; i++)
		found |= strcmp(((const struct key *)
				 change->unset->pdata[i])->name, name) == 0;
	return found;
}

enum admin_status
list_set_pairs(struct call *call, GPtrArray *pairs)
{
	g_autoptr(GPtrArray) unset = g_ptr_array_new();
	g_autofree char *scope = NULL;
	struct change change = { .pairs = pairs, .unset = unset };
	enum admin_status status = check_pairs(call, pairs);

	if (status == ADMIN_DONE)
		status = call_scope(call, call->args[0], &scope);
	if (status == ADMIN_DONE)
		status = check_includes(call, pairs, scope);
	if (status == ADMIN_DONE)
		status = read_unsets(call, pairs, unset);
	if (status != ADMIN_DONE)
		return status;
	change.scope = scope;
	status = commit(call, &change, set_body, "has just been deleted",
			"changed");
	if (status == ADMIN_DONE && has_key(&change, "outgoing"))
		status = outgoing_changed(call, NULL);
	if (status == ADMIN_DONE && has_key(&change, "archive-private"))
		status = archive_changed(call, scope);
	return status;
}

enum admin_status
list_set_run(struct call *call)
{
	g_autoptr(GPtrArray) pairs = pairs_new();
	enum admin_status status = pairs_read(call, pairs, list_keys, 1);

	return status == ADMIN_DONE ? list_set_pairs(call, pairs) : status;
}

static enum err_code
delete_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;

	return list_delete(txn, change->scope, &change->done, err);
}

enum admin_status
list_delete_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	struct change change = { 0 };
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	change.scope = list->addr;
	return commit(call, &change, delete_body, "has just been deleted",
		      "deleted");
}
