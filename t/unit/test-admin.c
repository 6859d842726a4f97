/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/command/admin.h"
#include "core/mail/mime.h"
#include "core/outbound/outbound.h"
#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/roster.h"
#include "t/unit/store-case.h"

/* A store, settings, and what the last verb has printed. */
struct desk {
	struct store_case store;
	struct settings *settings;
	char *path;
	char *out, *errors;
};

static int wakes;	/* of the case that runs */

static void
count_wake(void)
{
	wakes++;
}

static void
desk_begin(struct desk *desk)
{
	static const char text[] =
		"[muster]\ndomains = lists.example.org\n"
		"shared-domains = example.com\n";

	*desk = (struct desk){ 0 };
	case_begin(&desk->store);
	desk->path = g_build_filename(desk->store.home, "conf", NULL);
	g_assert_true(g_file_set_contents(desk->path, text, -1, NULL));
	case_ok(settings_load(desk->path, &desk->settings,
			      &desk->store.err), &desk->store);
	wakes = 0;
}

static void
desk_end(struct desk *desk)
{
	g_free(desk->out);
	g_free(desk->errors);
	g_free(desk->path);
	settings_unref(desk->settings);
	case_end(&desk->store);
}

/* With this on stdin; the words end with NULL. */
static enum admin_status
run_input(struct desk *desk, const char *input, char *const *argv)
{
	size_t out_len, errors_len;
	char *out = NULL, *errors = NULL;
	struct admin admin = {
		.store = desk->store.store, .settings = desk->settings,
		.in = input[0] != '\0' ?
			fmemopen((char *)(uintptr_t)input, strlen(input),
				 "r") : fopen("/dev/null", "r"),
		.out = open_memstream(&out, &out_len),
		.errors = open_memstream(&errors, &errors_len),
		.in_fd = -1, .cwd = "/", .wake = count_wake,
	};
	enum admin_status status;

	status = admin_run(&admin, (int)g_strv_length((char **)
			   (uintptr_t)argv), argv);
	(void) fclose(admin.in);
	(void) fclose(admin.out);
	(void) fclose(admin.errors);
	g_free(desk->out);
	g_free(desk->errors);
	desk->out = g_strdup(out);
	desk->errors = g_strdup(errors);
	free(out);
	free(errors);
	return status;
}

static enum admin_status
run(struct desk *desk, const char *word, ...) G_GNUC_NULL_TERMINATED;

static enum admin_status
run(struct desk *desk, const char *word, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	va_list ap;

	va_start(ap, word);
	for (; word != NULL; word = va_arg(ap, const char *))
		g_ptr_array_add(argv, (char *)(uintptr_t)word);
	va_end(ap);
	g_ptr_array_add(argv, NULL);
	return run_input(desk, "", (char *const *)argv->pdata);
}

static void
want_done(const struct desk *desk, enum admin_status status)
{
	if (status != ADMIN_DONE)
		g_error("status %d: %s", (int)status, desk->errors);
	g_assert_cmpstr(desk->errors, ==, "");
}

static void
want_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		g_error("\"%s\" is not in \"%s\"", part, text);
}

static void
make_list(struct desk *desk)
{
	want_done(desk, run(desk, "list", "create",
			    "dev@lists.example.org", NULL));
}

/* --- usage -------------------------------------------------------------- */

static void
test_usage_first(void)
{
	struct desk desk;
	static char list[] = "list", create[] = "create", pair[] = "x=y",
		    name[] = "no pair";
	char *const argv[] = { list, create, pair, name, NULL };

	desk_begin(&desk);
	g_assert_cmpint(run_input(&desk, "", argv), ==, ADMIN_USAGE);
	want_in(desk.errors, "\"no pair\" is not KEY=VALUE");
	g_assert_cmpint(run(&desk, "list", "creat", NULL), ==, ADMIN_USAGE);
	want_in(desk.errors, "did you mean \"create\"?");
	g_assert_cmpint(run(&desk, "list", NULL), ==, ADMIN_USAGE);
	g_assert_cmpint(run(&desk, "member", "add", "l@x", NULL), ==,
			ADMIN_USAGE);
	g_assert_cmpint(run(&desk, "member", "add", "l@x", "a@b", "--file",
			    "f", NULL), ==, ADMIN_USAGE);
	g_assert_cmpstr(desk.out, ==, "");
	desk_end(&desk);
}

