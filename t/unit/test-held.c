/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/log.h"
#include "core/stages.h"
#include "t/unit/held-case.h"
#include "core/base/banned.h"

#define PATIENCE_MS 60000

/* --- coming and going --------------------------------------------------- */

static void
test_waits(void)
{
	struct mail mail = anns;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	stage_set(&h.t, "held-keep", "3d");
	mail.detail = "tag";
	held = hold(&h, &mail);
	g_assert_cmpint(held->due_ms, ==, NOW_MS + 3 * DAY_MS);
	g_assert_cmpint(held->made_ms, ==, NOW_MS);
	g_assert_cmpstr(held->reason, ==, "rule 2: not author.member");
	g_assert_cmpstr(held->detail, ==, "tag");
	see_counts(&h, 1, 1, 0, 0);
	job_free(held);
	held_end(&h);
}

static void
test_approve(void)
{
	g_autoptr(GBytes) bytes = NULL;
	struct mail mail = anns;
	struct held_case h;
	struct job *held, *next;

	held_begin(&h);
	mail.detail = "tag";
	held = hold(&h, &mail);
	g_assert_cmpint(decide(&h, held, HELD_APPROVE, ""), ==, HELD_DONE);
	next = stage_job(&h.t, STAGE_PENDING);
	g_assert_true(post_id_equal(&next->post, &held->post));
	g_assert_cmpint(next->role, ==, ROLE_POST);
	g_assert_cmpstr(next->detail, ==, "tag");
	g_assert_cmpstr(next->reason, ==, "");
	g_assert_cmpint(next->due_ms, ==, 0);
	case_ok(post_bytes(store_reader(h.t.s.store), &next->post, &bytes,
			   &h.t.s.err), &h.t.s);
	g_assert_cmpmem(g_bytes_get_data(bytes, NULL),
			g_bytes_get_size(bytes), POST, strlen(POST));
	see_trace(&h, &held->post, "approved by the administrator");
	see_counts(&h, 0, 1, 1, 0);
	/* the notice comes too late, and says nothing */
	run_due(&h, STAGE_NOTICE, notice_body);
	see_counts(&h, 0, 0, 1, 0);
	job_free(held);
	job_free(next);
	held_end(&h);
}

static void
test_reject(void)
{
	g_auto(GStrv) sent = NULL;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	held = hold(&h, &anns);
	run_due(&h, STAGE_NOTICE, notice_body);
	g_strfreev(letters(&h));
	g_assert_cmpint(decide(&h, held, HELD_REJECT, "we had\nthat"), ==,
			HELD_DONE);
	see_counts(&h, 0, 0, 0, 1);
	g_assert_false(stage_has_post(&h.t, &held->post));
	see_trace(&h, &held->post, "rejected by the administrator: we had "
		  "that; the author was told");
	sent = letters(&h);
	g_assert_cmpuint(g_strv_length(sent), ==, 1);
	stage_see(sent[0], "ann@example.net: From: <dev-owner@lists");
	stage_see(sent[0], "\r\nTo: <ann@example.net>\r\n");
	stage_see(sent[0], "\r\nSubject: Your post to dev@lists.example.org "
		  "was not accepted: hi");
	stage_see(sent[0], "\r\nAuto-Submitted: auto-replied\r\n");
	stage_see(sent[0], "\r\nIn-Reply-To: <1@example.net>\r\n");
	stage_see(sent[0], "\r\nPrecedence: bulk\r\n");
	stage_see(sent[0], "The moderator says:\r\n\r\n  we had that\r\n");
	g_assert_null(strstr(sent[0], "rfc822"));
	see_counts(&h, 0, 0, 0, 0);
	job_free(held);
	held_end(&h);
}

static void
test_not_told(void)
{
	static const struct { struct mail mail; const char *why; } untold[] = {
		{ { "ann@example.net", "ann@example.net", "", POST, "" },
		  "not verified" },
		{ { "ann@example.net", "ann@example.net",
		    "{\"author\":\"\",\"by\":\"none\"}", POST, "" },
		  "not verified" },
		{ { "", "ann@example.net", ANN, POST, "" },
		  "sender is null" },
		{ { "ann@example.net", "ann@example.net", ANN,
		    "Auto-Submitted: auto-replied\r\n" POST, "" },
		  "automatic mail" },
	};
	struct held_case h;

	held_begin(&h);
	for (size_t i = 0; i < G_N_ELEMENTS(untold); i++) {
		struct job *held = hold(&h, &untold[i].mail);

		g_assert_cmpint(decide(&h, held, HELD_REJECT, ""), ==,
				HELD_DONE);
		see_trace(&h, &held->post, "the author was not told");
		see_trace(&h, &held->post, untold[i].why);
		g_assert_cmpuint(stage_count(&h.t, STAGE_OUTBOUND), ==, 0);
		job_free(held);
	}
	held_end(&h);
}

