/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/mime.h"
#include "t/lib/tap.h"

static void
test_authors(void)
{
	static const struct {
		const char *text, *authors;
		bool complete;
	} cases[] = {
		{ "From: Ann <ann@A.test>\r\n\r\n", "ann@a.test", true },
		{ "From: ann@a.test, Bob <bob@b.test>\r\n\r\n",
		  "ann@a.test bob@b.test", true },
		{ "From: a@a.test\r\nFrom: b@b.test\r\n\r\n",
		  "a@a.test b@b.test", true },
		{ "From: Us: a@a.test, b@b.test;\r\n\r\n",
		  "a@a.test b@b.test", true },
		{ "From: a@a.test, a@A.test\r\n\r\n", "a@a.test", true },
		{ "From: \"b@b.test\" <a@a.test>\r\n\r\n", "a@a.test",
		  true },
		{ "From: \"Ann\" (x \\) y) <ann@a.test> (z)\r\n\r\n",
		  "ann@a.test", true },
		{ "From: ann @ a . test\r\n\r\n", "ann@a.test", true },
		{ "From: x@y <ann@a.test>\r\n\r\n", "ann@a.test", true },
		{ "From: <@r.test:ann@a.test>\r\n\r\n", "ann@a.test", true },
		{ "From: J\xc3\xb6rg <ann@a.test>\r\n\r\n", "ann@a.test",
		  true },
		{ "From: =?utf-8?q?a=40b=2C?= <c@d.test>\r\n\r\n",
		  "c@d.test", true },
		{ "From: a@a.test, , b@b.test,\r\n\r\n",
		  "a@a.test b@b.test", true },
		{ "From: a@b.test@c.test\r\n\r\n", "", false },
		{ "From: a@b.test; c@d.test\r\n\r\n", "a@b.test", false },
		{ "From: a@b.test c@d.test\r\n\r\n", "", false },
		{ "From: <a@b.test> c@d.test\r\n\r\n", "a@b.test",
		  false },
		{ "From: Doe, John <j@d.test>\r\n\r\n", "", false },
		{ "From: N <a@b.test\r\n\r\n", "", false },
		{ "From: \"N <a@b.test>\r\n\r\n", "", false },
		{ "From: <<a@b.test>>\r\n\r\n", "", false },
		{ "From: a@b.test (x\r\n\r\n", "", false },
		{ "From: undisclosed:;\r\n\r\n", "", false },
		{ "From: N <>\r\n\r\n", "", false },
		{ "From: a@a.test\r\nFrom: nobody\r\n\r\n", "a@a.test",
		  false },
		{ "From: A. B. [C] <ann@a.test>\r\n\r\n", "ann@a.test",
		  true },
		{ "From: a..b@c.test, <d@[10.0.0.1]>\r\n\r\n",
		  "\"a..b\"@c.test d@[10.0.0.1]", true },
		{ "From: \"a b\"@c.test\r\n\r\n", "\"a b\"@c.test", true },
		{ "From: \"a\"b@c.test\r\n\r\n", "", false },
		{ "From: <@r.test,@s.test:ann@a.test>\r\n\r\n",
		  "ann@a.test", true },
		{ "From: g: h: a@b.test;;\r\n\r\n", "", false },
		{ "From: a@b.test,\r\n c@d.test\r\n\r\n",
		  "a@b.test c@d.test", true },
		{ "From : ann@a.test\r\n\r\n", "ann@a.test", true },
		{ "From: nobody\r\n\r\n", "", false },
		{ "From:\r\n\r\n", "", false },
		{ "From: a@a.test, nobody\r\n\r\n", "a@a.test", false },
		{ "To: a@a.test\r\n\r\n", "", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) got = NULL;
		g_autofree char *joined = NULL;
		struct header header;
		size_t body_at;
		bool complete;

		g_test_message("%s", cases[i].text);
		g_assert_true(header_parse(cases[i].text,
					   strlen(cases[i].text), &header,
					   &body_at));
		got = mime_authors(&header, &complete);
		g_ptr_array_add(got, NULL);
		joined = g_strjoinv(" ", (char **)got->pdata);
		g_assert_cmpstr(joined, ==, cases[i].authors);
		g_assert_cmpint(complete, ==, cases[i].complete);
		header_done(&header);
	}
}

