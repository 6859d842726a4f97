/* SPDX-License-Identifier: BSD-2-Clause */

/* The language: what parses, how it prints, what is wrong with the rest. */
#include <string.h>

#include "core/moderate/policy.h"
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

/* --- what is wrong, and where ------------------------------------------- */

static void
test_errors(void)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "", "p:1:1: a policy has at least one rule" },
		{ "# nothing\n", "p:2:1: a policy has at least one rule" },
		{ "acept", "p:1:1: *not with \"acept\"; did you mean "
		  "\"accept\"?" },
		{ "deny", "did you mean \"reject\"?" },
		{ "frobnicate", "p:1:1: a rule begins with accept, hold, "
		  "reject, discard or defer, not with \"frobnicate\"" },
		{ "accept when size > 1", "p:1:21: the last rule has a "
		  "condition" },
		{ "accept\nhold", "p:2:1: this rule is never applied: the "
		  "rule in line 1 has no \"when\"" },
		{ "guard hold guard hold accept", "p:1:12: this guard is "
		  "never applied" },
		{ "guard hold", "p:1:11: a policy has at least one rule" },
		{ "hold when not author.membr\naccept", "p:1:15: there is no "
		  "fact \"author.membr\"; did you mean \"author.member\"?" },
		{ "hold when weekday == \"monday\" accept", "p:1:22: "
		  "weekday is never \"monday\", but one of mon, tue, wed, "
		  "thu, fri, sat, sun" },
		{ "hold when dmarc == \"failed\" accept",
		  "dmarc is never \"failed\"; did you mean \"fail\"?" },
		{ "hold when automatic != \"oof\" accept", "one of autoreply, "
		  "dsn, challenge, generated" },
		{ "hold when tls and and tls accept", "p:1:19: a condition is "
		  "wanted here, such as author.member; found \"and\"" },
		{ "hold when tls and accept", "found \"accept\"" },
		{ "hold when from == \"a\" accept", "did you mean "
		  "\"author\"?" },
		{ "hold when xyzzy accept", "p:1:11: there is no fact "
		  "\"xyzzy\"; muster-policy(5) lists them" },
		{ "hold when size > \"400k\" accept", "p:1:18: size is a "
		  "number of octets; compare it with 10 or 400k, not with a "
		  "text" },
		{ "hold when size > 5m accept", "p:1:18: *not with \"5m\"" },
		{ "hold when author.since < 3 accept", "author.since is a "
		  "duration; compare it with 3d or 12h, not with \"3\"" },
		{ "hold when time > 3 accept", "time is a time of day; "
		  "compare it with 22:00" },
		{ "hold when time accept", "p:1:16: time is a time of day" },
		{ "hold when time > 25:00 accept", "p:1:18: \"25:00\" is no "
		  "number" },
		{ "hold when tls == \"yes\" accept", "tls is yes or no" },
		{ "hold when tls > yes accept", "compared with \"==\" or "
		  "\"!=\", not with \">\"" },
		{ "hold when subject < \"a\" accept", "subject is a text; it "
		  "is compared with" },
		{ "hold when size =~ /a/ accept", "size is a number; \"=~\" "
		  "is for texts" },
		{ "hold when size in members accept", "\"in\" is for texts "
		  "and addresses" },
		{ "hold when subject in members accept", "subject is a text, "
		  "but \"members\" holds addresses" },
		{ "hold when author in member accept", "there is no set "
		  "\"member\"; did you mean \"members\"?" },
		{ "hold when author in (\"nobody\") accept", "p:1:22: this "
		  "is no address" },
		{ "hold when client.addr in (\"192.0.2.0/33\") accept",
		  "p:1:27: the client's address is compared" },
		{ "hold when author in file(\"../x\") accept", "p:1:26: the "
		  "name of a file" },
		{ "hold when author in file accept", "expected the name of "
		  "the file" },
		{ "hold when author in members(\"x\") accept", "p:1:29: this "
		  "cannot be the address of a list" },
		{ "hold when author in owners(\"a@b.c\") accept", "owners "
		  "takes no argument" },
		{ "hold when author not members accept", "expected \"in\" "
		  "behind \"author not\", found \"members\"" },
		{ "hold when header == \"a\" accept", "header takes an "
		  "argument: header(\"X-Spam-Flag\")" },
		{ "hold when header(\"a b\") accept", "p:1:18: this is not "
		  "the name of a header field" },
		{ "hold when list.rate > 1 accept", "list.rate(1h)" },
		{ "hold when list.rate(3) > 1 accept", "p:1:21: expected a "
		  "duration, such as 1h, found \"3\"" },
		{ "hold when list.rate(0s) > 1 accept", "counted over some "
		  "time" },
		{ "hold when tls(1h) accept", "tls takes no argument" },
		{ "hold when (tls accept", "p:1:16: expected \"and\", \"or\" "
		  "or the \")\" for the \"(\" in line 1, found \"accept\"" },
		{ "hold when subject =~ /(/ accept", "p:1:24: the regular "
		  "expression is wrong here: " },
		{ "hold when subject =~ \"a\" accept", "expected a regular "
		  "expression between slashes" },
		{ "hold when subject =~ /a accept", "p:1:22: the regular "
		  "expression that begins here has no closing /" },
		{ "hold when subject = \"a\" accept", "p:1:19: \"=\" is no "
		  "comparison" },
		{ "hold when !tls accept", "write \"not\"" },
		{ "hold 'x' accept", "double quotes" },
		{ "hold \"x\naccept", "p:1:6: the text that begins here has "
		  "no closing \"" },
		{ "hold \"x\r\naccept", "p:1:6: the text that begins here has "
		  "no closing \"" },
		{ "hold \"x\ry\"", "no closing \"" },
		{ "hold \"x\\", "no closing \"" },
		{ "hold \"x\\\ny\"", "no closing \"" },
		{ "hold \"\\x\" accept", "p:1:7: in a text" },
		{ "hold \"%{autor}\" accept", "p:1:9: there is no fact "
		  "\"autor\"; did you mean \"author\"?" },
		{ "hold \"a%{author\" accept", "p:1:8: this \"%{\" has no "
		  "\"}\"" },
		{ "hold \"%{author x}\" accept", "p:1:16: expected \"}\"" },
		{ "hold\n  \"a\" \"%{header()}\" accept", "p:2:17: expected "
		  "the name of a field" },
		{ "reject 450 accept", "p:1:8: reject takes a code from 500 "
		  "to 599; with this one write defer" },
		{ "defer 550 accept", "with this one write reject" },
		{ "defer 421 accept", "421 would close the connection" },
		{ "hold 250 accept", "hold takes no code" },
		{ "reject 550 4.7.1 accept", "p:1:12: 4.7.1 does not go with "
		  "550" },
		{ "reject 5.7.1", "p:1:8: before \"5.7.1\" stands the code of "
		  "three digits" },
		{ "hold not author.member accept", "p:1:6: a condition "
		  "begins with \"when\"" },
		{ "hold when tls is yes accept", "compare with" },
		{ "hold \303\244 accept", "p:1:6: \"\303\244\" has no "
		  "meaning" },
		{ "hold \"\303\244\" whenn accept", "p:1:10: "
		  "expected \"when\" or the next rule, found \"whenn\"; did "
		  "you mean \"when\"?" },
		{ "hold \xff", "p:1:6: this is not UTF-8" },
		{ "hold \x01", "p:1:6: a control character" },
		{ "hold when size > 1234567890 accept", "more than 9 digits" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *glob = g_strdup_printf("*%s*",
							cases[i].error);
		struct err err = ERR_INIT;
		struct policy *policy = NULL;

		g_assert_cmpint(policy_parse("p", cases[i].text, &policy,
					     &err), ==, ERR_INVALID);
		g_assert_null(policy);
		g_assert_true(g_str_has_prefix(err.what, "p:"));
		if (g_pattern_match_simple(glob, err.what))
			continue;
		g_test_message("%s", cases[i].text);
		g_assert_cmpstr(err.what, ==, cases[i].error);
	}
}

