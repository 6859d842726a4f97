/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "db/inside.h"
#include "db/roster.h"
#include "t/unit/store-case.h"

struct work {
	uint32_t list;
	struct member *member;
	const char *addr;
	bool done;
};

static enum err_code
add_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return roster_add(txn, work->list, work->member, &work->done, err);
}

static enum err_code
put_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return roster_put(txn, work->list, work->member, err);
}

static enum err_code
remove_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return roster_remove(txn, work->list, work->addr, &work->done, err);
}

static bool
add(struct store_case *t, uint32_t list, const char *addr)
{
	struct work work = { .list = list, .member = member_new(addr, 1) };

	case_txn(t, add_body, &work);
	member_free(work.member);
	return work.done;
}

static void
test_add_find(void)
{
	struct work work = { .list = 1 };
	struct member *got;
	struct store_case t;

	case_begin(&t);
	g_assert_true(add(&t, 1, "Ann@Example.NET"));
	g_assert_false(add(&t, 1, "Ann@example.net"));
	g_assert_true(add(&t, 1, "ann@example.net"));
	g_assert_true(add(&t, 2, "Ann@example.net"));
	work.member = member_new("Ann@example.net", 77);
	g_free(work.member->name);
	work.member->name = g_strdup("Ann \xc3\x84\xc3\x9f");
	work.member->delivery = false;
	work.member->own_posts = false;
	work.member->moderated = true;
	work.member->posts = 5000000000;
	work.member->bounces = 3;
	work.member->bounced_s = 99;
	g_free(work.member->bounce_reason);
	work.member->bounce_reason = g_strdup("5.1.1 550 no");
	case_txn(&t, put_body, &work);
	case_ok(roster_find(store_reader(t.store), 1, "Ann@example.net",
			    &got, &t.err), &t);
	g_assert_nonnull(got);
	g_assert_cmpstr(got->addr, ==, "Ann@example.net");
	g_assert_cmpstr(got->name, ==, work.member->name);
	g_assert_cmpstr(got->bounce_reason, ==, "5.1.1 550 no");
	g_assert_false(got->delivery);
	g_assert_false(got->own_posts);
	g_assert_true(got->moderated);
	g_assert_cmpuint(got->posts, ==, 5000000000);
	g_assert_cmpint(got->since_s, ==, 77);
	g_assert_cmpuint(got->bounces, ==, 3);
	g_assert_cmpint(got->bounced_s, ==, 99);
	member_free(got);
	case_ok(roster_find(store_reader(t.store), 1, "ANN@example.net",
			    &got, &t.err), &t);
	g_assert_null(got);
	member_free(work.member);
	case_end(&t);
}

/* The layout that musters before "moderated" wrote. */
static enum err_code
old_body(struct txn *txn, void *arg, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();

	member_key(key, 1, "ann@example.net");
	put_u8(value, 1);
	put_u8(value, *(const uint8_t *)arg);
	put_u64(value, 77);
	put_u32(value, 3);
	put_u64(value, 99);
	put_text(value, "Ann@example.net");
	put_text(value, "Ann");
	put_text(value, "no");
	return table_put(txn, place_of(TABLE_MEMBERS), bytes_buf(key),
			 bytes_buf(value), err);
}

static enum err_code
count_body(struct txn *txn, void *arg, struct err *err)
{
	return roster_count_post(txn, 1, arg, err);
}

static struct member *
find(struct store_case *t, const char *addr)
{
	struct member *got;

	case_ok(roster_find(store_reader(t->store), 1, addr, &got, &t->err),
		t);
	return got;
}

static void
test_old(void)
{
	char addr[] = "ann@example.net";
	uint8_t flags = 2, bad = 4;
	struct roster_batch batch;
	struct store_case t;
	struct member *got;

	case_begin(&t);
	case_txn(&t, old_body, &flags);
	case_ok(roster_batch(t.store, 1, "", 10, &batch, &t.err), &t);
	g_assert_cmpuint(batch.count, ==, 1);
	g_assert_false(batch.entries[0].moderated);
	roster_batch_done(&batch);
	case_txn(&t, count_body, addr);
	got = find(&t, addr);
	g_assert_cmpstr(got->addr, ==, "Ann@example.net");
	g_assert_cmpstr(got->name, ==, "Ann");
	g_assert_cmpstr(got->bounce_reason, ==, "no");
	g_assert_false(got->delivery);
	g_assert_true(got->own_posts);
	g_assert_false(got->moderated);
	g_assert_cmpint(got->since_s, ==, 77);
	g_assert_cmpuint(got->bounces, ==, 3);
	g_assert_cmpint(got->bounced_s, ==, 99);
	g_assert_cmpuint(got->posts, ==, 1);
	member_free(got);
	case_txn(&t, old_body, &bad);
	g_assert_cmpint(roster_find(store_reader(t.store), 1, addr, &got,
				    &t.err), ==, ERR_CORRUPT);
	case_end(&t);
}

