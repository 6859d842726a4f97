/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/addr.h"
#include "t/lib/tap.h"

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
		{ "<a@b@c>", NULL },
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

		g_assert_cmpint(ok, ==, cases[i].text != NULL);
		g_assert_cmpstr(addr.text, ==, cases[i].text);
		addr_done(&addr);
	}
}

static void
test_long(void)
{
	g_autofree char *local = g_strnfill(400, 'a');
	g_autofree char *path = g_strdup_printf("<%s@d.test>", local);
	g_autofree char *huge = g_strnfill(1000000, '<');
	struct addr addr = { 0 };

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
		"d\xc3\xa9v@l.test", "dev ops@l.test", NULL
	};

	for (int i = 0; good[i] != NULL; i++)
		g_assert_cmpstr(list_name_check(good[i]), ==, NULL);
	for (int i = 0; bad[i] != NULL; i++)
		g_assert_nonnull(list_name_check(bad[i]));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "every form of RCPT is read", test_forms },
		{ "long addresses are refused", test_long },
		{ "local part exactly, domain in lower case", test_canon },
		{ "role addresses are told apart", test_roles },
		{ "a list's name leaves room for its roles",
		  test_list_names },
		{ NULL, NULL },
	};

	return tap_run("addr", cases);
}
