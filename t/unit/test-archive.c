/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/archive.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/archive/link.h"
#include "core/archive/mbox.h"
#include "core/archive/reader.h"
#include "core/archive/text.h"
#include "core/pending/pending.h"
#include "db/dump.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

#define HEADER "From: Ann <ann@example.net>\r\nSubject: hi\r\n" \
	"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n" \
	"Message-ID: <a/1@example.net>\r\n"
#define POST HEADER "\r\nFrom here on\r\n>From there\r\nbody\r\n"

/* --- a list with an archive --------------------------------------------- */

static enum err_code
pending_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return pending_run(txn, &(struct pending_with){
		work->t->settings, work->t->verp, work->t->keys }, work->job,
			   err);
}

static void
take_in(struct stage_case *t, struct post_id *id, const char *bytes)
{
	struct stage_work work = { .t = t };
	struct job *job;

	*id = stage_post(t, STAGE_PENDING, ROLE_POST, "", "ann@example.net",
			 bytes);
	job = stage_job(t, STAGE_PENDING);
	work.job = job;
	case_txn(&t->s, pending_body, &work);
	job_free(job);
}

struct archiver {
	struct stage_case *t;
	struct job *job;
	struct archive_result result;
	bool fail;		/* behind the files */
};

static enum err_code
archive_body(struct txn *txn, void *arg, struct err *err)
{
	struct archiver *archiver = arg;
	enum err_code rc = archive_run(txn, archiver->t->settings,
				       archiver->job, &archiver->result, err);

	return rc == ERR_OK && archiver->fail ?
		err_set(err, ERR_IO, "", "on purpose") : rc;
}

static enum err_code
try_archive(struct stage_case *t, bool fail, struct archive_result *out)
{
	struct archiver archiver = { .t = t, .fail = fail };
	enum err_code rc;

	archiver.job = stage_job(t, STAGE_ARCHIVE);
	g_assert_nonnull(archiver.job);
	archiver.job->attempts = 2;
	rc = store_txn(t->s.store, TXN_LAZY, archive_body, &archiver,
		       &t->s.err);
	job_free(archiver.job);
	*out = archiver.result;
	return rc;
}

static struct archive_result
archive(struct stage_case *t)
{
	struct archive_result result;

	case_ok(try_archive(t, false, &result), &t->s);
	g_assert_cmpuint(stage_count(t, STAGE_ARCHIVE), ==, 0);
	return result;
}

static char *
dir_of(const struct stage_case *t)
{
	return g_build_filename(t->s.home, "archive", "lists.example.org",
				"dev", NULL);
}

static char *
file_of(const struct stage_case *t, const char *name)
{
	g_autofree char *dir = dir_of(t);

	return g_build_filename(dir, name, NULL);
}

static void
begin(struct stage_case *t, const char *format)
{
	stage_begin(t);
	stage_set(t, "archive", format);
	stage_set(t, "archive-url", "https://example.org/%{list-name}/"
		  "%{message-id}/");
}

/* --- what is there ------------------------------------------------------ */

static struct list_conf *
conf_of(struct stage_case *t)
{
	struct list_conf *conf = NULL;

	case_ok(list_conf_load(store_reader(t->s.store), LIST_ADDR, &conf,
			       &t->s.err), &t->s);
	return conf;
}

/* The text of number n; NULL: it is not there as it was. */
static char *
read_back(struct stage_case *t, uint32_t number, enum archive_found *found)
{
	struct txn *reader = store_reader(t->s.store);
	struct list_conf *conf = conf_of(t);
	g_autoptr(archive_reader_t) files = NULL;
	g_autoptr(archived_t) entry = NULL;
	g_autoptr(GBytes) text = NULL;
	struct place_of_archive place;
	gsize len;
	const char *data;

	archive_place_init(&place, t->settings, conf, LIST_ADDR);
	case_ok(archive_by_number(reader, t->list, number, &entry,
				  &t->s.err), &t->s);
	g_assert_nonnull(entry);
	case_ok(archive_reader_open(&place, &files, &t->s.err), &t->s);
	case_ok(archive_reader_get(files, entry, found, &text, &t->s.err),
		&t->s);
	g_clear_pointer(&files, archive_reader_close);
	archive_place_done(&place);
	list_conf_free(conf);
	if (text == NULL)
		return NULL;
	data = g_bytes_get_data(text, &len);
	return g_strndup(data, len);
}

