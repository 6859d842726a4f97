/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/bounce.h"

#include "core/base/log.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

#define MEMBER "m0000001@example.net"
#define REPORT(envid, action, status) \
	"From: MAILER-DAEMON@mx\r\nMIME-Version: 1.0\r\n" \
	"Content-Type: multipart/report; report-type=delivery-status; " \
	"boundary=b\r\n\r\n--b\r\n\r\nsorry\r\n--b\r\n" \
	"Content-Type: message/delivery-status\r\n\r\n" \
	"Reporting-MTA: dns; mx\r\nOriginal-Envelope-Id: " envid "\r\n\r\n" \
	"Final-Recipient: rfc822; somebody@else\r\nAction: " action "\r\n" \
	"Status: " status "\r\n" \
	"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"

struct bounce_case {
	struct stage_case t;
	struct post_id post;	/* the one that the bounce is about */
	char token[VERP_TOKEN_LEN + 1];
};

static void
bounce_begin(struct bounce_case *b)
{
	uint8_t handle[MEMBER_HANDLE_LEN];

	stage_begin(&b->t);
	stage_members(&b->t, 3);
	b->post = stage_post(&b->t, STAGE_OUTBOUND, ROLE_POST, "",
			     "ann@example.net", "x: y\r\n");
	member_handle(MEMBER, handle);
	verp_make(b->t.verp, LIST_ADDR, handle, b->post.bytes, b->token);
}

static enum err_code
run_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return bounce_run(txn, work->t->settings, work->t->verp, work->job,
			  err);
}

/* The trace of the report; the caller frees. */
static char *
bounce(struct bounce_case *b, const char *token, const char *bytes)
{
	struct post_id id = stage_post(&b->t, STAGE_BOUNCE, ROLE_BOUNCES,
				       token, "", bytes);
	g_autoptr(job_t) job = stage_job(&b->t, STAGE_BOUNCE);
	struct stage_work work = { .t = &b->t, .job = job };

	case_txn(&b->t.s, run_body, &work);
	g_assert_cmpuint(stage_count(&b->t, STAGE_BOUNCE), ==, 0);
	g_assert_false(stage_has_post(&b->t, &id));
	return stage_trace(&b->t, &id);
}

static void
see_bounces(struct bounce_case *b, unsigned int count, const char *reason)
{
	struct member *member = stage_get_member(&b->t, MEMBER);

	g_assert_cmpuint(member->bounces, ==, count);
	g_assert_cmpstr(member->bounce_reason, ==, reason);
	g_assert_true((member->bounced_s > 0) == (count > 0));
	member_free(member);
}

static void
test_failed(void)
{
	g_autofree char *trace = NULL, *about = NULL;
	struct bounce_case b;

	bounce_begin(&b);
	trace = bounce(&b, b.token, REPORT("x", "failed", "5.1.1"));
	see_bounces(&b, 1, "hard: 5.1.1 550 5.1.1 no such user");
	stage_see(trace, "a delivery report: counted against " MEMBER);
	about = stage_trace(&b.t, &b.post);
	stage_see(about, "bounce: " MEMBER " failed: hard: 5.1.1");
	stage_end(&b.t);
}

/* A report to an address with a token that all copies of the post share. */
#define TEXT_REPORT \
	"From: MAILER-DAEMON@mx\r\nSubject: failure notice\r\n\r\n" \
	"Your message was not delivered to the following recipients:\r\n\r\n" \
	"  " MEMBER "\r\n    User unknown\r\n"
#define SHARED_REPORT(original) \
	"From: MAILER-DAEMON@mx\r\nMIME-Version: 1.0\r\n" \
	"Content-Type: multipart/report; report-type=delivery-status; " \
	"boundary=b\r\n\r\n--b\r\n\r\nsorry\r\n--b\r\n" \
	"Content-Type: message/delivery-status\r\n\r\n" \
	"Reporting-MTA: dns; mx\r\n\r\n" original \
	"Final-Recipient: rfc822; m0000002@else.test\r\n" \
	"Action: failed\r\nStatus: 5.1.1\r\n" \
	"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
#define ORIGINAL(addr) "Original-Recipient: rfc822; " addr "\r\n"

