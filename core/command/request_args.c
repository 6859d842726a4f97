/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/request_inside.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/* The words behind a command. */

/* --- one word ----------------------------------------------------------- */

static bool
is_mark(gunichar c)
{
	return (c < 0x80 && strchr("\"'`*_<>()[]{}.,;:!", (int)c) != NULL) ||
	       c == 0xab || c == 0xbb || (c >= 0x2018 && c <= 0x201f) ||
	       c == 0x2039 || c == 0x203a || c == 0x2026 || c == 0x3002;
}

char *
words_bare(const char *word)
{
	const char *end = word + strlen(word);

	while (*word != '\0' && is_mark(g_utf8_get_char(word)))
		word = g_utf8_next_char(word);
	while (end > word) {
		const char *last = g_utf8_prev_char(end);

		if (!is_mark(g_utf8_get_char(last)))
			break;
		end = last;
	}
	return g_strndup(word, (gsize)(end - word));
}

bool
words_is_list(const struct words *words, const char *word)
{
	g_autofree char *bare = words_bare(word);
	const char *at = strrchr(words->list, '@');
	size_t len = at != NULL ? (size_t)(at - words->list) : 0;

	return g_ascii_strcasecmp(bare, words->list) == 0 ||
	       (strlen(bare) == len &&
		g_ascii_strncasecmp(bare, words->list, len) == 0);
}

bool
words_is_filler(const char *word)
{
	static const char *const fillers[] = {
		"*", "a", "address", "adresse", "bitte", "danke", "de", "der",
		"die", "dieser", "e-mail", "email", "favor", "from", "i",
		"it", "la", "las", "le", "les", "list", "lista", "liste",
		"listserv", "mail", "mailing", "mailinglist",
		"mailingliste", "me", "mein", "meine", "mi", "mich", "moi",
		"mon", "my", "myself", "now", "of", "pls", "please", "plz",
		"por", "the", "this", "to", "thanks", "thank", "thx", "von",
		"you", "your", "zu", "zur",
	};
	g_autofree char *bare = words_bare(word);
	g_autofree char *lower = g_utf8_strdown(bare, -1);

	if (strcmp(word, "*") == 0 || lower[0] == '\0')
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(fillers); i++)
		if (strcmp(fillers[i], lower) == 0)
			return true;
	return false;
}

/* "<mailto:ann@example.org>," */
static char *
bare_addr(const char *word)
{
	static const char *const heads[] = {"address=", "addr=", "email=",
					    "mailto:"};
	g_autofree char *bare = words_bare(word);
	const char *at = bare;

	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
		if (g_ascii_strncasecmp(at, heads[i], strlen(heads[i])) == 0)
			at += strlen(heads[i]);
	return words_bare(at);
}

bool
words_addr(const char *word, char **canon, char **given)
{
	g_autofree char *addr = bare_addr(word);
	g_autofree char *is = strchr(addr, '@') != NULL ? addr_canon(addr)
							: NULL;

	if (is == NULL)
		return false;
	g_free(*canon);
	g_free(*given);
	*canon = g_steal_pointer(&is);
	*given = g_steal_pointer(&addr);
	return true;
}

