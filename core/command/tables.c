/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

/* The tables of keys, for the reader and for the test of the manual pages. */

/* "outbound TAB relay TAB host:port TAB 127.0.0.1:10025 TAB help" */
static json_t *
setting_json(const char *line)
{
	g_auto(GStrv) parts = g_strsplit(line, "\t", 5);

	if (g_strv_length(parts) != 5)
		return NULL;
	return json_pack("{s:o, s:o, s:o, s:o, s:o}",
			 "section", json_text(parts[0]),
			 "key", json_text(parts[1]),
			 "type", json_text(parts[2]),
			 "default", json_text(parts[3]),
			 "help", json_text(parts[4]));
}

enum admin_status
settings_run(struct call *call)
{
	g_autofree char *table = settings_describe();
	g_auto(GStrv) lines = g_strsplit(table, "\n", -1);
	struct print_array array;

	if (!call->json) {
		(void) fputs(table, call->admin->out);
		return ADMIN_DONE;
	}
	print_array_begin(&array, call);
	for (char **line = lines; *line != NULL; line++) {
		json_t *item = setting_json(*line);

		if (item != NULL)
			print_array_item(&array, item);
	}
	print_array_end(&array);
	return ADMIN_DONE;
}

static void
print_keys(const struct call *call, struct print_array *array,
	   const char *of, const struct key *keys)
{
	for (const struct key *key = keys; key->name != NULL; key++)
		if (call->json)
			print_array_item(array, json_pack(
				"{s:s, s:s, s:s, s:s}", "of", of,
				"key", key->name, "default", key->fallback,
				"help", key->help));
		else
			(void) fprintf(call->admin->out, "%s\t%s\t%s\t%s\n",
				       of, key->name, key->fallback,
				       key->help);
}

enum admin_status
list_keys_run(struct call *call)
{
	struct print_array array;

	print_array_begin(&array, call);
	print_keys(call, &array, "list", list_keys);
	print_keys(call, &array, "member", member_keys);
	print_array_end(&array);
	return ADMIN_DONE;
}
