/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <string.h>

#include "core/base/banned.h"

/* Strings: constants, and texts with facts in them. */

/* One char or escape of a string, from *at on */
static enum err_code
read_char(struct lexer *lexer, size_t *at, GString *out)
{
	const char *p = lexer->text + *at;
	char c;

	if (p[0] != '\\') {
		g_string_append_c(out, p[0]);
		*at += 1;
		return ERR_OK;
	}
	c = lex_unescape(p[1]);
	if (c == '\0')
		return lex_fail(lexer, *at, "in a text, \"\\\" stands before "
				"\", \\, n or %%");
	g_string_append_c(out, c);
	*at += 2;
	return ERR_OK;
}

enum err_code
parse_constant(struct lexer *lexer, char **out)
{
	g_autoptr(GString) text = g_string_new(NULL);
	size_t at = lexer->token.from + 1, end = lexer->token.to - 1;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && at < end)
		rc = read_char(lexer, &at, text);
	if (rc == ERR_OK)
		rc = lex_next(lexer);
	if (rc != ERR_OK)
		return rc;
	*out = g_string_free(g_steal_pointer(&text), FALSE);
	return ERR_OK;
}

static void
add_literal(GPtrArray *pieces, GString *literal)
{
	struct piece *piece;

	if (literal->len == 0)
		return;
	piece = g_new0(struct piece, 1);
	piece->literal = g_strdup(literal->str);
	g_ptr_array_add(pieces, piece);
	g_string_truncate(literal, 0);
}

/* What stands between "%{" and "}" is read by a lexer of its own, whose text
 * ends there, so that an error has its place in the whole. */
static enum err_code
read_ask(struct lexer *lexer, size_t at, size_t close, struct ask *out)
{
	g_autofree char *text = g_strndup(lexer->text, close);
	struct lexer inner = { .name = lexer->name, .text = text, .at = at,
			       .err = lexer->err };
	g_autofree char *found = NULL;
	enum err_code rc = lex_next(&inner);

	if (rc == ERR_OK)
		rc = parse_ask(&inner, out);
	if (rc != ERR_OK || inner.token.kind == TOKEN_END)
		return rc;
	found = lex_found(&inner);
	return lex_fail(lexer, inner.token.from, "expected \"}\" behind the "
			"fact, found %s", found);
}

static enum err_code
read_fact(struct lexer *lexer, size_t *at, size_t end, GPtrArray *pieces)
{
	const char *open = lexer->text + *at;
	const char *close = memchr(open, '}', end - *at);
	struct piece *piece;

	if (close == NULL)
		return lex_fail(lexer, *at, "this \"%%{\" has no \"}\"; for "
				"the characters themselves write \"\\%%{\"");
	piece = g_new0(struct piece, 1);
	g_ptr_array_add(pieces, piece);
	*at = (size_t)(close - lexer->text) + 1;
	if (strncmp(open, REFUSE_TEXT, strlen(REFUSE_TEXT)) == 0)
		return ERR_OK;
	return read_ask(lexer, (size_t)(open - lexer->text) + 2, *at - 1,
			&piece->ask);
}

static enum err_code
read_string(struct lexer *lexer, GString *literal, GPtrArray *pieces)
{
	size_t at = lexer->token.from + 1, end = lexer->token.to - 1;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && at < end) {
		if (strncmp(lexer->text + at, "%{", 2) == 0) {
			add_literal(pieces, literal);
			rc = read_fact(lexer, &at, end, pieces);
		} else {
			rc = read_char(lexer, &at, literal);
		}
	}
	return rc;
}

enum err_code
parse_text(struct lexer *lexer, GPtrArray **out)
{
	g_autoptr(GString) literal = g_string_new(NULL);
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(
		(GDestroyNotify)piece_free);
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && lexer->token.kind == TOKEN_STRING) {
		rc = read_string(lexer, literal, pieces);
		if (rc == ERR_OK)
			rc = lex_next(lexer);
	}
	if (rc != ERR_OK)
		return rc;
	add_literal(pieces, literal);
	*out = g_steal_pointer(&pieces);
	return ERR_OK;
}