static char *
nested(const char *open, const char *close, int depth)
{
	GString *text = g_string_new("hold when ");

	for (int i = 0; i < depth; i++)
		g_string_append(text, open);
	g_string_append(text, "tls");
	for (int i = 0; i < depth; i++)
		g_string_append(text, close);
	g_string_append(text, " accept");
	return g_string_free(text, FALSE);
}

static void
fails_with(const char *text, const char *part)
{
	struct err err = ERR_INIT;
	struct policy *policy = NULL;

	g_assert_cmpint(policy_parse("p", text, &policy, &err), ==,
			ERR_INVALID);
	g_assert_null(policy);
	if (strstr(err.what, part) == NULL)
		g_assert_cmpstr(err.what, ==, part);
}

static char *
repeated(const char *text, int count)
{
	GString *out = g_string_new(NULL);

	while (count-- > 0)
		g_string_append(out, text);
	return g_string_free(out, FALSE);
}

static void
test_limits(void)
{
	g_autofree char *fits = nested("(", ")", 50);
	g_autofree char *deep = nested("(", ")", 51);
	g_autofree char *deeper = nested("not (", ")", 20000 / 8);
	g_autofree char *nots = nested("not ", "", 51);
	g_autofree char *rules = repeated("hold when tls ", 600);
	g_autofree char *large = repeated("hold when tls  \t", 3100);
	g_autofree char *long_regex = repeated("ab", 501);
	g_autofree char *with_regex = g_strdup_printf(
		"hold when subject =~ /%s/ accept", long_regex);
	g_autofree char *with_text = g_strdup_printf(
		"hold \"%s\"", long_regex);
	struct err err = ERR_INIT;

	policy_unref(parse(fits));
	fails_with(deep, "p:1:62: parentheses and nots go 50 deep");
	fails_with(deeper, "50 deep at most");
	fails_with(nots, "50 deep at most");
	fails_with(rules, "a policy has at most 500 rules");
	fails_with(large, "p: the text has more than 48000 bytes");
	fails_with(with_regex, "at most 1000 bytes");
	g_assert_cmpint(policy_check("p", with_text, &err), ==, ERR_INVALID);
	g_assert_nonnull(strstr(err.what, "p:1:6: a text has at most 998"));
}

