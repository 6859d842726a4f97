/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "db/inside.h"
#include "t/unit/store-case.h"

struct work {
	struct job **jobs;
	size_t count;
	const struct job *next;
	bool taken;
};

static enum err_code
put_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;
	enum err_code rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < work->count; i++)
		rc = queue_put(txn, work->jobs[i], err);
	return rc;
}

static enum err_code
take_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return queue_take(txn, work->jobs[0], &work->taken, err);
}

static enum err_code
replace_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return queue_replace(txn, work->jobs[0], work->next, &work->taken,
			     err);
}

#define JOBS 300

/* Pending jobs due at 0, 1, 2 ..., in no order, and one of another stage. */
static void
put_jobs(struct store_case *t, struct job *jobs[JOBS])
{
	struct work work = { .jobs = jobs, .count = JOBS };
	struct post_id post;

	post_id_new(&post);
	for (size_t i = 0; i < JOBS; i++) {
		jobs[i] = job_new(STAGE_PENDING, &post, 1,
				  "dev@example.org");
		jobs[i]->due_ms = (int64_t)(i * 7 % JOBS);
	}
	jobs[JOBS - 1]->stage = STAGE_SHUNTED;
	case_txn(t, put_body, &work);
}

static void
free_jobs(struct job *jobs[JOBS])
{
	for (size_t i = 0; i < JOBS; i++)
		job_free(jobs[i]);
}

struct feed {
	GPtrArray *due;
	struct post_id wanted;
	bool found;
};

/* The next of a turn, each of which is due. */
static guint
look(struct store_case *t, struct queue_turn *turn, int64_t now_ms, size_t max,
     gboolean *seen, int64_t *next)
{
	g_autoptr(GPtrArray) due = NULL;
	int64_t last = -1;
	guint count;

	case_ok(queue_due(t->store, turn, now_ms, max, &due, next, &t->err),
		t);
	for (guint i = 0; i < due->len; i++) {
		const struct job *job = g_ptr_array_index(due, i);

		g_assert_cmpint(job->due_ms, >, last);
		g_assert_cmpint(job->due_ms, <=, now_ms);
		g_assert_false(seen[job->due_ms]);
		seen[job->due_ms] = TRUE;
		last = job->due_ms;
	}
	count = due->len;
	return count;
}

static void
test_due(void)
{
	g_autofree gboolean *seen = g_new0(gboolean, JOBS);
	struct queue_turn *turn = queue_turn_new(STAGE_PENDING, 0, 1);
	struct queue_turn *none = queue_turn_new(STAGE_BOUNCE, 0, 1);
	struct job *jobs[JOBS];
	struct store_case t;
	int64_t next;

	case_begin(&t);
	put_jobs(&t, jobs);
	g_assert_cmpuint(look(&t, turn, 100, 50, seen, &next), ==, 50);
	g_assert_cmpint(next, ==, 100);
	g_assert_cmpuint(look(&t, turn, 100, 50, seen, &next), ==, 50);
	memset(seen, 0, JOBS * sizeof(*seen));
	g_assert_cmpuint(look(&t, turn, 100, 500, seen, &next), ==, 101);
	g_assert_cmpint(next, ==, 101);
	memset(seen, 0, JOBS * sizeof(*seen));
	g_assert_cmpuint(look(&t, turn, INT64_MAX, 1000, seen, &next), ==,
			 JOBS - 1);
	g_assert_cmpint(next, ==, INT64_MAX);
	g_assert_cmpuint(look(&t, none, INT64_MAX, 10, seen, &next), ==, 0);
	queue_turn_free(turn);
	queue_turn_free(none);
	free_jobs(jobs);
	case_end(&t);
}

static void
test_parts(void)
{
	g_autofree gboolean *seen = g_new0(gboolean, JOBS);
	struct job *jobs[JOBS];
	struct store_case t;
	guint all = 0;
	int64_t next;

	case_begin(&t);
	put_jobs(&t, jobs);
	for (unsigned int part = 0; part < 4; part++) {
		struct queue_turn *turn = queue_turn_new(STAGE_PENDING, part,
							 4);

		all += look(&t, turn, INT64_MAX, 1000, seen, &next);
		queue_turn_free(turn);
	}
	g_assert_cmpuint(all, ==, JOBS - 1);
	free_jobs(jobs);
	case_end(&t);
}

