/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/subject.h"

#include <string.h>

#include <glib.h>

#include "core/mail/mime.h"
#include "t/lib/tap.h"
#include "core/base/banned.h"

static void
see(const char *old, const char *prefix, uint64_t number, const char *wanted)
{
	g_autofree char *got = subject_prefixed(old, prefix, number);

	g_assert_cmpstr(got, ==, wanted);
}

static void
test_once(void)
{
	static const struct { const char *old, *prefix, *wanted; } cases[] = {
		{ NULL, "[dev]", "[dev]" },
		{ "Hi", "[dev]", "[dev] Hi" },
		{ "Re: Hi", "[dev]", "Re: [dev] Hi" },
		{ "AW: WG: Hi", "[dev]", "AW: WG: [dev] Hi" },
		{ "Re[2]: Hi", "[dev]", "Re[2]: [dev] Hi" },
		{ "Re^2: Hi", "[dev]", "Re^2: [dev] Hi" },
		{ "Re: [dev] Hi", "[dev]", "Re: [dev] Hi" },
		{ "[dev] Hi", "[dev]", "[dev] Hi" },
		{ "[dev] Re: Hi", "[dev]", "[dev] Re: Hi" },
		{ "[dev] Re: [dev] Hi", "[dev]", "Re: [dev] Hi" },
		{ "Re: [dev] Re: [dev] Hi", "[dev]", "Re: [dev] Hi" },
		{ "Regarding: Hi", "[dev]", "[dev] Regarding: Hi" },
		{ "=?utf-8?q?=C3=BCber?=", "[dev]",
		  "[dev] =?utf-8?q?=C3=BCber?=" },
		{ "=?utf-8?b?UmU6IFtkZXZdIMO8YmVy?=", "[dev]",
		  "=?utf-8?b?UmU6IFtkZXZdIMO8YmVy?=" },
		{ "Hi", "", "Hi" },
		{ "", "[dev]", "[dev]" },
		{ "Re:", "[dev]", "Re: [dev]" },
		{ "Re:Hi", "[dev]", "Re: [dev] Hi" },
		{ "x", "[\xc3\xbc]", "=?UTF-8?b?W8O8XQ==?= x" },
		{ "=?iso-8859-1?q?=FCber?=", "[\xc3\xbc]",
		  "=?utf-8?q?=5B=C3=BC=5D_?= =?iso-8859-1?q?=FCber?=" },
		{ "RE[2]: AW: Hi", "[dev]", "RE[2]: AW: [dev] Hi" },
		{ "Re : Hi", "[dev]", "Re : [dev] Hi" },
		{ "Re 5 things: Hi", "[dev]", "[dev] Re 5 things: Hi" },
		{ "Sv: Vs: Odp: Ang: Antw: Hi", "[dev]",
		  "Sv: Vs: Odp: Ang: Antw: [dev] Hi" },
		{ "Re: was: [dev] Hi", "[dev]", "Re: was: [dev] Hi" },
		{ "[DEV] Hi", "[dev]", "[dev] [DEV] Hi" },
		{ "development", "dev", "development" },
		{ "J\xc3\xb6rg", "[dev]", "[dev] J\xc3\xb6rg" },
		{ "Re: J\xf6rg", "[dev]", "Re: [dev] J\xf6rg" },
		{ "Re: =?iso-8859-1?q?=FCber?=", "[dev]",
		  "Re: [dev] =?iso-8859-1?q?=FCber?=" },
		{ "=?utf-8?q?AW=3A_=C3=BCber?=", "[dev]",
		  "AW: [dev] =?UTF-8?b?w7xiZXI=?=" },
		{ "=?utf-8?q?=5Bdev=5D_x?=", "[dev]",
		  "=?utf-8?q?=5Bdev=5D_x?=" },
		{ "=?nonsense?q?x", "[dev]", "[dev] =?nonsense?q?x" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		see(cases[i].old, cases[i].prefix, 0, cases[i].wanted);
}

#define NUMBERED "[dev %{number}]"

static void
test_numbers(void)
{
	static const struct { const char *old, *wanted; } cases[] = {
		{ NULL, "[dev 18]" },
		{ "Hi", "[dev 18] Hi" },
		{ "[dev 17] Hi", "[dev 18] Hi" },
		{ "Re: [dev 17] Hi", "Re: [dev 18] Hi" },
		{ "[dev 17] Re: Hi", "Re: [dev 18] Hi" },
		{ "AW: [dev 17] Re: [dev 12] x", "AW: [dev 18] x" },
		{ "Re: Fwd: [dev 1] x", "Re: Fwd: [dev 18] x" },
		{ "Fwd: [dev 1] Re: x", "Fwd: Re: [dev 18] x" },
		{ "[dev] x", "[dev 18] [dev] x" },
		{ "[dev 1a] x", "[dev 18] [dev 1a] x" },
		{ "was: [dev 17] x", "[dev 18] was: [dev 17] x" },
		{ "[dev 17] =?iso-8859-1?q?=FCber?= =?koi8-r?q?=C1?=",
		  "[dev 18] =?iso-8859-1?q?=FCber?= =?koi8-r?q?=C1?=" },
		{ "=?utf-8?q?Re=3A_=5Bdev_17=5D_?= =?koi8-r?q?=C1?=",
		  "Re: [dev 18] =?koi8-r?q?=C1?=" },
		{ "=?utf-8?q?Re=3A_=5Bdev_17=5D_an?= =?koi8-r?q?=C1?=",
		  "Re: [dev 18] =?utf-8?q?an?= =?koi8-r?q?=C1?=" },
		{ "=?utf-8?q?Re=3A_=5Bdev?= =?utf-8?q?_17=5D_an?= b",
		  "Re: [dev 18] an b" },
		{ "Re: [dev 17] J\xc3\xb6rg", "Re: [dev 18] J\xc3\xb6rg" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		see(cases[i].old, NUMBERED, 18, cases[i].wanted);
	see("[dev:00017] x", "[dev:%{number:5}]", 18, "[dev:00018] x");
	see("[dev:00017] x", "[dev:%{number:05}]", 123456, "[dev:123456] x");
	see("x", "[\xc3\xbc %{number}]", 1, "=?UTF-8?b?W8O8?= 1] x");
	see("=?utf-8?b?W8O8IDFd?= x", "[\xc3\xbc %{number}]", 2,
	    "=?UTF-8?b?W8O8?= 2] x");
}

/* As they are written, in UTF-8, and in encoded words. */
static void
test_languages(void)
{
	static const char *const marks[] = {
		"Re:", "RE:", "AW:", "SV:", "VS:", "Antw:", "RIF:", "R:",
		"Odp:", "Ynt:", "Re[2]:", "Re^2:", "Re (3):", "RE :",
		"回复:", "回复：", "答复:", "回覆：", "返信:", "Ответ:",
		"ОТВЕТ:", "Отв:", "НА:", "Απ:", "ΑΠ:", "RÉF :", "Vá:",
		"Réf\u00a0:", "رد:", "תגובה:", "답장:", "Fwd:", "WG:",
		"转发:", "RV:", "TR:",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
		g_autofree char *in = g_strconcat(marks[i], " [dev 7] x",
						  NULL);
		g_autofree char *in_front = g_strconcat("[dev 7] ", marks[i],
							" x", NULL);
		g_autofree char *coded = mime_encode_text(in);
		g_autofree char *wanted = g_strconcat(marks[i], " [dev 8] x",
						      NULL);
		g_autofree char *got = subject_prefixed(coded, NUMBERED, 8);
		g_autofree char *shown = mime_decode(got);
		bool is_reply;

		g_assert_cmpuint(subject_mark(in, &is_reply), ==,
				 strlen(marks[i]));
		see(in, NUMBERED, 8, wanted);
		see(in_front, NUMBERED, 8, wanted);
		g_assert_cmpstr(shown, ==, wanted);
		g_assert_true(g_str_is_ascii(got));
	}
}

static void
test_no_marks(void)
{
	static const char *const texts[] = {
		"", ":", "Res", "Regarding:", "[2]:", "Re 5 x:", "\xff:",
		"re\xff:", "Résumé: x", "返:", "12:",
	};
	bool is_reply;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_assert_cmpuint(subject_mark(texts[i], &is_reply), ==, 0);
}

static void
test_wrong(void)
{
	static const struct { const char *prefix; bool fine; } cases[] = {
		{ "", true }, { "[dev]", true }, { "[50% off]", true },
		{ NUMBERED, true }, { "dev-%{number:5}", true },
		{ "dev-%{number:09}:", true }, { "%{number}", false },
		{ " %{number:3} ", false }, { "[%{number} %{number}]", false },
		{ "[%{list}]", false }, { "[%{number:0}]", false },
		{ "[%{number:10}]", false }, { "[%{number", false },
		{ "[%{Number}]", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(subject_prefix_wrong(cases[i].prefix) == NULL,
				==, cases[i].fine);
	g_assert_true(subject_is_numbered(NUMBERED));
	g_assert_false(subject_is_numbered("[dev]"));
}

/* --- whatever it is made of --------------------------------------------- */

static const char *const bricks[] = {
	"Re: ", "AW:", "回复：", "Fwd: ", "[dev 4] ", "[dev 12]", "[dev]", " ",
	"x", "über", "\xfc", "=?utf-8?q?Re=3A_?= ", "=?utf-8?q?=5Bdev_4=5D?=",
	"=?iso-8859-1?q?=FC?=", " =?koi8-r?b?wQ==?= ", "Re[2]: ",
	"=?utf-8?q?a_b?= ",
	/* what of these is shown nobody can say */
	"=?", "?=", "=?utf-8?b?",
};
#define BRICKS_BROKEN 3

static char *
build(size_t count)
{
	GString *out = g_string_new(NULL);

	for (int i = g_test_rand_int_range(0, 8); i > 0; i--)
		g_string_append(out, bricks[g_test_rand_int_range(
			0, (gint32)count)]);
	return g_string_free(out, FALSE);
}

static unsigned int
count_in_front(const char *subject)
{
	unsigned int count = 0;
	bool is_reply;
	size_t len;

	for (;; subject += len) {
		subject += subject_blanks(subject);
		len = subject_mark(subject, &is_reply);
		if (len == 0 && g_str_has_prefix(subject, "[dev 18]")) {
			len = strlen("[dev 18]");
			count++;
		}
		if (len == 0)
			return count;
	}
}

/* It is in front, once, and a second time changes nothing; what was behind it
 * is behind it. */
static void
try_one(char *made, bool is_broken)
{
	g_autofree char *old = g_strstrip(made);
	g_autofree char *once = subject_prefixed(old, NUMBERED, 18);
	g_autofree char *twice = subject_prefixed(once, NUMBERED, 18);
	g_autofree char *shown = g_strchomp(mime_decode(once));
	g_autofree char *again = g_strchomp(mime_decode(twice));
	g_autofree char *was = g_strchomp(mime_decode(old));
	const char *behind = strstr(shown, "[dev 18]");

	if (is_broken)
		return;
	g_assert_nonnull(behind);
	behind += strlen("[dev 18]");
	behind += subject_blanks(behind);
	if (count_in_front(shown) != 1 || strcmp(shown, again) != 0 ||
	    !g_str_has_suffix(was, behind))
		g_error("\"%s\" -> \"%s\" -> \"%s\"", old, once, twice);
}

static void
test_property(void)
{
	for (int i = 0; i < 10000; i++) {
		try_one(build(G_N_ELEMENTS(bricks) - BRICKS_BROKEN), false);
		try_one(build(G_N_ELEMENTS(bricks)), true);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "the prefix is there once", test_once },
		{ "a number takes the place of another", test_numbers },
		{ "replies are known in many languages", test_languages },
		{ "other words are no marks", test_no_marks },
		{ "a wrong prefix is told", test_wrong },
		{ "whatever a subject is made of", test_property },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("subject", cases);
}