static void
test_needs(void)
{
	static char words[][16] = { "--config=F", "member", "-c", "G", "add",
				    "l@x", "--file", "H" };
	static char settings_word[] = "settings";
	char *const table[] = { settings_word, NULL };
	char *argv[G_N_ELEMENTS(words) + 1] = { NULL };
	struct admin_needs needs;
	enum admin_status status;

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		argv[i] = words[i];
	g_assert_true(admin_prepare(G_N_ELEMENTS(words), argv, &needs,
				    &status));
	g_assert_true(needs.store);
	g_assert_cmpstr(needs.config, ==, "G");
	g_assert_cmpstr(needs.file, ==, "H");
	admin_needs_done(&needs);
	g_assert_true(admin_prepare(1, table, &needs, &status));
	g_assert_false(needs.store);
	g_assert_null(needs.file);
	admin_needs_done(&needs);
}

/* --- lists, members ----------------------------------------------------- */

static void
test_create_checks_all(void)
{
	struct desk desk;

	desk_begin(&desk);
	g_assert_cmpint(run(&desk, "list", "create",
			    "dev@lists.example.org", "policy=open",
			    "max-size=much", NULL), ==, ADMIN_REFUSED);
	want_in(desk.errors, "max-size");
	want_done(&desk, run(&desk, "list", "ls", NULL));
	g_assert_cmpstr(desk.out, ==, "");
	g_assert_cmpint(run(&desk, "list", "create", "dev@example.net",
			    NULL), ==, ADMIN_REFUSED);
	want_in(desk.errors, "shared-domains");
	want_done(&desk, run(&desk, "list", "create", "Dev@Example.COM",
			     NULL));
	want_done(&desk, run(&desk, "list", "ls", NULL));
	g_assert_cmpstr(desk.out, ==, "dev@example.com\n");
	desk_end(&desk);
}

static void
test_inheritance(void)
{
	struct desk desk;

	desk_begin(&desk);
	make_list(&desk);
	want_done(&desk, run(&desk, "list", "set", "site", "max-size=1M",
			     "policy=open", NULL));
	want_done(&desk, run(&desk, "list", "set", "@LISTS.example.org",
			     "policy=members-strict", NULL));
	want_done(&desk, run(&desk, "list", "set", "dev@lists.example.org",
			     "description=Dev", NULL));
	want_done(&desk, run(&desk, "list", "show", "dev@lists.example.org",
			     NULL));
	want_in(desk.out, "max-size = 1M  (site)\n");
	want_in(desk.out, "policy = members-strict  (domain)\n");
	want_in(desk.out, "description = Dev  (list)\n");
	want_in(desk.out, "subject-prefix =  (default)\n");
	want_done(&desk, run(&desk, "list", "set", "@lists.example.org",
			     "--unset", "policy", NULL));
	want_done(&desk, run(&desk, "list", "show", "dev@lists.example.org",
			     NULL));
	want_in(desk.out, "policy = open  (site)\n");
	g_assert_cmpint(run(&desk, "list", "set", "@example.net",
			    "policy=open", NULL), ==, ADMIN_REFUSED);
	g_assert_cmpint(run(&desk, "list", "set", "site", "policy=open",
			    "--unset", "policy", NULL), ==, ADMIN_REFUSED);
	desk_end(&desk);
}

static void
test_add_stdin(void)
{
	static char member[] = "member", add[] = "add",
		    list[] = "dev@lists.example.org", dash[] = "-";
	char *const argv[] = { member, add, list, dash, NULL };
	struct desk desk;

	desk_begin(&desk);
	make_list(&desk);
	g_assert_cmpint(run_input(&desk,
		"\357\273\277ann@example.com\r\n"
		"\r\n"
		"# a remark\n"
		"Bob <bob@example.com>\n"
		"ann@EXAMPLE.com\n"
		"two words\n"
		"=?utf-8?q?a=1Bb?= <esc@example.com>\n"
		"last@example.com", argv), ==, ADMIN_REFUSED);
	g_assert_cmpstr(desk.out, ==,
			"4 added, 1 were already there, 1 bad lines\n");
	want_in(desk.errors, "stdin:6: ");
	want_done(&desk, run(&desk, "member", "ls", list, NULL));
	g_assert_cmpstr(desk.out, ==, "ann@example.com\nbob@example.com\n"
			"esc@example.com\nlast@example.com\n");
	desk_end(&desk);
}

