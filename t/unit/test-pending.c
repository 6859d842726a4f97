/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/pending.h"

#include <sys/stat.h>

#include "core/attempt.h"
#include "core/base/log.h"
#include "core/mail/header.h"
#include "core/outbound/slot.h"
#include "core/pending/program.h"
#include "core/stages.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

#define RECEIVED "Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000\r\n"
#define HEADER RECEIVED "From: Ann <ann@example.net>\r\n" \
	"Subject: Re: hi\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n" \
	"Message-ID: <1@example.net>\r\n"
#define RESULTS "Authentication-Results: lists.example.org; spf=none; " \
	"dkim=none; dmarc=none;\r\n\tarc=none\r\n"
#define OWNERS "X-Loop: dev-owner@lists.example.org\r\n"
#define PATIENCE_MS 60000

static enum err_code
run_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return pending_run(txn, &(struct pending_with){
		work->t->settings, work->t->verp, work->t->keys }, work->job,
			   err);
}

struct made {
	struct stage_case t;
	struct post_id id;
	struct form *form;
	char *header, *trace;
};

/* As where the machine stops before the commit. */
static enum err_code
abort_body(struct txn *txn, void *arg, struct err *err)
{
	enum err_code rc = run_body(txn, arg, err);

	return rc == ERR_OK ? err_set(err, ERR_IO, "", "stopped") : rc;
}

static void
run_job(struct made *made, unsigned int aborts)
{
	struct stage_work work = { .t = &made->t };
	struct job *job = stage_job(&made->t, STAGE_PENDING);
	gsize len;
	const char *text;

	work.job = job;
	for (; aborts > 0; aborts--)
		g_assert_cmpint(store_txn(made->t.s.store, TXN_DURABLE,
					  abort_body, &work,
					  &made->t.s.err), ==, ERR_IO);
	case_txn(&made->t.s, run_body, &work);
	job_free(job);
	case_ok(form_get(store_reader(made->t.s.store), &made->id,
			 made->t.list, FORM_COPIES, &made->form,
			 &made->t.s.err),
		&made->t.s);
	g_assert_nonnull(made->form);
	text = g_bytes_get_data(made->form->header, &len);
	made->header = g_strndup(text, len);
	made->trace = stage_trace(&made->t, &made->id);
}

static void
make(struct made *made, enum role role, const char *bytes)
{
	made->id = stage_post(&made->t, STAGE_PENDING, role, "",
			      "ann@example.net", bytes);
	run_job(made, 0);
}

static void
made_clear(struct made *made)
{
	g_clear_pointer(&made->form, form_free);
	g_clear_pointer(&made->header, g_free);
	g_clear_pointer(&made->trace, g_free);
}

static void
made_done(struct made *made)
{
	made_clear(made);
	stage_end(&made->t);
}

static void
see_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		g_error("\"%s\" is in:\n%s", part, text);
}

#define URL "https://example.org/leave?t=%{token}"
#define KEY "-----BEGIN PRIVATE KEY-----\n" \
	"MC4CAQAwBQYDK2VwBCIEIPQSkW7AYxXtUWBS0wPvVaJIScTgqEsuGdx0qbGeP3i2\n" \
	"-----END PRIVATE KEY-----\n"

static void
set_key(struct stage_case *t)
{
	g_autofree char *path = g_build_filename(t->s.home, "key", NULL);

	g_assert_true(g_file_set_contents(path, KEY, -1, NULL));
	g_assert_cmpint(chmod(path, 0600), ==, 0);
	stage_set(t, "sign-key", path);
	stage_set(t, "sign-selector", "s");
}

static unsigned int
count_of(const char *text, const char *part)
{
	g_auto(GStrv) pieces = g_strsplit(text, part, -1);

	return g_strv_length(pieces) - 1;
}

/* --- the form ----------------------------------------------------------- */

static void
test_list_fields(void)
{
	struct made made;
	struct job *job;

	stage_begin(&made.t);
	stage_set(&made.t, "description", "Gr\xc3\xbc\xc3\x9f" "e, alle");
	make(&made, ROLE_POST, HEADER
	     "Delivered-To: dev@x\r\nX-Original-To: dev@x\r\n"
	     "Return-Path: <a@b>\r\nDisposition-Notification-To: a@b\r\n"
	     "list-id: <other>\r\nList-Archive: <http://x>\r\n"
	     "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
	     "X-Odd :  spaced\r\n\tand folded \r\n\r\nbody\r\n");
	stage_see(made.header, RECEIVED "From: Ann <ann@example.net>\r\n"
		  "Subject: Re: hi\r\n");
	stage_see(made.header, "X-Odd :  spaced\r\n\tand folded \r\n");
	stage_see(made.header, "\r\nList-Id: =?");
	stage_see(made.header, "<dev.lists.example.org>\r\n");
	stage_see(made.header,
		  "List-Post: <mailto:dev@lists.example.org>\r\n");
	stage_see(made.header, "List-Help: <mailto:dev-request@"
		  "lists.example.org?subject=help>\r\n");
	stage_see(made.header, "List-Unsubscribe: <mailto:dev-leave@"
		  "lists.example.org>\r\n");
	stage_see(made.header, "Precedence: list\r\n");
	stage_see(made.header,
		  "Sender: <dev-bounces@lists.example.org>\r\n");
	see_not(made.header, "Delivered-To");
	see_not(made.header, "X-Original-To");
	see_not(made.header, "Return-Path");
	see_not(made.header, "Disposition");
	see_not(made.header, "other");
	see_not(made.header, "List-Archive");
	see_not(made.header, "List-Unsubscribe-Post");
	g_assert_null(made.form->body);
	stage_see(made.trace, "pending: list fields added");
	job = stage_job(&made.t, STAGE_OUTBOUND);
	g_assert_cmpint(job->audience, ==, TO_MEMBERS);
	g_assert_cmpint(job->as_of_s, >, 0);
	job_free(job);
	made_done(&made);
}