/* A new job that is due at once takes the place of each that was taken, so
 * that there is always a full look of them. */
static enum err_code
feed_body(struct txn *txn, void *arg, struct err *err)
{
	struct feed *feed = arg;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < feed->due->len && rc == ERR_OK; i++) {
		struct job *job = g_ptr_array_index(feed->due, i), *next;
		bool taken;

		feed->found |= post_id_equal(&job->id, &feed->wanted);
		next = job_new(STAGE_PENDING, &job->post, 1, "l@lists.test");
		rc = queue_replace(txn, job, next, &taken, err);
		job_free(next);
	}
	return rc;
}

static enum err_code
feed_first(struct txn *txn, void *arg, struct err *err)
{
	struct feed *feed = arg;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < 200 && rc == ERR_OK; i++) {
		struct post_id post = { { 1 } };
		struct job *job = job_new(STAGE_PENDING, &post, 1,
					  "l@lists.test");

		if (i == 0) {	/* the last of all keys */
			memset(&job->id, 0xff, sizeof(job->id));
			feed->wanted = job->id;
		}
		rc = queue_put(txn, job, err);
		job_free(job);
	}
	return rc;
}

static void
test_nobody_starves(void)
{
	struct queue_turn *turn = queue_turn_new(STAGE_PENDING, 0, 1);
	struct feed feed = { .found = false };
	struct store_case t;
	int64_t next;

	case_begin(&t);
	case_txn(&t, feed_first, &feed);
	for (guint looks = 0; looks < 100 && !feed.found; looks++) {
		case_ok(queue_due(t.store, turn, 1, 20, &feed.due, &next,
				  &t.err), &t);
		g_assert_cmpuint(feed.due->len, ==, 20);
		case_txn(&t, feed_body, &feed);
		g_ptr_array_unref(feed.due);
	}
	g_assert_true(feed.found);
	queue_turn_free(turn);
	case_end(&t);
}

static void
test_take(void)
{
	struct job *jobs[JOBS], *found, *next;
	struct work work = { .jobs = jobs };
	struct store_case t;

	case_begin(&t);
	put_jobs(&t, jobs);
	case_txn(&t, take_body, &work);
	g_assert_true(work.taken);
	case_txn(&t, take_body, &work);
	g_assert_false(work.taken);
	work.next = jobs[0];
	case_txn(&t, replace_body, &work);	/* taken already */
	g_assert_false(work.taken);
	case_ok(queue_find(store_reader(t.store), &jobs[0]->id, &found,
			   &t.err), &t);
	g_assert_null(found);
	work.jobs = jobs + 1;
	next = job_new(STAGE_OUTBOUND, &jobs[1]->post, 1, "dev@example.org");
	next->id = jobs[1]->id;
	next->due_ms = 99;
	next->attempts = 4;
	work.next = next;
	case_txn(&t, replace_body, &work);
	g_assert_true(work.taken);
	case_ok(queue_find(store_reader(t.store), &next->id, &found, &t.err),
		&t);
	g_assert_nonnull(found);
	g_assert_cmpint(found->stage, ==, STAGE_OUTBOUND);
	g_assert_cmpuint(found->attempts, ==, 4);
	job_free(found);
	job_free(next);
	free_jobs(jobs);
	case_end(&t);
}

struct walk {
	size_t count, stop_at;
	enum stage stage;
	int64_t due_ms;
};

static bool
visit(void *arg, const struct job *job)
{
	struct walk *walk = arg;

	if (walk->count > 0) {
		g_assert_cmpint(job->stage, >=, walk->stage);
		if (job->stage == walk->stage)
			g_assert_cmpint(job->due_ms, >=, walk->due_ms);
	}
	walk->stage = job->stage;
	walk->due_ms = job->due_ms;
	return ++walk->count != walk->stop_at;
}

