/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/digest.h"

#include <stdlib.h>

#include <glib/gstdio.h>

/* db/table.h has a struct of this name, too */
#define place text_place
#include "core/outbound/delivery.h"
#undef place
#include "core/pending/pending.h"
#include "db/dump.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

/* --- running ------------------------------------------------------------ */

static enum err_code
run_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return pending_run(txn, &(struct pending_with){
		work->t->settings, work->t->verp, work->t->keys }, work->job,
			   err);
}

static void
run_job(struct stage_case *t, struct job *job)
{
	struct stage_work work = { .t = t, .job = job };

	case_txn(&t->s, run_body, &work);
}

/* All of the pending stage, also what comes of it. */
static void
run_pending(struct stage_case *t)
{
	for (;;) {
		g_autoptr(GPtrArray) jobs = case_due(&t->s, STAGE_PENDING,
						     INT64_MAX);

		if (jobs->len == 0)
			return;
		for (guint i = 0; i < jobs->len; i++)
			run_job(t, jobs->pdata[i]);
	}
}

static struct post_id
post_to(struct stage_case *t, const char *bytes)
{
	struct post_id id = stage_post(t, STAGE_PENDING, ROLE_POST, "",
				       "ann@example.net", bytes);

	run_pending(t);
	return id;
}

static void
put_member(struct stage_case *t, const char *addr,
	   enum delivery_mode delivery)
{
	struct member *member = member_new(addr, 1);

	member->delivery = delivery;
	stage_put_member(t, member);
}

static enum err_code
close_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_case *t = arg;
	struct list_conf *conf = NULL;
	struct digest digest;
	bool found;
	enum err_code rc = list_conf_load(txn, t->list_addr, &conf, err);
	const struct digest_with with = { t->settings, conf, t->list,
					  t->list_addr, 1700000000 };

	if (rc == ERR_OK)
		rc = digest_lock(txn, t->list, &digest, &found, err);
	if (rc == ERR_OK && digest.posts > 0)
		rc = digest_close(txn, &with, &digest, err);
	list_conf_free(conf);
	return rc;
}

static void
close_issue(struct stage_case *t)
{
	case_txn(&t->s, close_body, t);
}

static struct digest
digest_of(struct stage_case *t)
{
	struct digest digest;
	bool found;

	case_ok(digest_get(store_reader(t->s.store), t->list, &digest,
			   &found, &t->s.err), &t->s);
	return digest;
}

static void
no_finding(void *arg, const char *line)
{
	(void) arg;
	g_error("%s", line);
}

static void
see_sound(struct stage_case *t)
{
	case_ok(store_check(t->s.store, no_finding, NULL, &t->s.err), &t->s);
}

/* The outbound job of this kind; NULL: there is none. */
static struct job *
job_of_kind(struct stage_case *t, enum delivery_mode delivery)
{
	g_autoptr(GPtrArray) jobs = case_due(&t->s, STAGE_OUTBOUND,
					     INT64_MAX);

	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = jobs->pdata[i];

		if (job->delivery == delivery)
			return g_ptr_array_steal_index(jobs, i);
	}
	return NULL;
}

static GString *
form_text(struct stage_case *t, const struct post_id *id)
{
	GString *out = g_string_new(NULL);
	struct form *form = NULL;
	gsize len;
	const char *bytes;

	case_ok(form_get(store_reader(t->s.store), id, t->list,
			 FORM_COPIES, &form, &t->s.err), &t->s);
	g_assert_nonnull(form);
	bytes = g_bytes_get_data(form->header, &len);
	g_string_append_len(out, bytes, (gssize)len);
	g_string_append(out, "\r\n");
	if (form->body != NULL) {
		bytes = g_bytes_get_data(form->body, &len);
		g_string_append_len(out, bytes, (gssize)len);
	}
	form_free(form);
	return out;
}

/* --- what they look like ------------------------------------------------ */

#define WAY "Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000\r\n" \
	"DKIM-Signature: v=1; d=example.net; b=x\r\n"
#define WHO "From: Ann <ann@example.net>\r\n" \
	"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"

