/* SPDX-License-Identifier: BSD-2-Clause */

/* What a policy may ask about the content of a post. */
#include <string.h>

#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "t/lib/tap.h"

struct sample {
	struct header header;
	const char *body;
	size_t len;
};

static struct sample
sample(const char *text)
{
	struct sample s;
	size_t body_at;

	g_assert_true(header_parse(text, strlen(text), &s.header, &body_at));
	s.body = text + body_at;
	s.len = strlen(text) - body_at;
	return s;
}

static char *
joined(GPtrArray *texts)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < texts->len; i++)
		g_string_append_printf(out, "%s%s", i > 0 ? "|" : "",
				       (char *)texts->pdata[i]);
	return g_string_free(out, FALSE);
}

static void
see_parts(const char *text, const char *types, const char *names,
	  size_t leaves)
{
	struct sample s = sample(text);
	struct content_parts parts;
	g_autofree char *of_types = NULL, *of_names = NULL;

	content_parts(&s.header, s.body, s.len, &parts);
	of_types = joined(parts.types);
	of_names = joined(parts.names);
	g_assert_cmpstr(of_types, ==, types);
	g_assert_cmpstr(of_names, ==, names);
	g_assert_cmpuint(parts.leaves, ==, leaves);
	content_parts_done(&parts);
	header_done(&s.header);
}

#define MIXED "MIME-Version: 1.0\r\n" \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static void
test_parts(void)
{
	see_parts("From: a@b.example\r\n\r\nhi\r\n", "text/plain", "", 1);
	see_parts(MIXED "--b\r\nContent-Type: TEXT/HTML\r\n\r\n<p>x\r\n"
		  "--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\n"
		  "Content-Disposition: attachment;\r\n"
		  " filename*=utf-8''%C3%BCber.pdf\r\n\r\nx\r\n"
		  "--b\r\nContent-Type: image/png;\r\n"
		  " name=\"=?utf-8?q?=C3=BC.png?=\"\r\n\r\nx\r\n--b--\r\n",
		  "multipart/mixed|text/html|application/pdf|image/png",
		  "\303\274ber.pdf|a.pdf|\303\274.png", 3);
	/* also in what is contained */
	see_parts(MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\n"
		  "Subject: x\r\nContent-Type: application/x-msdownload;"
		  " name=x.exe\r\n\r\nMZ\r\n--b--\r\n",
		  "multipart/mixed|message/rfc822|application/x-msdownload",
		  "x.exe", 2);
}

static void
see_text(const char *text, const char *is)
{
	struct sample s = sample(text);
	g_autofree char *of = content_text(&s.header, s.body, s.len);

	(void)g_strstrip(of);
	g_assert_cmpstr(of, ==, is);
	header_done(&s.header);
}

static void
test_text(void)
{
	see_text("From: a@b.example\r\n\r\nhi\r\n", "hi");
	see_text("Content-Type: text/plain; charset=iso-8859-1\r\n"
		 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		 "gr=FC=\r\nn\r\n", "gr\303\274n");
	see_text("Content-Type: text/plain; charset=utf-8\r\n"
		 "Content-Transfer-Encoding: base64\r\n\r\naGk=\r\n", "hi");
	see_text("Content-Type: text/html\r\n\r\n"
		 "<p>Buy<b>now</b> &amp; here</p>\r\n",
		 "Buynow & here");
	see_text(MIXED "--b\r\nContent-Type: text/plain\r\n"
		 "Content-Disposition: attachment\r\n\r\nsecret\r\n"
		 "--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n"
		 "<p>html\r\n--b--\r\n", "plain");
}

static void
test_text_limit(void)
{
	g_autofree char *much = g_strnfill(2 * CONTENT_TEXT_MAX, 'x');
	g_autofree char *text = g_strconcat("Subject: x\r\n\r\n", much, NULL);
	struct sample s = sample(text);
	g_autofree char *of = content_text(&s.header, s.body, s.len);

	g_assert_cmpuint(strlen(of), <=, CONTENT_TEXT_MAX);
	g_assert_cmpuint(strlen(of), >=, CONTENT_TEXT_MAX / 2);
	header_done(&s.header);
}

static void
test_fields(void)
{
	struct sample s = sample("Subject: =?utf-8?q?gr=C3=BCn?=\r\n"
				 "X-A: one\r\nx-a: two\r\n"
				 "From: =?iso-8859-1?q?J=FCrgen?= <a@b.example>,"
				 " c@d.example\r\n\r\n");
	g_autoptr(GPtrArray) subject = content_field(&s.header, "subject");
	g_autoptr(GPtrArray) both = content_field(&s.header, "X-A");
	g_autoptr(GPtrArray) none = content_field(&s.header, "X-B");
	g_autoptr(GPtrArray) names = content_author_names(&s.header);
	g_autofree char *of_subject = joined(subject), *of = joined(both);
	g_autofree char *of_names = joined(names);

	g_assert_cmpstr(of_subject, ==, "gr\303\274n");
	g_assert_cmpstr(of, ==, "one|two");
	g_assert_cmpuint(none->len, ==, 0);
	g_assert_cmpstr(of_names, ==, "J\303\274rgen");
	header_done(&s.header);
}

static void
test_deep(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct content_parts parts;
	struct sample s;

	for (int i = 0; i < 2000; i++)
		g_string_append_printf(text, "Content-Type: multipart/mixed; "
				       "boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	s = sample(text->str);
	content_parts(&s.header, s.body, s.len, &parts);
	g_assert_cmpuint(parts.types->len, >, 0);
	content_parts_done(&parts);
	g_free(content_text(&s.header, s.body, s.len));
	header_done(&s.header);
}

static const struct tap_case cases[] = {
	{ "types and file names of all parts", test_parts },
	{ "text, decoded", test_text },
	{ "no more of it than the limit", test_text_limit },
	{ "fields and names of authors, decoded", test_fields },
	{ "a structure without end", test_deep },
	{ NULL, NULL },
};

int
main(void)
{
	mime_init();
	return tap_run("content", cases);
}
