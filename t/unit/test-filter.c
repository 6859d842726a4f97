/* SPDX-License-Identifier: BSD-2-Clause */

/* What a list makes of the parts of a post. */
#include "t/unit/filter-case.h"

/* LF in the table, CRLF in the post */
static char *
with_crlf(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	return g_strjoinv("\r\n", lines);
}

/* wanted NULL: unchanged; report NULL: whatever it says */
static void
see(const char *rules, const char *post, const char *wanted,
    const char *report)
{
	g_autofree char *before = with_crlf(post);
	g_autofree char *after = wanted != NULL ? with_crlf(wanted) : NULL;
	struct filtered got = filter_case(rules, before);

	g_assert_cmpstr(got.err.what, ==, "");
	g_assert_cmpstr(got.post, ==, after);
	if (report != NULL)
		g_assert_cmpstr(got.report, ==, report);
	filtered_done(&got);
}

#define TOP "From: a@b.test\nMIME-Version: 1.0\n"
#define MIXED TOP "Content-Type: multipart/mixed; boundary=b\n\n"
#define TEXT "--b\nContent-Type: text/plain\n\nhello\n"
#define EXE "--b\nContent-Type: application/x-msdownload; name=a.exe\n" \
	"Content-Transfer-Encoding: base64\n\nYWJjZA==\n"
#define PNG "--b\nContent-Type: image/png\nContent-Disposition: attachment; " \
	"filename*=utf-8''%C3%A4.PNG\n\n(png)\n"
#define HTML "--b\nContent-Type: text/html\n\n<p>hello</p>\n"
#define END "--b--\n"
#define MADE "Content-Type: text/plain; charset=\"utf-8\"\n" \
	"Content-Transfer-Encoding: quoted-printable\n"
#define INLINE "Content-Disposition: inline\n\n"
#define WAS "The mailing list has removed what was attached here:\n\n* "

static void
test_rules(void)
{
	see("", MIXED TEXT EXE END, NULL, "");
	see("remove name *.com", MIXED TEXT EXE END, NULL, "");
	see("remove name *.EXE", MIXED TEXT EXE PNG END, MIXED TEXT PNG END,
	    "removed application/x-msdownload (a.exe, 4 bytes)");
	see("remove name \xc3\x84.png", MIXED TEXT EXE PNG END,
	    MIXED TEXT EXE END, "removed image/png (\xc3\xa4.PNG, 5 bytes)");
	see("pass type application; remove name *", MIXED TEXT EXE PNG END,
	    MIXED TEXT EXE END, "removed image/png (\xc3\xa4.PNG, 5 bytes)");
	see("pass type text, image; default replace",
	    MIXED "preamble\n" TEXT EXE PNG END "epilogue\n",
	    MIXED "preamble\n" TEXT "--b\n" MADE INLINE WAS
	    "application/x-msdownload (a.exe, 4 bytes)\n" PNG END
	    "epilogue\n",
	    "replaced application/x-msdownload (a.exe, 4 bytes) with a note");
	see("remove size > 4", MIXED TEXT EXE PNG END,
	    MIXED EXE END,
	    "removed text/plain (5 bytes), image/png (\xc3\xa4.PNG, 5 bytes)");
	see("remove not type text/* and size < 5", MIXED TEXT EXE PNG END,
	    MIXED TEXT PNG END,
	    "removed application/x-msdownload (a.exe, 4 bytes)");
	/* The first part goes: its delimiter stays. */
	see("remove type text", MIXED TEXT EXE PNG END, MIXED EXE PNG END,
	    "removed text/plain (5 bytes)");
}

static void
test_collapse(void)
{
	see("remove type application/*", MIXED TEXT EXE END,
	    TOP "Content-Type: text/plain\n\nhello\n",
	    "removed application/x-msdownload (a.exe, 4 bytes)");
	/* As it came */
	see("remove type application/*", MIXED TEXT END, NULL, "");
	/* A part of its own, which no text stands for */
	see("remove type text", MIXED TEXT PNG END, MIXED PNG END,
	    "removed text/plain (5 bytes)");
	see("remove name *.exe", TOP "Content-Length: 1\n"
	    "Content-Type: multipart/mixed; boundary=o\n"
	    "Content-Language: en\nSubject: s\n\n--o\n"
	    "Content-Type: multipart/alternative;\n\tboundary=b\n\npre\n"
	    TEXT HTML END "post\n--o\n" "Content-Type: a/b; name=x.exe\n\nx\n"
	    "--o--\n",
	    TOP "Subject: s\nContent-Type: multipart/alternative;\n"
	    "\tboundary=b\n\npre\n" TEXT HTML END "post\n",
	    "removed a/b (x.exe, 1 byte)");
}