static void
see_post(struct stage_case *t, uint32_t number)
{
	enum archive_found found;
	g_autofree char *text = read_back(t, number, &found);

	g_assert_cmpint(found, ==, ARCHIVE_THERE);
	stage_see(text, "From: Ann <ann@example.net>\nSubject: hi\n");
	stage_see(text, "\nList-Archive: <https://example.org/dev/>\n"
		  "Archived-At: <https://example.org/dev/"
		  "a%2F1@example.net/>\n");
	stage_see(text, "\n\nFrom here on\n>From there\nbody\n");
	g_assert_null(strchr(text, '\r'));
}

static guint
count_files(const struct stage_case *t, const char *folder)
{
	g_autofree char *path = file_of(t, folder);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint count = 0;

	while (dir != NULL && g_dir_read_name(dir) != NULL)
		count++;
	return count;
}

static mode_t
mode_of(const struct stage_case *t, const char *name)
{
	g_autofree char *path = file_of(t, name);
	struct stat st;

	g_assert_cmpint(stat(path, &st), ==, 0);
	return st.st_mode & 07777;
}

/* --- the stage ---------------------------------------------------------- */

static void
test_maildir(void)
{
	struct stage_case t;
	struct post_id id;
	struct archive_result result;
	g_autofree char *trace = NULL;

	begin(&t, "maildir");
	take_in(&t, &id, POST);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 1);
	result = archive(&t);
	g_assert_cmpuint(result.number, ==, 1);
	g_assert_cmpuint(count_files(&t, "new"), ==, 1);
	g_assert_cmpuint(count_files(&t, "tmp"), ==, 0);
	see_post(&t, 1);
	g_assert_cmpuint(mode_of(&t, ""), ==, 0700);
	trace = stage_trace(&t, &id);
	stage_see(trace, "archive: archived as number 1");
	stage_end(&t);
}

/* Killed behind the rename, before the commit. */
static void
test_maildir_again(void)
{
	struct stage_case t;
	struct post_id id;
	struct archive_result result;

	begin(&t, "maildir");
	take_in(&t, &id, POST);
	g_assert_cmpint(try_archive(&t, true, &result), ==, ERR_IO);
	g_assert_cmpuint(count_files(&t, "new"), ==, 1);
	result = archive(&t);
	g_assert_cmpuint(result.number, ==, 1);
	g_assert_cmpuint(count_files(&t, "new"), ==, 1);
	see_post(&t, 1);
	stage_end(&t);
}

/* And a reader has taken it to cur in between. */
static void
test_maildir_moved(void)
{
	struct stage_case t;
	struct post_id id;
	struct archive_result result;
	g_autofree char *new = NULL, *from = NULL, *to = NULL;
	g_autoptr(GDir) dir = NULL;

	begin(&t, "maildir");
	take_in(&t, &id, POST);
	g_assert_cmpint(try_archive(&t, true, &result), ==, ERR_IO);
	new = file_of(&t, "new");
	dir = g_dir_open(new, 0, NULL);
	from = g_build_filename(new, g_dir_read_name(dir), NULL);
	to = g_strdup_printf("%s/../cur/%s:2,S", new,
			     strrchr(from, '/') + 1);
	g_assert_cmpint(g_rename(from, to), ==, 0);
	(void) archive(&t);
	g_assert_cmpuint(count_files(&t, "new"), ==, 0);
	g_assert_cmpuint(count_files(&t, "cur"), ==, 1);
	see_post(&t, 1);
	stage_end(&t);
}

