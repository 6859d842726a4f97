/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/number.h"

#include <string.h>

#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

#define META place_of(TABLE_META)

static GByteArray *
number_key(uint32_t list)
{
	GByteArray *key = g_byte_array_new();

	put_raw(key, NUMBER_PREFIX, strlen(NUMBER_PREFIX));
	put_u32(key, list);
	return key;
}

bool
number_decode(struct bytes value, uint64_t *out)
{
	struct cursor in;

	cursor_record(&in, value);
	*out = (uint64_t)get_time(&in);
	return cursor_end(&in);
}

static enum err_code
read_number(GByteArray *key, GBytes *found, uint64_t *out, struct err *err)
{
	*out = 0;
	return found == NULL || number_decode(bytes_whole(found), out) ?
		ERR_OK : record_corrupt(META, bytes_buf(key), err);
}

enum err_code
number_last(struct txn *txn, uint32_t list, uint64_t *out, struct err *err)
{
	g_autoptr(GByteArray) key = number_key(list);
	g_autoptr(GBytes) found = NULL;
	enum err_code rc = table_get(txn, META, bytes_buf(key), &found, err);

	return rc == ERR_OK ? read_number(key, found, out, err) : rc;
}

enum err_code
number_put(struct txn *txn, uint32_t list, uint64_t number, struct err *err)
{
	g_autoptr(GByteArray) key = number_key(list);
	g_autoptr(GByteArray) value = record_new();

	put_u64(value, number);
	return table_put(txn, META, bytes_buf(key), bytes_buf(value), err);
}

enum err_code
number_next(struct txn *txn, uint32_t list, uint64_t *out, struct err *err)
{
	g_autoptr(GByteArray) key = number_key(list);
	g_autoptr(GBytes) found = NULL;
	enum err_code rc = table_lock(txn, META, bytes_buf(key), &found, err);

	if (rc == ERR_OK)
		rc = read_number(key, found, out, err);
	if (rc != ERR_OK)
		return rc;
	++*out;
	return number_put(txn, list, *out, err);
}

enum err_code
number_remove(struct txn *txn, uint32_t list, struct err *err)
{
	g_autoptr(GByteArray) key = number_key(list);
	bool removed;

	return table_remove(txn, META, bytes_buf(key), &removed, err);
}
