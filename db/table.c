/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/bdb.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/mail/verp.h"
#include "core/base/banned.h"

#define PAGE_SIZE 4096		/* a larger page may tear on power failure */
#define READER_TRIES 100	/* deadlocks of a reader, 1 to 20 ms each */
#define KEYS_AT_ONCE 1000

static const char *const table_names[TABLES] = {
	"meta", "lists", "settings", "members", "handles", "token", "event",
	"digest", "archive", "readers", "post", "queue", "seen", "ref",
	"rate",
};

unsigned int
table_shards(enum table table)
{
	return table >= TABLE_POSTS ? SHARDS : 1;
}

const char *
place_name(struct place at, char buf[16])
{
	if (table_shards(at.table) == 1)
		(void) snprintf(buf, 16, "%s", table_names[at.table]);
	else
		(void) snprintf(buf, 16, "%s.%x", table_names[at.table],
				at.shard & 0xfU);
	return buf;
}

struct bytes
bytes_whole(GBytes *bytes)
{
	gsize len = 0;
	const void *data = bytes != NULL ? g_bytes_get_data(bytes, &len) :
		NULL;

	return bytes_of(data, len);
}

struct store *
txn_store(struct txn *txn)
{
	return txn->store;
}

/* Keys hold numbers and hashes: printable bytes as they are, others in hex. */
enum err_code
record_corrupt(struct place at, struct bytes key, struct err *err)
{
	g_autoptr(GString) shown = g_string_new(NULL);
	const uint8_t *p = key.data;
	char name[16];

	for (size_t i = 0; i < key.len && i < 100; i++)
		if (p[i] > ' ' && p[i] < 0x7f && p[i] != '\\')
			g_string_append_c(shown, (char)p[i]);
		else
			g_string_append_printf(shown, "\\x%02x", p[i]);
	return err_set(err, ERR_CORRUPT,
		       "run \"muster check\"; restore the last backup",
		       "file %s, record %s: not as muster writes it",
		       place_name(at, name), shown->str);
}

static DB *
file_of(const struct txn *txn, struct place at)
{
	assert(at.table < TABLES && at.shard < table_shards(at.table));
	return txn->store->files[at.table][at.shard];
}

/* Berkeley DB writes it. */
static bool
follows(enum table table)
{
	return table == TABLE_HANDLES || table == TABLE_READERS;
}

static DBT
dbt_in(struct bytes bytes)
{
	DBT dbt;

	memset(&dbt, 0, sizeof(dbt));
	/* Berkeley DB takes no const, and does not write to it. */
	dbt.data = (void *)(uintptr_t)bytes.data;
	dbt.size = (uint32_t)bytes.len;
	return dbt;
}

static bool
is_deadlock(int rc)
{
	return rc == DB_LOCK_DEADLOCK || rc == DB_LOCK_NOTGRANTED;
}

/* A reader holds nothing between two calls, so it just asks again. */
static bool
reader_again(const struct txn *txn, int rc, unsigned int *tries)
{
	if (txn->handle != NULL || !is_deadlock(rc) ||
	    ++*tries > READER_TRIES)
		return false;
	g_usleep((gulong)g_random_int_range(1000, 20000));
	return true;
}

static enum err_code
fail(struct txn *txn, int rc, struct place at, const char *verb,
     struct err *err)
{
	char name[16];

	return db_fail(txn->store, txn, rc, err, "file %s: %s",
		       place_name(at, name), verb);
}

static enum err_code
get(struct txn *txn, struct place at, struct bytes key, uint32_t flags,
    GBytes **out, struct err *err)
{
	DB *db = file_of(txn, at);
	DBT k = dbt_in(key), v;
	unsigned int tries = 0;
	int rc;

	store_waits(txn->store, true);
	do {
		memset(&v, 0, sizeof(v));
		v.flags = DB_DBT_MALLOC;
		rc = db->get(db, txn->handle, &k, &v, flags);
	} while (rc != 0 && reader_again(txn, rc, &tries));
	store_waits(txn->store, false);
	if (rc == DB_NOTFOUND) {
		*out = NULL;
		return ERR_OK;
	}
	if (rc != 0)
		return fail(txn, rc, at, "reading", err);
	/* g_free() is free() since GLib 2.46 */
	*out = g_bytes_new_take(v.data, v.size);
	return ERR_OK;
}

static uint32_t
read_flags(const struct txn *txn)
{
	return txn->handle != NULL && txn->relaxed ? DB_READ_COMMITTED : 0;
}