static void
test_maildir_missing(void)
{
	struct stage_case t;
	struct post_id id;
	struct archive_result result;
	g_autofree char *dir = NULL, *away = NULL;

	begin(&t, "maildir");
	take_in(&t, &id, POST);
	(void) archive(&t);
	dir = dir_of(&t);
	away = g_strconcat(dir, ".away", NULL);
	g_assert_cmpint(g_rename(dir, away), ==, 0);
	take_in(&t, &id, POST);
	g_assert_cmpint(try_archive(&t, false, &result), ==, ERR_DOWN);
	stage_see(t.s.err.what, "the archive of dev@lists.example.org");
	g_assert_false(g_file_test(dir, G_FILE_TEST_EXISTS));
	g_assert_cmpint(g_rename(away, dir), ==, 0);
	g_assert_cmpuint(archive(&t).number, ==, 2);
	g_assert_cmpuint(count_files(&t, "new"), ==, 2);
	stage_end(&t);
}

/* Two lists in one directory, by mistake. */
static void
test_shared_dir(void)
{
	struct stage_case t;
	struct post_id id;
	struct archive_result result;
	g_autofree char *dir = NULL, *named = NULL, *file = NULL;

	begin(&t, "mbox");
	dir = g_build_filename(t.s.home, "shared", NULL);
	named = g_build_filename(dir, "%{list-domain}", "%{list-name}", NULL);
	file = g_build_filename(dir, "lists.example.org", "dev", "mbox",
				NULL);
	stage_set(&t, "archive-dir", dir);
	take_in(&t, &id, POST);
	(void) archive(&t);
	t.list_addr = "other@lists.example.org";
	t.list = stage_add_list(&t, t.list_addr, "archive", "mbox");
	stage_set(&t, "archive-dir", dir);
	take_in(&t, &id, POST);
	g_assert_cmpint(try_archive(&t, false, &result), ==, ERR_DOWN);
	stage_see(t.s.err.what, "is that of dev@lists.example.org");
	stage_set(&t, "archive-dir", named);
	g_assert_cmpuint(archive(&t).number, ==, 1);
	g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
	stage_end(&t);
}

static void
test_open(void)
{
	struct stage_case t;
	struct post_id id;

	begin(&t, "mbox");
	stage_set(&t, "archive-private", "no");
	take_in(&t, &id, POST);
	(void) archive(&t);
	g_assert_cmpuint(mode_of(&t, ""), ==, 0755);
	g_assert_cmpuint(mode_of(&t, "mbox"), ==, 0644);
	stage_set(&t, "archive-private", "yes");
	take_in(&t, &id, POST);
	(void) archive(&t);
	g_assert_cmpuint(mode_of(&t, ""), ==, 0750);
	stage_end(&t);
}

static void
test_refused(void)
{
	static const char *const fields[] = {
		"X-No-Archive: yes\r\n", "x-no-archive: Yes\r\n",
		"X-Archive: no\r\n", "Archive: no; x=y\r\n",
	};
	struct stage_case t;
	struct post_id id;

	begin(&t, "maildir");
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		g_autofree char *post = g_strconcat(fields[i], POST, NULL);
		g_autofree char *trace = NULL;
		struct form *form = NULL;
		gsize len;
		const char *header;

		take_in(&t, &id, post);
		g_assert_cmpuint(stage_count(&t, STAGE_ARCHIVE), ==, 0);
		trace = stage_trace(&t, &id);
		stage_see(trace, "; not archived, as its author asks");
		case_ok(form_get(store_reader(t.s.store), &id, t.list,
				 FORM_COPIES, &form, &t.s.err), &t.s);
		header = g_bytes_get_data(form->header, &len);
		g_assert_null(g_strstr_len(header, (gssize)len,
					   "Archived-At"));
		form_free(form);
	}
	stage_set(&t, "archive-all", "yes");
	take_in(&t, &id, "X-No-Archive: yes\r\n" POST);
	g_assert_cmpuint(archive(&t).number, ==, 1);
	take_in(&t, &id, "X-No-Archive: no\r\nX-Archive: yes\r\n" POST);
	stage_set(&t, "archive-all", "no");
	g_assert_cmpuint(archive(&t).number, ==, 2);
	stage_end(&t);
}

