/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "core/command/request_inside.h"
#include "core/base/banned.h"

/* What the words behind each command mean. */

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
			request_put(&out->value, way);
		else
			g_ptr_array_add(rest, (void *)word);
	}
	/* Majordomo: "subscribe dev", where that is no option's name */
	if (words_is_list(words, out->given)) {
		request_put(&out->addr, "");
		request_put(&out->given, "");
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
				request_add_word(out, old, false);
		} else if (g_ascii_strcasecmp(word, "all") == 0) {
			request_put(&out->value, "all");
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

/* What of the archive: nothing (what there is), numbers, Message-IDs, the last
 * so many. */
static void
parse_archive(struct words *words, struct request *out)
{
	for (; *words->at != NULL; words->at++) {
		const char *word = *words->at;
		g_autofree char *bare = words_bare(word);
		const bool is_last = g_ascii_strcasecmp(bare, REQUEST_LAST) ==
			0;
		guint64 number;

		if (is_last)
			word = words->at[1] != NULL ? *++words->at : "";
		g_free(bare);
		bare = words_bare(word);
		if (g_ascii_string_to_unsigned(bare, 10, 1, UINT32_MAX,
					       &number, NULL)) {
			if (is_last)
				request_add_word(out, REQUEST_LAST, true);
			request_add_word(out, bare, false);
		} else if (is_last) {
			request_fault_at(out, REQUEST_INCOMPLETE, "");
			return;
		} else if (strchr(word, '@') != NULL) {
			request_add_id(out, word);
		} else if (!words_is_list(words, word) &&
			   !words_is_filler(word)) {
			request_fault_at(out, REQUEST_WRONG, word);
			return;
		}
	}
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
			request_put(&out->value, texts[i].value);
			words->at++;
			if (strcmp(texts[i].value, "archive") == 0)
				parse_archive(words, out);
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
			request_add_word(out, *words->at, true);
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
	request_add_word(out, *words->at++, true);
	rest = words_rest(words);
	request_put(&out->value, rest + strspn(rest, " :,.-"));
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
			request_add_word(out, given, false);
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

/* --- each by its verb --------------------------------------------------- */

void
request_parse(struct words *words, struct request *out)
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