static const char *const posts[] = {
	WAY WHO "Subject: one\r\nMessage-ID: <1@example.net>\r\n\r\n"
	"Hello.\r\n",
	/* ISO 8859-1, and a name in RFC 2047 */
	WAY WHO "Subject: =?iso-8859-1?Q?z=FCrich?=\r\n"
	"Message-ID: <2@example.net>\r\nMIME-Version: 1.0\r\n"
	"Content-Type: text/plain; charset=iso-8859-1\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	"Gr=FC=DFe\r\n",
	WAY WHO "Subject: picture\r\nMessage-ID: <3@example.net>\r\n"
	"MIME-Version: 1.0\r\n"
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	"Content-Type: text/plain\r\n\r\nLook.\r\n--b\r\n"
	"Content-Type: image/png; name=photo.png\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n",
	/* what would end it */
	WAY WHO "Subject: rules\r\nMessage-ID: <4@example.net>\r\n\r\n"
	"above\r\n\r\n------------------------------\r\n\r\nFrom: eve\r\n"
	"\r\nbelow\r\n",
	WAY WHO "Subject: bytes\r\nMessage-ID: <5@example.net>\r\n"
	"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	"Content-Transfer-Encoding: 8bit\r\n\r\nna\303\257ve\r\n",
};

static char *
ask_oracle(const char *kind, const GString *text)
{
	g_autofree char *python = g_find_program_in_path("python3");
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *script = g_build_filename(
		src != NULL ? src : ".", "t", "unit", "digest-oracle.py",
		NULL);
	g_autofree char *path = NULL;
	char *said = NULL;
	const char *argv[] = { python, script, kind, NULL, NULL };
	int fd = g_file_open_tmp("muster-digest-XXXXXX", &path, NULL);
	int status = 0;

	if (python == NULL)
		return NULL;
	(void) close(fd);
	argv[3] = path;
	g_assert_true(g_file_set_contents(path, text->str,
					  (gssize)text->len, NULL));
	g_assert_true(g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL,
				   G_SPAWN_DEFAULT, NULL, NULL, &said, NULL,
				   &status, NULL));
	g_assert_cmpint(status, ==, 0);
	(void) g_unlink(path);
	return said;
}

static void
see_read(struct stage_case *t, enum delivery_mode delivery, const char *kind,
	 const char *wanted)
{
	struct job *job = job_of_kind(t, delivery);
	g_autofree char *said = NULL;
	GString *text;

	g_assert_nonnull(job);
	text = form_text(t, &job->post);
	said = ask_oracle(kind, text);
	if (said == NULL)
		g_test_message("no python3: not compared");
	else
		g_assert_cmpstr(said, ==, wanted);
	(void) g_string_free(text, TRUE);
	job_free(job);
}

static void
test_form(void)
{
	struct stage_case t;

	stage_begin(&t);
	put_member(&t, "bob@example.net", DELIVERY_DIGEST);
	put_member(&t, "eve@example.net", DELIVERY_DIGEST_PLAIN);
	stage_set(&t, "footer", "For %{member} alone");
	for (size_t i = 0; i < G_N_ELEMENTS(posts); i++)
		(void) post_to(&t, posts[i]);
	g_assert_cmpuint(digest_of(&t).posts, ==, G_N_ELEMENTS(posts));
	see_sound(&t);
	close_issue(&t);
	see_sound(&t);
	run_pending(&t);
	see_sound(&t);
	see_read(&t, DELIVERY_DIGEST, "mime",
		 "('<1@example.net>', 'one', 'Hello.')\n"
		 "('<2@example.net>', 'z\\xfcrich', 'Gr\\xfc\\xdfe')\n"
		 "('<3@example.net>', 'picture', 'Look.')\n"
		 "('<4@example.net>', 'rules', 'above\\n\\n"
		 "------------------------------\\n\\nFrom: eve\\n\\nbelow')\n"
		 "('<5@example.net>', 'bytes', 'na\\xefve')\n");
	see_read(&t, DELIVERY_DIGEST_PLAIN, "plain",
		 "('<1@example.net>', 'one', 'Hello.')\n"
		 "('<2@example.net>', 'z\\xfcrich', 'Gr\\xfc\\xdfe')\n"
		 "('<3@example.net>', 'picture', 'Look.\\n\\n"
		 "[Left out: image/png, photo.png]')\n"
		 "('<4@example.net>', 'rules', 'above\\n\\n"
		 " ------------------------------\\n\\nFrom: eve\\n\\n"
		 "below')\n"
		 "('<5@example.net>', 'bytes', 'na\\xefve')\n");
	stage_end(&t);
}