static void
test_own(void)
{
	g_autofree char *rules = repeated("hold when tls ", 501);
	g_autofree char *all = g_strconcat(rules, "accept", NULL);
	g_autofree char *large = repeated("hold when tls \t\t\t\t\t\t", 900);
	g_autofree char *use = repeated("hold \"%{refuse-text}\" when tls ",
					11);
	g_autofree char *uses = g_strconcat(use, "accept", NULL);
	struct err err = ERR_INIT;

	g_assert_cmpint(policy_check("p", "members", &err), ==, ERR_OK);
	g_assert_cmpint(policy_check("p", "hold", &err), ==, ERR_OK);
	g_assert_cmpint(policy_check("p", "member", &err), ==, ERR_INVALID);
	g_assert_cmpint(policy_check("p", all, &err), ==, ERR_INVALID);
	g_assert_cmpint(policy_check("p", large, &err), ==, ERR_INVALID);
	g_assert_nonnull(strstr(err.what, "16000 bytes"));
	g_assert_cmpint(policy_check("p", uses, &err), ==, ERR_INVALID);
	g_assert_nonnull(strstr(err.what, "in more than 10 places"));
}

/* --- how it prints ------------------------------------------------------ */

static void
test_print(void)
{
	static const struct {
		const char *text;
		const char *print;
	} cases[] = {
		{ "accept", "accept\n" },
		{ "# a\nreject\t550 5.7.1 \"a\" \"b\\n\" # b\n when not tls\n"
		  "accept # c", "reject 550 5.7.1 \"ab\\n\" when not tls\n"
		  "accept\n" },
		{ "hold when ((tls)) and (helo or login) accept",
		  "hold when tls and (helo or login)\naccept\n" },
		{ "hold when (tls and helo) and (login) accept",
		  "hold when tls and helo and login\naccept\n" },
		{ "hold when (tls and helo) or (login) accept",
		  "hold when tls and helo or login\naccept\n" },
		{ "hold when not (size > 2048) accept",
		  "hold when not (size > 2k)\naccept\n" },
		{ "hold when not size > 1025 accept",
		  "hold when not (size > 1025)\naccept\n" },
		{ "hold when size == 0 and list.rate(90m) > 1 accept",
		  "hold when size == 0 and list.rate(90m) > 1\naccept\n" },
		{ "hold when author.since < 120m and time >= 7:05 accept",
		  "hold when author.since < 2h and time >= 07:05\naccept\n" },
		{ "hold when tls == yes and tls != no accept",
		  "hold when tls == yes and tls != no\naccept\n" },
		{ "hold when header(X-A) =~ /a\\/b/i accept",
		  "hold when header(\"X-A\") =~ /a\\/b/i\naccept\n" },
		{ "hold when subject !~ /a/ accept",
		  "hold when subject !~ /a/\naccept\n" },
		{ "hold when author not in ( \"a@b\",\"*.c\" ) accept",
		  "hold when author not in (\"a@b\", \"*.c\")\naccept\n" },
		{ "hold when author in members(\"Dev@L.example\") accept",
		  "hold when author in members(\"dev@l.example\")\naccept\n" },
		{ "hold when author in file(\"a.txt\") accept",
		  "hold when author in file(\"a.txt\")\naccept\n" },
		{ "hold \"%{author} 1% \\%{x} %{header(X-A)} "
		  "%{list.rate(60m)} %{refuse-text}\"",
		  "hold \"%{author} 1% \\%{x} %{header(X-A)} "
		  "%{list.rate(1h)} %{refuse-text}\"\n" },
		{ "hold when subject == \"%{a} \\\\\" accept",
		  "hold when subject == \"%{a} \\\\\"\naccept\n" },
		{ "accept guard hold when tls",
		  "accept\nguard hold when tls\n" },
		{ "hold \"\"", "hold \"\"\n" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct policy *policy = parse(cases[i].text), *again;
		g_autofree char *print = policy_print(policy);
		g_autofree char *second = NULL;

		g_assert_cmpstr(print, ==, cases[i].print);
		again = parse(print);
		second = policy_print(again);
		g_assert_cmpstr(second, ==, print);
		policy_unref(policy);
		policy_unref(again);
	}
}

static void
test_rules(void)
{
	struct policy *policy = parse("hold\n when tls\n\n"
				      "guard hold \"%{subject}\" when dkim "
				      "reject when author in members accept");

	g_assert_cmpuint(policy_rule_count(policy), ==, 4);
	g_assert_cmpstr(policy_rule_text(policy, 1), ==, "hold when tls");
	g_assert_cmpuint(policy_rule_line(policy, 1), ==, 1);
	g_assert_cmpuint(policy_rule_line(policy, 2), ==, 4);
	g_assert_true(policy_rule_is_guard(policy, 2));
	g_assert_false(policy_rule_is_guard(policy, 3));
	g_assert_cmpint(policy_rule_step(policy, 1), ==, STEP_MAIL);
	g_assert_cmpint(policy_rule_step(policy, 2), ==, STEP_END);
	g_assert_cmpint(policy_rule_step(policy, 3), ==, STEP_HEADERS);
	g_assert_true(policy_needs(policy, FACT_TLS));
	g_assert_true(policy_needs(policy, FACT_SUBJECT));
	g_assert_true(policy_needs(policy, FACT_DKIM));
	g_assert_true(policy_needs(policy, FACT_AUTHOR));
	g_assert_false(policy_needs(policy, FACT_BODY));
	g_assert_true(policy_ref(policy) == policy);
	policy_unref(policy);
	policy_unref(policy);
	policy_unref(NULL);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a mistake is told with its place and a suggestion",
		  test_errors },
		{ "text, rules, depth and expressions have limits",
		  test_limits },
		{ "a list's own policy leaves room for its keys", test_own },
		{ "a policy prints as it parses", test_print },
		{ "a policy tells of its rules and needs", test_rules },
		{ NULL, NULL },
	};

	return tap_run("policy", cases);
}