/* --- mbox --------------------------------------------------------------- */

static void
test_mbox(void)
{
	struct stage_case t;
	struct post_id id;
	g_autofree char *path = NULL, *text = NULL, *lock = NULL;

	begin(&t, "mbox");
	take_in(&t, &id, POST);
	g_assert_cmpuint(archive(&t).number, ==, 1);
	take_in(&t, &id, POST);
	g_assert_cmpuint(archive(&t).number, ==, 2);
	see_post(&t, 1);
	see_post(&t, 2);
	path = file_of(&t, "mbox");
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_true(g_str_has_prefix(text, "From ann@example.net Thu Jan  "
				       "1 00:00:01 1970\n"));
	stage_see(text, "\n\n>From here on\n>>From there\nbody\n\nFrom ann@");
	lock = file_of(&t, "mbox.lock");
	g_assert_false(g_file_test(lock, G_FILE_TEST_EXISTS));
	stage_end(&t);
}

/* Killed with so many octets of the second post in the file. */
static void
tear(struct stage_case *t, goffset octets, bool foreign)
{
	g_autofree char *path = file_of(t, "mbox");
	g_autofree char *text = NULL;
	struct archive_result result;
	struct archive state;
	struct post_id id;
	gsize len;

	take_in(t, &id, POST);
	(void) archive(t);
	case_ok(archive_get(store_reader(t->s.store), t->list, &state,
			    &t->s.err), &t->s);
	take_in(t, &id, POST);
	g_assert_cmpint(try_archive(t, true, &result), ==, ERR_IO);
	g_assert_true(g_file_get_contents(path, &text, &len, NULL));
	g_assert_cmpuint(len, >, state.mbox_size + (gsize)octets);
	text[state.mbox_size] = foreign ? 'X' : 'F';
	g_assert_true(g_file_set_contents(path, text, (gssize)
					  state.mbox_size + octets, NULL));
	result = archive(t);
	g_assert_cmpuint(result.torn, ==, foreign ? octets : 0);
	see_post(t, state.last + 1);
	g_free(text);
	g_assert_true(g_file_get_contents(path, &text, &len, NULL));
	case_ok(archive_get(store_reader(t->s.store), t->list, &state,
			    &t->s.err), &t->s);
	g_assert_cmpuint(len, ==, state.mbox_size);
}

static void
test_mbox_torn(void)
{
	struct stage_case t;
	g_autofree char *torn = NULL, *text = NULL;
	gsize len;

	begin(&t, "mbox");
	tear(&t, 1, false);
	tear(&t, 100, false);
	torn = file_of(&t, "mbox.torn");
	g_assert_false(g_file_test(torn, G_FILE_TEST_EXISTS));
	tear(&t, 100, true);
	g_assert_true(g_file_get_contents(torn, &text, &len, NULL));
	g_assert_cmpuint(len, ==, 100);
	stage_end(&t);
}

static void
test_mbox_short(void)
{
	struct stage_case t;
	struct post_id id;
	struct archive_result result;
	g_autofree char *path = NULL;

	begin(&t, "mbox");
	take_in(&t, &id, POST);
	(void) archive(&t);
	path = file_of(&t, "mbox");
	g_assert_cmpint(truncate(path, 10), ==, 0);
	take_in(&t, &id, POST);
	g_assert_cmpint(try_archive(&t, false, &result), ==, ERR_DOWN);
	stage_see(t.s.err.what, "has 10 octets and should have");
	stage_end(&t);
}

