/* SPDX-License-Identifier: BSD-2-Clause */

/* What conditions mean, and what verdicts come out. */
#include <string.h>

#include "core/moderate/policy.h"
#include "t/lib/stand_in.h"
#include "t/lib/tap.h"

static struct policy *
parse(const char *text)
{
	struct err err = ERR_INIT;
	struct policy *policy = NULL;

	g_assert_cmpint(policy_parse("p", text, &policy, &err), ==, ERR_OK);
	g_assert_cmpstr(err.what, ==, "");
	return policy;
}

/* --- what conditions mean ----------------------------------------------- */

static enum truth
truth_of(const char *condition, const char *facts)
{
	g_autofree char *text = g_strdup_printf("hold when %s accept",
						condition);
	struct policy *policy = parse(text);
	struct stand_in *in = stand_in_new();
	struct policy_applied applied;
	GArray *all;

	stand_in_sets(in, facts);
	stand_in_put(in, SET_MEMBERS, "", "ann@a.example");
	stand_in_put(in, SET_FILE, "vip", "bob@b.example");
	all = policy_explain(policy, &in->source);
	applied = g_array_index(all, struct policy_applied, 0);
	g_assert_cmpuint(applied.rule, ==, 1);
	g_array_unref(all);
	stand_in_free(in);
	policy_unref(policy);
	return applied.truth;
}

#define Y TRUTH_YES
#define N TRUTH_NO
#define U TRUTH_UNKNOWN

struct condition {
	const char *condition;
	const char *facts;
	enum truth truth;
};

static void
check_conditions(const struct condition *conditions)
{
	for (; conditions->condition != NULL; conditions++) {
		enum truth truth = truth_of(conditions->condition,
					    conditions->facts);

		if (truth != conditions->truth)
			g_test_message("%s with %s", conditions->condition,
				       conditions->facts);
		g_assert_cmpint(truth, ==, conditions->truth);
	}
}

static void
test_kleene(void)
{
	static const struct condition conditions[] = {
		{ "tls", "", U }, { "not tls", "", U },
		{ "tls", "tls=yes", Y }, { "not tls", "tls=yes", N },
		{ "not not tls", "tls=no", N },
		{ "tls and duplicate", "tls=no", N },
		{ "duplicate and tls", "tls=no", N },
		{ "tls and duplicate", "tls=yes", U },
		{ "tls or duplicate", "tls=yes", Y },
		{ "duplicate or tls", "tls=yes", Y },
		{ "tls or duplicate", "tls=no", U },
		{ "not (tls and duplicate)", "tls=no", Y },
		{ "tls and duplicate or size > 5", "tls=no;size=6", Y },
		{ "tls and (duplicate or size > 5)", "tls=no", N },
		{ "subject != \"a\"", "", U }, { "subject !~ /a/", "", U },
		{ "author not in members", "", U },
		{ "author in owners", "author=a@b", U },
		{ "author not in owners", "author=a@b", U },
		{ NULL, NULL, U }
	};

	check_conditions(conditions);
}

static void
test_texts(void)
{
	static const struct condition conditions[] = {
		{ "subject", "subject=", N }, { "subject", "subject=a", Y },
		{ "mime.type", "mime.type=|", N },
		{ "mime.type", "mime.type=|a", Y },
		{ "subject == \"Hello\"", "subject=hELLO", Y },
		{ "subject == \"Hello\"", "subject=hELLO!", N },
		{ "subject == \"a\"", "subject=", N },
		{ "subject != \"a\"", "subject=", Y },
		{ "subject =~ /./", "subject=", N },
		{ "subject !~ /./", "subject=", Y },
		{ "subject =~ /^h.l/", "subject=hello", Y },
		{ "subject =~ /H/", "subject=hello", N },
		{ "subject =~ /H/i", "subject=hello", Y },
		{ "subject =~ /^.$/", "subject=\303\244", Y },
		{ "subject =~ /\303\204/i", "subject=\303\244", Y },
		{ "subject =~ /b/", "subject=a\xff""b", Y },
		{ "mime.type == \"b\"", "mime.type=a|b", Y },
		{ "mime.type != \"b\"", "mime.type=a|b", N },
		{ "mime.type != \"c\"", "mime.type=a|b", Y },
		{ "mime.type !~ /b/", "mime.type=a|b", N },
		{ "mime.type =~ /^application\\//",
		  "mime.type=text/plain|application/zip", Y },
		{ "author in members", "author=ann@a.example", Y },
		{ "author not in members", "author=ann@a.example", N },
		{ "author in members", "author=x@y|ann@a.example", Y },
		{ "author in members", "author=bob@b.example", N },
		{ "author in members", "author=", N },
		{ "author not in members", "author=", Y },
		{ "author in members(\"ann@l.example\")",
		  "author=ann@a.example", N },
		{ "author in file(\"vip\")", "author=bob@b.example", Y },
		{ "author in (\"@a.example\", \"x@y\")",
		  "author=ann@a.example", Y },
		{ "author not in (\"@a.example\")", "author=ann@b.example",
		  Y },
		{ "weekday in (\"sat\", \"sun\")", "weekday=sun", Y },
		{ "client.addr in (\"192.0.2.0/24\")",
		  "client.addr=192.0.2.9", Y },
		{ "mime.type in (\"image/*\")", "mime.type=image/png", Y },
		{ "login in members", "login=ann@a.example", Y },
		{ NULL, NULL, U }
	};

	check_conditions(conditions);
}

