/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Pending by itself: bench-pending [SECONDS [REGEX]]
 *
 * What each filter costs a post of 4 KB, 64 KB and 5 MB: posts a second and
 * CPU of the chain beside that of a list that wants nothing, and how much
 * memory it takes at most, in lengths of the post. Each case is a process of
 * its own, with a store of its own. The last cases are the whole stage, with
 * its durable commit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

#define KB 1024
#define MB (1024 * KB)

enum kind { PLAIN, QUOTED, ATTACHED, HTML, KINDS };

struct setting { const char *key, *value; };

/* A key named FILE of a value is replaced by a path, see set_keys(). */
static const struct {
	const char *name;
	enum kind kind;
	struct setting settings[4];
} cases[] = {
	{ "nothing wanted", PLAIN, { { NULL, NULL } } },
	{ "nothing wanted", ATTACHED, { { NULL, NULL } } },
	{ "subject prefix", PLAIN, { { "subject-prefix", "[dev]" } } },
	{ "content, all passes", ATTACHED,
	  { { "content", "remove name *.exe; remove size > 100M" } } },
	{ "content, a part replaced", ATTACHED,
	  { { "content", "replace type application" } } },
	{ "content, looks into archives", ATTACHED,
	  { { "content", "remove holds *.exe" } } },
	{ "content-html=text", HTML, { { "content-html", "text" } } },
	{ "footer", PLAIN, { { "footer", "-- \n%{list}" } } },
	{ "footer", QUOTED, { { "footer", "-- \n%{list}" } } },
	{ "footer", ATTACHED, { { "footer", "-- \n%{list}" } } },
	{ "footer", HTML, { { "footer", "-- \n%{list}" } } },
	{ "footer of each member", PLAIN,
	  { { "footer", "-- \n%{member}" } } },
	{ "header of the list", PLAIN, { { "header", "[%{list.name}]" } } },
	{ "rules about fields", PLAIN,
	  { { "header-rules", "remove X-Spam-*; add X-Club: ours" } } },
	{ "replies to the list", PLAIN, { { "reply-to", "list" } } },
	{ "anonymous", PLAIN, { { "anonymous", "yes" } } },
	{ "anonymous", ATTACHED, { { "anonymous", "yes" } } },
	{ "DMARC: From munged", PLAIN, { { "dmarc", "munge-from" },
					 { "dmarc-when", "always" } } },
	{ "DMARC: wrapped", PLAIN, { { "dmarc", "wrap" },
				     { "dmarc-when", "always" } } },
	{ "RSA-2048, ARC", PLAIN, { { "sign-key", "RSA" },
				    { "sign-selector", "s" } } },
	{ "ed25519, ARC", PLAIN, { { "sign-key", "ED25519" },
				   { "sign-selector", "s" } } },
};

static const char *const kind_names[KINDS] = {
	"plain", "quoted-printable", "attachment", "HTML"
};

/* --- a post ------------------------------------------------------------- */

#define FIELDS "Received: from client.test by mx.test; " \
	"Mon, 23 Nov 2026 12:00:00 +0000\r\nFrom: Ann <ann@example.net>\r\n" \
	"To: dev@lists.example.org\r\nSubject: A post of some length\r\n" \
	"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n" \
	"Message-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"

static void
fill(GString *out, size_t size, const char *line)
{
	while (out->len < size)
		g_string_append(out, line);
}

static char *
make_post(enum kind kind, size_t size)
{
	GString *out = g_string_new(FIELDS);

	switch (kind) {
	case PLAIN:
		g_string_append(out, "Content-Type: text/plain\r\n\r\n");
		fill(out, size, "What a member of this list may have to say "
		     "to the others.\r\n");
		break;
	case QUOTED:
		g_string_append(out, "Content-Type: text/plain; "
				"charset=iso-8859-1\r\nContent-Transfer-"
				"Encoding: quoted-printable\r\n\r\n");
		fill(out, size, "Was ein Mitglied den anderen zu sagen h=E4tte "
		     "und m=F6chte.\r\n");
		break;
	case HTML:
		g_string_append(out, "Content-Type: text/html; "
				"charset=utf-8\r\n\r\n<html><body>\r\n");
		fill(out, size, "<p>What a <b>member</b> of this list may "
		     "have to say.</p>\r\n");
		g_string_append(out, "</body></html>\r\n");
		break;
	case ATTACHED:
	case KINDS:
		g_string_append(out, "Content-Type: multipart/mixed; "
				"boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n"
				"--b\r\nContent-Type: application/pdf; "
				"name=a.pdf\r\nContent-Transfer-Encoding: "
				"base64\r\n\r\n");
		fill(out, size, "QmFzZTY0IG9mIHNvbWV0aGluZyB0aGF0IG5vYm9keSB"
		     "oYXMgdG8gcmVhZCBub3c=\r\n");
		g_string_append(out, "--b--\r\n");
		break;
	}
	return g_string_free(out, FALSE);
}

/* --- a run -------------------------------------------------------------- */

struct run {
	struct stage_case t;
	struct list_conf *conf;
	struct job *job;
	double seconds;
	bool whole;		/* with the commit */
	enum kind kind;
	char *bytes;
};

struct figures { double posts, wall_s, cpu_s, memory; };

