/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include "core/base/banned.h"

/*
 * The rules of a policy on a post: policy.h says what guards are.
 *
 * Why a verdict that is given early is the one that would be given late: a
 * condition that is yes or no with some facts unknown is so whatever these
 * turn out to be (Kleene), so the first rule that matches, with no rule
 * before it undecided, stays the first; and a guard is looked at only when
 * that rule accepts or holds, which stays so too.
 */

typedef void (*applied_func)(guint rule, enum truth truth, void *arg);

/*
 * first_match - the first of the rules, or guards, that matches or cannot be
 * decided; its truth goes to *out. The number of rules if there is none.
 */
static guint
first_match(const struct policy *policy, bool guards, struct eval *eval,
	    applied_func applied, void *arg, enum truth *out)
{
	for (guint i = 0; i < policy->rules->len; i++) {
		const struct rule *rule = policy->rules->pdata[i];

		if (rule->guard != guards)
			continue;
		*out = rule->when == NULL ? TRUTH_YES :
			node_eval(rule->when, eval);
		if (applied != NULL)
			applied(i + 1, *out, arg);
		if (*out != TRUTH_NO)
			return i;
	}
	return policy->rules->len;
}

/* The rule that decides, or cannot be decided */
static guint
find_rule(const struct policy *policy, const struct fact_source *source,
	  applied_func applied, void *arg, enum truth *out)
{
	struct eval eval = { .source = source, .cpu_ns = EVAL_CPU_NS };
	guint found = first_match(policy, false, &eval, applied, arg, out);
	const struct rule *rule = policy->rules->pdata[found];
	enum truth truth;
	guint guard;

	if (*out != TRUTH_YES || (rule->action != VERDICT_ACCEPT &&
				  rule->action != VERDICT_HOLD))
		return found;
	guard = first_match(policy, true, &eval, applied, arg, &truth);
	if (guard == policy->rules->len)
		return found;
	*out = truth;
	return guard;
}

void
policy_decide(const struct policy *policy, const struct fact_source *source,
	      bool last, struct verdict *out)
{
	enum truth truth = TRUTH_UNKNOWN;
	guint found = find_rule(policy, source, NULL, NULL, &truth);
	const struct rule *rule = policy->rules->pdata[found];

	*out = (struct verdict){ .rule = found + 1 };
	if (truth == TRUTH_YES)
		out->kind = rule->action;
	else if (last)
		out->kind = VERDICT_DEFER;
	verdict_fill(rule, truth == TRUTH_YES, source, out);
}

static void
note_applied(guint rule, enum truth truth, void *arg)
{
	struct policy_applied applied = { .rule = rule, .truth = truth };

	g_array_append_val((GArray *)arg, applied);
}

GArray *
policy_explain(const struct policy *policy, const struct fact_source *source)
{
	GArray *out = g_array_new(FALSE, FALSE,
				  sizeof(struct policy_applied));
	enum truth truth = TRUTH_UNKNOWN;

	(void) find_rule(policy, source, note_applied, out, &truth);
	return out;
}