static void
test_names(void)
{
	static const char *const heads[] = {
		"Content-Type: a/b; name=\"a.exe. \"\n",
		"Content-Disposition: inline;\n filename*0=a.;\n"
		" filename*1=exe\n",
		"Content-Type: a/b; name=\"=?utf-8?q?a=2Eexe?=\"\n",
		"Content-Type: a/b; name=\"dir\\\\a.exe\"\n",
		"Content-Type: a/b; name=\"a.\xef\xbd\x85xe\"\n",
		"Content-Type: a/b; name=\"a.e\xe2\x80\x8bxe\"\n",
		"Content-Type: a/b; name=b.txt\n"
		"Content-Type: a/b; name=a.exe\n",
		"Content-Disposition: attachment; filename=b.txt\n"
		"Content-Disposition: attachment; filename=a.exe\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		g_autofree char *post = g_strconcat(MIXED TEXT "--b\n",
						    heads[i], "\nx\n" TEXT END,
						    NULL);

		see("remove name A.exe", post, MIXED TEXT TEXT END, NULL);
	}
}

#define ZIP "--b\nContent-Type: application/zip; name=a.zip\n" \
	"Content-Transfer-Encoding: base64\n\n" \
	"UEsDBAoAAAAAAAAAAAAAAAAAAAAAAAAAAAAHAAAAZC9iLkVYRVBLAQIKAAoA" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAHAAAAAAAAAAAAAAAAAAAAAABkL2IuRVhF" \
	"UEsFBgAAAAABAAEANQAAACUAAAAAAA==\n"

static void
test_zip(void)
{
	see("remove holds *.com, b.txt", MIXED TEXT ZIP END, NULL, "");
	see("remove holds *.com, b.exe", MIXED TEXT ZIP PNG END,
	    MIXED TEXT PNG END, "removed application/zip (a.zip, 112 bytes)");
	see("remove not holds *.exe and type application", MIXED TEXT ZIP EXE
	    PNG END, MIXED TEXT ZIP PNG END, NULL);
}

static void
test_whole(void)
{
	see("remove type image", TOP "Content-Type: image/png\n"
	    "Content-MD5: x\nSubject: s\n\nxyz\n",
	    TOP "Content-Type: text/plain; charset=\"utf-8\"\nSubject: s\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n" WAS
	    "image/png (5 bytes)\n",
	    "removed image/png (5 bytes), nothing else was in it");
	see("pass-empty: remove type image", TOP "Content-Type: image/png\n\n"
	    "xyz\n", NULL, "passed as it is, since the list lets nothing of "
	    "it through");
	/* An empty text in front, as some programs have it */
	see("default remove; ", MIXED "--b\n\n\n" EXE END,
	    TOP MADE "\n" WAS "text/plain (0 bytes)\n* application/x-msdownload"
	    " (a.exe, 4 bytes)\n",
	    "removed text/plain (0 bytes), application/x-msdownload (a.exe, "
	    "4 bytes), nothing else was in it");
	see("remove name *.exe", MIXED "--b\n\n \n" EXE END,
	    TOP MADE "\n" WAS "application/x-msdownload (a.exe, 4 bytes)\n",
	    "removed application/x-msdownload (a.exe, 4 bytes), nothing else "
	    "was in it");
	see("remove size > 1", "Subject: no MIME\n\nhello\n",
	    "Subject: no MIME\nMIME-Version: 1.0\n" MADE "\n" WAS
	    "text/plain (7 bytes)\n",
	    "removed text/plain (7 bytes), nothing else was in it");
}

