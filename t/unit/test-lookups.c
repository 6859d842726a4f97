/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <string.h>

#include "core/auth/lookups.h"
#include "core/base/wire.h"
#include "t/lib/dns.h"
#include "t/lib/tap.h"

#define LONG_MS 20000	/* a deadline that is not to be reached */

static const char zone[] =
	"a.example A 192.0.2.1\n"
	"a.example A 192.0.2.2\n"
	"a.example AAAA 2001:db8::7\n"
	"a.example TXT \"v=spf1 \" \"-all\"\n"
	"bytes.example TXT \"a\\000b\\255\\\"\" \"\" \"c\"\n"
	"empty.example TXT \"\"\n"
	"a.example MX 10 MX1.A.Example.\n"
	"a.example MX 20 mx2.a.example\n"
	"null.example MX 0 .\n"
	"odd.example MX 5 x\\.y.example\n"
	"odd.example MX 6 good.example\n"
	"allodd.example MX 5 x\\000y.example\n"
	"1.2.0.192.in-addr.arpa PTR A.example\n"
	"1.0.0.10.in-addr.arpa PTR inside.example\n"
	"deep.below.example A 192.0.2.3\n"
	"alias.example CNAME alias2.example\n"
	"alias2.example CNAME a.example\n"
	"lost.example CNAME gone.example\n"
	"none.example CNAME null.example\n"
	"loop.example CNAME loop2.example\n"
	"loop2.example CNAME loop.example\n"
	"\\255x\\032\\\\y\\.z.example TXT odd\n"
	"*.star.example TXT star\n"
	"bad.example SERVFAIL\n"
	"refused.example REFUSED\n"
	"silent.example SILENT\n"
	"tc.example TRUNCATE\n"
	"tc.example TXT over-tcp\n"
	"tcsilent.example TRUNCATE-SILENT\n"
	"garbage.example GARBAGE\n"
	"lie.example LIE\n"
	"lie.example A 192.0.2.66\n"
	"slow.example DELAY 300\n"
	"slow.example TXT late\n"
	"huge.example HUGE 60000\n"
	"larger.example HUGE 3000\n";

static struct resolver *
resolver_of(const struct dns *dns)
{
	struct resolver *resolver = NULL;
	struct err err = ERR_INIT;

	if (resolver_new(dns_servers(dns), &resolver, &err) != ERR_OK)
		g_error("%s", err.what);
	return resolver;
}

static struct lookups *
ask_for(struct resolver *resolver, int64_t wait_ms)
{
	return lookups_new(resolver, wire_now_ms() + wait_ms, NULL, NULL);
}

/* An answer as text: "FOUND 10 mx.example, 20 b" or "NXDOMAIN"; addresses in
 * hexadecimal, what is odd as \xNN */
static char *
show(const struct dns_answer *answer)
{
	static const char *const names[] = { "FOUND", "NODATA", "NXDOMAIN",
					     "FAILED" };
	GString *text;

	if (answer == NULL)
		return g_strdup("under way");
	text = g_string_new(names[answer->status]);
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		g_string_append(text, i == 0 ? " " : ", ");
		if (record->preference > 0)
			g_string_append_printf(text, "%u ",
					       record->preference);
		for (size_t j = 0; j < record->len; j++) {
			unsigned char c = (unsigned char)record->data[j];

			g_string_append_printf(
				text, g_ascii_isprint((char)c) ? "%c" : "\\x%02x",
				c);
		}
		g_assert_cmpint(record->data[record->len], ==, '\0');
	}
	return g_string_free(text, FALSE);
}

struct lookup_case {
	const char *name;
	enum dns_type type;
	const char *wanted;
};

/* The order of records is not kept. */
static char *
sorted(char *text)
{
	char *words = strchr(text, ' ');
	g_auto(GStrv) parts = NULL;
	char *swap, *joined, *all;

	if (words == NULL)
		return text;
	*words = '\0';
	parts = g_strsplit(words + 1, ", ", -1);
	if (g_strv_length(parts) == 2 && strcmp(parts[0], parts[1]) > 0) {
		swap = parts[0];
		parts[0] = parts[1];
		parts[1] = swap;
	}
	joined = g_strjoinv(", ", parts);
	all = g_strdup_printf("%s %s", text, joined);
	g_free(joined);
	g_free(text);
	return all;
}

