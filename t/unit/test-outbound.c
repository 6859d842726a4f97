/* SPDX-License-Identifier: BSD-2-Clause */
#include <malloc.h>

#include "core/attempt.h"
#include "core/base/log.h"
#include "t/unit/outbound-case.h"
#include "core/base/banned.h"

/* Built twice: all of it holds with CHUNKING too. */
#ifdef WITH_CHUNKING
#define OFFERS "PIPELINING,8BITMIME,SIZE 100000,DSN,SMTPUTF8,CHUNKING"
#define ON_THEIR_WAY 50		/* on one connection */
#else
#define ON_THEIR_WAY 2
#define OFFERS "PIPELINING,8BITMIME,SIZE 100000,DSN,SMTPUTF8"
#endif

#define IN_FLIGHT 1000		/* by default */

/* --- cases -------------------------------------------------------------- */

static void
test_each_once(void)
{
	const struct sink_copy *copy;
	struct out_case o;
	struct post_id id;
	uint8_t member[VERP_MEMBER_LEN], post[VERP_POST_LEN];
	g_autofree char *token = NULL;

	out_begin(&o, OFFERS, "");
	stage_members(&o.t, 200);
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	out_stop(&o);
	see_each(&o, 200, 0);
	see_trace(&o, &id, "200 copies handed to the relay, 0 refused");
	g_assert_false(stage_has_post(&o.t, &id));
	copy = g_ptr_array_index(sink_copies(o.sink), 0);
	g_assert_true(g_str_has_prefix(copy->sender, "dev-bounces+"));
	token = g_strndup(copy->sender + strlen("dev-bounces+"),
			  VERP_TOKEN_LEN);
	g_assert_true(verp_open(o.t.verp, LIST_ADDR, token, member, post));
	g_assert_cmpmem(post, VERP_POST_LEN, id.bytes, VERP_POST_LEN);
	stage_see(copy->mail, " RET=HDRS ENVID=");
	stage_see(copy->rcpt, " NOTIFY=FAILURE ORCPT=rfc822;m0");
	stage_see(copy->text->str, "\r\n\r\nHello\r\n.dot\r\n");
	g_assert_true(g_str_has_suffix(copy->text->str, "\r\n.dot\r\n"));
	out_end(&o);
}

static void
lock_step(const char *offers)
{
	struct out_case o;

	out_begin(&o, offers, QUICK);
	stage_members(&o.t, 30);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000007",
		  "550 5.1.1 no such user", -1, false });
	sink_rule(o.sink, (struct sink_rule){ "MAIL", NULL,
		  "552 5.3.4 too big", 1, false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	see_each(&o, 29, 0);	/* a refused MAIL is nobody's fault */
	out_end(&o);
}

static void
test_lock_step(void)
{
	lock_step("8BITMIME");
	lock_step("");
}

static void
test_refused(void)
{
	struct out_case o;
	struct post_id id;
	struct member *member;

	out_begin(&o, OFFERS, "");
	stage_members(&o.t, 20);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000003",
		  "550 5.1.1 no such user", -1, false });
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000004",
		  "554-5.7.1 first line\r\n554 5.7.1 second", -1, false });
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	member = stage_get_member(&o.t, "m0000003@example.net");
	g_assert_cmpuint(member->bounces, ==, 1);
	g_assert_cmpint(member->bounced_s, >, 0);
	g_assert_cmpstr(member->bounce_reason, ==,
			"refused at re-injection: 550 5.1.1 no such user");
	member_free(member);
	member = stage_get_member(&o.t, "m0000004@example.net");
	g_assert_cmpuint(member->bounces, ==, 1);
	g_assert_cmpstr(member->bounce_reason, ==,
			"refused at re-injection: 554 5.7.1 first line 5.7.1 "
			"second");
	member_free(member);
	see_trace(&o, &id, "m0000003@example.net failed: refused at "
		  "re-injection: 550 5.1.1 no such user");
	see_trace(&o, &id, "18 copies handed to the relay, 2 refused");
	see_each(&o, 18, 0);
	out_end(&o);
}