static void
test_rate(void)
{
	struct held_case h;
	guint told = 0;

	held_begin(&h);
	for (int i = 0; i < 60; i++) {
		struct job *held = hold(&h, &anns);
		g_auto(GStrv) sent = NULL;

		h.now_ms = NOW_MS + i * 60000;
		g_assert_cmpint(decide(&h, held, HELD_REJECT, ""), ==,
				HELD_DONE);
		sent = letters(&h);
		told += g_strv_length(sent);
		if (i == 59)
			see_trace(&h, &held->post, "not told: he was "
				  "written to often enough");
		case_reopen(&h.t.s);	/* it is remembered */
		job_free(held);
	}
	g_assert_cmpuint(told, ==, 4);
	h.now_ms = NOW_MS + 3600000;
	{
		struct job *held = hold(&h, &anns);

		(void) decide(&h, held, HELD_REJECT, "");
		see_trace(&h, &held->post, "the author was told");
		job_free(held);
	}
	held_end(&h);
}

static void
test_discard(void)
{
	struct held_case h;
	struct job *held;

	held_begin(&h);
	held = hold(&h, &anns);
	g_assert_cmpint(decide(&h, held, HELD_DISCARD, ""), ==, HELD_DONE);
	see_counts(&h, 0, 1, 0, 0);
	run_due(&h, STAGE_NOTICE, notice_body);
	see_counts(&h, 0, 0, 0, 0);
	g_assert_false(stage_has_post(&h.t, &held->post));
	see_trace(&h, &held->post, "discarded by the administrator");
	job_free(held);
	held_end(&h);
}

static char *
accepted(struct held_case *h)
{
	char *value;

	case_ok(setting_get(store_reader(h->t.s.store), LIST_ADDR,
			    "accepted", &value, &h->t.s.err), &h->t.s);
	return value;
}

static enum err_code
domain_body(struct txn *txn, void *arg, struct err *err)
{
	(void) arg;
	return setting_put(txn, "@lists.example.org", "accepted",
			   "@example.com", err);
}

static void
test_accept(void)
{
	struct mail forged = anns, two = anns;
	g_autofree char *first = NULL, *second = NULL, *long_value = NULL;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	case_txn(&h.t.s, domain_body, NULL);
	held = hold(&h, &anns);
	g_assert_cmpint(decide(&h, held, HELD_ACCEPT, ""), ==, HELD_DONE);
	see_trace(&h, &held->post, "always accepted from now on");
	first = accepted(&h);
	g_assert_cmpstr(first, ==, "@example.com, ann@example.net");
	g_assert_cmpuint(stage_count(&h.t, STAGE_PENDING), ==, 1);
	job_free(held);

	/* once is enough; who is not verified is named by From */
	forged.evidence = "";
	held = hold(&h, &forged);
	g_assert_cmpint(decide(&h, held, HELD_ACCEPT, ""), ==, HELD_DONE);
	second = accepted(&h);
	g_assert_cmpstr(second, ==, first);
	job_free(held);

	two.evidence = "";
	two.author = "ann@example.net, bob@example.net";
	held = hold(&h, &two);
	g_assert_cmpint(decide(&h, held, HELD_ACCEPT, ""), ==,
			HELD_IMPOSSIBLE);
	stage_see(h.result.why, "several authors");
	g_assert_cmpint(decide(&h, held, HELD_APPROVE, ""), ==, HELD_DONE);
	job_free(held);

	long_value = g_strnfill(15990, 'x');
	stage_set(&h.t, "accepted", long_value);
	held = hold(&h, &anns);
	g_assert_cmpint(decide(&h, held, HELD_ACCEPT, ""), ==,
			HELD_IMPOSSIBLE);
	stage_see(h.result.why, "is full");
	g_assert_cmpuint(stage_count(&h.t, STAGE_HELD), ==, 1);
	job_free(held);
	held_end(&h);
}

