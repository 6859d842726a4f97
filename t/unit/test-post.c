/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "db/inside.h"
#include "t/unit/store-case.h"

static struct post *
make_post(uint64_t size)
{
	struct post *post = g_new0(struct post, 1);

	post_id_new(&post->id);
	post->received_s = 1700000000;
	post->sender = g_strdup("ann@example.net");
	post->qid = g_strdup("4bXk2Z1mJz");
	post->message_id = g_strdup("<m1@example.net>");
	post->door = g_strdup("milter");
	post->client = g_strdup("host.example [192.0.2.1]");
	post->helo = g_strdup("host.example");
	post->auth = g_strdup("");
	post->author = g_strdup("ann@example.net");
	post->evidence = g_strdup("{\"author\":\"ann@example.net\"}");
	post->size = size;
	post->jobs = 1;
	return post;
}

struct work {
	struct post *post;
	int fd;
	const struct form *form;
	enum form_use use;
	uint32_t list, jobs;
	bool first;
	uint8_t key[SEEN_KEY_LEN];
	struct post_id id;
};

static enum err_code
put_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return post_put(txn, work->post, work->fd, err);
}

static enum err_code
form_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return form_put(txn, &work->post->id, work->list, work->use,
			work->form, err);
}

static enum err_code
hold_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return post_hold(txn, &work->post->id, work->jobs, err);
}

static enum err_code
release_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return post_release(txn, &work->post->id, work->jobs, err);
}

static enum err_code
seen_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return seen_add(txn, work->key, &work->post->id, 1000, &work->first,
			&work->id, err);
}

static enum err_code
trace_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;
	enum err_code rc;

	rc = trace_add(txn, &work->post->id, "inbound", "dev@example.org",
		       err, "from %s\nnext", "b\xff");
	if (rc == ERR_OK)
		rc = trace_add(txn, &work->post->id, "pending", "", err,
			       "second");
	if (rc == ERR_OK)
		rc = trace_ref(txn, &work->post->id, "<m1@example.net>", err);
	if (rc == ERR_OK)
		rc = trace_ref(txn, &work->post->id, "", err);
	if (rc == ERR_OK)
		rc = trace_ref(txn, &work->post->id, "4bXk2Z1mJz", err);
	return rc;
}

static GBytes *
random_bytes(size_t len)
{
	uint8_t *data = g_malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8));
	return g_bytes_new_take(data, len);
}

static void
put_post(struct store_case *t, struct work *work, size_t size)
{
	g_autoptr(GBytes) bytes = random_bytes(size);

	work->post = make_post(size);
	work->fd = case_memfd(bytes);
	case_txn(t, put_body, work);
	g_assert_cmpint(close(work->fd), ==, 0);
}

static void
test_id_text(void)
{
	struct post_id id, back;
	char text[POST_ID_TEXT + 1];

	for (int i = 0; i < 1000; i++) {
		post_id_new(&id);
		post_id_text(&id, text);
		g_assert_cmpuint(strlen(text), ==, POST_ID_TEXT);
		g_assert_true(post_id_parse(text, &back));
		g_assert_cmpmem(&id, sizeof(id), &back, sizeof(back));
	}
	g_assert_false(post_id_parse("", &back));
	g_assert_false(post_id_parse("aaaaaaaaaaaaaaaaaaa1", &back));
	g_assert_false(post_id_parse("aaaaaaaaaaaaaaaaaaab", &back));
	g_assert_false(post_id_parse("aaaaaaaaaaaaaaaaaaaaa", &back));
	g_assert_true(post_id_parse("aaaaaaaaaaaaaaaaaaaq", &back));
}

static void
test_bytes(void)
{
	static const size_t sizes[] = {
		0, 1, 1000, PIECE_MAX - 1, PIECE_MAX, PIECE_MAX + 1,
		3 * PIECE_MAX, 5000001,
	};
	struct store_case t;

	case_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GBytes) want = random_bytes(sizes[i]);
		g_autoptr(GBytes) got = NULL;
		struct work work = { 0 };

		put_post(&t, &work, sizes[i]);
		case_ok(post_bytes(store_reader(t.store), &work.post->id,
				   &got, &t.err), &t);
		g_assert_true(g_bytes_equal(want, got));
		post_free(work.post);
	}
	case_end(&t);
}

