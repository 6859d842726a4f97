/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/letter/plain.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

#define LINE_CHARS 900		/* of one line of several */

static bool
is_shown(gunichar c)
{
	GUnicodeType type = g_unichar_type(c);

	return type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT &&
		type != G_UNICODE_LINE_SEPARATOR &&
		type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

static void
append_plain(GString *out, const char *text, size_t max)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	size_t count = 0;

	for (const char *p = valid; *p != '\0' && count < max;
	     p = g_utf8_next_char(p), count++) {
		gunichar c = g_utf8_get_char(p);

		if (is_shown(c))
			g_string_append_unichar(out, c);
		else if (c < ' ')
			g_string_append_c(out, ' ');
	}
}

char *
plain_line(const char *text, size_t max)
{
	GString *line = g_string_new(NULL);

	append_plain(line, text, max);
	return g_strstrip(g_string_free(line, FALSE));
}

char *
plain_lines(const char *text, size_t max)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *out = g_string_new(NULL);

	for (char **line = lines; *line != NULL; line++) {
		append_plain(out, g_strchomp(*line), LINE_CHARS);
		g_string_append_c(out, '\n');
		if (out->len > max) {
			g_string_append(out, "[...]\n");
			break;
		}
	}
	return g_strchomp(g_string_free(out, FALSE));
}

char *
plain_time(int64_t time_s)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);

	return time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M UTC") :
		g_strdup("-");
}
