/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include "core/base/banned.h"

/* Conditions on facts, in Kleene's three-valued logic. */

static enum truth
truth_of(bool holds)
{
	return holds ? TRUTH_YES : TRUTH_NO;
}

static enum truth
truth_not(enum truth truth)
{
	if (truth == TRUTH_UNKNOWN)
		return TRUTH_UNKNOWN;
	return truth_of(truth == TRUTH_NO);
}

static bool
get(const struct ask *ask, const struct fact_source *source,
    struct fact_value *out)
{
	*out = (struct fact_value){ 0 };
	return source->get(source->arg, ask->fact->id, ask->argument,
			   ask->seconds, out);
}

static enum truth
eval_fact(const struct node *node, const struct fact_value *value)
{
	if (!type_is_text(node->ask.fact->type))
		return truth_of(value->number != 0);
	for (const char *const *text = value->texts;
	     text != NULL && *text != NULL; text++)
		if ((*text)[0] != '\0')
			return TRUTH_YES;
	return TRUTH_NO;
}

static bool
compare_number(enum token_kind op, int64_t a, int64_t b)
{
	switch (op) {
	case TOKEN_EQ:
		return a == b;
	case TOKEN_NE:
		return a != b;
	case TOKEN_LT:
		return a < b;
	case TOKEN_LE:
		return a <= b;
	case TOKEN_GT:
		return a > b;
	default:
		return a >= b;
	}
}

static bool
in_items(const GPtrArray *items, const char *text)
{
	for (guint i = 0; i < items->len; i++)
		if (address_matches(items->pdata[i], text))
			return true;
	return false;
}

/* One test, positive, of one text */
static enum truth
eval_text(const struct node *node, struct eval *eval, const char *text)
{
	switch (node->kind) {
	case NODE_COMPARE:
		return truth_of(g_ascii_strcasecmp(text, node->text) == 0);
	case NODE_REGEX:
		return regex_match(node->regex, text, &eval->cpu_ns);
	default:
		break;
	}
	if (node->set.form == SET_LITERAL)
		return truth_of(in_items(node->set.items, text));
	return eval->source->in(eval->source->arg, node->set.kind,
				node->set.name, text);
}

static enum truth
eval_texts(const struct node *node, struct eval *eval,
	   const struct fact_value *value)
{
	enum truth any = TRUTH_NO;

	for (const char *const *text = value->texts;
	     text != NULL && *text != NULL; text++) {
		enum truth one = eval_text(node, eval, *text);

		if (one == TRUTH_YES)
			return TRUTH_YES;
		if (one == TRUTH_UNKNOWN)
			any = TRUTH_UNKNOWN;
	}
	return any;
}

static enum truth
eval_test(const struct node *node, struct eval *eval)
{
	struct fact_value value;
	enum truth truth;

	if (!get(&node->ask, eval->source, &value))
		return TRUTH_UNKNOWN;
	if (node->kind == NODE_FACT)
		return eval_fact(node, &value);
	if (!type_is_text(node->ask.fact->type))
		return truth_of(compare_number(node->op, value.number,
					       node->number));
	truth = eval_texts(node, eval, &value);
	if (node->negated || node->op == TOKEN_NE)
		return truth_not(truth);
	return truth;
}

/* "and": one no decides; "or": one yes does. */
static enum truth
eval_list(const struct node *node, struct eval *eval)
{
	enum truth deciding = node->kind == NODE_AND ? TRUTH_NO : TRUTH_YES;
	enum truth all = truth_not(deciding);

	for (guint i = 0; i < node->children->len; i++) {
		enum truth one = node_eval(node->children->pdata[i], eval);

		if (one == deciding)
			return one;
		if (one == TRUTH_UNKNOWN)
			all = TRUTH_UNKNOWN;
	}
	return all;
}

enum truth
node_eval(const struct node *node, struct eval *eval)
{
	switch (node->kind) {
	case NODE_AND:
	case NODE_OR:
		return eval_list(node, eval);
	case NODE_NOT:
		return truth_not(node_eval(node->children->pdata[0], eval));
	default:
		return eval_test(node, eval);
	}
}
