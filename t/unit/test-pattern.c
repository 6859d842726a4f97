/* SPDX-License-Identifier: BSD-2-Clause */
#include <glib.h>

#include "core/mail/pattern.h"
#include "t/lib/tap.h"

static void
test_matches(void)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} rows[] = {
		{"ann@example.org", "ann@example.org", true},
		{"ann@Example.ORG", "ann@example.org", true},
		{"Ann@example.org", "ann@example.org", true},
		{"ann@example.org", "dan@example.org", false},
		{"ann@example.org", "ann@sub.example.org", false},
		{"@example.org", "ann@example.org", true},
		{"example.org", "ann@example.org", true},
		{"example.org", "Example.org", true},
		{"@example.org", "ann@sub.example.org", false},
		{"@example.org", "ann@badexample.org", false},
		{"*.example.org", "ann@sub.example.org", true},
		{"@*.example.org", "ann@a.b.example.org", true},
		{"*.example.org", "ann@example.org", false},
		{"*.example.org", "sub.example.org", true},
		{"a*@example.org", "ann@example.org", true},
		{"a*n@example.org", "aXnYn@example.org", true},
		{"a*@example.org", "bob@example.org", false},
		{"*@example.org", "\"a@b\"@example.org", true},
		{"192.0.2.0/24", "192.0.2.77", true},
		{"192.0.2.0/24", "192.0.3.77", false},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.10", false},
		{"192.0.2.0/24", "::ffff:192.0.2.9", true},
		{"0.0.0.0/0", "198.51.100.1", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"2001:db8::/32", "2001:DB8:1::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"192.0.2.0/24", "ann@example.org", false},
		{"@example.org", "", false},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (address_matches(rows[i].pattern, rows[i].text) !=
		    rows[i].matches)
			g_error("%s on %s", rows[i].pattern, rows[i].text);
}

static void
test_check(void)
{
	static const char *const good[] = {
		"ann@example.org", "@example.org", "*.example.org",
		"example.org", "@*.example.org",  "a*@b.example", "192.0.2.0/24",
		"192.0.2.1",	   "2001:db8::1",  "::/0",
	};
	static const char *const bad[] = {
		"",	"ann",		   "ann@",
		"@",	"192.0.2.0/33",	   "192.0.2",	   "a b@example.org",
		"a@b c", "a,b@example.org", "::1/129",	   "ann@.org",
		"192.0.2.0/",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_cmpstr(address_pattern_check(good[i]), ==, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		if (address_pattern_check(bad[i]) == NULL)
			g_error("\"%s\" is taken for a pattern", bad[i]);
}

/* Many stars do not take long: this must end. */
static void
test_stars(void)
{
	g_autofree char *text = g_strnfill(300, 'a');

	g_assert_false(address_matches("*a*a*a*a*a*a*a*a*b@x.example", text));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"patterns match what they say", test_matches},
		{"what is no pattern is told", test_check},
		{"many stars are cheap", test_stars},
		{NULL, NULL},
	};

	return tap_run("pattern", cases);
}
