/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/request_inside.h"
#include "core/base/banned.h"

/* One line: the command, and what the words behind it mean. */

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

static void
put(char **at, const char *value)
{
	g_free(*at);
	*at = g_strdup(value);
}

static void
add_word(struct request *request, const char *word, bool lower)
{
	guint count = g_strv_length(request->words);
	g_autofree char *bare = words_bare(word);

	request->words = g_renew(char *, request->words, count + 2);
	request->words[count] = lower ? g_ascii_strdown(bare, -1)
				      : g_strdup(bare);
	request->words[count + 1] = NULL;
}

/* --- joining, leaving, moving ------------------------------------------- */

static const char *
subscribe_way(const char *word)
{
	static const struct {
		const char *word, *value;
	} ways[] = {
		{"digest", "digest"}, {"mime", "digest"}, {"plain", "plain"},
		{"nodigest", "on"},   {"nomail", "off"},
	};
	g_autofree char *bare = words_bare(word);

	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
		if (g_ascii_strcasecmp(ways[i].word, bare) == 0)
			return ways[i].value;
	return NULL;
}

static bool
begins_upper(const char *word)
{
	return g_unichar_isupper(g_utf8_get_char(word));
}

/* What is neither option nor address: a name, or what Mailman took for a
 * password and others for the name of a list. */
static void
subscribe_rest(const struct words *words, GPtrArray *rest,
	       struct request *out)
{
	const char *first = rest->len > 0 ? rest->pdata[0] : "";

	if (rest->len == 0)
		return;
	if (words->list_named || begins_upper(first) ||
	    (rest->len > 1 && !begins_upper(rest->pdata[1]))) {
		g_ptr_array_add(rest, NULL);
		g_free(out->name);
		out->name = g_strjoinv(" ", (char **)rest->pdata);
		return;
	}
	request_fault_at(out, REQUEST_OTHER_LIST, first);
}

static void
parse_subscribe(struct words *words, struct request *out)
{
	g_autoptr(GPtrArray) rest = g_ptr_array_new();

	for (; *words->at != NULL; words->at++) {
		const char *word = *words->at, *way = subscribe_way(word);

		if (words_addr(word, &out->addr, &out->given) ||
		    words_is_filler(word))
			continue;
		if (strchr(word, '=') != NULL) {
			request_fault_at(out, REQUEST_WRONG, word);
			return;
		}
		if (words_is_list(words, word))
			words->list_named = true;
		else if (way != NULL)
			put(&out->value, way);
		else
			g_ptr_array_add(rest, (void *)word);
	}
	/* Majordomo: "subscribe dev", where that is no option's name */
	if (words_is_list(words, out->given)) {
		put(&out->addr, "");
		put(&out->given, "");
	}
	subscribe_rest(words, rest, out);
}

static void
parse_unsubscribe(struct words *words, struct request *out)
{
	const char *rest = NULL;

	for (; *words->at != NULL; words->at++) {
		const char *word = *words->at;

		if (words_is_list(words, word))
			words->list_named = true;
		else if (!words_addr(word, &out->addr, &out->given) &&
			 !words_is_filler(word) &&
			 subscribe_way(word) == NULL && rest == NULL)
			rest = word;
	}
	if (rest != NULL && !words->list_named)
		request_fault_at(out, REQUEST_OTHER_LIST, rest);
}

static void
parse_move(struct words *words, struct request *out)
{
	for (; *words->at != NULL; words->at++) {
		const char *word = *words->at;
		g_autofree char *old = g_strdup(out->given);

		if (words_addr(word, &out->addr, &out->given)) {
			if (old[0] != '\0')
				add_word(out, old, false);
		} else if (g_ascii_strcasecmp(word, "all") == 0) {
			put(&out->value, "all");
		} else if (!words_is_filler(word) &&
			   !words_is_list(words, word)) {
			request_fault_at(out, REQUEST_WRONG, word);
			return;
		}
	}
	if (out->addr[0] == '\0' || g_strv_length(out->words) > 1)
		request_fault_at(out, REQUEST_INCOMPLETE, "");
}

/* --- questions ---------------------------------------------------------- */

/* Those that take nothing; what is longer is a sentence. */
static void
parse_bare(struct words *words, struct request *out)
{
	guint left = 0;
	const char *first = NULL;

	for (; *words->at != NULL; words->at++)
		if (!words_is_list(words, *words->at) &&
		    !words_is_filler(*words->at)) {
			first = left++ == 0 ? *words->at : first;
		}
	if (left == 0)
		return;
	if (out->verb == REQUEST_INFO && left == 1)
		request_fault_at(out, REQUEST_OTHER_LIST, first);
	/* Mailman's password, and address=; "help set" */
	else if (left > 2 || (out->verb != REQUEST_WHO &&
			      out->verb != REQUEST_PASSWORD &&
			      out->verb != REQUEST_WHICH &&
			      out->verb != REQUEST_HELP))
		out->fault = REQUEST_UNKNOWN;
}

static void
parse_get(struct words *words, struct request *out)
{
	static const struct {
		const char *word, *value;
	} texts[] = {
		{"archive", "archive"},	 {"archives", "archive"},
		{"index", "archive"},	 {"welcome", "welcome"},
		{"intro", "welcome"},	 {"policy", "policy"},
		{"rules", "policy"},
	};

	while (*words->at != NULL && (words_is_list(words, *words->at) ||
				      words_is_filler(*words->at)))
		words->at++;
	if (*words->at == NULL) {
		request_fault_at(out, REQUEST_INCOMPLETE, "");
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *bare = words_bare(*words->at);

		if (g_ascii_strcasecmp(texts[i].word, bare) == 0) {
			put(&out->value, texts[i].value);
			return;
		}
	}
	request_fault_at(out, REQUEST_WRONG, *words->at);
}

