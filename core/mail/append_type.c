/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/append_inside.h"
#include "core/base/banned.h"

/* Length of a parameter up to the next ";" that is not quoted */
static size_t
param_len(const char *text)
{
	bool quoted = false;
	size_t len = 0;

	for (; text[len] != '\0' && (quoted || text[len] != ';'); len++) {
		if (text[len] == '\\' && quoted && text[len + 1] != '\0')
			len++;
		else if (text[len] == '"')
			quoted = !quoted;
	}
	return len;
}

/* A type with all its parameters as they are, but for the charset. GMime
 * 3.2.13 would write them too, and takes all the memory there is for some
 * names. */
static char *
type_in_utf8(const char *type)
{
	static const char name[] = "charset";
	GString *out = g_string_new(NULL);
	bool done = false;

	for (size_t len; *type != '\0'; type += len + (type[len] == ';')) {
		g_autofree char *param = NULL;

		len = param_len(type);
		param = g_strstrip(g_strndup(type, len));
		if (g_ascii_strncasecmp(param, name, strlen(name)) != 0)
			g_string_append_printf(out, "%s%s", out->len > 0 ?
					       "; " : "", param);
		else if (!done)
			g_string_append(out, "; charset=utf-8");
		done |= g_ascii_strncasecmp(param, name, strlen(name)) == 0;
	}
	if (!done)
		g_string_append(out, "; charset=utf-8");
	return g_string_free(out, FALSE);
}

static bool
is_utf8(const char *type)
{
	g_autofree char *charset = mime_param(type, "charset");

	return charset != NULL && g_ascii_strcasecmp(charset, "utf-8") == 0;
}

/* What cannot be understood as a whole keeps what matters in it. */
char *
append_type_utf8(const char *type, bool is_flowed)
{
	g_autofree char *whole = type_in_utf8(type);

	if (is_utf8(whole))
		return g_steal_pointer(&whole);
	return g_strconcat("text/plain; charset=utf-8", is_flowed ?
			   "; format=flowed" : "", NULL);
}
