/* SPDX-License-Identifier: BSD-2-Clause */

/* Texts in the lines of a post: in its charset, as it is encoded. */
#include <string.h>

#include "core/mail/mime.h"
#include "core/mail/part.h"
#include "t/lib/tap.h"

#define OPEN_MARK "%{member.aaaaaaaaaaaaaaaa}"
#define OPEN_QP "%{memberqp.aaaaaaaaaaaaaaaa}"
#define SHUT_MARK "%{leave.aaaaaaaaaaaaaaaa}"

static const struct mime_mark marks[] = {
	{ OPEN_MARK, OPEN_QP, false },
	{ SHUT_MARK, SHUT_MARK, true },
};

enum encoding { NONE, QP, BASE64, ENCODINGS };
static const char *const names[ENCODINGS] = {
	"8bit", "quoted-printable", "base64",
};

/* A post as it was, and what became of it */
struct made {
	GString *body;
	struct header header;
	enum append_way way;
	char *charset, *encoding;
};

static void
add(struct made *made, const char *head, const char *body, size_t len,
    const char *above, const char *below)
{
	const struct mime_texts texts = { above, below, marks,
					  G_N_ELEMENTS(marks) };
	g_autofree char *type = NULL;
	size_t body_at;

	made->body = g_string_new(NULL);
	g_assert_true(header_parse(head, strlen(head), &made->header,
				   &body_at));
	made->way = mime_add(&made->header, body, len, &texts, made->body);
	type = header_get(&made->header, "Content-Type");
	made->charset = type != NULL ? mime_param(type, "charset") : NULL;
	made->encoding = header_get(&made->header,
				    "Content-Transfer-Encoding");
}

static void
made_done(struct made *made)
{
	header_done(&made->header);
	g_string_free(made->body, TRUE);
	g_free(made->charset);
	g_free(made->encoding);
}

/* --- codes, written down once more -------------------------------------- */

static GString *
encode(enum encoding encoding, const char *bytes, size_t len)
{
	GString *out = g_string_new(NULL);
	g_autofree char *code = NULL;

	if (encoding == NONE)
		return g_string_append_len(out, bytes, (gssize)len);
	if (encoding == QP) {
		part_put_qp(bytes, len, out);
		return out;
	}
	code = g_base64_encode((const guchar *)bytes, len);
	for (size_t at = 0; code[at] != '\0'; at += strnlen(code + at, 60))
		g_string_append_printf(out, "%.60s\r\n", code + at);
	return out;
}

static GString *
decode_qp(const char *p)
{
	GString *out = g_string_new(NULL);

	for (; *p != '\0'; p++) {
		if (*p != '=') {
			g_string_append_c(out, *p);
		} else if (p[1] == '\r') {
			p += 2;
		} else {
			g_assert_true(g_ascii_isxdigit(p[1]) &&
				      g_ascii_isxdigit(p[2]));
			g_string_append_c(out, (char)(
				g_ascii_xdigit_value(p[1]) * 16 +
				g_ascii_xdigit_value(p[2])));
			p += 2;
		}
	}
	return out;
}

static GString *
decode(const struct made *made)
{
	const char *encoding = made->encoding;
	g_autofree guchar *bytes = NULL;
	gsize len;

	if (g_strcmp0(encoding, "quoted-printable") == 0)
		return decode_qp(made->body->str);
	if (g_strcmp0(encoding, "base64") != 0)
		return g_string_new_len(made->body->str,
					(gssize)made->body->len);
	bytes = g_base64_decode(made->body->str, &len);
	return g_string_new_len((const char *)bytes, (gssize)len);
}

static void
see_lines(const struct made *made)
{
	const bool is_coded = g_strcmp0(made->encoding, "8bit") != 0 &&
		g_strcmp0(made->encoding, "7bit") != 0;
	struct span rest = { made->body->str, made->body->len };

	while (rest.len > 0)
		g_assert_cmpuint(span_text(span_line(&rest)), <=,
				 is_coded ? 76 : 998);
}

/* --- charsets ----------------------------------------------------------- */

struct charset_case {
	const char *name;
	const char *author;	/* letters that it has */
	const char *stays;	/* with these it stays what it is */
};