enum err_code
table_get(struct txn *txn, struct place at, struct bytes key, GBytes **out,
	  struct err *err)
{
	return get(txn, at, key, read_flags(txn), out, err);
}

enum err_code
table_lock(struct txn *txn, struct place at, struct bytes key, GBytes **out,
	   struct err *err)
{
	return get(txn, at, key, txn->handle != NULL ? DB_RMW : 0, out, err);
}

static int
put(struct txn *txn, struct place at, DBT *key, DBT *value, uint32_t flags)
{
	DB *db = file_of(txn, at);
	int rc;

	assert(txn->handle != NULL && !follows(at.table));
	store_waits(txn->store, true);
	rc = db->put(db, txn->handle, key, value, flags);
	store_waits(txn->store, false);
	return rc;
}

enum err_code
table_put(struct txn *txn, struct place at, struct bytes key,
	  struct bytes value, struct err *err)
{
	DBT k = dbt_in(key), v = dbt_in(value);
	int rc = put(txn, at, &k, &v, 0);

	return rc == 0 ? ERR_OK : fail(txn, rc, at, "writing", err);
}

enum err_code
table_add(struct txn *txn, struct place at, struct bytes key,
	  struct bytes value, bool *added, struct err *err)
{
	DBT k = dbt_in(key), v = dbt_in(value);
	int rc = put(txn, at, &k, &v, DB_NOOVERWRITE);

	if (rc != 0 && rc != DB_KEYEXIST)
		return fail(txn, rc, at, "writing", err);
	*added = rc == 0;
	return ERR_OK;
}

enum err_code
table_remove(struct txn *txn, struct place at, struct bytes key,
	     bool *removed, struct err *err)
{
	DB *db = file_of(txn, at);
	DBT k = dbt_in(key);
	int rc;

	assert(txn->handle != NULL && !follows(at.table));
	store_waits(txn->store, true);
	rc = db->del(db, txn->handle, &k, 0);
	store_waits(txn->store, false);
	if (rc != 0 && rc != DB_NOTFOUND)
		return fail(txn, rc, at, "removing", err);
	*removed = rc == 0;
	return ERR_OK;
}

static bool
has_prefix(const void *key, size_t len, struct bytes prefix)
{
	return len >= prefix.len &&
		(prefix.len == 0 || memcmp(key, prefix.data, prefix.len) == 0);
}

static int
compare(struct bytes a, struct bytes b)
{
	size_t len = MIN(a.len, b.len);
	int rc = len > 0 ? memcmp(a.data, b.data, len) : 0;

	return rc != 0 ? rc : (a.len > b.len) - (a.len < b.len);
}

static int
remove_with(DBC *dbc, struct bytes prefix, struct bytes end, size_t max,
	    size_t *count)
{
	uint8_t buf[KEY_MAX];
	DBT k = dbt_in(bytes_of(buf, 0)), v = dbt_in(bytes_of(NULL, 0));
	uint32_t flags = DB_SET_RANGE;
	int rc = 0;

	if (prefix.len > 0)
		memcpy(buf, prefix.data, prefix.len);
	k.size = (uint32_t)prefix.len;
	k.ulen = sizeof(buf);
	k.flags = DB_DBT_USERMEM;
	v.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL;	/* no bytes of it */
	for (*count = 0; *count < max; (*count)++, flags = DB_NEXT) {
		rc = dbc->get(dbc, &k, &v, flags | DB_RMW);
		if (rc != 0 || !has_prefix(buf, k.size, prefix) ||
		    (end.data != NULL &&
		     compare(bytes_of(buf, k.size), end) >= 0))
			break;
		rc = dbc->del(dbc, 0);
		if (rc != 0)
			break;
	}
	return rc == DB_NOTFOUND ? 0 : rc;
}

enum err_code
table_remove_range(struct txn *txn, struct place at, struct bytes prefix,
		   struct bytes end, size_t max, size_t *count_out,
		   struct err *err)
{
	DB *db = file_of(txn, at);
	size_t count = 0;
	DBC *dbc;
	int rc, closed;

	assert(txn->handle != NULL && !follows(at.table));
	assert(prefix.len <= KEY_MAX);
	store_waits(txn->store, true);
	rc = db->cursor(db, txn->handle, &dbc, 0);
	if (rc == 0) {
		rc = remove_with(dbc, prefix, end, max, &count);
		closed = dbc->close(dbc);
		rc = rc != 0 ? rc : closed;
	}
	store_waits(txn->store, false);
	if (rc != 0)
		return fail(txn, rc, at, "removing", err);
	if (count_out != NULL)
		*count_out = count;
	return ERR_OK;
}

