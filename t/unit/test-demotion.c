/* SPDX-License-Identifier: BSD-2-Clause */

/* What follows from failures. The clock is ours here: it is moved by days. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/bounce/bounce.h"
#include "core/bounce/score.h"
#include "core/command/subscription.h"
#include "core/outbound/slot.h"
#include "db/event.h"
#include "db/rate.h"
#include "db/surge.h"
#include "db/token.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

#define MEMBER "m0000001@example.net"
#define DAY 86400

/* --- time --------------------------------------------------------------- */

static int64_t moved_s;

int
clock_gettime(clockid_t id, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, id, out);

	if (id == CLOCK_REALTIME || id == CLOCK_BOOTTIME)
		out->tv_sec += moved_s;
	return rc;
}

gint64
g_get_real_time(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* --- the rules ---------------------------------------------------------- */

static struct list_conf
rules(void)
{
	return (struct list_conf){
		.bounce_processing = true, .bounce_hard = 1000,
		.bounce_soft = 250, .bounce_good = 100,
		.bounce_threshold = 4000, .bounce_decay_s = 30 * DAY,
		.bounce_probe_wait_s = 7 * DAY,
		.bounce_warn_every_s = 7 * DAY, .bounce_warnings = 3,
	};
}

static void
test_score(void)
{
	static const struct {
		uint32_t score;
		uint64_t good;
		int64_t age_s;
		uint32_t left;
	} rows[] = {
		{ 0, 0, 0, 0 }, { 0, 5, 100, 0 },
		{ 4000, 0, 0, 4000 },
		{ 4000, 0, 30 * DAY, 2000 }, { 4000, 0, 60 * DAY, 1000 },
		{ 4000, 0, -DAY, 4000 },	/* the clock was set back */
		{ 4000, 0, 15 * DAY, 2828 },
		{ 1000, 3, 0, 700 }, { 1000, 10, 0, 0 }, { 1000, 999, 0, 0 },
		{ 4000, 5, 30 * DAY, 1500 },
		{ 1, 0, 3650 * DAY, 0 },
	};
	struct list_conf conf = rules();

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct bounce_state state = { .score = rows[i].score,
					      .score_s = 1000000 };

		g_assert_cmpuint(score_at(&state, &conf, rows[i].good,
					  1000000 + rows[i].age_s), ==,
				 rows[i].left);
	}
}

static void
test_rise(void)
{
	static const struct {
		int64_t time_s;
		uint32_t weight, score;
		bool rises;
	} rows[] = {
		{ 10 * DAY, 250, 250, true },
		{ 10 * DAY + 1, 250, 250, false },
		{ 10 * DAY + 2, 1000, 1000, true },	/* the heavier */
		{ 10 * DAY + 3, 1000, 1000, false },
		{ 11 * DAY - 1, 250, 1000, false },
		{ 11 * DAY, 1000, 2000, true },
		{ 12 * DAY, 250, 2250, true },
	};
	struct bounce_state state = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_true(score_rise(&state, rows[i].weight,
					 rows[i].time_s) == rows[i].rises);
		g_assert_cmpuint(state.score, ==, rows[i].score);
	}
	score_undo(&state);
	g_assert_cmpuint(state.score, ==, 2000);
	score_undo(&state);
	g_assert_cmpuint(state.score, ==, 2000);
}

static void
test_weight(void)
{
	struct list_conf conf = rules();

	g_assert_cmpuint(score_weight(&conf, BOUNCE_HARD, REASON_USER), ==,
			 1000);
	g_assert_cmpuint(score_weight(&conf, BOUNCE_HARD, REASON_NONE), ==,
			 1000);
	g_assert_cmpuint(score_weight(&conf, BOUNCE_HARD, REASON_POLICY), ==,
			 250);
	g_assert_cmpuint(score_weight(&conf, BOUNCE_HARD, REASON_SIZE), ==,
			 250);
	g_assert_cmpuint(score_weight(&conf, BOUNCE_SOFT, REASON_FULL), ==,
			 250);
}

