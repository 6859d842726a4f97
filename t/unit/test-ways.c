/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A message over several lists, and over those that they include: who gets a
 * copy, and from where. Worlds of chance, with circles, jobs that go on at any
 * pace, and kills between batches; an oracle that knows no rosters says who is
 * to get exactly one.
 */
#include <stdlib.h>

/* db/table.h has a struct of this name, too */
#define place text_place
#include "core/outbound/delivery.h"
#undef place
#include "core/outbound/elsewhere.h"
#include "core/attempt.h"
#include "core/pending/pending.h"
#include "db/dump.h"
#include "db/include.h"
#include "db/way.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

#define LISTS 5
#define PEOPLE 40
#define POST "From: P <p000@example.net>\r\n" \
	"To: l0@lists.example.org, p001@example.net, p002@example.net\r\n" \
	"Subject: hi\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n" \
	"Message-ID: <1@example.net>\r\n\r\nHello\r\n"

enum kind { NOT, ON, OFF, DIGEST };

struct world {
	struct stage_case t;
	struct limits *limits;
	int lists;
	uint32_t number[LISTS];
	bool sibling[LISTS][LISTS], exclude[LISTS][LISTS];
	bool include[LISTS][LISTS];
	enum kind member[LISTS][PEOPLE];
	bool own[LISTS][PEOPLE], duplicates[LISTS][PEOPLE];
	bool accepted[LISTS];
	int come[LISTS];	/* to pending, in this order; 0: not yet */
	int last;
	unsigned int got[LISTS][PEOPLE];	/* through that list */
	GPtrArray *open;	/* struct delivery */
	bool kills;
};

static void
list_name(int list, char out[32])
{
	(void) g_snprintf(out, 32, "l%d@lists.example.org", list);
}

static void
person_name(int person, char out[32])
{
	(void) g_snprintf(out, 32, "p%03d@example.net", person);
}

static int
list_of(const struct world *w, uint32_t number)
{
	for (int i = 0; i < w->lists; i++)
		if (w->number[i] == number)
			return i;
	g_error("no list %u", number);
}

static bool
chance(int percent)
{
	return g_test_rand_int_range(0, 100) < percent;
}

static struct stage_case
list_case(struct world *w, int list, char name[32])
{
	struct stage_case t = w->t;

	list_name(list, name);
	t.list = w->number[list];
	t.list_addr = name;
	return t;
}

/* --- a world ------------------------------------------------------------ */

static void
relate(struct world *w, int list, const char *key, const bool row[LISTS])
{
	g_autoptr(GString) value = g_string_new(NULL);
	char name[32], self[32];
	struct stage_case t = list_case(w, list, self);

	/* a key is set in any case, so that posts that come twice are known */
	if (strcmp(key, "siblings") == 0)
		g_string_append(value, "@nowhere.example.org");
	for (int i = 0; i < w->lists; i++) {
		if (!row[i])
			continue;
		list_name(i, name);
		g_string_append_printf(value, "%s%s", value->len > 0 ?
				       ", " : "", name);
	}
	stage_set(&t, key, value->str);
}

static void
add_member(struct world *w, int list, int person)
{
	static const enum delivery_mode modes[] = {
		[ON] = DELIVERY_ON, [OFF] = DELIVERY_OFF,
		[DIGEST] = DELIVERY_DIGEST,
	};
	char name[32], addr[32];
	struct stage_case t = list_case(w, list, name);
	struct member *member;

	person_name(person, addr);
	member = member_new(addr, 1);
	w->member[list][person] = chance(70) ? ON : chance(50) ? OFF : DIGEST;
	w->own[list][person] = member->own_posts = chance(50);
	w->duplicates[list][person] = member->duplicates = chance(50);
	member->delivery = modes[w->member[list][person]];
	stage_put_member(&t, member);
}

