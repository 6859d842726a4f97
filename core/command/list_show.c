/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "db/include.h"
#include "core/base/banned.h"

/* Lists as they are printed: `list ls` and `list show`. */

/* --- ls ----------------------------------------------------------------- */

static enum err_code
ls_item(const struct call *call, const struct list *list, json_t **out,
	struct err *err)
{
	g_autoptr(list_conf_auto) conf = NULL;
	enum err_code rc = list_conf_load(store_reader(call->admin->store),
					  list->addr, &conf, err);

	if (rc == ERR_OK)
		*out = json_pack("{s:o, s:o, s:o, s:o}",
				 "list", json_text(list->addr),
				 "created", json_time(list->created_s),
				 "description", json_text(conf->description),
				 "policy", json_text(conf->policy));
	return rc;
}

static enum err_code
ls_print(const struct call *call, struct print_array *array,
	 const struct list *list, struct err *err)
{
	json_t *item = NULL;
	enum err_code rc;

	if (!call->json) {
		(void) fprintf(call->admin->out, "%s\n", list->addr);
		return ERR_OK;
	}
	rc = ls_item(call, list, &item, err);
	if (rc == ERR_OK)
		print_array_item(array, item);
	return rc;
}

enum admin_status
list_ls_run(struct call *call)
{
	struct txn *reader = store_reader(call->admin->store);
	g_autofree char *after = g_strdup("");
	struct print_array array = { 0 };
	struct err err = ERR_INIT;
	enum err_code rc = ERR_OK;

	print_array_begin(&array, call);
	while (rc == ERR_OK && !ferror(call->admin->out)) {
		g_autoptr(list_auto) list = NULL;

		rc = list_next(reader, after, &list, &err);
		if (rc != ERR_OK || list == NULL)
			break;
		rc = ls_print(call, &array, list, &err);
		g_free(after);
		after = g_strdup(list->addr);
	}
	if (rc != ERR_OK)
		return call_fail(call, &err);
	print_array_end(&array);
	return ADMIN_DONE;
}

/* --- show --------------------------------------------------------------- */

static const char *
scope_kind(const char *from)
{
	if (from[0] == '\0')
		return SCOPE_SITE;
	return from[0] == '@' ? "domain" : "list";
}

/* "default", or "site", "domain", "list"; of an additive key all of them */
static char *
origin(const char *from)
{
	g_auto(GStrv) scopes = NULL;
	g_autoptr(GStrvBuilder) kinds = g_strv_builder_new();
	g_auto(GStrv) words = NULL;

	if (from == NULL)
		return g_strdup("default");
	if (from[0] == '\0')	/* g_strsplit() makes nothing of "" */
		return g_strdup(scope_kind(from));
	scopes = g_strsplit(from, ",", -1);
	for (char **scope = scopes; *scope != NULL; scope++)
		g_strv_builder_add(kinds, scope_kind(*scope));
	words = g_strv_builder_end(kinds);
	return g_strjoinv(", ", words);
}

/* "key = value  (list)"; the lines of a long value stand below, indented */
static void
show_key(FILE *out, const char *name, const char *value, const char *from)
{
	g_auto(GStrv) lines = g_strsplit(value, "\n", -1);
	const bool one = lines[0] == NULL || lines[1] == NULL;
	g_autofree char *first = print_plain(one ? value : "");

	(void) fprintf(out, "%s =%s%s  (%s)\n", name,
		       first[0] != '\0' ? " " : "", first, from);
	for (char **line = lines; !one && *line != NULL; line++) {
		g_autofree char *blanks = g_strdelimit(g_strdup(*line), "\t",
						       ' ');
		g_autofree char *plain = print_plain(blanks);

		(void) fprintf(out, "\t%s\n", plain);
	}
}

static void
show_keys(const struct call *call, const struct list_conf *conf,
	  json_t *object)
{
	json_t *origins = json_object();

	for (const struct key *key = list_keys; key->name != NULL; key++) {
		const char *value = g_hash_table_lookup(conf->text,
							key->name);
		g_autofree char *from = origin(g_hash_table_lookup(
			conf->from, key->name));
		g_autofree char *name = g_strdelimit(g_strdup(key->name),
						     "-", '_');

		if (!call->json)
			show_key(call->admin->out, key->name, value, from);
		(void) json_object_set_new(object, name, json_text(value));
		(void) json_object_set_new(origins, name, json_text(from));
	}
	(void) json_object_set_new(object, "from", origins);
}

static enum admin_status
show_conf(const struct call *call, const char *scope, json_t *head)
{
	g_autoptr(list_conf_auto) conf = NULL;
	struct err err = ERR_INIT;

	if (list_conf_load(store_reader(call->admin->store), scope, &conf,
			   &err) != ERR_OK) {
		json_decref(head);
		return call_fail(call, &err);
	}
	if (!call->json)
		print_lines(call->admin->out, head);
	show_keys(call, conf, head);
	if (call->json)
		print_object(call, head);
	else
		json_decref(head);
	return ADMIN_DONE;
}

/* "staff@x, deans@x (by staff@x)"; null if there are none */
static enum err_code
includes_json(const struct call *call, const struct list *list,
	      json_t **out, struct err *err)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GPtrArray) all = NULL;
	enum err_code rc = includes_get(store_reader(call->admin->store),
					list->addr, &all, err);

	if (rc != ERR_OK)
		return rc;
	for (guint i = 0; i < all->len; i++) {
		const struct included *one = g_ptr_array_index(all, i);

		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
				       one->addr);
		if (strcmp(one->by, list->addr) != 0)
			g_string_append_printf(text, " (by %s)", one->by);
	}
	*out = json_text_or_null(text->str);
	return ERR_OK;
}

static enum admin_status
show_list(const struct call *call, const struct list *list)
{
	uint64_t members, off;
	json_t *includes = NULL;
	struct err err = ERR_INIT;

	if (roster_count(call->admin->store, list->id, &members, &off,
			 &err) != ERR_OK ||
	    includes_json(call, list, &includes, &err) != ERR_OK)
		return call_fail(call, &err);
	return show_conf(call, list->addr, json_pack(
		"{s:o, s:o, s:I, s:I, s:o}", "list", json_text(list->addr),
		"created", json_time(list->created_s),
		"members", (json_int_t)members,
		"delivery_off", (json_int_t)off,
		"includes", includes));
}

enum admin_status
list_show_run(struct call *call)
{
	g_autofree char *scope = NULL;
	g_autoptr(list_auto) list = NULL;
	enum admin_status status = call_scope(call, call->args[0], &scope);

	if (status != ADMIN_DONE)
		return status;
	if (scope[0] == '\0' || scope[0] == '@')
		return show_conf(call, scope, json_pack(
			"{s:s}", "scope", scope_text(scope)));
	status = call_list(call, scope, &list);
	return status == ADMIN_DONE ? show_list(call, list) : status;
}