static void
test_next(void)
{
	const int64_t now = 1000 * DAY;
	const struct {
		enum delivery_mode delivery;
		enum off_by by;
		struct bounce_state state;
		enum bounce_step step;
		int64_t when_s;
	} rows[] = {
		{ DELIVERY_ON, OFF_NOT, { 0 }, STEP_NONE, 0 },
		{ DELIVERY_ON, OFF_NOT, { .score = 3900, .score_s = now },
		  STEP_NONE, 0 },
		{ DELIVERY_DIGEST, OFF_NOT, { .score = 4000,
		  .score_s = now }, STEP_PROBE, now },
		{ DELIVERY_ON, OFF_NOT, { .score = 4000, .score_s =
		  now - 30 * DAY }, STEP_NONE, 0 },
		{ DELIVERY_ON, OFF_NOT, { .score = 9000, .score_s = now,
		  .probe_s = now - DAY }, STEP_CLEAR, now + 6 * DAY },
		{ DELIVERY_OFF, OFF_BY_SELF, { .score = 9000,
		  .score_s = now }, STEP_NONE, 0 },
		{ DELIVERY_OFF, OFF_BY_BOUNCES, { 0 }, STEP_WARN,
		  now + 5 * DAY },
		{ DELIVERY_OFF, OFF_BY_BOUNCES, { .warned_s = now,
		  .warnings = 2 }, STEP_WARN, now + 7 * DAY },
		{ DELIVERY_OFF, OFF_BY_BOUNCES, { .warned_s = now,
		  .warnings = 3 }, STEP_REMOVE, now + 7 * DAY },
	};
	struct list_conf conf = rules();
	int64_t when_s;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpint(bounce_next(&conf, rows[i].delivery,
			rows[i].by, now - 2 * DAY, &rows[i].state, now,
			&when_s), ==, rows[i].step);
		g_assert_cmpint(when_s, ==, rows[i].when_s);
	}
	conf.bounce_warnings = 0;
	g_assert_cmpint(bounce_next(&conf, DELIVERY_OFF, OFF_BY_BOUNCES, 1,
				    &rows[0].state, now, &when_s), ==,
			STEP_NONE);
	conf.bounce_processing = false;
	g_assert_cmpint(bounce_next(&conf, DELIVERY_ON, OFF_NOT, 0,
				    &rows[2].state, now, &when_s), ==,
			STEP_NONE);
}

/* --- a list, its posts, and what fails ---------------------------------- */

static void
begin(struct stage_case *t, unsigned int members)
{
	moved_s = 0;
	stage_begin(t);
	stage_members(t, members);
	stage_set(t, "owner", "owner@example.org");
}

struct act {
	struct stage_case *t;
	const char *addr;
	struct post_id post;
	enum bounce_class class;
	const char *text;
	bool is_ours, found;
};

static enum err_code
traced_body(struct txn *txn, void *arg, struct err *err)
{
	struct act *act = arg;
	enum err_code rc = trace_add(txn, &act->post, "inbound", LIST_ADDR,
				     err, "accepted");

	return rc != ERR_OK ? rc :
		rate_add(txn, act->t->list, "ann@example.net", clock_ms(),
			 &act->post, err);
}

/* A post that the list has taken now. */
static struct post_id
post_now(struct stage_case *t)
{
	struct act act = { .t = t };

	post_id_new(&act.post);
	case_txn(&t->s, traced_body, &act);
	return act.post;
}

static struct bounce_with
with_of(const struct stage_case *t, const struct list_conf *conf)
{
	return (struct bounce_with){
		.settings = t->settings, .conf = conf, .list = t->list,
		.list_addr = LIST_ADDR, .now_s = clock_s(),
	};
}

static enum err_code
fail_body(struct txn *txn, void *arg, struct err *err)
{
	struct act *act = arg;
	struct list_conf *conf = NULL;
	const struct bounce_failure failure = {
		.addr = act->addr, .post = &act->post, .class = act->class,
		.text = act->text, .why = REASON_USER,
		.is_ours = act->is_ours,
	};
	struct bounce_with with;
	enum err_code rc = list_conf_load(txn, LIST_ADDR, &conf, err);

	with = with_of(act->t, conf);
	if (rc == ERR_OK)
		rc = bounce_record(txn, &with, &failure, err);
	list_conf_free(conf);
	return rc;
}

static void
fail(struct stage_case *t, const char *addr, const struct post_id *post)
{
	struct act act = {
		.t = t, .addr = addr, .post = *post, .class = BOUNCE_HARD,
		.text = "hard: 5.1.1 550 no such user",
	};

	case_txn(&t->s, fail_body, &act);
}