static void
make_lists(struct world *w)
{
	char name[32];

	w->lists = g_test_rand_int_range(2, LISTS + 1);
	for (int i = 0; i < w->lists; i++) {
		list_name(i, name);
		w->number[i] = stage_add_list(&w->t, name, NULL, NULL);
	}
	for (int i = 0; i < w->lists; i++) {
		for (int j = 0; j < w->lists; j++) {
			w->sibling[i][j] = chance(25);
			w->exclude[i][j] = chance(15);
			w->include[i][j] = chance(15);
		}
		relate(w, i, "siblings", w->sibling[i]);
		relate(w, i, "exclude", w->exclude[i]);
		relate(w, i, "include", w->include[i]);
	}
}

static void
world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	stage_begin(&w->t);
	w->limits = limits_new();
	w->open = g_ptr_array_new();
	make_lists(w);
	for (int i = 0; i < w->lists; i++)
		for (int p = 0; p < PEOPLE; p++)
			if (chance(45))
				add_member(w, i, p);
}

static void
world_end(struct world *w)
{
	limits_free(w->limits);
	g_ptr_array_unref(w->open);
	stage_end(&w->t);
}

/* --- a message ---------------------------------------------------------- */

struct submission {
	struct world *w;
	const struct post *post;
	const bool *to;
	int fd;
	int64_t time_us;
};

static enum err_code
put_to(struct txn *txn, const struct submission *s, int list, guint of,
       struct err *err)
{
	char name[32];
	struct stage_case t = list_case(s->w, list, name);
	struct job *job = job_new(STAGE_PENDING, &s->post->id, t.list, name);
	struct way way = {
		.group = s->post->id, .post = s->post->id,
		.time_us = s->time_us, .list = t.list, .through = t.list,
	};
	enum err_code rc;

	job->role = ROLE_POST;
	rc = queue_put(txn, job, err);
	if (rc == ERR_OK && of > 1)
		rc = way_put(txn, &way, err);
	job_free(job);
	return rc;
}

static enum err_code
submit_body(struct txn *txn, void *arg, struct err *err)
{
	const struct submission *s = arg;
	enum err_code rc = post_put(txn, s->post, s->fd, err);

	for (int i = 0; i < s->w->lists && rc == ERR_OK; i++)
		if (s->to[i])
			rc = put_to(txn, s, i, s->post->jobs, err);
	return rc;
}

/* As core/submission.c does it. */
static struct post_id
submit(struct world *w, const bool to[LISTS], int64_t time_us)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(POST, strlen(POST));
	struct post post = {
		.received_s = 1, .size = strlen(POST),
		.sender = (char *)(uintptr_t)"p000@example.net",
		.qid = (char *)(uintptr_t)"4bXk2Z1mJz",
		.message_id = (char *)(uintptr_t)"<1@example.net>",
		.door = (char *)(uintptr_t)"lmtp",
		.client = (char *)(uintptr_t)"", .helo = (char *)(uintptr_t)"",
		.auth = (char *)(uintptr_t)"",
		.author = (char *)(uintptr_t)"p000@example.net",
	};
	struct submission s = { .w = w, .post = &post, .to = to,
				.time_us = time_us };

	post_id_new(&post.id);
	for (int i = 0; i < w->lists; i++)
		post.jobs += to[i] ? 1 : 0;
	if (post.jobs == 0)
		return post.id;
	s.fd = case_memfd(bytes);
	case_txn(&w->t.s, submit_body, &s);
	(void) close(s.fd);
	return post.id;
}

/* To some lists, in one transaction or in two. */
static void
world_post(struct world *w)
{
	bool first[LISTS] = { false }, second[LISTS] = { false };

	for (int i = 0; i < w->lists; i++) {
		w->accepted[i] = chance(65);
		second[i] = w->accepted[i] && chance(25);
		first[i] = w->accepted[i] && !second[i];
	}
	(void) submit(w, first, 1);
	(void) submit(w, second, 1);
}

static enum err_code
pending_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return pending_run(txn, &(struct pending_with){
		work->t->settings, work->t->verp, work->t->keys }, work->job,
			   err);
}

static void
run_pending(struct world *w, const struct job *job)
{
	struct stage_work work = { .t = &w->t, .job = job };

	case_txn(&w->t.s, pending_body, &work);
	w->come[list_of(w, job->list)] = ++w->last;
}