static void
test_signed(void)
{
	struct made made;

	stage_begin(&made.t);
	make(&made, ROLE_POST, HEADER "Sender: bob@example.net\r\n"
	     "DKIM-Signature: v=1; h=from:sender:precedence; b=x\r\n"
	     "\r\nbody\r\n");
	stage_see(made.header, "Sender: bob@example.net\r\n");
	see_not(made.header, "Precedence");
	see_not(made.header, "dev-bounces");
	made_done(&made);
}

static void
test_missing(void)
{
	struct made made;

	stage_begin(&made.t);
	make(&made, ROLE_POST, "Subject: x\r\n\r\nbody\r\n");
	stage_see(made.header, "From: <ann@example.net>\r\n");
	stage_see(made.header, "\r\nDate: ");
	stage_see(made.header, "\r\nMessage-ID: <");
	made_done(&made);
}

static void
test_prefix(void)
{
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "subject-prefix", "[dev]");
	make(&made, ROLE_POST, HEADER "\r\nbody\r\n");
	stage_see(made.header, "Subject: Re: [dev] hi\r\n");
	made_done(&made);
	stage_begin(&made.t);
	stage_set(&made.t, "subject-prefix", "[dev]");
	make(&made, ROLE_POST, "Subject: [dev] hi\r\nFrom: a@b\r\n\r\nx");
	stage_see(made.header, "Subject: [dev] hi\r\n");
	made_done(&made);
}

/* The list counts on where a transaction ends well. */
static void
test_numbers(void)
{
	struct made made = { 0 };

	stage_begin(&made.t);
	stage_set(&made.t, "subject-prefix", "[dev %{number}]");
	for (unsigned int i = 1; i <= 3; i++) {
		g_autofree char *line = g_strdup_printf(
			"Subject: Re: [dev %u] hi\r\n", i);
		g_autofree char *note = g_strdup_printf("number %u, ", i);

		made_clear(&made);
		made.id = stage_post(&made.t, STAGE_PENDING, ROLE_POST, "",
				     "ann@example.net", HEADER "\r\nx\r\n");
		run_job(&made, i);
		stage_see(made.header, line);
		stage_see(made.trace, note);
	}
	made_done(&made);
}

static void
test_reply_to(void)
{
	static const struct {
		const char *policy, *keep, *field, *wanted;
	} cases[] = {
		{ "none", "yes", "Reply-To: x@y.test\r\n", "x@y.test" },
		{ "none", "no", "Reply-To: x@y.test\r\n", NULL },
		{ "none", "no", "", NULL },
		{ "list", "yes", "", LIST_ADDR },
		{ "list", "yes", "Reply-To: X <x@y.test>\r\n",
		  "X <x@y.test>, " LIST_ADDR },
		{ "list", "no", "Reply-To: X <x@y.test>\r\n", LIST_ADDR },
		{ "list", "yes", "Reply-To:  The list <DEV@lists.Example.org>"
		  "\r\n", " The list <DEV@lists.Example.org>" },
		{ "list", "yes", "Reply-To: x@y.test\r\nReply-To: z@y.test"
		  "\r\n", "x@y.test, z@y.test, " LIST_ADDR },
		{ "list", "yes", "Reply-To: nobody <\r\n", LIST_ADDR },
		{ "list", "yes", "Reply-To: none:;\r\n", LIST_ADDR },
		{ "author", "yes", "", "Ann <ann@example.net>" },
		{ "author", "yes", "Reply-To: x@y.test\r\n", "x@y.test" },
		{ "author", "no", "Reply-To: x@y.test\r\n",
		  "Ann <ann@example.net>" },
		{ "both", "yes", "", "Ann <ann@example.net>, " LIST_ADDR },
		{ "both", "yes", "Reply-To: \"a, b\" <x@y.test>,\r\n",
		  "\"a, b\" <x@y.test>, " LIST_ADDR },
		{ "both", "no", "Reply-To: x@y.test\r\n",
		  "Ann <ann@example.net>, " LIST_ADDR },
		{ "given", "yes", "", "a@b.test, c@d.test" },
		{ "given", "yes", "Reply-To: c@d.test\r\n",
		  "c@d.test, a@b.test" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *bytes = g_strconcat(
			HEADER, cases[i].field, "Mail-Followup-To: m@y.test"
			"\r\n\r\nbody\r\n", NULL);
		g_autofree char *line = g_strconcat("\r\nReply-To: ",
			cases[i].wanted, "\r\n", NULL);
		struct made made;

		stage_begin(&made.t);
		stage_set(&made.t, "reply-to", cases[i].policy);
		stage_set(&made.t, "reply-to-keep", cases[i].keep);
		stage_set(&made.t, "reply-to-address", "a@b.test, c@d.test");
		make(&made, ROLE_POST, bytes);
		if (cases[i].wanted != NULL)
			stage_see(made.header, line);
		else
			see_not(made.header, "Reply-To");
		stage_see(made.header, "Mail-Followup-To: m@y.test\r\n");
		made_done(&made);
	}
}

/* Of what came, and before the list adds its own. */
static void
test_rules(void)
{
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "subject-prefix", "[dev]");
	stage_set(&made.t, "header-rules", "rename X-A to X-B; remove X-*, "
		  "Subject, Precedence; add X-Club: %{list}");
	make(&made, ROLE_POST, HEADER "X-A: 1\r\nX-C: 2\r\n\r\nbody\r\n");
	stage_see(made.header, "<1@example.net>\r\nX-B: 1\r\n"
		  "Subject: [dev]\r\n");
	stage_see(made.header, "Precedence: list\r\n");
	stage_see(made.header, "X-Loop: " LIST_ADDR "\r\nX-Club: " LIST_ADDR
		  "\r\n");
	see_not(made.header, "X-C: ");
	see_not(made.header, "hi\r\n");
	stage_see(made.trace, "3 fields changed by rule, ");
	stage_see(made.trace, "1 field added by rule");
	made_done(&made);
	stage_begin(&made.t);
	stage_set(&made.t, "header-rules", "remove X-Loop");
	stage_set(&made.t, "owner", "o@example.net");
	make(&made, ROLE_OWNER, HEADER "\r\nbody\r\n");
	g_assert_cmpstr(made.header, ==, RESULTS HEADER OWNERS);
	made_done(&made);
}