static void
test_meta(void)
{
	struct work work = { 0 };
	struct post *got = NULL;
	struct post_id id;
	struct store_case t;
	bool found = false;

	case_begin(&t);
	put_post(&t, &work, 3);
	case_ok(post_id_by_prefix(store_reader(t.store), work.post->id.bytes,
				  4, &id, &found, &t.err), &t);
	g_assert_true(found);
	case_ok(post_get(store_reader(t.store), &id, &got, &t.err), &t);
	g_assert_nonnull(got);
	g_assert_cmpmem(&got->id, sizeof(got->id), &work.post->id,
			sizeof(got->id));
	g_assert_cmpstr(got->sender, ==, work.post->sender);
	g_assert_cmpstr(got->client, ==, work.post->client);
	g_assert_cmpstr(got->author, ==, work.post->author);
	g_assert_cmpstr(got->evidence, ==, work.post->evidence);
	g_assert_cmpint(got->received_s, ==, work.post->received_s);
	g_assert_cmpuint(got->jobs, ==, 1);
	post_free(got);
	post_free(work.post);
	case_end(&t);
}

/* The layout that musters before "evidence" wrote. */
static enum err_code
old_body(struct txn *txn, void *arg, struct err *err)
{
	const struct post *post = arg;
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();

	post_key(key, &post->id, POST_META);
	put_u8(value, 1);
	put_u64(value, 7);
	put_u64(value, 0);
	put_u32(value, 1);
	for (const char *at = "abcdefgh"; *at != '\0'; at++) {
		char text[] = { *at, '\0' };

		put_text(value, text);
	}
	return table_put(txn, post_place(&post->id), bytes_buf(key),
			 bytes_buf(value), err);
}

static void
test_old(void)
{
	struct post *post = make_post(0), *got = NULL;
	struct store_case t;

	case_begin(&t);
	case_txn(&t, old_body, post);
	case_ok(post_get(store_reader(t.store), &post->id, &got, &t.err),
		&t);
	g_assert_cmpint(got->received_s, ==, 7);
	g_assert_cmpstr(got->sender, ==, "a");
	g_assert_cmpstr(got->author, ==, "h");
	g_assert_cmpstr(got->evidence, ==, "");
	post_free(got);
	post_free(post);
	case_end(&t);
}

/* Half of it could say something else. */
static void
test_evidence(void)
{
	g_autofree char *fill = g_strnfill(TEXT_LONGEST, 'x');
	struct work work = { .post = make_post(0), .fd = -1 };
	struct post *got = NULL;
	struct store_case t;

	case_begin(&t);
	g_free(work.post->evidence);
	work.post->evidence = g_strdup_printf("{\"a\":\"%s\"}", fill);
	case_txn(&t, put_body, &work);
	case_ok(post_get(store_reader(t.store), &work.post->id, &got,
			 &t.err), &t);
	g_assert_cmpstr(got->evidence, ==, "");
	post_free(got);
	post_free(work.post);
	case_end(&t);
}

static void
test_head(void)
{
	static const size_t sizes[] = {
		0, 1, PIECE_MAX - 1, PIECE_MAX, PIECE_MAX + 1, 3 * PIECE_MAX,
	};
	struct store_case t;

	case_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GBytes) all = random_bytes(sizes[i]);
		g_autoptr(GBytes) want = g_bytes_new_from_bytes(all, 0, MIN(
			sizes[i], POST_HEAD_MAX));
		g_autoptr(GBytes) got = NULL;
		struct work work = { 0 };

		put_post(&t, &work, sizes[i]);
		case_ok(post_head(store_reader(t.store), &work.post->id,
				  &got, &t.err), &t);
		g_assert_true(g_bytes_equal(want, got));
		post_free(work.post);
	}
	case_end(&t);
}

static void
test_short_file(void)
{
	struct work work = { 0 };
	struct store_case t;
	struct post *got = NULL;
	g_autoptr(GBytes) bytes = random_bytes(100);

	case_begin(&t);
	work.post = make_post(101);
	work.fd = case_memfd(bytes);
	g_assert_cmpint(store_txn(t.store, TXN_DURABLE, put_body, &work,
				  &t.err), ==, ERR_INVALID);
	(void) close(work.fd);
	case_ok(post_get(store_reader(t.store), &work.post->id, &got,
			 &t.err), &t);
	g_assert_null(got);
	post_free(work.post);
	case_end(&t);
}

