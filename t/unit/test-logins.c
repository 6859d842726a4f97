/* SPDX-License-Identifier: BSD-2-Clause */

/* Who may write as whom after SMTP AUTH, and domains as DNS has them. */
#include <glib/gstdio.h>

#include "core/auth/domain.h"
#include "core/auth/logins.h"
#include "t/lib/tap.h"

static enum err_code
read_text(const char *text, struct logins **out, struct err *err)
{
	g_autofree char *dir = g_dir_make_tmp("muster-logins-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "logins", NULL);
	enum err_code rc;

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	rc = logins_read(path, out, err);
	(void)g_unlink(path);
	(void)g_rmdir(dir);
	return rc;
}

static void
test_map(void)
{
	static const struct {
		const char *login, *author;
		bool may;
	} plays[] = {
		{ "robert", "bob@a.example", true },
		{ "robert", "rob@b.example", true },
		{ "robert", "x@b.example", true },
		{ "robert", "x@m.b.example", false },
		{ "Robert", "bob@a.example", false },
		{ "web", "noreply+x@c.example", true },
		{ "web", "reply@c.example", false },
		{ "ann@a.example", "ann@a.example", true },
		{ "ann@A.Example", "ann@a.example", true },
		{ "ann@a.example", "bob@a.example", false },
		{ "nobody", "nobody@a.example", false },
		{ "", "", false },
		{ "", "bob@a.example", false },
		{ "#", "bob@a.example", false },
	};
	struct logins *logins = NULL;
	struct err err = ERR_INIT;

	g_assert_cmpint(read_text("# logins\n\nrobert bob@a.example "
				  "@b.example # both\n"
				  "web\tnoreply+*@c.example\n", &logins, &err),
			==, ERR_OK);
	for (size_t i = 0; i < G_N_ELEMENTS(plays); i++) {
		g_test_message("%s as %s", plays[i].login, plays[i].author);
		g_assert_cmpint(logins_allow(logins, plays[i].login,
					     plays[i].author), ==,
				plays[i].may);
	}
	logins_free(logins);
}

static void
test_bad_map(void)
{
	static const struct {
		const char *text, *what;
	} plays[] = {
		{ "robert\n", "logins: line 1: " },
		{ "a b@c.example\nrobert @@@\n", "logins: line 2: " },
	};
	struct logins *logins = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(plays); i++) {
		struct err err = ERR_INIT;

		g_assert_cmpint(read_text(plays[i].text, &logins, &err), ==,
				ERR_INVALID);
		g_test_message("%s", err.what);
		g_assert_nonnull(strstr(err.what, plays[i].what));
	}
}

static void
test_no_map(void)
{
	struct logins *logins = NULL;
	struct err err = ERR_INIT;

	g_assert_cmpint(logins_read("", &logins, &err), ==, ERR_OK);
	g_assert_true(logins_allow(logins, "ann@a.example", "ann@a.example"));
	g_assert_false(logins_allow(logins, "ann", "ann@a.example"));
	logins_free(logins);
	g_assert_cmpint(logins_read("/nonexistent/x", &logins, &err), !=,
			ERR_OK);
	g_assert_nonnull(strstr(err.what, "/nonexistent/x"));
}

static void
test_ascii(void)
{
	static const struct {
		const char *domain, *is;
	} plays[] = {
		{ "A.Example", "a.example" }, { "a.example.", "a.example" },
		{ "b\303\274cher.example", "xn--bcher-kva.example" },
		{ "B\303\234CHER.example", "xn--bcher-kva.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "_x.a.example", "_x.a.example" },
		{ "", NULL }, { ".", NULL }, { "a..b", NULL },
		{ "a b.example", NULL },
		{ "a\n.example", NULL }, { "\377.example", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(plays); i++) {
		g_autofree char *is = domain_ascii(plays[i].domain);

		g_test_message("%s", plays[i].domain);
		g_assert_cmpstr(is, ==, plays[i].is);
	}
}

static void
test_long_names(void)
{
	g_autofree char *label = g_strnfill(64, 'a');
	g_autofree char *one = g_strconcat(label, ".example", NULL);
	g_autoptr(GString) many = g_string_new("a");

	while (many->len < 260)
		g_string_append(many, ".a");
	g_assert_null(domain_ascii(one));
	g_assert_null(domain_ascii(many->str));
}

static void
test_org(void)
{
	static const char *const plays[][2] = {
		{ "a.b.example.co.uk", "example.co.uk" },
		{ "example.co.uk", "example.co.uk" }, { "co.uk", "co.uk" },
		{ "m.example.org", "example.org" }, { "org", "org" },
		{ "a.unknown-tld-x", "a.unknown-tld-x" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(plays); i++) {
		g_autofree char *is = domain_org(plays[i][0]);

		g_assert_cmpstr(is, ==, plays[i][1]);
	}
	g_assert_true(domain_is_suffix("co.uk"));
	g_assert_false(domain_is_suffix("example.co.uk"));
	g_assert_true(domain_is_below("a.example", "a.example"));
	g_assert_true(domain_is_below("m.a.example", "a.example"));
	g_assert_false(domain_is_below("ma.example", "a.example"));
	g_assert_false(domain_is_below("a.example", "m.a.example"));
}

static const struct tap_case cases[] = {
	{ "a login may write as its patterns say", test_map },
	{ "a file that is wrong is named with its line", test_bad_map },
	{ "without a file, as itself only", test_no_map },
	{ "domains in A-labels", test_ascii },
	{ "none longer than DNS has them", test_long_names },
	{ "organizations and public suffixes", test_org },
	{ NULL, NULL },
};

int
main(void)
{
	return tap_run("logins", cases);
}