static void
test_mailboxes(void)
{
	static const struct { const char *text, *addr, *name; } cases[] = {
		{ "ann@a.test", "ann@a.test", "" },
		{ " Ann@a.test ", "Ann@a.test", "" },
		{ "<ann@a.test>", "ann@a.test", "" },
		{ "Ann B <ann@a.test>", "ann@a.test", "Ann B" },
		{ "\"B, Ann\" <ann@a.test>", "ann@a.test", "B, Ann" },
		{ "J\xc3\xb6rg <j@a.test>", "j@a.test", "J\xc3\xb6rg" },
		{ "=?utf-8?q?J=C3=B6rg?= <j@a.test>", "j@a.test",
		  "J\xc3\xb6rg" },
		{ "\"a b\"@a.test", "\"a b\"@a.test", "" },
		{ "ann", NULL, NULL },
		{ "ann@a.test bob@b.test", NULL, NULL },
		{ "ann@a.test,bob@b.test", NULL, NULL },
		{ "Ann <ann@a.test", NULL, NULL },
		{ "=?utf-8?q?a=0D=0Ab?= <j@a.test>", "j@a.test", "a  b" },
		{ "a@b.test (comment)", NULL, NULL },
		{ "Ann <ann>", NULL, NULL },
		{ "\xff@a.test", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *addr = NULL, *name = NULL;
		const char *wrong = mime_mailbox(cases[i].text, &addr, &name);

		g_assert_cmpint(wrong == NULL, ==, cases[i].addr != NULL);
		g_assert_cmpstr(addr, ==, cases[i].addr);
		g_assert_cmpstr(name, ==, cases[i].name);
	}
}

static void
test_words(void)
{
	static const struct { const char *text, *phrase; } cases[] = {
		{ "Dev list", "Dev list" },
		{ "A. B", "\"A. B\"" },
		{ "a\"b", "\"a\\\"b\"" },
		{ "", "" },
	};
	g_autofree char *decoded = mime_decode("=?utf-8?q?a=0D=0A?= \xff");
	g_autofree char *encoded = mime_encode_text("\xc3\xbc\r\nX: y");
	g_autofree char *again = mime_decode(encoded);
	g_autofree char *one = mime_message_id("l.test");
	g_autofree char *two = mime_message_id("l.test");
	g_autofree char *date = mime_date_now();
	g_autofree char *padded = mime_decode("=?utf-8?b?w7x4eA==?= "
		"=?UTF-8?B?w7x5eQ==?= =?utf-8?b?w7wh?= =?koi8-r?b?wQ==?=");
	g_autofree char *cut = mime_decode("=?utf-8?b?eHjD?=  "
					   "=?utf-8?b?vA==?= z");

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *phrase = mime_encode_phrase(cases[i].text);

		g_assert_cmpstr(phrase, ==, cases[i].phrase);
	}
	g_assert_cmpstr(padded, ==, "\u00fcxx\u00fcyy\u00fc!\u0430");
	g_assert_cmpstr(cut, ==, "xx\u00fc z");
	g_assert_true(g_utf8_validate(decoded, -1, NULL));
	g_assert_null(strpbrk(decoded, "\r\n"));
	g_assert_true(g_str_is_ascii(encoded));
	g_assert_null(strpbrk(encoded, "\r\n"));
	g_assert_cmpstr(again, ==, "\xc3\xbc  X: y");
	g_assert_cmpstr(one, !=, two);
	g_assert_true(g_str_has_suffix(one, "@l.test>"));
	g_assert_cmpuint(strlen(date), >, 20);
}

/* X stands for 1200 letters x, N for 1200 octets of value 0xfc. */
static char *
expand(const char *text)
{
	g_autofree char *x = g_strnfill(1200, 'x');
	g_autofree char *n = g_strnfill(1200, '\xfc');
	GString *out = g_string_new(NULL);

	for (; *text != '\0'; text++) {
		if (*text == 'X' || *text == 'N')
			g_string_append(out, *text == 'X' ? x : n);
		else
			g_string_append_c(out, *text);
	}
	return g_string_free(out, FALSE);
}

/* Runs of x and =FC, soft line breaks taken out, as X and N. */
static char *
contract(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "=\r\n", -1);
	g_autofree char *joined = g_strjoinv("", lines);
	GString *out = g_string_new(NULL);

	for (const char *p = joined; *p != '\0';) {
		size_t run = strspn(p, "x");

		if (run > 100) {
			g_string_append(out, run == 1200 ? "X" : "?");
			p += run;
		} else if (strncmp(p, "=FC=FC", 6) == 0) {
			while (strncmp(p, "=FC", 3) == 0)
				p += 3;
			g_string_append_c(out, 'N');
		} else {
			g_string_append_c(out, *p++);
		}
	}
	return g_string_free(out, FALSE);
}