static void
test_member_set(void)
{
	static const char list[] = "dev@lists.example.org";
	struct desk desk;

	desk_begin(&desk);
	make_list(&desk);
	want_done(&desk, run(&desk, "member", "add", list,
			     "Ann <Ann@example.com>", NULL));
	want_done(&desk, run(&desk, "member", "set", list,
			     "Ann@EXAMPLE.com", "delivery=off",
			     "own_posts=false", "name=Ann B", NULL));
	want_done(&desk, run(&desk, "member", "show", list,
			     "Ann@example.com", NULL));
	want_in(desk.out, "name = Ann B\ndelivery = off\nown-posts = no\n");
	g_assert_cmpint(run(&desk, "member", "set", list, "ann@example.com",
			    "delivery=on", NULL), ==, ADMIN_REFUSED);
	want_in(desk.errors, "ann@example.com is not a member");
	g_assert_cmpint(run(&desk, "member", "remove", list,
			    "ann@example.com", "Ann@example.com", NULL), ==,
			ADMIN_REFUSED);
	g_assert_cmpstr(desk.out, ==, "1 removed\n");
	want_done(&desk, run(&desk, "member", "ls", list, "--json", NULL));
	g_assert_cmpstr(desk.out, ==, "[]\n");
	desk_end(&desk);
}

/* --- queue, trace ------------------------------------------------------- */

struct queued {
	enum stage stage;	/* 0: shunted from outbound */
	int64_t due_ms;		/* 0: long ago */
	const char *reason;	/* NULL: some */
	struct post_id post, job;
	char post_text[POST_ID_TEXT + 1], job_text[POST_ID_TEXT + 1];
	int fd;
};

static enum err_code
queue_body(struct txn *txn, void *arg, struct err *err)
{
	struct queued *queued = arg;
	char text[] = "ann@example.com", empty[] = "", qid[] = "4bXk2Z1mJz",
	     id[] = "<one\033@example.com>", door[] = "milter",
	     reason[] = "no relay";
	struct post post = {
		.id = queued->post, .received_s = 1700000000, .sender = text,
		.qid = qid, .message_id = id, .door = door, .client = empty,
		.helo = empty, .auth = empty, .author = text, .size = 2,
		.jobs = 1,
	};
	g_autofree char *list = g_strdup("dev@lists.example.org");
	struct job *job = job_new(STAGE_SHUNTED, &queued->post, 1, list);
	enum err_code rc;

	job->id = queued->job;
	job->was = STAGE_OUTBOUND;
	job->attempts = 7;
	job->due_ms = queued->due_ms != 0 ? queued->due_ms : 1700000000000;
	job->stage = queued->stage != 0 ? queued->stage : STAGE_SHUNTED;
	g_free(job->reason);
	job->reason = g_strdup(queued->reason != NULL ? queued->reason :
			       reason);
	rc = post_put(txn, &post, queued->fd, err);
	if (rc == ERR_OK)
		rc = queue_put(txn, job, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &queued->post, "inbound", list, err,
			       "accepted");
	if (rc == ERR_OK)
		rc = trace_ref(txn, &queued->post, id, err);
	if (rc == ERR_OK)
		rc = trace_ref(txn, &queued->post, qid, err);
	job_free(job);
	return rc;
}

static void
queue_post(struct desk *desk, struct queued *queued)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static("\r\n", 2);

	queued->fd = case_memfd(bytes);
	post_id_new(&queued->post);
	post_id_new(&queued->job);
	post_id_text(&queued->post, queued->post_text);
	post_id_text(&queued->job, queued->job_text);
	case_txn(&desk->store, queue_body, queued);
	(void) close(queued->fd);
}