/* --- when --------------------------------------------------------------- */

static void
test_limits(void)
{
	struct stage_case t;
	struct post_id id;
	g_autofree char *trace = NULL;

	stage_begin(&t);
	stage_member(&t, "ann@example.net", true, true);
	(void) post_to(&t, posts[0]);
	g_assert_cmpuint(digest_of(&t).posts, ==, 0);
	put_member(&t, "bob@example.net", DELIVERY_DIGEST);
	stage_set(&t, "digest-posts", "2");
	id = post_to(&t, posts[0]);
	trace = stage_trace(&t, &id);
	g_assert_nonnull(strstr(trace, "in digest vol 1 no 1"));
	g_assert_null(job_of_kind(&t, DELIVERY_DIGEST));
	(void) post_to(&t, posts[1]);
	g_assert_cmpuint(digest_of(&t).posts, ==, 0);
	g_assert_cmpuint(digest_of(&t).issue, ==, 2);
	stage_set(&t, "digest-posts", "50");
	stage_set(&t, "digest-size", "1k");
	while (digest_of(&t).issue == 2)
		(void) post_to(&t, posts[0]);
	g_assert_cmpuint(digest_of(&t).volume_issue, ==, 2);
	see_sound(&t);
	stage_end(&t);
}

static void
test_due(void)
{
	const int64_t day = 1795737600;	/* 2026-11-27 00:00 UTC */
	struct digest digest = { .posts = 1, .opened_s = day + 36000 };
	struct list_conf conf = { .digest_every_s = 86400,
				  .digest_hour = -1 };

	g_assert_cmpint(digest_due_s(&digest, &conf), ==, day + 86400 +
			36000);
	conf.digest_hour = 12;
	g_assert_cmpint(digest_due_s(&digest, &conf), ==, day + 43200);
	conf.digest_hour = 7;
	g_assert_cmpint(digest_due_s(&digest, &conf), ==, day + 86400 +
			25200);
	conf.digest_every_s = 7 * 86400;
	g_assert_cmpint(digest_due_s(&digest, &conf), ==, day + 7 * 86400 +
			25200);
	conf.digest_every_s = 3600;
	g_assert_cmpint(digest_due_s(&digest, &conf), ==, day + 86400 +
			25200);
	digest.posts = 0;
	g_assert_cmpint(digest_due_s(&digest, &conf), ==, INT64_MAX);
}

static void
test_tick(void)
{
	struct stage_case t;
	unsigned int closed;
	int64_t opened_s;

	stage_begin(&t);
	put_member(&t, "bob@example.net", DELIVERY_DIGEST);
	(void) post_to(&t, posts[0]);
	opened_s = digest_of(&t).opened_s;
	case_ok(digest_tick(t.s.store, t.settings, opened_s + 86399, &closed,
			    &t.s.err), &t.s);
	g_assert_cmpuint(closed, ==, 0);
	case_ok(digest_tick(t.s.store, t.settings, opened_s + 86400, &closed,
			    &t.s.err), &t.s);
	g_assert_cmpuint(closed, ==, 1);
	run_pending(&t);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 2);
	see_sound(&t);
	stage_end(&t);
}

/* --- who: nothing is lost, nothing comes twice -------------------------- */

#define PEOPLE 4
#define POSTS_MAX 100

struct world {
	struct stage_case t;
	struct limits *limits;
	enum delivery_mode modes[PEOPLE];
	guint posts;
	bool on[PEOPLE][POSTS_MAX];	/* had it on when it was posted, and
					 * ever since */
	bool was_off[PEOPLE][POSTS_MAX];	/* when it was posted */
	unsigned int got[PEOPLE][POSTS_MAX];
	GString *story;
};

static void
addr_of(int who, char out[32])
{
	(void) snprintf(out, 32, "p%d@example.net", who);
}

static void
world_post(struct world *w)
{
	char bytes[300];

	(void) snprintf(bytes, sizeof(bytes), WHO "Subject: s\r\n"
			"Message-ID: <no%03u@example.net>\r\n\r\nx\r\n",
			w->posts);
	(void) post_to(&w->t, bytes);
	for (int who = 0; who < PEOPLE; who++) {
		w->on[who][w->posts] = w->modes[who] != DELIVERY_OFF;
		w->was_off[who][w->posts] = w->modes[who] == DELIVERY_OFF;
	}
	g_string_append_printf(w->story, "post %u\n", w->posts);
	w->posts++;
}

