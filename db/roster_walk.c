/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "db/auto.h"
#include "db/inside.h"
#include "db/roster.h"
#include "db/table.h"
#include "core/base/banned.h"

/* The roster in large pieces: batches for delivery, counts, imports. */

#define MEMBERS place_of(TABLE_MEMBERS)
#define MEMBER_SIZE 160		/* of most records, with their key */
#define IMPORT_ROOM 4096	/* a page each, and its log, at the worst */
#define BUFFER_LEAST (16 * 1024)
#define BUFFER_MOST (1024 * 1024)
#define EACH_BATCH 2000

static struct scan *
scan_from(struct store *store, uint32_t list, const char *after,
	  bool with_it, size_t buffer, unsigned int flags)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(GByteArray) from = g_byte_array_new();

	put_u32(prefix, list);
	member_key(from, list, after);
	if (!with_it)
		put_u8(from, 0);	/* the shortest key behind it */
	return scan_new(store_reader(store), MEMBERS, bytes_buf(prefix),
			bytes_buf(from), buffer, flags);
}

static enum err_code
next_entry(struct scan *scan, struct roster_entry *out, bool *end,
	   struct err *err)
{
	struct bytes key, value;
	uint32_t list;
	enum err_code rc = scan_next(scan, &key, &value, err);

	if (rc != ERR_OK)
		return rc;
	*end = key.data == NULL;
	if (!*end && !member_read(key, value, &list, out))
		return record_corrupt(MEMBERS, key, err);
	return ERR_OK;
}

static enum err_code
read_batch(struct store *store, uint32_t list, const char *after,
	   bool with_it, size_t max, struct roster_batch *out,
	   struct err *err)
{
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE,
						sizeof(struct roster_entry));
	size_t buffer = CLAMP(MIN(max, BUFFER_MOST) * MEMBER_SIZE,
			      BUFFER_LEAST, BUFFER_MOST);
	g_autoptr(scan_t) scan = scan_from(store, list, after, with_it,
					   buffer, 0);
	struct roster_entry entry;
	bool end = false;
	enum err_code rc;

	/* one more than max is looked at, to know whether it is the end */
	while (entries->len <= max) {
		rc = next_entry(scan, &entry, &end, err);
		if (rc != ERR_OK)
			return rc;
		if (end)
			break;
		g_array_append_val(entries, entry);
	}
	out->count = MIN(entries->len, max);
	out->end = end;
	out->entries = (struct roster_entry *)(void *)
		g_array_free(g_steal_pointer(&entries), FALSE);
	out->memory = g_steal_pointer(&scan);
	return ERR_OK;
}

enum err_code
roster_batch(struct store *store, uint32_t list, const char *after,
	     size_t max, struct roster_batch *out, struct err *err)
{
	return read_batch(store, list, after, false, max, out, err);
}

enum err_code
roster_batch_from(struct store *store, uint32_t list, const char *first,
		  size_t max, struct roster_batch *out, struct err *err)
{
	return read_batch(store, list, first, true, max, out, err);
}

void
roster_batch_done(struct roster_batch *batch)
{
	g_free(batch->entries);
	scan_free(batch->memory);
	memset(batch, 0, sizeof(*batch));
}

/* Until one() has seen enough: is there more? */
static bool
each_of_batch(const struct roster_batch *batch, roster_one one, void *arg)
{
	for (size_t i = 0; i < batch->count; i++)
		if (!one(arg, &batch->entries[i]))
			return false;
	return !batch->end && batch->count > 0;
}

enum err_code
roster_each(struct store *store, uint32_t list, roster_one one, void *arg,
	    struct err *err)
{
	g_autofree char *after = g_strdup("");
	struct roster_batch batch;
	bool more = true;
	enum err_code rc;

	while (more) {
		rc = roster_batch(store, list, after, EACH_BATCH, &batch, err);
		if (rc != ERR_OK)
			return rc;
		more = each_of_batch(&batch, one, arg);
		if (more) {
			g_free(after);
			after = g_strdup(batch.entries[batch.count - 1].key);
		}
		roster_batch_done(&batch);
	}
	return ERR_OK;
}