/* Some servers say 354 though they have no recipient. */
static void
test_refused_then_354(void)
{
	struct out_case o;

	out_begin(&o, OFFERS, "connections=1\n");
	stage_members(&o.t, 3);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000001",
		  "550 5.1.1 no", 1, false });
	sink_rule(o.sink, (struct sink_rule){ "DATA", "none",
		  "354 anyway", 1, false });
	sink_rule(o.sink, (struct sink_rule){ "DOT", "none",
		  "250 taken from nobody", 1, false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	see_each(&o, 2, 0);
	out_end(&o);
}

/* One that is refused among many that are on their way already. */
static void
test_refused_in_a_window(void)
{
	struct out_case o;
	struct post_id id;

	out_begin(&o, OFFERS, "connections=1\n");
	stage_members(&o.t, 300);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m000004",
		  "550 5.1.1 no", -1, false });
	sink_rule(o.sink, (struct sink_rule){ "MAIL", NULL,
		  "552 5.3.4 too big", 1, false });
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait(o.sink, 289));
	while (stage_count(&o.t, STAGE_OUTBOUND) != 1)
		g_usleep(2000);
	out_stop(&o);
	see_trace(&o, &id, "to be tried again: 552 5.3.4 too big");
	see_each(&o, 289, 0);
	out_end(&o);
}

static void
test_refused_body(void)
{
	struct out_case o;
	struct post_id id;

	out_begin(&o, OFFERS, QUICK);
	stage_members(&o.t, 100);
	sink_rule(o.sink, (struct sink_rule){ "BDAT", "m0000050",
		  "554 5.6.0 bad chunk", -1, false });
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000060",
		  "554 5.6.0 bad text", -1, false });
	sink_rule(o.sink, (struct sink_rule){ "BDAT", "m0000070",
		  "452 4.3.1 full", 1, false });
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
#ifdef WITH_CHUNKING
	see_trace(&o, &id, "m0000050@example.net failed: refused at "
		  "re-injection: 554 5.6.0 bad chunk");
	see_trace(&o, &id, "to be tried again: 452 4.3.1 full");
#endif
	see_trace(&o, &id, "m0000060@example.net failed: refused at "
		  "re-injection: 554 5.6.0 bad text");
	count_distinct(&o, &(guint){ 0 }, &(guint){ 0 });
	g_assert_cmpuint(sink_copies(o.sink)->len, ==,
			 strstr(OFFERS, "CHUNKING") != NULL ? 98 : 99);
	out_end(&o);
}

static void
test_many_refused(void)
{
	struct out_case o;

	out_begin(&o, OFFERS, "connections=1\n");
	stage_members(&o.t, 400);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m000000",
		  "550 5.1.1 no", -1, false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	g_assert_cmpuint(sink_conns(o.sink), >=, 2);
	see_each(&o, 390, 0);
	out_end(&o);
}

static void
test_deferred(void)
{
	struct out_case o;
	struct post_id id;
	struct member *member;

	out_begin(&o, OFFERS, QUICK);
	stage_members(&o.t, 20);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000003",
		  "450 4.2.0 busy", 2, false });
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000004",
		  "451 4.3.0 later", 1, false });
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait(o.sink, 20));
	out_wait(&o);
	member = stage_get_member(&o.t, "m0000003@example.net");
	g_assert_cmpuint(member->bounces, ==, 0);
	member_free(member);
	see_trace(&o, &id, "to be tried again: 450");
	see_trace(&o, &id, "450 4.2.0 busy");
	see_each(&o, 20, 0);
	g_assert_false(stage_has_post(&o.t, &id));
	out_end(&o);
}

static enum err_code
old_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;
	struct job old = *work->job;	/* texts are borrowed */

	old.made_ms -= (int64_t)6 * 86400 * 1000;
	return queue_replace(txn, work->job, &old, &work->done, err);
}

static void
test_given_up(void)
{
	struct stage_work work;
	struct out_case o;
	struct post_id id;
	struct member *member;
	struct job *job;

	out_begin(&o, OFFERS, QUICK);
	stage_members(&o.t, 2);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000001",
		  "450 4.2.0 busy", -1, false });
	id = out_post(&o, ROLE_POST, "ann@example.net");
	job = stage_job(&o.t, STAGE_OUTBOUND);
	work = (struct stage_work){ .job = job };
	case_txn(&o.t.s, old_body, &work);
	job_free(job);
	out_start(&o);
	out_wait(&o);
	member = stage_get_member(&o.t, "m0000001@example.net");
	g_assert_cmpuint(member->bounces, ==, 1);
	member_free(member);
	see_trace(&o, &id, "given up after [outbound] max-age: 450 4.2.0 busy");
	see_each(&o, 1, 0);
	out_end(&o);
}

