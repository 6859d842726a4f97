/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include "core/base/banned.h"

/* Conditions: "or" binds least, then "and", then "not". */

static enum err_code parse_or(struct lexer *lexer, unsigned int depth,
			      struct node **out);

static struct node *
node_new(enum node_kind kind)
{
	struct node *node = g_new0(struct node, 1);

	node->kind = kind;
	node->children = g_ptr_array_new_with_free_func(
		(GDestroyNotify)node_free);
	return node;
}

static enum err_code
parse_inner(struct lexer *lexer, unsigned int depth, struct node **out)
{
	g_autoptr(node_auto) inner = NULL;
	g_autofree char *found = NULL;
	size_t from = lexer->token.from;
	enum err_code rc = lex_next(lexer);

	if (rc == ERR_OK)
		rc = parse_or(lexer, depth + 1, &inner);
	if (rc != ERR_OK)
		return rc;
	if (lexer->token.kind != TOKEN_CLOSE) {
		found = lex_found(lexer);
		return lex_fail(lexer, lexer->token.from, "expected \"and\", "
				"\"or\" or the \")\" for the \"(\" in line "
				"%u, found %s", lex_line(lexer, from), found);
	}
	rc = lex_next(lexer);
	if (rc == ERR_OK)
		*out = g_steal_pointer(&inner);
	return rc;
}

static enum err_code
parse_not(struct lexer *lexer, unsigned int depth, struct node **out)
{
	g_autoptr(node_auto) node = NULL;
	struct node *child = NULL;
	enum err_code rc;

	if (depth > POLICY_DEPTH_MAX)
		return lex_fail(lexer, lexer->token.from, "parentheses and "
				"nots go %d deep at most", POLICY_DEPTH_MAX);
	if (lexer->token.kind == TOKEN_OPEN)
		return parse_inner(lexer, depth, out);
	if (!lex_is(lexer, "not"))
		return parse_test(lexer, out);
	node = node_new(NODE_NOT);
	rc = lex_next(lexer);
	if (rc == ERR_OK)
		rc = parse_not(lexer, depth + 1, &child);
	if (rc != ERR_OK)
		return rc;
	g_ptr_array_add(node->children, child);
	*out = g_steal_pointer(&node);
	return ERR_OK;
}

/* (a and b) and c is a and b and c: one node, one way to print it. */
static void
add_child(struct node *node, struct node *child)
{
	if (child->kind != node->kind) {
		g_ptr_array_add(node->children, child);
		return;
	}
	g_ptr_array_extend_and_steal(node->children,
				     g_steal_pointer(&child->children));
	node_free(child);
}

static enum err_code
parse_list(struct lexer *lexer, unsigned int depth, enum node_kind kind,
	   struct node **out)
{
	const char *word = kind == NODE_OR ? "or" : "and";
	g_autoptr(node_auto) node = NULL;
	struct node *child = NULL;
	enum err_code rc;

	for (;;) {
		rc = kind == NODE_OR ?
			parse_list(lexer, depth, NODE_AND, &child) :
			parse_not(lexer, depth, &child);
		if (rc != ERR_OK)
			return rc;
		if (node == NULL && !lex_is(lexer, word)) {
			*out = child;
			return ERR_OK;
		}
		if (node == NULL)
			node = node_new(kind);
		add_child(node, g_steal_pointer(&child));
		if (!lex_is(lexer, word))
			break;
		rc = lex_next(lexer);
		if (rc != ERR_OK)
			return rc;
	}
	*out = g_steal_pointer(&node);
	return ERR_OK;
}

static enum err_code
parse_or(struct lexer *lexer, unsigned int depth, struct node **out)
{
	return parse_list(lexer, depth, NODE_OR, out);
}

enum err_code
parse_when(struct lexer *lexer, struct node **out)
{
	return parse_or(lexer, 0, out);
}
