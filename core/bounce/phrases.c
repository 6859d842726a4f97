/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/phrases.h"

#include <string.h>

#include <glib.h>

#include "core/bounce/phrases_inside.h"
#include "core/base/banned.h"

/* As a whole word where it begins with a letter */
static bool
ends_with_one(const struct wordlist *list, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < list->count; i++) {
		size_t word = strlen(list->words[i]);

		if (word <= len &&
		    memcmp(text + len - word, list->words[i], word) == 0 &&
		    (word == len || !g_ascii_isalnum(list->words[i][0]) ||
		     !g_ascii_isalnum(text[len - word - 1])))
			return true;
	}
	return false;
}

/* Most lines are ASCII, which needs none of the rest. NULL: it is not. */
static char *
plain_ascii(const char *text, size_t len)
{
	char *out = g_malloc(len + 1), *to = out;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] >= 0x80) {
			g_free(out);
			return NULL;
		}
		if ((unsigned char)text[i] > ' ' && text[i] != 0x7f)
			*to++ = g_ascii_tolower(text[i]);
		else if (to > out && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > out && to[-1] == ' ')
		to--;
	*to = '\0';
	return out;
}

static char *
plain_utf8(const char *text, size_t len)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize)len);
	g_autofree char *lower = g_utf8_strdown(valid, -1);
	GString *out = g_string_sized_new(len);

	for (const char *p = lower; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == 0x2019 || c == 0x2018 || c == 0x00b4)
			c = '\'';
		if (!g_unichar_isspace(c) && c >= ' ' && c != 0xa0)
			g_string_append_unichar(out, c);
		else if (out->len > 0 && out->str[out->len - 1] != ' ')
			g_string_append_c(out, ' ');
	}
	if (out->len > 0 && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	return g_string_free(out, FALSE);
}

char *
phrase_plain(const char *text, size_t len)
{
	char *plain = plain_ascii(text, len);

	return plain != NULL ? plain : plain_utf8(text, len);
}

/* Where the tables say nothing, or only that it was refused */
static enum bounce_reason
reason_near(const char *plain, enum bounce_reason otherwise)
{
	const struct wordpair *pair = near_reasons;

	while (pair->reason != REASON_NONE && !near_within(pair, plain))
		pair++;
	if (pair->reason == REASON_FULL || pair->reason == REASON_USER ||
	    pair->reason == REASON_HOST)
		return pair->reason;
	if (otherwise != REASON_NONE)
		return otherwise;
	return near_span(plain) ? REASON_EXPIRED : pair->reason;
}

enum bounce_reason
phrase_reason_said(const char *plain)
{
	const struct phrase_table *table = phrase_reasons;

	while (table->reason != REASON_NONE &&
	       !wordlist_within(&table->words, plain))
		table++;
	return table->reason;
}

enum bounce_reason
phrase_reason(const char *plain)
{
	enum bounce_reason said = phrase_reason_said(plain);

	return said == REASON_NONE || said == REASON_POLICY
		       ? reason_near(plain, said)
		       : said;
}

bool
phrase_fails(const char *plain)
{
	return wordlist_within(&phrases_fails, plain);
}

bool
phrase_fails_nearly(const char *plain)
{
	return phrase_fails(plain) || near_within(&near_fails, plain);
}

bool
phrase_succeeds(const char *plain)
{
	return wordlist_within(&phrases_succeeds, plain);
}

bool
phrase_delays(const char *plain)
{
	return wordlist_within(&phrases_delays, plain);
}

bool
phrase_gives_up(const char *plain)
{
	return wordlist_within(&phrases_gives_up, plain);
}

bool
phrase_is_report(const char *plain)
{
	return wordlist_within(&phrases_is_report, plain);
}

/* "Unsuccessful in forwarding it to:" names whoever stands below it, in
 * whatever words. */
bool
phrase_names(const char *plain)
{
	return wordlist_within(&phrases_names, plain) ||
	       (g_str_has_suffix(plain, ":") &&
		(strstr(plain, "following") != NULL ||
		 phrase_fails_nearly(plain)));
}

bool
phrase_owner(const char *plain)
{
	return ends_with_one(&phrases_owners, plain);
}

bool
phrase_nameless(const char *plain)
{
	return wordlist_begins(&phrases_nameless, plain);
}

bool
phrase_is_label(const char *plain)
{
	return wordlist_begins(&phrases_labels, plain) &&
	       wordlist_ends(&phrases_labels, plain);
}

bool
phrase_before(const char *plain)
{
	return ends_with_one(&phrases_before, plain);
}

bool
phrase_after(const char *plain)
{
	return wordlist_begins(&phrases_after, plain);
}

bool
phrase_contact(const char *plain)
{
	return ends_with_one(&phrases_contact, plain);
}

bool
phrase_returns(const char *plain)
{
	return wordlist_within(&phrases_returns, plain);
}