static enum err_code
reset_body(struct txn *txn, void *arg, struct err *err)
{
	struct act *act = arg;
	struct list_conf *conf = NULL;
	struct bounce_with with;
	enum err_code rc = list_conf_load(txn, LIST_ADDR, &conf, err);

	with = with_of(act->t, conf);
	if (rc == ERR_OK)
		rc = bounce_reset(txn, &with, act->addr, "the administrator",
				  &act->found, err);
	list_conf_free(conf);
	return rc;
}

static uint64_t
sweep(struct stage_case *t, bool hasty)
{
	uint64_t done = 0;

	case_ok(bounce_sweep(t->s.store, t->settings, clock_s(), hasty, NULL,
			     NULL, &done, &t->s.err), &t->s);
	return done;
}

static uint32_t
score_of(struct stage_case *t, const char *addr)
{
	struct member *member = stage_get_member(t, addr);
	uint32_t score = member->bounce.score;

	member_free(member);
	return score;
}

struct events { const char *kind; guint count; };

static enum err_code
count_event(void *arg, const struct event *event, struct err *err)
{
	struct events *events = arg;

	(void) err;
	events->count += strcmp(event->kind, events->kind) == 0 ? 1 : 0;
	return ERR_OK;
}

static guint
events(struct stage_case *t, const char *kind)
{
	struct events found = { kind, 0 };

	case_ok(event_walk(store_reader(t->s.store), t->list, 0, INT64_MAX,
			   count_event, &found, &t->s.err), &t->s);
	return found.count;
}

static struct post_id
probe_of(struct stage_case *t, const char *addr)
{
	struct member *member = stage_get_member(t, addr);
	struct post_id id = { { 0 } };
	bool found = false;

	g_assert_cmpint(member->bounce.probe_s, !=, 0);
	case_ok(post_id_by_prefix(store_reader(t->s.store),
				  member->bounce.probe_post, VERP_POST_LEN,
				  &id, &found, &t->s.err), &t->s);
	g_assert_true(found);
	member_free(member);
	return id;
}

/* His copies fail each day until a probe is out. */
static unsigned int
fail_until_probe(struct stage_case *t, const char *addr)
{
	unsigned int days = 0;

	while (events(t, "bounce-probe") == 0 && days < 20) {
		struct post_id post = post_now(t);

		fail(t, addr, &post);
		moved_s += DAY;
		days++;
	}
	return days;
}

/* --- a year of a member ------------------------------------------------- */

static void
test_year(void)
{
	struct act act = { .addr = MEMBER };
	struct stage_case t;
	struct member *member;
	struct post_id probe;

	begin(&t, 30);
	act.t = &t;
	/* one in twelve posts fails him: his score stays where it is */
	for (int day = 0; day < 60; day++) {
		struct post_id post;

		for (int i = 0; i < 12; i++) {
			post = post_now(&t);
			moved_s += 600;
		}
		fail(&t, MEMBER, &post);
		moved_s += DAY - 7200;
		(void) sweep(&t, false);
	}
	g_assert_cmpuint(score_of(&t, MEMBER), <, 2500);
	g_assert_cmpuint(events(&t, "bounce-probe"), ==, 0);
	/* then all of them do */
	g_assert_cmpuint(fail_until_probe(&t, MEMBER), <=, 5);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 1);
	/* it does not come back: he is clean */
	moved_s += 6 * DAY;
	g_assert_cmpuint(sweep(&t, false), ==, 1);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 0);
	g_assert_cmpuint(events(&t, "bounce-clear"), ==, 1);
	/* it does */
	for (int i = 0; i < 5; i++) {
		struct post_id post = post_now(&t);

		fail(&t, MEMBER, &post);
		moved_s += DAY;
	}
	probe = probe_of(&t, MEMBER);
	fail(&t, MEMBER, &probe);
	g_assert_cmpuint(events(&t, "bounce-off"), ==, 1);
	member = stage_get_member(&t, MEMBER);
	g_assert_cmpint(member->delivery, ==, DELIVERY_OFF);
	g_assert_cmpint(member->off_by, ==, OFF_BY_BOUNCES);
	member_free(member);
	/* comes back, and begins anew */
	case_txn(&t.s, reset_body, &act);
	g_assert_true(act.found);
	member = stage_get_member(&t, MEMBER);
	g_assert_cmpint(member->delivery, ==, DELIVERY_ON);
	g_assert_cmpuint(member->bounce.score, ==, 0);
	member_free(member);
	/* off again, warned three times, removed */
	for (int i = 0; i < 6; i++) {
		struct post_id post = post_now(&t);

		fail(&t, MEMBER, &post);
		moved_s += DAY;
	}
	probe = probe_of(&t, MEMBER);
	fail(&t, MEMBER, &probe);
	for (guint i = 1; i <= 3; i++) {
		moved_s += 7 * DAY - 10;
		g_assert_cmpuint(sweep(&t, false), ==, 0);
		moved_s += 20;
		g_assert_cmpuint(sweep(&t, false), ==, 1);
		g_assert_cmpuint(sweep(&t, false), ==, 0);
		g_assert_cmpuint(events(&t, "bounce-warned"), ==, i);
	}
	moved_s += 7 * DAY;
	g_assert_cmpuint(sweep(&t, false), ==, 1);
	g_assert_null(stage_get_member(&t, MEMBER));
	g_assert_cmpuint(events(&t, "bounce-removed"), ==, 1);
	/* 3 probes, 2 off, 3 warnings, 1 removal */
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 9);
	stage_end(&t);
}