static enum err_code
quiet_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;
	struct job quiet = *work->job;	/* texts are borrowed */

	quiet.null_sender = true;
	return queue_replace(txn, work->job, &quiet, &work->done, err);
}

/* An automatic post of ours, also when it is tried again. */
static void
test_null_sender(void)
{
	g_autoptr(job_t) job = NULL;
	const struct sink_copy *copy;
	struct stage_work work;
	struct out_case o;

	out_begin(&o, OFFERS, QUICK);
	stage_members(&o.t, 1);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000000",
		  "450 4.2.0 busy", 1, false });
	(void) out_post(&o, ROLE_POST, "ann@example.net");
	job = stage_job(&o.t, STAGE_OUTBOUND);
	work = (struct stage_work){ .job = job };
	case_txn(&o.t.s, quiet_body, &work);
	out_start(&o);
	out_wait(&o);
	sink_stop(o.sink);
	g_assert_cmpuint(sink_copies(o.sink)->len, ==, 1);
	copy = g_ptr_array_index(sink_copies(o.sink), 0);
	g_assert_true(g_str_has_prefix(copy->mail, "<> ") ||
		      strcmp(copy->mail, "<>") == 0);
	out_end(&o);
}

static void
test_lost_in_text(void)
{
	struct out_case o;

	out_begin(&o, OFFERS, "in-flight=16\n");
	stage_members(&o.t, 200);
	sink_rule(o.sink, (struct sink_rule){ "TEXT", "m0000050", NULL, 1,
		  false });
	sink_rule(o.sink, (struct sink_rule){ "TEXT", "m0000150", NULL, 1,
		  false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	see_each(&o, 200, 2 * (ON_THEIR_WAY - 2));	/* no half text */
	out_end(&o);
}

static void
test_lost_after_dot(void)
{
	struct out_case o;

	out_begin(&o, OFFERS, "in-flight=16\n");
	stage_members(&o.t, 200);
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000050", NULL, 1,
		  true });
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000150", NULL, 1,
		  true });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	see_each(&o, 200, 2 * ON_THEIR_WAY);
	g_assert_cmpuint(sink_copies(o.sink)->len, >=, 202);
	out_end(&o);
}

/* It comes back for ever: the others go, it waits like after a 4xx. */
static void
test_killer_copy(void)
{
	struct out_case o;

	out_begin(&o, OFFERS, "retry-first=1h\n");
	stage_members(&o.t, 50);
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000010", NULL, -1,
		  false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait(o.sink, 49));
	g_assert_true(sink_wait_rule(o.sink, 5));
	while (stage_count(&o.t, STAGE_OUTBOUND) != 1)
		g_usleep(2000);
	out_stop(&o);
	see_each(&o, 49, 5 * (ON_THEIR_WAY - 2));
	out_end(&o);
}

static void
test_stop_and_go_on(void)
{
	struct out_case o;

	out_begin(&o, OFFERS, "in-flight=64\n[milter]\ndrain=60s\n");
	stage_members(&o.t, 3000);
	out_post(&o, ROLE_POST, "ann@example.net");
	for (unsigned int more = 0; more < 3; more++) {
		out_start(&o);
		g_assert_true(sink_wait(o.sink, sink_count(o.sink) + 300));
		out_stop(&o);
		g_assert_cmpuint(sink_count(o.sink), <, 3000);
	}
	out_start(&o);
	out_wait(&o);
	see_each(&o, 3000, 0);
	out_end(&o);
}

/* The relay does not answer, so nothing is drained: as after a crash. */
static void
test_stop_in_the_middle(void)
{
	struct out_case o;
	guint addrs, senders;

	out_begin(&o, OFFERS, "in-flight=16\n[milter]\ndrain=0s\n");
	stage_members(&o.t, 100);
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m000005", "", 3,
		  true });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait_rule(o.sink, 1));
	out_stop(&o);
	sink_clear_rules(o.sink);
	out_start(&o);
	out_wait(&o);
	count_distinct(&o, &addrs, &senders);
	g_assert_cmpuint(addrs, ==, 100);
	g_assert_cmpuint(sink_copies(o.sink)->len, <=, 100 + 16);
	out_end(&o);
}

/* Until the relay is seen to be silent on one of its connections. */
static void
out_wait_stalled(struct out_case *o)
{
	for (guint stalled = 0; stalled == 0; g_usleep(2000)) {
		g_autoptr(GArray) rows = outbound_relays(o->outbound);

		if (rows->len > 0)
			stalled = g_array_index(rows, struct relay_report,
						0).stalled;
	}
}