struct counting {
	struct store_case *t;
	char *addr;
};

static void *
count_often(void *arg)
{
	struct counting *counting = arg;
	struct err err = ERR_INIT;

	for (int i = 0; i < 200; i++)
		g_assert_cmpint(store_txn(counting->t->store, TXN_LAZY,
					  count_body, counting->addr, &err),
				==, ERR_OK);
	return NULL;
}

static void
test_count_post(void)
{
	char addr[] = "Ann@example.net", nobody[] = "x@example.net";
	struct counting counting;
	struct store_case t;
	GThread *threads[2];
	struct member *got;

	case_begin(&t);
	g_assert_true(add(&t, 1, "Ann@Example.NET"));
	case_txn(&t, count_body, nobody);
	g_assert_null(find(&t, nobody));
	counting = (struct counting){ &t, addr };
	for (int i = 0; i < 2; i++)
		threads[i] = g_thread_new("count", count_often, &counting);
	for (int i = 0; i < 2; i++)
		(void) g_thread_join(threads[i]);
	got = find(&t, addr);
	g_assert_cmpuint(got->posts, ==, 400);
	g_assert_cmpstr(got->addr, ==, "Ann@Example.NET");
	member_free(got);
	case_end(&t);
}

static void
test_bad_addr(void)
{
	struct work work = { .list = 1, .member = member_new("nobody", 1) };
	struct store_case t;

	case_begin(&t);
	g_assert_cmpint(store_txn(t.store, TXN_DURABLE, add_body, &work,
				  &t.err), ==, ERR_INVALID);
	member_free(work.member);
	case_end(&t);
}

static guint
lists_of(struct store_case *t, const char *addr, uint32_t *first)
{
	g_autoptr(GArray) lists = NULL;

	case_ok(roster_lists(store_reader(t->store), addr, &lists, &t->err),
		t);
	if (lists->len > 0)
		*first = g_array_index(lists, uint32_t, 0);
	return lists->len;
}

static void
test_index(void)
{
	struct work work = { .list = 3, .addr = "a@example.net" };
	uint8_t handle[MEMBER_HANDLE_LEN];
	uint32_t first = 0;
	struct member *got;
	char *key = NULL;
	struct store_case t;

	case_begin(&t);
	for (uint32_t list = 3; list < 3000; list += 7)
		g_assert_true(add(&t, list, "a@example.net"));
	g_assert_true(add(&t, 3, "b@example.net"));
	g_assert_cmpuint(lists_of(&t, "a@example.net", &first), ==, 429);
	g_assert_cmpuint(first, ==, 3);
	g_assert_cmpuint(lists_of(&t, "c@example.net", &first), ==, 0);
	member_handle("a@example.net", handle);
	case_ok(roster_by_handle(store_reader(t.store), 10, handle, &got,
				 &key, &t.err), &t);
	g_assert_nonnull(got);
	g_assert_cmpstr(key, ==, "a@example.net");
	g_clear_pointer(&key, g_free);
	member_free(got);
	case_ok(roster_by_handle(store_reader(t.store), 4, handle, &got,
				 NULL, &t.err), &t);
	g_assert_null(got);
	case_txn(&t, remove_body, &work);
	g_assert_true(work.done);
	case_txn(&t, remove_body, &work);
	g_assert_false(work.done);
	case_ok(roster_by_handle(store_reader(t.store), 3, handle, &got,
				 NULL, &t.err), &t);
	g_assert_null(got);
	g_assert_cmpuint(lists_of(&t, "a@example.net", &first), ==, 428);
	case_end(&t);
}

#define IMPORTED 20011

/* In an order that is not that of the keys; each address comes twice. */
static struct member **
make_members(size_t *count)
{
	struct member **members = g_new0(struct member *, 2 * IMPORTED);

	for (size_t i = 0; i < 2 * IMPORTED; i++) {
		char addr[64];

		(void) snprintf(addr, sizeof(addr), "user%05zu@example.net",
				i * 7919 % IMPORTED);
		members[i] = member_new(addr, (int64_t)i);
		members[i]->delivery = i * 7919 % IMPORTED % 10 != 0;
	}
	*count = 2 * IMPORTED;
	return members;
}