/* --- who forges and replays --------------------------------------------- */

static void
test_replay(void)
{
	struct stage_case t;
	struct post_id post, old, probe;
	uint32_t score;

	begin(&t, 30);
	old = post_now(&t);
	moved_s += 11 * DAY;
	fail(&t, MEMBER, &old);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 0);
	post = post_now(&t);
	for (int i = 0; i < 100; i++)
		fail(&t, MEMBER, &post);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 1000);
	/* nor on another day */
	for (int i = 0; i < 9; i++) {
		moved_s += DAY;
		fail(&t, MEMBER, &post);
	}
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 1000);
	score = score_of(&t, MEMBER);
	/* a post that never was */
	post_id_new(&post);
	fail(&t, MEMBER, &post);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, score);
	/* who has all his copies for a week gets a probe sent, no more */
	(void) fail_until_probe(&t, MEMBER);
	probe = probe_of(&t, MEMBER);
	for (int i = 0; i < 5; i++) {
		post = post_now(&t);
		fail(&t, MEMBER, &post);
		moved_s += DAY;
	}
	g_assert_cmpuint(events(&t, "bounce-off"), ==, 0);
	moved_s += 3 * DAY;
	(void) sweep(&t, false);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 0);
	/* the probe is one of many then */
	fail(&t, MEMBER, &probe);
	g_assert_cmpuint(events(&t, "bounce-off"), ==, 0);
	stage_end(&t);
}

/* --- the breaker -------------------------------------------------------- */

static void
test_breaker(void)
{
	char addr[64];
	struct stage_case t;
	struct surge surge;
	struct post_id post;

	begin(&t, 100);
	(void) sweep(&t, false);	/* counts them */
	post = post_now(&t);
	for (int i = 0; i < 30; i++) {
		(void) snprintf(addr, sizeof(addr), "m%07d@example.net", i);
		fail(&t, addr, &post);
	}
	/* 19 have risen, then it is seen that it is not their fault */
	g_assert_cmpuint(score_of(&t, "m0000000@example.net"), ==, 1000);
	g_assert_cmpuint(score_of(&t, "m0000025@example.net"), ==, 0);
	g_assert_cmpuint(sweep(&t, true), >, 0);
	for (int i = 0; i < 30; i++) {
		(void) snprintf(addr, sizeof(addr), "m%07d@example.net", i);
		g_assert_cmpuint(score_of(&t, addr), ==, 0);
	}
	g_assert_cmpuint(events(&t, "bounce-breaker"), ==, 1);
	g_assert_cmpuint(sweep(&t, true), ==, 0);
	g_assert_cmpuint(sweep(&t, false), ==, 0);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 1);
	/* nothing rises while it lasts, and then it does */
	post = post_now(&t);
	fail(&t, MEMBER, &post);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 0);
	moved_s += 2 * 3600;
	post = post_now(&t);
	fail(&t, MEMBER, &post);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 1000);
	case_ok(surge_get(store_reader(t.s.store), t.list, &surge, &t.s.err),
		&t.s);
	g_assert_cmpuint(surge.members, ==, 100);
	stage_end(&t);
}