/* A recipient that the relay is slow with holds up his own post only. */
static void
test_stalled(void)
{
	struct out_case o;
	struct post_id other;

	out_begin(&o, OFFERS, "in-flight=16\n[milter]\ndrain=0s\n");
	stage_members(&o.t, 200);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000003", "", 1,
		  false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait(o.sink, 3));
	out_wait_stalled(&o);
	other = out_post(&o, ROLE_POST, "bob@example.net");
	outbound_wake(o.outbound);
	g_assert_true(sink_wait(o.sink, 203));
	while (stage_has_post(&o.t, &other))
		g_usleep(2000);
	out_stop(&o);
	sink_clear_rules(o.sink);
	out_start(&o);
	out_wait(&o);
	g_assert_cmpuint(sink_count(o.sink), ==, 400);
	out_end(&o);
}

static void
test_relay_down(void)
{
	struct out_case o;
	struct sink *first;
	int port;

	out_begin(&o, OFFERS, "in-flight=16\n");
	first = o.sink;
	port = sink_port(first);
	stage_members(&o.t, 50);
	sink_stop(first);
	out_start(&o);
	out_post(&o, ROLE_POST, "ann@example.net");
	g_usleep(50000);	/* it may fail to connect, or not yet */
	o.sink = sink_start(port, OFFERS);
	out_wait(&o);
	see_each(&o, 50, 0);
	sink_free(first);
	out_end(&o);
}

static void
test_relay_full(void)
{
	struct out_case o;
	struct member *member;

	out_begin(&o, OFFERS, "");
	stage_members(&o.t, 20);
	sink_rule(o.sink, (struct sink_rule){ "MAIL", NULL,
		  "452 4.3.1 no space", 1, false });
	sink_rule(o.sink, (struct sink_rule){ "GREETING", NULL,
		  "421 4.7.0 busy", 1, false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	member = stage_get_member(&o.t, "m0000000@example.net");
	g_assert_cmpuint(member->bounces, ==, 0);
	member_free(member);
	see_each(&o, 20, 0);
	out_end(&o);
}

static void
test_garbage(void)
{
	struct out_case o;

	out_begin(&o, OFFERS, "");
	stage_members(&o.t, 20);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000003",
		  "what a nice day", 1, false });
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000004",
		  "999 what a nice day", 1, false });
	sink_rule(o.sink, (struct sink_rule){ "DATA", "m0000005",
		  "250 wrong", 1, false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	see_each(&o, 20, 3 * ON_THEIR_WAY);
	out_end(&o);
}

static void
test_who_gets_it(void)
{
	struct out_case o;
	const GPtrArray *copies;

	out_begin(&o, OFFERS, "");
	stage_member(&o.t, "ann@example.net", true, false);
	stage_member(&o.t, "bob@example.net", false, true);
	stage_member(&o.t, "eve@example.net", true, true);
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	sink_stop(o.sink);
	copies = sink_copies(o.sink);
	g_assert_cmpuint(copies->len, ==, 1);
	g_assert_cmpstr(((struct sink_copy *)copies->pdata[0])->addr, ==,
			"eve@example.net");
	out_end(&o);
}

static void
test_nobody(void)
{
	struct out_case o;
	struct post_id id;

	out_begin(&o, OFFERS, "");
	stage_member(&o.t, "bob@example.net", false, true);
	out_start(&o);
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_wait(&o);
	see_trace(&o, &id, "0 copies handed to the relay");
	g_assert_false(stage_has_post(&o.t, &id));
	out_end(&o);
}

static void
test_owners(void)
{
	struct out_case o;
	struct post_id id;

	out_begin(&o, OFFERS, "in-flight=1\n");
	stage_set(&o.t, "owner", "o1@example.net, o2@example.net, "
		  "o3@example.net");
	stage_members(&o.t, 5);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "o2",
		  "550 5.1.1 no such user", -1, false });
	out_start(&o);
	id = out_post(&o, ROLE_OWNER, "ann@example.net");
	out_wait(&o);
	see_trace(&o, &id, "(not subscribed any more): refused at re-injection: 550 5.1.1");
	see_each(&o, 2, 0);
	out_end(&o);
}