static void
test_mbox_locked(void)
{
	struct stage_case t;
	struct post_id id;
	struct archive_result result;
	struct flock region = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	g_autofree char *path = NULL, *lock = NULL, *pid = NULL;
	int fd;

	begin(&t, "mbox");
	take_in(&t, &id, POST);
	(void) archive(&t);
	path = file_of(&t, "mbox");
	lock = file_of(&t, "mbox.lock");
	take_in(&t, &id, POST);
	g_assert_true(g_file_set_contents(lock, "1\n", -1, NULL));
	g_assert_cmpint(try_archive(&t, false, &result), ==, ERR_BUSY);
	g_assert_true(g_file_test(lock, G_FILE_TEST_EXISTS));
	pid = g_strdup_printf("%ld\n", (long)getpid());
	g_assert_true(g_file_set_contents(lock, pid, -1, NULL));
	fd = open(path, O_RDWR | O_CLOEXEC);
	g_assert_cmpint(fcntl(fd, F_OFD_SETLK, &region), ==, 0);
	g_assert_cmpint(try_archive(&t, false, &result), ==, ERR_BUSY);
	(void) close(fd);
	g_assert_cmpuint(archive(&t).number, ==, 2);
	see_post(&t, 2);
	stage_end(&t);
}

/* --- reading ------------------------------------------------------------ */

static void
test_changed(void)
{
	static const char *const formats[] = { "maildir", "mbox" };

	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		struct stage_case t;
		struct post_id id;
		enum archive_found found;
		g_autofree char *path = NULL, *text = NULL, *new = NULL;
		g_autoptr(GDir) dir = NULL;
		gsize len;

		begin(&t, formats[i]);
		take_in(&t, &id, POST);
		(void) archive(&t);
		new = file_of(&t, "new");
		dir = g_dir_open(new, 0, NULL);
		path = i == 1 ? file_of(&t, "mbox") :
			g_build_filename(new, g_dir_read_name(dir), NULL);
		g_assert_true(g_file_get_contents(path, &text, &len, NULL));
		text[len - 3] ^= 1;
		g_assert_true(g_file_set_contents(path, text, (gssize)len,
						  NULL));
		g_assert_null(read_back(&t, 1, &found));
		g_assert_cmpint(found, ==, ARCHIVE_CHANGED);
		g_assert_cmpint(g_unlink(path), ==, 0);
		g_assert_null(read_back(&t, 1, &found));
		g_assert_cmpint(found, ==, ARCHIVE_MISSING);
		stage_end(&t);
	}
}

static void
test_quotes(void)
{
	static const char *const texts[] = {
		"From x\n", ">From x\n", ">>From\nFrom\nFromage\n\n\n",
		"a\n\nFrom b\n", "\n", " From x\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GBytes) text = g_bytes_new_static(
			texts[i], strlen(texts[i]));
		g_autoptr(GByteArray) entry = mbox_entry(text, "a b", 0);
		g_autoptr(GBytes) back = mbox_text((const char *)entry->data,
						   entry->len);

		g_assert_nonnull(back);
		g_assert_true(g_bytes_equal(text, back));
	}
}

/* --- links -------------------------------------------------------------- */

static void
test_link(void)
{
	static const struct { const char *url, *link, *top; } all[] = {
		{ "https://a/%{list-name}/%{message-id}/",
		  "https://a/dev/x%2By%2Fz@h/", "https://a/dev/" },
		{ "https://a/?l=%{list}&h=%{hash}",
		  "https://a/?l=dev@lists.example.org&"
		  "h=S4QG35A3UR2LWXXVHJGVX72JG3POQDUN", "https://a/" },
		{ "http://a/%{list-domain}/", "http://a/lists.example.org/",
		  "http://a/lists.example.org/" },
		{ "https://a/%{list", "https://a/%{list", "https://a/" },
	};
	struct stage_case t;

	stage_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		struct list_conf *conf;
		g_autofree char *link = NULL, *top = NULL;

		stage_set(&t, "archive-url", all[i].url);
		conf = conf_of(&t);
		link = archive_link(conf, LIST_ADDR, " <x+y/z@h> ");
		top = archive_top(conf, LIST_ADDR);
		g_assert_cmpstr(link, ==, all[i].link);
		g_assert_cmpstr(top, ==, all[i].top);
		list_conf_free(conf);
	}
	stage_end(&t);
}

