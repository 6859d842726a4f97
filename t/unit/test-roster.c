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

/* Nothing in it is the default. */
static struct member *
odd_member(const char *addr)
{
	struct member *member = member_new(addr, 77);

	g_free(member->name);
	member->name = g_strdup("Ann \xc3\x84\xc3\x9f");
	g_free(member->language);
	member->language = g_strdup("pt-br");
	member->delivery = DELIVERY_OFF;
	member->off_by = OFF_BY_BOUNCES;
	member->off_s = 78;
	member->own_posts = false;
	member->duplicates = false;
	member->ack = true;
	member->hidden = true;
	member->moderated = true;
	member->posts = 5000000000;
	member->bounces = 3;
	member->bounced_s = 99;
	g_free(member->bounce_reason);
	member->bounce_reason = g_strdup("5.1.1 550 no");
	member->bounce = (struct bounce_state){
		.score = 4250, .score_s = 101, .scored_s = 102,
		.probe_s = 103, .probe_post = { 1, 2, 3, 4 },
		.warned_s = 104, .warnings = 2, .rise = 3,
	};
	return member;
}

static void
want_state(const struct bounce_state *got, const struct bounce_state *want)
{
	g_assert_cmpuint(got->score, ==, want->score);
	g_assert_cmpint(got->score_s, ==, want->score_s);
	g_assert_cmpint(got->scored_s, ==, want->scored_s);
	g_assert_cmpint(got->probe_s, ==, want->probe_s);
	g_assert_cmpmem(got->probe_post, sizeof(got->probe_post),
			want->probe_post, sizeof(want->probe_post));
	g_assert_cmpint(got->warned_s, ==, want->warned_s);
	g_assert_cmpuint(got->warnings, ==, want->warnings);
	g_assert_cmpuint(got->rise, ==, want->rise);
}

static void
want_member(const struct member *got, const struct member *want)
{
	g_assert_nonnull(got);
	g_assert_cmpstr(got->addr, ==, want->addr);
	g_assert_cmpstr(got->name, ==, want->name);
	g_assert_cmpstr(got->language, ==, want->language);
	g_assert_cmpstr(got->bounce_reason, ==, want->bounce_reason);
	g_assert_cmpint(got->delivery, ==, want->delivery);
	g_assert_cmpint(got->off_by, ==, want->off_by);
	g_assert_cmpint(got->off_s, ==, want->off_s);
	g_assert_cmpint(got->own_posts, ==, want->own_posts);
	g_assert_cmpint(got->duplicates, ==, want->duplicates);
	g_assert_cmpint(got->ack, ==, want->ack);
	g_assert_cmpint(got->hidden, ==, want->hidden);
	g_assert_cmpint(got->moderated, ==, want->moderated);
	g_assert_cmpuint(got->posts, ==, want->posts);
	g_assert_cmpint(got->since_s, ==, want->since_s);
	g_assert_cmpuint(got->bounces, ==, want->bounces);
	g_assert_cmpint(got->bounced_s, ==, want->bounced_s);
	want_state(&got->bounce, &want->bounce);
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
	work.member = odd_member("Ann@Example.NET");
	case_txn(&t, put_body, &work);
	case_ok(roster_find(store_reader(t.store), 1, "Ann@example.net",
			    &got, &t.err), &t);
	want_member(got, work.member);
	member_free(got);
	case_ok(roster_find(store_reader(t.store), 1, "ANN@example.net",
			    &got, &t.err), &t);
	g_assert_null(got);
	member_free(work.member);
	case_end(&t);
}

static void
test_defaults(void)
{
	struct member *want = member_new("ann@example.net", 1), *got;
	struct store_case t;

	g_assert_cmpint(want->delivery, ==, DELIVERY_ON);
	g_assert_true(want->own_posts);
	g_assert_true(want->duplicates);
	case_begin(&t);
	g_assert_true(add(&t, 1, want->addr));
	case_ok(roster_find(store_reader(t.store), 1, want->addr, &got,
			    &t.err), &t);
	want_member(got, want);
	member_free(got);
	member_free(want);
	case_end(&t);
}

/* What a batch shows is what is found. */
static void
test_entry(void)
{
	struct work work = { .list = 1, .member = odd_member("a@x.example") };
	struct roster_batch batch;
	const struct roster_entry *got;
	struct member *again;
	struct store_case t;

	case_begin(&t);
	case_txn(&t, put_body, &work);
	case_ok(roster_batch(t.store, 1, "", 10, &batch, &t.err), &t);
	g_assert_cmpuint(batch.count, ==, 1);
	got = &batch.entries[0];
	g_assert_cmpstr(got->key, ==, "a@x.example");
	again = member_of(got);
	want_member(again, work.member);
	member_free(again);
	member_free(work.member);
	roster_batch_done(&batch);
	case_end(&t);
}

