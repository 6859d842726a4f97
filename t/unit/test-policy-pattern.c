/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of facts, and the patterns of sets. */
#include <string.h>

#include "core/moderate/policy.h"
#include "t/lib/tap.h"

static void
test_facts(void)
{
	static const char *const steps[] = {
		"connect", "helo", "mail", "rcpt", "headers", "end"
	};

	for (size_t i = 0; i < FACT_COUNT; i++) {
		const struct fact *fact = &fact_table[i];

		g_assert_cmpint(fact->id, ==, i);
		g_assert_true(fact_find(fact->name) == fact);
		g_assert_cmpstr(fact_suggest(fact->name), !=, NULL);
		g_assert_cmpuint(strlen(fact->help), >, 5);
		g_assert_true(i == 0 || fact->step >= fact[-1].step);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
		g_assert_cmpstr(step_name((enum step)i), ==, steps[i]);
	g_assert_null(fact_find("Author"));
	g_assert_cmpstr(fact_suggest("Author"), ==, "author");
	g_assert_cmpstr(fact_suggest("author_member"), ==, "author.member");
	g_assert_cmpstr(fact_suggest("mime-typ"), ==, "mime.type");
	g_assert_null(fact_suggest("xyzzy"));
}

static void
test_patterns(void)
{
	static const struct {
		const char *pattern;
		const char *text;
		bool matches;
	} cases[] = {
		{ "ann@b.example", "ann@b.example", true },
		{ "ann@b.example", "Ann@B.Example", true },
		{ "ann@b.example", "ann@b.example.org", false },
		{ "ann@b.example", "b.example", false },
		{ "@b.example", "ann@b.example", true },
		{ "@b.example", "b.example", true },
		{ "@b.example", "ann@a.b.example", false },
		{ "b.example", "ann@B.example", true },
		{ "b.example", "ann@ab.example", false },
		{ "*.b.example", "ann@a.b.example", true },
		{ "*.b.example", "ann@x.a.b.example", true },
		{ "*.b.example", "ann@b.example", false },
		{ "@*.b.example", "ann@a.b.example", true },
		{ "*.b.example", "a.b.example", true },
		{ "a*@b", "a@b", true }, { "a*@b", "axyz@b", true },
		{ "a*@b", "ba@b", false }, { "*@b", "\"x@y\"@b", true },
		{ "@b", "\"x@c\"@b", true }, { "*a*b*c", "xaybzc", true },
		{ "*a*b*c", "xaybz", false }, { "*", "", true },
		{ "", "", true }, { "", "a", false }, { "a", "", false },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.0/24", "192.0.2.7", true },
		{ "192.0.2.0/24", "192.0.3.7", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
		{ "0.0.0.0/0", "192.0.2.7", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "2001:db8::/32", "2001:db8:1::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1", "2001:DB8:0::1", true },
		{ "192.0.2.0/24", "192.0.2.0/24", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		if (address_matches(cases[i].pattern, cases[i].text) !=
		    cases[i].matches)
			g_test_message("%s %s", cases[i].pattern,
				       cases[i].text);
		g_assert_true(address_matches(cases[i].pattern,
					      cases[i].text) ==
			      cases[i].matches);
	}
}

static void
test_pattern_check(void)
{
	static const char *const good[] = {
		"ann@b.example", "@b.example", "b.example", "*.b.example",
		"@*.b.example", "a*@b.example", "*@b", "192.0.2.7",
		"192.0.2.0/24", "2001:db8::/32", "::1", "a/b@c.example",
		NULL
	};
	static const char *const bad[] = {
		"", "ann", "ann@", "@", "ann@.b", "a@b..c", ".b.example",
		"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/2x", "2001:db8::/129",
		"1.2.3/8", "a b@c", "a@b,c@d", "a@b\n", "a@\xff.example",
		"192.0.2.0/0000", NULL
	};

	for (size_t i = 0; good[i] != NULL; i++)
		g_assert_cmpstr(address_pattern_check(good[i]), ==, NULL);
	for (size_t i = 0; bad[i] != NULL; i++)
		g_assert_cmpstr(address_pattern_check(bad[i]), !=, NULL);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "the table of facts is in order", test_facts },
		{ "patterns match addresses, domains, networks",
		  test_patterns },
		{ "a pattern that is none is told", test_pattern_check },
		{ NULL, NULL },
	};

	return tap_run("policy-pattern", cases);
}
