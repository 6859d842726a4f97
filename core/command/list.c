/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/verbs.h"
#include "core/mail/addr.h"
#include "db/roster.h"
#include "core/base/banned.h"

#define SITE "site"		/* how the scope "" is written */

/* --- names -------------------------------------------------------------- */

static char *
canon_list(const char *name)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);

	return addr_canon(lower);
}

struct list *
find_list(struct admin *admin, const char *name, int *status)
{
	g_autofree char *addr = canon_list(name);
	struct list *list = NULL;
	struct err err = ERR_INIT;

	if (addr != NULL && list_find(store_reader(admin->store), addr, &list,
				      &err) != ERR_OK)
		*status = admin_fail(admin, &err);
	else if (list == NULL)
		*status = admin_refuse(admin, "there is no list %s (see "
				       "muster list ls)", name);
	return list;
}

enum err_code
read_pair(const struct key *keys, const char *text, const char **name_out,
	  char **value_out, struct err *err)
{
	const char *equals = strchr(text, '=');
	g_autofree char *name = NULL;
	const struct key *key;

	if (equals == NULL)
		return err_set(err, ERR_INVALID, "",
			       "\"%s\" is no KEY=VALUE", text);
	name = g_strndup(text, (gsize)(equals - text));
	key = key_find(keys, name);
	if (key == NULL)
		return key_unknown(keys, name, err);
	*name_out = key->name;
	return key_check(key, equals + 1, value_out, err);
}

/* --- changing keys ------------------------------------------------------ */

struct change { const char *key; char *value; };	/* NULL: unset */

static void
change_done(void *data)
{
	g_free(((struct change *)data)->value);
}

static GArray *
changes_new(void)
{
	GArray *changes = g_array_new(FALSE, TRUE, sizeof(struct change));

	g_array_set_clear_func(changes, change_done);
	return changes;
}

static enum err_code
read_changes(char **pairs, char **unset, GArray *changes, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (; *pairs != NULL && rc == ERR_OK; pairs++) {
		struct change change = { NULL, NULL };

		rc = read_pair(list_keys, *pairs, &change.key, &change.value,
			       err);
		if (rc == ERR_OK)
			g_array_append_val(changes, change);
	}
	for (; rc == ERR_OK && unset != NULL && *unset != NULL; unset++) {
		const struct key *key = key_find(list_keys, *unset);
		struct change change = { key != NULL ? key->name : NULL,
					 NULL };

		if (key == NULL)
			return key_unknown(list_keys, *unset, err);
		g_array_append_val(changes, change);
	}
	return rc;
}

struct set { const char *scope; const GArray *changes; bool is_list, gone; };

static enum err_code
apply_changes(struct txn *txn, const char *scope, const GArray *changes,
	      struct err *err)
{
	enum err_code rc = ERR_OK;
	bool removed;

	for (guint i = 0; i < changes->len && rc == ERR_OK; i++) {
		const struct change *change = &g_array_index(
			changes, struct change, i);

		rc = change->value != NULL ?
			setting_put(txn, scope, change->key, change->value,
				    err) :
			setting_remove(txn, scope, change->key, &removed,
				       err);
	}
	return rc;
}

static enum err_code
set_body(struct txn *txn, void *arg, struct err *err)
{
	struct set *set = arg;
	struct list *list = NULL;
	enum err_code rc = ERR_OK;

	if (set->is_list)
		rc = list_find(txn, set->scope, &list, err);
	set->gone = set->is_list && list == NULL;
	list_free(list);
	if (rc != ERR_OK || set->gone)
		return rc;
	return apply_changes(txn, set->scope, set->changes, err);
}

/* "site" -> "", "@domain" -> "@domain", else a list's address; NULL with
 * *status: there is none of that name. */
static char *
read_scope(struct admin *admin, const char *word, int *status)
{
	struct list *list;
	char *scope;

	if (strcmp(word, SITE) == 0)
		return g_strdup("");
	if (word[0] == '@') {
		if (settings_has_domain(admin->settings, word + 1) ||
		    settings_shares_domain(admin->settings, word + 1))
			return g_ascii_strdown(word, -1);
		*status = admin_refuse(admin, "%s is not in [muster] domains "
				       "or shared-domains of %s", word + 1,
				       admin->settings->path);
		return NULL;
	}
	list = find_list(admin, word, status);
	scope = list != NULL ? g_strdup(list->addr) : NULL;
	list_free(list);
	return scope;
}

