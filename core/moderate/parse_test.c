/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <stdint.h>
#include <string.h>

#include "conf/keys.h"
#include "core/base/banned.h"

/* Tests: a fact, and what it is compared with. Types are checked here. */

const char *
type_noun(enum fact_type type)
{
	static const char *const nouns[] = {
		[FACT_BOOL] = "yes or no", [FACT_NUMBER] = "a number",
		[FACT_DURATION] = "a duration", [FACT_TIME] = "a time of day",
		[FACT_TEXT] = "a text", [FACT_TEXTS] = "a row of texts",
		[FACT_PERSON] = "an address",
	};

	return nouns[type];
}

const char *
type_example(enum fact_type type)
{
	static const char *const examples[] = {
		[FACT_BOOL] = "yes or no", [FACT_NUMBER] = "10 or 400k",
		[FACT_DURATION] = "3d or 12h", [FACT_TIME] = "22:00",
		[FACT_TEXT] = "\"text\"", [FACT_TEXTS] = "\"text\"",
		[FACT_PERSON] = "\"ann@example.org\"",
	};

	return examples[type];
}

bool
type_is_text(enum fact_type type)
{
	return type == FACT_TEXT || type == FACT_TEXTS ||
		type == FACT_PERSON;
}

static struct node *
test_new(enum node_kind kind, struct ask *ask)
{
	struct node *node = g_new0(struct node, 1);

	node->kind = kind;
	node->ask.fact = ask->fact;
	node->ask.argument = g_steal_pointer(&ask->argument);
	node->ask.seconds = ask->seconds;
	return node;
}

/* The constant's kind fits the fact's type? */
static bool
fits(const struct lexer *lexer, enum fact_type type)
{
	switch (type) {
	case FACT_BOOL:
		return lex_is(lexer, "yes") || lex_is(lexer, "no");
	case FACT_NUMBER:
		return lexer->token.kind == TOKEN_NUMBER;
	case FACT_DURATION:
		return lexer->token.kind == TOKEN_DURATION;
	case FACT_TIME:
		return lexer->token.kind == TOKEN_TIME;
	default:
		return lexer->token.kind == TOKEN_STRING;
	}
}

static enum err_code
fail_constant(struct lexer *lexer, const struct fact *fact)
{
	g_autofree char *found = lex_found(lexer);

	return lex_fail(lexer, lexer->token.from, "%s is %s%s; compare it "
			"with %s, not with %s", fact->name,
			type_noun(fact->type), fact->id == FACT_SIZE ?
			" of octets" : "", type_example(fact->type), found);
}

/* Which comparisons a type knows. */
static enum err_code
check_op(struct lexer *lexer, const struct fact *fact)
{
	g_autofree char *sign = lex_slice(lexer);
	enum token_kind op = lexer->token.kind;
	bool match = op == TOKEN_MATCH || op == TOKEN_NOT_MATCH;
	bool order = !match && op != TOKEN_EQ && op != TOKEN_NE;
	bool text = type_is_text(fact->type);

	if (match && !text)
		return lex_fail(lexer, lexer->token.from, "%s is %s; \"%s\" "
				"is for texts", fact->name,
				type_noun(fact->type), sign);
	if (order && (text || fact->type == FACT_BOOL))
		return lex_fail(lexer, lexer->token.from, "%s is %s; it is "
				"compared with \"==\" or \"!=\", not with "
				"\"%s\"", fact->name, type_noun(fact->type),
				sign);
	return ERR_OK;
}

/* A fact that can only be one of some words is not another one. */
static enum err_code
check_value(struct lexer *lexer, size_t at, const struct fact *fact,
	    const char *text)
{
	const char *const *values = fact_values(fact->id);
	g_autofree char *all = NULL;
	const char *near;

	if (values == NULL)
		return ERR_OK;
	for (const char *const *one = values; *one != NULL; one++)
		if (g_ascii_strcasecmp(*one, text) == 0)
			return ERR_OK;
	near = key_nearest(values, text);
	if (near != NULL)
		return lex_fail(lexer, at, "%s is never \"%s\"; did you mean "
				"\"%s\"?", fact->name, text, near);
	all = g_strjoinv(", ", (char **)(uintptr_t)values);
	return lex_fail(lexer, at, "%s is never \"%s\", but one of %s",
			fact->name, text, all);
}

static enum err_code
parse_compare(struct lexer *lexer, struct ask *ask, struct node **out)
{
	const struct fact *fact = ask->fact;
	g_autoptr(node_auto) node = NULL;
	enum token_kind op = lexer->token.kind;
	enum err_code rc = check_op(lexer, fact);
	size_t at;

	if (rc == ERR_OK)
		rc = lex_next(lexer);
	if (rc != ERR_OK)
		return rc;
	if (!fits(lexer, fact->type))
		return fail_constant(lexer, fact);
	node = test_new(NODE_COMPARE, ask);
	node->op = op;
	at = lexer->token.from;
	node->number = fact->type == FACT_BOOL ? lex_is(lexer, "yes") :
		lexer->token.number;
	rc = type_is_text(fact->type) ? parse_constant(lexer, &node->text) :
		lex_next(lexer);
	if (rc == ERR_OK && type_is_text(fact->type))
		rc = check_value(lexer, at, fact, node->text);
	if (rc != ERR_OK)
		return rc;
	*out = g_steal_pointer(&node);
	return ERR_OK;
}