static void
test_deliver(void)
{
	struct member *member = member_new("a@x.example", 1);

	member->bounce.score = 500;
	member_deliver(member, DELIVERY_DIGEST, OFF_BY_SELF, 5);
	g_assert_cmpint(member->off_by, ==, OFF_NOT);
	g_assert_cmpuint(member->bounce.score, ==, 500);
	member_deliver(member, DELIVERY_OFF, OFF_BY_BOUNCES, 6);
	member_deliver(member, DELIVERY_OFF, OFF_BY_BOUNCES, 7);
	g_assert_cmpint(member->off_by, ==, OFF_BY_BOUNCES);
	g_assert_cmpint(member->off_s, ==, 6);
	member_deliver(member, DELIVERY_OFF, OFF_BY_ADMIN, 8);
	g_assert_cmpint(member->off_by, ==, OFF_BY_ADMIN);
	g_assert_cmpint(member->off_s, ==, 8);
	g_assert_cmpuint(member->bounce.score, ==, 500);
	member_deliver(member, DELIVERY_ON, OFF_NOT, 9);
	g_assert_cmpint(member->off_by, ==, OFF_NOT);
	g_assert_cmpint(member->off_s, ==, 0);
	g_assert_cmpuint(member->bounce.score, ==, 0);
	member_free(member);
}

static void
test_names(void)
{
	enum delivery_mode delivery;
	enum off_by by;

	for (int i = DELIVERY_OFF; i <= DELIVERY_DIGEST_PLAIN; i++) {
		g_assert_true(delivery_mode_of_name(delivery_mode_name(i),
						    &delivery));
		g_assert_cmpint(delivery, ==, i);
	}
	for (int i = OFF_NOT; i <= OFF_BY_BOUNCES; i++) {
		g_assert_true(off_by_of_name(off_by_name(i), &by));
		g_assert_cmpint(by, ==, i);
	}
	g_assert_false(delivery_mode_of_name("ON", &delivery));
	g_assert_false(off_by_of_name("bounce", &by));
}

/* The layouts that older musters wrote: version 1 before "moderated", version
 * 2 before delivery was more than on and off. */
struct old { uint8_t version, flags; };

static enum err_code
old_body(struct txn *txn, void *arg, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	const struct old *old = arg;

	member_key(key, 1, "ann@example.net");
	put_u8(value, old->version);
	put_u8(value, old->flags);
	put_u64(value, 77);
	put_u32(value, 3);
	put_u64(value, 99);
	if (old->version >= 2)
		put_u64(value, 0);
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

/* As it is read, and as it is read when it has been written again. */
static void
old_one(struct store_case *t, struct old old, const struct member *want)
{
	struct roster_batch batch;
	struct member *got;
	char addr[] = "ann@example.net";

	case_txn(t, old_body, &old);
	case_ok(roster_batch(t->store, 1, "", 10, &batch, &t->err), t);
	g_assert_cmpuint(batch.count, ==, 1);
	got = member_of(&batch.entries[0]);
	want_member(got, want);
	member_free(got);
	roster_batch_done(&batch);
	case_txn(t, count_body, addr);
	got = find(t, addr);
	g_assert_cmpuint(got->posts, ==, 1);
	got->posts = 0;
	want_member(got, want);
	member_free(got);
}

static void
test_old(void)
{
	static const struct old bad[] = {
		{ 1, 4 }, { 2, 8 }, { 2, 64 }, { 3, 0 }, { 4, 2 }, { 0, 2 },
	};
	struct member *want = member_new("Ann@example.net", 77), *got;
	struct store_case t;

	g_free(want->name);
	want->name = g_strdup("Ann");
	g_free(want->bounce_reason);
	want->bounce_reason = g_strdup("no");
	want->bounces = 3;
	want->bounced_s = 99;
	case_begin(&t);
	old_one(&t, (struct old){ 1, 3 }, want);
	old_one(&t, (struct old){ 2, 3 }, want);
	want->moderated = true;
	old_one(&t, (struct old){ 2, 7 }, want);
	/* nobody but an administrator could do that */
	want->delivery = DELIVERY_OFF;
	want->off_by = OFF_BY_ADMIN;
	old_one(&t, (struct old){ 2, 6 }, want);
	want->moderated = false;
	old_one(&t, (struct old){ 1, 2 }, want);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct old old = bad[i];

		case_txn(&t, old_body, &old);
		g_assert_cmpint(roster_find(store_reader(t.store), 1,
					    "ann@example.net", &got, &t.err),
				==, ERR_CORRUPT);
	}
	member_free(want);
	case_end(&t);
}