/* Also "dev-confirm+TOKEN@lists.example.org" */
static bool
take_token(const char *word, struct request *out)
{
	const char *plus = strchr(word, '+');
	g_autofree char *token = g_strdup(plus != NULL ? plus + 1 : word);
	g_autofree char *bare = NULL;

	token[strcspn(token, "@")] = '\0';
	if (!words_is_token(token))
		return false;
	bare = words_bare(token);
	g_free(out->value);
	out->value = g_ascii_strdown(bare, -1);
	return true;
}

static void
parse_confirm(struct words *words, struct request *out)
{
	for (char **at = words->at; *at != NULL; at++)
		if (take_token(*at, out))
			return;
	if (*words->at == NULL || words_is_filler(*words->at))
		request_fault_at(out, REQUEST_INCOMPLETE, "");
	else
		request_fault_at(out, REQUEST_WRONG, *words->at);
}

/* --- owners and moderators ---------------------------------------------- */

static void
parse_ids(struct words *words, struct request *out)
{
	for (; *words->at != NULL; words->at++) {
		if (words_is_id(*words->at)) {
			add_word(out, *words->at, true);
		} else if (!words_is_list(words, *words->at) &&
			   !words_is_filler(*words->at)) {
			request_fault_at(out, REQUEST_WRONG, *words->at);
			return;
		}
	}
	if (out->words[0] == NULL && out->verb != REQUEST_SHOW)
		request_fault_at(out, REQUEST_INCOMPLETE, "");
}

static void
parse_reject(struct words *words, struct request *out)
{
	g_autofree char *rest = NULL;

	if (*words->at != NULL && words_is_list(words, *words->at))
		words->at++;
	if (*words->at == NULL) {
		request_fault_at(out, REQUEST_INCOMPLETE, "");
		return;
	}
	if (!words_is_id(*words->at)) {
		request_fault_at(out, REQUEST_WRONG, *words->at);
		return;
	}
	add_word(out, *words->at++, true);
	rest = words_rest(words);
	put(&out->value, rest + strspn(rest, " :,.-"));
}

/* Majordomo and Mailman 1 wrote "approve PASSWORD subscribe ...", which
 * nobody needs here. */
static void
parse_accept(struct words *words, struct request *out)
{
	if (*words->at != NULL && take_token(*words->at, out))
		out->verb = REQUEST_CONFIRM;
	else
		parse_ids(words, out);
}

static void
parse_addrs(struct words *words, struct request *out)
{
	g_autoptr(GPtrArray) rest = g_ptr_array_new();
	g_autofree char *canon = NULL, *given = NULL;

	for (; *words->at != NULL; words->at++) {
		if (words_is_list(words, *words->at) && out->words[0] == NULL)
			continue;
		if (words_addr(*words->at, &canon, &given))
			add_word(out, given, false);
		else if (!words_is_filler(*words->at))
			g_ptr_array_add(rest, *words->at);
	}
	if (out->words[0] == NULL) {
		request_fault_at(out, rest->len > 0 ? REQUEST_WRONG
						    : REQUEST_INCOMPLETE,
				 rest->len > 0 ? rest->pdata[0] : "");
	} else if (rest->len > 0 && out->words[1] == NULL &&
		   out->verb != REQUEST_REMOVE) {
		g_autofree char *name = NULL;

		g_ptr_array_add(rest, NULL);
		name = g_strjoinv(" ", (char **)rest->pdata);
		g_free(out->name);
		out->name = words_bare(name);
	} else if (rest->len > 0) {
		request_fault_at(out, REQUEST_WRONG, rest->pdata[0]);
	}
}

/* "remove" alone is what members write who want to go. */
static void
parse_remove(struct words *words, struct request *out)
{
	char **at = words->at;

	parse_addrs(words, out);
	if (out->words[0] != NULL)
		return;
	words->at = at;
	out->fault = REQUEST_FINE;
	out->verb = REQUEST_UNSUBSCRIBE;
	parse_unsubscribe(words, out);
}

/* --- the line ----------------------------------------------------------- */

static void
parse_verb(struct words *words, struct request *out)
{
	switch (out->verb) {
	case REQUEST_SUBSCRIBE:
		parse_subscribe(words, out);
		break;
	case REQUEST_UNSUBSCRIBE:
		parse_unsubscribe(words, out);
		break;
	case REQUEST_SET:
		request_set(words, out);
		break;
	case REQUEST_GET:
		parse_get(words, out);
		break;
	case REQUEST_CONFIRM:
		parse_confirm(words, out);
		break;
	case REQUEST_MOVE:
		parse_move(words, out);
		break;
	case REQUEST_SHOW:
	case REQUEST_APPROVE:
	case REQUEST_DISCARD:
		parse_ids(words, out);
		break;
	case REQUEST_ACCEPT:
		parse_accept(words, out);
		break;
	case REQUEST_REJECT:
		parse_reject(words, out);
		break;
	case REQUEST_INVITE:
	case REQUEST_ADD:
		parse_addrs(words, out);
		break;
	case REQUEST_REMOVE:
		parse_remove(words, out);
		break;
	default:
		parse_bare(words, out);
		break;
	}
}

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
	parse_verb(words, out);
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

		put(&request->value, g_strstrip(more));
		return true;
	}
	for (char **word = words; *word != NULL; word++)
		if (!(takes_addrs(request->verb) &&
		      words_addr(*word, &canon, &given)) &&
		    !(takes_ids(request->verb) && words_is_id(*word)))
			return false;
	for (char **word = words; *word != NULL; word++)
		if (words_addr(*word, &canon, &given))
			add_word(request, given, false);
		else
			add_word(request, *word, true);
	return true;
}
