/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/subject_inside.h"

#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

/* --- marks -------------------------------------------------------------- */

/* Case folded. "vs" is a reply in Finnish and forwarded in Norwegian. */
static const struct { const char *word; bool is_reply; } known[] = {
	{ "re", true }, { "aw", true }, { "sv", true }, { "vs", true },
	{ "antw", true }, { "rif", true }, { "r", true }, { "odp", true },
	{ "ynt", true }, { "res", true }, { "ref", true }, { "réf", true },
	{ "ang", true }, { "atb", true }, { "bls", true }, { "vá", true },
	{ "tl", true }, { "răsp", true }, { "απ", true }, { "σχετ", true },
	{ "ответ", true }, { "отв", true }, { "на", true }, { "від", true },
	{ "відп", true }, { "отг", true }, { "одг", true },
	{ "回复", true }, { "回覆", true }, { "答复", true },
	{ "答覆", true }, { "返信", true }, { "회신", true },
	{ "답장", true }, { "رد", true }, { "תגובה", true },
	{ "השב", true }, { "ตอบ", true }, { "ตอบกลับ", true },
	{ "fw", false }, { "fwd", false }, { "wg", false }, { "tr", false },
	{ "rv", false }, { "i", false }, { "pd", false }, { "enc", false },
	{ "vb", false }, { "vl", false }, { "doorst", false },
	{ "trs", false }, { "yml", false }, { "fs", false },
	{ "πρθ", false }, { "пересл", false }, { "转发", false },
	{ "轉寄", false }, { "轉發", false }, { "転送", false },
	{ "전달", false }, { "הועבר", false },
};

#define WORD_MAX 40		/* bytes */

/* Length of the letters that text begins with. */
static size_t
letters(const char *text)
{
	const char *at = text;

	while (*at != '\0') {
		gunichar c = g_utf8_get_char_validated(at, -1);

		if (c > 0x10ffff || at - text > WORD_MAX ||
		    (!g_unichar_isalpha(c) && !g_unichar_ismark(c)))
			break;
		at = g_utf8_next_char(at);
	}
	return (size_t)(at - text);
}

static bool
is_mark(const char *text, size_t len, bool *is_reply)
{
	g_autofree char *word = NULL;

	if (len == 0 || len > WORD_MAX)
		return false;
	word = g_utf8_casefold(text, (gssize)len);
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (strcmp(known[i].word, word) == 0) {
			*is_reply = known[i].is_reply;
			return true;
		}
	return false;
}

size_t
subject_blanks(const char *text)
{
	static const char *const blanks[] = {
		" ", "\t", "\u00a0", "\u202f", "\u3000",
	};
	size_t len = 0, before;

	do {
		before = len;
		for (size_t i = 0; i < G_N_ELEMENTS(blanks); i++)
			if (g_str_has_prefix(text + len, blanks[i]))
				len += strlen(blanks[i]);
	} while (len > before);
	return len;
}

/* Some programs count: "Re[2]:", "Re(2):", "Re^2:", "Re2:". */
static size_t
count_in(const char *text)
{
	size_t len = 0, before;

	do {
		before = len;
		len += subject_blanks(text + len);
		len += strspn(text + len, "[]()^0123456789");
	} while (len > before);
	return len;
}

size_t
subject_mark(const char *text, bool *is_reply)
{
	size_t len = letters(text);

	if (!is_mark(text, len, is_reply))
		return 0;
	len += count_in(text + len);
	if (text[len] == ':')
		return len + 1;
	return g_str_has_prefix(text + len, COLON_WIDE) ?
		len + strlen(COLON_WIDE) : 0;
}

/* --- prefixes ----------------------------------------------------------- */

#define FIELD "%{number"

/* Behind a field that begins here, or NULL if it is none. */
static const char *
read_field(const char *at, unsigned int *digits)
{
	if (!g_str_has_prefix(at, FIELD))
		return NULL;
	at += strlen(FIELD);
	*digits = 1;
	if (*at == ':') {
		at += at[1] == '0' ? 2 : 1;
		if (*at < '1' || *at > '0' + SUBJECT_DIGITS_MAX)
			return NULL;
		*digits = (unsigned int)(*at++ - '0');
	}
	return *at == '}' ? at + 1 : NULL;
}

struct prefix
prefix_read(const char *text)
{
	struct prefix prefix = { text, "", strlen(text), 0 };

	for (const char *at = text; (at = strstr(at, FIELD)) != NULL; at++) {
		const char *behind = read_field(at, &prefix.digits);

		if (behind == NULL)
			continue;
		prefix.front_len = (size_t)(at - text);
		prefix.back = behind;
		return prefix;
	}
	prefix.digits = 0;
	return prefix;
}

bool
subject_is_numbered(const char *prefix)
{
	return prefix_read(prefix).digits > 0;
}

const char *
subject_prefix_wrong(const char *prefix)
{
	struct prefix halves = prefix_read(prefix);
	g_autofree char *front = g_strndup(halves.front, halves.front_len);

	if (strstr(front, "%{") != NULL || strstr(halves.back, "%{") != NULL)
		return "a text with no field but one %{number}, or "
			"%{number:5} for five digits,";
	/* "2026 plans" would begin with that */
	if (halves.digits > 0 && front[strspn(front, " ")] == '\0' &&
	    halves.back[strspn(halves.back, " ")] == '\0')
		return "something besides %{number}, such as "
			"[dev %{number}],";
	return NULL;
}

char *
prefix_print(const struct prefix *prefix, uint64_t number)
{
	return prefix->digits == 0 ? g_strdup(prefix->front) :
		g_strdup_printf("%.*s%0*" G_GUINT64_FORMAT "%s",
				(int)prefix->front_len, prefix->front,
				(int)prefix->digits, number, prefix->back);
}

/* "dev" is not the prefix of "development". */
size_t
prefix_in(const char *text, const struct prefix *prefix)
{
	size_t len = prefix->front_len;
	const char *last;

	if (strncmp(text, prefix->front, len) != 0)
		return 0;
	if (prefix->digits > 0) {
		size_t digits = strspn(text + len, "0123456789");

		len += digits;
		if (digits == 0 || !g_str_has_prefix(text + len, prefix->back))
			return 0;
		len += strlen(prefix->back);
	}
	last = text + len - (len > 0);
	return g_ascii_isalnum(*last) && g_ascii_isalnum(text[len]) ? 0 : len;
}