static bool
run_some_pending(struct world *w)
{
	g_autoptr(GPtrArray) jobs = case_due(&w->t.s, STAGE_PENDING,
					     INT64_MAX);

	if (jobs->len == 0)
		return false;
	run_pending(w, jobs->pdata[g_test_rand_int_range(0, (int)jobs->len)]);
	return true;
}

/* --- copies ------------------------------------------------------------- */

static void
receive(struct world *w, const struct job *job, const struct copy *copy)
{
	int person = (int)strtol(copy->key + 1, NULL, 10);

	w->got[list_of(w, job_through(job))][person]++;
}

struct commit {
	struct world *w;
	struct delivery *delivery;
};

static enum err_code
commit_body(struct txn *txn, void *arg, struct err *err)
{
	struct commit *commit = arg;

	return delivery_commit(txn, commit->delivery, commit->w->t.settings,
			       err);
}

static void
record(struct world *w, struct delivery *delivery)
{
	g_autoptr(GPtrArray) born = g_ptr_array_new();
	struct commit commit = { w, delivery };

	case_txn(&w->t.s, commit_body, &commit);
	(void) delivery_committed(delivery, born);
	g_assert_cmpuint(born->len, ==, 0);
}

/* A batch, its copies handed over; or we die before they are. */
static void
send_batch(struct world *w, guint index)
{
	struct delivery *delivery = g_ptr_array_index(w->open, index);
	const struct expansion with = {
		.store = w->t.s.store, .settings = w->t.settings,
		.limits = w->limits, .max = (size_t)g_test_rand_int_range(1, 8),
	};
	struct batch *batch = NULL;

	case_ok(delivery_next(delivery, &with, &batch, &w->t.s.err), &w->t.s);
	if (w->kills && chance(20)) {
		delivery_free(delivery);
		g_ptr_array_remove_index(w->open, index);
		return;
	}
	for (guint i = 0; batch != NULL && i < batch->copies->len; i++) {
		batch_copy(batch, i)->result = COPY_SENT;
		receive(w, delivery_job(delivery), batch_copy(batch, i));
	}
	if (batch != NULL)
		delivery_answered(delivery, batch);
	record(w, delivery);
	if (!delivery_is_done(delivery))
		return;
	delivery_free(delivery);
	g_ptr_array_remove_index(w->open, index);
}

static bool
is_open(const struct world *w, const struct job *job)
{
	for (guint i = 0; i < w->open->len; i++)
		if (post_id_equal(&delivery_job(g_ptr_array_index(w->open,
						i))->id, &job->id))
			return true;
	return false;
}

static bool
open_some(struct world *w)
{
	g_autoptr(GPtrArray) jobs = case_due(&w->t.s, STAGE_OUTBOUND,
					     INT64_MAX);
	struct delivery *delivery = NULL;

	for (guint i = 0; i < jobs->len; i++) {
		struct job *job = g_ptr_array_index(jobs, i);

		if (is_open(w, job))
			continue;
		job = g_ptr_array_steal_index(jobs, i);
		case_ok(delivery_open(w->t.s.store, w->t.verp, w->t.keys, job,
				      &delivery, &w->t.s.err), &w->t.s);
		g_assert_nonnull(delivery);
		g_ptr_array_add(w->open, delivery);
		return true;
	}
	return false;
}

static bool
step(struct world *w)
{
	if (chance(20) && run_some_pending(w))
		return true;
	if (chance(30) && open_some(w))
		return true;
	if (w->open->len > 0) {
		send_batch(w, (guint)g_test_rand_int_range(
			   0, (int)w->open->len));
		return true;
	}
	return run_some_pending(w) || open_some(w);
}

static void
send_all(struct world *w)
{
	while (step(w))
		;
	g_assert_cmpuint(stage_count(&w->t, STAGE_OUTBOUND), ==, 0);
}

/* --- the oracle --------------------------------------------------------- */

