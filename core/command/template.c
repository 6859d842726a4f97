/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/letter/source.h"
#include "core/base/banned.h"

/* muster template check, set, unset, fields: the texts of letters. */

/* --- what is named ------------------------------------------------------ */

enum admin_status
template_call_kind(const struct call *call, const char *name,
		   const struct template_kind **out)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const char *nearest;

	*out = template_kind_find(name);
	if (*out != NULL)
		return ADMIN_DONE;
	for (const struct template_kind *kind = template_kinds;
	     kind->name != NULL; kind++)
		g_ptr_array_add(names, (void *)(uintptr_t)kind->name);
	g_ptr_array_add(names, NULL);
	nearest = key_nearest((const char *const *)names->pdata, name);
	if (nearest != NULL)
		return call_refuse(call, "there is no template \"%s\"; did "
				   "you mean \"%s\"?", name, nearest);
	return call_refuse(call, "there is no template \"%s\" (muster "
			   "template ls prints all)", name);
}

/* *out NULL: none was given */
static enum admin_status
given_language(const struct call *call, char **out)
{
	g_autofree char *tag = NULL;

	*out = NULL;
	if (call->language == NULL)
		return ADMIN_DONE;
	tag = g_strdelimit(g_ascii_strdown(call->language, -1), "_", '-');
	if (!key_is_language(tag))
		return call_refuse(call, "\"%s\" is no language such as de "
				   "or pt-br", call->language);
	*out = g_steal_pointer(&tag);
	return ADMIN_DONE;
}

enum admin_status
template_call_language(const struct call *call, const char *scope, char **out)
{
	g_autoptr(list_conf_auto) conf = NULL;
	struct err err = ERR_INIT;
	enum admin_status status = given_language(call, out);

	if (status != ADMIN_DONE || *out != NULL)
		return status;
	if (list_conf_load(store_reader(call->admin->store), scope, &conf,
			   &err) != ERR_OK)
		return call_fail(call, &err);
	*out = g_strdup(conf->language);
	return ADMIN_DONE;
}

/* --- a text from a file ------------------------------------------------- */

static enum admin_status
check_text(const struct call *call, const char *file,
	   const struct template_kind *kind, const char *text)
{
	struct template *parsed = NULL;
	struct err err = ERR_INIT;

	if (template_parse(file, kind, text, &parsed, &err) != ERR_OK)
		return call_mistake(call, &err);
	template_free(parsed);
	return ADMIN_DONE;
}

/* By --name, or by the name of the file; NULL: fields of all are good. */
static enum admin_status
kind_of_file(const struct call *call, const char *file,
	     const struct template_kind **out)
{
	g_autofree char *base = g_path_get_basename(file);

	if (call->name != NULL)
		return template_call_kind(call, call->name, out);
	*out = template_kind_find(base);
	return ADMIN_DONE;
}

enum admin_status
template_check_run(struct call *call)
{
	const char *file = call_text_name(call->args[0]);
	g_autofree char *text = NULL, *shown = print_plain(file);
	const struct template_kind *kind;
	enum admin_status status = kind_of_file(call, file, &kind);

	if (status == ADMIN_DONE)
		status = call_text(call, file, TEMPLATE_TEXT_MAX, &text);
	if (status == ADMIN_DONE)
		status = check_text(call, file, kind, text);
	if (status == ADMIN_DONE)
		(void) fprintf(call->admin->out, "%s: OK\n", shown);
	return status;
}

/* --- set, unset --------------------------------------------------------- */

struct change {
	const char *scope, *key;
	const char *value;	/* NULL: remove it */
	bool gone;		/* the list has been deleted meanwhile */
	bool removed;
};

static enum err_code
change_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;
	g_autoptr(list_auto) list = NULL;
	enum err_code rc = ERR_OK;

	if (strchr(change->scope, '@') > change->scope) {
		rc = list_find(txn, change->scope, &list, err);
		change->gone = list == NULL;
		if (rc != ERR_OK || change->gone)
			return rc;
	}
	if (change->value != NULL)
		return setting_put(txn, change->scope, change->key,
				   change->value, err);
	return setting_remove(txn, change->scope, change->key,
			      &change->removed, err);
}

static enum admin_status
commit(const struct call *call, struct change *change)
{
	struct err err = ERR_INIT;

	if (store_txn(call->admin->store, TXN_DURABLE, change_body, change,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	return change->gone ? call_refuse(call, "%s is no list any more",
					  change->scope) : ADMIN_DONE;
}

/* scope, name and language of set and unset */
struct place {
	char *scope, *language, *key;
	const struct template_kind *kind;
};

static void
place_done(struct place *place)
{
	g_free(place->scope);
	g_free(place->language);
	g_free(place->key);
}

static enum admin_status
find_place(const struct call *call, struct place *out)
{
	enum admin_status status = call_scope(call, call->args[0],
					      &out->scope);

	if (status == ADMIN_DONE)
		status = template_call_kind(call, call->args[1], &out->kind);
	if (status == ADMIN_DONE)
		status = template_call_language(call, out->scope,
						&out->language);
	if (status == ADMIN_DONE)
		out->key = template_setting(out->kind->name, out->language);
	return status;
}

static enum admin_status
set(const struct call *call, const struct place *place)
{
	const char *file = call_text_name(call->args[2]);
	g_autofree char *text = NULL, *checked = NULL;
	struct change change = { .scope = place->scope, .key = place->key };
	struct err err = ERR_INIT;
	enum admin_status status = call_text(call, file, TEMPLATE_TEXT_MAX,
					     &text);

	if (status == ADMIN_DONE)
		status = check_text(call, file, place->kind, text);
	if (status != ADMIN_DONE)
		return status;
	if (key_check(&template_key, text, &checked, &err) != ERR_OK)
		return call_fail(call, &err);
	change.value = checked;
	status = commit(call, &change);
	if (status == ADMIN_DONE)
		(void) fprintf(call->admin->out, "%s: %s (%s): set\n",
			       scope_text(place->scope), place->kind->name,
			       place->language);
	return status;
}

enum admin_status
template_set_run(struct call *call)
{
	struct place place = { 0 };
	enum admin_status status = find_place(call, &place);

	if (status == ADMIN_DONE)
		status = set(call, &place);
	place_done(&place);
	return status;
}

static enum admin_status
unset(const struct call *call, const struct place *place)
{
	struct change change = { .scope = place->scope, .key = place->key };
	enum admin_status status = commit(call, &change);

	if (status != ADMIN_DONE)
		return status;
	if (!change.removed)
		return call_refuse(call, "%s has no template %s of its own in "
				   "language %s (muster template ls %s "
				   "prints those that hold)",
				   scope_text(place->scope),
				   place->kind->name, place->language,
				   scope_text(place->scope));
	(void) fprintf(call->admin->out, "%s: %s (%s): unset\n",
		       scope_text(place->scope), place->kind->name,
		       place->language);
	return ADMIN_DONE;
}

enum admin_status
template_unset_run(struct call *call)
{
	struct place place = { 0 };
	enum admin_status status = find_place(call, &place);

	if (status == ADMIN_DONE)
		status = unset(call, &place);
	place_done(&place);
	return status;
}