static void
test_shared(void)
{
	static const struct {
		const char *behind;	/* the token */
		const char *report;
		bool doubted;
		const char *trace;
	} rows[] = {
		{ "", SHARED_REPORT(ORIGINAL(MEMBER)), true, NULL },
		{ "", SHARED_REPORT(ORIGINAL("M0000001@example.NET")), false,
		  "M0000001@example.net, who is not subscribed" },
		{ "", SHARED_REPORT(""), false, "who is not subscribed" },
		{ "", SHARED_REPORT(ORIGINAL("nobody at all")), false,
		  "somebody else than" },
		{ "", REPORT("x", "delayed", "4.4.1"), false,
		  "without a failure" },
		{ "+m0000001=example.net", SHARED_REPORT(""), true, NULL },
		{ "+m0000001=EXAMPLE.net", SHARED_REPORT(ORIGINAL(MEMBER)),
		  true, NULL },
		{ "+m0000001=example.net",
		  SHARED_REPORT(ORIGINAL("m0000002@example.net")), false,
		  "somebody else than the address says" },
		{ "+nobody=example.net", SHARED_REPORT(""), false,
		  "who is not subscribed" },
		{ "", TEXT_REPORT, true, NULL },
		{ "+m0000001=example.net", TEXT_REPORT, true, NULL },
		{ "+m0000001", SHARED_REPORT(""), false,
		  "who is not subscribed" },
		{ "m0000001=example.net", SHARED_REPORT(""), false,
		  "no token of ours" },
		{ "+m0000001=example.net",
		  REPORT("aaaaaaaaaaaaaaaaaaaa", "failed", "5.1.1"), false,
		  "about another post" },
		{ NULL, NULL, false, NULL }
	};

	for (int i = 0; rows[i].report != NULL; i++) {
		char token[VERP_POST_TOKEN_LEN + 1];
		g_autofree char *detail = NULL, *trace = NULL, *about = NULL;
		struct member *member;
		struct bounce_case b;

		bounce_begin(&b);
		verp_make_post(b.t.verp, LIST_ADDR, b.post.bytes, token);
		detail = g_strconcat(token, rows[i].behind, NULL);
		trace = bounce(&b, detail, rows[i].report);
		if (rows[i].trace != NULL)
			stage_see(trace, rows[i].trace);
		member = stage_get_member(&b.t, MEMBER);
		g_assert_cmpuint(member->bounces, ==, 0);
		g_assert_true((member->bounced_s > 0) == rows[i].doubted);
		about = stage_trace(&b.t, &b.post);
		if (rows[i].doubted)
			stage_see(about, MEMBER " is said to have failed");
		member_free(member);
		stage_end(&b.t);
	}
}

/* What our own MTA reports is believed, and nothing that looks like it. */
static void
test_mtas(void)
{
#define DOOR "Received: from mx.example.org\r\n\tby lists.example.org " \
	"(muster) with LMTP id abc\r\n\tfor <x@y>;\r\n\tnow\r\n"
#define POSTFIX "Received: by mx.example.org (Postfix)\r\n\tid 4bX; now\r\n"
	static const struct { const char *fields; unsigned int count; } rows[] = {
		{ DOOR POSTFIX, 1 },
		{ DOOR "Received: from localhost (localhost)\r\n\tby mx "
		  "(8.17.1/8.17.1/Debian-2) id 5AA;\r\n\tnow\r\n", 1 },
		{ POSTFIX, 0 },
		{ DOOR POSTFIX POSTFIX, 0 },
		{ DOOR POSTFIX "Received: from evil by mx (Postfix) with ESMTP "
		  "id 1; now\r\n", 0 },
		{ DOOR "Received: by mx (Postfix, from userid 1000) id 1; "
		  "now\r\n", 0 },
		{ DOOR "Received: from evil by mx (Postfix) id 1; now\r\n",
		  0 },
		{ DOOR "Received: from localhost (localhost) by mx (8.17.1) "
		  "with ESMTP id 1; now\r\n", 0 },
		{ DOOR "Received: (from evil@localhost) by mx (8.17.1) id 1; "
		  "now\r\n", 0 },
		{ "Received: by mx (Postfix) id 1; now\r\n" DOOR, 0 },
		{ NULL, 0 }
	};

	for (int i = 0; rows[i].fields != NULL; i++) {
		char token[VERP_POST_TOKEN_LEN + 1];
		g_autofree char *detail = NULL, *trace = NULL, *report = NULL;
		struct member *member;
		struct bounce_case b;

		bounce_begin(&b);
		verp_make_post(b.t.verp, LIST_ADDR, b.post.bytes, token);
		detail = g_strconcat(token, "+m0000001=example.net", NULL);
		report = g_strconcat(rows[i].fields, SHARED_REPORT(""), NULL);
		trace = bounce(&b, detail, report);
		member = stage_get_member(&b.t, MEMBER);
		g_assert_cmpuint(member->bounces, ==, rows[i].count);
		g_assert_true(member->bounced_s > 0);
		member_free(member);
		stage_end(&b.t);
	}
}

/* Our MTA speaks RFC 3464: what else its reports say, others may have made
 * it say. */