static bool
is_base32(const char *word, size_t len)
{
	g_autofree char *bare = words_bare(word);

	return strlen(bare) == len &&
	       strspn(bare, "abcdefghijklmnopqrstuvwxyz234567"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

bool
words_is_id(const char *word)
{
	return is_base32(word, REQUEST_ID);
}

bool
words_is_token(const char *word)
{
	return is_base32(word, REQUEST_TOKEN);
}

char *
words_rest(const struct words *words)
{
	return g_strjoinv(" ", words->at);
}

/* --- set ---------------------------------------------------------------- */

enum set_takes { SET_NOTHING, SET_BOOL, SET_TEXT, SET_DELIVERY };

struct set_word {
	const char *word, *key;
	enum set_takes takes;
	const char *value;	/* of SET_NOTHING */
};

/* Those of Mailman, then those of LISTSERV and Sympa */
static const struct set_word set_words[] = {
	{"delivery", "delivery", SET_DELIVERY, NULL},
	{"digest", "delivery", SET_DELIVERY, "digest"},
	{"ack", "ack", SET_BOOL, "yes"},
	{"own-posts", "own-posts", SET_BOOL, "yes"},
	{"ownposts", "own-posts", SET_BOOL, "yes"},
	{"myposts", "own-posts", SET_BOOL, "yes"},
	{"metoo", "own-posts", SET_BOOL, "yes"},
	{"duplicates", "duplicates", SET_BOOL, "yes"},
	{"dups", "duplicates", SET_BOOL, "yes"},
	{"hide", "hidden", SET_BOOL, "yes"},
	{"hidden", "hidden", SET_BOOL, "yes"},
	{"name", "name", SET_TEXT, NULL},
	{"realname", "name", SET_TEXT, NULL},
	{"language", "language", SET_TEXT, NULL},
	{"lang", "language", SET_TEXT, NULL},
	{"mail", "delivery", SET_DELIVERY, "on"},
	{"nomail", "delivery", SET_NOTHING, "off"},
	{"postpone", "delivery", SET_NOTHING, "off"},
	{"vacation", "delivery", SET_BOOL, "yes"},
	{"normal", "delivery", SET_NOTHING, "on"},
	{"nodigest", "delivery", SET_NOTHING, "on"},
	{"nodigests", "delivery", SET_NOTHING, "on"},
	{"digestplain", "delivery", SET_NOTHING, "plain"},
	{"mime", "delivery", SET_NOTHING, "digest"},
	{"plain", "delivery", SET_NOTHING, "plain"},
	{"noack", "ack", SET_NOTHING, "no"},
	{"msgack", "ack", SET_NOTHING, "yes"},
	{"repro", "own-posts", SET_NOTHING, "yes"},
	{"norepro", "own-posts", SET_NOTHING, "no"},
	{"nometoo", "own-posts", SET_NOTHING, "no"},
	{"nodups", "duplicates", SET_NOTHING, "no"},
	{"conceal", "hidden", SET_NOTHING, "yes"},
	{"noconceal", "hidden", SET_NOTHING, "no"},
};

static const struct set_word *
set_word_find(const char *text)
{
	g_autofree char *bare = words_bare(text);

	for (size_t i = 0; i < G_N_ELEMENTS(set_words); i++)
		if (g_ascii_strcasecmp(set_words[i].word, bare) == 0)
			return &set_words[i];
	return NULL;
}

static bool
is_one(const char *word, const char *const *words, size_t count)
{
	g_autofree char *bare = words_bare(word);
	g_autofree char *lower = g_utf8_strdown(bare, -1);

	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], lower) == 0)
			return true;
	return false;
}

/* "yes", "no", NULL */
static const char *
read_bool(const char *word)
{
	static const char *const yes[] = {"on", "yes", "true", "1", "ja",
					  "oui", "si", "sí", "an", "enable",
					  "enabled"};
	static const char *const no[] = {"off", "no", "false", "0", "nein",
					 "non", "aus", "disable",
					 "disabled"};

	if (is_one(word, yes, G_N_ELEMENTS(yes)))
		return "yes";
	return is_one(word, no, G_N_ELEMENTS(no)) ? "no" : NULL;
}

static void
put(char **at, const char *value)
{
	g_free(*at);
	*at = g_strdup(value);
}

static void
set_bool(struct words *words, struct request *out)
{
	const char *value;

	if (*words->at == NULL) {
		request_fault_at(out, REQUEST_INCOMPLETE, "");
		return;
	}
	value = read_bool(*words->at);
	if (value == NULL)
		request_fault_at(out, REQUEST_WRONG, *words->at);
	/* "vacation on" */
	else if (strcmp(out->key, "delivery") == 0)
		put(&out->value, strcmp(value, "yes") == 0 ? "off" : "on");
	else
		put(&out->value, value);
}

static const char *
read_delivery(const char *word)
{
	static const struct {
		const char *word, *value;
	} ways[] = {
		{"on", "on"}, {"mail", "on"}, {"normal", "on"},
		{"each", "on"}, {"yes", "on"}, {"off", "off"},
		{"no", "off"}, {"none", "off"}, {"nomail", "off"},
		{"digest", "digest"}, {"digests", "digest"},
		{"mime", "digest"}, {"plain", "plain"}, {"text", "plain"},
	};
	g_autofree char *bare = words_bare(word);

	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
		if (g_ascii_strcasecmp(ways[i].word, bare) == 0)
			return ways[i].value;
	return NULL;
}