static const struct charset_case charsets[] = {
	{ "utf-8", "Grüße, Ελλάδα, 漢字 😀", "Ω 😀" },
	{ "iso-8859-1", "Grüße à tous", "Größe, señor" },
	{ "ISO-8859-2", "Zażółć gęślą jaźń", "Łódź" },
	{ "iso-8859-5", "Привет", "Добрый день" },
	{ "iso-8859-7", "Καλημέρα", "Γειά" },
	{ "iso-8859-15", "10 € œuvre", "€ žlutý" },
	{ "windows-1250", "Příliš žluťoučký", "kůň" },
	{ "windows-1251", "Привет, “мир”", "Список" },
	{ "windows-1252", "“Gänsefüßchen” – €", "„so“" },
	{ "cp1254", "Türkçe ışık", "ğ" },
	{ "koi8-r", "Привет", "Список рассылки" },
	{ "koi8-u", "Київ, її", "Їжак" },
	{ "iso-2022-jp", "こんにちは、世界", "メーリングリスト" },
	{ "shift_jis", "ソ表能 こんにちは", "予定表ソ" },
	{ "euc-jp", "こんにちは", "一覧" },
	{ "gb2312", "你好", "邮件列表" },
	{ "gbk", "你好，世界", "邮件列表" },
	{ "gb18030", "你好 😀", "邮件 😀" },
	{ "big5", "功許蓋 你好", "郵件清單" },
	{ "euc-kr", "안녕하세요", "목록" },
	{ "euc-tw", "你好", "郵件" },
	{ "tis-620", "สวัสดี", "ครับ" },
};

static const char *
ending(int which)
{
	static const char *const endings[] = { "", "\r\n", "\n", "\r\n\r\n" };

	return endings[which];
}

/* above, an end of line if there was none, and below: nothing else is new. */
static void
see_text(const struct made *made, const char *charset, const char *above,
	 const char *author, const char *below)
{
	g_autoptr(GString) got = decode(made);
	g_autofree char *text = g_convert(got->str, (gssize)got->len, "UTF-8",
					  charset, NULL, NULL, NULL);
	g_autofree char *want = g_strconcat(above, author,
		below[0] == '\0' || g_str_has_suffix(author, "\n") ? "" :
		"\r\n", below, NULL);
	g_auto(GStrv) got_lines = NULL, want_lines = NULL;

	g_assert_nonnull(text);
	got_lines = g_strsplit(text, "\r\n", -1);
	want_lines = g_strsplit(want, "\r\n", -1);
	if (made->encoding != NULL &&
	    strcmp(made->encoding, "quoted-printable") == 0) {
		g_autofree char *a = g_strjoinv("\n", got_lines);
		g_autofree char *b = g_strjoinv("\n", want_lines);

		g_assert_cmpstr(a, ==, b);
	} else {
		g_assert_cmpstr(text, ==, want);
	}
	see_lines(made);
}

static void
one_text(const struct charset_case *one, enum encoding encoding, int end,
	 const char *above, const char *below, const char *charset)
{
	g_autofree char *author = g_strconcat(one->author, "\r\n",
					      one->author, ending(end), NULL);
	g_autofree char *head = g_strdup_printf("MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=\"%s\"\r\n"
		"Content-Transfer-Encoding: %s\r\n", one->name,
		names[encoding]);
	g_autofree char *bytes = NULL;
	g_autoptr(GString) body = NULL;
	struct made made;
	gsize len;

	bytes = g_convert(author, -1, one->name, "UTF-8", NULL, &len, NULL);
	g_assert_nonnull(bytes);
	body = encode(encoding, bytes, len);
	add(&made, head, body->str, body->len, above, below);
	g_assert_cmpint(made.way, ==, APPEND_LINES);
	g_assert_cmpstr(made.encoding, ==, names[encoding]);
	g_assert_cmpint(g_ascii_strcasecmp(made.charset, charset), ==, 0);
	see_text(&made, charset, above, author, below);
	/* what is not made anew keeps its bytes */
	if (g_ascii_strcasecmp(charset, one->name) == 0 &&
	    encoding != BASE64)
		g_assert_nonnull(strstr(made.body->str, body->str));
	made_done(&made);
}

static void
each_way(const struct charset_case *one, const char *text,
	 const char *charset)
{
	g_autofree char *line = g_strconcat(text, "\r\n", NULL);

	for (int encoding = NONE; encoding < ENCODINGS; encoding++)
		for (int end = 0; end < 4; end++) {
			one_text(one, encoding, end, "", line, charset);
			one_text(one, encoding, end, line, "", charset);
			one_text(one, encoding, end, line, line, charset);
		}
}

static void
test_same_charset(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(charsets); i++) {
		each_way(&charsets[i], charsets[i].stays, charsets[i].name);
		each_way(&charsets[i], "_____", charsets[i].name);
	}
}