static void
test_shunt(void)
{
	g_autofree char *post = with_crlf(MIXED EXE END);
	struct filtered got = filter_case("shunt-empty: default remove", post);

	g_assert_cmpint(got.rc, ==, ERR_INVALID);
	g_assert_cmpstr(got.err.what, ==, "nothing is left of the post that "
			"the list lets through: removed "
			"application/x-msdownload (a.exe, 4 bytes)");
	g_assert_null(got.post);
	filtered_done(&got);
}

#define ALT TOP "Content-Type: multipart/alternative; boundary=b\n\n"

static void
test_alternative(void)
{
	see("plain:", ALT TEXT HTML END,
	    TOP "Content-Type: text/plain\n\nhello\n",
	    "reduced to its plain text");
	see("plain:", ALT TEXT END, NULL, "");
	see("plain:", ALT "--b\n\n \n" HTML END, NULL, "");
	see("plain:", ALT HTML PNG END, NULL, "");
	/* A note would be the best of them. */
	see("replace type text/html", ALT TEXT HTML END,
	    TOP "Content-Type: text/plain\n\nhello\n",
	    "removed text/html (12 bytes)");
	see("remove type text/plain", ALT TEXT HTML END,
	    TOP "Content-Type: text/html\n\n<p>hello</p>\n",
	    "removed text/plain (5 bytes)");
	/* Apple's: what was attached lies beside the HTML. */
	see("plain:", ALT TEXT "--b\nContent-Type: multipart/mixed; boundary=c"
	    "\n\n--c\nContent-Type: text/html\n\nhello\n--c\n"
	    "Content-Type: application/pdf; name=a.pdf\n"
	    "Content-Disposition: inline\n\npdf\n--c\n"
	    "Content-Type: image/png\nContent-ID: <a>\n\npng\n--c--\n" END,
	    TOP "Content-Type: multipart/mixed;\n\tboundary=\"b\"\n\n" TEXT
	    "--b\nContent-Type: application/pdf; name=a.pdf\n"
	    "Content-Disposition: inline\n\npdf\n" END,
	    "reduced to its plain text");
}

static void
test_html(void)
{
	see("text:", TOP "Content-Type: text/html; charset=iso-8859-1\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "<p>h=E4llo</p>\n<p><b>x</b></p>\n",
	    TOP MADE "\nh=C3=A4llo\n\nx\n", "HTML made text");
	see("text:", ALT TEXT HTML END, NULL, "");
	see("text:", ALT "--b\n\n\n" HTML END, TOP MADE "\nhello\n",
	    "HTML made text");
	see("text plain:", ALT HTML "--b\nContent-Type: text/calendar\n\nx\n"
	    END, TOP MADE "\nhello\n", "reduced to its plain text, HTML made "
	    "text");
	see("text:", TOP "Content-Type: multipart/related; boundary=b; "
	    "type=\"text/html\"\n\n" HTML PNG END,
	    TOP "Content-Type: multipart/mixed;\n\tboundary=\"b\"\n\n--b\n"
	    MADE INLINE "hello\n" PNG END, "HTML made text");
	see("text: remove type image", TOP "Content-Type: multipart/related; "
	    "boundary=b\n\n" HTML PNG END, TOP MADE "\nhello\n",
	    "removed image/png (\xc3\xa4.PNG, 5 bytes), HTML made text");
	/* A file, and a picture that has nothing to say */
	see("text:", MIXED "--b\nContent-Type: text/html\n"
	    "Content-Disposition: attachment\n\n<p>\n--b\n"
	    "Content-Type: text/html\n\n<img src=a>\n" END, NULL, "");
}

#define SIGNED TOP "Content-Type: multipart/signed; boundary=s; " \
	"protocol=\"application/pgp-signature\"\n\n--s\n" \
	"Content-Type: multipart/mixed; boundary=b\n\n" TEXT EXE END \
	"\n--s\nContent-Type: application/pgp-signature\n\nsig\n--s--\n"