static void
test_list_headers(void)
{
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "list-headers", "minimal");
	stage_set(&made.t, "sender", "keep");
	make(&made, ROLE_POST, HEADER "Sender: x@y.test\r\n\r\nbody\r\n");
	stage_see(made.header, "Sender: x@y.test\r\nPrecedence: list\r\n"
		  "List-Id: <dev.lists.example.org>\r\n"
		  "X-Loop: " LIST_ADDR "\r\n"
		  "List-Unsubscribe: <mailto:");
	made_done(&made);
	stage_begin(&made.t);
	stage_set(&made.t, "list-headers", "none");
	make(&made, ROLE_POST, HEADER "List-Id: <other>\r\n\r\nbody\r\n");
	see_not(made.header, "List-");
	made_done(&made);
	stage_begin(&made.t);
	stage_set(&made.t, "policy", "announce");
	make(&made, ROLE_POST, HEADER "\r\nbody\r\n");
	stage_see(made.header, "List-Post: NO (posting not allowed on this "
		  "list)\r\n");
	made_done(&made);
}

static void
test_author_signature(void)
{
	static const char bytes[] = HEADER "DKIM-Signature: v=1; d=a.test; "
		"h=from:subject; bh=x; b=y\r\nARC-Seal: i=1; b=z\r\n"
		"\r\nbody\r\n";
	static const struct {
		const char *policy, *prefix;
		bool stays;
	} cases[] = {
		{ "keep", "[dev]", true }, { "remove", "", false },
		{ "remove-broken", "[dev]", false },
		{ "remove-broken", "", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct made made;

		stage_begin(&made.t);
		stage_set(&made.t, "author-signature", cases[i].policy);
		stage_set(&made.t, "subject-prefix", cases[i].prefix);
		make(&made, ROLE_POST, bytes);
		g_assert_cmpuint(count_of(made.header, "d=a.test"), ==,
				 cases[i].stays);
		stage_see(made.header, "ARC-Seal: i=1; b=z\r\n");
		g_assert_cmpint(strstr(made.trace, "removed") == NULL, ==,
				cases[i].stays);
		made_done(&made);
	}
}

static void
see_no_author(const struct made *made)
{
	static const char *const traits[] = {
		"Ann <", "ann@", "example.net", "Received", "1@",
		"User-Agent",
		"x@y.test",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(traits); i++)
		see_not(made->header, traits[i]);
}

/* Whatever else the list does; the trace is the administrator's. */
static void
test_anonymous(void)
{
	static const char *const policies[] = {
		"none", "list", "author", "both",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		struct made made;

		stage_begin(&made.t);
		set_key(&made.t);
		stage_set(&made.t, "anonymous", "yes");
		stage_set(&made.t, "reply-to", policies[i]);
		stage_set(&made.t, "unsubscribe-url", i % 2 == 0 ? URL : "");
		stage_set(&made.t, "footer", i < 2 ? "" : "%{list}");
		make(&made, ROLE_POST, HEADER "User-Agent: Mutt\r\n"
		     "Reply-To: x@y.test\r\nSender: x@y.test\r\n"
		     "ARC-Seal: i=1; cv=none; d=example.net\r\n\r\nbody\r\n");
		see_no_author(&made);
		stage_see(made.header, "From: dev <" LIST_ADDR ">\r\n");
		stage_see(made.header, "\r\nMessage-ID: <anon.");
		stage_see(made.header, LIST_ADDR ">\r\n");
		stage_see(made.header, "\r\nReply-To: ");
		stage_see(made.header, "ARC-Authentication-Results: i=1; "
			  "lists.example.org; spf=none; dkim=none");
		stage_see(made.trace, "made anonymous, ");
		made_done(&made);
	}
}

/* It cannot be told what is a field to others. */
static void
test_not_anonymous(void)
{
	static const char bytes[] = "Subject: x\r\nno field\r\n"
		"From: ann@example.net\r\n\r\nbody\r\n";
	struct made made = { 0 };
	struct stage_work work = { .t = &made.t };

	stage_begin(&made.t);
	stage_set(&made.t, "anonymous", "yes");
	(void) stage_post(&made.t, STAGE_PENDING, ROLE_POST, "",
			  "ann@example.net", bytes);
	work.job = stage_job(&made.t, STAGE_PENDING);
	g_assert_cmpint(store_txn(made.t.s.store, TXN_DURABLE, run_body,
				  &work, &made.t.s.err), ==, ERR_INVALID);
	stage_see(made.t.s.err.what, "filter anonymous: an anonymous list "
		  "cannot pass the post on: a line in its header is no field");
	job_free((struct job *)(uintptr_t)work.job);
	stage_end(&made.t);
}

static void
test_long_lines(void)
{
	g_autofree char *line = g_strnfill(2500, 'x');
	g_autofree char *bytes = g_strconcat(HEADER "\r\n", line, "\r\n",
					     NULL);
	struct made made;
	gsize len;
	const char *body;

	stage_begin(&made.t);
	make(&made, ROLE_POST, bytes);
	g_assert_nonnull(made.form->body);
	body = g_bytes_get_data(made.form->body, &len);
	g_assert_false(mime_needs_recode(body, len));
	stage_see(made.header, "List-Id: <dev.lists.example.org>\r\n");
	stage_see(made.trace, "re-encoded for its long lines");
	made_done(&made);
}

static void
test_body_bytes(void)
{
	static const char bytes[] = HEADER "\r\n\r\n.\rodd \xff\n\n";
	struct made made;

	stage_begin(&made.t);
	make(&made, ROLE_POST, bytes);
	g_assert_null(made.form->body);
	g_assert_cmpuint(made.form->body_at, ==, strlen(HEADER) + 2);
	made_done(&made);
}


static void
test_owner(void)
{
	struct made made;
	struct job *job;

	stage_begin(&made.t);
	stage_set(&made.t, "owner", "o1@example.net, o2@example.net");
	make(&made, ROLE_OWNER, HEADER "Delivered-To: dev@x\r\n"
	     "List-Id: <other>\r\n\r\nbody\r\n");
	g_assert_cmpstr(made.header, ==, RESULTS HEADER "List-Id: <other>\r\n"
			OWNERS);
	job = stage_job(&made.t, STAGE_OUTBOUND);
	g_assert_cmpint(job->audience, ==, TO_ADDRS);
	g_assert_cmpstr(job->addrs[0], ==, "o1@example.net");
	g_assert_cmpstr(job->addrs[1], ==, "o2@example.net");
	g_assert_null(job->addrs[2]);
	job_free(job);
	made_done(&made);
}

/* --- what copies have of their own -------------------------------------- */

static const char *
mark_of(struct made *made, enum slot slot, char mark[SLOT_MARK_MAX])
{
	slot_mark(made->t.verp, LIST_ADDR, &made->id, slot, mark);
	return mark;
}

static char *
body_of(const struct made *made)
{
	gsize len;
	const char *bytes = g_bytes_get_data(made->form->body, &len);

	return g_strndup(bytes, len);
}

static void
test_unsubscribe(void)
{
	g_autofree char *field = NULL;
	char mark[SLOT_MARK_MAX];
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "unsubscribe-url", URL);
	make(&made, ROLE_POST, HEADER
	     "List-Unsubscribe: <https://other>\r\n\r\nbody\r\n");
	(void) mark_of(&made, SLOT_LEAVE, mark);
	field = g_strdup_printf("List-Unsubscribe: <https://example.org/"
		"leave?t=%s>,\r\n <mailto:dev-leave+%s@lists.example.org>"
		"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
		mark, mark);
	stage_see(made.header, field);
	see_not(made.header, "other");
	g_assert_null(made.form->body);
	made_done(&made);
}