static void
test_once(void)
{
	struct held_case h;

	held_begin(&h);
	for (int first = HELD_APPROVE; first <= HELD_ACCEPT; first++)
		for (int i = HELD_APPROVE; i <= HELD_ACCEPT; i++) {
			struct job *held = hold(&h, &anns);
			uint64_t pending;

			g_assert_cmpint(decide(&h, held, (enum held_decision)
					       first, ""), ==, HELD_DONE);
			pending = stage_count(&h.t, STAGE_PENDING);
			g_assert_cmpint(decide(&h, held, (enum held_decision)
					       i, ""), ==, HELD_DECIDED);
			g_assert_cmpuint(stage_count(&h.t, STAGE_PENDING),
					 ==, pending);
			job_free(held);
		}
	run_due(&h, STAGE_NOTICE, notice_body);
	see_counts(&h, 0, 0, 8, stage_count(&h.t, STAGE_OUTBOUND));
	held_end(&h);
}

static void
test_expire(void)
{
	struct held_case h;
	struct job *held;

	held_begin(&h);
	stage_set(&h.t, "held-keep", "1h");
	held = hold(&h, &anns);
	h.now_ms = held->due_ms - 1;
	g_assert_cmpuint(run_due(&h, STAGE_HELD, expire_body), ==, 0);
	h.now_ms++;
	g_assert_cmpuint(run_due(&h, STAGE_HELD, expire_body), ==, 1);
	see_trace(&h, &held->post, "expired: no moderator has decided");
	g_assert_cmpint(decide(&h, held, HELD_APPROVE, ""), ==,
			HELD_DECIDED);
	run_due(&h, STAGE_NOTICE, notice_body);
	see_counts(&h, 0, 0, 0, 0);
	g_assert_false(stage_has_post(&h.t, &held->post));
	job_free(held);
	held_end(&h);
}

static enum err_code
delete_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return list_delete(txn, LIST_ADDR, &work->done, err);
}

static void
test_list_gone(void)
{
	struct stage_work work = { .done = false };
	struct held_case h;
	struct job *held, *expiring;

	held_begin(&h);
	held = hold(&h, &anns);
	expiring = hold(&h, &anns);
	case_txn(&h.t.s, delete_body, &work);
	run_due(&h, STAGE_NOTICE, notice_body);
	g_assert_cmpint(decide(&h, held, HELD_APPROVE, ""), ==,
			HELD_IMPOSSIBLE);
	stage_see(h.result.why, "the list has been deleted");
	g_assert_cmpint(decide(&h, held, HELD_REJECT, ""), ==, HELD_DONE);
	see_trace(&h, &held->post, "not told: the list has been deleted");
	h.now_ms = expiring->due_ms;
	g_assert_cmpuint(run_due(&h, STAGE_HELD, expire_body), ==, 1);
	see_counts(&h, 0, 0, 0, 0);
	job_free(held);
	job_free(expiring);
	held_end(&h);
}

/* --- a kill in the middle ----------------------------------------------- */

static void
see_undone(struct held_case *h, txn_body body, const struct job *job,
	   enum held_decision decision)
{
	struct decide_work work = {
		.h = h, .job = job, .fail = true,
		.act = { decision, "somebody", "", h->now_ms,
			 h->t.verp },
	};
	struct err err = ERR_INIT;
	uint64_t before[10], after;

	for (int i = STAGE_PENDING; i <= STAGE_SHUNTED; i++)
		before[i] = stage_count(&h->t, (enum stage)i);
	g_assert_cmpint(store_txn(h->t.s.store, TXN_LAZY, body, &work, &err),
			==, ERR_IO);
	case_reopen(&h->t.s);
	for (int i = STAGE_PENDING; i <= STAGE_SHUNTED; i++) {
		after = stage_count(&h->t, (enum stage)i);
		g_assert_cmpuint(after, ==, before[i]);
	}
	g_assert_true(stage_has_post(&h->t, &job->post));
	see_counts(h, before[STAGE_HELD], before[STAGE_NOTICE],
		   before[STAGE_PENDING], before[STAGE_OUTBOUND]);
}

static void
test_kill(void)
{
	g_autofree char *value = NULL;
	struct held_case h;
	struct job *held, *notice;

	held_begin(&h);
	stage_set(&h.t, "moderator-digest", "owner@example.org");
	held = hold(&h, &anns);
	for (int i = HELD_APPROVE; i <= HELD_ACCEPT; i++)
		see_undone(&h, decide_body, held, (enum held_decision)i);
	value = accepted(&h);
	g_assert_null(value);
	see_undone(&h, expire_body, held, HELD_DISCARD);
	notice = stage_job(&h.t, STAGE_NOTICE);
	see_undone(&h, notice_body, notice, HELD_DISCARD);
	job_free(notice);
	run_due(&h, STAGE_NOTICE, notice_body);
	notice = stage_job(&h.t, STAGE_NOTICE);
	g_assert_true(digest_is(notice));
	see_undone(&h, notice_body, notice, HELD_DISCARD);
	job_free(notice);
	job_free(held);
	held_end(&h);
}