static void
test_signed(void)
{
	see("plain text: default remove", SIGNED, NULL, "");
	see("remove type multipart/*", SIGNED, NULL, "");
	see("open: remove name *.exe", SIGNED,
	    TOP "Content-Type: text/plain\n\nhello\n",
	    "removed application/x-msdownload (a.exe, 4 bytes), a signature "
	    "dropped whose content was changed");
	see("open: remove name *.com", SIGNED, NULL, "");
	see("remove type multipart/signed", SIGNED,
	    TOP MADE "\n" WAS "multipart/signed (217 bytes)\n", NULL);
	see("default remove", TOP "Content-Type: application/pkcs7-mime; "
	    "smime-type=signed-data; name=smime.p7m\n\nx\n", NULL, "");
	see("remove type application/*", TOP "Content-Type: "
	    "application/pkcs7-mime; name=smime.p7m\n\nx\n", NULL, "");
	see("replace type application/pkcs7-mime", MIXED TEXT "--b\n"
	    "Content-Type: application/pkcs7-mime\n\nx\n" END,
	    MIXED TEXT "--b\n" MADE INLINE WAS
	    "application/pkcs7-mime (1 byte)\n" END, NULL);
	see("remove size > 3; default remove", TOP "\n-----BEGIN PGP MESSAGE"
	    "-----\n\nx\n", NULL, "");
	see("default remove", TOP "Content-Type: multipart/encrypted; "
	    "boundary=b\n\n" EXE EXE END, NULL, "");
	see("open: default replace", TOP "Content-Type: multipart/encrypted; "
	    "boundary=b\n\n" EXE EXE END, TOP MADE "\n" WAS
	    "multipart/encrypted (186 bytes)\n", NULL);
}

static void
test_message(void)
{
	static const char post[] = MIXED TEXT "--b\n"
		"Content-Type: message/rfc822; name=a.eml\n\n"
		"Subject: inner\nContent-Type: multipart/mixed; boundary=c\n\n"
		"--c\n\ninner\n--c\nContent-Type: a/b; name=x.exe\n\nx\n--c--\n"
		END;

	see("remove name *.exe", post, MIXED TEXT "--b\n"
	    "Content-Type: message/rfc822; name=a.eml\n\n"
	    "Subject: inner\nMIME-Version: 1.0\n\ninner\n" END,
	    "removed a/b (x.exe, 1 byte)");
	see("pass type text; default remove", post, MIXED TEXT "--b\n"
	    "Content-Type: message/rfc822; name=a.eml\n\n"
	    "Subject: inner\nMIME-Version: 1.0\n\ninner\n" END, NULL);
	see("remove name *.eml", post, TOP "Content-Type: text/plain\n\n"
	    "hello\n", NULL);
	see("remove type message", post, TOP "Content-Type: text/plain\n\n"
	    "hello\n", NULL);
	see("pass type message/rfc822; default remove", MIXED TEXT "--b\n"
	    "Content-Type: message/rfc822\n\n"
	    "Content-Type: a/b\n\nx\n" END,
	    TOP MADE "\n" WAS "text/plain (5 bytes)\n* a/b (1 byte)\n", NULL);
	see("replace type a", MIXED TEXT "--b\nContent-Type: message/rfc822\n\n"
	    "Subject: inner\nContent-Type: a/b\n\nx\n" END,
	    MIXED TEXT "--b\nContent-Type: message/rfc822\n\n"
	    "Subject: inner\n" "Content-Type: text/plain; charset=\"utf-8\"\n"
	    "MIME-Version: 1.0\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n" WAS
	    "a/b (1 byte)\n" END, NULL);
}

static void
test_containers(void)
{
	see("pass type text/plain; default remove", TOP "Content-Type: "
	    "multipart/report; report-type=delivery-status; boundary=b\n\n"
	    TEXT "--b\nContent-Type: message/delivery-status\n\nA: b\n\nC: d\n"
	    "--b\nContent-Type: text/rfc822-headers\n\nA: b\n" END, NULL, "");
	/* In a digest a part without a type is a message. */
	see("remove name *.exe", TOP "Content-Type: multipart/digest; "
	    "boundary=b\n\n--b\n\nSubject: a\n\nx\n--b\n\n"
	    "Content-Type: a/b; name=x.exe\n\nx\n" END,
	    TOP "Content-Type: multipart/digest; boundary=b\n\n"
	    "--b\n\nSubject: a\n\nx\n" END, NULL);
	see("replace name *.exe", TOP "Content-Type: multipart/digest; "
	    "boundary=b\n\n--b\n\nSubject: a\n\nx\n" EXE END,
	    TOP "Content-Type: multipart/digest; boundary=b\n\n"
	    "--b\n\nSubject: a\n\nx\n--b\n" MADE INLINE WAS
	    "application/x-msdownload (a.exe, 4 bytes)\n" END, NULL);
	see("remove type multipart/related", MIXED TEXT "--b\nContent-Type: "
	    "multipart/related; boundary=c\n\n--c\n\nx\n--c--\n" END,
	    TOP "Content-Type: text/plain\n\nhello\n",
	    "removed multipart/related (3 bytes)");
}