/* Copies that differ anyway name their readers where these leave by mail. */
static void
test_unsubscribe_by_mail(void)
{
	g_autofree char *field = NULL, *line = NULL, *body = NULL;
	char mark[SLOT_MARK_MAX];
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "footer", "%{member}\n%{unsubscribe}");
	make(&made, ROLE_POST, HEADER "\r\nbody\r\n");
	(void) mark_of(&made, SLOT_LEAVE, mark);
	field = g_strdup_printf("List-Unsubscribe: <mailto:dev-leave+%s@"
				"lists.example.org>\r\n", mark);
	line = g_strdup_printf("mailto:dev-leave+%s@lists.example.org\r\n",
			       mark);
	body = body_of(&made);
	stage_see(made.header, field);
	see_not(made.header, "List-Unsubscribe-Post");
	stage_see(body, line);
	made_done(&made);
}

#define MIXED HEADER "MIME-Version: 1.0\r\n" \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define EXE "--b\r\nContent-Type: application/x-msdownload; name=a.exe" \
	"\r\n\r\nMZ\r\n"

/* What a list does not let through, and that readers are told in its
 * language. */
static void
test_content(void)
{
	g_autofree char *body = NULL;
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "content", "replace name *.exe; remove type image");
	stage_set(&made.t, "language", "de");
	make(&made, ROLE_POST, MIXED "--b\r\n\r\nhello\r\n" EXE "--b\r\n"
	     "Content-Type: image/png\r\n\r\nx\r\n--b--\r\n");
	body = body_of(&made);
	g_assert_cmpstr(body, ==, "--b\r\n\r\nhello\r\n--b\r\n"
			"Content-Type: text/plain; charset=\"utf-8\"\r\n"
			"Content-Transfer-Encoding: quoted-printable\r\n"
			"Content-Disposition: inline\r\n\r\n"
			"Die Mailingliste hat entfernt, was hier "
			"angeh=C3=A4ngt war:\r\n\r\n"
			"* application/x-msdownload (a.exe, 2 bytes)\r\n"
			"--b--\r\n");
	stage_see(made.trace, "removed image/png (1 byte), replaced "
		  "application/x-msdownload (a.exe, 2 bytes) with a note");
	made_done(&made);
}