static void
test_utf8(void)
{
	const struct sink_copy *copy;
	struct out_case o;
	struct post_id id;

	out_begin(&o, OFFERS, "");
	stage_member(&o.t, "l\xc3\xaet@example.net", true, true);
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	sink_stop(o.sink);
	copy = g_ptr_array_index(sink_copies(o.sink), 0);
	stage_see(copy->mail, " SMTPUTF8");
	out_end(&o);
	out_begin(&o, "PIPELINING", "");
	stage_member(&o.t, "l\xc3\xaet@example.net", true, true);
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	see_trace(&o, &id, "553 5.6.7 the relay does not offer SMTPUTF8");
	out_end(&o);
}

static enum err_code
tried_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;
	struct job tried = *work->job;	/* texts are borrowed */

	tried.attempts = 5;
	return queue_replace(txn, work->job, &tried, &work->done, err);
}

static void
test_poison(void)
{
	struct stage_work work;
	struct out_case o;
	struct post_id id;
	struct job *job;

	out_begin(&o, OFFERS, "");
	stage_members(&o.t, 2);
	id = out_post(&o, ROLE_POST, "ann@example.net");
	job = stage_job(&o.t, STAGE_OUTBOUND);
	work = (struct stage_work){ .job = job };
	case_txn(&o.t.s, tried_body, &work);
	job_free(job);
	(void) out_post(&o, ROLE_POST, "bob@example.net");
	out_start(&o);
	out_wait(&o);
	g_assert_cmpuint(stage_count(&o.t, STAGE_SHUNTED), ==, 1);
	see_trace(&o, &id, "shunted from outbound");
	see_each(&o, 2, 0);
	out_end(&o);
}

/* Begun before and never finished, but harmless: it runs, and is done. */
static enum err_code
suspect_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;
	struct job tried = *work->job;	/* texts are borrowed */

	tried.attempts = 4;
	return queue_replace(txn, work->job, &tried, &work->done, err);
}

static void
test_suspect(void)
{
	struct stage_work work;
	struct out_case o;
	struct job *job;

	out_begin(&o, OFFERS, "in-flight=8\n");
	stage_members(&o.t, 100);
	(void) out_post(&o, ROLE_POST, "ann@example.net");
	job = stage_job(&o.t, STAGE_OUTBOUND);
	work = (struct stage_work){ .job = job };
	case_txn(&o.t.s, suspect_body, &work);
	job_free(job);
	(void) out_post(&o, ROLE_POST, "bob@example.net");
	out_start(&o);
	out_wait(&o);
	g_assert_cmpuint(sink_count(o.sink), ==, 200);
	g_assert_cmpuint(stage_count(&o.t, STAGE_SHUNTED), ==, 0);
	out_end(&o);
}

/* As an administrator does it. */
static enum err_code
drop_body(struct txn *txn, void *arg, struct err *err)
{
	const struct job *job = arg;
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	g_assert_true(rc != ERR_OK || taken);
	if (rc == ERR_OK)
		rc = post_release(txn, &job->post, 1, err);
	return rc;
}

static void
drop(struct out_case *o)
{
	struct job *job = stage_job(&o->t, STAGE_OUTBOUND);

	case_txn(&o->t.s, drop_body, job);
	outbound_dropped(o->outbound);
	job_free(job);
}

static void
await_trace(struct out_case *o, const struct post_id *id, const char *part)
{
	for (;;) {
		g_autofree char *trace = stage_trace(&o->t, id);

		if (strstr(trace, part) != NULL)
			return;
		g_usleep(2000);
	}
}

/* The relay is silent after some copies, and then goes on. */
static void
test_dropped(void)
{
	struct out_case o;
	struct post_id id;

	out_begin(&o, OFFERS, "connections=1\n");
	stage_members(&o.t, 5000);
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000010", "", 1,
		  true });
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait_rule(o.sink, 1));
	drop(&o);
	g_assert_false(stage_has_post(&o.t, &id));
	sink_go_on(o.sink);
	await_trace(&o, &id, "dropped while it was sent; ");
	/* what was with the relay's thread may have gone before it heard */
	g_assert_cmpuint(sink_count(o.sink), <, 11 + IN_FLIGHT);
	g_assert_cmpuint(stage_count(&o.t, STAGE_OUTBOUND), ==, 0);
	out_end(&o);
}

/* What the relay puts off is not tried again, and what it says of others is
 * recorded all the same. */