static void
check_form(struct store_case *t, struct work *work, struct form *form)
{
	struct form *got = NULL;

	work->form = form;
	case_txn(t, form_body, work);
	case_ok(form_get(store_reader(t->store), &work->post->id, work->list,
			 work->use, &got, &t->err), t);
	g_assert_nonnull(got);
	g_assert_true(g_bytes_equal(form->header, got->header));
	g_assert_cmpuint(form->body_at, ==, got->body_at);
	g_assert_cmpint(form->body != NULL, ==, got->body != NULL);
	if (form->body != NULL)
		g_assert_true(g_bytes_equal(form->body, got->body));
	form_free(got);
}

static void
test_forms(void)
{
	g_autoptr(GBytes) small = random_bytes(50);
	g_autoptr(GBytes) large = random_bytes(200000);
	g_autoptr(GBytes) empty = g_bytes_new(NULL, 0);
	struct work work = { .list = 7 };
	struct store_case t;
	struct form *none = NULL, *copies = NULL;

	case_begin(&t);
	put_post(&t, &work, 100);
	check_form(&t, &work, &(struct form){ large, large, 0 });
	check_form(&t, &work, &(struct form){ small, empty, 0 });
	check_form(&t, &work, &(struct form){ small, NULL, 42 });
	/* neither use clears the other */
	work.use = FORM_BASE;
	check_form(&t, &work, &(struct form){ large, large, 0 });
	check_form(&t, &work, &(struct form){ small, NULL, 7 });
	case_ok(form_get(store_reader(t.store), &work.post->id, work.list,
			 FORM_COPIES, &copies, &t.err), &t);
	g_assert_cmpuint(copies->body_at, ==, 42);
	form_free(copies);
	case_ok(form_get(store_reader(t.store), &work.post->id, 8,
			 FORM_COPIES, &none, &t.err), &t);
	g_assert_null(none);
	post_free(work.post);
	case_end(&t);
}

static size_t
records_of(struct store_case *t, const struct post_id *id)
{
	g_autoptr(scan_t) scan = scan_new(store_reader(t->store),
					  post_place(id),
					  bytes_of(id->bytes, POST_ID_LEN),
					  bytes_of(NULL, 0), 4096, SCAN_KEYS);
	struct bytes key;
	size_t count = 0;

	for (;;) {
		case_ok(scan_next(scan, &key, NULL, &t->err), t);
		if (key.data == NULL)
			return count;
		count++;
	}
}

static void
test_release(void)
{
	g_autoptr(GBytes) large = random_bytes(200000);
	struct form form = { large, large, 0 };
	struct work work = { .list = 7, .form = &form, .jobs = 2 };
	struct store_case t;
	struct post *got = NULL;

	case_begin(&t);
	put_post(&t, &work, 200000);
	case_txn(&t, form_body, &work);
	case_txn(&t, trace_body, &work);
	case_txn(&t, hold_body, &work);		/* 3 */
	case_txn(&t, release_body, &work);	/* 1 */
	case_ok(post_get(store_reader(t.store), &work.post->id, &got,
			 &t.err), &t);
	g_assert_nonnull(got);
	g_assert_cmpuint(got->jobs, ==, 1);
	post_free(got);
	work.jobs = 1;
	case_txn(&t, release_body, &work);	/* gone */
	case_txn(&t, release_body, &work);	/* and that is no error */
	g_assert_cmpuint(records_of(&t, &work.post->id), ==, 2);
	g_assert_cmpint(store_txn(t.store, TXN_DURABLE, hold_body, &work,
				  &t.err), ==, ERR_CORRUPT);
	post_free(work.post);
	case_end(&t);
}

