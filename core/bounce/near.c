/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/near.h"

#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

#define NEAR_MAX 60	/* bytes from a word to the other */
#define PLACES_MAX 40	/* where one of them stands, of each */

/* Where the sentence ends, or before it began: not in "a.test", "5.1.1" */
static bool
is_end(const char *at)
{
	return strchr(".!?;", at[0]) != NULL && (at[1] == ' ' || at[1] == '\0');
}

static const char *
window_start(const char *plain, const char *at)
{
	const char *start = at;

	while (start > plain && at - start < NEAR_MAX && !is_end(start - 1))
		start--;
	return start;
}

static const char *
window_end(const char *at)
{
	const char *end = at;

	while (*end != '\0' && end - at < NEAR_MAX && !is_end(end))
		end++;
	return end;
}

/* "user@a.test" is no word. Scripts that write no blanks have words begin
 * anywhere. */
static bool
begins_word(const char *plain, const char *at)
{
	gunichar here = g_utf8_get_char(at), before;

	if (at[strcspn(at, "@ <>:,")] == '@')
		return false;
	if (at == plain || here >= 0x2e80)
		return true;
	before = g_utf8_get_char(g_utf8_find_prev_char(plain, at));
	return !g_unichar_isalnum(before);
}

static bool
has_second(const struct wordpair *pair, const char *plain, const char *at)
{
	const char *start = window_start(plain, at);
	size_t len = (size_t)(window_end(at) - start);

	for (size_t i = 0; i < pair->second.count; i++) {
		const char *word = pair->second.words[i];

		if (g_strstr_len(start, (gssize)len, word) != NULL ||
		    (start == plain && word[0] == ' ' &&
		     g_str_has_prefix(plain, word + 1)))
			return true;
	}
	return false;
}

bool
near_within(const struct wordpair *pair, const char *plain)
{
	for (size_t i = 0; i < pair->first.count; i++) {
		const char *word = pair->first.words[i], *at = plain;

		for (int n = 0; n < PLACES_MAX; n++) {
			at = strstr(at, word);
			if (at == NULL)
				break;
			if (begins_word(plain, at) &&
			    has_second(pair, plain, at))
				return true;
			at += strlen(word);
		}
	}
	return false;
}

/* --- how long, how often ------------------------------------------------ */

static const char *const units[] = {
	"second", "day", "hour", "minute", "week", "attempt", "tries",
	"retries", "times", "tage", "stunde", "minuten", "versuch", "jour",
	"heure", "tentativ", "día", "dias", "dia ", "hora", "intento", "giorn",
	"ore ", "dagen", "uur", "дн", "час", "минут", "попыт", "日間", "時間",
	"分間", "天", "小时", "小時",
};
static const struct wordlist span_units = WORDLIST(units);

static const char *const leads[] = {
	"for", "after", "within", "past", "last", "than", "during", "fail",
	"tried", "seit", "nach", "innerhalb", "während", "versuch", "pendant",
	"depuis", "après", "durante", "desde", "después", "por ", "tras ",
	"dopo", "per ", "da ", "após", "gedurende", "na ", "течени", "после",
	"以上", "経過", "已", "超过",
};
static const struct wordlist span_leads = WORDLIST(leads);

/* At a digit: a number, and behind it what it counts */
static const char *
skip_number(const char *at)
{
	at += strspn(at, "0123456789");
	return at + strspn(at, " -(s)");
}

bool
near_span(const char *plain)
{
	const char *at = plain;

	for (int n = 0; n < PLACES_MAX; n++) {
		char before[31] = "";
		const char *from, *unit;

		at += strcspn(at, "0123456789");
		if (*at == '\0')
			return false;
		from = at - plain > 30 ? at - 30 : plain;
		memcpy(before, from, (size_t)(at - from));
		unit = skip_number(at);
		if (wordlist_begins(&span_units, unit) &&
		    wordlist_within(&span_leads, before))
			return true;
		at = unit;
	}
	return false;
}
