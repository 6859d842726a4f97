/* SPDX-License-Identifier: BSD-2-Clause */

/* Real posts and reports, many of them broken, where they are at hand; and
 * posts made to be slow. */
#include <string.h>

#include <glib/gstdio.h>

#include "core/mail/addr.h"
#include "core/mail/anonymous.h"
#include "core/mail/mime.h"
#include "core/mail/subject.h"
#include "t/lib/tap.h"

/* --- files -------------------------------------------------------------- */

/* NULL, and the case is skipped: there is no such corpus here. */
static char *
corpus(const char *name)
{
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *path = g_build_filename(src != NULL ? src : ".",
						 "..", "shared", "corpus",
						 name, NULL);

	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return g_steal_pointer(&path);
	g_test_skip("no corpus");
	return NULL;
}

typedef void (*visit_fn)(const char *name, const char *bytes, size_t len,
		      void *data);

static void
each_file(const char *dir, visit_fn visit, void *data)
{
	g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
	const char *name;

	g_assert_nonnull(files);
	while ((name = g_dir_read_name(files)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_autofree char *bytes = NULL;
		gsize len;

		g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
		visit(name, bytes, len, data);
	}
}

/* --- headers and authors ------------------------------------------------ */

static void
read_post(const char *name, const char *bytes, size_t len, void *data)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GPtrArray) authors = NULL;
	g_autofree char *old = NULL, *once = NULL, *twice = NULL;
	struct header header;
	struct dsn dsn = { 0 };
	bool complete;
	size_t body_at;

	g_assert_true(header_parse(bytes, len, &header, &body_at));
	header_write(&header, out);
	g_assert_cmpmem(out->str, out->len, bytes, out->len);
	g_assert_cmpuint(body_at - out->len, <=, 2);
	authors = mime_authors(&header, &complete);
	old = header_get(&header, "Subject");
	once = subject_prefixed(old, "[dev]", 0);
	twice = subject_prefixed(once, "[dev]", 0);
	g_assert_cmpstr(once, ==, twice);
	(void) header_is_signed(&header, "Subject");
	if (mime_dsn(bytes, len, &dsn))
		dsn_done(&dsn);
	header_done(&header);
	if (!complete)
		g_test_message("%s: not all authors are known", name);
	++*(unsigned int *)data;
}

static void
test_posts(void)
{
	static const char *const dirs[] = { "mail/eml", "bounces/eml",
					    "autoreply/eml" };

	for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autofree char *dir = corpus(dirs[i]);
		unsigned int count = 0;

		if (dir == NULL)
			return;
		each_file(dir, read_post, &count);
		g_test_message("%s: %u posts", dirs[i], count);
	}
}

/* --- recoding ----------------------------------------------------------- */

struct recoding {
	char *dir;
	GPtrArray *pairs;	/* for mime-oracle.py: before, after */
	unsigned int refused;
};