static void
test_seen(void)
{
	struct work work = { 0 };
	struct post_id first;
	struct store_case t;

	case_begin(&t);
	work.post = make_post(0);
	memset(work.key, 0xab, sizeof(work.key));
	case_txn(&t, seen_body, &work);
	g_assert_true(work.first);
	first = work.post->id;
	post_id_new(&work.post->id);
	case_txn(&t, seen_body, &work);
	g_assert_false(work.first);
	g_assert_cmpmem(&work.id, sizeof(first), &first, sizeof(first));
	case_ok(seen_expire(t.store, 1000, &t.err), &t);
	case_txn(&t, seen_body, &work);
	g_assert_false(work.first);
	case_ok(seen_expire(t.store, 1001, &t.err), &t);
	case_txn(&t, seen_body, &work);
	g_assert_true(work.first);
	post_free(work.post);
	case_end(&t);
}

static void
find_trace(struct store_case *t, const char *name, const struct post_id *id)
{
	g_autoptr(GArray) ids = NULL;

	case_ok(trace_find(store_reader(t->store), name, &ids, &t->err), t);
	g_assert_cmpuint(ids->len, ==, id != NULL ? 1 : 0);
	if (id != NULL)
		g_assert_cmpmem(ids->data, POST_ID_LEN, id->bytes,
				POST_ID_LEN);
}

static void
test_trace(void)
{
	struct work work = { 0 };
	struct store_case t;
	const struct trace_entry *entry;
	g_autoptr(GPtrArray) entries = NULL;
	char text[POST_ID_TEXT + 1];

	case_begin(&t);
	work.post = make_post(0);
	case_txn(&t, trace_body, &work);
	case_ok(trace_get(store_reader(t.store), &work.post->id, &entries,
			  &t.err), &t);
	g_assert_cmpuint(entries->len, ==, 2);
	entry = g_ptr_array_index(entries, 0);
	g_assert_cmpstr(entry->stage, ==, "inbound");
	g_assert_cmpstr(entry->list, ==, "dev@example.org");
	g_assert_cmpstr(entry->what, ==, "from b\xef\xbf\xbd next");
	post_id_text(&work.post->id, text);
	find_trace(&t, text, &work.post->id);
	find_trace(&t, "<m1@example.net>", &work.post->id);
	find_trace(&t, "m1@example.net", &work.post->id);
	find_trace(&t, "4bXk2Z1mJz", &work.post->id);
	find_trace(&t, "4bXk2Z1mJ", NULL);
	find_trace(&t, "", NULL);
	case_ok(trace_expire(t.store, 1000, &t.err), &t);
	find_trace(&t, text, &work.post->id);
	case_ok(trace_expire(t.store, INT64_MAX, &t.err), &t);
	find_trace(&t, text, NULL);
	find_trace(&t, "m1@example.net", NULL);
	post_free(work.post);
	case_end(&t);
}

struct rest { int64_t now_s; bool rested; };

static enum err_code
rest_body(struct txn *txn, void *arg, struct err *err)
{
	uint8_t key[SEEN_KEY_LEN] = { 0xcd };
	struct post_id id = { { 0 } };
	struct rest *rest = arg;

	return seen_rested(txn, key, &id, rest->now_s, 100, &rest->rested,
			   err);
}

static void
test_rested(void)
{
	static const struct rest times[] = {
		{ 1000, true }, { 1000, false }, { 1099, false },
		{ 1100, true }, { 1199, false }, { 1200, true },
		{ 900, true },	/* the clock was set back */
		{ 950, false }, { 5000, true },
	};
	struct store_case t;

	case_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
		struct rest rest = { .now_s = times[i].now_s };

		case_txn(&t, rest_body, &rest);
		g_assert_cmpint(rest.rested, ==, times[i].rested);
	}
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "an id has one text, which leads back", test_id_text },
		{ "bytes of any size come back", test_bytes },
		{ "metadata comes back, by the start of the id too",
		  test_meta },
		{ "a post of an older version has no evidence", test_old },
		{ "evidence is stored whole or not at all", test_evidence },
		{ "the head is the first bytes", test_head },
		{ "a key rests for a while", test_rested },
		{ "a post shorter than announced is not kept",
		  test_short_file },
		{ "a form replaces the one before whole", test_forms },
		{ "the last release deletes all but the trace",
		  test_release },
		{ "a repeat is told its first post until it expires",
		  test_seen },
		{ "a trace is found by id, Message-ID and queue id",
		  test_trace },
		{ NULL, NULL },
	};

	return tap_run("post", cases);
}
