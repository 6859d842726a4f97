/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/addr.h"
#include "t/lib/tap.h"

/* The canonical form is its own canonical form. */
static void
check_stable(const struct addr *addr)
{
	struct addr again = { 0 };

	g_assert_true(addr_parse(addr->text, &again));
	g_assert_cmpstr(again.text, ==, addr->text);
	g_assert_cmpstr(again.local, ==, addr->local);
	g_assert_cmpstr(again.domain, ==, addr->domain);
	addr_done(&again);
}

static void
test_forms(void)
{
	/* The forms that MTAs show in RCPT; NULL: no address. */
	static const struct { const char *path, *text; } cases[] = {
		{ "<list@d.test>", "list@d.test" },
		{ "<LIST@D.TEST>", "LIST@d.test" },
		{ "<list+x@d.test>", "list+x@d.test" },
		{ "<\"list\"@d.test>", "list@d.test" },
		{ "<\"li st\"@d.test>", "\"li st\"@d.test" },
		{ "<\"li\\\"st\"@d.test>", "\"li\\\"st\"@d.test" },
		{ "<@relay:list@d.test>", "list@d.test" },
		{ "<@a,@b:list@d.test>", "list@d.test" },
		{ "<list>", "list" },
		{ "<list@[127.0.0.1]>", "list@[127.0.0.1]" },
		{ "<list%o@d.test>", "list%o@d.test" },
		{ "<o!list@d.test>", "o!list@d.test" },
		{ "<<list@d.test>>", "list@d.test" },
		{ "<li..st@d.test>", "\"li..st\"@d.test" },
		{ "<.list@d.test>", "\".list\"@d.test" },
		{ "<l\xc3\xaet@d.test>", "l\xc3\xaet@d.test" },
		{ "list@d.test", "list@d.test" },
		{ "<list@d.test.>", "list@d.test" },
		{ "<>", "" }, { "", "" }, { " <> ", "" },
		{ "[]", "" }, { "<[]>", "" }, { "<<>>", "" },
		{ "\"@d.test", NULL },
		{ "<@[IPv6:::1]:list@d.test>", "list@d.test" },
		{ "<@a,@[IPv6:::1],@c:\"li:st\"@d.test>",
		  "\"li:st\"@d.test" },
		{ "list@[IPv6:2001:DB8::1]", "list@[ipv6:2001:db8::1]" },
		{ "<a@b.test", "a@b.test" },
		{ "\"a\\b\"@d.test", "ab@d.test" },
		{ "\"a\\\\b\"@d.test", "\"a\\\\b\"@d.test" },
		{ "\"a@b\"@d.test", "\"a@b\"@d.test" },
		{ "\">\"", "\">\"" },
		{ "\"\"@d.test", "\"\"@d.test" },
		{ "li@D\xc3\x89.test", "li@d\xc3\xa9.test" },
		{ "owner-list=x.test@d.test", "owner-list=x.test@d.test" },
		{ "<a@b@c>", NULL },
		{ "a@b.test:c@d.test", NULL },
		{ "<@a,b@c.test>", NULL },
		{ "<@[a:b@c.test>", NULL },
		{ "<list@d.test..>", NULL },
		{ "<list@.>", NULL },
		{ "<list@[]>", NULL },
		{ "<list@[a]b>", NULL },
		{ "<list@d.te st>", NULL },
		{ "<list@d.test\t>", NULL },
		{ "<list@d.test\xc2\x85>", NULL },
		{ "<\"a\tb\"@d.test>", NULL },
		{ "<\"a\\>", NULL },
		{ "<list@>", NULL },
		{ "<@d.test>", NULL },
		{ "<list@d..test>", NULL },
		{ "<li st@d.test>", NULL },
		{ "<\"open@d.test>", NULL },
		{ "<\"x\"y@d.test>", NULL },
		{ "<list\x01@d.test>", NULL },
		{ "<l\xee@d.test>", NULL },
		{ "<list@d.test> junk", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct addr addr = { 0 };
		bool ok = addr_parse(cases[i].path, &addr);

		g_test_message("%s", cases[i].path);
		g_assert_cmpint(ok, ==, cases[i].text != NULL);
		g_assert_cmpstr(addr.text, ==, cases[i].text);
		if (ok)
			check_stable(&addr);
		addr_done(&addr);
	}
}

static void
test_long(void)
{
	g_autofree char *local = g_strnfill(400, 'a');
	g_autofree char *path = g_strdup_printf("<%s@d.test>", local);
	g_autofree char *huge = g_strnfill(1000000, '<');
	g_autofree char *quotes = g_strnfill(600, '\\');
	g_autofree char *quoted = g_strdup_printf("\"%s\"@d.test", quotes);
	g_autofree char *most = g_strdup_printf("%.313s@d.test", local);
	struct addr addr = { 0 };

	g_assert_false(addr_parse(quoted, &addr));
	g_assert_true(addr_parse(most, &addr));
	g_assert_cmpuint(strlen(addr.text), ==, ADDR_MAX);
	addr_done(&addr);

	g_assert_false(addr_parse(path, &addr));
	g_assert_false(addr_parse(huge, &addr));
}

static void
test_canon(void)
{
	g_autofree char *a = addr_canon("Ann@Example.ORG");
	g_autofree char *b = addr_canon("\"Ann\"@example.org");

	g_assert_cmpstr(a, ==, "Ann@example.org");
	g_assert_cmpstr(a, ==, b);
	g_assert_null(addr_canon("ann"));
	g_assert_null(addr_canon(""));
}

static void
test_roles(void)
{
	static const struct {
		const char *path;
		enum role role;
		const char *list, *detail;
	} cases[] = {
		{ "dev@l.test", ROLE_POST, "dev@l.test", NULL },
		{ "DEV@l.test", ROLE_POST, "dev@l.test", NULL },
		{ "dev+x@l.test", ROLE_POST, "dev@l.test", "x" },
		{ "dev-request@l.test", ROLE_REQUEST, "dev@l.test", NULL },
		{ "dev-Owner@l.test", ROLE_OWNER, "dev@l.test", NULL },
		{ "dev-join@l.test", ROLE_JOIN, "dev@l.test", NULL },
		{ "dev-subscribe@l.test", ROLE_JOIN, "dev@l.test", NULL },
		{ "dev-leave@l.test", ROLE_LEAVE, "dev@l.test", NULL },
		{ "dev-unsubscribe@l.test", ROLE_LEAVE, "dev@l.test", NULL },
		{ "dev-confirm+T0k@l.test", ROLE_CONFIRM, "dev@l.test",
		  "T0k" },
		{ "dev-bounces+Tk+a@l.test", ROLE_BOUNCES, "dev@l.test",
		  "Tk+a" },
		{ "-owner@l.test", ROLE_POST, "-owner@l.test", NULL },
		{ "dev+a-owner@l.test", ROLE_POST, "dev@l.test", "a-owner" },
		{ "dev+@l.test", ROLE_POST, "dev@l.test", "" },
		{ "+x@l.test", ROLE_POST, "\"\"@l.test", "x" },
		{ "dev-ops@l.test", ROLE_POST, "dev-ops@l.test", NULL },
		{ "dev-ops-owner@l.test", ROLE_OWNER, "dev-ops@l.test",
		  NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct addr addr = { 0 };
		struct role_addr role;

		g_assert_true(addr_parse(cases[i].path, &addr));
		role_parse(&addr, &role);
		g_assert_cmpint(role.role, ==, cases[i].role);
		g_assert_cmpstr(role.list, ==, cases[i].list);
		g_assert_cmpstr(role.detail, ==, cases[i].detail);
		role_addr_done(&role);
		addr_done(&addr);
	}
}

static void
test_list_names(void)
{
	static const char *const good[] = {
		"dev@l.test", "dev-ops@l.test", "a.b_c@l.test",
		"a234567890123456789012345678901@l.test", NULL
	};
	static const char *const bad[] = {
		"dev", "dev@", "@l.test", "dev+x@l.test", "dev-owner@l.test",
		"postmaster@l.test", "a2345678901234567890123456789012@l.test",
		"-dev@l.test", "de..v@l.test", "dev@[127.0.0.1]",
		"Dev@l.test", "dev@L.test", "<dev@l.test>", "\"dev\"@l.test",
		"dev@l.test.", "", "abuse@l.test", "mailer-daemon@l.test",
		"d\xc3\xa9v@l.test", "dev ops@l.test", NULL
	};

	for (int i = 0; good[i] != NULL; i++)
		g_assert_cmpstr(list_name_check(good[i]), ==, NULL);
	for (int i = 0; bad[i] != NULL; i++)
		g_assert_nonnull(list_name_check(bad[i]));
}

static void
test_role_names(void)
{
	enum role role;

	for (int i = ROLE_POST; i <= ROLE_BOUNCES; i++) {
		g_assert_true(role_of_name(role_name((enum role)i), &role));
		g_assert_cmpint(role, ==, i);
	}
	g_assert_false(role_of_name("Post", &role));
	g_assert_false(role_of_name("", &role));
}

static void
test_role_addrs(void)
{
	g_autofree char *owner = list_role_addr("dev@l.test", "-owner");
	g_autofree char *post = list_role_addr("dev@l.test", "");

	g_assert_cmpstr(owner, ==, "dev-owner@l.test");
	g_assert_cmpstr(post, ==, "dev@l.test");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "every form of RCPT is read", test_forms },
		{ "long addresses are refused", test_long },
		{ "local part exactly, domain in lower case", test_canon },
		{ "role addresses are told apart", test_roles },
		{ "a role's name is its own", test_role_names },
		{ "role addresses are made", test_role_addrs },
		{ "a list's name leaves room for its roles",
		  test_list_names },
		{ NULL, NULL },
	};

	return tap_run("addr", cases);
}