/* --- dump and load ------------------------------------------------------ */

static void
test_dump(void)
{
	g_autofree char *first = NULL, *second = NULL;
	struct held_case a, b;
	struct job *held, *there;

	held_begin(&a);
	held_begin(&b);
	stage_set(&a.t, "moderator", "mod@example.org, two@example.org");
	stage_set(&a.t, "moderator-digest", "two@example.org");
	held = hold(&a, &anns);
	run_due(&a, STAGE_NOTICE, notice_body);
	first = dump_text(&a);
	stage_see(first, "\"stage\":\"held\"");
	stage_see(first, "\"stage\":\"notice\"");
	stage_see(first, "\"null_sender\":true");
	stage_see(first, "\"evidence\":\"{\\\"author\\\":");
	load_text(&b, first);
	second = dump_text(&b);
	g_assert_true(strcmp(first, second) == 0);
	see_counts(&b, 1, 1, 0, 1);
	there = stage_job(&b.t, STAGE_HELD);
	g_assert_cmpint(there->due_ms, ==, held->due_ms);
	g_assert_cmpstr(there->reason, ==, held->reason);
	g_assert_cmpint(decide(&b, there, HELD_APPROVE, ""), ==, HELD_DONE);
	job_free(there);
	job_free(held);
	held_end(&a);
	held_end(&b);
}

/* --- the threads -------------------------------------------------------- */

static struct stage_case *running;
static int woken;

static struct settings *
get_settings(void)
{
	return settings_ref(running->settings);
}

static void
wake_outbound(void)
{
	(void) g_atomic_int_add(&woken, 1);
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

/* One post is long due, the other is decided about by mail. */
static void
test_threads(void)
{
	char token[HELD_TOKEN_LEN + 1];
	struct mail reply = { "mod@example.org", "mod@example.org", MOD,
			      APPROVE, token };
	struct held_case h;
	struct stages *stages;
	struct job *old, *held;

	held_begin(&h);
	stage_set(&h.t, "moderator", "mod@example.org");
	h.now_ms = 0;
	old = hold(&h, &anns);
	h.now_ms = g_get_real_time() / 1000;
	held = hold(&h, &anns);
	running = &h.t;
	stages = stages_start(h.t.s.store, get_settings, h.t.verp,
			      wake_outbound);
	wait_for(&h.t, STAGE_HELD, 1);
	wait_for(&h.t, STAGE_NOTICE, 0);
	see_trace(&h, &old->post, "expired");
	see_trace(&h, &held->post, "notice to mod@example.org");
	g_strfreev(letters(&h));
	held_token_make(h.key, LIST_ADDR, HELD_APPROVE, &held->id, token);
	(void) put_mail(&h, &reply, STAGE_PENDING);
	stages_wake(stages);
	wait_for(&h.t, STAGE_HELD, 0);
	wait_for(&h.t, STAGE_PENDING, 0);
	stages_stop(stages);
	see_trace(&h, &held->post, "approved by mod@example.org");
	g_assert_cmpuint(stage_count(&h.t, STAGE_OUTBOUND), ==, 1);
	g_assert_cmpint(g_atomic_int_get(&woken), >, 0);
	job_free(old);
	job_free(held);
	held_end(&h);
}

static const struct tap_case cases[] = {
	{ "a held post waits, with its reason, for a set time", test_waits },
	{ "an approved post is as an accepted one", test_approve },
	{ "a rejection tells a verified author why", test_reject },
	{ "nobody is told who may not have written", test_not_told },
	{ "an author is written to at a set rate", test_rate },
	{ "a discarded post is gone, and its trace stays", test_discard },
	{ "an accepted author is accepted from now on", test_accept },
	{ "there are no two decisions", test_once },
	{ "it expires when it is time", test_expire },
	{ "a list that is gone", test_list_gone },
	{ "a kill in the middle leaves all as it was", test_kill },
	{ "held posts survive dump and load", test_dump },
	{ "threads expire, notify and obey", test_threads },
	{ NULL, NULL }
};

int
main(void)
{
	log_open("test-held", 1);
	return tap_run("held", cases);
}