/* Letters that it lacks: all of it becomes UTF-8. */
static void
test_other_charset(void)
{
	for (size_t i = 1; i < G_N_ELEMENTS(charsets); i++)
		if (strcmp(charsets[i].name, "gb18030") != 0)
			each_way(&charsets[i], "Ελλάς ẞ 😀", "utf-8");
}

/* --- what must stay as it is -------------------------------------------- */

struct kept { const char *head, *body, *text; enum append_way way; };

#define PLAIN(charset, encoding) "MIME-Version: 1.0\r\nContent-Type: " \
	"text/plain; charset=" charset "\r\nContent-Transfer-Encoding: " \
	encoding "\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"
#define PATCH "diff --git a/f b/f\r\n--- a/f\r\n+++ b/f\r\n" \
	"@@ -1 +1 @@\r\n-\xe4\r\n+\xf6\r\n-- \r\n2.39\r\n"
#define SIGNED "-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n\xe4\r\n" \
	"-----BEGIN PGP SIGNATURE-----\r\n\r\n-----END PGP SIGNATURE-----\r\n"

static const struct kept kept[] = {
	/* its charset has the letters */
	{ PLAIN("iso-8859-1", "8bit"), PATCH, "ö\r\n", APPEND_LINES },
	{ PLAIN("iso-8859-1", "8bit"), SIGNED, "ö\r\n", APPEND_LINES },
	/* and does not: these are not for being converted */
	{ PLAIN("iso-8859-1", "8bit"), PATCH, "Ω\r\n", APPEND_AROUND },
	{ PLAIN("iso-8859-1", "8bit"), SIGNED, "Ω\r\n", APPEND_AROUND },
	{ PLAIN("iso-8859-1", "8bit"), "=ybegin x\r\n\xe4\r\n", "Ω\r\n",
	  APPEND_AROUND },
	/* no letters of it */
	{ PLAIN("windows-1252", "8bit"), "\x81\r\n", "Ω\r\n", APPEND_AROUND },
	{ PLAIN("windows-1252", "8bit"), "\x81\r\n", "a\r\n", APPEND_LINES },
	{ PLAIN("us-ascii", "8bit"), "\xe4\r\n", "Ω\r\n", APPEND_AROUND },
	{ PLAIN("us-ascii", "8bit"), "\xe4\r\n", "a\r\n", APPEND_LINES },
	{ PLAIN("us-ascii", "7bit"), "\033$B\r\n", "a\r\n", APPEND_AROUND },
	{ PLAIN("us-ascii", "quoted-printable"), "=1B$B\r\n", "a\r\n",
	  APPEND_AROUND },
	{ PLAIN("x-unheard-of", "8bit"), "\xe4\r\n", "a\r\n", APPEND_AROUND },
	{ PLAIN("utf-8//translit", "8bit"), "\xe4\r\n", "a\r\n",
	  APPEND_AROUND },
	{ PLAIN("utf-7", "7bit"), "a+-b\r\n", "a\r\n", APPEND_LINES },
	{ PLAIN("utf-8", "base64"), "YWJj\r\nZGVm\r\n-- \r\nlist\r\n",
	  "a\r\n", APPEND_AROUND },
	{ PLAIN("utf-8", "x-uuencode"), "begin\r\n", "a\r\n", APPEND_AROUND },
};

static void
see_kept(const struct kept *one)
{
	struct made made;

	add(&made, one->head, one->body, strlen(one->body), "", one->text);
	g_assert_cmpint(made.way, ==, one->way);
	if (one->way == APPEND_AROUND)
		g_assert_nonnull(strstr(made.body->str, one->body));
	if (one->way == APPEND_LINES && strstr(one->body, "\xe4") != NULL)
		g_assert_true(g_str_has_prefix(made.body->str, one->body));
	made_done(&made);
}

static void
test_kept(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		see_kept(&kept[i]);
}

/* What stands above it would be in the commit's message. */
static void
test_patch(void)
{
	static const char *const heads[] = {
		PLAIN("utf-8", "8bit"), PLAIN("utf-8", "base64"), MIXED,
	};
	static const char patch[] = "why\r\n---\r\ndiff --git a/f b/f\r\n"
		"--- a/f\r\n+++ b/f\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n";
	g_autofree char *code = g_base64_encode((const guchar *)patch,
						sizeof(patch) - 1);
	g_autofree char *parts = g_strconcat("--b\r\n\r\n", patch,
					     "\r\n--b--\r\n", NULL);
	const char *const bodies[] = { patch, code, parts };

	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		g_autoptr(GString) text = NULL;
		struct made made;

		add(&made, heads[i], bodies[i], strlen(bodies[i]),
		    "above\r\n", "below\r\n");
		text = decode(&made);
		g_assert_cmpint(made.way, ==, i < 2 ? APPEND_LINES :
				APPEND_PART);
		g_assert_true(g_str_has_prefix(text->str, i < 2 ? "why" :
					       "--b\r\n\r\nwhy"));
		g_assert_nonnull(strstr(text->str,
					"above\r\nbelow\r\n"));
		made_done(&made);
	}
}