/* Not a byte of what passes is touched, nor of what is for the owners. */
static void
test_content_passes(void)
{
	static const enum role roles[] = { ROLE_POST, ROLE_OWNER };

	for (size_t i = 0; i < G_N_ELEMENTS(roles); i++) {
		struct made made;

		stage_begin(&made.t);
		stage_set(&made.t, "content", roles[i] == ROLE_POST ?
			  "remove name *.com" : "default remove");
		stage_set(&made.t, "owner", "bob@example.net");
		make(&made, roles[i], MIXED EXE "--b--\r\n");
		g_assert_null(made.form->body);
		see_not(made.trace, "removed");
		made_done(&made);
	}
}

static void
test_content_shunt(void)
{
	struct stage_case t;
	struct stage_work work = { .t = &t };
	struct post_id id;
	struct job *job;

	stage_begin(&t);
	stage_set(&t, "content", "default remove");
	stage_set(&t, "content-empty", "shunt");
	id = stage_post(&t, STAGE_PENDING, ROLE_POST, "", "ann@example.net",
			MIXED EXE "--b--\r\n");
	(void) id;
	job = stage_job(&t, STAGE_PENDING);
	work.job = job;
	g_assert_cmpint(store_txn(t.s.store, TXN_DURABLE, run_body, &work,
				  &t.s.err), ==, ERR_INVALID);
	stage_see(t.s.err.what, "filter content: nothing is left of the post "
		  "that the list lets through: removed "
		  "application/x-msdownload (a.exe, 2 bytes)");
	job_free(job);
	stage_end(&t);
}

static void
test_footer(void)
{
	g_autofree char *body = NULL, *want = NULL;
	char member[SLOT_MARK_MAX], leave[SLOT_MARK_MAX];
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "unsubscribe-url", URL);
	stage_set(&made.t, "footer", "%{list} %{member}\n%{unsubscribe}");
	make(&made, ROLE_POST, HEADER "\r\n%{member} %{leave.x}");
	body = body_of(&made);
	want = g_strdup_printf("%%{member} %%{leave.x}\r\n" LIST_ADDR " %s\r\n"
			       "https://example.org/leave?t=%s\r\n",
			       mark_of(&made, SLOT_MEMBER, member),
			       mark_of(&made, SLOT_LEAVE, leave));
	g_assert_cmpstr(body, ==, want);
	stage_see(made.header, "Content-Type: text/plain; charset=utf-8\r\n"
		  "Content-Transfer-Encoding: 8bit\r\n");
	stage_see(made.trace, "footer added");
	made_done(&made);
}

/* A mark that is encoded, or cut by a soft line break, is none; what goes into
 * it is encoded. */
static void
test_footer_encoded(void)
{
	g_autofree char *line = g_strnfill(2500, 'x');
	g_autofree char *bytes = g_strconcat(HEADER "\r\n", line, "\r\n",
					     NULL);
	g_autofree char *body = NULL, *want = NULL;
	char mark[SLOT_MARK_MAX];
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "footer", "%{member}");
	make(&made, ROLE_POST, bytes);
	body = body_of(&made);
	g_assert_false(mime_needs_recode(body, strlen(body)));
	stage_see(made.header,
		  "Content-Transfer-Encoding: quoted-printable\r\n");
	want = g_strdup_printf("\r\n%s\r\n",
			       mark_of(&made, SLOT_MEMBER_QP, mark));
	g_assert_true(g_str_has_suffix(body, want));
	stage_see(made.trace, "re-encoded for its long lines, footer added");
	made_done(&made);
}