static void
test_mtas_words(void)
{
	char token[VERP_POST_TOKEN_LEN + 1];
	g_autofree char *trace = NULL;
	struct member *member;
	struct bounce_case b;

	bounce_begin(&b);
	verp_make_post(b.t.verp, LIST_ADDR, b.post.bytes, token);
	trace = bounce(&b, token, DOOR POSTFIX TEXT_REPORT);
	member = stage_get_member(&b.t, MEMBER);
	g_assert_cmpuint(member->bounces, ==, 0);
	g_assert_true(member->bounced_s > 0);
	member_free(member);
	stage_end(&b.t);
}

/* The token of a list's post is none of another list's. */
static void
test_shared_forged(void)
{
	char token[VERP_POST_TOKEN_LEN + 1];
	g_autofree char *trace = NULL;
	struct bounce_case b;

	bounce_begin(&b);
	verp_make_post(b.t.verp, "other@lists.example.org", b.post.bytes,
		       token);
	trace = bounce(&b, token, SHARED_REPORT(ORIGINAL(MEMBER)));
	stage_see(trace, "no token of ours");
	see_bounces(&b, 0, "");
	stage_end(&b.t);
}

static enum err_code
release_body(struct txn *txn, void *arg, struct err *err)
{
	const struct bounce_case *b = arg;

	return post_release(txn, &b->post, 1, err);
}

static void
test_post_gone(void)
{
	g_autofree char *trace = NULL, *about = NULL, *report = NULL;
	char id[POST_ID_TEXT + 1];
	struct bounce_case b;
	char **parts;

	bounce_begin(&b);
	case_txn(&b.t.s, release_body, &b);
	g_assert_false(stage_has_post(&b.t, &b.post));
	post_id_text(&b.post, id);
	parts = g_strsplit(REPORT("ENVID.17", "failed", "5.1.1"), "ENVID",
			   2);
	report = g_strjoinv(id, parts);
	g_strfreev(parts);
	trace = bounce(&b, b.token, report);
	see_bounces(&b, 1, "hard: 5.1.1 550 5.1.1 no such user");
	about = stage_trace(&b.t, &b.post);
	stage_see(about, "bounce: " MEMBER " failed: hard: 5.1.1");
	stage_end(&b.t);
}

#define DAEMON "From: MAILER-DAEMON@else.test\r\n"

/* A report of any form that comes to a member's own address counts. */
static void
test_formats(void)
{
	static const struct { const char *bytes, *reason; } rows[] = {
		{ DAEMON "Subject: failure notice\r\n\r\nHi. This is the "
		  "qmail-send program at else.test.\r\nI'm afraid I wasn't "
		  "able to deliver your message to the following "
		  "addresses.\r\n\r\n<" MEMBER ">:\r\nSorry, no mailbox here "
		  "by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy "
		  "of the message.\r\n\r\nReturn-Path: <a@b.test>\r\n",
		  "hard: 5.1.1 <" MEMBER ">: Sorry, no mailbox here by that "
		  "name. (#5.1.1)" },
		{ DAEMON "Subject: failure notice\r\n\r\nUnable to deliver "
		  "message to the following address(es).\r\n\r\n<" MEMBER
		  ">:\r\nThis account is over quota.\r\n",
		  "soft: <" MEMBER ">: This account is over quota." },
		/* his mail went on to another address */
		{ DAEMON "Subject: Undelivered mail\r\n"
		  "X-Failed-Recipients: else@else.test\r\n\r\n"
		  "It could not be delivered.\r\n",
		  "hard: It could not be delivered." },
		/* nobody is named: the token names him */
		{ DAEMON "Subject: Undelivered mail\r\n\r\n"
		  "Your message could not be delivered.\r\n",
		  "hard: no reason given" },
		{ NULL, NULL }
	};

	for (int i = 0; rows[i].bytes != NULL; i++) {
		g_autofree char *trace = NULL;
		struct bounce_case b;

		bounce_begin(&b);
		trace = bounce(&b, b.token, rows[i].bytes);
		stage_see(trace, "counted against " MEMBER);
		see_bounces(&b, 1, rows[i].reason);
		stage_end(&b.t);
	}
}

