/* SPDX-License-Identifier: BSD-2-Clause */

/* Texts below posts: what becomes of the post, and what of the text. */
#include <string.h>

#include <glib/gstdio.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/pending/footer.h"
#include "t/lib/tap.h"

#define LIST "dev@lists.example.org"
#define MEMBER_MARK "%{member.aaaaaaaaaaaaaaaa}"
#define LEAVE_MARK "%{leave.aaaaaaaaaaaaaaaa}"

static const struct marks marks = { .text = {
	[SLOT_MEMBER] = MEMBER_MARK,
	[SLOT_LEAVE] = LEAVE_MARK,
} };

static char *
text_of(const char *template, const char *url, bool *is_ascii)
{
	const struct list_conf conf = { .footer = template,
					.unsubscribe_url = url };

	return footer_text(&conf, LIST, &marks, is_ascii);
}

static void
see_text(const char *template, const char *url, const char *want, bool ascii)
{
	bool is_ascii;
	g_autofree char *text = text_of(template, url, &is_ascii);

	g_assert_cmpstr(text, ==, want);
	g_assert_cmpint(is_ascii, ==, ascii);
}

/* --- the text ----------------------------------------------------------- */

static void
test_template(void)
{
	see_text("", "", "", true);
	see_text("a", "", "a\r\n", true);
	see_text("-- \na  \n\n b", "", "-- \r\na\r\n\r\n b\r\n", true);
	see_text("%{list} %{list}", "", LIST " " LIST "\r\n", true);
	see_text("%{member}!", "", MEMBER_MARK "!\r\n", false);
	see_text("Gr\xc3\xbc\xc3\x9f", "", "Gr\xc3\xbc\xc3\x9f\r\n", false);
	see_text("%{unsubscribe}", "",
		 "mailto:dev-leave@lists.example.org\r\n", true);
	see_text("<%{unsubscribe}>", "https://x/%{token}?y",
		 "<https://x/" LEAVE_MARK "?y>\r\n", true);
	see_text("%{token} %{other} %{", "https://x/%{token}",
		 "%{token} %{other} %{\r\n", true);
	/* What is put in is not a template. */
	see_text("%{unsubscribe}", "https://x/%{member}/%{token}",
		 "https://x/%{member}/" LEAVE_MARK "\r\n", true);
}

static char *
with_longest(const char *text)
{
	g_autofree char *member = g_strnfill(ADDR_MAX, 'm');
	g_autofree char *token = g_strnfill(VERP_TOKEN_LEN, 't');
	g_auto(GStrv) first = g_strsplit(text, MEMBER_MARK, -1);
	g_autofree char *half = g_strjoinv(member, first);
	g_auto(GStrv) second = g_strsplit(half, LEAVE_MARK, -1);

	return g_strjoinv(token, second);
}

/* Without blanks and line ends: what was there, in its order. */
static char *
letters(const char *text)
{
	g_auto(GStrv) words = g_strsplit_set(text, " \r\n", -1);

	return g_strjoinv("", words);
}

static void
see_short_lines(const char *template)
{
	bool is_ascii;
	g_autofree char *text = text_of(template, "https://x/%{token}",
					&is_ascii);
	g_autofree char *longest = with_longest(text);
	g_autofree char *filled = NULL, *got = letters(text), *want = NULL;
	g_auto(GStrv) member = g_strsplit(template, "%{member}", -1);

	g_assert_true(g_utf8_validate(text, -1, NULL));
	g_assert_false(mime_needs_recode(longest, strlen(longest)));
	filled = g_strjoinv(MEMBER_MARK, member);
	want = letters(filled);
	g_assert_cmpstr(got, ==, want);
}

static void
test_long_lines(void)
{
	static const char *const units[] = {
		"x", "x y ", "%{member}", "%{member} ", "%{member}x",
		"\xc3\xbc", "\xf0\x9f\x98\x80", "%{member}\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		GString *template = g_string_new(NULL);

		while (template->len < 3900)
			g_string_append(template, units[i]);
		see_short_lines(template->str);
		g_string_free(template, TRUE);
	}
}

/* --- ways --------------------------------------------------------------- */

struct row {
	const char *head, *body;
	bool is_ascii;
	enum append_way way;
	const char *new_head, *new_body;	/* NULL: the same; body:
						 * without the footer */
};

#define TEXT "footer\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"
#define SIGNED "Content-Type: multipart/signed; boundary=b; " \
	"protocol=\"application/pgp-signature\"\r\n"