static void
test_retry(void)
{
	struct queued queued = { 0 };
	struct job *job = NULL;
	struct desk desk;

	desk_begin(&desk);
	queue_post(&desk, &queued);
	want_done(&desk, run(&desk, "queue", "ls", NULL));
	want_in(desk.out, "shunted  2023-11-14T22:13:20Z "
		"dev@lists.example.org");
	want_in(desk.out, "attempts=7");
	want_done(&desk, run(&desk, "queue", "retry", queued.job_text,
			     queued.job_text, NULL));
	g_assert_cmpstr(desk.out, ==, "1 made due\n");
	g_assert_cmpint(wakes, ==, 1);
	case_ok(queue_find(store_reader(desk.store.store), &queued.job, &job,
			   &desk.store.err), &desk.store);
	g_assert_cmpint(job->stage, ==, STAGE_OUTBOUND);
	g_assert_cmpint(job->due_ms, ==, 0);
	g_assert_cmpuint(job->attempts, ==, 0);
	g_assert_cmpstr(job->reason, ==, "");
	job_free(job);
	desk_end(&desk);
}

static int64_t
due_of(struct desk *desk, const struct queued *queued)
{
	struct job *job = NULL;
	int64_t due_ms;

	case_ok(queue_find(store_reader(desk->store.store), &queued->job,
			   &job, &desk->store.err), &desk->store);
	g_assert_nonnull(job);
	due_ms = job->due_ms;
	job_free(job);
	return due_ms;
}

/* Its record must be where who is at it puts progress. */
static void
test_retry_due(void)
{
	struct queued queued = { .stage = STAGE_OUTBOUND };
	struct desk desk;

	desk_begin(&desk);
	queue_post(&desk, &queued);
	want_done(&desk, run(&desk, "queue", "retry", queued.job_text, NULL));
	g_assert_cmpint(due_of(&desk, &queued), ==, 1700000000000);
	desk_end(&desk);
}

/* --- outgoing ----------------------------------------------------------- */

static void
want_outgoing(struct desk *desk, const char *scope, const char *wanted)
{
	g_autofree char *value = NULL;

	case_ok(setting_get(store_reader(desk->store.store), scope,
			    "outgoing", &value, &desk->store.err),
		&desk->store);
	g_assert_cmpstr(value, ==, wanted);
}

static void
test_outgoing(void)
{
	const char *list = "dev@lists.example.org";
	struct desk desk;

	desk_begin(&desk);
	make_list(&desk);
	want_done(&desk, run(&desk, "list", "pause", list, list, NULL));
	g_assert_cmpstr(desk.out, ==, "dev@lists.example.org: paused; posts "
			"are taken and wait (0 queued, 0 held, 0 shunted)\n");
	want_outgoing(&desk, list, "paused");
	want_done(&desk, run(&desk, "list", "resume", list, NULL));
	want_outgoing(&desk, list, NULL);
	want_done(&desk, run(&desk, "list", "drain", "site", NULL));
	want_outgoing(&desk, "", "drain");
	want_done(&desk, run(&desk, "list", "resume", list, NULL));
	want_outgoing(&desk, list, "on");
	want_done(&desk, run(&desk, "list", "pause", "@lists.example.org",
			     NULL));
	want_in(desk.out, "keep it: dev@lists.example.org (on)\n");
	g_assert_cmpint(run(&desk, "list", "pause", "site",
			    "no@lists.example.org", NULL), ==, ADMIN_REFUSED);
	want_outgoing(&desk, "", "drain");
	g_assert_cmpint(wakes, >=, 5);
	desk_end(&desk);
}

static void
test_resume(void)
{
	const char *list = "dev@lists.example.org";
	int64_t later = g_get_real_time() / 1000 + 60000;
	struct queued waits = { .stage = STAGE_OUTBOUND, .due_ms = later,
				.reason = OUTBOUND_PAUSED };
	struct queued deferred = { .stage = STAGE_OUTBOUND, .due_ms = later };
	struct queued under_way = { .stage = STAGE_OUTBOUND,
				    .reason = OUTBOUND_PAUSED };
	struct desk desk;

	desk_begin(&desk);
	make_list(&desk);
	queue_post(&desk, &waits);
	queue_post(&desk, &deferred);
	queue_post(&desk, &under_way);
	want_done(&desk, run(&desk, "list", "pause", list, NULL));
	want_in(desk.out, "(3 queued, 0 held, 0 shunted)");
	g_assert_cmpint(due_of(&desk, &waits), ==, later);
	want_done(&desk, run(&desk, "list", "set", list, "outgoing=on",
			     NULL));
	g_assert_cmpint(due_of(&desk, &waits), <=,
			g_get_real_time() / 1000);
	g_assert_cmpint(due_of(&desk, &deferred), ==, later);
	g_assert_cmpint(due_of(&desk, &under_way), ==, 1700000000000);
	g_assert_cmpint(run(&desk, "list", "drain", list, "--wait", NULL), ==,
			ADMIN_LATER);
	want_in(desk.errors, "musterd does not run");
	g_assert_cmpint(run(&desk, "list", "drain", list, "--timeout", "x",
			    "--wait", NULL), ==, ADMIN_USAGE);
	desk_end(&desk);
}