static void
test_not_counted(void)
{
	static const struct { const char *bytes, *trace; } others[] = {
		{ REPORT("x", "delayed", "4.4.1"), 
		  "a report without a failure" },
		{ REPORT("x", "relayed", "2.0.0"), 
		  "a report without a failure" },
		{ "Subject: out of office\r\n\r\nI am away\r\n",
		  "an automatic reply" },
		{ "Subject: hello\r\n\r\nIt works\r\n",
		  "not about a failure" },
		{ "", "not about a failure" },
		{ DAEMON "Subject: Delivery Status Notification (Delay)\r\n"
		  "\r\nTHIS IS A WARNING MESSAGE ONLY.\r\nDelivery to the "
		  "following recipient has been delayed:\r\n\r\n   "
		  MEMBER "\r\n", "without a failure, of a delay" },
		{ "From: fred@else.test\r\nSubject: Please confirm\r\n\r\n"
		  "Your message is being held because the address has not "
		  "been verified.\r\n", "a challenge" },
		{ "From: feedback@isp.test\r\nMIME-Version: 1.0\r\n"
		  "Content-Type: multipart/report; boundary=b; "
		  "report-type=feedback-report\r\n\r\n--b\r\n"
		  "Content-Type: message/feedback-report\r\n\r\n"
		  "Feedback-Type: abuse\r\nUser-Agent: x/1\r\n"
		  "Version: 1\r\n\r\n--b--\r\n", "a complaint" },
		{ NULL, NULL }
	};

	for (int i = 0; others[i].bytes != NULL; i++) {
		g_autofree char *trace = NULL;
		struct bounce_case b;

		bounce_begin(&b);
		trace = bounce(&b, b.token, others[i].bytes);
		stage_see(trace, others[i].trace);
		see_bounces(&b, 0, "");
		stage_end(&b.t);
	}
}

static void
test_forged(void)
{
	static const char *const tokens[] = {
		"", "aaaaaaaaaaaaaaaaaaaaaaaa", "short", NULL
	};

	for (const char *const *token = tokens; *token != NULL; token++) {
		g_autofree char *trace = NULL;
		struct bounce_case b;

		bounce_begin(&b);
		trace = bounce(&b, *token, REPORT("x", "failed", "5.1.1"));
		stage_see(trace, "no token of ours");
		see_bounces(&b, 0, "");
		stage_end(&b.t);
	}
}

static void
test_left(void)
{
	uint8_t handle[MEMBER_HANDLE_LEN];
	g_autofree char *trace = NULL;
	struct bounce_case b;

	bounce_begin(&b);
	member_handle("gone@example.net", handle);
	verp_make(b.t.verp, LIST_ADDR, handle, b.post.bytes, b.token);
	trace = bounce(&b, b.token, REPORT("x", "failed", "5.1.1"));
	stage_see(trace, "not subscribed any more");
	stage_end(&b.t);
}

struct record_work {
	struct bounce_case *b;
	const char *reason;
};

static enum err_code
record_body(struct txn *txn, void *arg, struct err *err)
{
	const struct record_work *work = arg;

	struct list_conf *conf = NULL;
	struct bounce_with with = {
		.settings = work->b->t.settings, .list = work->b->t.list,
		.list_addr = LIST_ADDR, .now_s = 1000,
	};
	const struct bounce_failure failure = {
		.addr = MEMBER, .post = &work->b->post, .class = BOUNCE_HARD,
		.text = work->reason,
	};
	enum err_code rc = list_conf_load(txn, LIST_ADDR, &conf, err);

	with.conf = conf;
	if (rc == ERR_OK)
		rc = bounce_record(txn, &with, &failure, err);
	list_conf_free(conf);
	return rc;
}

static void
test_reason(void)
{
	g_autofree char *fill = g_strnfill(299, 'x');
	g_autofree char *reason = g_strdup_printf("%s\xc3\xbc", fill);
	struct bounce_case b;
	struct record_work work = { &b, reason };

	bounce_begin(&b);
	case_txn(&b.t.s, record_body, &work);
	see_bounces(&b, 1, fill);
	work.reason = "550 \xff bad\r\nbytes ";
	case_txn(&b.t.s, record_body, &work);
	see_bounces(&b, 2, "550 \xef\xbf\xbd bad  bytes");
	stage_end(&b.t);
}

static const struct tap_case cases[] = {
	{ "a failed delivery counts once", test_failed },
	{ "a post that is gone has its trace", test_post_gone },
	{ "a failure counts in whatever form it is reported", test_formats },
	{ "other mail counts nothing", test_not_counted },
	{ "a forged token counts nothing", test_forged },
	{ "a shared envelope's report raises a doubt and counts nothing",
	  test_shared },
	{ "a shared envelope's report by our own MTA counts", test_mtas },
	{ "words are believed of no MTA, nor is what it encloses",
	  test_mtas_words },
	{ "another list's token of a post counts nothing",
	  test_shared_forged },
	{ "a subscriber who has left", test_left },
	{ "reasons are text, and bounded", test_reason },
	{ NULL, NULL }
};

int
main(void)
{
	log_open("test-bounce", 1);
	return tap_run("bounce", cases);
}