static enum err_code
raw_body(struct txn *txn, void *arg, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	struct bytes *value = arg;

	member_key(key, 1, "ann@example.net");
	return table_put(txn, place_of(TABLE_MEMBERS), bytes_buf(key), *value,
			 err);
}

/* Cut short anywhere, or with a delivery that there is not. */
static void
test_broken(void)
{
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct member *member = odd_member("Ann@example.net"), *got;
	static const uint8_t ways[][2] = {
		{ 4, 0 }, { 255, 0 }, { DELIVERY_OFF, OFF_NOT },
		{ DELIVERY_ON, OFF_BY_SELF }, { DELIVERY_OFF, 4 },
	};
	struct store_case t;

	case_begin(&t);
	member_encode(value, member, "ann@example.net");
	for (size_t len = 0; len < value->len; len++) {
		struct bytes cut = bytes_of(value->data, len);

		case_txn(&t, raw_body, &cut);
		g_assert_cmpint(roster_find(store_reader(t.store), 1,
					    "ann@example.net", &got, &t.err),
				==, ERR_CORRUPT);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		struct bytes whole = bytes_buf(value);

		/* version, two bytes of flags, delivery, off_by */
		value->data[3] = ways[i][0];
		value->data[4] = ways[i][1];
		case_txn(&t, raw_body, &whole);
		g_assert_cmpint(roster_find(store_reader(t.store), 1,
					    "ann@example.net", &got, &t.err),
				==, ERR_CORRUPT);
	}
	member_free(member);
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
		members[i]->delivery = i * 7919 % IMPORTED % 10 != 0 ?
			DELIVERY_ON : DELIVERY_OFF;
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
					seen % 10 != 0 ? DELIVERY_ON :
					DELIVERY_OFF);
		}
		g_free(after);
		after = g_strdup(batch.count > 0 ?
				 batch.entries[batch.count - 1].key : "");
		roster_batch_done(&batch);
	}
	return seen;
}

struct seen { size_t count, most; };

static bool
see(void *arg, const struct roster_entry *entry)
{
	struct seen *seen = arg;
	char want[64];

	(void) snprintf(want, sizeof(want), "user%05zu@example.net",
			seen->count);
	g_assert_cmpstr(entry->key, ==, want);
	return ++seen->count < seen->most;
}

static size_t
each(struct store_case *t, uint32_t list, size_t most)
{
	struct seen seen = { .most = most };

	case_ok(roster_each(t->store, list, see, &seen, &t->err), t);
	return seen.count;
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
	g_assert_cmpuint(each(&t, 5, SIZE_MAX), ==, IMPORTED);
	g_assert_cmpuint(each(&t, 5, 5001), ==, 5001);
	g_assert_cmpuint(each(&t, 99, SIZE_MAX), ==, 0);
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
	off.member->delivery = DELIVERY_OFF;
	case_txn(&t, add_body, &off);
	member_free(off.member);
	off.member = member_new("cc@example.net", 1);
	off.member->delivery = DELIVERY_DIGEST;
	case_txn(&t, add_body, &off);
	member_free(off.member);
	case_ok(roster_ranks(t.store, 1, DELIVERY_ON, keys, G_N_ELEMENTS(keys), ranks,
			     &all, &t.err), &t);
	g_assert_cmpuint(ranks[0], ==, 0);
	g_assert_cmpuint(ranks[1], ==, 1);
	g_assert_cmpuint(ranks[2], ==, 1);
	g_assert_cmpuint(ranks[3], ==, 1);
	g_assert_cmpuint(ranks[4], ==, 2);
	g_assert_cmpuint(all, ==, 2);
	case_ok(roster_ranks(t.store, 3, DELIVERY_ON, keys, 0, NULL, &all, &t.err), &t);
	g_assert_cmpuint(all, ==, 0);
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "local part exactly, domain in any case", test_add_find },
		{ "a new member has the defaults", test_defaults },
		{ "a batch has all that a record has", test_entry },
		{ "off says who and when, and coming back forgives",
		  test_deliver },
		{ "names lead back to what they name", test_names },
		{ "a record of an older muster is read", test_old },
		{ "a record that is not whole is not read", test_broken },
		{ "no post is counted twice or lost", test_count_post },
		{ "what is no address is refused", test_bad_addr },
		{ "the index follows each change", test_index },
		{ "an import adds each address once, a walk gives it once",
		  test_import_walk },
		{ "an import is all or nothing", test_import_bad },
		{ "ranks count those who get copies, up to and with a key",
		  test_ranks },
		{ NULL, NULL },
	};

	return tap_run("roster", cases);
}