static void
test_header(void)
{
	g_autofree char *body = NULL, *want = NULL;
	char member[SLOT_MARK_MAX];
	struct made made;

	stage_begin(&made.t);
	stage_set(&made.t, "header", "%{list.name}, for %{member}:");
	make(&made, ROLE_POST, HEADER "\r\nbody\r\n");
	body = body_of(&made);
	want = g_strdup_printf("dev, for %s:\r\n\r\nbody\r\n",
			       mark_of(&made, SLOT_MEMBER, member));
	g_assert_cmpstr(body, ==, want);
	stage_see(made.trace, "header added");
	made_done(&made);
}

static void
test_footer_owner(void)
{
	struct made made;

	stage_begin(&made.t);
	set_key(&made.t);
	stage_set(&made.t, "owner", "o1@example.net");
	stage_set(&made.t, "footer", "%{member}");
	stage_set(&made.t, "unsubscribe-url", URL);
	make(&made, ROLE_OWNER, HEADER "\r\nbody\r\n");
	g_assert_cmpstr(made.header, ==, RESULTS HEADER OWNERS);
	g_assert_null(made.form->body);
	made_done(&made);
}

/* Once here where it holds for all; else outbound does it. */
static void
see_seal(const char *footer, const char *url, unsigned int signatures,
	 unsigned int seals)
{
	struct made made;

	stage_begin(&made.t);
	set_key(&made.t);
	stage_set(&made.t, "footer", footer);
	stage_set(&made.t, "unsubscribe-url", url);
	make(&made, ROLE_POST, HEADER "\r\nbody\r\n");
	g_assert_cmpuint(count_of(made.header, "DKIM-Signature: "), ==,
			 signatures);
	g_assert_cmpuint(count_of(made.header, "ARC-Seal: "), ==, seals);
	g_assert_cmpuint(count_of(made.header, "ARC-Message-Signature: "),
			 ==, seals);
	g_assert_true(g_str_has_prefix(made.header, seals > 0 ? "ARC-Seal: " :
				       "ARC-Authentication-Results: i=1; "));
	stage_see(made.trace, "signed (DKIM), sealed (ARC)");
	made_done(&made);
}

static void
test_seals(void)
{
	see_seal("", "", 1, 1);
	see_seal("%{list} %{unsubscribe}", "", 1, 1);
	see_seal("", URL, 0, 1);
	see_seal("%{list}", URL, 0, 1);
	see_seal("%{member}", "", 0, 0);
	see_seal("%{unsubscribe}", URL, 0, 0);
}

/* --- the stage ---------------------------------------------------------- */

static struct stage_case *running;	/* stages' callbacks have no argument */
static gint woken;

static struct settings *
get_settings(void)
{
	return settings_ref(running->settings);
}

static void
wake_outbound(void)
{
	g_atomic_int_inc(&woken);
}

static void
wait_for(struct stage_case *t, enum stage stage, uint64_t count)
{
	int64_t until = g_get_monotonic_time() / 1000 + PATIENCE_MS;

	while (stage_count(t, stage) != count) {
		if (g_get_monotonic_time() / 1000 > until)
			g_error("%s: not %d jobs", stage_name(stage),
				(int)count);
		g_usleep(2000);
	}
}

static struct stages *
start(struct stage_case *t)
{
	running = t;
	return stages_start(t->s.store, get_settings, t->verp,
			    wake_outbound);
}

static void
test_stage(void)
{
	struct stage_case t;
	struct stages *stages;
	struct post_id id;

	stage_begin(&t);
	stages = start(&t);
	id = stage_post(&t, STAGE_PENDING, ROLE_POST, "", "ann@example.net",
			HEADER "\r\nbody\r\n");
	stages_wake(stages);
	wait_for(&t, STAGE_OUTBOUND, 1);
	stages_stop(stages);
	g_assert_cmpint(g_atomic_int_get(&woken), >, 0);
	g_assert_true(stage_has_post(&t, &id));
	stage_end(&t);
}

static void
test_no_owner(void)
{
	g_autofree char *trace = NULL;
	struct stage_case t;
	struct stages *stages;
	struct post_id id;
	struct job *job;

	stage_begin(&t);
	id = stage_post(&t, STAGE_PENDING, ROLE_OWNER, "", "ann@example.net",
			HEADER "\r\nbody\r\n");
	stages = start(&t);
	wait_for(&t, STAGE_SHUNTED, 1);
	stages_stop(stages);
	job = stage_job(&t, STAGE_SHUNTED);
	g_assert_cmpint(job->was, ==, STAGE_PENDING);
	stage_see(job->reason, "has no owner");
	job_free(job);
	trace = stage_trace(&t, &id);
	stage_see(trace, "shunted");
	stage_end(&t);
}

static enum err_code
delete_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return list_delete(txn, LIST_ADDR, &work->done, err);
}