/* Of quoted-printable, that is, not the end of base64. */
static bool
is_soft_break(const char *line)
{
	size_t len = strcspn(line, "\r");
	size_t code = strspn(line, "abcdefghijklmnopqrstuvwxyz+/"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	return len > 0 && line[len - 1] == '=' && code + 2 < len;
}

/* Paragraphs as one line each, as a program might have sent them. Lines that
 * look like structure stay. */
static char *
join_lines(const char *bytes, size_t len, size_t *len_out)
{
	g_autofree char *text = g_strndup(bytes, len);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *out = g_string_new(lines[0]);
	bool body = false, open = false;

	for (char **line = lines + 1; lines[0] != NULL && *line != NULL;
	     line++) {
		size_t text_len = strcspn(*line, "\r");
		bool plain = text_len > 0 && (*line)[0] != '-' &&
			strchr(*line, ':') == NULL;

		if (body && open && plain) {
			if (out->len > 0 && out->str[out->len - 1] == '\r')
				g_string_truncate(out, out->len - 1);
			if (is_soft_break(line[-1]))
				g_string_truncate(out, out->len - 1);
		} else {
			g_string_append_c(out, '\n');
		}
		g_string_append(out, *line);
		body |= text_len == 0;
		open = plain && strstr(*line, "==") == NULL;
	}
	*len_out = out->len;
	return g_string_free(out, FALSE);
}

static void
recode_one(struct recoding *work, const char *name, const char *kind,
	   const char *bytes, size_t len)
{
	g_autoptr(GString) out = g_string_new(NULL);
	char *before = g_strdup_printf("%s/%s.%s", work->dir, name, kind);
	char *after = g_strdup_printf("%s/%s.%s.recoded", work->dir, name,
				      kind);

	g_ptr_array_add(work->pairs, before);
	g_ptr_array_add(work->pairs, after);
	g_assert_true(g_file_set_contents(before, bytes, (gssize)len, NULL));
	if (!mime_recode(bytes, len, out)) {
		g_test_message("%s.%s: cannot be re-encoded", name, kind);
		work->refused++;
		g_string_append_len(out, bytes, (gssize)len);
	} else {
		g_assert_false(mime_needs_recode(out->str, out->len));
		for (size_t i = 0; i < out->len; i++)
			if (out->str[i] == '\n')
				g_assert_true(i > 0 &&
					      out->str[i - 1] == '\r');
	}
	g_assert_true(g_file_set_contents(after, out->str, (gssize)out->len,
					  NULL));
}

static void
recode_both(const char *name, const char *bytes, size_t len, void *data)
{
	g_autofree char *joined = NULL;
	size_t joined_len;

	recode_one(data, name, "as-is", bytes, len);
	joined = join_lines(bytes, len, &joined_len);
	recode_one(data, name, "joined", joined, joined_len);
}

/* Another program reads both and must find the same. */
static void
ask_oracle(const struct recoding *work, const char *oracle)
{
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *script = g_build_filename(src != NULL ? src : ".",
		"t", "unit", oracle, NULL);
	g_autofree char *python = g_find_program_in_path("python3");
	g_autofree char *said = NULL;
	g_autoptr(GPtrArray) args = g_ptr_array_new();
	int status = 0;

	if (python == NULL) {
		g_test_message("no python3: not compared");
		return;
	}
	g_ptr_array_add(args, python);
	g_ptr_array_add(args, script);
	for (guint i = 0; i < work->pairs->len; i++)
		g_ptr_array_add(args, g_ptr_array_index(work->pairs, i));
	g_ptr_array_add(args, NULL);
	g_assert_true(g_spawn_sync(NULL, (char **)args->pdata, NULL,
				   G_SPAWN_DEFAULT, NULL, NULL, &said, NULL,
				   &status, NULL));
	g_assert_cmpstr(said, ==, "");
	g_assert_cmpint(status, ==, 0);
}

static void
recoding_done(struct recoding *work)
{
	for (guint i = 0; i < work->pairs->len; i++)
		(void) g_unlink(g_ptr_array_index(work->pairs, i));
	g_assert_cmpint(g_rmdir(work->dir), ==, 0);
	g_ptr_array_unref(work->pairs);
	g_free(work->dir);
}

static void
test_recode(void)
{
	g_autofree char *dir = corpus("mail/eml");
	struct recoding work = { 0 };

	if (dir == NULL)
		return;
	work.dir = g_dir_make_tmp("muster-recode-XXXXXX", NULL);
	work.pairs = g_ptr_array_new_with_free_func(g_free);
	each_file(dir, recode_both, &work);
	g_test_message("%u posts, %u refused", work.pairs->len / 2,
		       work.refused);
	ask_oracle(&work, "mime-oracle.py");
	recoding_done(&work);
	g_assert_cmpuint(work.refused, <=, 5);
}

/* --- without their authors ---------------------------------------------- */

static void
hide_one(const char *name, const char *bytes, size_t len, void *data)
{
	static char domain[] = "lists.anon.test";
	static char *const domains[] = { domain, NULL };
	const struct anonymity with = {
		.list = "dev@lists.anon.test", .name = "The list",
		.secret = (const uint8_t *)"secret", .secret_len = 6,
		.domains = domains, .people = "", .received_s = 1,
	};
	struct recoding *work = data;
	char *after = g_strdup_printf("%s/%s.hidden", work->dir, name);
	char *before = g_strdup_printf("%s/%s.as-is", work->dir, name);
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;
	GBytes *made = NULL;
	size_t body_at, made_len;
	const char *why, *body = bytes;

	if (len > 5 && memcmp(bytes, "From ", 5) == 0) {
		const char *next = strchr(bytes, '\n') + 1;

		len -= (size_t)(next - bytes);
		bytes = next;
	}
	g_assert_true(header_parse(bytes, len, &header, &body_at));
	why = anonymous_make(&with, &header, bytes + body_at, len - body_at,
			     &made);
	header_write(&header, out);
	header_done(&header);
	g_string_append(out, "\r\n");
	body = made != NULL ? g_bytes_get_data(made, &made_len) :
		bytes + body_at;
	if (body != NULL)
		g_string_append_len(out, body, (gssize)(made != NULL ?
			made_len : len - body_at));
	if (made != NULL)
		g_bytes_unref(made);
	if (why == NULL && !header_is_ended(bytes, len, body_at))
		why = "its header does not end";
	if (why != NULL) {
		g_test_message("%s: %s", name, why);
		work->refused++;
		g_string_assign(out, "");
		len = 0;
	}
	g_ptr_array_add(work->pairs, before);
	g_ptr_array_add(work->pairs, after);
	g_assert_true(g_file_set_contents(before, bytes, (gssize)len, NULL));
	g_assert_true(g_file_set_contents(after, out->str, (gssize)out->len,
					  NULL));
}

static void
test_anonymous(void)
{
	g_autofree char *dir = corpus("mail/eml");
	struct recoding work = { 0 };

	if (dir == NULL)
		return;
	work.dir = g_dir_make_tmp("muster-anonymous-XXXXXX", NULL);
	work.pairs = g_ptr_array_new_with_free_func(g_free);
	each_file(dir, hide_one, &work);
	g_test_message("%u posts, %u refused", work.pairs->len / 2,
		       work.refused);
	ask_oracle(&work, "anonymous-oracle.py");
	recoding_done(&work);
	g_assert_cmpuint(work.refused, <=, 5);
}

/* --- reports ------------------------------------------------------------ */

struct truth { unsigned int reports, right, wanted, found; };

static bool
reports_failed(const struct dsn *dsn, const char *addr)
{
	for (guint i = 0; i < dsn->recipients->len; i++) {
		const struct dsn_recipient *one = g_ptr_array_index(
			dsn->recipients, i);

		if (one->action == DSN_FAILED &&
		    (g_ascii_strcasecmp(one->original, addr) == 0 ||
		     g_ascii_strcasecmp(one->final, addr) == 0))
			return true;
	}
	return false;
}

static bool
any_failed(const struct dsn *dsn)
{
	for (guint i = 0; i < dsn->recipients->len; i++) {
		const struct dsn_recipient *one = g_ptr_array_index(
			dsn->recipients, i);

		if (one->action == DSN_FAILED)
			return true;
	}
	return false;
}

/* "a@x b@y|c@z": each word is a recipient, in one of its spellings */
static bool
all_found(struct truth *truth, const struct dsn *dsn, const char *recipients)
{
	g_auto(GStrv) words = g_strsplit_set(recipients, " ,", -1);
	bool all = true;

	for (char **word = words; *word != NULL; word++) {
		g_auto(GStrv) names = g_strsplit(*word, "|", -1);
		bool one = false;

		if (**word == '\0')
			continue;
		for (char **name = names; *name != NULL; name++)
			one |= reports_failed(dsn, *name);
		truth->wanted++;
		truth->found += one;
		all &= one;
	}
	return all;
}

static void
judge(struct truth *truth, const char *dir, char **row)
{
	g_autofree char *path = g_build_filename(dir, row[0], NULL);
	g_autofree char *bytes = NULL;
	bool failed = strcmp(row[1], "hard") == 0 ||
		strcmp(row[1], "soft") == 0;
	struct dsn dsn = { 0 };
	bool right;
	gsize len;

	g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
	if (!mime_dsn(bytes, len, &dsn))
		return;
	truth->reports++;
	right = failed ? all_found(truth, &dsn, row[2]) : !any_failed(&dsn);
	truth->right += right;
	if (!right)
		g_test_message("%s (%s): other than %s", row[0], row[1],
			       row[2]);
	dsn_done(&dsn);
}

static void
test_reports(void)
{
	g_autofree char *dir = corpus("bounces"), *text = NULL, *path = NULL;
	g_auto(GStrv) rows = NULL;
	struct truth truth = { 0 };

	if (dir == NULL)
		return;
	path = g_build_filename(dir, "truth.tsv", NULL);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	rows = g_strsplit(text, "\n", -1);
	for (char **row = rows + 1; *row != NULL; row++) {
		g_auto(GStrv) cells = g_strsplit(*row, "\t", -1);

		if (g_strv_length(cells) >= 3)
			judge(&truth, dir, cells);
	}
	g_test_message("%u reports, %u read right; %u of %u failed "
		       "recipients found", truth.reports, truth.right,
		       truth.found, truth.wanted);
	g_assert_cmpuint(truth.right * 100, >=, truth.reports * 95);
}

/* --- posts made to be slow ---------------------------------------------- */

static void
repeat(GString *out, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		g_string_append(out, text);
}

static GString *
make_fields(void)
{
	GString *out = g_string_new(NULL);

	repeat(out, "X-Field: value\r\n", 100000);
	return out;
}

static GString *
make_dkim(void)
{
	GString *out = g_string_new(NULL);

	repeat(out, "DKIM-Signature: h=a:b:c:d:e:f:g:h:i:j:k; b=\r\n", 19999);
	g_string_append(out, "\r\n\r\n");
	return out;
}

static GString *
make_nested(void)
{
	GString *out = g_string_new(NULL);

	for (int i = 0; i < 50000; i++)
		g_string_append_printf(out, "Content-Type: multipart/mixed; "
				       "boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	for (int i = 49999; i >= 0; i--)
		g_string_append_printf(out, "--b%d--\r\n", i);
	return out;
}

static GString *
make_messages(void)
{
	GString *out = g_string_new(NULL);

	repeat(out, "Content-Type: message/rfc822\r\n\r\n", 500000);
	return out;
}

static GString *
make_dashes(void)
{
	GString *out = g_string_new(NULL);

	for (int i = 0; i < 48; i++)
		g_string_append_printf(out, "Content-Type: multipart/mixed; "
				       "boundary=%c%c\r\n\r\n--%c%c\r\n",
				       'a' + i / 26, 'a' + i % 26,
				       'a' + i / 26, 'a' + i % 26);
	g_string_append(out, "\r\n");
	repeat(out, "--zz\n", 2000000);
	return out;
}

static GString *
make_parts(void)
{
	GString *out = g_string_new("Content-Type: multipart/mixed; "
				    "boundary=b\r\n\r\n");

	repeat(out, "--b\n", 5000000);
	return out;
}

static GString *
make_authors(void)
{
	GString *out = g_string_new("From: a@a.test");

	for (int i = 0; i < 1000000; i++)
		g_string_append_printf(out, ",\r\n a%d@example.test", i);
	g_string_append(out, "\r\n\r\n");
	return out;
}

static GString *
make_odd_author(void)
{
	GString *out = g_string_new("From: ");

	repeat(out, "((((((((((((\"<a:@[", 3000);
	g_string_append(out, "\r\n\r\n");
	return out;
}

static GString *
make_line(void)
{
	GString *out = g_string_new("A: b\r\n\r\n");

	repeat(out, "twenty bytes of text", 1000000);
	return out;
}

static GString *
make_field(void)
{
	GString *out = g_string_new("Subject: ");

	repeat(out, "=?utf-8?q?=C3=BC?=_ ", 1000000);
	g_string_append(out, "\r\n\r\n");
	return out;
}

static GString *
make_type(void)
{
	GString *out = g_string_new("Content-Type: multipart/mixed");

	repeat(out, "; x*0*=%41(((;;\"\\", 1000000);
	g_string_append(out, "\r\n\r\n");
	return out;
}

static GString *
make_report(void)
{
	GString *out = g_string_new("Content-Type: message/delivery-status"
				    "\r\n");

	repeat(out, "\r\nFinal-Recipient: a@b.test\r\nAction: failed\r\n",
	       400000);
	return out;
}

static void
use(const GString *post)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;
	struct dsn dsn = { 0 };
	bool complete;
	size_t body_at;

	if (header_parse(post->str, post->len, &header, &body_at)) {
		g_autofree char *old = header_get(&header, "Subject");
		g_autofree char *subject = subject_prefixed(old, "[x]", 0);
		g_autofree char *folded = header_fold(subject, 9);
		g_autoptr(GPtrArray) authors = mime_authors(&header,
							    &complete);

		g_assert_cmpuint(authors->len, <=, MIME_AUTHORS_MAX);
		g_assert_cmpuint(strlen(folded), >=, strlen(subject));
		(void) header_is_signed(&header, "Subject");
		header_done(&header);
	}
	if (mime_dsn(post->str, post->len, &dsn))
		dsn_done(&dsn);
	if (mime_recode(post->str, post->len, out))
		g_assert_false(mime_needs_recode(out->str, out->len));
}

/* A bound that quadratic work would miss by far; a machine that is busy, or
 * a build with sanitizers, keeps it. */
#define SLOW_US (60 * G_USEC_PER_SEC)

static void
test_slow(void)
{
	static const struct { const char *name; GString *(*make)(void); }
	posts[] = {
		{ "100,000 fields", make_fields },
		{ "19,999 signatures", make_dkim },
		{ "50,000 multiparts in each other", make_nested },
		{ "500,000 messages in each other", make_messages },
		{ "2,000,000 lines that are almost delimiters", make_dashes },
		{ "5,000,000 empty parts", make_parts },
		{ "1,000,000 authors", make_authors },
		{ "an author of brackets", make_odd_author },
		{ "a line of 20 MB", make_line },
		{ "a field of 20 MB", make_field },
		{ "a type of 18 MB", make_type },
		{ "400,000 failed recipients", make_report },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(posts); i++) {
		g_autoptr(GString) post = posts[i].make();
		gint64 from = g_get_monotonic_time(), took;

		use(post);
		took = g_get_monotonic_time() - from;
		g_test_message("%s, %zu bytes: %.3f s", posts[i].name,
			       post->len, (double)took / G_USEC_PER_SEC);
		g_assert_cmpint(took, <, SLOW_US);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "no real post is too odd to be read", test_posts },
		{ "re-encoded posts say the same", test_recode },
		{ "posts without their authors are whole", test_anonymous },
		{ "real reports name those who failed", test_reports },
		{ "no post takes long", test_slow },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("corpus", cases);
}