static bool
takes(const struct world *w, int list, int person)
{
	return (person != 0 || w->own[list][person]) &&
		((person != 1 && person != 2) || w->duplicates[list][person]);
}

static void
closure(const struct world *w, int list, bool out[LISTS])
{
	bool grows = true;

	memset(out, 0, LISTS * sizeof(*out));
	for (int i = 0; i < w->lists; i++)
		out[i] = w->include[list][i];
	while (grows) {
		grows = false;
		for (int i = 0; i < w->lists; i++)
			for (int j = 0; out[i] && j < w->lists; j++)
				if (w->include[i][j] && !out[j])
					grows = out[j] = true;
	}
	out[list] = false;
}

/* What the list would send him if there were no other. */
static bool
sends(const struct world *w, int list, int person)
{
	bool included[LISTS];

	if (w->member[list][person] != NOT)
		return w->member[list][person] == ON && takes(w, list, person);
	closure(w, list, included);
	for (int i = 0; i < w->lists; i++)
		if (included[i] && (w->member[i][person] == ON ||
				    w->member[i][person] == DIGEST) &&
		    takes(w, i, person) &&
		    (w->come[i] == 0 || w->come[i] > w->come[list]))
			return true;
	return false;
}

static bool
related(const struct world *w, int a, int b)
{
	bool of_a[LISTS], of_b[LISTS];

	closure(w, a, of_a);
	closure(w, b, of_b);
	return w->sibling[a][b] || w->sibling[b][a] || w->exclude[a][b] ||
		w->exclude[b][a] || of_a[b] || of_b[a];
}

static bool
is_to_get(const struct world *w, int list, int person)
{
	if (!w->accepted[list] || !sends(w, list, person))
		return false;
	for (int i = 0; i < w->lists; i++)
		if (i != list && w->accepted[i] &&
		    w->come[i] < w->come[list] && related(w, i, list) &&
		    sends(w, i, person))
			return false;
	return true;
}

static void
judge(const struct world *w)
{
	for (int p = 0; p < PEOPLE; p++) {
		unsigned int any = 0;
		bool wants = false;

		for (int i = 0; i < w->lists; i++) {
			if (w->got[i][p] != is_to_get(w, i, p))
				g_error("p%03d got %u through l%d", p,
					w->got[i][p], i);
			any += w->got[i][p];
			wants |= w->accepted[i] && sends(w, i, p);
		}
		g_assert_cmpint(any > 0, ==, wants);
	}
}

static void
test_worlds(void)
{
	const char *more = g_getenv("MUSTER_WAYS_WORLDS");
	int worlds = more != NULL ? (int)strtol(more, NULL, 10) : 25;
	struct world *w = g_new0(struct world, 1);

	for (int i = 0; i < worlds; i++) {
		world_begin(w);
		w->kills = i % 2 == 1;
		world_post(w);
		send_all(w);
		judge(w);
		world_end(w);
	}
	g_free(w);
}

/* --- one by one --------------------------------------------------------- */

static const bool both[LISTS] = { true, true };

/* l0 and l1, and a member of both; sibling, or else l0 excludes l1. */
static void
two_begin(struct world *w, bool sibling)
{
	memset(w, 0, sizeof(*w));
	stage_begin(&w->t);
	w->limits = limits_new();
	w->open = g_ptr_array_new();
	w->lists = 2;
	for (int i = 0; i < 2; i++) {
		char name[32];
		struct stage_case t;

		list_name(i, name);
		w->number[i] = stage_add_list(&w->t, name, NULL, NULL);
		t = list_case(w, i, name);
		stage_member(&t, "p005@example.net", true, true);
	}
	w->sibling[1][0] = sibling;
	w->exclude[0][1] = !sibling;
	for (int i = 0; i < 2; i++) {
		relate(w, i, "siblings", w->sibling[i]);
		relate(w, i, "exclude", w->exclude[i]);
	}
}

