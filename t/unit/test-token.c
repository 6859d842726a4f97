/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "db/auto.h"
#include "db/inside.h"
#include "t/unit/store-case.h"

#define ANN "Ann@example.net"
#define BOB "bob@example.net"

struct work {
	struct token token;	/* for new */
	char text[TOKEN_TEXT + 1];
	int64_t now_s;
	struct token *got;
	const char *kind;
	uint64_t count;
};

static enum err_code
new_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return token_new(txn, &work->token, work->text, err);
}

static enum err_code
take_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return token_take(txn, work->text, work->now_s, &work->got, err);
}

static enum err_code
remove_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return token_remove_for(txn, work->token.list, work->token.addr,
				work->kind, &work->count, err);
}

static void
make(struct store_case *t, uint32_t list, const char *addr, const char *kind,
     struct work *work)
{
	*work = (struct work){ .token = {
		.kind = (char *)(uintptr_t)kind, .list = list,
		.addr = (char *)(uintptr_t)addr, .other = NULL,
		.detail = NULL, .made_s = 100, .expires_s = 200 } };
	case_txn(t, new_body, work);
	g_assert_cmpuint(strlen(work->text), ==, TOKEN_TEXT);
}

static bool
is_there(struct store_case *t, const char *text, int64_t now_s)
{
	g_autoptr(token_t) token = NULL;

	case_ok(token_find(store_reader(t->store), text, now_s, &token,
			   &t->err), t);
	return token != NULL;
}

static void
count_finding(void *arg, const char *text)
{
	g_test_message("%s", text);
	(*(int *)arg)++;
}

static int
findings(struct store_case *t)
{
	int count = 0;

	case_ok(store_check(t->store, count_finding, &count, &t->err), t);
	return count;
}

static void
test_once(void)
{
	char other[] = BOB, detail[] = "digest \xc3\x9f\n";
	struct work work;
	struct store_case t;

	case_begin(&t);
	make(&t, 7, ANN, "address", &work);
	work.token.other = other;
	work.token.detail = detail;
	case_txn(&t, new_body, &work);
	work.now_s = 199;
	case_txn(&t, take_body, &work);
	g_assert_nonnull(work.got);
	g_assert_cmpstr(work.got->kind, ==, "address");
	g_assert_cmpuint(work.got->list, ==, 7);
	g_assert_cmpstr(work.got->addr, ==, ANN);
	g_assert_cmpstr(work.got->other, ==, BOB);
	g_assert_cmpstr(work.got->detail, ==, detail);
	g_assert_cmpint(work.got->made_s, ==, 100);
	g_assert_cmpint(work.got->expires_s, ==, 200);
	token_free(work.got);
	case_txn(&t, take_body, &work);
	g_assert_null(work.got);
	g_assert_cmpint(findings(&t), ==, 0);
	case_end(&t);
}

static void
test_text(void)
{
	static const char *const no_tokens[] = {
		"", "a", "aaaaaaaaaaaaaaaaaaaaaaaa",
		"aaaaaaaaaaaaaaaaaaaaaaaaa", "1aaaaaaaaaaaaaaaaaaaaaaa", "\xc3\xa4",
	};
	g_autofree char *upper = NULL, *longer = NULL;
	struct work work;
	struct store_case t;

	case_begin(&t);
	make(&t, 1, ANN, "join", &work);
	upper = g_ascii_strup(work.text, -1);
	longer = g_strconcat(work.text, "a", NULL);
	g_assert_true(is_there(&t, work.text, 100));
	g_assert_true(is_there(&t, upper, 100));
	g_assert_false(is_there(&t, longer, 100));
	for (size_t i = 0; i < G_N_ELEMENTS(no_tokens); i++)
		g_assert_false(is_there(&t, no_tokens[i], 100));
	g_assert_cmpuint(strspn(work.text, "abcdefghijklmnopqrstuvwxyz"
				"234567"), ==, TOKEN_TEXT);
	case_end(&t);
}