/* --- obscured ----------------------------------------------------------- */

static void
test_obscured(void)
{
	static const char post[] =
		"Received: from a by b for <bob@example.org>; x\r\n"
		"From: Ann <ann@example.net>\r\nTo: bob@[192.0.2.1], "
		"c.d@e.example.org\r\nMessage-ID: <1@example.net>\r\n"
		"DKIM-Signature: i=@example.net\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed; boundary=b@b.b\r\n\r\n"
		"--b@b.b\r\n\r\nWrite to ann@example.net. Or @home, a@ b\r\n"
		"--b@b.b\r\nContent-Type: text/html\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"<a href=3D\"mailto:ann%40example=\r\n.net\">x</a>\r\n"
		"--b@b.b\r\nContent-Type: text/plain\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n"
		"YW5uQGV4YW1wbGUubmV0Cg==\r\n"
		"--b@b.b\r\nContent-Type: image/png\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n"
		"YW5uQGV4YW1wbGUubmV0Cg==\r\n--b@b.b--\r\n";
	static const char made[] =
		"From: Ann <ann@xxxxxxxxxxx>\nTo: bob@[xxxxxxxxx], "
		"c.d@xxxxxxxxxxxxx\nMessage-ID: <1@example.net>\n"
		"MIME-Version: 1.0\n"
		"Content-Type: multipart/mixed; boundary=b@b.b\n\n"
		"--b@b.b\n\nWrite to ann@xxxxxxxxxxx. Or @home, a@ b\n"
		"--b@b.b\nContent-Type: text/html\n"
		"Content-Transfer-Encoding: quoted-printable\n\n"
		"<a href=3D\"mailto:ann%40xxxxxxxxxxx\">x</a>\n"
		"--b@b.b\nContent-Type: text/plain\n"
		"Content-Transfer-Encoding: base64\n\n"
		"YW5uQHh4eHh4eHh4eHh4Cg==\n"
		"--b@b.b\nContent-Type: image/png\n"
		"Content-Transfer-Encoding: base64\n\n"
		"YW5uQGV4YW1wbGUubmV0Cg==\n--b@b.b--\n";
	struct archive_text text = { 0 };
	g_autofree char *got = NULL;
	const char *data;
	gsize len;

	archive_text_init(&text, post, strlen(post), true);
	data = g_bytes_get_data(text.bytes, &len);
	got = g_strndup(data, len);
	g_assert_cmpstr(got, ==, made);
	g_assert_cmpstr(text.message_id, ==, "<1@example.net>");
	archive_text_done(&text);
}

/* --- what is known ------------------------------------------------------ */

static enum err_code
forget_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_case *t = arg;
	g_autoptr(archived_t) entry = NULL;
	struct archive state;
	enum err_code rc = archive_lock(txn, t->list, &state, err);

	if (rc == ERR_OK)
		rc = archive_by_number(txn, t->list, 1, &entry, err);
	return rc == ERR_OK ? archive_forget(txn, &state, entry, err) : rc;
}