int
verb_list_set(struct admin *admin, const struct words *words)
{
	g_autoptr(GArray) changes = changes_new();
	g_autofree char *scope = NULL;
	struct set set = { .changes = changes };
	struct err err = ERR_INIT;
	int status = ADMIN_DONE;

	if (read_changes(words->args + 1, words->unset, changes, &err) !=
	    ERR_OK)
		return admin_fail(admin, &err);
	if (changes->len == 0) {
		(void) admin_refuse(admin, "nothing to set: give KEY=VALUE "
				    "or --unset KEY");
		return ADMIN_USAGE;
	}
	scope = read_scope(admin, words->args[0], &status);
	if (scope == NULL)
		return status;
	set.scope = scope;
	set.is_list = scope[0] != '\0' && scope[0] != '@';
	if (store_txn(admin->store, TXN_DURABLE, set_body, &set, &err) !=
	    ERR_OK)
		return admin_fail(admin, &err);
	return set.gone ? admin_refuse(admin, "there is no list %s",
				       words->args[0]) : ADMIN_DONE;
}

/* --- create and delete -------------------------------------------------- */

struct create { const char *addr; const GArray *changes; bool created; };

static enum err_code
create_body(struct txn *txn, void *arg, struct err *err)
{
	struct create *create = arg;
	enum err_code rc;

	rc = list_create(txn, create->addr, g_get_real_time() /
			 G_USEC_PER_SEC, &create->created, err);
	if (rc != ERR_OK || !create->created)
		return rc;
	return apply_changes(txn, create->addr, create->changes, err);
}

/* --owner, given several times, is the key owner. */
static enum err_code
add_owners(char **owners, GArray *changes, struct err *err)
{
	struct change change = { "owner", NULL };
	g_autofree char *joined = NULL;
	enum err_code rc;

	if (owners == NULL)
		return ERR_OK;
	joined = g_strjoinv(",", owners);
	rc = key_check(key_find(list_keys, "owner"), joined, &change.value,
		       err);
	if (rc == ERR_OK)
		g_array_append_val(changes, change);
	return rc;
}

static int
check_new_name(struct admin *admin, const char *word, const char *addr)
{
	const char *wrong = list_name_check(addr != NULL ? addr : word);
	const char *domain;

	if (addr == NULL || wrong != NULL)
		return admin_refuse(admin, "%s cannot be a list: %s", word,
				    wrong != NULL ? wrong :
				    "a list's address is NAME@DOMAIN");
	domain = strrchr(addr, '@') + 1;
	if (!settings_has_domain(admin->settings, domain) &&
	    !settings_shares_domain(admin->settings, domain))
		return admin_refuse(admin, "%s is no domain of muster's: put "
				    "it in [muster] domains, or in "
				    "shared-domains if it has other mailboxes "
				    "too, of %s", domain,
				    admin->settings->path);
	return ADMIN_DONE;
}

int
verb_list_create(struct admin *admin, const struct words *words)
{
	g_autofree char *addr = canon_list(words->args[0]);
	g_autoptr(GArray) changes = changes_new();
	struct create create = { .addr = addr, .changes = changes };
	struct err err = ERR_INIT;
	int status = check_new_name(admin, words->args[0], addr);

	if (status != ADMIN_DONE)
		return status;
	if (add_owners(words->owners, changes, &err) != ERR_OK ||
	    read_changes(words->args + 1, NULL, changes, &err) != ERR_OK ||
	    store_txn(admin->store, TXN_DURABLE, create_body, &create, &err)
	    != ERR_OK)
		return admin_fail(admin, &err);
	return create.created ? ADMIN_DONE :
		admin_refuse(admin, "list %s exists already", addr);
}

struct removal { const char *addr; bool deleted; };

static enum err_code
delete_body(struct txn *txn, void *arg, struct err *err)
{
	struct removal *removal = arg;

	return list_delete(txn, removal->addr, &removal->deleted, err);
}

/* The list is gone at once; its members go in small pieces, here or, cut
 * off, by musterd's housekeeping. */
int
verb_list_delete(struct admin *admin, const struct words *words)
{
	int status = ADMIN_DONE;
	struct list *list = find_list(admin, words->args[0], &status);
	struct removal removal = { .addr = list != NULL ? list->addr : "" };
	struct err err = ERR_INIT;
	bool more = true;

	if (list == NULL)
		return status;
	if (store_txn(admin->store, TXN_DURABLE, delete_body, &removal, &err)
	    != ERR_OK)
		status = admin_fail(admin, &err);
	while (status == ADMIN_DONE && more)
		if (list_purge(admin->store, &more, &err) != ERR_OK)
			status = admin_fail(admin, &err);
	list_free(list);
	return status;
}

/* --- show --------------------------------------------------------------- */

static json_t *
list_object(struct admin *admin, const struct list *list, struct err *err)
{
	g_autofree char *created = time_text(list->created_s);
	uint64_t members = 0, off = 0;

	if (roster_count(admin->store, list->id, &members, &off, err) !=
	    ERR_OK)
		return NULL;
	return json_pack("{s:s, s:s, s:I, s:I}", "list", list->addr,
			 "created", created, "members", (json_int_t)members,
			 "delivery_off", (json_int_t)off);
}