/* What lies in the store is not what is in the mail. */
static void
test_hashed(void)
{
	struct work work;
	struct store_case t;
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	int records = 0;

	case_begin(&t);
	make(&t, 1, ANN, "join", &work);
	scan = scan_new(store_reader(t.store), place_of(TABLE_TOKENS),
			bytes_of(NULL, 0), bytes_of(NULL, 0), 4096, 0);
	for (;; records++) {
		case_ok(scan_next(scan, &key, &value, &t.err), &t);
		if (key.data == NULL)
			break;
		g_assert_null(memmem(key.data, key.len, work.text, 8));
		g_assert_null(memmem(value.data, value.len, work.text, 8));
	}
	g_assert_cmpint(records, ==, 2);
	g_clear_pointer(&scan, scan_free);
	case_end(&t);
}

static void
test_expire(void)
{
	struct work early, late;
	struct store_case t;

	case_begin(&t);
	make(&t, 1, ANN, "join", &early);
	make(&t, 1, ANN, "join", &late);
	late.token.expires_s = 300;
	case_txn(&t, new_body, &late);
	g_assert_true(is_there(&t, early.text, 199));
	g_assert_false(is_there(&t, early.text, 200));
	early.now_s = 200;
	case_txn(&t, take_body, &early);
	g_assert_null(early.got);
	case_ok(token_expire(t.store, 200, &t.err), &t);
	g_assert_false(is_there(&t, early.text, 100));
	g_assert_true(is_there(&t, late.text, 200));
	g_assert_cmpint(findings(&t), ==, 0);
	case_ok(token_expire(t.store, 300, &t.err), &t);
	g_assert_false(is_there(&t, late.text, 100));
	case_end(&t);
}

static void
test_refused(void)
{
	static const struct { const char *kind, *addr, *other; } cases[] = {
		{ "", ANN, "" }, { "Join", ANN, "" }, { "a b", ANN, "" },
		{ "a23456789012345678901234567890123", ANN, "" },
		{ "join", "", "" }, { "join", "ann", "" },
		{ "join", "ann@Example.net", "" },
		{ "join", ANN, "bob@Example.net" },
	};
	struct store_case t;

	case_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct work work = { .token = {
			.kind = (char *)(uintptr_t)cases[i].kind, .list = 1,
			.addr = (char *)(uintptr_t)cases[i].addr,
			.other = (char *)(uintptr_t)cases[i].other } };

		g_assert_cmpint(store_txn(t.store, TXN_DURABLE, new_body,
					  &work, &t.err), ==, ERR_INVALID);
	}
	case_end(&t);
}

static enum err_code
walk_one(void *arg, const uint8_t hash[TOKEN_HASH], const struct token *token,
	 struct err *err)
{
	GString *seen = arg;

	(void) hash;
	(void) err;
	g_string_append_printf(seen, "%s %s;", token->addr, token->kind);
	return ERR_OK;
}

static void
want_walk(struct store_case *t, uint32_t list, const char *addr,
	  const char *want)
{
	g_autoptr(GString) seen = g_string_new(NULL);

	case_ok(token_walk(store_reader(t->store), list, addr, walk_one, seen,
			   &t->err), t);
	g_assert_cmpstr(seen->str, ==, want);
}

static void
test_remove_for(void)
{
	struct work work[6];
	struct store_case t;

	case_begin(&t);
	make(&t, 1, ANN, "join", &work[0]);
	make(&t, 1, ANN, "join", &work[1]);
	make(&t, 1, ANN, "join-2", &work[2]);
	make(&t, 1, "Ann@example.net.example", "join", &work[3]);
	make(&t, 2, ANN, "join", &work[4]);
	make(&t, 1, BOB, "leave", &work[5]);
	want_walk(&t, 1, NULL, ANN " join;" ANN " join;" ANN " join-2;"
		  "Ann@example.net.example join;" BOB " leave;");
	want_walk(&t, 2, NULL, ANN " join;");
	want_walk(&t, 1, BOB, BOB " leave;");
	work[0].kind = "join";
	case_txn(&t, remove_body, &work[0]);
	g_assert_cmpuint(work[0].count, ==, 2);
	for (int i = 0; i < 6; i++)
		g_assert_cmpint(is_there(&t, work[i].text, 100), ==, i >= 2);
	work[0].kind = NULL;
	case_txn(&t, remove_body, &work[0]);
	g_assert_cmpuint(work[0].count, ==, 1);
	want_walk(&t, 1, NULL, "Ann@example.net.example join;" BOB " leave;");
	want_walk(&t, 3, NULL, "");
	g_assert_cmpint(findings(&t), ==, 0);
	case_end(&t);
}

