/* SPDX-License-Identifier: BSD-2-Clause */

/* A template, and values from strangers: behind a NUL, if there is one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/letter/template.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* No value ends a line of the header, or speaks to a terminal. */
static void
check_plain(const char *text, const char *allowed)
{
	check(g_utf8_validate(text, -1, NULL));
	for (; *text != '\0'; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);

		check(!g_unichar_iscntrl(c) || (c < 0x80 &&
		      strchr(allowed, (int)c) != NULL));
	}
}

static void
set_all(GHashTable *values, const struct template_field *fields,
	const char *value)
{
	for (; fields->name != NULL; fields++)
		g_hash_table_insert(values, (void *)(uintptr_t)fields->name,
				    (void *)(uintptr_t)value);
}

static void
try_value(const struct template *text, const struct template_kind *kind,
	  const char *value)
{
	g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash,
							g_str_equal);
	g_autofree char *subject = NULL, *body = NULL;

	set_all(values, template_common, value);
	if (kind != NULL)
		set_all(values, kind->fields, value);
	template_fill(text, values, &subject, &body);
	check_plain(subject, "");
	check_plain(body, "\n\t");
	check(strstr(body, "\n\n\n") == NULL || strchr(value, '\n') != NULL);
}

static void
try_kind(const struct template_kind *kind, const char *text,
	 const char *value)
{
	struct template *parsed = NULL;
	struct err err = ERR_INIT;

	if (template_parse("fuzz", kind, text, &parsed, &err) == ERR_OK) {
		try_value(parsed, kind, value);
		try_value(parsed, kind, "");
	} else {
		check(g_str_has_prefix(err.what, "fuzz:"));
	}
	template_free(parsed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	size_t used = strlen(text) + 1;
	g_autofree char *value = used < size ?
		g_strndup((const char *)data + used, size - used) :
		g_strdup("a\r\nBcc: x\r\n\r\n%{list.owner}\x1b[2J\xff");

	try_kind(NULL, text, value);
	for (const struct template_kind *kind = template_kinds;
	     kind->name != NULL; kind++)
		try_kind(kind, text, value);
	return 0;
}