/* Twenty of a thousand are nothing much. */
static void
test_no_surge(void)
{
	char addr[64];
	struct stage_case t;
	struct post_id post;

	begin(&t, 1000);
	post = post_now(&t);
	for (int i = 0; i < 30; i++) {
		(void) snprintf(addr, sizeof(addr), "m%07d@example.net", i);
		fail(&t, addr, &post);
	}
	(void) sweep(&t, true);		/* nobody had counted them */
	g_assert_cmpuint(score_of(&t, "m0000000@example.net"), ==, 1000);
	g_assert_cmpuint(events(&t, "bounce-breaker"), ==, 0);
	moved_s += DAY;
	post = post_now(&t);
	for (int i = 0; i < 30; i++) {
		(void) snprintf(addr, sizeof(addr), "m%07d@example.net", i);
		fail(&t, addr, &post);
		g_assert_cmpuint(score_of(&t, addr), >=, 1000);
	}
	stage_end(&t);
}

static void
test_relay(void)
{
	struct stage_case t;
	struct act act = {
		.t = &t, .addr = MEMBER, .class = BOUNCE_HARD,
		.text = "hard: refused", .is_ours = true,
	};

	begin(&t, 3);
	act.post = post_now(&t);
	case_txn(&t.s, fail_body, &act);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 0);
	act.is_ours = false;
	case_txn(&t.s, fail_body, &act);
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 1000);
	stage_end(&t);
}

/* --- complaints --------------------------------------------------------- */

static enum err_code
bounce_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return bounce_run(txn, work->t->settings, work->t->verp, work->job,
			  err);
}

static void
complain(struct stage_case *t, const char *detail, const char *returned)
{
	g_autofree char *text = g_strconcat(
		"From: fbl@provider.test\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; boundary=b;\r\n "
		"report-type=feedback-report\r\n\r\n--b\r\n\r\nspam\r\n--b\r\n"
		"Content-Type: message/feedback-report\r\n\r\n"
		"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n"
		"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n", returned,
		"From: ann@example.net\r\nSubject: hello\r\n\r\nhello\r\n"
		"--b--\r\n", NULL);
	struct stage_work work = { .t = t };
	struct job *job;

	(void) stage_post(t, STAGE_BOUNCE, ROLE_BOUNCES, detail, "", text);
	job = stage_job(t, STAGE_BOUNCE);
	work.job = job;
	case_txn(&t->s, bounce_body, &work);
	job_free(job);
}

static bool
is_member(struct stage_case *t)
{
	struct member *member = stage_get_member(t, MEMBER);
	bool is = member != NULL && member->delivery == DELIVERY_ON;

	member_free(member);
	return is;
}

static void
test_complaint(void)
{
	static const char *const ways[] = { "remove", "off", "ignore" };

	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		char shared[VERP_POST_TOKEN_LEN + 1];
		char single[VERP_TOKEN_LEN + 1];
		uint8_t handle[MEMBER_HANDLE_LEN];
		g_autofree char *returned = NULL, *forged = NULL;
		struct stage_case t;
		struct post_id post;

		begin(&t, 3);
		stage_set(&t, "complaint", ways[i]);
		post = post_now(&t);
		member_handle(MEMBER, handle);
		verp_make_post(t.verp, LIST_ADDR, post.bytes, shared);
		verp_make(t.verp, LIST_ADDR, handle, post.bytes, single);
		returned = g_strdup_printf("Return-Path: <dev-bounces+%s@"
					   "lists.example.org>\r\n", single);
		forged = g_strdup_printf("Return-Path: <dev-bounces+%.23s%c@"
					 "lists.example.org>\r\nTo: <" MEMBER
					 ">\r\n", single,
					 single[23] == 'a' ? 'b' : 'a');
		complain(&t, shared, "To: <" MEMBER ">\r\n");
		complain(&t, shared, forged);
		g_assert_true(is_member(&t));
		g_assert_cmpuint(events(&t, "complaint"), ==, 0);
		complain(&t, shared, returned);
		g_assert_cmpuint(events(&t, "complaint"), ==, 1);
		g_assert_true(is_member(&t) == (i == 2));
		g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==,
				 i == 0 ? 1 : 0);
		stage_end(&t);
	}
}

