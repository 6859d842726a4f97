/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/surge.h"

#include <string.h>

#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

#define META place_of(TABLE_META)

static void
surge_key(GByteArray *out, uint32_t list)
{
	put_raw(out, SURGE_PREFIX, strlen(SURGE_PREFIX));
	put_u32(out, list);
}

static void
surge_encode(GByteArray *out, const struct surge *surge)
{
	put_u8(out, RECORD_VERSION);
	put_u64(out, (uint64_t)surge->since_s);
	put_u32(out, surge->count);
	put_u32(out, surge->before);
	put_u64(out, surge->members);
	put_u64(out, (uint64_t)surge->until_s);
	put_u64(out, (uint64_t)surge->from_s);
}

bool
surge_decode(struct bytes value, struct surge *out)
{
	struct cursor in;

	cursor_record(&in, value);
	out->since_s = get_time(&in);
	out->count = get_u32(&in);
	out->before = get_u32(&in);
	out->members = (uint64_t)get_time(&in);
	out->until_s = get_time(&in);
	out->from_s = get_time(&in);
	return cursor_end(&in);
}

enum err_code
surge_get(struct txn *txn, uint32_t list, struct surge *out,
	  struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) found = NULL;
	enum err_code rc;

	surge_key(key, list);
	rc = txn == store_reader(txn_store(txn)) ?
		table_get(txn, META, bytes_buf(key), &found, err) :
		table_lock(txn, META, bytes_buf(key), &found, err);
	if (rc != ERR_OK)
		return rc;
	*out = (struct surge){ 0 };
	if (found != NULL && !surge_decode(bytes_whole(found), out))
		return record_corrupt(META, bytes_buf(key), err);
	return ERR_OK;
}

enum err_code
surge_put(struct txn *txn, uint32_t list, const struct surge *surge,
	  struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();

	surge_key(key, list);
	surge_encode(value, surge);
	return table_put(txn, META, bytes_buf(key), bytes_buf(value), err);
}

enum err_code
surge_remove(struct txn *txn, uint32_t list, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	bool removed;

	surge_key(key, list);
	return table_remove(txn, META, bytes_buf(key), &removed, err);
}
