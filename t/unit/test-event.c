/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "db/inside.h"
#include "t/unit/store-case.h"

#define ANN "Ann@example.net"

struct work {
	uint32_t list;
	const char *kind, *addr, *what;
	int times;
};

static enum err_code
add_body(struct txn *txn, void *arg, struct err *err)
{
	const struct work *work = arg;
	enum err_code rc = ERR_OK;

	for (int i = 0; rc == ERR_OK && i < MAX(work->times, 1); i++)
		rc = event_add(txn, work->list, work->kind, work->addr, err,
			       "%s", work->what);
	return rc;
}

static enum err_code
seen_one(void *arg, const struct event *event, struct err *err)
{
	GString *seen = arg;

	(void) err;
	g_string_append_printf(seen, "%s %s %s;", event->kind, event->addr,
			       event->what);
	return ERR_OK;
}

static enum err_code
order_one(void *arg, const struct event *event, struct err *err)
{
	struct event *last = arg;

	(void) err;
	g_assert_true(event->time_us > last->time_us ||
		      (event->time_us == last->time_us &&
		       event->number > last->number));
	last->time_us = event->time_us;
	last->number = event->number;
	return ERR_OK;
}

static enum err_code
stop_one(void *arg, const struct event *event, struct err *err)
{
	(void) event;
	(*(int *)arg)++;
	return err_set(err, ERR_IO, "", "enough");
}

static void
want(struct store_case *t, uint32_t list, int64_t since_us, int64_t until_us,
     const char *text)
{
	g_autoptr(GString) seen = g_string_new(NULL);

	case_ok(event_walk(store_reader(t->store), list, since_us, until_us,
			   seen_one, seen, &t->err), t);
	g_assert_cmpstr(seen->str, ==, text);
}

static void
add(struct store_case *t, uint32_t list, const char *kind, const char *addr,
    const char *what)
{
	struct work work = { list, kind, addr, what, 1 };

	case_txn(t, add_body, &work);
}

static void
test_walk(void)
{
	struct store_case t;
	int64_t between_us;

	case_begin(&t);
	add(&t, 1, "off", ANN, "a\nb\x01\xff");
	add(&t, 2, "warned", "", "other");
	between_us = g_get_real_time();
	add(&t, 1, "removed", "b@example.net", "\xc3\x9f");
	want(&t, 1, 0, INT64_MAX, "off " ANN " a b \xef\xbf\xbd;"
	     "removed b@example.net \xc3\x9f;");
	want(&t, 1, between_us, INT64_MAX, "removed b@example.net \xc3\x9f;");
	want(&t, 1, 0, between_us, "off " ANN " a b \xef\xbf\xbd;");
	want(&t, 2, INT64_MIN, INT64_MAX, "warned  other;");
	want(&t, 3, 0, INT64_MAX, "");
	case_end(&t);
}

static void
test_order(void)
{
	struct work work = { 1, "off", ANN, "x", 3000 };
	struct event last = { .time_us = 0 };
	struct store_case t;
	int count = 0;

	case_begin(&t);
	case_txn(&t, add_body, &work);
	case_ok(event_walk(store_reader(t.store), 1, 0, INT64_MAX, order_one,
			   &last, &t.err), &t);
	g_assert_cmpint(last.time_us, >, 0);
	g_assert_cmpint(event_walk(store_reader(t.store), 1, 0, INT64_MAX,
				   stop_one, &count, &t.err), ==, ERR_IO);
	g_assert_cmpint(count, ==, 1);
	case_end(&t);
}

static void
test_refused(void)
{
	static const struct work cases[] = {
		{ 1, "", ANN, "", 1 }, { 1, "Off", ANN, "", 1 },
		{ 1, "off", "ann", "", 1 },
		{ 1, "off", "Ann@Example.net", "", 1 },
	};
	struct store_case t;

	case_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct work work = cases[i];

		g_assert_cmpint(store_txn(t.store, TXN_DURABLE, add_body,
					  &work, &t.err), ==, ERR_INVALID);
	}
	want(&t, 1, 0, INT64_MAX, "");
	case_end(&t);
}

static enum err_code
old_body(struct txn *txn, void *arg, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	const struct event old = { .kind = "off", .addr = "", .what = "old" };

	(void) arg;
	event_key(key, 1, 1999999, 3);
	event_encode(value, &old);
	return table_put(txn, place_of(TABLE_EVENTS), bytes_buf(key),
			 bytes_buf(value), err);
}

static void
test_expire(void)
{
	struct store_case t;

	case_begin(&t);
	case_txn(&t, old_body, NULL);
	add(&t, 1, "off", ANN, "new");
	case_ok(event_expire(t.store, 1, &t.err), &t);
	want(&t, 1, 0, INT64_MAX, "off  old;off " ANN " new;");
	case_ok(event_expire(t.store, 2, &t.err), &t);
	want(&t, 1, 0, INT64_MAX, "off " ANN " new;");
	case_ok(event_expire(t.store, INT64_MIN, &t.err), &t);
	case_ok(event_expire(t.store, INT64_MAX, &t.err), &t);
	want(&t, 1, 0, INT64_MAX, "");
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a walk gives those of a list and a time", test_walk },
		{ "many at once stay in order", test_order },
		{ "what is no kind or address is refused", test_refused },
		{ "they go when they are old", test_expire },
		{ NULL, NULL },
	};

	return tap_run("event", cases);
}