static void
test_complaint_leave(void)
{
	char shared[VERP_POST_TOKEN_LEN + 1], leave[VERP_TOKEN_LEN + 1];
	uint8_t handle[MEMBER_HANDLE_LEN];
	g_autofree char *returned = NULL;
	struct stage_case t;
	struct post_id post;

	begin(&t, 3);
	post = post_now(&t);
	member_handle(MEMBER, handle);
	verp_make_post(t.verp, LIST_ADDR, post.bytes, shared);
	leave_token_make(t.verp, LIST_ADDR, handle, post.bytes, leave);
	returned = g_strdup_printf("List-Unsubscribe: <mailto:dev-leave+%s@"
				   "lists.example.org>\r\n", leave);
	complain(&t, shared, returned);
	g_assert_false(is_member(&t));
	stage_end(&t);
}

/* A report that came to the site, with that token found in it. */
static void
report_to_site(struct stage_case *t, const char *detail, const char *type)
{
	g_autofree char *text = g_strdup_printf(
		"From: fbl@provider.test\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; boundary=b;\r\n "
		"report-type=feedback-report\r\n\r\n--b\r\n"
		"Content-Type: message/feedback-report\r\n\r\n"
		"Feedback-Type: %s\r\nUser-Agent: x/1\r\nVersion: 1\r\n"
		"Original-Rcpt-To: <" MEMBER ">\r\n\r\n--b--\r\n", type);
	struct stage_work work = { .t = t };
	struct job *job;

	(void) stage_post(t, STAGE_BOUNCE, ROLE_FEEDBACK, detail, "", text);
	job = stage_job(t, STAGE_BOUNCE);
	work.job = job;
	case_txn(&t->s, bounce_body, &work);
	job_free(job);
}

/* The tokens of a copy of this post, as details */
struct details { char *single, *shared, *leave; };

static void
make_details(struct stage_case *t, const struct post_id *post,
	     struct details *out)
{
	char single[VERP_TOKEN_LEN + 1], leave[VERP_TOKEN_LEN + 1];
	char shared[VERP_POST_TOKEN_LEN + 1];
	uint8_t handle[MEMBER_HANDLE_LEN];

	member_handle(MEMBER, handle);
	verp_make(t->verp, LIST_ADDR, handle, post->bytes, single);
	verp_make_post(t->verp, LIST_ADDR, post->bytes, shared);
	leave_token_make(t->verp, LIST_ADDR, handle, post->bytes, leave);
	out->single = g_strconcat("bounces+", single, NULL);
	out->shared = g_strconcat("bounces+", shared, NULL);
	out->leave = g_strconcat("leave+", leave, NULL);
}

static void
details_done(struct details *details)
{
	g_free(details->single);
	g_free(details->shared);
	g_free(details->leave);
}

static void
test_feedback(void)
{
	struct details of;
	struct stage_case t;
	struct post_id post;
	struct member *member;

	begin(&t, 3);
	stage_set(&t, "complaint", "ignore");
	post = post_now(&t);
	make_details(&t, &post, &of);
	report_to_site(&t, of.single, "not-spam");
	report_to_site(&t, of.single, "auth-failure");
	report_to_site(&t, "bounces+forgedforgedforgedforged", "abuse");
	report_to_site(&t, of.single + strlen("bounces+"), "abuse");
	report_to_site(&t, "leave+", "abuse");
	g_assert_cmpuint(events(&t, "complaint"), ==, 0);
	member = stage_get_member(&t, MEMBER);
	g_assert_cmpint(member->bounced_s, ==, 0);
	member_free(member);
	report_to_site(&t, of.shared, "abuse");
	g_assert_cmpuint(events(&t, "complaint"), ==, 0);
	member = stage_get_member(&t, MEMBER);
	g_assert_cmpint(member->bounced_s, >, 0);
	g_assert_cmpuint(member->bounces, ==, 0);
	member_free(member);
	report_to_site(&t, of.single, "abuse");
	report_to_site(&t, of.single, "abuse");
	report_to_site(&t, of.leave, "fraud");
	g_assert_cmpuint(events(&t, "complaint"), ==, 1);
	g_assert_true(is_member(&t));
	stage_set(&t, "complaint", "remove");
	details_done(&of);
	post = post_now(&t);
	make_details(&t, &post, &of);
	report_to_site(&t, of.leave, "abuse");
	g_assert_cmpuint(events(&t, "complaint"), ==, 2);
	g_assert_false(is_member(&t));
	report_to_site(&t, of.single, "abuse");
	g_assert_cmpuint(events(&t, "complaint"), ==, 2);
	details_done(&of);
	stage_end(&t);
}