enum err_code
roster_count(struct store *store, uint32_t list, uint64_t *out,
	     uint64_t *off_out, struct err *err)
{
	g_autoptr(scan_t) scan = scan_from(store, list, "", false, BUFFER_MOST,
					 SCAN_DROP);
	struct roster_entry entry;
	uint64_t count = 0, off = 0;
	bool end;
	enum err_code rc;

	while ((rc = next_entry(scan, &entry, &end, err)) == ERR_OK && !end) {
		count++;
		off += entry.delivery == DELIVERY_OFF ? 1 : 0;
	}
	if (rc != ERR_OK)
		return rc;
	*out = count;
	if (off_out != NULL)
		*off_out = off;
	return ERR_OK;
}

enum err_code
roster_ranks(struct store *store, uint32_t list, enum delivery_mode delivery,
	     const char *const *keys,
	     size_t count, uint64_t *ranks_out, uint64_t *all_out,
	     struct err *err)
{
	g_autoptr(scan_t) scan = scan_from(store, list, "", false, BUFFER_MOST,
					 SCAN_DROP);
	struct roster_entry entry;
	uint64_t rank = 0;
	size_t at = 0;
	bool end;
	enum err_code rc;

	while ((rc = next_entry(scan, &entry, &end, err)) == ERR_OK && !end) {
		while (at < count && strcmp(keys[at], entry.key) < 0)
			ranks_out[at++] = rank;
		rank += entry.delivery == delivery ? 1 : 0;
	}
	if (rc != ERR_OK)
		return rc;
	while (at < count)
		ranks_out[at++] = rank;
	*all_out = rank;
	return ERR_OK;
}

/*
 * Imports. The keys are made once, before the transaction (it may run more
 * than once), and put in in their order: neighbours share a page.
 */
struct import_row {
	uint32_t key_at, key_len, value_at, value_len;
	size_t index;		/* in the caller's array */
	const uint8_t *key;	/* for the sort */
};

struct import {
	struct import_row *rows;
	size_t count;
	GByteArray *bytes;
	bool *added;		/* may be NULL */
};

static int
row_order(const void *left, const void *right)
{
	const struct import_row *a = left, *b = right;
	int rc = memcmp(a->key, b->key, MIN(a->key_len, b->key_len));

	if (rc != 0)
		return rc;
	if (a->key_len != b->key_len)
		return a->key_len < b->key_len ? -1 : 1;
	/* of two that are the same address, the first is added */
	return (a->index > b->index) - (a->index < b->index);
}

static enum err_code
import_prepare(struct import *import, uint32_t list,
	       struct member *const *members, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	enum err_code rc;

	for (size_t i = 0; i < import->count; i++) {
		struct import_row *row = &import->rows[i];

		rc = member_prepare(list, members[i], key, value, err);
		if (rc != ERR_OK)
			return rc;
		row->index = i;
		row->key_at = import->bytes->len;
		row->key_len = key->len;
		put_raw(import->bytes, key->data, key->len);
		row->value_at = import->bytes->len;
		row->value_len = value->len;
		put_raw(import->bytes, value->data, value->len);
	}
	for (size_t i = 0; i < import->count; i++)
		import->rows[i].key = import->bytes->data +
			import->rows[i].key_at;
	qsort(import->rows, import->count, sizeof(*import->rows), row_order);
	return ERR_OK;
}

static enum err_code
import_body(struct txn *txn, void *arg, struct err *err)
{
	struct import *import = arg;
	bool added;
	enum err_code rc;

	for (size_t i = 0; i < import->count; i++) {
		const struct import_row *row = &import->rows[i];

		rc = table_add(txn, MEMBERS, bytes_of(row->key, row->key_len),
			       bytes_of(import->bytes->data + row->value_at,
					row->value_len), &added, err);
		if (rc != ERR_OK)
			return rc;
		if (import->added != NULL)
			import->added[row->index] = added;
	}
	return ERR_OK;
}

enum err_code
roster_import(struct store *store, uint32_t list,
	      struct member *const *members, size_t count, bool *added,
	      struct err *err)
{
	g_autofree struct import_row *rows = g_new0(struct import_row, count);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	struct import import = { rows, count, bytes, added };
	enum err_code rc = store_room(store, count * IMPORT_ROOM, err);

	if (rc == ERR_OK)
		rc = import_prepare(&import, list, members, err);
	if (rc != ERR_OK)
		return rc;
	return store_txn(store, TXN_DURABLE, import_body, &import, err);
}
