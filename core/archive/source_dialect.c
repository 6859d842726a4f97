/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/archive/source.h"
#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

/*
 * What others write: the line between two messages, and the texts of
 * Pipermail, which are messages no more: "From: ann at example.net (Ann)".
 * HyperKitty has "From: Ann <ann at example.net>".
 */

#define FROM_LINE_MAX 1000	/* octets of a line between two messages */

/* --- "From WHO DATE" ---------------------------------------------------- */

static int
month_of(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (strncmp(months + 3 * i, text, 3) == 0)
			return i + 1;
	return 0;
}

/* "12:00", "12:00:00" */
static bool
read_clock(const char *text, int clock[3])
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 4);
	const guint count = g_strv_length(parts);
	guint64 n;

	if (count < 2 || count > 3)
		return false;
	for (guint i = 0; i < count; i++) {
		if (!g_ascii_string_to_unsigned(parts[i], 10, 0,
						i == 0 ? 23 : 60, &n, NULL))
			return false;
		clock[i] = (int)n;
	}
	return true;
}

/* words: month, day, clock, perhaps a zone, year. True: it is a date. */
static bool
read_date(char **words, guint count, int64_t *time_s)
{
	const int month = count >= 4 ? month_of(words[0]) : 0;
	g_autoptr(GDateTime) date = NULL;
	int clock[3] = { 0 };
	guint64 day, year = 0;

	if (month == 0 || strlen(words[0]) != 3 ||
	    !g_ascii_string_to_unsigned(words[1], 10, 1, 31, &day, NULL) ||
	    !read_clock(words[2], clock))
		return false;
	for (guint i = 3; i < MIN(count, 5) && year == 0; i++)
		(void) g_ascii_string_to_unsigned(words[i], 10, 1970, 9998,
						  &year, NULL);
	if (year == 0)
		return false;
	date = g_date_time_new_utc((int)year, month, (int)day, clock[0],
				   clock[1], MIN(clock[2], 59));
	*time_s = date != NULL ? g_date_time_to_unix(date) : 0;
	return true;
}

static bool
is_weekday(const char *word)
{
	static const char *const days[] = {
		"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", NULL
	};

	return g_strv_contains(days, word);
}

static char **
split_words(const char *text)
{
	GPtrArray *words = g_ptr_array_new();
	g_auto(GStrv) parts = g_strsplit_set(text, " \t", -1);

	for (char **part = parts; *part != NULL; part++)
		if (**part != '\0')
			g_ptr_array_add(words, g_strdup(*part));
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

/* Sunday is the first word of the date; who stands before it, in one word or
 * in several. */
bool
from_line_read(const char *line, size_t len, int64_t *time_s,
	       bool *is_pipermail)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;
	guint count;

	if (len < 6 || len > FROM_LINE_MAX || memcmp(line, "From ", 5) != 0 ||
	    memchr(line, '\0', len) != NULL)
		return false;
	text = g_strchomp(g_strndup(line + 5, len - 5));
	words = split_words(text);
	count = g_strv_length(words);
	for (guint i = 0; i < count; i++) {
		if (!is_weekday(words[i]) ||
		    !read_date(words + i + 1, count - i - 1, time_s))
			continue;
		*is_pipermail = i == 3 && strcmp(words[1], "at") == 0;
		return true;
	}
	return false;
}

/* --- Pipermail ---------------------------------------------------------- */

static bool
is_atom(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || strchr("<>(),;:\"@", *p) != NULL)
			return false;
	return text[0] != '\0';
}

/* "ann at example.net" as an address; NULL: it is none. */
static char *
mended_addr(const char *text)
{
	g_auto(GStrv) words = split_words(text);

	if (g_strv_length(words) != 3 || strcmp(words[1], "at") != 0 ||
	    !is_atom(words[0]) || !is_atom(words[2]))
		return NULL;
	return g_strconcat(words[0], "@", words[2], NULL);
}

static char *
phrase_of(const char *name)
{
	/* what is encoded is a phrase as it is (RFC 2047 section 5) */
	return strstr(name, "=?") != NULL ? g_strdup(name) :
		mime_encode_phrase(name);
}

/* A whole From; NULL: it stays. */
static char *
mended_from(const char *value)
{
	const char *open = strchr(value, '('), *angle = strchr(value, '<');
	const char *close = angle != NULL ? strchr(angle, '>') :
		strrchr(value, ')');
	const char *at = angle != NULL ? angle : open;
	g_autofree char *before = at != NULL ?
		g_strndup(value, (gsize)(at - value)) : g_strdup(value);
	g_autofree char *inside = at != NULL && close != NULL && close > at ?
		g_strndup(at + 1, (gsize)(close - at - 1)) : g_strdup("");
	g_autofree char *addr = mended_addr(angle != NULL ? inside : before);
	g_autofree char *phrase = NULL;
	const char *name = g_strstrip(angle != NULL ? before : inside);

	if (addr == NULL)
		return NULL;
	if (name[0] == '\0' || !g_utf8_validate(name, -1, NULL))
		return g_strdup(addr);
	if (name[0] == '"')
		return g_strdup_printf("%s <%s>", name, addr);
	phrase = phrase_of(name);
	return g_strdup_printf("%s <%s>", phrase, addr);
}

static void
mend_fields(struct header *header)
{
	static const char *const names[] = {
		"From", "To", "Cc", "Reply-To", "Sender"
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *value = header_get(header, names[i]);
		g_autofree char *mended = value != NULL ?
			mended_from(value) : NULL;

		if (mended != NULL)
			header_set(header, names[i], mended);
	}
}

static void
declare_charset(struct header *header, const char *body, size_t len)
{
	bool is_ascii = true;

	for (size_t i = 0; i < len && is_ascii; i++)
		is_ascii = (unsigned char)body[i] < 0x80;
	if (is_ascii || header_find(header, "Content-Type", 0) >= 0)
		return;
	header_set(header, "MIME-Version", "1.0");
	header_append(header, "Content-Type",
		      g_utf8_validate(body, (gssize)len, NULL) ?
		      "text/plain; charset=utf-8" :
		      "text/plain; charset=iso-8859-1");
	header_set(header, "Content-Transfer-Encoding", "8bit");
}

void
pipermail_mend(GByteArray *message)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;
	size_t body_at;
	const char *body;

	if (!header_parse((const char *)message->data, message->len, &header,
			  &body_at))
		return;
	mend_fields(&header);
	body = (const char *)message->data + body_at;
	declare_charset(&header, body, message->len - body_at);
	header_write(&header, out);
	g_string_append_c(out, '\n');
	g_string_append_len(out, body, (gssize)(message->len - body_at));
	header_done(&header);
	g_byte_array_set_size(message, 0);
	g_byte_array_append(message, (const guint8 *)out->str,
			    (guint)out->len);
}
