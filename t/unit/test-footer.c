/* SPDX-License-Identifier: BSD-2-Clause */

/* Texts below posts: what becomes of the post, and what of the text. */
#include <string.h>

#include <glib/gstdio.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/pending/footer.h"
#include "t/lib/tap.h"

#define LIST "dev@lists.example.org"
#define LETTERS "Gr\303\274\303\237e\r\n"
#define MEMBER_MARK "%{member.aaaaaaaaaaaaaaaa}"
#define LEAVE_MARK "%{leave.aaaaaaaaaaaaaaaa}"

static const struct marks marks = { .text = {
	[SLOT_MEMBER] = MEMBER_MARK,
	[SLOT_LEAVE] = LEAVE_MARK,
} };

static char *
text_of(const char *template, const char *url, const struct header *header,
	char *(*make)(const struct text_source *))
{
	const struct list_conf conf = { .above = template, .below = template,
					.description = "Gr\303\274\303\237e",
					.unsubscribe_url = url };
	const struct text_source source = { &conf, LIST, &marks, header };

	return make(&source);
}

static void
see_text(const char *template, const char *url, const char *want)
{
	struct header header;
	size_t body_at;
	g_autofree char *text = NULL;

	g_assert_true(header_parse("", 0, &header, &body_at));
	text = text_of(template, url, &header, text_below);
	g_assert_cmpstr(text, ==, want);
	header_done(&header);
}

/* --- the text ----------------------------------------------------------- */

static void
test_template(void)
{
	see_text("", "", "");
	see_text("a", "", "a\r\n");
	see_text("-- \na  \n\n b", "", "-- \r\na\r\n\r\n b\r\n");
	see_text("%{list} %{list.address}", "", LIST " " LIST "\r\n");
	see_text("%{list.name} %{list.domain}", "",
		 "dev lists.example.org\r\n");
	see_text("%{list.description}", "", LETTERS);
	see_text("%{list.request} %{list.owner}", "",
		 "dev-request@lists.example.org "
		 "dev-owner@lists.example.org\r\n");
	see_text("%{list.join} %{list.leave}", "",
		 "dev-join@lists.example.org dev-leave@lists.example.org\r\n");
	see_text("%{member}!", "", MEMBER_MARK "!\r\n");
	see_text("%{unsubscribe}", "",
		 "mailto:dev-leave@lists.example.org\r\n");
	see_text("<%{unsubscribe}>", "https://x/%{token}?y",
		 "<https://x/" LEAVE_MARK "?y>\r\n");
	see_text("%{token} %{other} %{", "https://x/%{token}",
		 "%{token} %{other} %{\r\n");
	/* What is put in is not a template. */
	see_text("%{unsubscribe}", "https://x/%{member}/%{token}",
		 "https://x/%{member}/" LEAVE_MARK "\r\n");
}

/* Set off from the post, which no separator makes a signature. */
static void
test_above(void)
{
	g_autofree char *text = text_of("-- \na\n-- ", "", NULL, text_above);
	g_autofree char *none = text_of("", "", NULL, text_above);

	g_assert_cmpstr(text, ==, "--\r\na\r\n--\r\n\r\n");
	g_assert_cmpstr(none, ==, "");
}

static void
see_places(const char *fields, const char *want)
{
	struct header header;
	size_t body_at;
	g_autofree char *text = NULL;

	g_assert_true(header_parse(fields, strlen(fields), &header,
				   &body_at));
	text = text_of("%{archive} %{link}", "", &header, text_below);
	g_assert_cmpstr(text, ==, want);
	header_done(&header);
}

static void
test_places(void)
{
	see_places("", "\r\n");
	see_places("List-Archive: <https://x/>\r\n"
		   "Archived-At:\r\n <https://x/1>\r\n",
		   "https://x/ https://x/1\r\n");
	/* that of another list, or of nobody */
	see_places("Archived-At: <https://x/1>\r\n", "\r\n");
	see_places("List-Archive: <https://x/\xff>\r\n", "\r\n");
	see_places("List-Archive: x\r\n", "\r\n");
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
	g_autofree char *text = text_of(template, "https://x/%{token}", NULL,
					text_below);
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
	{ "From: a@b\r\n", "\xc3\xbc\r\n", true, APPEND_LINES, NULL, NULL },
	{ "From: a@b\r\n", "\xc3\xbc\r\n", false, APPEND_AROUND, NULL, NULL },
	{ "From: a@b\r\n", "\033$B\r\n", true, APPEND_AROUND, NULL, NULL },
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

static const char *
text_in(const struct row *row)
{
	return row->is_ascii ? TEXT : LETTERS;
}

static char *
expected_body(const struct row *row)
{
	const char *body = row->new_body != NULL ? row->new_body : row->body;

	return g_strconcat(body, text_in(row), NULL);
}

/* The part stands in front of the last delimiter; nothing else is new. */
static void
see_part(const struct row *row, const char *got)
{
	g_autofree char *part = g_strdup_printf("--b\r\nContent-Type: "
		"text/plain; charset=\"utf-8\"\r\nContent-Disposition: "
		"inline\r\nContent-Transfer-Encoding: %s\r\n\r\n%s"
		"--b--", row->is_ascii ? "7bit" : "8bit", text_in(row));
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
		is_content ? row->head : "Content-Type: text/plain\r\n",
		row->body, boundary);
	g_autofree char *end = g_strdup_printf("\r\n\r\n%s--%s--\r\n",
					       text_in(row), boundary);

	g_assert_true(g_str_has_prefix(type, "multipart/mixed;"));
	g_assert_cmpint(header_find(header, "MIME-Version", 0), >=, 0);
	g_assert_true(g_str_has_prefix(got, start));
	g_assert_true(g_str_has_suffix(got, end));
}

