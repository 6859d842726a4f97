/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/mbox.h"

#include <string.h>
#include <time.h>

#include <glib.h>

#include "core/base/banned.h"

#define FROM "From "

/* A line that has to be quoted, or may be: how many ">" are before "From ";
 * -1: it is none. */
static int
from_line(const char *line, size_t len)
{
	size_t quotes = 0;

	while (quotes < len && line[quotes] == '>')
		quotes++;
	return len - quotes >= strlen(FROM) &&
		memcmp(line + quotes, FROM, strlen(FROM)) == 0 ?
		(int)MIN(quotes, INT32_MAX) : -1;
}

/* As asctime() has it, in UTC, whatever the locale. */
static void
append_date(GByteArray *out, int64_t time_s)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t when = (time_t)time_s;
	struct tm tm;
	char text[64];
	int len;

	if (gmtime_r(&when, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	len = g_snprintf(text, sizeof(text), "%.3s %.3s %2d %02d:%02d:%02d "
			 "%d\n", days + 3 * tm.tm_wday, months + 3 *
			 tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
			 tm.tm_sec, tm.tm_year + 1900);
	g_byte_array_append(out, (const guint8 *)text, (guint)len);
}

static void
append_sender(GByteArray *out, const char *sender)
{
	g_autofree char *word = g_strdup(sender[0] != '\0' ? sender :
					 "MAILER-DAEMON");

	for (char *p = word; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			*p = '_';
	g_byte_array_append(out, (const guint8 *)word, (guint)strlen(word));
	g_byte_array_append(out, (const guint8 *)" ", 1);
}

GByteArray *
mbox_entry(GBytes *text, const char *sender, int64_t time_s)
{
	gsize len;
	const char *at = g_bytes_get_data(text, &len), *end = at + len;
	GByteArray *out = g_byte_array_sized_new((guint)len + 256);

	g_byte_array_append(out, (const guint8 *)FROM, strlen(FROM));
	append_sender(out, sender);
	append_date(out, time_s);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *next = newline != NULL ? newline + 1 : end;

		if (from_line(at, (size_t)(next - at)) >= 0)
			g_byte_array_append(out, (const guint8 *)">", 1);
		g_byte_array_append(out, (const guint8 *)at,
				    (guint)(next - at));
		at = next;
	}
	g_byte_array_append(out, (const guint8 *)"\n", 1);
	return out;
}

GBytes *
mbox_text(const char *entry, size_t len)
{
	const char *end = entry + len, *at;
	GByteArray *out;

	if (len < 2 || from_line(entry, len) != 0 || end[-1] != '\n')
		return NULL;
	at = memchr(entry, '\n', len);
	if (at == NULL)
		return NULL;
	at++;
	end--;			/* the empty line */
	out = g_byte_array_sized_new((guint)len);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *next = newline != NULL ? newline + 1 : end;

		if (from_line(at, (size_t)(next - at)) > 0)
			at++;
		g_byte_array_append(out, (const guint8 *)at,
				    (guint)(next - at));
		at = next;
	}
	return g_byte_array_free_to_bytes(out);
}