/* What was never closed, empty parts, delimiters that follow each other */
static void
test_odd(void)
{
	see("remove name *.exe", MIXED TEXT PNG EXE, MIXED TEXT PNG END,
	    NULL);
	see("replace type application", MIXED "--b\nContent-Type: "
	    "application/x\n\n--b\n\nx\n--b--\n", MIXED "--b\n" MADE INLINE
	    WAS "application/x (0 bytes)\n--b\n\nx\n--b--\n", NULL);
	see("remove type text/plain and size < 1; default pass",
	    MIXED "--b\n\n--b\n\nx\n\n" PNG "--b--", MIXED "--b\n\nx\n\n" PNG
	    "--b--\n", NULL);
	see("remove type text", MIXED "--b\n\n" PNG "--b", MIXED PNG "--b--\n",
	    NULL);
	see("default replace", MIXED "--b", MIXED "--b\n" MADE INLINE WAS
	    "text/plain (0 bytes)\n--b--\n", NULL);
	see("replace type text; replace type multipart/mixed", MIXED "--b--",
	    TOP MADE "\n" WAS "multipart/mixed (0 bytes)\n", NULL);
	see("remove type a", "From x\nno header\n\nContent-Type: a/b\n\nx",
	    NULL, "");
}

static void
test_notes(void)
{
	g_autoptr(GString) post = g_string_new(NULL);
	g_autofree char *name = g_strnfill(3000, 'x');
	struct filtered got;

	g_string_append_printf(post, "Content-Type: multipart/mixed; "
			       "boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
			       "Content-Type: a/b; name=\"%s\"\r\n\r\nx\r\n"
			       "--b\r\nContent-Type: a/b; name=\"a\xe2\x80\xae"
			       "b\xe2\x80\xa8--b\"\r\n\r\nx\r\n--b--\r\n",
			       name);
	got = filter_case("replace type a", post->str);
	g_assert_cmpuint(got.len, <, 1500);
	g_assert_nonnull(strstr(got.post, "* a/b (ab--b, 1 byte)\r\n--b--"));
	filtered_done(&got);
	for (int i = 0; i < 200; i++)
		g_string_prepend(post, "X: y\r\n");
	got = filter_case("remove type a; remove type text/plain", post->str);
	g_assert_cmpuint(got.items, ==, 3);
	filtered_done(&got);
}