static void
test_numbers(void)
{
	static const struct condition conditions[] = {
		{ "size", "size=0", N }, { "size", "size=1", Y },
		{ "size > 400k", "size=409600", N },
		{ "size > 400k", "size=409601", Y },
		{ "size >= 1M", "size=1048576", Y },
		{ "size < 1G", "size=1073741824", N },
		{ "size <= 5", "size=5", Y }, { "size == 5", "size=5", Y },
		{ "size != 5", "size=5", N }, { "size != 5", "size=6", Y },
		{ "author.since", "author.since=0", N },
		{ "author.since < 3d", "author.since=259199", Y },
		{ "author.since < 3d", "author.since=259200", N },
		{ "author.since >= 2w", "author.since=1209600", Y },
		{ "author.rate(1h) >= 10", "author.rate=10", Y },
		{ "time >= 22:00 or time < 06:00", "time=1320", Y },
		{ "time >= 22:00 or time < 06:00", "time=359", Y },
		{ "time >= 22:00 or time < 06:00", "time=360", N },
		{ "time >= 22:00 and time < 06:00", "time=1320", N },
		{ "time < 24:00", "time=1439", Y },
		{ "tls == yes", "tls=yes", Y }, { "tls == no", "tls=yes", N },
		{ "tls != no", "tls=yes", Y },
		{ NULL, NULL, U }
	};

	check_conditions(conditions);
}

/* --- limits of matching ------------------------------------------------- */

static enum truth
match(const char *regex, const char *body)
{
	g_autofree char *text = g_strdup_printf("hold when body =~ /%s/ "
						"accept", regex);
	struct policy *policy = parse(text);
	struct stand_in *in = stand_in_new();
	enum truth truth;
	GArray *all;

	stand_in_set(in, "body", body);
	all = policy_explain(policy, &in->source);
	truth = g_array_index(all, struct policy_applied, 0).truth;
	g_array_unref(all);
	stand_in_free(in);
	policy_unref(policy);
	return truth;
}

static void
test_regex_honest(void)
{
	g_autoptr(GString) body = g_string_new(NULL);

	while (body->len < 256 * 1024)
		g_string_append(body, "Etwas \303\244hnliches wie Prosa, "
				"Zeile f\303\274r Zeile.\n");
	g_assert_cmpint(match("unsubscribe", body->str), ==, TRUTH_NO);
	g_assert_cmpint(match("(?s)Etwas.*Schluss$", body->str), ==,
			TRUTH_NO);
	g_string_append(body, "\nSchluss");
	g_assert_cmpint(match("(?s)Etwas.*Schluss$", body->str), ==,
			TRUTH_YES);
	g_assert_cmpint(match("^Schluss", body->str), ==, TRUTH_NO);
	g_assert_cmpint(match("(?m)^Schluss", body->str), ==, TRUTH_YES);
	g_assert_cmpint(match("(?<=\\nS)ch.uss\\z", body->str), ==,
			TRUTH_YES);
	g_assert_cmpint(match("\\AEtwas", body->str), ==, TRUTH_YES);
	g_assert_cmpint(match("\\Ahnliches", body->str), ==, TRUTH_NO);
}

static void
test_regex_hostile(void)
{
	static const char *const regexes[] = {
		"(a+)+$", "(a|a)*\\d", "(.*)(.*)(.*)(.*)\\d",
		"(a?){60}a{60}\\d", "a.{0,5000}\\d", "a.{0,300}\\d",
		"(?:a*)*\\d", "a*a*a*a*a*\\d", "(a|aa)+\\d$", "a+\\d",
		"(?=(a+))a*b?\\1\\d", "(?R)?a\\d",
	};
	g_autofree char *body = g_strnfill(256 * 1024, 'a');

	body[200 * 1024] = '!';
	for (size_t i = 0; i < G_N_ELEMENTS(regexes); i++) {
		gint64 from = g_get_monotonic_time(), took;
		enum truth truth = match(regexes[i], body);

		took = (g_get_monotonic_time() - from) / 1000;
		g_test_message("/%s/: %d in %d ms", regexes[i], (int)truth,
			       (int)took);
		g_assert_cmpint(truth, !=, TRUTH_YES);
	}
	g_assert_cmpint(match("(a+)+$", body), ==, TRUTH_UNKNOWN);
}