/* Of many who take one at the same time, one gets it. */
struct race {
	struct store_case *t;
	const char *text;
	int got;
};

static void *
take_often(void *arg)
{
	struct race *race = arg;
	struct err err = ERR_INIT;
	struct work work = { .now_s = 100 };

	(void) snprintf(work.text, sizeof(work.text), "%s", race->text);
	g_assert_cmpint(store_txn(race->t->store, TXN_LAZY, take_body, &work,
				  &err), ==, ERR_OK);
	if (work.got != NULL)
		g_atomic_int_inc(&race->got);
	token_free(work.got);
	return NULL;
}

static void
test_race(void)
{
	GThread *threads[8];
	struct work work;
	struct store_case t;

	case_begin(&t);
	for (int round = 0; round < 20; round++) {
		struct race race = { .t = &t, .text = work.text };

		make(&t, 1, ANN, "join", &work);
		for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
			threads[i] = g_thread_new("take", take_often, &race);
		for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
			(void) g_thread_join(threads[i]);
		g_assert_cmpint(race.got, ==, 1);
	}
	g_assert_cmpint(findings(&t), ==, 0);
	case_end(&t);
}

static enum err_code
half_body(struct txn *txn, void *arg, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	bool removed;

	put_u8(key, 'T');
	put_raw(key, arg, TOKEN_HASH);
	return table_remove(txn, place_of(TABLE_TOKENS), bytes_buf(key),
			    &removed, err);
}

static enum err_code
keep_hash(void *arg, const uint8_t hash[TOKEN_HASH],
	  const struct token *token, struct err *err)
{
	(void) token;
	(void) err;
	memcpy(arg, hash, TOKEN_HASH);
	return ERR_OK;
}

/* A half that is good for long is a finding, one that has expired is not. */
static void
test_check(void)
{
	uint8_t hash[TOKEN_HASH];
	struct work work;
	struct store_case t;

	case_begin(&t);
	make(&t, 0, ANN, "join", &work);
	case_ok(token_walk(store_reader(t.store), 0, NULL, keep_hash, hash,
			   &t.err), &t);
	case_txn(&t, half_body, hash);
	g_assert_cmpint(findings(&t), ==, 0);
	want_walk(&t, 0, NULL, "");
	make(&t, 0, BOB, "join", &work);
	work.token.expires_s = INT64_MAX;
	case_txn(&t, new_body, &work);
	case_ok(token_walk(store_reader(t.store), 0, BOB, keep_hash, hash,
			   &t.err), &t);
	case_txn(&t, half_body, hash);
	case_ok(token_walk(store_reader(t.store), 0, BOB, keep_hash, hash,
			   &t.err), &t);
	case_txn(&t, half_body, hash);
	g_assert_cmpint(findings(&t), ==, 1);
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a token is good once, for what it was made", test_once },
		{ "it is read in any case, and nothing else is one",
		  test_text },
		{ "its text is not in the store", test_hashed },
		{ "it expires, and is then forgotten", test_expire },
		{ "what is no kind or address is refused", test_refused },
		{ "those about an address are removed, and no others",
		  test_remove_for },
		{ "of many who take it, one gets it", test_race },
		{ "half a token is found", test_check },
		{ NULL, NULL },
	};

	return tap_run("token", cases);
}