static void
test_drop(void)
{
	struct queued queued = { 0 };
	struct post *post = NULL;
	char other[] = "aaaaaaaaaaaaaaaaaaaa";
	struct desk desk;

	desk_begin(&desk);
	queue_post(&desk, &queued);
	g_assert_cmpint(run(&desk, "queue", "drop", queued.job_text, other,
			    NULL), ==, ADMIN_REFUSED);
	want_in(desk.errors, other);
	want_done(&desk, run(&desk, "queue", "show", queued.job_text,
			     NULL));
	want_in(desk.out, "shunted-from = outbound\n");
	want_done(&desk, run(&desk, "queue", "drop", queued.job_text, NULL));
	case_ok(post_get(store_reader(desk.store.store), &queued.post, &post,
			 &desk.store.err), &desk.store);
	g_assert_null(post);
	g_assert_cmpint(run(&desk, "queue", "show", queued.job_text, NULL),
			==, ADMIN_REFUSED);
	want_done(&desk, run(&desk, "trace", queued.post_text, NULL));
	want_in(desk.out, "kept = no\n");
	want_in(desk.out, "dropped by the administrator");
	desk_end(&desk);
}

static void
test_trace_names(void)
{
	struct queued queued = { 0 };
	struct desk desk;
	const char *const names[] = {
		"one\033@example.com", "<one\033@example.com>", "4bXk2Z1mJz",
		queued.post_text, queued.job_text
	};

	desk_begin(&desk);
	queue_post(&desk, &queued);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		want_done(&desk, run(&desk, "trace", names[i], NULL));
		want_in(desk.out, queued.post_text);
		want_in(desk.out, "accepted");
		/* what strangers wrote is no command to the terminal */
		want_in(desk.out, "message-id = <one\\x1b@example.com>\n");
	}
	g_assert_cmpint(run(&desk, "trace", "two@example.com", NULL), ==,
			ADMIN_REFUSED);
	desk_end(&desk);
}

/* --- output ------------------------------------------------------------- */

static void
test_full_output(void)
{
	static char list[] = "list", keys[] = "keys";
	char *const argv[] = { list, keys, NULL };
	char *errors = NULL;
	size_t len;
	struct admin admin = {
		.in = stdin, .out = fopen("/dev/full", "w"),
		.errors = open_memstream(&errors, &len),
	};

	g_assert_nonnull(admin.out);
	g_assert_cmpint(admin_run(&admin, 2, argv), ==, ADMIN_REFUSED);
	(void) fclose(admin.out);
	(void) fclose(admin.errors);
	want_in(errors, "could not be written");
	free(errors);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "usage is checked before anything is touched",
		  test_usage_first },
		{ "options stand before and behind the verb", test_needs },
		{ "a list is created whole or not at all",
		  test_create_checks_all },
		{ "a list inherits from its domain, that from the site",
		  test_inheritance },
		{ "a bad line is reported, the others are added",
		  test_add_stdin },
		{ "a member is found by his address, changed, removed",
		  test_member_set },
		{ "retry makes a job due and takes it out of the shunt",
		  test_retry },
		{ "retry leaves a job that is due where it is",
		  test_retry_due },
		{ "pause, resume and drain set what holds, and say so",
		  test_outgoing },
		{ "a resumed list's jobs are due at once, no others",
		  test_resume },
		{ "drop gives up the job, and the post with its last one",
		  test_drop },
		{ "a trace is found by each name of a post",
		  test_trace_names },
		{ "output that is not written is no success",
		  test_full_output },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("admin", cases);
}