static struct verdict
decide(const char *text, const char *facts, bool last)
{
	struct policy *policy = parse(text);
	struct stand_in *in = stand_in_new();
	struct verdict verdict = { 0 };

	stand_in_sets(in, facts);
	policy_decide(policy, &in->source, last, &verdict);
	stand_in_free(in);
	policy_unref(policy);
	return verdict;
}

static void
test_runaway(void)
{
	g_autofree char *as = g_strnfill(3000, 'a');
	g_autofree char *facts = g_strdup_printf("subject=%s!", as);
	struct verdict verdict = decide("reject when subject =~ /(a+)+$/ "
					"accept", facts, false);

	g_assert_cmpint(verdict.kind, ==, VERDICT_NONE);
	verdict_done(&verdict);
	verdict = decide("reject when subject =~ /(a+)+$/ accept", facts,
			 true);
	g_assert_cmpint(verdict.kind, ==, VERDICT_DEFER);
	g_assert_cmpint(verdict.code, ==, 451);
	g_assert_cmpstr(verdict.enhanced, ==, "4.7.1");
	g_assert_cmpstr(verdict.text, ==, "This post could not be judged "
			"now; please try again later");
	g_assert_cmpstr(verdict.why, ==, "rule 1: not decidable: subject =~ "
			"/(a+)+$/");
	verdict_done(&verdict);
	verdict_done(&verdict);
}

/* --- verdicts ----------------------------------------------------------- */