static const struct row rows[] = {
	{ "From: a@b\r\n", "hi\r\n", true, APPEND_LINES, NULL, NULL },
	{ "From: a@b\r\n", "hi", true, APPEND_LINES, NULL, "hi\r\n" },
	{ "From: a@b\r\n", "", true, APPEND_LINES, NULL, NULL },
	{ "From: a@b\r\n", "hi\n\n", true, APPEND_LINES, NULL, NULL },
	{ "From: a@b\r\n", "hi\r\n", false, APPEND_LINES, "From: a@b\r\n"
	  "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	  "Content-Transfer-Encoding: 8bit\r\n", NULL },
	{ "Content-type: TEXT/Plain; format=flowed; charset=\"US-ASCII\"\r\n"
	  "Content-Transfer-Encoding: 7BIT\r\nMIME-Version: 1.0\r\n",
	  "hi\r\n", false, APPEND_LINES,
	  "Content-Type: TEXT/Plain; format=flowed; charset=utf-8\r\n"
	  "Content-Transfer-Encoding: 8bit\r\nMIME-Version: 1.0\r\n", NULL },
	{ "Content-Type: text/plain; charset=UTF-8\r\nMIME-Version: 1.0\r\n"
	  "Content-Transfer-Encoding: 8bit\r\n", "\xc3\xbc\r\n", false,
	  APPEND_LINES, NULL, NULL },
	{ "Content-MD5: x\r\nLines: 1\r\nContent-Length: 3\r\nTo: a\r\n",
	  "hi\r\n", true, APPEND_LINES, "To: a\r\n", NULL },
	/* what would have to be said for us */
	{ "From: a@b\r\n", "\xc3\xbc\r\n", true, APPEND_AROUND, NULL, NULL },
	{ "From: a@b\r\n", "\033$B\r\n", true, APPEND_AROUND, NULL, NULL },
	{ "Content-Type: text/plain; charset=iso-8859-1\r\n", "hi\r\n", true,
	  APPEND_AROUND, NULL, NULL },
	{ "Content-Transfer-Encoding: base64\r\n", "aGkK\r\n", true,
	  APPEND_AROUND, NULL, NULL },
	{ "Content-Transfer-Encoding: quoted-printable\r\n", "hi=\r\n", true,
	  APPEND_AROUND, NULL, NULL },
	{ "Content-Type: text/html\r\n", "<p>\r\n", true, APPEND_AROUND, NULL,
	  NULL },
	{ "Content-Type: text/plainer\r\n", "hi\r\n", true, APPEND_AROUND,
	  NULL, NULL },
	{ "Content-Type: text\r\n", "hi\r\n", true, APPEND_AROUND, NULL,
	  NULL },
	{ "Content-Type: text/plain\r\nContent-Type: text/html\r\n", "hi\r\n",
	  true, APPEND_AROUND, NULL, NULL },
	{ "Content-Disposition: attachment; filename=x\r\n", "hi\r\n", true,
	  APPEND_AROUND, NULL, NULL },
	/* multiparts */
	{ MIXED, "--b\r\n\r\nhi\r\n--b--\r\nend\r\n", true, APPEND_PART, NULL,
	  NULL },
	{ MIXED, "pre\n--b \n\nhi\n--b-- \n", true, APPEND_PART, NULL, NULL },
	{ MIXED, "--b\r\n\r\nhi\r\n--b--", true, APPEND_PART, NULL, NULL },
	{ MIXED, "--b\r\n\r\nhi\r\n--b--\r\n", false, APPEND_PART,
	  MIXED "Content-Transfer-Encoding: 8bit\r\n", NULL },
	{ MIXED, "--b\r\n\r\nhi\r\n", true, APPEND_AROUND, NULL, NULL },
	{ MIXED, "--b--\r\n", true, APPEND_AROUND, NULL, NULL },
	{ MIXED, "--b\r\n\r\n--b--\r\n--b\r\n\r\n--b--\r\n", true,
	  APPEND_AROUND, NULL, NULL },
	{ "Content-Type: multipart/mixed\r\n", "--b\r\n\r\n--b--\r\n", true,
	  APPEND_AROUND, NULL, NULL },
	{ "Content-Type: multipart/alternative; boundary=b\r\n",
	  "--b\r\n\r\nhi\r\n--b--\r\n", true, APPEND_AROUND, NULL, NULL },
	{ SIGNED, "--b\r\n\r\nhi\r\n--b\r\n\r\nx\r\n--b--\r\n", true,
	  APPEND_AROUND, NULL, NULL },
	{ "Content-Type: multipart/encrypted; boundary=b\r\n",
	  "--b\r\n\r\nhi\r\n--b\r\n\r\nx\r\n--b--\r\n", true, APPEND_AROUND,
	  NULL, NULL },
	{ "Content-Type: message/rfc822\r\n", "From: x\r\n\r\nhi\r\n", true,
	  APPEND_AROUND, NULL, NULL },
};

static char *
expected_body(const struct row *row)
{
	const char *body = row->new_body != NULL ? row->new_body : row->body;

	return g_strconcat(body, TEXT, NULL);
}

/* The part stands in front of the last delimiter; nothing else is new. */
static void
see_part(const struct row *row, const char *got)
{
	g_autofree char *part = g_strdup_printf("--b\r\nContent-Type: "
		"text/plain; charset=\"utf-8\"\r\nContent-Disposition: "
		"inline\r\nContent-Transfer-Encoding: %s\r\n\r\n" TEXT
		"--b--", row->is_ascii ? "7bit" : "8bit");
	g_auto(GStrv) halves = g_strsplit(got, part, -1);
	g_autofree char *rest = NULL;

	g_assert_cmpuint(g_strv_length(halves), ==, 2);
	rest = g_strconcat(halves[0], "--b--", halves[1], NULL);
	g_assert_cmpstr(rest, ==, row->body);
}

/* All that was said of the content, and the content, are one part. */
static void
see_around(const struct row *row, const struct header *header,
	   const char *got)
{
	g_autofree char *type = header_get(header, "Content-Type");
	g_autofree char *boundary = mime_param(type, "boundary");
	bool is_content = g_ascii_strncasecmp(row->head, "Content-", 8) == 0;
	g_autofree char *start = g_strdup_printf("--%s\r\n%s\r\n%s\r\n--%s\r\n"
		"Content-Type: text/plain;", boundary,
		is_content ? row->head : "", row->body, boundary);
	g_autofree char *end = g_strdup_printf("\r\n\r\n" TEXT "--%s--\r\n",
					       boundary);

	g_assert_true(g_str_has_prefix(type, "multipart/mixed;"));
	g_assert_cmpint(header_find(header, "MIME-Version", 0), >=, 0);
	g_assert_true(g_str_has_prefix(got, start));
	g_assert_true(g_str_has_suffix(got, end));
}

static void
see_row(const struct row *row)
{
	g_autoptr(GString) head = g_string_new(NULL);
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *body = expected_body(row);
	struct header header;
	size_t body_at;

	g_assert_true(header_parse(row->head, strlen(row->head), &header,
				   &body_at));
	g_assert_cmpint(mime_append(&header, row->body, strlen(row->body),
				    TEXT, row->is_ascii, out), ==, row->way);
	header_write(&header, head);
	if (row->way == APPEND_AROUND)
		see_around(row, &header, out->str);
	else
		g_assert_cmpstr(head->str, ==, row->new_head != NULL ?
				row->new_head : row->head);
	if (row->way == APPEND_LINES)
		g_assert_cmpstr(out->str, ==, body);
	if (row->way == APPEND_PART)
		see_part(row, out->str);
	header_done(&header);
}

static void
test_ways(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		see_row(&rows[i]);
}

static void
see_lines(const char *body, const char *text, const char *want)
{
	static const char head[] = "Content-Type: text/plain; "
		"format=flowed\r\n";
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;
	size_t body_at;

	g_assert_true(header_parse(head, strlen(head), &header, &body_at));
	g_assert_cmpint(mime_append(&header, body, strlen(body), text, true,
				    out), ==, APPEND_LINES);
	g_assert_cmpstr(out->str, ==, want);
	header_done(&header);
}

static void
test_flowed(void)
{
	see_lines("hi\r\n", "a\r\n", "hi\r\na\r\n");
	see_lines("hi \r\n", "a\r\n", "hi \r\n\r\na\r\n");
	see_lines("hi\r\n", "-- \r\n>a\r\n b\r\nFrom c\r\n",
		  "hi\r\n-- \r\n >a\r\n  b\r\n From c\r\n");
}

/* A boundary that would stand in the text, whoever has chosen it. */
static void
test_boundary(void)
{
	static const char head[] = "Content-Type: multipart/mixed; "
		"boundary=\"__\"\r\n";
	static const char body[] = "--__\r\n\r\nhi\r\n--__--\r\n";
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;
	size_t body_at;

	g_assert_true(header_parse(head, strlen(head), &header, &body_at));
	g_assert_cmpint(mime_append(&header, body, strlen(body),
				    "--__\r\nfooter\r\n", true, out), ==,
			APPEND_AROUND);
	header_done(&header);
}

/* --- real posts --------------------------------------------------------- */

struct work {
	char *dir;
	GPtrArray *args;	/* of footer-oracle.py */
	const char *text;
	bool is_ascii;
};

static GString *
crlf(const char *bytes, size_t len)
{
	GString *out = g_string_sized_new(len + len / 16);

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, bytes[i]);
	}
	return out;
}