static void
world_change(struct world *w, int who, enum delivery_mode to)
{
	char addr[32];
	struct member *member;

	addr_of(who, addr);
	member = stage_get_member(&w->t, addr);
	member_deliver(member, to, to == DELIVERY_OFF ? OFF_BY_SELF : OFF_NOT,
		       2);
	stage_put_member(&w->t, member);
	w->modes[who] = to;
	for (guint i = 0; i < w->posts && to == DELIVERY_OFF; i++)
		w->on[who][i] = false;
	g_string_append_printf(w->story, "%s: %s\n", addr,
			       delivery_mode_name(to));
}

/* Which posts are in it goes by their Message-IDs. */
static void
world_receive(struct world *w, const char *key, const GString *text)
{
	int who = key[1] - '0';
	char id[32];

	for (guint i = 0; i < w->posts; i++) {
		(void) snprintf(id, sizeof(id), "<no%03u@", i);
		if (strstr(text->str, id) == NULL)
			continue;
		w->got[who][i]++;
		g_string_append_printf(w->story, "  %s gets %u\n", key, i);
	}
}

static enum err_code
done_body(struct txn *txn, void *arg, struct err *err)
{
	const struct job *job = arg;
	bool taken;
	enum err_code rc = queue_take(txn, job, &taken, err);

	return rc == ERR_OK ? post_release(txn, &job->post, 1, err) : rc;
}

/* An outbound job, expanded as it is. */
static void
world_send(struct world *w, struct job *job)
{
	const struct expansion with = {
		.store = w->t.s.store, .settings = w->t.settings,
		.limits = w->limits, .max = 100,
	};
	GString *text = form_text(&w->t, &job->post);
	struct delivery *delivery = NULL;
	struct batch *batch;

	/* a digest's fields name itself, its body the posts */
	g_string_append_printf(w->story, "send %s\n",
			       delivery_mode_name(job->delivery));
	case_ok(delivery_open(w->t.s.store, w->t.verp, w->t.keys, job,
			      &delivery, &w->t.s.err), &w->t.s);
	do {
		case_ok(delivery_next(delivery, &with, &batch, &w->t.s.err),
			&w->t.s);
		for (guint i = 0; batch != NULL && i < batch->copies->len;
		     i++)
			world_receive(w, batch_copy(batch, i)->key, text);
	} while (batch != NULL);
	case_txn(&w->t.s, done_body, job);
	delivery_free(delivery);	/* and the job */
	(void) g_string_free(text, TRUE);
}

static bool
world_send_some(struct world *w)
{
	g_autoptr(GPtrArray) jobs = case_due(&w->t.s, STAGE_OUTBOUND,
					     INT64_MAX);

	if (jobs->len == 0)
		return false;
	world_send(w, g_ptr_array_steal_index(jobs, (guint)g_test_rand_int_range(
		   0, (int)jobs->len)));
	return true;
}

static void
world_step(struct world *w)
{
	int dice = g_test_rand_int_range(0, 100);

	if (dice < 40 && w->posts < POSTS_MAX)
		world_post(w);
	else if (dice < 65)
		world_change(w, g_test_rand_int_range(0, PEOPLE),
			     (enum delivery_mode)g_test_rand_int_range(0, 4));
	else if (dice < 72)
		close_issue(&w->t);
	else if (dice < 80)
		run_pending(&w->t);
	else
		(void) world_send_some(w);
}

static void
world_judge(const struct world *w)
{
	for (int who = 0; who < PEOPLE; who++)
		for (guint i = 0; i < w->posts; i++) {
			unsigned int got = w->got[who][i];

			if (got > 1 || (w->on[who][i] && got != 1) ||
			    (w->was_off[who][i] && got != 0))
				g_error("p%d has got post %u %u times:\n%s",
					who, i, got, w->story->str);
		}
}