static void
test_walk(void)
{
	struct walk all = { 0 }, some = { .stop_at = 10 };
	struct job *jobs[JOBS];
	struct store_case t;
	uint64_t count;

	case_begin(&t);
	case_ok(queue_walk(t.store, visit, &all, &t.err), &t);
	g_assert_cmpuint(all.count, ==, 0);
	put_jobs(&t, jobs);
	case_ok(queue_walk(t.store, visit, &all, &t.err), &t);
	g_assert_cmpuint(all.count, ==, JOBS);
	case_ok(queue_walk(t.store, visit, &some, &t.err), &t);
	g_assert_cmpuint(some.count, ==, 10);
	case_ok(queue_count(t.store, STAGE_PENDING, &count, &t.err), &t);
	g_assert_cmpuint(count, ==, JOBS - 1);
	case_ok(queue_count(t.store, STAGE_SHUNTED, &count, &t.err), &t);
	g_assert_cmpuint(count, ==, 1);
	free_jobs(jobs);
	case_end(&t);
}

static void
test_fields(void)
{
	struct post_id post;
	struct job *job, *got;
	struct work work = { .jobs = &job, .count = 1 };
	struct store_case t;

	case_begin(&t);
	post_id_new(&post);
	job = job_new(STAGE_SHUNTED, &post, 9, "dev@example.org");
	job->was = STAGE_BOUNCE;
	job->due_ms = 12;
	job->attempts = 3;
	job->role = ROLE_BOUNCES;
	job->audience = TO_MEMBERS;
	job->null_sender = true;
	job->as_of_s = 88;
	job->sent = 5;
	job->refused = 6;
	g_free(job->detail);
	job->detail = g_strdup("token");
	g_free(job->after);
	job->after = g_strdup("a@x");
	g_free(job->until);
	job->until = g_strdup("z@x");
	g_free(job->reason);
	job->reason = g_strdup("why");
	g_free(job->held_for);
	job->held_for = g_strdup("held");
	g_strfreev(job->addrs);
	job->addrs = g_strsplit("x@a y@b z@c", " ", -1);
	case_txn(&t, put_body, &work);
	case_ok(queue_find(store_reader(t.store), &job->id, &got, &t.err),
		&t);
	g_assert_nonnull(got);
	g_assert_cmpint(got->was, ==, STAGE_BOUNCE);
	g_assert_cmpint(got->due_ms, ==, 12);
	g_assert_cmpint(got->made_ms, ==, job->made_ms);
	g_assert_cmpuint(got->attempts, ==, 3);
	g_assert_cmpmem(&got->post, POST_ID_LEN, &post, POST_ID_LEN);
	g_assert_cmpuint(got->list, ==, 9);
	g_assert_cmpstr(got->list_addr, ==, "dev@example.org");
	g_assert_cmpint(got->role, ==, ROLE_BOUNCES);
	g_assert_cmpint(got->audience, ==, TO_MEMBERS);
	g_assert_true(got->null_sender);
	g_assert_cmpint(got->as_of_s, ==, 88);
	g_assert_cmpuint(got->sent, ==, 5);
	g_assert_cmpuint(got->refused, ==, 6);
	g_assert_cmpstr(got->detail, ==, "token");
	g_assert_cmpstr(got->after, ==, "a@x");
	g_assert_cmpstr(got->until, ==, "z@x");
	g_assert_cmpstr(got->reason, ==, "why");
	g_assert_cmpstr(got->held_for, ==, "held");
	g_assert_cmpuint(g_strv_length(got->addrs), ==, 3);
	g_assert_cmpstr(got->addrs[2], ==, "z@c");
	job_free(got);
	job_free(job);
	case_end(&t);
}

#define DELIVERY_LEN 9		/* and the position */
#define EMPTY_TEXT 5		/* bytes of one that is */
#define WAYS_LEN (4 + EMPTY_TEXT + POST_ID_LEN + 8)

struct old { const struct job *job; uint8_t version; };

/* The layouts that musters before ways (4), delivery (3), held_for (2) and
 * the flags (1) wrote. */
static enum err_code
old_body(struct txn *txn, void *arg, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	const struct old *old = arg;
	const struct job *job = old->job;

	job_key(key, job);
	job_encode(value, job);
	value->data[0] = old->version;
	g_byte_array_set_size(value, value->len - WAYS_LEN -
			      (old->version < 4 ? DELIVERY_LEN : 0) -
			      (old->version < 3 ? EMPTY_TEXT : 0) -
			      (old->version == 1));
	return table_put(txn, job_place(job), bytes_buf(key),
			 bytes_buf(value), err);
}