static struct job *
job_for(struct world *w, enum stage stage, int list)
{
	g_autoptr(GPtrArray) jobs = case_due(&w->t.s, stage, INT64_MAX);

	for (guint i = 0; i < jobs->len; i++)
		if (((struct job *)jobs->pdata[i])->list == w->number[list])
			return g_ptr_array_steal_index(jobs, i);
	g_error("l%d has no job in %s", list, stage_name(stage));
}

static void
run_list(struct world *w, int list)
{
	g_autoptr(job_t) job = job_for(w, STAGE_PENDING, list);

	run_pending(w, job);
}

/* The second waits for the first, but not for ever. */
static void
order(bool sibling, int first)
{
	struct world *w = g_new0(struct world, 1);

	two_begin(w, sibling);
	(void) submit(w, both, g_get_real_time());
	run_list(w, 1 - first);
	run_list(w, 1 - first);
	g_assert_cmpuint(stage_count(&w->t, STAGE_PENDING), ==, 2);
	run_list(w, first);
	g_assert_cmpuint(stage_count(&w->t, STAGE_PENDING), ==, 1);
	run_list(w, 1 - first);
	send_all(w);
	g_assert_cmpuint(w->got[first][5], ==, 1);
	g_assert_cmpuint(w->got[1 - first][5], ==, 0);
	world_end(w);

	two_begin(w, sibling);
	(void) submit(w, both, g_get_real_time() - 60 * G_USEC_PER_SEC);
	run_list(w, 1 - first);
	run_list(w, first);
	send_all(w);
	g_assert_cmpuint(w->got[first][5], ==, 0);
	g_assert_cmpuint(w->got[1 - first][5], ==, 1);
	world_end(w);
	g_free(w);
}

static void
test_order(void)
{
	order(true, 0);		/* by their addresses */
	order(false, 1);	/* l0 excludes l1 */
}

/* A job that is shunted is not counted on. */
static void
test_shunted(void)
{
	struct world *w = g_new0(struct world, 1);
	struct err why = { .code = ERR_INVALID, .what = "odd" };
	g_autoptr(job_t) job = NULL;
	g_autofree char *trace = NULL;
	struct post_id id;

	two_begin(w, true);
	id = submit(w, both, g_get_real_time());
	run_list(w, 0);
	run_list(w, 1);
	job = job_for(w, STAGE_OUTBOUND, 0);
	case_ok(attempt_failed(w->t.s.store, job, &why, &w->t.s.err),
		&w->t.s);
	send_all(w);
	g_assert_cmpuint(w->got[1][5], ==, 1);
	trace = stage_trace(&w->t, &id);
	stage_see(trace, "but not to who has it from l0@lists.example.org "
		  "already");
	world_end(w);
	g_free(w);
}

static enum err_code
remove_body(struct txn *txn, void *arg, struct err *err)
{
	struct world *w = arg;
	bool removed;

	return roster_remove(txn, w->number[0], "p005@example.net", &removed,
			     err);
}

static enum err_code
delete_body(struct txn *txn, void *arg, struct err *err)
{
	bool deleted;

	(void) arg;
	return list_delete(txn, "l0@lists.example.org", &deleted, err);
}

/* Nor is a list that he is not on any more, that is paused, or gone; and one
 * that he came to after the post. */
static void
no_count(void (*change)(struct world *w))
{
	struct world *w = g_new0(struct world, 1);
	g_autoptr(job_t) job = NULL;
	struct delivery *delivery = NULL;

	two_begin(w, true);
	(void) submit(w, both, g_get_real_time());
	run_list(w, 0);
	run_list(w, 1);
	change(w);
	job = job_for(w, STAGE_OUTBOUND, 1);
	case_ok(delivery_open(w->t.s.store, w->t.verp, w->t.keys,
			      g_steal_pointer(&job), &delivery,
			      &w->t.s.err), &w->t.s);
	g_ptr_array_add(w->open, delivery);
	send_batch(w, 0);
	g_assert_cmpuint(w->got[1][5], ==, 1);
	g_ptr_array_set_size(w->open, 0);
	world_end(w);
	g_free(w);
}

static void
leave(struct world *w)
{
	case_txn(&w->t.s, remove_body, w);
}

