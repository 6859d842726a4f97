/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include "core/base/banned.h"

/* The tree as text: one way to write each rule, which parses to the same. */

/* template: "%{" would begin a fact. */
void
print_quoted(const char *text, bool template, GString *out)
{
	g_string_append_c(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			g_string_append(out, "\\n");
			continue;
		}
		if (*text == '"' || *text == '\\' ||
		    (template && text[0] == '%' && text[1] == '{'))
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

static void
print_units(int64_t number, const char *units, const int64_t *factors,
	    GString *out)
{
	for (; *units != '\0'; units++, factors++)
		if (number != 0 && number % *factors == 0) {
			g_string_append_printf(out, "%" PRIi64 "%c",
					       number / *factors, *units);
			return;
		}
	g_string_append_printf(out, "%" PRIi64, number);
}

void
print_number(int64_t number, GString *out)
{
	static const int64_t factors[] = { 1 << 30, 1 << 20, 1 << 10 };

	print_units(number, "GMk", factors, out);
}

void
print_duration(int64_t seconds, GString *out)
{
	static const int64_t factors[] = { 7 * 86400, 86400, 3600, 60, 1 };

	if (seconds == 0)
		g_string_append(out, "0s");
	else
		print_units(seconds, "wdhms", factors, out);
}

void
print_time(int64_t minutes, GString *out)
{
	g_string_append_printf(out, "%02d:%02d", (int)(minutes / 60),
			       (int)(minutes % 60));
}

static void
print_ask(const struct ask *ask, bool template, GString *out)
{
	g_string_append(out, ask->fact->name);
	if (ask->fact->argument == ARG_NONE)
		return;
	g_string_append_c(out, '(');
	if (ask->fact->argument == ARG_DURATION)
		print_duration(ask->seconds, out);
	else if (template)
		g_string_append(out, ask->argument);
	else
		print_quoted(ask->argument, false, out);
	g_string_append_c(out, ')');
}

static void
print_set(const struct set *set, GString *out)
{
	if (set->form == SET_KNOWN) {
		g_string_append(out, set_name(set->kind));
		if (set->name[0] == '\0')
			return;
		g_string_append_c(out, '(');
		print_quoted(set->name, false, out);
		g_string_append_c(out, ')');
		return;
	}
	for (guint i = 0; i < set->items->len; i++) {
		g_string_append(out, i == 0 ? "(" : ", ");
		print_quoted(set->items->pdata[i], false, out);
	}
	g_string_append_c(out, ')');
}

static void
print_constant(const struct node *node, GString *out)
{
	switch (node->ask.fact->type) {
	case FACT_BOOL:
		g_string_append(out, node->number ? "yes" : "no");
		return;
	case FACT_NUMBER:
		print_number(node->number, out);
		return;
	case FACT_DURATION:
		print_duration(node->number, out);
		return;
	case FACT_TIME:
		print_time(node->number, out);
		return;
	default:
		print_quoted(node->text, false, out);
		return;
	}
}

static const char *
op_sign(enum token_kind op)
{
	switch (op) {
	case TOKEN_EQ:
		return "==";
	case TOKEN_NE:
		return "!=";
	case TOKEN_LT:
		return "<";
	case TOKEN_LE:
		return "<=";
	case TOKEN_GT:
		return ">";
	default:
		return ">=";
	}
}

static void
print_test(const struct node *node, GString *out)
{
	print_ask(&node->ask, false, out);
	if (node->kind == NODE_COMPARE) {
		g_string_append_printf(out, " %s ", op_sign(node->op));
		print_constant(node, out);
	} else if (node->kind == NODE_REGEX) {
		g_string_append_printf(out, " %s /%s/%s",
				       node->negated ? "!~" : "=~",
				       node->text, node->caseless ? "i" : "");
	} else if (node->kind == NODE_IN) {
		g_string_append(out, node->negated ? " not in " : " in ");
		print_set(&node->set, out);
	}
}

/* "not a == b" would parse, but reads as something else. */
static bool
needs_parens(const struct node *parent, const struct node *child)
{
	if (child->kind == NODE_OR)
		return true;
	return parent->kind == NODE_NOT && child->kind != NODE_FACT &&
		child->kind != NODE_NOT;
}

static void
print_child(const struct node *parent, const struct node *child, GString *out)
{
	bool parens = needs_parens(parent, child);

	if (parens)
		g_string_append_c(out, '(');
	print_node(child, out);
	if (parens)
		g_string_append_c(out, ')');
}

void
print_node(const struct node *node, GString *out)
{
	if (node->kind > NODE_NOT) {
		print_test(node, out);
		return;
	}
	if (node->kind == NODE_NOT)
		g_string_append(out, "not ");
	for (guint i = 0; i < node->children->len; i++) {
		if (i > 0)
			g_string_append(out, node->kind == NODE_OR ?
					" or " : " and ");
		print_child(node, node->children->pdata[i], out);
	}
}

static void
print_text(const GPtrArray *pieces, GString *out)
{
	g_string_append(out, " \"");
	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *piece = pieces->pdata[i];
		g_autoptr(GString) quoted = g_string_new(NULL);

		if (piece->literal != NULL) {
			print_quoted(piece->literal, true, quoted);
			g_string_append_len(out, quoted->str + 1,
					    (gssize)quoted->len - 2);
		} else if (piece->ask.fact == NULL) {
			g_string_append(out, REFUSE_TEXT);
		} else {
			g_string_append(out, "%{");
			print_ask(&piece->ask, true, out);
			g_string_append_c(out, '}');
		}
	}
	g_string_append_c(out, '"');
}

void
print_rule(const struct rule *rule, GString *out)
{
	if (rule->guard)
		g_string_append(out, "guard ");
	g_string_append(out, verdict_name(rule->action));
	if (rule->code != 0)
		g_string_append_printf(out, " %d", rule->code);
	if (rule->enhanced[0] != '\0')
		g_string_append_printf(out, " %s", rule->enhanced);
	if (rule->text != NULL)
		print_text(rule->text, out);
	if (rule->when == NULL)
		return;
	g_string_append(out, " when ");
	print_node(rule->when, out);
}

char *
policy_print(const struct policy *policy)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < policy->rules->len; i++) {
		const struct rule *rule = policy->rules->pdata[i];

		g_string_append(out, rule->print);
		g_string_append_c(out, '\n');
	}
	return g_string_free(out, FALSE);
}
