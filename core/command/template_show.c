/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/letter/source.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/* muster template ls, show, fields. */

static enum admin_status
scope_of_arg(const struct call *call, int index, char **out)
{
	return call_scope(call, call->count > index ? call->args[index] :
			  SCOPE_SITE, out);
}

/* --- ls ----------------------------------------------------------------- */

struct listing {
	GHashTable *from;	/* "name/language" -> the scope that says so */
	const char *scope;	/* that is being read */
};

static bool
note(void *arg, const char *key, const char *value)
{
	struct listing *listing = arg;

	(void) value;
	g_hash_table_insert(listing->from, g_strdup(key +
			    strlen(KEY_TEMPLATE_PREFIX)),
			    g_strdup(scope_text(listing->scope)));
	return true;
}

/* A nearer scope takes the place of a farther one. */
static enum err_code
read_scopes(const struct call *call, const char *scope,
	    struct listing *listing, struct err *err)
{
	const char *domain = strrchr(scope, '@');
	const char *const scopes[] = { "", domain, scope };
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < G_N_ELEMENTS(scopes) && rc == ERR_OK; i++) {
		if (scopes[i] == NULL || (i == 2 && domain == scope) ||
		    (i > 0 && scopes[i][0] == '\0'))
			continue;
		listing->scope = scopes[i];
		rc = setting_walk(store_reader(call->admin->store), scopes[i],
				  KEY_TEMPLATE_PREFIX, note, listing, err);
	}
	return rc;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Those that are shipped, and others that were set. */
static GPtrArray *
languages_of(const struct listing *listing, const char *name)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *prefix = g_strconcat(name, "/", NULL);
	GHashTableIter iter;
	void *key;

	for (const char *const *one = template_languages; *one != NULL; one++)
		g_ptr_array_add(out, g_strdup(*one));
	g_hash_table_iter_init(&iter, listing->from);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const char *language = (const char *)key + strlen(prefix);

		if (g_str_has_prefix(key, prefix) &&
		    !g_strv_contains(template_languages, language))
			g_ptr_array_add(out, g_strdup(language));
	}
	g_ptr_array_sort(out, by_text);
	return out;
}

static json_t *
kind_json(const struct listing *listing, const struct template_kind *kind)
{
	g_autoptr(GPtrArray) languages = languages_of(listing, kind->name);
	json_t *object = json_object();

	for (guint i = 0; i < languages->len; i++) {
		const char *language = languages->pdata[i];
		g_autofree char *key = g_strconcat(kind->name, "/", language,
						   NULL);
		const char *from = g_hash_table_lookup(listing->from, key);

		json_object_set_new(object, language, json_text(
			from != NULL ? from : "shipped"));
	}
	return json_pack("{s:s, s:s, s:o}", "name", kind->name, "help",
			 kind->help, "languages", object);
}

/* "join-welcome TAB de en (dev@lists.example.org) es fr" */
static void
print_kind(FILE *out, const json_t *object)
{
	json_t *languages = json_object_get(object, "languages");
	const char *language, *separator = "\t";
	json_t *from;

	(void) fputs(json_string_value(json_object_get(object, "name")), out);
	json_object_foreach(languages, language, from) {
		const char *scope = json_string_value(from);

		(void) fprintf(out, "%s%s", separator, language);
		if (strcmp(scope, "shipped") != 0)
			(void) fprintf(out, " (%s)", scope);
		separator = " ";
	}
	(void) fputc('\n', out);
}

enum admin_status
template_ls_run(struct call *call)
{
	g_autoptr(GHashTable) from = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, g_free);
	struct listing listing = { .from = from };
	g_autofree char *scope = NULL;
	struct err err = ERR_INIT;
	struct print_array array;
	enum admin_status status = scope_of_arg(call, 0, &scope);

	if (status != ADMIN_DONE)
		return status;
	if (read_scopes(call, scope, &listing, &err) != ERR_OK)
		return call_fail(call, &err);
	print_array_begin(&array, call);
	for (const struct template_kind *kind = template_kinds;
	     kind->name != NULL; kind++)
		print_array_row(&array, kind_json(&listing, kind), print_kind);
	print_array_end(&array);
	return ADMIN_DONE;
}

/* --- show --------------------------------------------------------------- */

static void
set_role(GHashTable *values, const char *list, const char *name,
	 const char *suffix)
{
	g_hash_table_replace(values, (void *)(uintptr_t)name,
			     list_role_addr(list, suffix));
}

/* The examples are of dev@lists.example.org; of a list its own names. */
static enum err_code
name_list(const struct call *call, const char *list, GHashTable *values,
	  struct err *err)
{
	g_autoptr(list_conf_auto) conf = NULL;
	enum err_code rc = list_conf_load(store_reader(call->admin->store),
					  list, &conf, err);