static void
join_late(struct world *w)
{
	char name[32];
	struct stage_case t = list_case(w, 0, name);

	leave(w);
	stage_put_member(&t, member_new("p005@example.net",
					g_get_real_time() / G_USEC_PER_SEC));
}

static void
pause_list(struct world *w)
{
	char name[32];
	struct stage_case t = list_case(w, 0, name);

	stage_set(&t, "outgoing", "paused");
}

static void
delete_list(struct world *w)
{
	case_txn(&w->t.s, delete_body, w);
}

static void
test_no_count(void)
{
	no_count(leave);
	no_count(join_late);
	no_count(pause_list);
	no_count(delete_list);
}

/* --- large lists -------------------------------------------------------- */

static bool
is_nobody(void *arg, const char *key)
{
	(void) arg;
	(void) key;
	return false;
}

/* Of l1, every third member of l0, and as many others. */
static void
add_third(struct world *w, unsigned int count)
{
	struct member *members[1000];
	char addr[64];
	unsigned int n;

	for (unsigned int done = 0; done < count; done += n) {
		n = MIN(count - done, G_N_ELEMENTS(members));
		for (unsigned int i = 0; i < n; i++) {
			unsigned int number = done + i;

			(void) g_snprintf(addr, sizeof(addr), number % 2 == 0 ?
					  "m%07u@example.net" :
					  "m%07ux@example.net",
					  number / 2 * 3);
			members[i] = member_new(addr, 1);
		}
		case_ok(roster_import(w->t.s.store, w->number[1], members, n,
				      NULL, &w->t.s.err), &w->t.s);
		for (unsigned int i = 0; i < n; i++)
			member_free(members[i]);
	}
}

/* A walk over l0, with or without a look at l1; who has it from there. */
static unsigned int
walk(struct world *w, struct elsewhere *elsewhere, double *seconds_out)
{
	g_autofree char *after = g_strdup("");
	int64_t began = g_get_monotonic_time();
	struct roster_batch batch;
	unsigned int has = 0;
	bool end = false, is;

	while (!end) {
		case_ok(roster_batch(w->t.s.store, w->number[0], after, 250,
				     &batch, &w->t.s.err), &w->t.s);
		end = batch.end || batch.count == 0;
		if (elsewhere != NULL)
			elsewhere_begin(elsewhere);
		for (size_t i = 0; elsewhere != NULL && i < batch.count; i++) {
			case_ok(elsewhere_has(elsewhere, batch.entries[i].key,
					      &is, &w->t.s.err), &w->t.s);
			has += is;
		}
		g_free(after);
		after = g_strdup(batch.count > 0 ?
				 batch.entries[batch.count - 1].key : "");
		roster_batch_done(&batch);
	}
	*seconds_out = (double)(g_get_monotonic_time() - began) / 1e6;
	return has;
}

static void
large(unsigned int ours, unsigned int theirs)
{
	const struct elsewhere_post post = { is_nobody, is_nobody, NULL };
	struct world *w = g_new0(struct world, 1);
	struct elsewhere *elsewhere = NULL;
	g_autoptr(job_t) job = NULL;
	double alone, beside;
	char name[32];
	struct stage_case t;

	two_begin(w, false);
	t = list_case(w, 0, name);
	stage_members(&t, ours);
	add_third(w, theirs);
	(void) submit(w, both, g_get_real_time());
	run_list(w, 1);
	run_list(w, 0);
	job = job_for(w, STAGE_OUTBOUND, 0);
	case_ok(elsewhere_open(w->t.s.store, job, &post, &elsewhere,
			       &w->t.s.err), &w->t.s);
	(void) walk(w, NULL, &alone);
	(void) walk(w, NULL, &alone);
	g_assert_cmpuint(walk(w, elsewhere, &beside), ==, 1 +
			 MIN((ours + 2) / 3, (theirs + 1) / 2));
	g_test_message("%u members beside %u: %.3f us each, alone %.3f", ours,
		       theirs, beside / ours * 1e6, alone / ours * 1e6);
	elsewhere_free(elsewhere);
	world_end(w);
	g_free(w);
}

