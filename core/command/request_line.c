/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/request_inside.h"
#include "core/base/banned.h"

/* One line: the command, and whether the next is more of the same. */

void
request_free(void *data)
{
	struct request *request = data;

	g_free(request->line);
	g_free(request->value);
	g_free(request->addr);
	g_free(request->given);
	g_free(request->name);
	g_strfreev(request->words);
	g_free(request->what);
	g_free(request);
}

void
request_fault_at(struct request *request, enum request_fault fault,
		 const char *what)
{
	request->fault = fault;
	g_free(request->what);
	request->what = words_bare(what);
}

void
request_put(char **at, const char *value)
{
	g_free(*at);
	*at = g_strdup(value);
}

/* Takes it. */
static void
add_word(struct request *request, char *word)
{
	guint count = g_strv_length(request->words);

	request->words = g_renew(char *, request->words, count + 2);
	request->words[count] = word;
	request->words[count + 1] = NULL;
}

void
request_add_word(struct request *request, const char *word, bool lower)
{
	g_autofree char *bare = words_bare(word);

	add_word(request, lower ? g_ascii_strdown(bare, -1)
				: g_steal_pointer(&bare));
}

void
request_add_id(struct request *request, const char *word)
{
	const char *from = strchr(word, '<');
	const char *at = from != NULL ? from + 1 : word;

	add_word(request, g_strndup(at, strcspn(at, ">,")));
}

/* --- the line ----------------------------------------------------------- */

/* A line of a form: "command=subscribe"; what people copy from an answer:
 * "Subject: help". */
static const char *
skip_head(const char *line)
{
	static const char *const heads[] = {
		"subject:", "betreff:", "objet :", "asunto:", "command:",
		"subject=", "body=", "command=", "action=", "cmd=",
		"request=", "- ", "* ", "• ", "· ",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
		if (g_ascii_strncasecmp(line, heads[i],
					strlen(heads[i])) == 0)
			return line + strlen(heads[i]) +
			       strspn(line + strlen(heads[i]), " ");
	return line;
}

static bool
is_polite(const char *word)
{
	return g_ascii_strcasecmp(word, "please") == 0 ||
	       g_ascii_strcasecmp(word, "pls") == 0 ||
	       g_ascii_strcasecmp(word, "bitte") == 0;
}

/* The marks around the whole; where none is in front, one at the end belongs
 * to what is there. */
static char *
bare_line(const char *line)
{
	const char *text = skip_head(line);
	g_autofree char *bare = words_bare(text);
	size_t len;

	if (g_str_has_prefix(text, bare)) {
		g_free(bare);
		bare = g_strdup(text);
	}
	len = strlen(bare);
	while (len > 1 && strchr(".,;:!?", bare[len - 1]) != NULL)
		bare[--len] = '\0';
	return g_strstrip(g_steal_pointer(&bare));
}

/* "sign off" is one word, and "delivery=off" two. */
static char **
split(const char *line)
{
	g_autoptr(GString) text = g_string_new(line);

	if (g_ascii_strncasecmp(line, "sign off", 8) == 0 ||
	    g_ascii_strncasecmp(line, "sign up", 7) == 0)
		(void)g_string_erase(text, 4, 1);
	if (g_ascii_strncasecmp(line, "set ", 4) == 0)
		g_string_replace(text, "=", " ", 1);
	while (strstr(text->str, "  ") != NULL)
		g_string_replace(text, "  ", " ", 0);
	return g_strsplit(text->str, " ", REQUEST_WORDS_MAX);
}

static struct request *
request_new(const char *line)
{
	struct request *request = g_new0(struct request, 1);
	g_autofree char *cut = g_strndup(line, REQUEST_LINE_MAX);

	request->fault = REQUEST_UNKNOWN;
	request->line = g_utf8_make_valid(cut, -1);
	request->value = g_strdup("");
	request->addr = g_strdup("");
	request->given = g_strdup("");
	request->name = g_strdup("");
	request->what = g_strdup("");
	request->words = g_new0(char *, 1);
	return request;
}

static void
parse_words(struct words *words, struct request *out)
{
	g_autofree char *name = NULL;
	const struct request_word *word;

	while (*words->at != NULL && is_polite(*words->at))
		words->at++;
	if (*words->at != NULL && words->at[1] != NULL &&
	    g_ascii_strcasecmp(*words->at, "quiet") == 0) {
		out->quiet = true;
		words->at++;
	}
	if (*words->at == NULL)
		return;
	name = strcmp(*words->at, "?") == 0 ? g_strdup("?")
					    : words_bare(*words->at);
	word = request_word_find(name);
	if (word == NULL)
		return;
	words->at++;
	out->verb = word->verb;
	out->fault = REQUEST_FINE;
	request_parse(words, out);
	if (out->fault == REQUEST_UNKNOWN)
		out->verb = REQUEST_NONE;
}

/* "nomail" stands for "set delivery off"; behind it nothing may follow that
 * makes it a sentence. */
static char *
expand(const char *line)
{
	size_t len = strcspn(line, " ");
	g_autofree char *first = g_strndup(line, len);
	const struct request_word *word = request_word_find(first);

	if (word == NULL || word->expands == NULL)
		return g_strdup(line);
	return g_strdup_printf("%s %s%s", request_kind_of(word->verb)->name,
			       word->expands, line + len);
}

struct request *
request_line(const char *list, const char *line)
{
	struct request *out = request_new(line);
	g_autofree char *bare = bare_line(line);
	g_autofree char *whole = expand(bare);
	g_auto(GStrv) all = split(whole);
	struct words words = {.list = list, .all = all, .at = all};

	parse_words(&words, out);
	/* "digest" is a command, "Digest of last week" is none. */
	if (strcmp(whole, bare) != 0 && out->fault != REQUEST_FINE) {
		out->verb = REQUEST_NONE;
		request_fault_at(out, REQUEST_UNKNOWN, "");
	}
	return out;
}

/* --- more lines --------------------------------------------------------- */

static bool
takes_addrs(enum request_verb verb)
{
	return verb == REQUEST_INVITE || verb == REQUEST_ADD ||
	       verb == REQUEST_REMOVE;
}

static bool
takes_ids(enum request_verb verb)
{
	return verb == REQUEST_APPROVE || verb == REQUEST_ACCEPT ||
	       verb == REQUEST_DISCARD;
}

bool
request_continue(struct request *request, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", REQUEST_WORDS_MAX);
	g_autofree char *canon = NULL, *given = NULL;

	if (request->fault != REQUEST_FINE || line[0] == '\0' ||
	    g_strv_length(request->words) + g_strv_length(words) >
		    REQUEST_WORDS_MAX)
		return false;
	if (request->verb == REQUEST_REJECT) {
		g_autofree char *more = g_strdup_printf("%s %s",
							request->value, line);

		request_put(&request->value, g_strstrip(more));
		return true;
	}
	for (char **word = words; *word != NULL; word++)
		if (!(takes_addrs(request->verb) &&
		      words_addr(*word, &canon, &given)) &&
		    !(takes_ids(request->verb) && words_is_id(*word)))
			return false;
	for (char **word = words; *word != NULL; word++)
		if (words_addr(*word, &canon, &given))
			request_add_word(request, given, false);
		else
			request_add_word(request, *word, true);
	return true;
}