	if (rc != ERR_OK)
		return rc;
	set_role(values, list, "list.address", "");
	set_role(values, list, "list.owner", "-owner");
	set_role(values, list, "list.request", "-request");
	set_role(values, list, "list.join", "-join");
	set_role(values, list, "list.leave", "-leave");
	g_hash_table_replace(values, (void *)(uintptr_t)"list.name",
			     g_strndup(list, strcspn(list, "@")));
	g_hash_table_replace(values, (void *)(uintptr_t)"list.description",
			     g_strdup(conf->description));
	return ERR_OK;
}

static enum err_code
preview(const struct call *call, const char *scope,
	const struct template_kind *kind, const char *text,
	char **subject_out, char **body_out, struct err *err)
{
	g_autoptr(GHashTable) values = template_example(kind);
	struct template *parsed = NULL;
	enum err_code rc = template_parse(kind->name, kind, text, &parsed,
					  err);

	if (rc == ERR_OK && strchr(scope, '@') > scope)
		rc = name_list(call, scope, values, err);
	if (rc == ERR_OK)
		template_fill(parsed, values, subject_out, body_out);
	template_free(parsed);
	return rc;
}

static void
print_text(const struct call *call, const struct template_kind *kind,
	   const struct template_source *source, const char *text)
{
	const char *from = source->scope != NULL ? scope_text(source->scope) :
		"shipped";

	if (call->json) {
		print_object(call, json_pack(
			"{s:s, s:s, s:o, s:o}", "name", kind->name,
			"language", source->language, "from", json_text(from),
			"text", json_text(text)));
		return;
	}
	(void) fprintf(call->admin->out, "%s%s", text,
		       g_str_has_suffix(text, "\n") ? "" : "\n");
}

static enum admin_status
show(const struct call *call, const char *scope,
     const struct template_kind *kind, const struct template_source *source)
{
	g_autofree char *subject = NULL, *body = NULL, *whole = NULL;
	struct err err = ERR_INIT;

	if (!call->preview) {
		print_text(call, kind, source, source->text);
		return ADMIN_DONE;
	}
	if (preview(call, scope, kind, source->text, &subject, &body, &err) !=
	    ERR_OK)
		return call_fail(call, &err);
	whole = kind->is_part ? g_strdup(body) :
		g_strdup_printf("Subject: %s\n\n%s", subject, body);
	print_text(call, kind, source, whole);
	return ADMIN_DONE;
}

enum admin_status
template_show_run(struct call *call)
{
	struct template_source source = { 0 };
	g_autofree char *scope = NULL, *language = NULL;
	const struct template_kind *kind = NULL;
	struct err err = ERR_INIT;
	enum admin_status status = template_call_kind(call, call->args[0],
						      &kind);

	if (status == ADMIN_DONE)
		status = scope_of_arg(call, 1, &scope);
	if (status == ADMIN_DONE)
		status = template_call_language(call, scope, &language);
	if (status != ADMIN_DONE)
		return status;
	if (template_find(store_reader(call->admin->store), scope, kind,
			  language, NULL, &source, &err) != ERR_OK)
		return call_fail(call, &err);
	status = show(call, scope, kind, &source);
	template_source_done(&source);
	return status;
}

/* --- fields ------------------------------------------------------------- */

static const char *
type_name(const struct template_field *field)
{
	static const char *const names[] = {
		[FIELD_LINE] = "line", [FIELD_ADDR] = "address",
		[FIELD_LINES] = "lines", [FIELD_FLAG] = "flag",
	};

	return names[field->type];
}

static void
print_fields(const struct call *call, struct print_array *array,
	     const struct template_field *fields)
{
	for (; fields->name != NULL; fields++)
		if (call->json)
			print_array_item(array, json_pack(
				"{s:s, s:s, s:b, s:s, s:s}", "field",
				fields->name, "type", type_name(fields),
				"must", fields->must, "example",
				fields->example, "help", fields->help));
		else
			(void) fprintf(call->admin->out, "%s\t%s%s\t%s\n",
				       fields->name, type_name(fields),
				       fields->must ? ", must" : "",
				       fields->help);
}

enum admin_status
template_fields_run(struct call *call)
{
	const struct template_kind *kind = NULL;
	struct print_array array;
	enum admin_status status = call->count == 0 ? ADMIN_DONE :
		template_call_kind(call, call->args[0], &kind);

	if (status != ADMIN_DONE)
		return status;
	print_array_begin(&array, call);
	if (kind != NULL)
		print_fields(call, &array, kind->fields);
	print_fields(call, &array, template_common);
	print_array_end(&array);
	return ADMIN_DONE;
}
