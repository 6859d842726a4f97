/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/header.h"
#include "t/lib/tap.h"

static size_t
parse(const char *text, struct header *out)
{
	size_t body_at;

	g_assert_true(header_parse(text, strlen(text), out, &body_at));
	return body_at;
}

static void
test_identity(void)
{
	static const struct { const char *text; guint fields; size_t body; }
	cases[] = {
		{ "A: 1\r\nB:2\r\n\r\nbody", 2, 13 },
		{ "A: 1\nB : 2\n folded\n\nbody", 2, 20 },
		{ "A: 1\r\nno field\r\nbody", 1, 6 },
		{ "\r\nbody", 0, 2 },
		{ "body", 0, 0 },
		{ "", 0, 0 },
		{ "A: 1", 1, 4 },
		{ " folded first\r\n", 0, 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		struct header header;
		size_t body_at = parse(cases[i].text, &header);

		header_write(&header, out);
		g_assert_cmpuint(header.fields->len, ==, cases[i].fields);
		g_assert_cmpuint(body_at, ==, cases[i].body);
		g_assert_cmpint(strncmp(out->str, cases[i].text, out->len),
				==, 0);
		header_done(&header);
	}
}

static void
test_values(void)
{
	g_autofree char *a = NULL, *b = NULL, *none = NULL;
	struct header header;

	(void) parse("X: one\r\n  two \r\nx :\tthree\r\n\r\n", &header);
	a = header_value(&header, header_find(&header, "x", 0));
	b = header_value(&header, header_find(&header, "X", 1));
	none = header_get(&header, "Y");
	g_assert_cmpstr(a, ==, "one  two");
	g_assert_cmpstr(b, ==, "three");
	g_assert_null(none);
	g_assert_cmpuint(header_count(&header, "x"), ==, 2);
	g_assert_cmpint(header_find(&header, "X", 2), ==, -1);
	header_done(&header);
}

static void
test_changes(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;

	(void) parse("A: 1\r\nB: 2\r\na: 3\r\n\r\n", &header);
	header_set(&header, "A", "new");
	header_remove(&header, "b");
	header_append(&header, "C", "4");
	header_prepend(&header, "Z", "0");
	header_write(&header, out);
	g_assert_cmpstr(out->str, ==, "Z: 0\r\nA: new\r\nC: 4\r\n");
	header_done(&header);
}

static void
test_limit(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct header header;
	size_t body_at;

	for (int i = 0; i <= HEADER_FIELDS_MAX; i++)
		g_string_append(text, "A: b\r\n");
	g_assert_false(header_parse(text->str, text->len, &header,
				    &body_at));
	g_assert_true(header_parse(text->str, text->len - 6, &header,
				   &body_at));
	header_done(&header);
}

static void
test_fold(void)
{
	g_autofree char *words = g_strnfill(300, 'w');
	g_autofree char *folded = NULL;
	g_auto(GStrv) lines = NULL;

	for (int i = 9; i < 300; i += 10)
		words[i] = ' ';
	folded = header_fold(words, 20);
	lines = g_strsplit(folded, "\r\n", -1);
	g_assert_cmpuint(strlen(lines[0]) + 20, <=, 78);
	for (char **line = lines + 1; *line != NULL; line++) {
		g_assert_cmpuint(strlen(*line), <=, 78);
		g_assert_cmpint((*line)[0], ==, ' ');
	}
}

static void
test_signed(void)
{
	struct header header;

	(void) parse("DKIM-Signature: v=1; bh=h; H= bad;\r\n"
		     "\th=From : To:\r\n\t subject; d=x\r\n"
		     "From: a\r\nSender: b\r\n\r\n", &header);
	g_assert_true(header_is_signed(&header, "from"));
	g_assert_true(header_is_signed(&header, "To"));
	g_assert_true(header_is_signed(&header, "Subject"));
	g_assert_false(header_is_signed(&header, "Sender"));
	g_assert_false(header_is_signed(&header, "h"));
	header_done(&header);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "what is not changed keeps its bytes", test_identity },
		{ "values are unfolded and trimmed", test_values },
		{ "fields are set, removed and added", test_changes },
		{ "too many fields are refused", test_limit },
		{ "folding keeps lines short", test_fold },
		{ "signed fields are known", test_signed },
		{ NULL, NULL },
	};

	return tap_run("header", cases);
}
