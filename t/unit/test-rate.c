/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "db/rate.h"
#include "t/unit/store-case.h"

#define HOUR_MS (3600 * 1000LL)
#define NOW_MS (1700000000000LL)

struct taken {
	uint32_t list;
	const char *author;
	int64_t time_ms;
	struct post_id post;
	const char *message_id, *addr;
};

static enum err_code
add_body(struct txn *txn, void *arg, struct err *err)
{
	const struct taken *taken = arg;

	return rate_add(txn, taken->list, taken->author, taken->time_ms,
			&taken->post, err);
}

/* The id of the post is so many times this byte. */
static void
add(struct store_case *t, uint32_t list, const char *author, int64_t time_ms,
    uint8_t id)
{
	struct taken taken = {
		.list = list, .author = author, .time_ms = time_ms,
	};

	memset(taken.post.bytes, id, POST_ID_LEN);
	case_txn(t, add_body, &taken);
}

static uint64_t
count(struct store_case *t, uint32_t list, const char *author,
      int64_t since_ms, uint64_t most)
{
	uint64_t got;

	case_ok(rate_count(store_reader(t->store), list, author, since_ms,
			   most, &got, &t->err), t);
	return got;
}

static void
test_count(void)
{
	struct store_case t;

	case_begin(&t);
	g_assert_cmpuint(count(&t, 1, NULL, 0, 9), ==, 0);
	for (int i = 0; i < 32; i++)
		add(&t, 1, i % 4 == 0 ? "ann@x.example" : "bob@x.example",
		    NOW_MS + i, (uint8_t)(i * 8));
	add(&t, 2, "ann@x.example", NOW_MS, 7);
	g_assert_cmpuint(count(&t, 1, NULL, 0, 1000), ==, 32);
	g_assert_cmpuint(count(&t, 1, "ann@x.example", 0, 1000), ==, 8);
	g_assert_cmpuint(count(&t, 1, "bob@x.example", 0, 1000), ==, 24);
	g_assert_cmpuint(count(&t, 1, "Ann@x.example", 0, 1000), ==, 0);
	g_assert_cmpuint(count(&t, 2, NULL, 0, 1000), ==, 1);
	g_assert_cmpuint(count(&t, 3, NULL, 0, 1000), ==, 0);
	g_assert_cmpuint(count(&t, 1, NULL, 0, 20), ==, 20);
	g_assert_cmpuint(count(&t, 1, "ann@x.example", 0, 8), ==, 8);
	g_assert_cmpuint(count(&t, 1, NULL, 0, 0), ==, 0);
	case_end(&t);
}

static void
test_window(void)
{
	static const int64_t ages_ms[] = {
		0, 1, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1, 24 * HOUR_MS,
		30 * 24 * HOUR_MS,
	};
	struct store_case t;

	case_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(ages_ms); i++)
		add(&t, 1, "ann@x.example", NOW_MS - ages_ms[i], (uint8_t)i);
	for (size_t i = 0; i < G_N_ELEMENTS(ages_ms); i++) {
		g_assert_cmpuint(count(&t, 1, NULL, NOW_MS - ages_ms[i],
				       100), ==, i + 1);
		g_assert_cmpuint(count(&t, 1, "ann@x.example",
				       NOW_MS - ages_ms[i] + 1, 100), ==, i);
	}
	case_end(&t);
}

static void
test_once(void)
{
	struct store_case t;

	case_begin(&t);
	add(&t, 1, "ann@x.example", NOW_MS, 1);
	add(&t, 1, "ann@x.example", NOW_MS, 1);
	add(&t, 1, "bob@x.example", NOW_MS, 1);
	add(&t, 1, "ann@x.example", NOW_MS + 5 * HOUR_MS, 1);
	add(&t, 1, "bob@x.example", NOW_MS, 2);
	g_assert_cmpuint(count(&t, 1, NULL, 0, 100), ==, 2);
	g_assert_cmpuint(count(&t, 1, "ann@x.example", 0, 100), ==, 1);
	g_assert_cmpuint(count(&t, 1, "bob@x.example", 0, 100), ==, 2);
	g_assert_cmpuint(count(&t, 1, NULL, NOW_MS + 1, 100), ==, 1);
	case_end(&t);
}