static enum append_way
below(struct header *header, const char *body, const char *text,
      GString *out)
{
	const struct mime_texts texts = { .above = "", .below = text };

	return mime_add(header, body, strlen(body), &texts, out);
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
	g_assert_cmpint(below(&header, row->body, text_in(row), out), ==,
			row->way);
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
	g_assert_cmpint(below(&header, body, "--__\r\nfooter\r\n", out), ==,
			APPEND_AROUND);
	header_done(&header);
}

/* --- real posts --------------------------------------------------------- */

struct work {
	char *dir;
	GPtrArray *args;	/* of footer-oracle.py */
	struct mime_texts texts;
	int number;		/* of the texts */
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
				     work->number);

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
	g_autoptr(GString) made_body = g_string_new(NULL);
	struct header header;
	size_t body_at;

	/* as it comes by SMTP */
	if (before->len == 0 || before->str[before->len - 1] != '\n')
		g_string_append(before, "\r\n");
	g_assert_true(header_parse(before->str, before->len, &header,
				   &body_at));
	(void) mime_add(&header, before->str + body_at,
			before->len - body_at, &work->texts, made_body);
	header_write(&header, made);
	header_done(&header);
	g_string_append(made, "\r\n");
	g_string_append_len(made, made_body->str,
			    (gssize)made_body->len);
	after = crlf(made->str, made->len);
	put(work, name, "before", before);
	put(work, name, "after", after);
}

static void
ask_oracle(const struct work *work, const char *program, const char *script)
{
	g_autofree char *path = g_find_program_in_path(program);
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *said = NULL;
	g_autofree char *oracle = g_build_filename(src != NULL ? src : ".",
						   "t", "unit", script, NULL);
	int status = 0;

	if (path == NULL) {
		g_test_message("no %s: not compared", program);
		return;
	}
	work->args->pdata[0] = path;
	work->args->pdata[1] = oracle;
	g_assert_true(g_spawn_sync(NULL, (char **)work->args->pdata, NULL,
				   G_SPAWN_DEFAULT, NULL, NULL, &said, NULL,
				   &status, NULL));
	work->args->pdata[0] = work->args->pdata[1] = NULL;
	g_assert_cmpstr(said, ==, "");
	g_assert_cmpint(status, ==, 0);
}

static void
put_text(struct work *work, const char *name, const char *text)
{
	char *path = g_build_filename(work->dir, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_ptr_array_add(work->args, path);
}

static void
all_posts(const char *dir, const char *above, const char *below, int number)
{
	g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
	g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
	struct work work = {
		.dir = g_dir_make_tmp("muster-footer-XXXXXX", NULL),
		.args = args, .texts = { .above = above, .below = below },
		.number = number,
	};
	const char *name;

	g_assert_nonnull(files);
	g_ptr_array_set_size(args, 2);	/* the oracle */
	put_text(&work, "above", above);
	put_text(&work, "below", below);
	while ((name = g_dir_read_name(files)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_autofree char *bytes = NULL;
		gsize len;

		g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
		one_post(&work, name, bytes, len);
	}
	g_ptr_array_add(args, NULL);
	ask_oracle(&work, "python3", "footer-oracle.py");
	/* which takes its time */
	if (above[0] != '\0')
		ask_oracle(&work, "perl", "footer-oracle.pl");
	for (guint i = 2; i + 1 < args->len; i++)
		(void) g_unlink(g_ptr_array_index(args, i));
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
		all_posts(dir, "[dev]\r\n\r\n", "_____\r\ndev\r\n", 1);
		all_posts(dir, "", "-- \r\nGr\303\274\303\237e\r\n", 2);
		all_posts(dir, "\316\225\316\273 \360\237\230\200\r\n\r\n",
			  "-- \r\n\316\225\316\273 \360\237\230\200\r\n", 3);
	}
}

static const struct tap_case cases[] = {
	{ "what a template says", test_template },
	{ "the text above", test_above },
	{ "where the post is archived", test_places },
	{ "lines keep to 998 octets whatever goes in", test_long_lines },
	{ "lines, a part, or around it", test_ways },
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