static void
test_verdicts(void)
{
	static const struct {
		const char *policy;
		const char *facts;
		bool last;
		enum verdict_kind kind;
		unsigned int rule;
		int code;
		const char *enhanced;
		const char *text;
		const char *why;
	} cases[] = {
		{ "accept", "", false, VERDICT_ACCEPT, 1, 0, "", "",
		  "rule 1: always" },
		{ "hold \"x\" when tls accept", "", false, VERDICT_NONE, 1, 0,
		  "", "", "rule 1: not decidable: tls" },
		{ "hold \"x\" when tls accept", "", true, VERDICT_DEFER, 1,
		  451, "4.7.1", "This post could not be judged now; please "
		  "try again later", "rule 1: not decidable: tls" },
		{ "hold \"x\" when tls accept", "tls=yes", false,
		  VERDICT_HOLD, 1, 0, "", "x", "rule 1: tls" },
		{ "hold \"x\" when tls accept", "tls=no", false,
		  VERDICT_ACCEPT, 2, 0, "", "", "rule 2: always" },
		{ "reject", "list=dev@l.example", false, VERDICT_REJECT, 1,
		  550, "5.7.1", "This post is not accepted by dev@l.example",
		  "rule 1: always" },
		{ "reject when size > 400k accept",
		  "size=500000; list=dev@l.example", false, VERDICT_REJECT, 1,
		  550, "5.7.1", "This post is not accepted by dev@l.example: "
		  "size > 400k", "rule 1: size > 400k" },
		{ "reject when author in banned or size > 1 accept", "size=2",
		  false, VERDICT_REJECT, 1, 550, "5.7.1", "This post is not "
		  "accepted", "rule 1: author in banned or size > 1" },
		{ "defer", "", false, VERDICT_DEFER, 1, 451, "4.7.1", "This "
		  "post cannot be accepted now; please try again later",
		  "rule 1: always" },
		{ "reject 554 5.7.27 \"a\\nb\tc\"", "", false,
		  VERDICT_REJECT, 1, 554, "5.7.27", "a\nb c",
		  "rule 1: always" },
		{ "defer 450", "", false, VERDICT_DEFER, 1, 450, "4.7.1",
		  "This post cannot be accepted now; please try again later",
		  "rule 1: always" },
		{ "discard", "", false, VERDICT_DISCARD, 1, 0, "", "",
		  "rule 1: always" },
		{ "hold \"%{author}, %{size} %{time} %{author.since} %{tls} "
		  "%{subject} 100% \\%{tls}\"", "author=a@b|c@d; size=3000; "
		  "time=65; author.since=7200; tls=yes", false, VERDICT_HOLD,
		  1, 0, "", "a@b, c@d, 3000 01:05 2h yes  100% %{tls}",
		  "rule 1: always" },
		{ "hold \"%{subject}\"", "subject=a\r\n550 b\tc", false,
		  VERDICT_HOLD, 1, 0, "", "a  550 b c", "rule 1: always" },
		{ "reject \"%{refuse-text}\"", "list=dev@l.example", false,
		  VERDICT_REJECT, 1, 550, "5.7.1", "Only subscribers may post "
		  "to dev@l.example: write from the address that is "
		  "subscribed, or to subscribe send a mail to "
		  "dev-join@l.example", "rule 1: always" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct verdict verdict = decide(cases[i].policy,
						cases[i].facts,
						cases[i].last);

		g_assert_cmpint(verdict.kind, ==, cases[i].kind);
		g_assert_cmpuint(verdict.rule, ==, cases[i].rule);
		g_assert_cmpint(verdict.code, ==, cases[i].code);
		g_assert_cmpstr(verdict.enhanced, ==, cases[i].enhanced);
		g_assert_cmpstr(verdict.text, ==, cases[i].text);
		g_assert_cmpstr(verdict.why, ==, cases[i].why);
		verdict_done(&verdict);
	}
}

static void
test_long_text(void)
{
	g_autofree char *long_fact = g_strnfill(5000, 'x');
	g_autofree char *facts = g_strdup_printf("subject=%s; author.name="
						 "%s|%s", long_fact,
						 long_fact, long_fact);
	struct verdict verdict = decide("hold \"%{subject} %{author.name}\"",
					facts, true);

	g_assert_cmpuint(strlen(verdict.text), <, 600);
	g_assert_true(g_str_has_suffix(verdict.text, "xxx..., ..."));
	verdict_done(&verdict);
}

static void
test_guards(void)
{
	static const char policy[] =
		"guard reject when author.banned\n"
		"guard hold when duplicate\n"
		"reject when not sender.member\n"
		"hold when size > 10\n"
		"accept\n";
	static const struct {
		const char *facts;
		enum verdict_kind kind;
		unsigned int rule;
	} cases[] = {
		{ "", VERDICT_NONE, 3 },
		{ "sender.member=no", VERDICT_REJECT, 3 },
		{ "sender.member=no; author.banned=yes", VERDICT_REJECT, 3 },
		{ "sender.member=yes; author.banned=yes", VERDICT_NONE, 4 },
		{ "sender.member=yes; size=1", VERDICT_NONE, 1 },
		{ "sender.member=yes; size=1; author.banned=yes",
		  VERDICT_REJECT, 1 },
		{ "sender.member=yes; size=99; author.banned=yes",
		  VERDICT_REJECT, 1 },
		{ "sender.member=yes; size=1; author.banned=no",
		  VERDICT_NONE, 2 },
		{ "sender.member=yes; size=1; author.banned=no; "
		  "duplicate=yes", VERDICT_HOLD, 2 },
		{ "sender.member=yes; size=99; author.banned=no; "
		  "duplicate=no", VERDICT_HOLD, 4 },
		{ "sender.member=yes; size=1; author.banned=no; "
		  "duplicate=no", VERDICT_ACCEPT, 5 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct verdict verdict = decide(policy, cases[i].facts,
						false);

		g_assert_cmpint(verdict.kind, ==, cases[i].kind);
		g_assert_cmpuint(verdict.rule, ==, cases[i].rule);
		verdict_done(&verdict);
	}
}

static void
test_lazy(void)
{
	struct policy *policy = parse("reject when not sender.member "
				      "hold when body =~ /x/ accept");
	struct stand_in *in = stand_in_new();
	struct verdict verdict = { 0 };

	stand_in_know(in, STEP_END);
	policy_decide(policy, &in->source, true, &verdict);
	g_assert_cmpint(verdict.kind, ==, VERDICT_REJECT);
	g_assert_cmpuint(in->asked[FACT_SENDER_MEMBER], ==, 1);
	g_assert_cmpuint(in->asked[FACT_BODY], ==, 0);
	verdict_done(&verdict);
	stand_in_free(in);
	policy_unref(policy);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "what is unknown decides nothing", test_kleene },
		{ "texts compare as policy.h says, none too", test_texts },
		{ "numbers, durations and times compare", test_numbers },
		{ "an honest expression matches all of a long body",
		  test_regex_honest },
		{ "a hostile one ends within its limits", test_regex_hostile },
		{ "one that runs away defers at the end", test_runaway },
		{ "a verdict has code, text and why", test_verdicts },
		{ "a text stays short, whatever is put in", test_long_text },
		{ "guards apply to what would be let in, and to that only",
		  test_guards },
		{ "only what decides is asked for", test_lazy },
		{ NULL, NULL },
	};

	return tap_run("policy-decide", cases);
}