/* Few enough changes that none is forgotten: db/digest_member.c. */
static void
one_world(void)
{
	struct world *w = g_new0(struct world, 1);
	char addr[32];

	stage_begin(&w->t);
	w->limits = limits_new();
	w->story = g_string_new(NULL);
	stage_set(&w->t, "digest-posts", "7");
	for (int who = 0; who < PEOPLE; who++) {
		addr_of(who, addr);
		w->modes[who] = who % 2 == 0 ? DELIVERY_ON : DELIVERY_DIGEST;
		put_member(&w->t, addr, w->modes[who]);
	}
	for (int i = 0; i < 60; i++)
		world_step(w);
	close_issue(&w->t);
	run_pending(&w->t);
	while (world_send_some(w))
		;
	world_judge(w);
	see_sound(&w->t);
	g_assert_cmpuint(digest_of(&w->t).posts, ==, 0);
	limits_free(w->limits);
	(void) g_string_free(w->story, TRUE);
	stage_end(&w->t);
	g_free(w);
}

static void
test_changes(void)
{
	const char *more = g_getenv("MUSTER_DIGEST_WORLDS");
	int worlds = more != NULL ? (int)strtol(more, NULL, 10) : 6;

	for (int i = 0; i < worlds; i++)
		one_world();
}

/* --- what does not come of it ------------------------------------------- */

static enum err_code
cut_body(struct txn *txn, void *arg, struct err *err)
{
	enum err_code rc = run_body(txn, arg, err);

	return rc != ERR_OK ? rc : err_set(err, ERR_IO, "", "cut off");
}

/* Whatever ends a transaction: the job is still there, and nothing else. */
static void
test_cut(void)
{
	struct stage_case t;
	struct stage_work work = { .t = &t };
	struct job *job;

	stage_begin(&t);
	put_member(&t, "bob@example.net", DELIVERY_DIGEST);
	put_member(&t, "eve@example.net", DELIVERY_DIGEST_PLAIN);
	(void) stage_post(&t, STAGE_PENDING, ROLE_POST, "",
			  "ann@example.net", posts[0]);
	work.job = job = stage_job(&t, STAGE_PENDING);
	g_assert_cmpint(store_txn(t.s.store, TXN_LAZY, cut_body, &work,
				  &t.s.err), ==, ERR_IO);
	g_assert_cmpuint(digest_of(&t).posts, ==, 0);
	run_job(&t, job);
	job_free(job);
	close_issue(&t);
	work.job = job = stage_job(&t, STAGE_PENDING);
	g_assert_cmpint(store_txn(t.s.store, TXN_LAZY, cut_body, &work,
				  &t.s.err), ==, ERR_IO);
	g_assert_cmpuint(stage_count(&t, STAGE_PENDING), ==, 1);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 1);
	see_sound(&t);
	job_free(job);
	case_reopen(&t.s);
	run_pending(&t);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 3);
	see_sound(&t);
	stage_end(&t);
}

/* --- dumps, deleted lists ----------------------------------------------- */

static char *
dump_of(struct store_case *t)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	case_ok(dump_write(t->store, NULL, out, &t->err), t);
	g_assert_cmpint(fclose(out), ==, 0);
	return text;
}

/* An open issue, a closed one, a member who has changed; and back. */
static void
test_dump(void)
{
	g_autofree char *text = NULL, *again = NULL;
	g_autoptr(GBytes) bytes = NULL;
	struct dump_counts counts;
	struct stage_case t;
	struct store_case other;
	struct member *member;
	int fd;

	stage_begin(&t);
	put_member(&t, "bob@example.net", DELIVERY_DIGEST);
	put_member(&t, "eve@example.net", DELIVERY_ON);
	(void) post_to(&t, posts[0]);
	close_issue(&t);
	(void) stage_post(&t, STAGE_PENDING, ROLE_POST, "",
			  "ann@example.net", posts[1]);
	{
		g_autoptr(GPtrArray) jobs = case_due(&t.s, STAGE_PENDING,
						     INT64_MAX);

		for (guint i = 0; i < jobs->len; i++)
			if (!digest_is_order(jobs->pdata[i]))
				run_job(&t, jobs->pdata[i]);
	}
	member = stage_get_member(&t, "eve@example.net");
	member->delivery = DELIVERY_DIGEST_PLAIN;
	stage_put_member(&t, member);
	text = dump_of(&t.s);
	g_assert_nonnull(strstr(text, "\"type\":\"digest\""));
	g_assert_nonnull(strstr(text, "\"changes\":\"0:on "));
	case_begin(&other);
	bytes = g_bytes_new(text, strlen(text));
	fd = case_memfd(bytes);
	for (int i = 0; i < 2; i++) {
		(void) lseek(fd, 0, SEEK_SET);
		case_ok(dump_load(other.store, fd, false, NULL, NULL,
				  &counts, &other.err), &other);
	}
	(void) close(fd);
	again = dump_of(&other);
	g_assert_cmpstr(again, ==, text);
	case_ok(store_check(other.store, no_finding, NULL, &other.err),
		&other);
	case_end(&other);
	stage_end(&t);
}