static size_t
walk(struct store_case *t, uint32_t list, size_t max)
{
	g_autofree char *after = g_strdup("");
	struct roster_batch batch = { 0 };
	size_t seen = 0;
	bool end = false;

	while (!end) {
		case_ok(roster_batch(t->store, list, after, max, &batch,
				     &t->err), t);
		end = batch.end;
		g_assert_true(end || batch.count == max);
		for (size_t i = 0; i < batch.count; i++, seen++) {
			char want[64];

			(void) snprintf(want, sizeof(want),
					"user%05zu@example.net", seen);
			g_assert_cmpstr(batch.entries[i].key, ==, want);
			g_assert_cmpstr(batch.entries[i].addr, ==, want);
			g_assert_cmpint(batch.entries[i].delivery, ==,
					seen % 10 != 0);
		}
		g_free(after);
		after = g_strdup(batch.count > 0 ?
				 batch.entries[batch.count - 1].key : "");
		roster_batch_done(&batch);
	}
	return seen;
}

static void
test_import_walk(void)
{
	static const size_t sizes[] = { 1000, 20010, 20011, 20012, 100000 };
	size_t count, news = 0;
	g_autofree struct member **members = make_members(&count);
	g_autofree bool *added = g_new0(bool, count);
	uint64_t all, off;
	struct store_case t;

	case_begin(&t);
	g_assert_true(add(&t, 4, "user00000@example.net"));
	g_assert_true(add(&t, 6, "user00000@example.net"));
	for (size_t i = 0; i < count; i += 5000)
		case_ok(roster_import(t.store, 5, members + i,
				      MIN(5000, count - i), added + i,
				      &t.err), &t);
	for (size_t i = 0; i < count; i++) {
		news += added[i];
		g_assert_cmpint(added[i], ==, i < IMPORTED);
		member_free(members[i]);
	}
	g_assert_cmpuint(news, ==, IMPORTED);
	case_ok(roster_count(t.store, 5, &all, &off, &t.err), &t);
	g_assert_cmpuint(all, ==, IMPORTED);
	g_assert_cmpuint(off, ==, 2002);
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
		g_assert_cmpuint(walk(&t, 5, sizes[i]), ==, IMPORTED);
	g_assert_cmpuint(walk(&t, 99, 10), ==, 0);
	case_end(&t);
}

static void
test_import_bad(void)
{
	struct member *members[2] = {
		member_new("a@example.net", 1), member_new("", 1),
	};
	struct member *got;
	struct store_case t;

	case_begin(&t);
	g_assert_cmpint(roster_import(t.store, 1, members, 2, NULL, &t.err),
			==, ERR_INVALID);
	case_ok(roster_find(store_reader(t.store), 1, "a@example.net", &got,
			    &t.err), &t);
	g_assert_null(got);
	member_free(members[0]);
	member_free(members[1]);
	case_end(&t);
}

static void
test_ranks(void)
{
	static const char *const keys[] = {
		"a@example.net", "b@example.net", "b@example.net",
		"bb@example.net", "z@example.net"
	};
	struct work off = { .list = 1,
			    .member = member_new("c@example.net", 1) };
	uint64_t ranks[G_N_ELEMENTS(keys)], all;
	struct store_case t;

	case_begin(&t);
	(void) add(&t, 1, "b@example.net");
	(void) add(&t, 1, "d@example.net");
	(void) add(&t, 2, "a@example.net");
	off.member->delivery = false;
	case_txn(&t, add_body, &off);
	member_free(off.member);
	case_ok(roster_ranks(t.store, 1, keys, G_N_ELEMENTS(keys), ranks,
			     &all, &t.err), &t);
	g_assert_cmpuint(ranks[0], ==, 0);
	g_assert_cmpuint(ranks[1], ==, 1);
	g_assert_cmpuint(ranks[2], ==, 1);
	g_assert_cmpuint(ranks[3], ==, 1);
	g_assert_cmpuint(ranks[4], ==, 2);
	g_assert_cmpuint(all, ==, 2);
	case_ok(roster_ranks(t.store, 3, keys, 0, NULL, &all, &t.err), &t);
	g_assert_cmpuint(all, ==, 0);
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "local part exactly, domain in any case", test_add_find },
		{ "a record of an older muster is read", test_old },
		{ "no post is counted twice or lost", test_count_post },
		{ "what is no address is refused", test_bad_addr },
		{ "the index follows each change", test_index },
		{ "an import adds each address once, a walk gives it once",
		  test_import_walk },
		{ "an import is all or nothing", test_import_bad },
		{ "ranks count those with delivery on, up to and with a key",
		  test_ranks },
		{ NULL, NULL },
	};

	return tap_run("roster", cases);
}