static void
put(struct work *work, const char *name, const char *kind, GString *bytes)
{
	char *path = g_strdup_printf("%s/%s.%s.%d", work->dir, name, kind,
				     work->is_ascii);

	g_assert_true(g_file_set_contents(path, bytes->str,
					  (gssize)bytes->len, NULL));
	g_ptr_array_add(work->args, path);
}

/* "From ann@example.net Mon ..." comes from a mailbox and not by SMTP. */
static size_t
mailbox_line(const char *bytes, size_t len)
{
	const char *lf = memchr(bytes, '\n', len);

	return len > 5 && lf != NULL && (memcmp(bytes, "From ", 5) == 0 ||
					 memcmp(bytes, ">From", 5) == 0) ?
		(size_t)(lf - bytes) + 1 : 0;
}

static void
one_post(struct work *work, const char *name, const char *bytes, size_t len)
{
	size_t skip = mailbox_line(bytes, len);
	g_autoptr(GString) before = crlf(bytes + skip, len - skip);
	g_autoptr(GString) after = NULL, made = g_string_new(NULL);
	g_autoptr(GString) below = g_string_new(NULL);
	struct header header;
	size_t body_at;

	g_assert_true(header_parse(before->str, before->len, &header,
				   &body_at));
	(void) mime_append(&header, before->str + body_at,
			   before->len - body_at, work->text, work->is_ascii,
			   below);
	header_write(&header, made);
	header_done(&header);
	g_string_append(made, "\r\n");
	g_string_append_len(made, below->str, (gssize)below->len);
	after = crlf(made->str, made->len);
	put(work, name, "before", before);
	put(work, name, "after", after);
}