/*
 * Scans. With SCAN_KEYS the buffer is a run of u32 length and key, since
 * bulk reading knows no partial values (and would fetch the bodies).
 */
struct scan {
	struct txn *txn;
	struct place at;
	unsigned int flags;
	size_t buffer;
	struct bytes prefix;	/* own copy */
	GByteArray *resume;	/* where the next filling begins */
	GByteArray *last;	/* handles only: value of the last pair */
	bool again;		/* handles only: resume was given already */
	struct bytes last_key;	/* given, in the buffer */
	struct bytes last_value;
	bool end;
	GPtrArray *buffers;
	uint8_t *now;		/* the one being read, or NULL */
	void *bulk;		/* Berkeley DB's place in it */
	uint32_t size;		/* SCAN_KEYS: bytes in it, and the place */
	uint32_t done;
};

struct scan *
scan_new(struct txn *txn, struct place at, struct bytes prefix,
	 struct bytes from, size_t buffer, unsigned int flags)
{
	struct scan *scan = g_new0(struct scan, 1);

	scan->txn = txn;
	scan->at = at;
	scan->flags = flags;
	/* multiples of 1024, a page at least: Berkeley DB's own rule */
	scan->buffer = MAX((buffer + 1023) & ~(size_t)1023, PAGE_SIZE);
	scan->prefix = bytes_of(g_memdup2(prefix.data, prefix.len),
				prefix.len);
	scan->resume = g_byte_array_new();
	scan->last = g_byte_array_new();
	if (from.data == NULL || compare(from, prefix) < 0)
		from = prefix;
	put_raw(scan->resume, from.data, from.len);
	scan->buffers = g_ptr_array_new_with_free_func(g_free);
	return scan;
}

void
scan_free(struct scan *scan)
{
	if (scan == NULL)
		return;
	g_free((void *)(uintptr_t)scan->prefix.data);
	g_byte_array_unref(scan->resume);
	g_byte_array_unref(scan->last);
	g_ptr_array_unref(scan->buffers);
	g_free(scan);
}

/* Returns the size that was missing with DB_BUFFER_SMALL. */
static int
fill_bulk(struct scan *scan, DBC *dbc, uint8_t *buf)
{
	DBT k = dbt_in(bytes_buf(scan->resume)), v;
	int rc;

	memset(&v, 0, sizeof(v));
	v.data = buf;
	v.ulen = (uint32_t)scan->buffer;
	v.flags = DB_DBT_USERMEM;
	k.flags = DB_DBT_MALLOC;	/* it returns the key that it found */
	rc = dbc->get(dbc, &k, &v, DB_SET_RANGE | DB_MULTIPLE_KEY);
	if (rc == DB_BUFFER_SMALL)
		scan->buffer = MAX(scan->buffer * 2,
				   ((size_t)v.size + 8191) & ~(size_t)1023);
	if (rc == 0) {
		DB_MULTIPLE_INIT(scan->bulk, &v);
		scan->size = v.ulen;
	}
	if (k.data != scan->resume->data)
		g_free(k.data);
	return rc;
}

static int
fill_keys(struct scan *scan, DBC *dbc, uint8_t *buf)
{
	DBT k = dbt_in(bytes_of(NULL, 0)), v = dbt_in(bytes_of(NULL, 0));
	uint32_t flags = DB_SET_RANGE, len;
	int rc = 0;

	scan->size = 0;
	k.flags = DB_DBT_USERMEM;
	v.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL;
	for (int i = 0; i < KEYS_AT_ONCE; i++, flags = DB_NEXT) {
		if (scan->size + sizeof(len) + KEY_MAX > scan->buffer)
			break;
		k.data = buf + scan->size + sizeof(len);
		k.ulen = KEY_MAX;
		if (flags == DB_SET_RANGE) {
			if (scan->resume->len > 0)
				memcpy(k.data, scan->resume->data,
				       scan->resume->len);
			k.size = scan->resume->len;
		}
		rc = dbc->get(dbc, &k, &v, flags);
		if (rc != 0)
			break;	/* a key over KEY_MAX is none of ours */
		len = k.size;
		memcpy(buf + scan->size, &len, sizeof(len));
		scan->size += (uint32_t)sizeof(len) + len;
		if (!has_prefix(k.data, len, scan->prefix))
			break;
	}
	if (rc == DB_BUFFER_SMALL)
		rc = DB_VERIFY_BAD;
	return rc == DB_NOTFOUND && scan->size > 0 ? 0 : rc;
}