static void
test_limits(void)
{
	g_autoptr(GString) post = g_string_new(NULL);
	struct filtered got;

	for (int i = 0; i < 60; i++)
		g_string_append_printf(post, "Content-Type: multipart/mixed; "
				       "boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	got = filter_case("remove type a", post->str);
	g_assert_cmpint(got.rc, ==, ERR_INVALID);
	g_assert_cmpstr(got.err.what, ==,
			"its MIME structure is deeper than 50 parts");
	filtered_done(&got);
	g_string_assign(post, "Content-Type: multipart/mixed; boundary=b"
			"\r\n\r\n");
	for (int i = 0; i < 6000; i++)
		g_string_append(post, "--b\r\n\r\nx\r\n");
	got = filter_case("remove type a", post->str);
	g_assert_cmpint(got.rc, ==, ERR_INVALID);
	filtered_done(&got);
	g_string_truncate(post, 40000);
	got = filter_case("remove type text", post->str);
	g_assert_cmpint(got.rc, ==, ERR_OK);
	g_assert_nonnull(strstr(got.report, " more"));
	filtered_done(&got);
}

/* 2000 parts with names of 4 kB, and rules that try each letter of them */
static void
test_slow(void)
{
	g_autofree char *name = g_strnfill(4000, 'a');
	g_autoptr(GString) rules = g_string_new("remove name *a*a*.exe");
	g_autoptr(GString) post = g_string_new("Content-Type: multipart/mixed; "
					       "boundary=b\r\n\r\n");
	gint64 begun = g_get_monotonic_time();
	struct filtered got;

	for (int i = 0; i < 100; i++)
		g_string_append_printf(rules, ", *a%d*.exe", i);
	for (int i = 0; i < 2000; i++)
		g_string_append_printf(post, "--b\r\nContent-Type: a/b; "
				       "name=%s\r\n\r\nx\r\n", name);
	got = filter_case(rules->str, post->str);
	g_assert_null(got.post);
	filtered_done(&got);
	g_test_message("%.1f s", (double)(g_get_monotonic_time() - begun) /
		       1e6);
	g_assert_cmpint(g_get_monotonic_time() - begun, <,
			60 * G_USEC_PER_SEC);
}

/* --- the rules themselves ----------------------------------------------- */

static void
test_language(void)
{
	static const struct { const char *text, *printed, *wrong; } rules[] = {
		{ " Remove  type image ,text/* ;# no\n\n pass name \"a b\" # x",
		  "Remove type image, text/*; pass name \"a b\"", NULL },
		{ "default remove;", "default remove", NULL },
		{ "", "", NULL },
		{ "remove size>2M and not name *.pdf",
		  "remove size > 2M and not name *.pdf", NULL },
		{ "delete type a", NULL, "rule 1 of content: \"delete\" where "
		  "pass, remove, replace or default is expected" },
		{ "pass type a; remove", NULL, "rule 2 of content does not say "
		  "for what: type, name, holds or size; for all the rest "
		  "write \"default ...\"" },
		{ "remove type", NULL, "rule 1 of content ends where a type "
		  "such as image/png, image or application/x-* is expected" },
		{ "remove type a/b/c", NULL, "rule 1 of content: \"a/b/c\" "
		  "where a type such as image/png, image or application/x-* is "
		  "expected" },
		{ "remove name .", NULL, "rule 1 of content: \".\" where a "
		  "file name such as *.exe is expected" },
		{ "remove name \"a b; default pass", NULL, "rule 1 of "
		  "content has a \" that no other follows" },
		{ "remove size 2M", NULL, "rule 1 of content: \"2M\" where > "
		  "or < is expected" },
		{ "remove size > much", NULL, "rule 1 of content: \"much\" "
		  "where a size such as 400k or 2M is expected" },
		{ "remove type a name b", NULL, "rule 1 of content: \"name\" "
		  "where \"and\", or \";\" before the next rule, is expected" },
		{ "default pass; remove type a", NULL, "rule 2 of content is "
		  "never asked: \"default\" is before it" },
		{ "default pass all", NULL, "rule 1 of content: \"all\" where "
		  "the end of the rule is expected" },
		{ "remove not not type a", NULL, "rule 1 of content: \"not\" "
		  "where type, name, holds or size is expected" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
		struct filter_policy policy = { 0 };
		struct err err = ERR_INIT;
		enum err_code rc = content_parse(rules[i].text, &policy, &err);

		g_assert_cmpint(rc, ==, rules[i].wrong != NULL ? ERR_INVALID :
				ERR_OK);
		g_assert_cmpstr(err.what, ==, rules[i].wrong != NULL ?
				rules[i].wrong : "");
		if (rules[i].printed != NULL) {
			g_autofree char *printed = content_print(
				rules[i].text);

			g_assert_cmpstr(printed, ==, rules[i].printed);
		}
		filter_policy_done(&policy);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "the first rule that matches decides", test_rules },
		{ "one part that is left stands alone", test_collapse },
		{ "names, however they are written", test_names },
		{ "files in a zip archive", test_zip },
		{ "when nothing is left", test_whole },
		{ "or the post is shunted", test_shunt },
		{ "alternatives", test_alternative },
		{ "HTML becomes text where only HTML came", test_html },
		{ "what is signed or encrypted is left alone", test_signed },
		{ "messages in it", test_message },
		{ "reports, digests, related parts", test_containers },
		{ "odd structures", test_odd },
		{ "notes say what was there", test_notes },
		{ "limits", test_limits },
		{ "names are not slow", test_slow },
		{ "rules and what is wrong with them", test_language },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("filter", cases);
}