static enum err_code
delete_body(struct txn *txn, void *arg, struct err *err)
{
	bool deleted;

	return list_delete(txn, arg, &deleted, err);
}

/* Nothing is left of it, and no post that nobody needs. */
static void
test_delete(void)
{
	char list[] = LIST_ADDR;
	struct stage_case t;
	struct digest digest;
	bool more = true, found;

	stage_begin(&t);
	put_member(&t, "bob@example.net", DELIVERY_DIGEST);
	(void) post_to(&t, posts[0]);
	close_issue(&t);
	(void) post_to(&t, posts[1]);
	(void) stage_post(&t, STAGE_PENDING, ROLE_POST, "",
			  "ann@example.net", posts[1]);
	case_txn(&t.s, delete_body, list);
	run_pending(&t);
	while (more)
		case_ok(list_purge(t.s.store, &more, &t.s.err), &t.s);
	case_ok(digest_next(store_reader(t.s.store), 0, &digest, &found,
			    &t.s.err), &t.s);
	g_assert_false(found);
	see_sound(&t);
	stage_end(&t);
}

/* --- much --------------------------------------------------------------- */

static long
anon_kb(void)
{
	g_autofree char *text = NULL;
	const char *at;

	g_assert_true(g_file_get_contents("/proc/self/status", &text, NULL,
					  NULL));
	at = strstr(text, "RssAnon:");
	return at != NULL ? strtol(at + strlen("RssAnon:"), NULL, 10) : 0;
}

struct watch { gint stop, most; };

static void *
watch_memory(void *arg)
{
	struct watch *watch = arg;

	while (g_atomic_int_get(&watch->stop) == 0) {
		gint now = (gint)anon_kb();

		if (now > g_atomic_int_get(&watch->most))
			g_atomic_int_set(&watch->most, now);
		g_usleep(1000);
	}
	return NULL;
}

/* 40 MB in 999 posts, or more. */
static void
test_much(void)
{
	const char *more = g_getenv("MUSTER_DIGEST_KB");
	const size_t size = (size_t)(more != NULL ? (int)strtol(more, NULL, 10) : 40) * 1024;
	GString *bytes = g_string_new(WHO "Subject: s\r\n"
				      "Message-ID: <1@example.net>\r\n\r\n");
	struct watch watch = { 0, 0 };
	GThread *thread;
	struct stage_case t;
	gint64 begun;
	long before;

	while (bytes->len < size)
		g_string_append(bytes, "All work and no play makes Jack a "
				"dull boy.\r\n");
	stage_begin(&t);
	put_member(&t, "bob@example.net", DELIVERY_DIGEST);
	stage_set(&t, "digest-posts", "1000");
	stage_set(&t, "digest-size", "0");
	for (int i = 0; i < 999; i++)
		(void) post_to(&t, bytes->str);
	close_issue(&t);
	before = anon_kb();
	thread = g_thread_new("watch", watch_memory, &watch);
	begun = g_get_monotonic_time();
	run_pending(&t);
	g_atomic_int_set(&watch.stop, 1);
	(void) g_thread_join(thread);
	g_test_message("999 posts of %zu octets: %lld ms, %ld KB and %ld KB "
		       "more", size, (long long)(g_get_monotonic_time() -
						 begun) / 1000, before,
		       watch.most - before);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	g_assert_cmpint(watch.most - before, <, 24 * 1024);
#endif
	(void) g_string_free(bytes, TRUE);
	stage_end(&t);
}

static const struct tap_case cases[] = {
	{ "other parsers read both kinds", test_form },
	{ "full by posts, or by bytes", test_limits },
	{ "its time", test_due },
	{ "the timer closes it", test_tick },
	{ "a change loses and doubles nothing", test_changes },
	{ "cut off, it begins again", test_cut },
	{ "dump, load, dump", test_dump },
	{ "a deleted list", test_delete },
	{ "1000 posts take no memory", test_much },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run("digest", cases);
}