static int
fill_once(struct scan *scan)
{
	DB *db = file_of(scan->txn, scan->at);
	uint8_t *buf = g_malloc(scan->buffer);
	DBC *dbc;
	int rc, closed;

	if ((scan->flags & SCAN_DROP) != 0)
		g_ptr_array_set_size(scan->buffers, 0);
	g_ptr_array_add(scan->buffers, buf);
	rc = db->cursor(db, scan->txn->handle, &dbc,
			read_flags(scan->txn));
	if (rc != 0)
		return rc;
	rc = (scan->flags & SCAN_KEYS) != 0 ? fill_keys(scan, dbc, buf) :
		fill_bulk(scan, dbc, buf);
	closed = dbc->close(dbc);
	scan->now = buf;
	scan->done = 0;
	return rc != 0 ? rc : closed;
}

static enum err_code
fill(struct scan *scan, struct err *err)
{
	unsigned int tries = 0;
	int rc;

	store_waits(scan->txn->store, true);
	do
		rc = fill_once(scan);
	while (rc == DB_BUFFER_SMALL ||
	       (rc != 0 && reader_again(scan->txn, rc, &tries)));
	store_waits(scan->txn->store, false);
	if (rc == DB_NOTFOUND) {
		scan->end = true;
		return ERR_OK;
	}
	return rc == 0 ? ERR_OK :
		fail(scan->txn, rc, scan->at, "reading", err);
}

/* False: the buffer is used up. */
static bool
next_in_buffer(struct scan *scan, struct bytes *key, struct bytes *value)
{
	DBT v = dbt_in(bytes_of(scan->now, scan->size));
	void *k_data, *v_data;
	size_t k_len, v_len;
	uint32_t len;

	if ((scan->flags & SCAN_KEYS) != 0) {
		if (scan->done >= scan->size)
			return false;
		memcpy(&len, scan->now + scan->done, sizeof(len));
		*key = bytes_of(scan->now + scan->done + sizeof(len), len);
		*value = bytes_of(NULL, 0);
		scan->done += (uint32_t)sizeof(len) + len;
		return true;
	}
	v.ulen = scan->size;
	DB_MULTIPLE_KEY_NEXT(scan->bulk, &v, k_data, k_len, v_data, v_len);
	if (scan->bulk == NULL)
		return false;
	*key = bytes_of(k_data, k_len);
	*value = bytes_of(v_data, v_len);
	return true;
}

/* Was this pair given before the buffer was used up? Only handles has more
 * than one record of a key; they are sorted by value. */
static bool
was_given(struct scan *scan, struct bytes key, struct bytes value)
{
	int order;

	if (!scan->again)
		return false;
	order = compare(key, bytes_buf(scan->resume));
	if (order == 0 && compare(value, bytes_buf(scan->last)) <= 0)
		return true;
	scan->again = order == 0;
	return false;
}

/* The next filling begins behind the last pair that was given: at the
 * shortest key that is greater. */
static void
used_up(struct scan *scan)
{
	scan->now = NULL;
	if (scan->last_key.data == NULL) {
		/* Nothing but what was given: that key is done with. It has
		 * as many records as addresses of one list share a handle
		 * of 64 bits, which a buffer holds. */
		put_u8(scan->resume, 0);
		scan->again = false;
		return;
	}
	g_byte_array_set_size(scan->resume, 0);
	put_raw(scan->resume, scan->last_key.data, scan->last_key.len);
	if (scan->at.table == TABLE_HANDLES) {
		g_byte_array_set_size(scan->last, 0);
		put_raw(scan->last, scan->last_value.data,
			scan->last_value.len);
		scan->again = true;
	} else {
		put_u8(scan->resume, 0);
	}
	scan->last_key = bytes_of(NULL, 0);
}

enum err_code
scan_next(struct scan *scan, struct bytes *key_out, struct bytes *value_out,
	  struct err *err)
{
	struct bytes key = { NULL, 0 }, value = { NULL, 0 }, k, v;
	enum err_code rc;

	while (!scan->end) {
		if (scan->now == NULL) {
			rc = fill(scan, err);
			if (rc != ERR_OK)
				return rc;
			continue;
		}
		if (!next_in_buffer(scan, &k, &v)) {
			used_up(scan);
			continue;
		}
		if (was_given(scan, k, v))
			continue;
		scan->end = !has_prefix(k.data, k.len, scan->prefix);
		if (!scan->end) {
			key = scan->last_key = k;
			value = scan->last_value = v;
			break;
		}
	}
	*key_out = key;
	if (value_out != NULL)
		*value_out = value;
	return ERR_OK;
}
