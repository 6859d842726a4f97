/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/answers.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/moderate/policy.h"
#include "core/base/banned.h"

/* conf/ knows no policy, but how long one may be. */
_Static_assert(KEY_LONG_MAX == POLICY_TEXT_MAX,
	       "a policy fits into its key");

/* --- what other verbs ask ----------------------------------------------- */

static enum err_code
check_patterns(const struct key *key, const char *value, struct err *err)
{
	g_auto(GStrv) patterns = key_words(value);

	for (char **pattern = patterns; *pattern != NULL; pattern++) {
		const char *wrong = address_pattern_check(*pattern);

		if (wrong != NULL)
			return err_set(err, ERR_INVALID, "", "%s=%s: %s",
				       key->name, *pattern, wrong);
	}
	return ERR_OK;
}

enum err_code
policy_value_check(const struct key *key, const char *value, struct err *err)
{
	if (key->type == KEY_PATTERNS)
		return check_patterns(key, value, err);
	if (key->type == KEY_POLICY)
		return policy_check(key->name, value, err);
	return ERR_OK;
}

/* --- show, presets ------------------------------------------------------ */

enum admin_status
policy_show_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	g_autoptr(list_conf_auto) conf = NULL;
	g_autofree char *text = NULL;
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	if (list_conf_load(store_reader(call->admin->store), list->addr,
			   &conf, &err) != ERR_OK)
		return call_fail(call, &err);
	text = list_policy_text(list->addr, conf);
	if (call->json)
		print_object(call, json_pack(
			"{s:o, s:o, s:o}", "list", json_text(list->addr),
			"policy", json_text(conf->policy),
			"text", json_text(text)));
	else
		(void) fprintf(call->admin->out, "%s%s", text,
			       g_str_has_suffix(text, "\n") ? "" : "\n");
	return ADMIN_DONE;
}

enum admin_status
policy_presets_run(struct call *call)
{
	FILE *out = call->admin->out;
	const char *text;

	if (call->count == 0) {
		for (const char *const *name = policy_preset_names;
		     *name != NULL; name++)
			(void) fprintf(out, "%s\n", *name);
		return ADMIN_DONE;
	}
	text = policy_preset(call->args[0]);
	if (text == NULL)
		return call_refuse(call, "there is no preset \"%s\" (muster "
				   "policy presets prints all)",
				   call->args[0]);
	(void) fputs(text, out);
	return ADMIN_DONE;
}

/* --- a text from a file ------------------------------------------------- */

/* Of what has no place the command's name is in front. */
static enum admin_status
report_mistake(const struct call *call, const char *file,
	       const struct err *err)
{
	if (!g_str_has_prefix(err->what, file))
		return call_fail(call, err);
	return call_mistake(call, err);
}

static enum admin_status
check_text(const struct call *call, const char *file, const char *text)
{
	const struct key *key = key_find(list_keys, "policy");
	g_autofree char *stored = NULL, *trimmed = g_strstrip(g_strdup(text));
	struct err err = ERR_INIT;

	/* what stands before the rules counts in lines; before a name it is
	 * in the way */
	if (policy_check(file, key_is_preset(trimmed) ? trimmed : text,
			 &err) != ERR_OK)
		return report_mistake(call, file, &err);
	if (key_check(key, text, &stored, &err) != ERR_OK)
		return call_fail(call, &err);
	return ADMIN_DONE;
}

enum admin_status
policy_check_run(struct call *call)
{
	const char *file = call_text_name(call->args[0]);
	g_autofree char *text = NULL, *name = print_plain(file);
	enum admin_status status = call_text(call, file, POLICY_TEXT_MAX,
					     &text);

	if (status == ADMIN_DONE)
		status = check_text(call, file, text);
	if (status == ADMIN_DONE)
		(void) fprintf(call->admin->out, "%s: OK\n", name);
	return status;
}

enum admin_status
policy_set_run(struct call *call)
{
	const char *file = call_text_name(call->args[1]);
	g_autoptr(GPtrArray) pairs = pairs_new();
	g_autofree char *text = NULL;
	enum admin_status status = call_text(call, file, POLICY_TEXT_MAX,
					     &text);

	if (status == ADMIN_DONE)
		status = check_text(call, file, text);
	if (status == ADMIN_DONE)
		status = pairs_add(call, pairs, list_keys, "policy", text);
	return status == ADMIN_DONE ? list_set_pairs(call, pairs) : status;
}