static void
print_list_line(struct admin *admin, json_t *object)
{
	(void) fprintf(admin->out, "%s\t%lld\n",
		       json_string_value(json_object_get(object, "list")),
		       (long long)json_integer_value(
				json_object_get(object, "members")));
	json_decref(object);
}

int
verb_list_ls(struct admin *admin, const struct words *words)
{
	g_autofree char *after = g_strdup("");
	struct list *list = NULL;
	struct err err = ERR_INIT;
	bool first = true;
	json_t *object;

	if (words->json)
		admin_array_begin(admin);
	while (list_next(store_reader(admin->store), after, &list, &err) ==
	       ERR_OK && list != NULL) {
		object = list_object(admin, list, &err);
		g_free(after);
		after = g_strdup(list->addr);
		list_free(g_steal_pointer(&list));
		if (object == NULL)
			break;
		if (words->json)
			admin_array_add(admin, &first, object);
		else
			print_list_line(admin, object);
	}
	if (words->json)
		admin_array_end(admin);
	return err.code == ERR_OK ? ADMIN_DONE : admin_fail(admin, &err);
}

static const char *
origin(const char *from)
{
	if (from == NULL)
		return "default";
	if (from[0] == '\0')
		return SITE;
	return from[0] == '@' ? "domain" : "list";
}

static void
print_conf(struct admin *admin, const struct list_conf *conf)
{
	for (const struct key *key = list_keys; key->name != NULL; key++)
		(void) fprintf(admin->out, "%s = %s\t(%s)\n", key->name,
			       (char *)g_hash_table_lookup(conf->text,
							   key->name),
			       origin(g_hash_table_lookup(conf->from,
							  key->name)));
}

static json_t *
conf_object(const struct list_conf *conf)
{
	json_t *keys = json_object();

	for (const struct key *key = list_keys; key->name != NULL; key++)
		(void) json_object_set_new(keys, key->name, json_pack(
			"{s:s, s:s}", "value", (char *)g_hash_table_lookup(
				conf->text, key->name),
			"from", origin(g_hash_table_lookup(conf->from,
							   key->name))));
	return keys;
}

static int
show_scope(struct admin *admin, const struct words *words, const char *scope,
	   json_t *object)
{
	struct list_conf *conf = NULL;
	struct err err = ERR_INIT;

	if (list_conf_load(store_reader(admin->store), scope, &conf, &err) !=
	    ERR_OK) {
		json_decref(object);
		return admin_fail(admin, &err);
	}
	if (words->json) {
		(void) json_object_set_new(object, "keys", conf_object(conf));
		admin_print(admin, object);
	} else {
		if (json_object_get(object, "members") != NULL)
			(void) fprintf(admin->out, "# %s, %lld members\n",
				       scope, (long long)json_integer_value(
				       json_object_get(object, "members")));
		print_conf(admin, conf);
		json_decref(object);
	}
	list_conf_free(conf);
	return ADMIN_DONE;
}

int
verb_list_show(struct admin *admin, const struct words *words)
{
	int status = ADMIN_DONE;
	g_autofree char *scope = read_scope(admin, words->args[0], &status);
	struct err err = ERR_INIT;
	struct list *list;
	json_t *object;

	if (scope == NULL)
		return status;
	if (scope[0] == '\0' || scope[0] == '@')
		return show_scope(admin, words, scope, json_pack(
			"{s:s}", "scope", words->args[0]));
	list = find_list(admin, scope, &status);
	if (list == NULL)
		return status;
	object = list_object(admin, list, &err);
	list_free(list);
	return object != NULL ? show_scope(admin, words, scope, object)
			      : admin_fail(admin, &err);
}

/* --- keys --------------------------------------------------------------- */

static void
print_keys(struct admin *admin, const struct words *words, const char *of,
	   const struct key *keys, bool *first)
{
	for (; keys->name != NULL; keys++)
		if (words->json)
			admin_array_add(admin, first, json_pack(
				"{s:s, s:s, s:s, s:s}", "of", of, "key",
				keys->name, "default", keys->fallback,
				"help", keys->help));
		else
			(void) fprintf(admin->out, "%s\t%s\t%s\t%s\n", of,
				       keys->name, keys->fallback,
				       keys->help);
}

int
verb_list_keys(struct admin *admin, const struct words *words)
{
	bool first = true;

	if (words->json)
		admin_array_begin(admin);
	print_keys(admin, words, "list", list_keys, &first);
	print_keys(admin, words, "member", member_keys, &first);
	if (words->json)
		admin_array_end(admin);
	return ADMIN_DONE;
}