static void
test_deleted(void)
{
	struct stage_work work = { .done = false };
	g_autofree char *trace = NULL;
	struct stage_case t;
	struct stages *stages;
	struct post_id id;

	stage_begin(&t);
	id = stage_post(&t, STAGE_PENDING, ROLE_POST, "", "ann@example.net",
			HEADER "\r\nbody\r\n");
	case_txn(&t.s, delete_body, &work);
	stages = start(&t);
	wait_for(&t, STAGE_PENDING, 0);
	stages_stop(stages);
	g_assert_false(stage_has_post(&t, &id));
	trace = stage_trace(&t, &id);
	stage_see(trace, "the list has been deleted");
	stage_end(&t);
}

/* --- attempts ----------------------------------------------------------- */

static bool
begin(struct stage_case *t, struct job *job)
{
	bool go = false;

	case_ok(attempt_begin(t->s.store, job, t->settings->attempts, &go,
			      &t->s.err), &t->s);
	return go;
}

static void
test_attempts(void)
{
	struct stage_case t;
	struct job *job;

	stage_begin(&t);
	(void) stage_post(&t, STAGE_PENDING, ROLE_POST, "", "a@b", "x: y\r\n");
	job = stage_job(&t, STAGE_PENDING);
	for (unsigned int i = 1; i <= t.settings->attempts; i++) {
		g_assert_true(begin(&t, job));
		g_assert_cmpuint(job->attempts, ==, i);
	}
	g_assert_false(begin(&t, job));	/* never heard of again */
	job_free(job);
	g_assert_cmpuint(stage_count(&t, STAGE_PENDING), ==, 0);
	job = stage_job(&t, STAGE_SHUNTED);
	stage_see(job->reason, "musterd ended while at this job");
	job_free(job);
	stage_end(&t);
}

static void
fail(struct stage_case *t, const struct err *why)
{
	struct job *job = stage_job(t, STAGE_PENDING);

	g_assert_nonnull(job);
	if (begin(t, job))
		case_ok(attempt_failed(t->s.store, job, why, &t->s.err),
			&t->s);
	job_free(job);
}

static void
test_failures(void)
{
	struct err full = { ERR_NOSPACE, "disk full", "" };
	struct err odd = { ERR_IO, "odd", "" };
	int64_t now_ms = g_get_real_time() / 1000;
	struct stage_case t;
	struct job *job;

	stage_begin(&t);
	(void) stage_post(&t, STAGE_PENDING, ROLE_POST, "", "a@b", "x: y\r\n");
	for (int i = 0; i < 7; i++)
		fail(&t, &full);
	job = stage_job(&t, STAGE_PENDING);
	g_assert_cmpuint(job->attempts, ==, 0);
	g_assert_cmpint(job->due_ms, >, now_ms);
	g_assert_cmpstr(job->reason, ==, "disk full");
	job_free(job);
	for (int i = 0; i <= t.settings->attempts; i++)
		fail(&t, &odd);
	g_assert_cmpuint(stage_count(&t, STAGE_PENDING), ==, 0);
	g_assert_cmpuint(stage_count(&t, STAGE_SHUNTED), ==, 1);
	job = stage_job(&t, STAGE_SHUNTED);
	g_assert_cmpstr(job->reason, ==, "odd");
	job_free(job);
	stage_end(&t);
}

/* --- programs ----------------------------------------------------------- */

static void
test_later(void)
{
	const struct err again = { ERR_DOWN, "no server", "" };
	const int64_t hour_ms = 3600000, day_ms = 24 * hour_ms;
	const int64_t now_ms = g_get_real_time() / 1000;
	struct stage_case t;
	struct job *job;

	stage_begin(&t);
	(void) stage_post(&t, STAGE_PENDING, ROLE_POST, "", "a@b", "x: y\r\n");
	job = stage_job(&t, STAGE_PENDING);
	g_assert_true(begin(&t, job));
	job->made_ms = now_ms - hour_ms / 2;
	case_ok(attempt_later(t.s.store, job, &again, hour_ms, day_ms,
			      &t.s.err), &t.s);
	job_free(job);
	job = stage_job(&t, STAGE_PENDING);
	g_assert_cmpuint(job->attempts, ==, 0);
	g_assert_cmpstr(job->reason, ==, "no server");
	g_assert_cmpint(job->due_ms - now_ms, >=, hour_ms / 2);
	g_assert_cmpint(job->due_ms - now_ms, <, hour_ms);
	job->made_ms = now_ms - 20 * hour_ms;
	case_ok(attempt_later(t.s.store, job, &again, hour_ms, day_ms,
			      &t.s.err), &t.s);
	job_free(job);
	job = stage_job(&t, STAGE_PENDING);
	g_assert_cmpint(job->due_ms - now_ms, >=, hour_ms);
	g_assert_cmpint(job->due_ms - now_ms, <, hour_ms + PATIENCE_MS);
	job->made_ms = now_ms - 2 * day_ms;
	case_ok(attempt_later(t.s.store, job, &again, hour_ms, day_ms,
			      &t.s.err), &t.s);
	job_free(job);
	g_assert_cmpuint(stage_count(&t, STAGE_SHUNTED), ==, 1);
	stage_end(&t);
}

struct program_work {
	struct stage_case *t;
	const struct program_made *made;
	const struct job *job;
	enum err_code rc;
	struct pending_next next;
};

