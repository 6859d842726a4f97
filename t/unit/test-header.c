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
		{ ": no name\r\n", 0, 0 },
		{ "A: 1\r\n \r\nB: 2\r\n\r\nbody", 2, 17 },
		{ "A: 1\r\nna me: 2\r\n", 1, 6 },
		{ "A: 1\r\nn\xc3\xa4me: 2\r\n", 1, 6 },
		{ "A: 1\r\n\r\r\nbody", 1, 6 },
		{ "A:\r\nB:\r\n", 2, 8 },
		{ "From x Mon Jan 1\nA: 1\n", 0, 0 },
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
test_no_line_end(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;

	(void) parse("A: 1\r\nB: 2", &header);
	header_append(&header, "C", "3");
	header_write(&header, out);
	g_assert_cmpstr(out->str, ==, "A: 1\r\nB: 2\r\nC: 3\r\n");
	header_done(&header);
}

static void
test_injection(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;

	(void) parse("", &header);
	header_append(&header, "A", "1\r\nB: 2\r\n\r\nbody\rx\ny\r\n fold");
	header_write(&header, out);
	g_assert_cmpstr(out->str, ==,
			"A: 1  B: 2    body x y\r\n fold\r\n");
	header_done(&header);
}

static void
test_nul(void)
{
	static const char text[] = "A: x\0y\rz\r\n\r\n";
	g_autofree char *value = NULL;
	struct header header;
	size_t body_at;

	g_assert_true(header_parse(text, sizeof(text) - 1, &header,
				   &body_at));
	value = header_get(&header, "A");
	g_assert_cmpstr(value, ==, "x y z");
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
test_fold_blanks(void)
{
	static const struct { const char *value; size_t first; } cases[] = {
		{ "", 5 }, { " ", 5 }, { "word", 200 }, { "  a  b  ", 77 },
		{ "a\tb", 77 },
	};
	g_autofree char *blanks = g_strnfill(300, ' ');
	g_autofree char *long_word = g_strnfill(3000, 'w');
	g_autofree char *between = g_strdup_printf("a%sb%s", blanks, blanks);
	g_autofree char *folded = header_fold(between, 0);
	g_autofree char *whole = header_fold(long_word, 9);

	g_assert_null(strstr(folded + strlen(folded) - 300, "\r\n"));
	g_assert_cmpstr(whole, ==, long_word);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *out = header_fold(cases[i].value,
						   cases[i].first);
		g_auto(GStrv) lines = g_strsplit(out, "\r\n", -1);
		g_autofree char *joined = g_strjoinv("", lines);

		g_assert_cmpstr(joined, ==, cases[i].value);
	}
}

static void
test_signed_none(void)
{
	struct header header;

	(void) parse("DKIM-Signature: v=1; hx=From; h=\r\n"
		     "DKIM-Signature: h = Date ;\r\n"
		     "DKIM-Signature: h\r\n"
		     "DKIM-Signature:\r\n"
		     "DKIM-Signature: ;;h=:Cc:;\r\n", &header);
	g_assert_false(header_is_signed(&header, "From"));
	g_assert_true(header_is_signed(&header, "date"));
	g_assert_true(header_is_signed(&header, "cc"));
	header_done(&header);
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
		{ "a field behind an unended one stands alone",
		  test_no_line_end },
		{ "an added value is one field", test_injection },
		{ "control bytes are blanks in values", test_nul },
		{ "a fold loses no byte and leaves no blank line",
		  test_fold_blanks },
		{ "signed fields are found in odd signatures",
		  test_signed_none },
		{ "folding keeps lines short", test_fold },
		{ "signed fields are known", test_signed },
		{ NULL, NULL },
	};

	return tap_run("header", cases);
}