static void
check_cases(const struct lookup_case *cases, size_t count)
{
	struct dns *dns = dns_start(0, zone);
	struct resolver *resolver = resolver_of(dns);
	struct lookups *lookups = ask_for(resolver, LONG_MS);

	for (size_t i = 0; i < count; i++) {
		g_autofree char *got = sorted(show(lookups_await(
			lookups, cases[i].name, cases[i].type)));

		if (strcmp(got, cases[i].wanted) != 0)
			g_test_message("%s %d", cases[i].name,
				       (int)cases[i].type);
		g_assert_cmpstr(got, ==, cases[i].wanted);
	}
	g_assert_cmpuint(lookups_open(lookups), ==, 0);
	lookups_free(lookups);
	resolver_free(resolver);
	dns_stop(dns);
}

static void
test_answers(void)
{
	static const struct lookup_case cases[] = {
		{ "a.example", DNS_TXT, "FOUND v=spf1 -all" },
		{ "a.example", DNS_MX, "FOUND 10 mx1.a.example, 20 "
				       "mx2.a.example" },
		{ "a.example", DNS_A, "FOUND \\xc0\\x00\\x02\\x01, "
				      "\\xc0\\x00\\x02\\x02" },
		{ "a.example", DNS_AAAA,
		  "FOUND  \\x01\\x0d\\xb8\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
		  "\\x00\\x00\\x00\\x00\\x07" },
		{ "a.example", DNS_PTR, "NODATA" },
		{ "gone.example", DNS_A, "NXDOMAIN" },
		{ "below.example", DNS_A, "NODATA" },
		{ "1.2.0.192.in-addr.arpa", DNS_PTR, "FOUND a.example" },
		{ "1.0.0.10.in-addr.arpa", DNS_PTR, "FOUND inside.example" },
		{ "null.example", DNS_MX, "FOUND " },
		{ "bytes.example", DNS_TXT, "FOUND a\\x00b\\xff\"c" },
		{ "empty.example", DNS_TXT, "FOUND " },
	};

	check_cases(cases, G_N_ELEMENTS(cases));
}

static void
test_failures(void)
{
	static const struct lookup_case cases[] = {
		{ "bad.example", DNS_TXT, "FAILED" },
		{ "x.bad.example", DNS_A, "FAILED" },
		{ "refused.example", DNS_TXT, "FAILED" },
		{ "garbage.example", DNS_TXT, "FAILED" },
		{ "loop.example", DNS_A, "FAILED" },
	};

	check_cases(cases, G_N_ELEMENTS(cases));
}

static void
test_aliases(void)
{
	static const struct lookup_case cases[] = {
		{ "alias.example", DNS_TXT, "FOUND v=spf1 -all" },
		{ "lost.example", DNS_TXT, "NXDOMAIN" },
		{ "none.example", DNS_TXT, "NODATA" },
	};

	check_cases(cases, G_N_ELEMENTS(cases));
}

static void
test_names(void)
{
	static const struct lookup_case cases[] = {
		{ "A.EXAMPLE.", DNS_TXT, "FOUND v=spf1 -all" },
		{ "", DNS_A, "NXDOMAIN" },
		{ ".", DNS_A, "NXDOMAIN" },
		{ "a..example", DNS_A, "NXDOMAIN" },
		{ ".a.example", DNS_A, "NXDOMAIN" },
		{ "a.example..", DNS_A, "NXDOMAIN" },
		{ "*.star.example", DNS_TXT, "FOUND star" },
		{ "x.star.example", DNS_TXT, "NXDOMAIN" },
		{ "a b\"c(d;e@f\\g$.example", DNS_TXT, "NXDOMAIN" },
		{ "\377x \\y", DNS_TXT, "NXDOMAIN" },
	};

	check_cases(cases, G_N_ELEMENTS(cases));
}

static const struct tap_case cases[] = {
	{ "records of every type, no data, no name", test_answers },
	{ "SERVFAIL, REFUSED, garbage and loops are failures",
	  test_failures },
	{ "aliases are followed", test_aliases },
	{ "names of any bytes and case", test_names },
	{ NULL, NULL },
};

int
main(void)
{
	return tap_run("lookups", cases);
}