/* A letter, or a post whose story is forgotten: the token to leave with is
 * still good, the one of a bounce proves too little. */
static void
test_feedback_forgotten(void)
{
	const struct post_id post = { { 7, 7, 7, 7 } };
	struct details of;
	struct stage_case t;

	begin(&t, 3);
	make_details(&t, &post, &of);
	report_to_site(&t, of.single, "abuse");
	g_assert_true(is_member(&t));
	report_to_site(&t, of.leave, "abuse");
	g_assert_false(is_member(&t));
	g_assert_cmpuint(events(&t, "complaint"), ==, 1);
	details_done(&of);
	stage_end(&t);
}

/* --- he answers the letter ---------------------------------------------- */

struct answer { struct stage_case *t; char token[TOKEN_TEXT + 1];
	struct subscription_result result; };

static enum err_code
confirm_body(struct txn *txn, void *arg, struct err *err)
{
	struct answer *answer = arg;
	const struct subscription_with with = {
		answer->t->settings, answer->t->verp, clock_ms(),
	};
	const struct asker asker = { .addr = "" };
	struct list *list = NULL;
	struct list_conf *conf = NULL;
	enum err_code rc = list_find(txn, LIST_ADDR, &list, err);

	if (rc == ERR_OK)
		rc = list_conf_load(txn, LIST_ADDR, &conf, err);
	if (rc == ERR_OK)
		rc = subscription_confirm(txn, &with, list, conf, &asker,
					  answer->token, &answer->result,
					  err);
	list_free(list);
	list_conf_free(conf);
	return rc;
}

/* The token in the letter to him that delivery is off. */
static void
read_token(struct stage_case *t, char out[TOKEN_TEXT + 1])
{
	static const char behind[] = "-confirm+";
	g_autoptr(GPtrArray) jobs = case_due(&t->s, STAGE_OUTBOUND,
					     INT64_MAX);
	struct form *form = NULL;
	const char *text, *at = NULL;
	gsize len;

	for (guint i = 0; i < jobs->len && at == NULL; i++) {
		const struct job *job = g_ptr_array_index(jobs, i);

		case_ok(form_get(store_reader(t->s.store), &job->post,
				 t->list, FORM_COPIES, &form,
				 &t->s.err), &t->s);
		text = g_bytes_get_data(form->header, &len);
		at = g_strstr_len(text, (gssize)len, behind);
		if (at != NULL)
			(void) g_strlcpy(out, at + strlen(behind),
					 TOKEN_TEXT + 1);
		form_free(form);
	}
	g_assert_nonnull(at);
}

static void
test_answer(void)
{
	struct stage_case t;
	struct answer answer = { .t = &t };
	struct post_id probe;

	begin(&t, 30);
	(void) fail_until_probe(&t, MEMBER);
	probe = probe_of(&t, MEMBER);
	fail(&t, MEMBER, &probe);
	g_assert_false(is_member(&t));
	read_token(&t, answer.token);
	case_txn(&t.s, confirm_body, &answer);
	g_assert_cmpint(answer.result.outcome, ==, SUB_DONE);
	g_assert_true(is_member(&t));
	g_assert_cmpuint(score_of(&t, MEMBER), ==, 0);
	stage_end(&t);
}

/* --- the owners' digest ------------------------------------------------- */

static enum err_code
digest_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return bounce_digest_run(txn, work->t->settings, work->job,
				 clock_ms(), err);
}