static double
cpu_s(void)
{
	struct rusage use;

	(void) getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* The most resident memory since the last call with reset. */
static double
most_memory(bool reset)
{
	g_autofree char *status = NULL;
	const char *line;

	if (reset)
		(void) g_file_set_contents_full(
			"/proc/self/clear_refs", "5", 1,
			G_FILE_SET_CONTENTS_NONE, 0600, NULL);
	if (!g_file_get_contents("/proc/self/status", &status, NULL, NULL) ||
	    (line = strstr(status, "VmHWM:")) == NULL)
		return 0;
	return g_ascii_strtod(line + strlen("VmHWM:"), NULL) * KB;
}

static enum err_code
chain_body(struct txn *txn, void *arg, struct err *err)
{
	struct run *run = arg;
	const struct pending_with with = { run->t.settings, run->t.verp,
					   run->t.keys };
	struct work work = { .with = &with, .job = run->job,
			     .conf = run->conf };
	struct form base = { 0 }, copies = { 0 };
	enum err_code rc = work_begin(txn, &work, err);

	if (rc == ERR_OK)
		rc = chain_base(txn, &work, err);
	if (rc == ERR_OK) {
		work_form(&work, &base);
		rc = chain_copies(txn, &work, err);
	}
	if (rc == ERR_OK)
		work_form(&work, &copies);
	form_done(&base);
	form_done(&copies);
	work_done(&work);
	return rc;
}

static enum err_code
stage_body(struct txn *txn, void *arg, struct err *err)
{
	struct run *run = arg;

	return pending_run(txn, &(struct pending_with){
		run->t.settings, run->t.verp, run->t.keys }, run->job, err);
}

static void
put_post(struct run *run)
{
	(void) stage_post(&run->t, STAGE_PENDING, ROLE_POST, "",
			  "ann@example.net", run->bytes);
	run->job = stage_job(&run->t, STAGE_PENDING);
}

static void
one(struct run *run)
{
	if (run->whole)
		case_txn(&run->t.s, stage_body, run);
	else
		case_ok(store_txn(run->t.s.store, TXN_LAZY, chain_body, run,
				  &run->t.s.err), &run->t.s);
}

static void
measure(struct run *run, size_t size, struct figures *out)
{
	gint64 from = g_get_monotonic_time(), spent = 0;
	double memory, cpu = 0, before;

	one(run);		/* what is done once */
	memory = most_memory(true);
	do {
		if (run->whole) {	/* its acceptance is not counted */
			job_free(run->job);
			put_post(run);
		}
		before = cpu_s();
		from = g_get_monotonic_time();
		one(run);
		spent += g_get_monotonic_time() - from;
		cpu += cpu_s() - before;
		out->posts++;
	} while ((double)spent < run->seconds * G_USEC_PER_SEC);
	out->wall_s = (double)spent / G_USEC_PER_SEC;
	out->cpu_s = cpu;
	out->memory = (most_memory(false) - memory) / (double)size;
}

/* --- keys --------------------------------------------------------------- */

static char *
make_key(const struct run *run, const char *algorithm)
{
	char *path = g_build_filename(run->t.s.home, "key.pem", NULL);
	g_autofree char *command = g_strdup_printf(
		"openssl genpkey -quiet -algorithm %s -out %s", algorithm,
		path);

	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL,
						NULL));
	return path;
}

static void
set_keys(struct run *run, const struct setting *settings)
{
	for (; settings->key != NULL; settings++) {
		g_autofree char *path =
			strcmp(settings->key, "sign-key") == 0 ?
			make_key(run, settings->value) : NULL;

		stage_set(&run->t, settings->key,
			  path != NULL ? path : settings->value);
	}
}

static void
child(size_t index, size_t size, double seconds, bool whole, int out)
{
	struct run run = { .seconds = seconds, .whole = whole,
			   .kind = cases[index].kind };
	struct figures figures = { 0 };

	stage_begin(&run.t);
	set_keys(&run, cases[index].settings);
	case_ok(list_conf_load(store_reader(run.t.s.store), run.t.list_addr,
			       &run.conf, &run.t.s.err), &run.t.s);
	run.bytes = make_post(run.kind, size);
	put_post(&run);
	measure(&run, size, &figures);
	g_assert_cmpint(write(out, &figures, sizeof(figures)), ==,
			(ssize_t)sizeof(figures));
	stage_end(&run.t);
	_exit(0);
}

static struct figures
apart(size_t index, size_t size, double seconds, bool whole)
{
	struct figures figures = { 0 };
	int ends[2], status;
	pid_t pid;

	g_assert_cmpint(pipe(ends), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		child(index, size, seconds, whole, ends[1]);
	(void) close(ends[1]);
	g_assert_cmpint(read(ends[0], &figures, sizeof(figures)), ==,
			(ssize_t)sizeof(figures));
	(void) close(ends[0]);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	return figures;
}

/* --- the table ---------------------------------------------------------- */

static void
print_case(size_t index, size_t size, double seconds, bool whole)
{
	const struct figures got = apart(index, size, seconds, whole);
	g_autofree char *name = g_strdup_printf(
		"%s%s", whole ? "whole stage, " : "", cases[index].name);

	(void) printf("%-32s %-16s %7zu %9.0f %10.0f", name,
		      kind_names[cases[index].kind], size / KB,
		      got.posts / got.wall_s, got.cpu_s / got.posts * 1e6);
	/* of the whole stage it would be that of the store */
	if (whole)
		(void) printf("\n");
	else
		(void) printf(" %7.1f\n", got.memory);
	(void) fflush(stdout);
}

int
main(int argc, char **argv)
{
	static const size_t sizes[] = { 4 * KB, 64 * KB, 5 * MB };
	double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 1;
	const char *only = argc > 2 ? argv[2] : "";

	(void) printf("%-32s %-16s %7s %9s %10s %7s\n", "filter", "post", "KB",
		      "posts/s", "CPU us", "memory");
	for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
		for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
			if (g_regex_match_simple(only, cases[i].name, 0, 0))
				print_case(i, sizes[s], seconds, false);
	for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
		print_case(0, sizes[s], seconds, true);
	return 0;
}
