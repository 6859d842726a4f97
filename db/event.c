/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/event.h"

#include <stdarg.h>
#include <string.h>

#include "core/mail/addr.h"
#include "db/expire.h"
#include "db/inside.h"
#include "core/base/banned.h"

#define EVENTS place_of(TABLE_EVENTS)
#define SCAN_SIZE (64 * 1024)
#define WHAT_MAX_LEN 2000
#define SAME_TIME_MAX 1000

void
event_key(GByteArray *out, uint32_t list, int64_t time_us, uint16_t number)
{
	g_byte_array_set_size(out, 0);
	put_u32(out, list);
	put_u64(out, (uint64_t)time_us);
	put_u16(out, number);
}

void
event_encode(GByteArray *out, const struct event *event)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_text(out, event->kind);
	put_text(out, event->addr);
	put_text(out, event->what);
}

enum err_code
event_decode(struct bytes key, struct bytes value, uint32_t *list_out,
	     struct event *out, struct err *err)
{
	struct cursor k, v;

	cursor_init(&k, key);
	cursor_record(&v, value);
	*list_out = get_u32(&k);
	out->time_us = get_time(&k);
	out->number = get_u16(&k);
	out->kind = get_text(&v);
	out->addr = get_text(&v);
	out->what = get_text(&v);
	return cursor_end(&k) && cursor_end(&v) ? ERR_OK :
		record_corrupt(EVENTS, key, err);
}

static enum err_code
check(const char *kind, const char *addr, struct err *err)
{
	g_autofree char *canon = addr_canon(addr);

	if (!is_kind(kind, EVENT_KIND_MAX))
		return err_set(err, ERR_INVALID, "",
			       "\"%s\" is no kind of event", kind);
	if (addr[0] != '\0' && g_strcmp0(canon, addr) != 0)
		return err_set(err, ERR_INVALID, "", "an event of \"%s\": not "
			       "in canonical form", addr);
	return ERR_OK;
}

enum err_code
event_add(struct txn *txn, uint32_t list, const char *kind, const char *addr,
	  struct err *err, const char *format, ...)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autofree char *text = NULL;
	g_autofree char *what = NULL;
	int64_t now_us = g_get_real_time();
	bool added = false;
	enum err_code rc = check(kind, addr, err);
	va_list ap;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	what = one_line(text, WHAT_MAX_LEN);
	event_encode(value, &(struct event){
		     .kind = kind, .addr = addr, .what = what });
	for (uint16_t n = 0; rc == ERR_OK && !added && n < SAME_TIME_MAX;
	     n++) {
		event_key(key, list, now_us, n);
		rc = table_add(txn, EVENTS, bytes_buf(key), bytes_buf(value),
			       &added, err);
	}
	return rc;
}

enum err_code
event_walk(struct txn *txn, uint32_t list, int64_t since_us, int64_t until_us,
	   event_one one, void *arg, struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(GByteArray) from = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	struct event event;
	uint32_t same;
	enum err_code rc;

	put_u32(prefix, list);
	event_key(from, list, MAX(since_us, 0), 0);
	scan = scan_new(txn, EVENTS, bytes_buf(prefix), bytes_buf(from),
			SCAN_SIZE, SCAN_DROP);
	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = event_decode(key, value, &same, &event, err);
		if (rc == ERR_OK && event.time_us >= until_us)
			break;
		if (rc == ERR_OK)
			rc = one(arg, &event, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

/* The key has the time. */
static enum err_code
event_is_old(struct place at, struct bytes key, struct bytes value,
	     int64_t before, bool *old, struct err *err)
{
	struct cursor in;

	(void) value;
	cursor_init(&in, key);
	(void) get_u32(&in);
	*old = get_time(&in) < before;
	return in.bad ? record_corrupt(at, key, err) : ERR_OK;
}

enum err_code
event_expire(struct store *store, int64_t before_s, struct err *err)
{
	return expire(store, TABLE_EVENTS, SCAN_KEYS, event_is_old,
		      CLAMP(before_s, 0, INT64_MAX / G_USEC_PER_SEC) *
		      G_USEC_PER_SEC, err);
}
