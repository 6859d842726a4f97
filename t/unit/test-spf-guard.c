/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What libspf2 gets to see. t/auth/spf-suite.t has the rest of SPF: this is
 * about the records that would hurt it.
 */
#include <string.h>

#include "core/auth/spf.h"
#include "core/auth/spf_guard.h"
#include "core/base/wire.h"
#include "t/lib/tap.h"

static char *
guard(const char *record)
{
	return spf_guard(record, strlen(record), false);
}

static void
test_exp(void)
{
	static const char *const records[] = {
		"v=spf1 -all exp=e.example.org",
		"v=spf1 exp=e.example.org -all",
		"v=spf1 EXP=%{i}.e.example.org -all",
		"v=spf1 -all eXp=%{p4r+-}._e.%{d}",
		"v=spf1   -all   exp=e.example.org  ",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
		g_autofree char *is = guard(records[i]);

		g_test_message("%s", records[i]);
		g_assert_cmpstr(is, ==, "v=spf1 -all");
	}
}

/* They break the grammar: the record is not seen at all. */
static void
test_bad(void)
{
	static const char *const records[] = {
		"v=spf1 exp=a.example exp=b.example -all", "v=spf1 +exp=a.b",
		"v=spf1 exp= -all", "v=spf1 exp -all", "v=spf1 exp:a.b -all",
		"v=spf1 exp=%{ -all", "v=spf1 exp=%(foo) -all",
		"v=spf1 redirect=a.example redirect=b.example",
		"v=spf1 a:%{l0}.example", "v=spf1 a/33", "v=spf1 a/32/128",
		"v=spf1 a//129", "v=spf1 a/032", "v=spf1 ip4:1.2.3",
		"v=spf1 ip4:1.2.3.4/33", "v=spf1 ip6:::1::", "v=spf1 all:x",
		"v=spf1 ip4", "v=spf1 include", "v=spf1 include:", "v=spf10",
		"v=spf1 foo", "v=spf1 -", "v=spf1 a:b.123", "v=spf1 a:b.-x",
		"v=spf1 \001", "v=spf1 a:\303\274.example", "v=spf1\t-all",
		"v=spf1 %{i}", "v=spf1 =x", "v=spf1 1x=y",
		"v=spf1 -all foo", "v=spf1 -all ip4:",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
		g_autofree char *is = guard(records[i]);

		g_test_message("%s", records[i]);
		g_assert_null(is);
	}
}

static void
test_rewritten(void)
{
	static const struct {
		const char *record, *is;
	} records[] = {
		{ "v=spf1", "v=spf1" },
		{ "v=spf1 ", "v=spf1" },
		{ "v=spf1 -ALL", "v=spf1 -all" },
		{ "v=spf1 foo=bar x-y=%{i} ?all", "v=spf1 ?all" },
		{ "v=spf1 redirect=b.example ip4:192.0.2.0/24",
		  "v=spf1 ip4:192.0.2.0/24 redirect=b.example" },
		{ "v=spf1 redirect=b.example -all", "v=spf1 -all" },
		{ "v=spf1 -all a mx ptr", "v=spf1 -all" },
		{ "v=spf1 ip6:2001:db8::/32 -all", "v=spf1 -all" },
		{ "v=spf1 ~ip4:192.0.2.0/0",
		  "v=spf1 ~ip4:0.0.0.0/1 ~ip4:128.0.0.0/1" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
		g_autofree char *is = guard(records[i].record);

		g_test_message("%s", records[i].record);
		g_assert_cmpstr(is, ==, records[i].is);
	}
}

/* RFC 7208 section 3.4 knows no limit; ours is far above what DNS has use
 * for, and libspf2 copies onto its stack. */
static void
test_size(void)
{
	g_autoptr(GString) record = g_string_new("v=spf1");

	while (record->len < SPF_RECORD_MAX - 20)
		g_string_append(record, " ip4:192.0.2.1");
	g_free(guard(record->str));
	while (record->len <= SPF_RECORD_MAX)
		g_string_append(record, " ip4:192.0.2.1");
	g_assert_null(guard(record->str));
	g_string_assign(record, "v=spf1 include:");
	for (int i = 0; i < 1000; i++)
		g_string_append(record, "%{h}");
	g_free(guard(record->str));
}

static struct spf_evidence
check(const char *const *zone, const char *sender)
{
	struct lookups *lookups = lookups_new(NULL, wire_now_ms() + 60000,
					      NULL, NULL);
	const struct spf_question question = {
		.client = "192.0.2.7", .helo = "mx.a.example",
		.sender = sender, .receiver = "mx.example.org",
	};
	struct spf_evidence found;

	for (; *zone != NULL; zone += 2) {
		const struct dns_record txt = { 0, zone[1], strlen(zone[1]) };

		lookups_put(lookups, zone[0], DNS_TXT, DNS_FOUND, &txt);
	}
	spf_evidence_init(&found);
	g_assert_true(spf_check(lookups, &question, &found));
	lookups_free(lookups);
	return found;
}

/*
 * The explanation that crashes the installed libspf2 (facts found with a
 * fuzzer: a macro of many digits in what exp= points to), through all of SPF:
 * it is never asked for, and what it stands beside is decided.
 */
static void
test_crash(void)
{
	static const char *const zone[] = {
		"a.example", "v=spf1 -all exp=e.a.example",
		"e.a.example", "%{d99999999999}%{v}%{h}%{s}%{c}%{r}%{t}%{%{%",
		"b.example", "v=spf1 include:a.example redirect=c.example",
		"c.example", "v=spf1 exp=e.a.example ip4:192.0.2.7 -all",
		NULL, NULL,
	};
	struct spf_evidence found = check(zone, "ann@a.example");

	g_assert_cmpint(found.result, ==, AUTH_FAIL);
	spf_evidence_done(&found);
	found = check(zone, "ann@b.example");
	g_assert_cmpint(found.result, ==, AUTH_PASS);
	spf_evidence_done(&found);
}

static const struct tap_case cases[] = {
	{ "exp= never reaches the library", test_exp },
	{ "nor does what breaks the grammar", test_bad },
	{ "what does is written anew", test_rewritten },
	{ "and has a limit", test_size },
	{ "an explanation that crashes the library is not asked for",
	  test_crash },
	{ NULL, NULL },
};

int
main(void)
{
	return tap_run("spf-guard", cases);
}