/* However large they are to each other, it is one walk over each. */
static void
test_large(void)
{
	const char *more = g_getenv("MUSTER_WAYS_MEMBERS");
	unsigned int members = more != NULL ?
		(unsigned int)strtoul(more, NULL, 10) : 20000;

	large(members, members);
	large(members, 10);
	large(10, members);
}

/* --- dumps -------------------------------------------------------------- */

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

/* Posts that are on their way over several lists, and back. */
static void
test_dump(void)
{
	struct world *w = g_new0(struct world, 1);
	static const bool row[LISTS] = { true };
	g_autofree char *text = NULL, *again = NULL;
	g_autoptr(GBytes) bytes = NULL;
	struct dump_counts counts;
	struct store_case other;
	int fd;

	two_begin(w, true);
	relate(w, 1, "include", row);
	(void) submit(w, both, 1);
	run_list(w, 1);
	text = dump_of(&w->t.s);
	stage_see(text, "\"turn\":0,\"type\":\"way\"");
	stage_see(text, "\"turn\":1,\"type\":\"way\"");
	stage_see(text, "\"through\":\"l1@lists.example.org\"");
	case_begin(&other);
	bytes = g_bytes_new(text, strlen(text));
	fd = case_memfd(bytes);
	(void) lseek(fd, 0, SEEK_SET);
	case_ok(dump_load(other.store, fd, false, NULL, NULL, &counts,
			  &other.err), &other);
	(void) close(fd);
	again = dump_of(&other);
	g_assert_cmpstr(again, ==, text);
	case_end(&other);
	world_end(w);
	g_free(w);
}

/* --- what may be set ---------------------------------------------------- */

static void
check(struct world *w, const char *list, const char *includes,
      const char *wanted)
{
	g_auto(GStrv) names = g_strsplit(includes, ",", -1);
	g_autofree char *why = NULL;

	case_ok(includes_check(store_reader(w->t.s.store), list, names, &why,
			       &w->t.s.err), &w->t.s);
	g_assert_cmpstr(why, ==, wanted);
}

static void
test_check(void)
{
	struct world *w = g_new0(struct world, 1);
	static const bool row[LISTS] = { true };
	g_autoptr(GPtrArray) all = NULL;

	two_begin(w, true);
	w->lists = 3;
	w->number[2] = stage_add_list(&w->t, "l2@lists.example.org",
				      "include", "l1@lists.example.org");
	relate(w, 1, "include", row);
	check(w, "l0@lists.example.org", "dev@lists.example.org", NULL);
	check(w, "l0@lists.example.org", "l0@lists.example.org",
	      "a list cannot include itself");
	check(w, "l0@lists.example.org", "no@lists.example.org",
	      "there is no list no@lists.example.org");
	check(w, "l0@lists.example.org", "l2@lists.example.org",
	      "that would be a circle: l0@lists.example.org includes "
	      "l2@lists.example.org, l2@lists.example.org includes "
	      "l1@lists.example.org, l1@lists.example.org includes "
	      "l0@lists.example.org");
	case_ok(includes_get(store_reader(w->t.s.store),
			     "l2@lists.example.org", &all, &w->t.s.err),
		&w->t.s);
	g_assert_cmpuint(all->len, ==, 2);
	g_assert_cmpstr(((struct included *)all->pdata[1])->addr, ==,
			"l0@lists.example.org");
	g_assert_cmpstr(((struct included *)all->pdata[1])->by, ==,
			"l1@lists.example.org");
	world_end(w);
	g_free(w);
}

static const struct tap_case cases[] = {
	{ "exactly one copy, whatever the lists are to each other",
	  test_worlds },
	{ "which list goes first", test_order },
	{ "a shunted job is not counted on", test_shunted },
	{ "nor is a list that sends him nothing", test_no_count },
	{ "large lists beside each other", test_large },
	{ "dump, load, dump", test_dump },
	{ "circles are found", test_check },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run("ways", cases);
}