/* --- marks -------------------------------------------------------------- */

struct marked {
	const char *head, *body, *text;
	const char *charset, *encoding, *found;	/* in the new body */
};

static const struct marked marked[] = {
	{ PLAIN("utf-8", "8bit"), "a\r\n", "x " OPEN_MARK "!\r\n",
	  "utf-8", "8bit", "a\r\nx " OPEN_MARK "!\r\n" },
	{ PLAIN("utf-8", "quoted-printable"), "a\r\n",
	  "=x " OPEN_MARK "!\r\n" SHUT_MARK "\r\n", "utf-8",
	  "quoted-printable", "a\r\n=3Dx=20=\r\n" OPEN_QP "=\r\n!\r\n"
	  SHUT_MARK "\r\n" },
	{ PLAIN("iso-8859-1", "quoted-printable"), "=E4\r\n",
	  SHUT_MARK "\r\n", "iso-8859-1", "quoted-printable", "=E4\r\n"
	  SHUT_MARK "\r\n" },
	{ PLAIN("iso-8859-1", "quoted-printable"), "=E4\r\n",
	  OPEN_MARK "\r\n", "utf-8", "quoted-printable", "=C3=A4\r\n"
	  OPEN_QP "\r\n" },
	{ PLAIN("iso-8859-1", "8bit"), "\xe4\r\n", OPEN_MARK "\r\n", "utf-8",
	  "8bit", "ä\r\n" OPEN_MARK "\r\n" },
	{ PLAIN("iso-8859-1", "8bit"), "\xe4\r\n", SHUT_MARK "\r\n",
	  "iso-8859-1", "8bit", "\xe4\r\n" SHUT_MARK "\r\n" },
	/* nobody would find them in base64 */
	{ PLAIN("utf-8", "base64"), "w6QK\r\n", "a " SHUT_MARK "\r\n",
	  "utf-8", "quoted-printable", "=C3=A4\r\na=20=\r\n" SHUT_MARK
	  "\r\n" },
	{ PLAIN("us-ascii", "7bit"), "a\r\n", OPEN_MARK "\r\n", "utf-8",
	  "8bit", "a\r\n" OPEN_MARK "\r\n" },
};

static void
test_marks(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(marked); i++) {
		const struct marked *one = &marked[i];
		struct made made;

		add(&made, one->head, one->body, strlen(one->body), "",
		    one->text);
		g_assert_cmpint(made.way, ==, APPEND_LINES);
		g_assert_cmpstr(made.charset, ==, one->charset);
		g_assert_cmpstr(made.encoding, ==, one->encoding);
		g_assert_cmpstr(made.body->str, ==, one->found);
		made_done(&made);
	}
}

/* --- ends of lines, flowed ---------------------------------------------- */

struct flowed { const char *encoding, *body, *below, *want; };

static const struct flowed flowed[] = {
	{ "7bit", "hi\r\n", "a\r\n", "hi\r\na\r\n" },
	{ "7bit", "hi \r\n", "a\r\n", "hi \r\n\r\na\r\n" },
	{ "7bit", "hi ", "a\r\n", "hi \r\n\r\na\r\n" },
	{ "7bit", "hi\r\n", "-- \r\n>a\r\n b\r\nFrom c\r\n",
	  "hi\r\n-- \r\n >a\r\n  b\r\n From c\r\n" },
	{ "quoted-printable", "hi=20\r\n", "a\r\n", "hi=20\r\n\r\na\r\n" },
	{ "quoted-printable", "hi =\r\n", "a\r\n", "hi =\r\n\r\n\r\na\r\n" },
	{ "quoted-printable", "hi\r\n", ">a\r\n", "hi\r\n >a\r\n" },
	/* "hi \r\n", "hi\r\n" */
	{ "base64", "aGkgDQo=\r\n", "a\r\n", "aGkgDQoNCmENCg==\r\n" },
	{ "base64", "aGkNCg==\r\n", "a\r\n", "aGkNCmENCg==\r\n" },
	{ "base64", "aGkg\r\n", "a\r\n", "aGkgDQoNCmENCg==\r\n" },
	{ "base64", "", "a\r\n", "YQ0K\r\n" },
};