/* "digest", "digest plain", "digest off": the last one counts, and no digest
 * is no reason to get nothing. */
static void
set_delivery(struct words *words, const struct set_word *word,
	     struct request *out)
{
	bool of_digest = word->value != NULL &&
			 strcmp(word->value, "digest") == 0;

	put(&out->value, word->value != NULL ? word->value : "");
	for (; *words->at != NULL; words->at++) {
		const char *value = read_delivery(*words->at);

		if (value == NULL) {
			request_fault_at(out, REQUEST_WRONG, *words->at);
			return;
		}
		if (of_digest && strcmp(value, "on") == 0)
			value = "digest";
		else if (of_digest && strcmp(value, "off") == 0)
			value = "on";
		put(&out->value, value);
		of_digest = strcmp(value, "digest") == 0;
	}
	if (out->value[0] == '\0')
		request_fault_at(out, REQUEST_INCOMPLETE, "");
}

static void
set_text(struct words *words, struct request *out)
{
	g_autofree char *rest = words_rest(words);
	g_autofree char *bare = words_bare(rest);

	/* Not the ")" that belongs to a name */
	put(&out->value, g_str_has_prefix(rest, bare) ? rest : bare);
	if (out->value[0] == '\0' && strcmp(out->key, "name") != 0)
		request_fault_at(out, REQUEST_INCOMPLETE, "");
}

/* "set show", "set authenticate xyz", "set address new@example.org" */
static bool
set_other(struct words *words, struct request *out)
{
	static const char *const shows[] = {"show", "options", "status"};
	static const char *const secrets[] = {"authenticate", "password",
					      "pw"};
	const char *word = *words->at;

	if (is_one(word, shows, G_N_ELEMENTS(shows)))
		out->verb = REQUEST_SHOW;
	else if (is_one(word, secrets, G_N_ELEMENTS(secrets)))
		out->verb = REQUEST_PASSWORD;
	else if (g_ascii_strcasecmp(word, "help") == 0)
		out->verb = REQUEST_HELP;
	else
		return false;
	return true;
}

static bool
set_move(struct words *words, struct request *out)
{
	if (g_ascii_strcasecmp(*words->at, "address") == 0 &&
	    words->at[1] != NULL)
		words->at++;
	if (!words_addr(*words->at, &out->addr, &out->given))
		return false;
	out->verb = REQUEST_MOVE;
	return true;
}

static void
set_key(struct words *words, const struct set_word *word,
	struct request *out)
{
	out->key = word->key;
	words->at++;
	if (*words->at != NULL && words->at[1] != NULL &&
	    (strcmp(*words->at, "to") == 0 || strcmp(*words->at, "=") == 0))
		words->at++;
	switch (word->takes) {
	case SET_BOOL:
		/* LISTSERV's "set dev ack" */
		if (*words->at == NULL && words->list_named)
			put(&out->value, word->value);
		else
			set_bool(words, out);
		break;
	case SET_TEXT:
		set_text(words, out);
		break;
	case SET_DELIVERY:
		set_delivery(words, word, out);
		break;
	default:
		put(&out->value, word->value);
		break;
	}
}

void
request_set(struct words *words, struct request *out)
{
	const struct set_word *word;

	if (*words->at != NULL && words->at[1] != NULL &&
	    words_is_list(words, *words->at)) {
		words->list_named = true;
		words->at++;
	}
	if (*words->at == NULL) {
		request_fault_at(out, REQUEST_INCOMPLETE, "");
		return;
	}
	if (set_other(words, out) || set_move(words, out))
		return;
	word = set_word_find(*words->at);
	if (word != NULL)
		set_key(words, word, out);
	else if (words->at[1] != NULL && set_word_find(words->at[1]) != NULL)
		request_fault_at(out, REQUEST_OTHER_LIST, *words->at);
	else
		request_fault_at(out, REQUEST_WRONG, *words->at);
}
