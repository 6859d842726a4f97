/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * make-forms OUT [KEY=VALUE...] - what a list with these keys makes of
 * messages, whose paths come on stdin, a line each. The n-th becomes OUT/n.was,
 * with line ends as SMTP has them, and OUT/n.base and OUT/n.copy, or OUT/n.no,
 * which says why not; OUT/n.done says what was done. Marks in copies are
 * filled with an address, as outbound does it.
 */
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

struct making {
	struct stage_case t;
	struct list_conf *conf;
	const char *out;
	unsigned int number;
	GBytes *came;
};

static void
put(const struct making *making, const char *kind, const char *bytes,
    size_t len)
{
	g_autofree char *path = g_strdup_printf("%s/%u.%s", making->out,
						making->number, kind);

	g_assert_true(g_file_set_contents_full(
		path, bytes, (gssize)len, G_FILE_SET_CONTENTS_NONE, 0600,
		NULL));
}

/* What follows a line of a mailbox, with CRLF. */
static GBytes *
as_sent(const char *bytes, size_t len)
{
	GString *out = g_string_sized_new(len + len / 16);
	const char *lf = memchr(bytes, '\n', len);
	size_t from = 0;

	if (lf != NULL && len > 5 && (memcmp(bytes, "From ", 5) == 0 ||
				      memcmp(bytes, ">From", 5) == 0))
		from = (size_t)(lf - bytes) + 1;
	for (size_t i = from; i < len; i++) {
		if (bytes[i] == '\n' && (i == from || bytes[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, bytes[i]);
	}
	if (out->len > 0 && out->str[out->len - 1] != '\n')
		g_string_append(out, "\r\n");
	return g_string_free_to_bytes(out);
}

static void
fill(GString *text, const char *mark, const char *value)
{
	size_t at = 0, len = strlen(mark);
	const char *found;

	while ((found = memmem(text->str + at, text->len - at, mark,
			       len)) != NULL) {
		at = (size_t)(found - text->str);
		g_string_erase(text, (gssize)at, (gssize)len);
		g_string_insert(text, (gssize)at, value);
	}
}

static void
put_form(const struct making *making, const struct work *work,
	 const char *kind)
{
	g_autoptr(GString) text = g_string_new(NULL);
	size_t len;
	const char *body = work_body(work, &len);

	header_write(&work->header, text);
	g_string_append(text, "\r\n");
	g_string_append_len(text, body, (gssize)len);
	fill(text, work->marks.text[SLOT_MEMBER], "reader@example.net");
	fill(text, work->marks.text[SLOT_LEAVE], "aaaabbbbccccddddeeeeffff");
	put(making, kind, text->str, text->len);
}

static struct post *
post_of(const struct making *making)
{
	struct post *post = g_new0(struct post, 1);

	post_id_new(&post->id);
	post->received_s = 1;
	post->size = g_bytes_get_size(making->came);
	post->sender = g_strdup("ann@example.net");
	post->qid = g_strdup("4bXk2Z1mJz");
	post->message_id = g_strdup("");
	post->door = g_strdup("milter");
	post->client = g_strdup("192.0.2.1");
	post->helo = g_strdup("client.example.net");
	post->auth = g_strdup("");
	post->author = g_strdup("ann@example.net");
	post->evidence = g_strdup("");
	return post;
}

static enum err_code
chain(struct txn *txn, struct making *making, struct work *work,
      struct err *err)
{
	enum err_code rc = chain_base(txn, work, err);

	if (rc == ERR_OK) {
		put_form(making, work, "base");
		rc = chain_copies(txn, work, err);
	}
	if (rc == ERR_OK) {
		put_form(making, work, "copy");
		put(making, "done", work->done->str, work->done->len);
	}
	return rc;
}

static enum err_code
make_body(struct txn *txn, void *arg, struct err *err)
{
	struct making *making = arg;
	struct post *post = post_of(making);
	struct job *job = job_new(STAGE_PENDING, &post->id, making->t.list,
				  making->t.list_addr);
	const struct pending_with with = { making->t.settings,
					   making->t.verp, making->t.keys };
	struct work work = { .with = &with, .job = job,
			     .conf = making->conf };
	enum err_code rc;

	job->role = ROLE_POST;
	rc = work_open(&work, post, g_bytes_ref(making->came), err);
	if (rc == ERR_OK)
		rc = chain(txn, making, &work, err);
	work_done(&work);
	job_free(job);
	return rc;
}

static void
make_one(struct making *making, const char *path)
{
	g_autofree char *bytes = NULL;
	const char *was;
	gsize len;

	if (!g_file_get_contents(path, &bytes, &len, NULL))
		g_error("%s cannot be read", path);
	making->came = as_sent(bytes, len);
	was = g_bytes_get_data(making->came, &len);
	put(making, "was", was, len);
	if (store_txn(making->t.s.store, TXN_LAZY, make_body, making,
		      &making->t.s.err) != ERR_OK)
		put(making, "no", making->t.s.err.what,
		    strlen(making->t.s.err.what));
	g_bytes_unref(making->came);
	making->number++;
}

static void
set_key(struct making *making, const char *setting)
{
	g_auto(GStrv) words = g_strsplit(setting, "=", 2);

	g_assert_cmpuint(g_strv_length(words), ==, 2);
	stage_set(&making->t, words[0], words[1]);
}

int
main(int argc, char **argv)
{
	struct making making = { .out = argc > 1 ? argv[1] : "" };
	char line[4096];

	if (argc < 2) {
		(void) fprintf(stderr, "usage: make-forms OUT "
			       "[KEY=VALUE...]\n");
		return 2;
	}
	stage_begin(&making.t);
	for (int i = 2; i < argc; i++)
		set_key(&making, argv[i]);
	case_ok(list_conf_load(store_reader(making.t.s.store),
			       making.t.list_addr, &making.conf,
			       &making.t.s.err), &making.t.s);
	while (fgets(line, sizeof(line), stdin) != NULL)
		make_one(&making, g_strchomp(line));
	list_conf_free(making.conf);
	stage_end(&making.t);
	return 0;
}