static void
test_flowed(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(flowed); i++) {
		const struct flowed *one = &flowed[i];
		g_autofree char *head = g_strdup_printf("MIME-Version: 1.0"
			"\r\nContent-Type: text/plain; charset=utf-8; "
			"format=flowed\r\nContent-Transfer-Encoding: %s\r\n",
			one->encoding);
		struct made made;

		add(&made, head, one->body, strlen(one->body), "",
		    one->below);
		g_assert_cmpint(made.way, ==, APPEND_LINES);
		g_assert_cmpstr(made.body->str, ==, one->want);
		made_done(&made);
	}
}

/* A last line that goes on with the next one does not go on with ours. */
static void
test_soft_ends(void)
{
	static const char *const bodies[] = {
		"hi=", "hi=\r\n", "hi=\n", "hi= \r\n", "hi=\r\n=\r\n", "hi",
		"hi\r\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		struct made made;

		add(&made, PLAIN("utf-8", "quoted-printable"), bodies[i],
		    strlen(bodies[i]), "", "a\r\n");
		g_assert_true(g_str_has_prefix(made.body->str, bodies[i]));
		g_assert_true(g_str_has_suffix(made.body->str, "\r\na\r\n"));
		g_assert_false(g_str_has_suffix(made.body->str,
						"=\r\na\r\n"));
		made_done(&made);
	}
}

/* Only the last letters of base64 are others, however long it is. */
static void
test_base64_tail(void)
{
	for (size_t len = 0; len < 400; len++) {
		g_autofree char *text = g_strnfill(len, 'x');
		g_autofree char *want = g_strconcat(text, len > 0 ? "\r\n" :
						    "", "below\r\n", NULL);
		g_autoptr(GString) code = encode(BASE64, text, len);
		g_autoptr(GString) got = NULL;
		struct made made;
		size_t same = 0;

		add(&made, PLAIN("utf-8", "base64"), code->str, code->len,
		    "", "below\r\n");
		got = decode(&made);
		g_assert_cmpstr(got->str, ==, want);
		see_lines(&made);
		while (same < code->len &&
		       code->str[same] == made.body->str[same])
			same++;
		g_assert_cmpuint(same + 14, >=, code->len);
		made_done(&made);
	}
}

/* What else a type says stays. */
static void
test_types(void)
{
	static const char *const types[][2] = {
		{ "text/plain; charset=us-ascii; name=\"a; charset=b\"; x=y",
		  "text/plain; charset=utf-8; name=\"a; charset=b\"; x=y" },
		{ "text/plain;format=flowed ;delsp=yes",
		  "text/plain; format=flowed; delsp=yes; charset=utf-8" },
		{ "Text/Plain ; charset*0=us-; charset*1=ascii",
		  "Text/Plain; charset=utf-8" },
		{ "text/plain; format=flowed; name=\"a",
		  "text/plain; charset=utf-8; format=flowed" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autofree char *head = g_strdup_printf("Content-Type: %s\r\n",
							types[i][0]);
		g_autofree char *got = NULL;
		struct made made;

		add(&made, head, "a\r\n", 3, "", "\303\274\r\n");
		got = header_get(&made.header, "Content-Type");
		g_assert_cmpstr(got, ==, types[i][1]);
		made_done(&made);
	}
}

/* GMime takes all memory for it. */
static void
test_odd_type(void)
{
	g_autofree char *name = g_strnfill(97, '\x91');
	g_autofree char *head = g_strconcat("Content-Type: text/plain; x",
					    name, "=y\r\n", NULL);
	struct made made;

	add(&made, head, "a\r\n", 3, "", "\303\274\r\n");
	g_assert_cmpstr(made.body->str, ==, "a\r\n\303\274\r\n");
	made_done(&made);
}

static const struct tap_case cases[] = {
	{ "in the charset and encoding of the post", test_same_charset },
	{ "all in UTF-8 for letters it lacks", test_other_charset },
	{ "what must stay as it is", test_kept },
	{ "nothing above a patch", test_patch },
	{ "marks can be found", test_marks },
	{ "flowed text", test_flowed },
	{ "soft line ends", test_soft_ends },
	{ "the type keeps its parameters", test_types },
	{ "a type that no library can write", test_odd_type },
	{ "the end of base64", test_base64_tail },
	{ NULL, NULL }
};

int
main(void)
{
	mime_init();
	return tap_run("texts", cases);
}