static void
test_known(void)
{
	struct stage_case t;
	struct post_id id, first;
	struct txn *reader;
	g_autoptr(GPtrArray) all = NULL, left = NULL;
	g_autoptr(archived_t) entry = NULL, none = NULL;
	struct archive state;

	begin(&t, "maildir");
	take_in(&t, &first, POST);
	(void) archive(&t);
	take_in(&t, &id, POST);
	(void) archive(&t);
	reader = store_reader(t.s.store);
	case_ok(archive_by_message_id(reader, t.list, "<a/1@example.net>",
				      &all, &t.s.err), &t.s);
	g_assert_cmpuint(all->len, ==, 2);
	case_txn(&t.s, forget_body, &t);
	case_ok(archive_by_message_id(reader, t.list, "<a/1@example.net>",
				      &left, &t.s.err), &t.s);
	g_assert_cmpuint(left->len, ==, 1);
	case_ok(archive_by_post(reader, t.list, &first, &none, &t.s.err),
		&t.s);
	g_assert_null(none);
	case_ok(archive_next(reader, t.list, 0, &entry, &t.s.err), &t.s);
	g_assert_cmpuint(entry->number, ==, 2);
	case_ok(archive_get(reader, t.list, &state, &t.s.err), &t.s);
	g_assert_cmpuint(state.posts, ==, 1);
	g_assert_cmpuint(state.last, ==, 2);
	stage_end(&t);
}

static enum err_code
delete_body(struct txn *txn, void *arg, struct err *err)
{
	bool *deleted = arg;

	return list_delete(txn, LIST_ADDR, deleted, err);
}

/* What is known of it goes, and waits for nothing; its files stay. */
static void
test_list_deleted(void)
{
	struct stage_case t;
	struct post_id id, waiting;
	struct archive state;
	g_autoptr(archived_t) entry = NULL;
	g_autoptr(GPtrArray) named = NULL;
	struct post *post = NULL;
	bool deleted = false, more = true;

	begin(&t, "maildir");
	take_in(&t, &id, POST);
	(void) archive(&t);
	take_in(&t, &waiting, POST);
	case_txn(&t.s, delete_body, &deleted);
	g_assert_true(deleted);
	while (more)
		case_ok(list_purge(t.s.store, &more, &t.s.err), &t.s);
	case_ok(archive_get(store_reader(t.s.store), t.list, &state,
			    &t.s.err), &t.s);
	g_assert_cmpuint(state.last, ==, 0);
	case_ok(archive_next(store_reader(t.s.store), t.list, 0, &entry,
			     &t.s.err), &t.s);
	g_assert_null(entry);
	case_ok(archive_by_message_id(store_reader(t.s.store), t.list,
				      "<a/1@example.net>", &named,
				      &t.s.err), &t.s);
	g_assert_cmpuint(named->len, ==, 0);
	g_assert_cmpuint(archive(&t).number, ==, 0);
	g_assert_cmpuint(count_files(&t, "new"), ==, 1);
	case_ok(post_get(store_reader(t.s.store), &waiting, &post,
			 &t.s.err), &t.s);
	g_assert_cmpuint(post->jobs, ==, 1);	/* outbound's */
	post_free(post);
	stage_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a Maildir has the post as all get it", test_maildir },
		{ "a job done again writes no second file",
		  test_maildir_again },
		{ "nor when a reader has moved the first",
		  test_maildir_moved },
		{ "a directory that has gone is not made anew",
		  test_maildir_missing },
		{ "each list has a directory of its own", test_shared_dir },
		{ "private and open archives", test_open },
		{ "X-No-Archive: nothing is stored", test_refused },
		{ "an mbox can be read back", test_mbox },
		{ "the torn end of an mbox is mended", test_mbox_torn },
		{ "nothing is put behind a hole", test_mbox_short },
		{ "somebody else's lock is heeded", test_mbox_locked },
		{ "what is changed or missing is found", test_changed },
		{ "mboxrd quotes and unquotes", test_quotes },
		{ "links to posts", test_link },
		{ "obscured addresses", test_obscured },
		{ "posts are found by number, id and Message-ID",
		  test_known },
		{ "a list is deleted, its files stay", test_list_deleted },
		{ NULL, NULL },
	};

	return tap_run("archive", cases);
}