static void
test_digest(void)
{
	struct stage_case t;
	struct stage_work work = { .t = &t };
	struct post_id probe;
	struct job *job;

	begin(&t, 30);
	(void) fail_until_probe(&t, MEMBER);
	g_assert_cmpuint(stage_count(&t, STAGE_NOTICE), ==, 0);
	probe = probe_of(&t, MEMBER);
	fail(&t, MEMBER, &probe);
	job = stage_job(&t, STAGE_NOTICE);
	g_assert_nonnull(job);
	g_assert_true(bounce_is_digest(job));
	g_assert_cmpint(job->due_ms, >, clock_ms());
	work.job = job;
	/* too early: it is told the next time */
	case_txn(&t.s, digest_body, &work);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 2);
	job_free(job);
	moved_s += DAY;
	job = stage_job(&t, STAGE_NOTICE);
	work.job = job;
	case_txn(&t.s, digest_body, &work);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, 3);
	g_assert_cmpuint(stage_count(&t, STAGE_NOTICE), ==, 0);
	job_free(job);
	stage_end(&t);
}

/* --- killed at any time ------------------------------------------------- */

#define KILLED 400

static void
sweep_in_child(const char *home, const struct settings *settings, int begun)
{
	struct err err = ERR_INIT;
	struct store *store = NULL;
	uint64_t done;

	if (store_open(home, &store, &err) != ERR_OK)
		_exit(2);
	if (write(begun, "b", 1) != 1)
		_exit(4);
	if (bounce_sweep(store, settings, clock_s(), false, NULL, NULL,
			 &done, &err) != ERR_OK)
		_exit(3);
	_exit(0);
}

static void
test_killed(void)
{
	struct stage_case t;
	int kills = 0, status = -1;

	begin(&t, KILLED);
	for (int i = 0; i < KILLED; i++) {
		g_autofree char *addr = g_strdup_printf(
			"m%07d@example.net", i);
		struct member *member = stage_get_member(&t, addr);

		member_deliver(member, DELIVERY_OFF, OFF_BY_BOUNCES,
			       clock_s());
		stage_put_member(&t, member);
	}
	moved_s += 8 * DAY;
	store_close(t.s.store);
	t.s.store = NULL;
	while (status != 0) {
		char byte;
		int begun[2];
		pid_t child;

		g_assert_cmpint(pipe(begun), ==, 0);
		child = fork();
		if (child == 0)
			sweep_in_child(t.s.home, t.settings, begun[1]);
		(void) close(begun[1]);
		g_assert_cmpint(read(begun[0], &byte, 1), ==, 1);
		(void) close(begun[0]);
		g_usleep((gulong)g_random_int_range(0, 8000));
		if (kills < 40)
			(void) kill(child, SIGKILL);
		g_assert_cmpint(waitpid(child, &status, 0), ==, child);
		if (WIFSIGNALED(status))
			kills++;
		else
			g_assert_cmpint(status, ==, 0);
	}
	g_test_message("%d kills", kills);
	case_ok(store_open(t.s.home, &t.s.store, &t.s.err), &t.s);
	g_assert_cmpuint(events(&t, "bounce-warned"), ==, KILLED);
	g_assert_cmpuint(stage_count(&t, STAGE_OUTBOUND), ==, KILLED);
	for (int i = 0; i < KILLED; i++) {
		g_autofree char *addr = g_strdup_printf(
			"m%07d@example.net", i);
		struct member *member = stage_get_member(&t, addr);

		g_assert_cmpuint(member->bounce.warnings, ==, 1);
		member_free(member);
	}
	stage_end(&t);
}

static const struct tap_case cases[] = {
	{ "a score halves with time and sinks with each post that arrives",
	  test_score },
	{ "of the failures of a day the heaviest counts", test_rise },
	{ "what is not the address's fault weighs little", test_weight },
	{ "what comes next, and when", test_next },
	{ "a year of a member", test_year },
	{ "a report that is sent again counts once, and demotes nobody",
	  test_replay },
	{ "a surge demotes nobody, and is told once", test_breaker },
	{ "a few of many are no surge", test_no_surge },
	{ "our own relay's refusals are not the members' fault", test_relay },
	{ "a complaint counts with the token of a copy", test_complaint },
	{ "or with the one to leave with", test_complaint_leave },
	{ "a feedback report to the site is followed once", test_feedback },
	{ "also of what is forgotten, with the token to leave",
	  test_feedback_forgotten },
	{ "who answers the letter gets posts again", test_answer },
	{ "owners get one digest of what has happened", test_digest },
	{ "killed at any time, no step is lost or done twice", test_killed },
	{ NULL, NULL }
};

int
main(void)
{
	log_open("test-demotion", 1);
	return tap_run("demotion", cases);
}