static enum err_code
program_body(struct txn *txn, void *arg, struct err *err)
{
	struct program_work *work = arg;

	work->rc = pending_run_made(txn, &(struct pending_with){
		work->t->settings, work->t->verp, work->t->keys },
		work->made, &work->next, work->job, err);
	return ERR_OK;
}

/* A job of a stage, with what a program has made. */
static struct program_work
run_made(struct stage_case *t, enum stage stage, const char *name,
	 const char *message)
{
	struct program_made made = {
		.name = g_strdup(name), .message = message != NULL ?
			g_bytes_new_static(message, strlen(message)) : NULL,
	};
	struct job *job = stage_job(t, stage);
	struct program_work work = { .t = t, .job = job, .made =
		stage == STAGE_PROGRAM ? &made : NULL };

	g_assert_nonnull(job);
	case_txn(&t->s, program_body, &work);
	program_made_done(&made);
	job_free(job);
	return work;
}

static void
test_program(void)
{
	static const char post[] = "From: ann@example.net\r\n\r\nhi\r\n";
	static const char made[] = "From: ann@example.net\r\nX: y\r\n\r\nho"
		"\r\n";
	struct program_work work;
	struct stage_case t;
	struct post_id id;
	struct form *form = NULL;

	stage_begin(&t);
	stage_set(&t, "program", "tag");
	id = stage_post(&t, STAGE_PENDING, ROLE_POST, "", "ann@example.net",
			post);
	work = run_made(&t, STAGE_PENDING, NULL, NULL);
	g_assert_cmpint(work.rc, ==, ERR_OK);
	g_assert_true(work.next.program);
	g_assert_cmpuint(stage_count(&t, STAGE_PENDING), ==, 0);
	/* the list has changed its mind meanwhile */
	work = run_made(&t, STAGE_PROGRAM, "other", made);
	g_assert_cmpint(work.rc, ==, ERR_BUSY);
	work = run_made(&t, STAGE_PROGRAM, NULL, NULL);
	g_assert_cmpint(work.rc, ==, ERR_BUSY);
	work = run_made(&t, STAGE_PROGRAM, "tag", made);
	g_assert_cmpint(work.rc, ==, ERR_OK);
	g_assert_false(work.next.program);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 1);
	case_ok(form_get(store_reader(t.s.store), &id, t.list, FORM_COPIES,
			 &form, &t.s.err), &t.s);
	g_assert_nonnull(form->body);
	g_assert_cmpint(memcmp(g_bytes_get_data(form->body, NULL), "ho", 2),
			==, 0);
	form_free(form);
	stage_end(&t);
}

/* Nor is there one for what has none any more. */
static void
test_no_program(void)
{
	struct program_work work;
	struct stage_case t;

	stage_begin(&t);
	stage_set(&t, "program", "tag");
	(void) stage_post(&t, STAGE_PENDING, ROLE_POST, "", "a@b",
			  "From: a@b\r\n\r\nhi\r\n");
	(void) run_made(&t, STAGE_PENDING, NULL, NULL);
	stage_set(&t, "program", "");
	work = run_made(&t, STAGE_PROGRAM, "tag", "X: y\r\n\r\n");
	g_assert_cmpint(work.rc, ==, ERR_OK);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 1);
	stage_end(&t);
}

static const struct tap_case cases[] = {
	{ "a job that asks for it is tried later, not for ever", test_later },
	{ "a post waits for its list's program", test_program },
	{ "and goes on where there is none any more", test_no_program },
	{ "the list's fields, and nobody else's", test_list_fields },
	{ "signed fields stay", test_signed },
	{ "missing fields are added once", test_missing },
	{ "subject prefix", test_prefix },
	{ "numbers of posts", test_numbers },
	{ "where replies go", test_reply_to },
	{ "the list's rules about fields", test_rules },
	{ "fields of the list that it does not want", test_list_headers },
	{ "the author's signature", test_author_signature },
	{ "no trace of the author", test_anonymous },
	{ "what would have some is kept back", test_not_anonymous },
	{ "long lines are re-encoded", test_long_lines },
	{ "the body's bytes stay", test_body_bytes },
	{ "to the owners as it came", test_owner },
	{ "one step to leave, and one by mail", test_unsubscribe },
	{ "in a personal copy, mail to leave names its reader",
	  test_unsubscribe_by_mail },
	{ "content: what is removed, and the note", test_content },
	{ "content: what passes keeps its bytes", test_content_passes },
	{ "content: nothing left", test_content_shunt },
	{ "a footer with marks", test_footer },
	{ "marks are never encoded", test_footer_encoded },
	{ "a header", test_header },
	{ "owners get no footer", test_footer_owner },
	{ "signed and sealed once where that holds", test_seals },
	{ "the stage hands over to outbound", test_stage },
	{ "nobody to read it: shunted", test_no_owner },
	{ "a deleted list", test_deleted },
	{ "what never ends is shunted", test_attempts },
	{ "the machine's failures do not count", test_failures },
	{ NULL, NULL }
};

int
main(void)
{
	log_open("test-pending", 1);
	return tap_run("pending", cases);
}
