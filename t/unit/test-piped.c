/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/piped.h"
#include "t/lib/tap.h"

static void
check(GBytes *(*change)(GBytes *), const char *from, const char *to)
{
	g_autoptr(GBytes) bytes = g_bytes_new(from, strlen(from));
	g_autoptr(GBytes) changed = change(bytes);
	gsize len;
	const char *text = g_bytes_get_data(changed, &len);
	g_autofree char *got = len > 0 ? g_strndup(text, len) : g_strdup("");

	g_assert_cmpstr(got, ==, to);
}

static void
test_from(void)
{
	check(piped_from, "", "");
	check(piped_from, "a: b\r\n\r\nc\r\n", "a: b\n\nc\n");
	check(piped_from, "bare\rcr\r\r\nlast\r", "bare\rcr\r\nlast\r");
	check(piped_from, "lf\nstays\r\n", "lf\nstays\n");
}

static void
test_to(void)
{
	check(piped_to, "", "");
	check(piped_to, "a: b\n\nc\n", "a: b\r\n\r\nc\r\n");
	check(piped_to, "no end", "no end\r\n");
	check(piped_to, "a: b\n\nx\r\n", "a: b\r\n\r\nx\r\r\n");
	check(piped_to, "a: b\r\n\r\nforgot\nx\r\n",
	      "a: b\r\n\r\nforgot\r\nx\r\n");
	check(piped_to, "\n\n.\n", "\r\n\r\n.\r\n");
}

static const char *
wrong(const char *text, const char *came)
{
	g_autoptr(GBytes) message = g_bytes_new_static(text, strlen(text));
	g_autoptr(GBytes) before = g_bytes_new_static(came, strlen(came));

	return piped_wrong(message, before);
}

static void
test_wrong(void)
{
	static const char one[] = "From: a@b\r\n\r\nx\r\n";
	static const char none[] = "To: a@b\r\n\r\nx\r\n";
	static const char two[] = "From: a@b\r\nFROM: c@d\r\n\r\nx\r\n";

	g_assert_null(wrong(one, none));
	g_assert_null(wrong("From: a@b\r\n", one));
	g_assert_null(wrong(none, none));
	g_assert_null(wrong(two, two));
	g_assert_cmpstr(wrong(none, one), ==, "it has no From");
	g_assert_cmpstr(wrong(two, one), ==, "it has several From fields");
	g_assert_cmpstr(wrong("", one), ==, "it wrote nothing");
	g_assert_cmpstr(wrong("From a@b Mon\r\nFrom: a@b\r\n\r\n", one), ==,
			"its first line is no header field");
	g_assert_cmpstr(wrong("\r\nFrom: a@b\r\n\r\n", one), ==,
			"its first line is no header field");
	g_assert_cmpstr(wrong("From: a@b\r\nno field\r\n\r\nx\r\n", one), ==,
			"a line of its header is no field");
}

static void
test_many(void)
{
	g_autoptr(GString) many = g_string_new(NULL);

	for (int i = 0; i < 20001; i++)
		g_string_append(many, "X:\r\n");
	g_assert_cmpstr(wrong(many->str, "From: a\r\n"), ==,
			"too many header fields");
}

static const struct tap_case cases[] = {
	{ "LF for a program", test_from },
	{ "CRLF for us", test_to },
	{ "what is no message is told why", test_wrong },
	{ "nor is what has too many fields", test_many },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run("piped", cases);
}