#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static void
test_recode(void)
{
	/* NULL: nothing can be done. */
	static const struct { const char *text, *made; } cases[] = {
		{ "A: b\r\n\r\nX\r\n",
		  "A: b\r\nMIME-Version: 1.0\r\n" QP "\r\nX\r\n" },
		{ "A: b\n\nX\nN",
		  "A: b\r\nMIME-Version: 1.0\r\n" QP
		  "\r\nX\r\nN\r\n" },
		{ "mime-version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n"
		  "A: b\r\n\r\n--X \r\n-y=\r\nFrom z\r\n.\r\n",
		  "mime-version: 1.0\r\n" QP
		  "A: b\r\n\r\n=2D-X=20\r\n=2Dy=3D\r\n=46rom z\r\n=2E\r\n" },
		{ MIXED "pre\r\n--b\r\n\r\nshort \r\n--b\r\nA: b\r\n\r\n"
		  "X\r\n--b-- \r\nepilogue",
		  MIXED "pre\r\n--b\r\n\r\nshort \r\n--b\r\nA: b\r\n" QP
		  "\r\nX\r\n--b-- \r\nepilogue" },
		{ MIXED "--b\r\n\r\nX\r\n--bb\r\n\r\n--b--",
		  MIXED "--b\r\n" QP "\r\nX\r\n=2D-bb\r\n\r\n--b--" },
		{ "Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nX",
		  "Content-Type: message/rfc822\r\n\r\nA: b\r\n"
		  "MIME-Version: 1.0\r\n" QP "\r\nX\r\n" },
		{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n"
		  "\r\nFrom: x\r\n\r\nX\r\n--b--\r\n",
		  "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n"
		  "\r\nFrom: x\r\nMIME-Version: 1.0\r\n" QP
		  "\r\nX\r\n--b--\r\n" },
		{ "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n"
		  "X=3D\r\n", QP "MIME-Version: 1.0\r\n\r\nX=3D\r\n" },
		{ "Content-Transfer-Encoding: x-uuencode\r\n\r\nX\r\n",
		  NULL },
		{ MIXED "no parts X\r\n",
		  "Content-Type: multipart/mixed; boundary=b\r\n"
		  "MIME-Version: 1.0\r\n" QP "\r\nno parts X\r\n" },
		{ "A: b\r\nno field X", "A: b\r\nMIME-Version: 1.0\r\n" QP
		  "\r\nno field X\r\n" },
		{ "A: b\r\n\r\nshort\nlines", "A: b\r\n\r\nshort\r\nlines" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = expand(cases[i].text), *made = NULL;
		g_autoptr(GString) out = g_string_new(NULL);
		bool ok = mime_recode(text, strlen(text), out);

		g_test_message("%s", cases[i].text);
		g_assert_cmpint(ok, ==, cases[i].made != NULL);
		g_assert_false(mime_needs_recode(out->str, out->len));
		made = contract(out->str);
		if (ok)
			g_assert_cmpstr(made, ==, cases[i].made);
	}
}

static void
test_recode_binary(void)
{
	g_autofree char *x = g_strnfill(3000, 'x');
	g_autofree char *code = g_base64_encode((guchar *)x, strlen(x));
	g_autofree char *text = g_strdup_printf(
		MIXED "--b\r\nContent-Type: image/png\r\n\r\n%s\r\n--b\r\n"
		"Content-Transfer-Encoding: BASE64\r\n\r\n%s\r\n--b--\r\n",
		x, code);
	g_autoptr(GString) out = g_string_new(NULL);
	g_auto(GStrv) parts = NULL;

	g_assert_true(mime_recode(text, strlen(text), out));
	parts = g_strsplit(out->str, "--b", -1);
	g_assert_cmpuint(g_strv_length(parts), ==, 4);
	for (int i = 1; i < 3; i++) {
		gsize len;
		g_autofree guchar *raw = NULL;

		g_assert_nonnull(strstr(parts[i],
			"Content-Transfer-Encoding: base64\r\n\r\n"));
		raw = g_base64_decode(strstr(parts[i], "\r\n\r\n"), &len);
		g_assert_cmpmem(raw, len, x, strlen(x));
	}
}

/* A folded field says the same, and no line of it is empty. */
static void
test_recode_fields(void)
{
	static const char *const fields[] = {
		"A: X\r\n", "A: X X X\r\n", "A:X\r\n B\r\n", "A: b\r\n X\r\n",
	};
	g_autofree char *blanks = g_strnfill(3000, ' ');
	g_autofree char *odd = g_strdup_printf("A: b%sc%s\r\n%s\r\n d%s\r\n",
					       blanks, blanks, blanks, blanks);

	for (size_t i = 0; i <= G_N_ELEMENTS(fields); i++) {
		bool last = i == G_N_ELEMENTS(fields);
		g_autofree char *field = expand(last ? odd : fields[i]);
		g_autofree char *text = g_strconcat(field, "B: c\r\n\r\nbody",
						    NULL);
		g_autoptr(GString) out = g_string_new(NULL);
		g_auto(GStrv) was = g_strsplit_set(field, " \r\n", -1), is;
		g_autofree char *before = g_strjoinv("", was), *after;
		char *end;

		g_assert_true(mime_recode(text, strlen(text), out));
		g_assert_false(mime_needs_recode(out->str, out->len));
		end = strstr(out->str, "B: c\r\n\r\nbody");
		g_assert_nonnull(end);
		*end = '\0';
		g_assert_null(strstr(out->str, "\r\n\r\n"));
		is = g_strsplit_set(out->str, " \r\n", -1);
		after = g_strjoinv("", is);
		g_assert_cmpstr(before, ==, after);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "every author is found, or it is said", test_authors },
		{ "an address file's lines are read", test_mailboxes },
		{ "words are encoded and decoded", test_words },
		{ "long lines are re-encoded, nothing else", test_recode },
		{ "what is no text is kept to the byte", test_recode_binary },
		{ "long fields are folded", test_recode_fields },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("mime", cases);
}
