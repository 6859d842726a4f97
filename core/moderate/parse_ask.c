/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <string.h>

#include "conf/keys.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/* Facts with their arguments, and sets. */

#define NAME_MAX_LEN 64		/* of a header field, of a file */
#define ITEMS_MAX 1000		/* of a literal set */

/* Words of the language, which begin or join what a fact was wanted for */
static bool
is_keyword(const char *word)
{
	static const char *const words[] = {
		"and", "or", "when", "in", "accept", "hold", "reject",
		"discard", "defer", "guard",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static enum err_code
fail_fact(struct lexer *lexer)
{
	g_autofree char *word = NULL, *found = lex_found(lexer);
	const char *near = NULL;

	if (lexer->token.kind != TOKEN_WORD)
		return lex_fail(lexer, lexer->token.from, "expected a fact "
				"such as author.member, found %s", found);
	word = lex_slice(lexer);
	if (is_keyword(word))
		return lex_fail(lexer, lexer->token.from, "a condition is "
				"wanted here, such as author.member; found %s",
				found);
	near = fact_suggest(word);
	if (near != NULL)
		return lex_fail(lexer, lexer->token.from, "there is no fact "
				"%s; did you mean \"%s\"?", found, near);
	return lex_fail(lexer, lexer->token.from, "there is no fact %s; "
			"muster-policy(5) lists them", found);
}

static enum err_code
expect(struct lexer *lexer, enum token_kind kind, const char *what)
{
	g_autofree char *found = NULL;

	if (lexer->token.kind == kind)
		return lex_next(lexer);
	found = lex_found(lexer);
	return lex_fail(lexer, lexer->token.from, "expected %s, found %s",
			what, found);
}

/* RFC 5322 section 3.6.8, as far as the language needs it */
static enum err_code
read_field(struct lexer *lexer, struct ask *out)
{
	g_autofree char *name = NULL;
	size_t at = lexer->token.from;
	enum err_code rc;

	if (lexer->token.kind == TOKEN_WORD) {
		name = lex_slice(lexer);
		rc = lex_next(lexer);
	} else if (lexer->token.kind == TOKEN_STRING) {
		rc = parse_constant(lexer, &name);
	} else {
		return expect(lexer, TOKEN_STRING,
			      "the name of a field, \"X-Spam-Flag\"");
	}
	if (rc != ERR_OK)
		return rc;
	if (name[0] == '\0' || strlen(name) > NAME_MAX_LEN ||
	    strspn(name, G_CSET_A_2_Z G_CSET_a_2_z "0123456789-_.") !=
	    strlen(name))
		return lex_fail(lexer, at, "this is not the name of a header "
				"field");
	out->argument = g_steal_pointer(&name);
	return ERR_OK;
}

static enum err_code
read_window(struct lexer *lexer, struct ask *out)
{
	if (lexer->token.kind == TOKEN_DURATION && lexer->token.number == 0)
		return lex_fail(lexer, lexer->token.from, "a rate is counted "
				"over some time, such as 1h");
	out->seconds = lexer->token.number;
	return expect(lexer, TOKEN_DURATION, "a duration, such as 1h");
}

static enum err_code
parse_argument(struct lexer *lexer, struct ask *out)
{
	const struct fact *fact = out->fact;
	enum err_code rc;

	if (fact->argument == ARG_NONE) {
		if (lexer->token.kind != TOKEN_OPEN)
			return ERR_OK;
		return lex_fail(lexer, lexer->token.from, "%s takes no "
				"argument", fact->name);
	}
	if (lexer->token.kind != TOKEN_OPEN)
		return lex_fail(lexer, lexer->token.from, "%s takes an "
				"argument: %s(%s)", fact->name, fact->name,
				fact->argument == ARG_TEXT ?
				"\"X-Spam-Flag\"" : "1h");
	rc = lex_next(lexer);
	if (rc == ERR_OK)
		rc = fact->argument == ARG_TEXT ? read_field(lexer, out) :
			read_window(lexer, out);
	return rc == ERR_OK ? expect(lexer, TOKEN_CLOSE, "\")\"") : rc;
}

enum err_code
parse_ask(struct lexer *lexer, struct ask *out)
{
	g_autofree char *word = lex_slice(lexer);
	enum err_code rc;

	if (lexer->token.kind == TOKEN_WORD)
		out->fact = fact_find(word);
	if (out->fact == NULL)
		return fail_fact(lexer);
	rc = lex_next(lexer);
	if (rc == ERR_OK)
		rc = parse_argument(lexer, out);
	if (rc == ERR_OK && out->argument == NULL)
		out->argument = g_strdup("");
	return rc;
}

/* --- sets --------------------------------------------------------------- */

static const char *const set_names[] = {
	[SET_MEMBERS] = "members", [SET_OWNERS] = "owners",
	[SET_MODERATORS] = "moderators", [SET_ACCEPTED] = "accepted",
	[SET_BANNED] = "banned", [SET_FILE] = "file", NULL
};

const char *
set_name(enum set_kind kind)
{
	return set_names[kind];
}

static enum err_code
fail_set(struct lexer *lexer)
{
	static const char *const singular[] = {
		"member", "owner", "moderator", NULL
	};
	g_autofree char *word = lex_slice(lexer), *found = lex_found(lexer);
	const char *near = lexer->token.kind == TOKEN_WORD ?
		key_nearest(set_names, word) : NULL;

	for (size_t i = 0; near == NULL && singular[i] != NULL; i++)
		if (strcmp(singular[i], word) == 0)
			near = set_names[i];
	if (near != NULL)
		return lex_fail(lexer, lexer->token.from, "there is no set %s; "
				"did you mean \"%s\"?", found, near);
	return lex_fail(lexer, lexer->token.from, "expected members, owners, "
			"moderators, accepted, banned, file(\"name\") or "
			"(\"a@example.org\", ...) behind \"in\", found %s",
			found);
}

/* What can be a member, and what can be banned. */
static enum err_code
check_set(struct lexer *lexer, const struct fact *fact, enum set_kind kind)
{
	bool person = fact->type == FACT_PERSON || fact->id == FACT_LOGIN;

	if (kind == SET_BANNED)
		person |= fact->id == FACT_CLIENT_ADDR;
	if (kind == SET_FILE || person)
		return ERR_OK;
	return lex_fail(lexer, lexer->token.from, "%s is %s, but \"%s\" holds "
			"addresses: ask about author or sender", fact->name,
			type_noun(fact->type), set_names[kind]);
}

static enum err_code
check_list(struct lexer *lexer, size_t at, char **name)
{
	g_autofree char *lower = g_ascii_strdown(*name, -1);
	const char *wrong = list_name_check(lower);

	if (wrong != NULL)
		return lex_fail(lexer, at, "this cannot be the address of a "
				"list: %s", wrong);
	g_free(*name);
	*name = g_steal_pointer(&lower);
	return ERR_OK;
}

/* A name within the folder of such files, nothing that leads out of it */
static enum err_code
check_file(struct lexer *lexer, size_t at, const char *name)
{
	if (name[0] != '\0' && name[0] != '.' &&
	    strlen(name) <= NAME_MAX_LEN &&
	    strspn(name, G_CSET_A_2_Z G_CSET_a_2_z "0123456789-_.") ==
	    strlen(name))
		return ERR_OK;
	return lex_fail(lexer, at, "the name of a file has letters, digits, "
			"\"-\", \"_\" and \".\", at most %d, and no path",
			NAME_MAX_LEN);
}

/* members("dev@...") and file("name"); "members" alone is the list's own. */
static enum err_code
parse_set_argument(struct lexer *lexer, struct set *out)
{
	enum err_code rc;
	size_t at;

	if (lexer->token.kind != TOKEN_OPEN) {
		if (out->kind == SET_FILE)
			return expect(lexer, TOKEN_OPEN,
				      "the name of the file: file(\"name\")");
		return ERR_OK;
	}
	if (out->kind != SET_FILE && out->kind != SET_MEMBERS)
		return lex_fail(lexer, lexer->token.from, "%s takes no "
				"argument", set_names[out->kind]);
	rc = lex_next(lexer);
	at = lexer->token.from;
	if (rc == ERR_OK && lexer->token.kind != TOKEN_STRING)
		return expect(lexer, TOKEN_STRING, "a text");
	if (rc == ERR_OK) {
		g_clear_pointer(&out->name, g_free);
		rc = parse_constant(lexer, &out->name);
	}
	if (rc == ERR_OK)
		rc = out->kind == SET_FILE ?
			check_file(lexer, at, out->name) :
			check_list(lexer, at, &out->name);
	return rc == ERR_OK ? expect(lexer, TOKEN_CLOSE, "\")\"") : rc;
}

static enum err_code
parse_known(struct lexer *lexer, const struct fact *fact, struct set *out)
{
	enum err_code rc;

	for (size_t i = 0; set_names[i] != NULL; i++) {
		if (!lex_is(lexer, set_names[i]))
			continue;
		out->form = SET_KNOWN;
		out->kind = (enum set_kind)i;
		out->name = g_strdup("");
		rc = check_set(lexer, fact, out->kind);
		if (rc == ERR_OK)
			rc = lex_next(lexer);
		return rc == ERR_OK ? parse_set_argument(lexer, out) : rc;
	}
	return fail_set(lexer);
}

static enum err_code
check_item(struct lexer *lexer, size_t at, const struct fact *fact,
	   const char *item)
{
	const char *wrong = NULL;

	if (item[0] == '\0')
		return lex_fail(lexer, at, "an empty text is in no set");
	if (fact->type == FACT_PERSON)
		wrong = address_pattern_check(item);
	else if (fact->id == FACT_CLIENT_ADDR && !pattern_is_network(item))
		wrong = "the client's address is compared with addresses and "
			"networks, \"192.0.2.0/24\"";
	return wrong == NULL ? ERR_OK : lex_fail(lexer, at, "%s", wrong);
}

static enum err_code
parse_item(struct lexer *lexer, const struct fact *fact, GPtrArray *items)
{
	size_t at = lexer->token.from;
	char *item = NULL;
	enum err_code rc;

	if (lexer->token.kind != TOKEN_STRING)
		return expect(lexer, TOKEN_STRING, "a text");
	if (items->len == ITEMS_MAX)
		return lex_fail(lexer, at, "a set has at most %d texts; put "
				"them into a file", ITEMS_MAX);
	rc = parse_constant(lexer, &item);
	if (rc != ERR_OK)
		return rc;
	g_ptr_array_add(items, item);
	return check_item(lexer, at, fact, item);
}

enum err_code
parse_set(struct lexer *lexer, const struct ask *ask, struct set *out)
{
	enum err_code rc;

	if (lexer->token.kind != TOKEN_OPEN)
		return parse_known(lexer, ask->fact, out);
	out->form = SET_LITERAL;
	out->items = g_ptr_array_new_with_free_func(g_free);
	do {
		rc = lex_next(lexer);
		if (rc == ERR_OK)
			rc = parse_item(lexer, ask->fact, out->items);
	} while (rc == ERR_OK && lexer->token.kind == TOKEN_COMMA);
	return rc == ERR_OK ?
		expect(lexer, TOKEN_CLOSE, "\",\" or \")\"") : rc;
}