static void
test_old(void)
{
	struct post_id post;
	struct store_case t;

	case_begin(&t);
	post_id_new(&post);
	for (uint8_t version = 1; version < JOB_VERSION; version++) {
		struct job *job = job_new(STAGE_OUTBOUND, &post, 9,
					  "dev@example.org"), *got = NULL;
		struct old old = { job, version };

		job->null_sender = true;
		case_txn(&t, old_body, &old);
		case_ok(queue_find(store_reader(t.store), &job->id, &got,
				   &t.err), &t);
		g_assert_cmpstr(got->list_addr, ==, "dev@example.org");
		g_assert_cmpint(got->null_sender, ==, version > 1);
		g_assert_cmpstr(got->held_for, ==, "");
		g_assert_cmpint(got->delivery, ==, DELIVERY_ON);
		g_assert_cmpuint(got->position, ==, 0);
		g_assert_cmpuint(got->through, ==, 0);
		g_assert_false(job_has_group(got));
		job_free(got);
		job_free(job);
	}
	case_end(&t);
}

/* By the whole id or its beginning, and in its stage only. */
static void
test_find_in(void)
{
	struct job *jobs[JOBS], *found = NULL;
	struct walk held = { 0 };
	struct work work = { .jobs = jobs, .count = 2 };
	struct store_case t;
	struct txn *reader;

	case_begin(&t);
	reader = store_reader(t.store);
	put_jobs(&t, jobs);
	case_ok(queue_find_in(reader, STAGE_PENDING, jobs[5]->id.bytes,
			      POST_ID_LEN, &found, &t.err), &t);
	g_assert_cmpint(found->due_ms, ==, jobs[5]->due_ms);
	job_free(found);
	case_ok(queue_find_in(reader, STAGE_PENDING, jobs[5]->id.bytes, 8,
			      &found, &t.err), &t);
	g_assert_nonnull(found);
	job_free(found);
	case_ok(queue_find_in(reader, STAGE_HELD, jobs[5]->id.bytes,
			      POST_ID_LEN, &found, &t.err), &t);
	g_assert_null(found);
	/* two that begin alike */
	jobs[0]->stage = jobs[1]->stage = STAGE_HELD;
	jobs[1]->id = jobs[0]->id;
	jobs[1]->id.bytes[POST_ID_LEN - 1] ^= 1;
	case_txn(&t, put_body, &work);
	case_ok(queue_find_in(reader, STAGE_HELD, jobs[0]->id.bytes, 8,
			      &found, &t.err), &t);
	g_assert_null(found);
	case_ok(queue_find_in(reader, STAGE_HELD, jobs[0]->id.bytes,
			      POST_ID_LEN, &found, &t.err), &t);
	g_assert_nonnull(found);
	job_free(found);
	case_ok(queue_walk_in(reader, STAGE_HELD, visit, &held, &t.err), &t);
	g_assert_cmpuint(held.count, ==, 2);
	free_jobs(jobs);
	case_end(&t);
}

static void
test_too_large(void)
{
	g_autoptr(GStrvBuilder) addrs = g_strv_builder_new();
	struct post_id post;
	struct job *job;
	struct work work = { .jobs = &job, .count = 1 };
	struct store_case t;

	case_begin(&t);
	post_id_new(&post);
	job = job_new(STAGE_OUTBOUND, &post, 9, "dev@example.org");
	for (int i = 0; i < 20000; i++)
		g_strv_builder_add(addrs, "someone@example.net");
	g_strfreev(job->addrs);
	job->addrs = g_strv_builder_end(addrs);
	g_assert_cmpint(store_txn(t.store, TXN_DURABLE, put_body, &work,
				  &t.err), ==, ERR_INVALID);
	job_free(job);
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "due jobs come a look at a time, with what is next",
		  test_due },
		{ "parts of a turn have each job once", test_parts },
		{ "a job is reached whatever comes meanwhile",
		  test_nobody_starves },
		{ "a job is taken once", test_take },
		{ "a walk is in order and ends when told", test_walk },
		{ "every field of a job comes back", test_fields },
		{ "a job of an older version has no flags", test_old },
		{ "a job is found in its stage", test_find_in },
		{ "a job has a largest size", test_too_large },
		{ NULL, NULL },
	};

	return tap_run("queue", cases);
}
