/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include "core/base/banned.h"

/* A parsed policy: what it is made of, and what is known of it before any
 * post comes. */

static void
ask_done(struct ask *ask)
{
	g_free(ask->argument);
}

void
piece_free(struct piece *piece)
{
	if (piece == NULL)
		return;
	g_free(piece->literal);
	ask_done(&piece->ask);
	g_free(piece);
}

void
node_free(struct node *node)
{
	if (node == NULL)
		return;
	g_clear_pointer(&node->children, g_ptr_array_unref);
	ask_done(&node->ask);
	g_free(node->text);
	g_free(node->set.name);
	g_clear_pointer(&node->set.items, g_ptr_array_unref);
	regex_free(node->regex);
	g_free(node);
}

void
rule_free(struct rule *rule)
{
	if (rule == NULL)
		return;
	g_clear_pointer(&rule->text, g_ptr_array_unref);
	node_free(rule->when);
	g_free(rule->print);
	g_free(rule->why);
	g_free(rule);
}

struct policy *
policy_ref(struct policy *policy)
{
	g_atomic_int_inc(&policy->refs);
	return policy;
}

void
policy_unref(struct policy *policy)
{
	if (policy == NULL || !g_atomic_int_dec_and_test(&policy->refs))
		return;
	g_ptr_array_unref(policy->rules);
	g_free(policy);
}

bool
node_each(const struct node *node,
	  bool (*visit)(const struct node *test, void *arg), void *arg)
{
	if (node == NULL)
		return true;
	if (node->kind > NODE_NOT)
		return visit(node, arg);
	for (guint i = 0; i < node->children->len; i++)
		if (!node_each(node->children->pdata[i], visit, arg))
			return false;
	return true;
}

static bool
note_need(const struct node *test, void *arg)
{
	struct policy *policy = arg;

	policy->needs[test->ask.fact->id] = true;
	return true;
}

static void
note_text_needs(struct policy *policy, const struct rule *rule)
{
	/* for the sentences that verdicts without a text get */
	policy->needs[FACT_LIST] = true;
	if (rule->text == NULL)
		return;
	for (guint i = 0; i < rule->text->len; i++) {
		const struct piece *piece = rule->text->pdata[i];

		if (piece->ask.fact != NULL)
			policy->needs[piece->ask.fact->id] = true;
	}
}

static bool
note_step(const struct node *test, void *arg)
{
	enum step *step = arg;
	enum step own = test->ask.fact->step;

	/* The sets belong to a list. */
	if (test->kind == NODE_IN && test->set.form == SET_KNOWN)
		own = MAX(own, STEP_RCPT);
	*step = MAX(*step, own);
	return true;
}

/* What a sender knows anyway: the shape of his own post and what was found
 * out about its origin, but nothing of who is subscribed or banned, and no
 * recipe for passing a filter. */
static bool
is_harmless(const struct node *test, void *arg)
{
	(void) arg;
	if (test->kind == NODE_REGEX || (test->kind == NODE_IN &&
					 test->set.form == SET_KNOWN))
		return test->ask.fact->id == FACT_MIME_TYPE ||
			test->ask.fact->id == FACT_MIME_NAME;
	switch (test->ask.fact->id) {
	case FACT_TLS:
	case FACT_TLS_VERSION:
	case FACT_SPF:
	case FACT_RECIPIENTS:
	case FACT_AUTHOR_VERIFIED:
	case FACT_AUTHOR_VERIFIABLE:
	case FACT_DKIM:
	case FACT_DMARC:
	case FACT_ARC:
	case FACT_SIZE:
	case FACT_MIME_TYPE:
	case FACT_MIME_NAME:
	case FACT_MIME_PARTS:
		return true;
	default:
		return false;
	}
}

static char *
string_of(void (*print)(const struct rule *rule, GString *out),
	  const struct rule *rule)
{
	GString *out = g_string_new(NULL);

	print(rule, out);
	return g_string_free(out, FALSE);
}

static void
print_why(const struct rule *rule, GString *out)
{
	if (rule->when != NULL)
		print_node(rule->when, out);
	else
		g_string_append(out, "always");
}

void
policy_finish(struct policy *policy)
{
	for (guint i = 0; i < policy->rules->len; i++) {
		struct rule *rule = policy->rules->pdata[i];

		rule->print = string_of(print_rule, rule);
		rule->why = string_of(print_why, rule);
		rule->harmless = rule->when != NULL &&
			node_each(rule->when, is_harmless, NULL);
		(void) node_each(rule->when, note_step, &rule->step);
		(void) node_each(rule->when, note_need, policy);
		note_text_needs(policy, rule);
	}
}

static const struct rule *
policy_rule(const struct policy *policy, size_t rule)
{
	g_assert(rule >= 1 && rule <= policy->rules->len);
	return policy->rules->pdata[rule - 1];
}

size_t
policy_rule_count(const struct policy *policy)
{
	return policy->rules->len;
}

const char *
policy_rule_text(const struct policy *policy, size_t rule)
{
	return policy_rule(policy, rule)->print;
}

unsigned int
policy_rule_line(const struct policy *policy, size_t rule)
{
	return policy_rule(policy, rule)->line;
}

bool
policy_rule_is_guard(const struct policy *policy, size_t rule)
{
	return policy_rule(policy, rule)->guard;
}

enum step
policy_rule_step(const struct policy *policy, size_t rule)
{
	return policy_rule(policy, rule)->step;
}

bool
policy_needs(const struct policy *policy, enum fact_id fact)
{
	return policy->needs[fact];
}