static void
ask_oracle(const struct work *work)
{
	g_autofree char *python = g_find_program_in_path("python3");
	g_autofree char *said = NULL;
	int status = 0;

	if (python == NULL) {
		g_test_message("no python3: not compared");
		return;
	}
	g_ptr_array_insert(work->args, 0, g_steal_pointer(&python));
	g_ptr_array_add(work->args, NULL);
	g_assert_true(g_spawn_sync(NULL, (char **)work->args->pdata, NULL,
				   G_SPAWN_DEFAULT, NULL, NULL, &said, NULL,
				   &status, NULL));
	g_assert_cmpstr(said, ==, "");
	g_assert_cmpint(status, ==, 0);
}

static void
all_posts(const char *dir, const char *src, const char *text, bool is_ascii)
{
	g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
	g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
	struct work work = {
		.dir = g_dir_make_tmp("muster-footer-XXXXXX", NULL),
		.args = args, .text = text, .is_ascii = is_ascii,
	};
	g_autofree char *footer = g_build_filename(work.dir, "footer", NULL);
	const char *name;

	g_assert_nonnull(files);
	g_assert_true(g_file_set_contents(footer, text, -1, NULL));
	g_ptr_array_add(args, g_build_filename(src, "t", "unit",
					       "footer-oracle.py", NULL));
	g_ptr_array_add(args, g_strdup(footer));
	while ((name = g_dir_read_name(files)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_autofree char *bytes = NULL;
		gsize len;

		g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
		one_post(&work, name, bytes, len);
	}
	ask_oracle(&work);
	for (guint i = 3; i + 1 < args->len; i++)
		(void) g_unlink(g_ptr_array_index(args, i));
	(void) g_unlink(footer);
	g_assert_cmpint(g_rmdir(work.dir), ==, 0);
	g_free(work.dir);
}

static void
test_posts(void)
{
	static const char *const dirs[] = { "mail", "autoreply", "bounces" };
	const char *src = g_getenv("MUSTER_SRC");

	if (src == NULL)
		src = ".";
	for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autofree char *dir = g_build_filename(src, "..", "shared",
			"corpus", dirs[i], "eml", NULL);

		if (!g_file_test(dir, G_FILE_TEST_IS_DIR)) {
			g_test_skip("no corpus");
			return;
		}
		all_posts(dir, src, "_____\r\ndev\r\n", true);
		all_posts(dir, src, "-- \r\nGr\xc3\xbc\xc3\x9f" "e\r\n",
			  false);
	}
}

static const struct tap_case cases[] = {
	{ "what a template says", test_template },
	{ "lines keep to 998 octets whatever goes in", test_long_lines },
	{ "lines, a part, or around it", test_ways },
	{ "flowed text", test_flowed },
	{ "a boundary that is in the text", test_boundary },
	{ "another program finds the post and the footer", test_posts },
	{ NULL, NULL }
};

int
main(void)
{
	mime_init();
	return tap_run("footer", cases);
}
