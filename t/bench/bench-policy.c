/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a decision costs, and what deciding early saves. Not a test: run
 * t/bench/bench-policy.
 */
#include <stdio.h>
#include <string.h>

#include "core/moderate/policy.h"
#include "t/lib/stand_in.h"
#include "core/base/banned.h"

#define ROUNDS 20000
#define POSTS 10000

/* With what the keys of a list add, 20 rules */
static const char own[] =
	"reject \"%{refuse-text}\" when not sender.member\n"
	"reject when spf == \"fail\" and not client.trusted\n"
	"reject \"%{refuse-text}\" when not author.member\n"
	"reject when subject =~ /\\b(casino|viagra|lottery)\\b/i\n"
	"reject when header(\"X-Spam-Flag\") =~ /^yes/i\n"
	"defer when not author.verified and dmarc == \"temperror\"\n"
	"reject when author.verifiable and not author.verified\n"
	"reject when mime.type =~ /^application\\//\n"
	"reject when mime.name =~ /\\.(exe|scr|js)$/i\n"
	"hold when size > 400k or recipients > 10\n"
	"hold when author.since < 3d and body =~ /https?:/\n"
	"accept\n";

static struct policy *
make_policy(void)
{
	struct policy_keys keys = { .list = "dev@l.example", .policy = own,
		.refuse_text = "", .recipients_max = 50, .author_rate = 20,
		.author_rate_s = 86400 };
	g_autofree char *text = policy_text_for(&keys);
	struct policy *policy = NULL;
	struct err err = ERR_INIT;

	if (policy_parse("bench", text, &policy, &err) != ERR_OK)
		g_error("%s", err.what);
	return policy;
}

static struct stand_in *
make_post(const char *facts)
{
	struct stand_in *in = stand_in_new();
	g_autoptr(GString) body = g_string_new(NULL);

	while (body->len < 3500)
		g_string_append(body, "Words of a post of the usual kind, one "
				"line behind the other.\n");
	stand_in_sets(in, "sender=ann@a.example; author=ann@a.example; "
		      "list=dev@l.example; spf=pass; dmarc=pass; "
		      "subject=Re: [dev] build is broken; header=; "
		      "mime.type=text/plain; mime.name=; size=4096; "
		      "recipients=1; author.since=1000000; automatic=; "
		      "command=; author.verified=yes");
	stand_in_set(in, "body", body->str);
	stand_in_sets(in, facts);
	return in;
}

static double
time_ns(const struct policy *policy, const struct stand_in *in)
{
	struct verdict verdict = { 0 };
	gint64 from = g_get_monotonic_time();

	for (int i = 0; i < ROUNDS; i++) {
		policy_decide(policy, &in->source, true, &verdict);
		verdict_done(&verdict);
	}
	return (double)(g_get_monotonic_time() - from) * 1000 / ROUNDS;
}

static void
bench_cost(const struct policy *policy)
{
	static const char *const posts[][2] = {
		{ "a stranger, refused by the envelope", "" },
		{ "a member, accepted",
		  "sender.member=yes; author.member=yes" },
		{ "a new member, body looked through", "sender.member=yes; "
		  "author.member=yes; author.since=10" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(posts); i++) {
		struct stand_in *in = make_post(posts[i][1]);

		stand_in_know(in, STEP_END);
		printf("%-40s %8.0f ns\n", posts[i][0], time_ns(policy, in));
		stand_in_free(in);
	}
}

/* The first step at which a post is decided */
static enum step
decided_at(const struct policy *policy, const char *facts)
{
	struct stand_in *in = make_post(facts);
	struct verdict verdict = { 0 };
	enum step step = STEP_CONNECT;

	for (;; step++) {
		for (size_t i = 0; i < FACT_COUNT; i++)
			in->known[i] = fact_table[i].step <= step;
		policy_decide(policy, &in->source, step == STEP_END,
			      &verdict);
		if (verdict.kind != VERDICT_NONE)
			break;
	}
	verdict_done(&verdict);
	stand_in_free(in);
	return step;
}

/* Of a hundred posts to a list, 70 are from strangers, 10 with a member's
 * envelope but another author; the rest is the list's traffic. */
static void
bench_steps(const struct policy *policy, const char *name)
{
	unsigned int count[STEP_END + 1] = { 0 };

	for (int i = 0; i < POSTS; i++)
		count[decided_at(policy, i % 100 < 70 ? "" : i % 100 < 80 ?
				 "sender.member=yes" :
				 "sender.member=yes; author.member=yes")]++;
	printf("%s:", name);
	for (enum step step = STEP_CONNECT; step <= STEP_END; step++)
		printf(" %s %.0f %%", step_name(step),
		       100.0 * count[step] / POSTS);
	printf("\n");
}

static void
bench_parse(void)
{
	gint64 from = g_get_monotonic_time();

	for (int i = 0; i < 1000; i++)
		policy_unref(make_policy());
	printf("%-40s %8.0f us\n", "to parse it", (double)
	       (g_get_monotonic_time() - from) / 1000);
}

int
main(void)
{
	struct policy *policy = make_policy(), *end = NULL;

	printf("a policy of %zu rules\n", policy_rule_count(policy));
	bench_cost(policy);
	bench_parse();
	bench_steps(policy, "decided at, staged");
	/* The same with a test of the body in front */
	(void) policy_parse("end", "hold when body == \"x\" "
			    "reject when not sender.member accept", &end,
			    NULL);
	bench_steps(end, "decided at, if the body came first");
	policy_unref(policy);
	policy_unref(end);
	return 0;
}