static enum err_code
compile_regex(struct lexer *lexer, struct node *node)
{
	g_autofree char *slice = lex_slice(lexer), *reason = NULL;
	size_t len = strlen(slice), at = 0;

	node->caseless = slice[len - 1] == 'i';
	len -= node->caseless ? 3 : 2;
	if (len > POLICY_REGEX_MAX)
		return lex_fail(lexer, lexer->token.from, "a regular "
				"expression has at most %d bytes",
				POLICY_REGEX_MAX);
	node->text = g_strndup(slice + 1, len);
	node->regex = regex_new(node->text, node->caseless, &reason, &at);
	if (node->regex == NULL)
		return lex_fail(lexer, lexer->token.from + 1 + MIN(at, len),
				"the regular expression is wrong here: %s",
				reason);
	return lex_next(lexer);
}

static enum err_code
parse_regex(struct lexer *lexer, struct ask *ask, struct node **out)
{
	g_autoptr(node_auto) node = NULL;
	g_autofree char *found = NULL;
	bool negated = lexer->token.kind == TOKEN_NOT_MATCH;
	enum err_code rc = check_op(lexer, ask->fact);

	if (rc == ERR_OK)
		rc = lex_next(lexer);
	if (rc != ERR_OK)
		return rc;
	if (lexer->token.kind != TOKEN_REGEX) {
		found = lex_found(lexer);
		return lex_fail(lexer, lexer->token.from, "expected a regular "
				"expression between slashes, /.../, found %s",
				found);
	}
	node = test_new(NODE_REGEX, ask);
	node->negated = negated;
	rc = compile_regex(lexer, node);
	if (rc != ERR_OK)
		return rc;
	*out = g_steal_pointer(&node);
	return ERR_OK;
}

static enum err_code
parse_in(struct lexer *lexer, struct ask *ask, bool negated,
	 struct node **out)
{
	g_autoptr(node_auto) node = NULL;
	enum err_code rc;

	if (!type_is_text(ask->fact->type))
		return lex_fail(lexer, lexer->token.from, "%s is %s; \"in\" "
				"is for texts and addresses", ask->fact->name,
				type_noun(ask->fact->type));
	node = test_new(NODE_IN, ask);
	node->negated = negated;
	rc = lex_next(lexer);
	if (rc == ERR_OK)
		rc = parse_set(lexer, &node->ask, &node->set);
	if (rc != ERR_OK)
		return rc;
	*out = g_steal_pointer(&node);
	return ERR_OK;
}

static enum err_code
parse_not_in(struct lexer *lexer, struct ask *ask, struct node **out)
{
	g_autofree char *found = NULL;
	enum err_code rc = lex_next(lexer);

	if (rc != ERR_OK)
		return rc;
	if (lex_is(lexer, "in"))
		return parse_in(lexer, ask, true, out);
	found = lex_found(lexer);
	return lex_fail(lexer, lexer->token.from, "expected \"in\" behind "
			"\"%s not\", found %s", ask->fact->name, found);
}

static enum err_code
parse_alone(struct lexer *lexer, struct ask *ask, struct node **out)
{
	if (ask->fact->type == FACT_TIME)
		return lex_fail(lexer, lexer->token.from, "%s is %s; compare "
				"it with %s", ask->fact->name,
				type_noun(FACT_TIME), type_example(FACT_TIME));
	if (lex_is(lexer, "is") || lex_is(lexer, "matches") ||
	    lex_is(lexer, "contains"))
		return lex_fail(lexer, lexer->token.from, "compare with "
				"\"==\", \"!=\", \"=~ /.../\" or \"in\"");
	*out = test_new(NODE_FACT, ask);
	return ERR_OK;
}

static enum err_code
parse_behind(struct lexer *lexer, struct ask *ask, struct node **out)
{
	switch (lexer->token.kind) {
	case TOKEN_EQ:
	case TOKEN_NE:
	case TOKEN_LT:
	case TOKEN_LE:
	case TOKEN_GT:
	case TOKEN_GE:
		return parse_compare(lexer, ask, out);
	case TOKEN_MATCH:
	case TOKEN_NOT_MATCH:
		return parse_regex(lexer, ask, out);
	default:
		break;
	}
	if (lex_is(lexer, "in"))
		return parse_in(lexer, ask, false, out);
	if (lex_is(lexer, "not"))
		return parse_not_in(lexer, ask, out);
	return parse_alone(lexer, ask, out);
}

enum err_code
parse_test(struct lexer *lexer, struct node **out)
{
	struct ask ask = { 0 };
	enum err_code rc = parse_ask(lexer, &ask);

	if (rc == ERR_OK)
		rc = parse_behind(lexer, &ask, out);
	g_free(ask.argument);
	return rc;
}