static void
test_expire(void)
{
	struct store_case t;

	case_begin(&t);
	for (int i = 0; i < 256; i++)
		add(&t, 1, "ann@x.example", NOW_MS + i, (uint8_t)i);
	case_ok(rate_expire(t.store, NOW_MS + 200, &t.err), &t);
	g_assert_cmpuint(count(&t, 1, NULL, 0, 1000), ==, 56);
	g_assert_cmpuint(count(&t, 1, NULL, NOW_MS + 200, 1000), ==, 56);
	case_reopen(&t);
	g_assert_cmpuint(count(&t, 1, NULL, 0, 1000), ==, 56);
	case_end(&t);
}

static void *
add_often(void *arg)
{
	struct store_case *t = arg;
	struct err err = ERR_INIT;

	for (int i = 0; i < 300; i++) {
		struct taken taken = {
			.list = 1, .author = "ann@x.example",
			.time_ms = NOW_MS,
		};

		post_id_new(&taken.post);
		g_assert_cmpint(store_txn(t->store, TXN_LAZY, add_body,
					  &taken, &err), ==, ERR_OK);
	}
	return NULL;
}

static void
test_threads(void)
{
	struct store_case t;
	GThread *threads[4];

	case_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("add", add_often, &t);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		(void) g_thread_join(threads[i]);
	g_assert_cmpuint(count(&t, 1, NULL, NOW_MS, 10000), ==, 1200);
	g_assert_cmpuint(count(&t, 1, "ann@x.example", NOW_MS, 700), ==,
			 700);
	case_end(&t);
}

static enum err_code
note_body(struct txn *txn, void *arg, struct err *err)
{
	const struct taken *taken = arg;

	return post_note_on_list(txn, &taken->post, taken->message_id,
				 taken->addr, err);
}

static void
note(struct store_case *t, const char *message_id, const char *addr)
{
	struct taken taken = { .message_id = message_id, .addr = addr };

	post_id_new(&taken.post);
	case_txn(t, note_body, &taken);
}

static bool
was(struct store_case *t, const char *message_id, const char *addr)
{
	bool known;

	case_ok(post_was_on_list(store_reader(t->store), message_id, addr,
				 &known, &t->err), t);
	return known;
}

static void
test_duplicate(void)
{
	g_autofree char *fill = g_strnfill(5000, 'x');
	g_autofree char *long_id = g_strconcat("<", fill, "@x>", NULL);
	struct store_case t;
	int64_t now_s;

	case_begin(&t);
	g_assert_false(was(&t, "<1@x>", "dev@lists.example"));
	note(&t, "<1@x>", "dev@lists.example");
	note(&t, " <1@x> ", "dev@lists.example");
	note(&t, "<2@x>", "ops@lists.example");
	note(&t, "", "dev@lists.example");
	note(&t, "<bad \377 id>", "dev@lists.example");
	note(&t, long_id, "dev@lists.example");
	g_assert_true(was(&t, "<1@x>", "dev@lists.example"));
	g_assert_true(was(&t, "1@x", "dev@lists.example"));
	g_assert_false(was(&t, "<1@X>", "dev@lists.example"));
	g_assert_false(was(&t, "<1@x>", "ops@lists.example"));
	g_assert_false(was(&t, "<2@x>", "dev@lists.example"));
	g_assert_true(was(&t, "<bad \377 id>", "dev@lists.example"));
	g_assert_true(was(&t, long_id, "dev@lists.example"));
	g_assert_false(was(&t, "", "dev@lists.example"));
	g_assert_false(was(&t, "<lists.example 1@x>", "dev@"));
	now_s = g_get_real_time() / G_USEC_PER_SEC;
	case_ok(trace_expire(t.store, now_s + 10, &t.err), &t);
	g_assert_false(was(&t, "<1@x>", "dev@lists.example"));
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "posts count by list and author, up to the most",
		  test_count },
		{ "a window is exact to the millisecond", test_window },
		{ "a post counts once, whatever it was added for",
		  test_once },
		{ "what is old is forgotten, the rest is not",
		  test_expire },
		{ "none is lost when many come at once", test_threads },
		{ "a Message-ID is known on its list, until the trace goes",
		  test_duplicate },
		{ NULL, NULL },
	};

	return tap_run("rate", cases);
}