static void
test_dropped_deferred(void)
{
	struct out_case o;
	struct post_id id;
	struct member *member;

	out_begin(&o, OFFERS, QUICK "connections=1\n");
	stage_members(&o.t, 100);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000001",
		  "450 4.2.0 later", -1, false });
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000002",
		  "550 5.1.1 no", -1, false });
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000005", "", 1,
		  true });
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait_rule(o.sink, 3));
	drop(&o);
	sink_go_on(o.sink);
	await_trace(&o, &id, "dropped while it was sent; ");
	g_assert_cmpuint(stage_count(&o.t, STAGE_OUTBOUND), ==, 0);
	member = stage_get_member(&o.t, "m0000002@example.net");
	g_assert_cmpuint(member->bounces, ==, 1);
	member_free(member);
	/* others go on */
	sink_clear_rules(o.sink);
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_wait(&o);
	see_trace(&o, &id, "100 copies handed to the relay, 0 refused");
	out_end(&o);
}

static void
test_memory(void)
{
	struct out_case o;
	size_t before, most = 0;

	out_begin(&o, OFFERS, "");
	sink_keep_text(o.sink, false);
	stage_members(&o.t, 100000);
	out_start(&o);
	before = mallinfo2().uordblks;
	(void) out_post(&o, ROLE_POST, "ann@example.net");
	while (stage_count(&o.t, STAGE_OUTBOUND) > 0) {
		/* what the sink keeps is not outbound's: 700 octets each */
		size_t now = mallinfo2().uordblks;
		size_t sink = (size_t)sink_count(o.sink) * 700;

		most = MAX(most, now > before + sink ? now - before - sink
			   : 0);
		g_usleep(10000);
	}
	g_test_message("outbound took %zu octets at most", most);
	g_assert_cmpuint(most, <, 8 * 1024 * 1024);
	see_each(&o, 100000, 0);
	out_end(&o);
}

static void
test_probe(void)
{
	g_autofree char *greeting = NULL, *extensions = NULL;
	struct out_case o;

	out_begin(&o, OFFERS, "");
	case_ok(outbound_probe(o.t.settings, o.t.settings->relays, &greeting,
			       &extensions, &o.t.s.err), &o.t.s);
	g_assert_cmpstr(greeting, ==, "220 sink ESMTP");
	g_assert_true(g_str_has_prefix(extensions, "sink PIPELINING 8BITMIME "
				       "SIZE 100000 DSN SMTPUTF8"));
	sink_stop(o.sink);
	g_assert_cmpint(outbound_probe(o.t.settings, o.t.settings->relays,
				       &greeting, &extensions, &o.t.s.err),
			==, ERR_DOWN);
	out_end(&o);
}

static const struct tap_case cases[] = {
	{ "an automatic post has the null sender", test_null_sender },
	{ "each subscriber once, under a sender of his own",
	  test_each_once },
	{ "works without PIPELINING", test_lock_step },
	{ "a 5xx is recorded against the subscriber", test_refused },
	{ "354 after a refused recipient", test_refused_then_354 },
	{ "some refused among many on their way", test_refused_in_a_window },
	{ "a body that is refused", test_refused_body },
	{ "a connection with many errors is replaced", test_many_refused },
	{ "a 4xx is tried again and delivered once", test_deferred },
	{ "a copy that is too old is given up", test_given_up },
	{ "a connection lost in the text loses no copy", test_lost_in_text },
	{ "a connection lost after the dot repeats one", test_lost_after_dot },
	{ "a copy that ends connections waits", test_killer_copy },
	{ "a clean stop loses and repeats nothing", test_stop_and_go_on },
	{ "an unclean stop repeats what was in flight",
	  test_stop_in_the_middle },
	{ "a stalled recipient holds up no other post", test_stalled },
	{ "a relay that is down is waited for", test_relay_down },
	{ "a relay in trouble counts against nobody", test_relay_full },
	{ "garbage from the relay", test_garbage },
	{ "delivery off, own posts off", test_who_gets_it },
	{ "a list of nobody", test_nobody },
	{ "mail to the owners", test_owners },
	{ "addresses in UTF-8", test_utf8 },
	{ "a poison job is shunted, others go", test_poison },
	{ "a suspect that is innocent", test_suspect },
	{ "one that is dropped ends with what is under way", test_dropped },
	{ "one that is dropped is not tried again", test_dropped_deferred },
	{ "memory does not grow with the list", test_memory },
	{ "probe", test_probe },
	{ NULL, NULL }
};

int
main(void)
{
	log_open("test-outbound", 1);
	return tap_run("outbound", cases);
}
