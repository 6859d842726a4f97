/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "db/auto.h"
#include "db/expire.h"
#include "db/inside.h"
#include "db/post.h"
#include "db/table.h"
#include "core/base/banned.h"

void
seen_encode(GByteArray *out, const struct post_id *id, int64_t time_s)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_id(out, id);
	put_u64(out, (uint64_t)time_s);
}

enum err_code
seen_decode(struct place at, struct bytes key, struct bytes value,
	    struct post_id *id, int64_t *time_s, struct err *err)
{
	struct post_id post;
	struct cursor in;
	int64_t time;

	cursor_record(&in, value);
	get_id(&in, &post);
	time = get_time(&in);
	if (!cursor_end(&in) || key.len != SEEN_KEY_LEN)
		return record_corrupt(at, key, err);
	*id = post;
	*time_s = time;
	return ERR_OK;
}

static enum err_code
whose(struct txn *txn, struct place at, struct bytes key,
      struct post_id *id_out, struct err *err)
{
	g_autoptr(GBytes) found = NULL;
	int64_t time_s;
	enum err_code rc = table_get(txn, at, key, &found, err);

	if (rc != ERR_OK)
		return rc;
	return seen_decode(at, key, bytes_whole(found), id_out, &time_s, err);
}

enum err_code
seen_add(struct txn *txn, const uint8_t key[SEEN_KEY_LEN],
	 const struct post_id *id, int64_t now_s, bool *first,
	 struct post_id *id_out, struct err *err)
{
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct place at = place_shard(TABLE_SEEN, key[0]);
	bool added;
	enum err_code rc;

	seen_encode(value, id, now_s);
	rc = table_add(txn, at, bytes_of(key, SEEN_KEY_LEN),
		       bytes_buf(value), &added, err);
	if (rc == ERR_OK && !added)
		rc = whose(txn, at, bytes_of(key, SEEN_KEY_LEN), id_out, err);
	if (rc != ERR_OK)
		return rc;
	*first = added;
	return ERR_OK;
}

enum err_code
seen_has(struct txn *txn, const uint8_t key[SEEN_KEY_LEN], bool *has,
	 struct err *err)
{
	g_autoptr(GBytes) found = NULL;
	enum err_code rc = table_get(txn, place_shard(TABLE_SEEN, key[0]),
				     bytes_of(key, SEEN_KEY_LEN), &found,
				     err);

	if (rc == ERR_OK)
		*has = found != NULL;
	return rc;
}

enum err_code
seen_rested(struct txn *txn, const uint8_t key[SEEN_KEY_LEN],
	    const struct post_id *id, int64_t now_s, int64_t rest_s,
	    bool *rested, struct err *err)
{
	struct bytes name = bytes_of(key, SEEN_KEY_LEN);
	struct place at = place_shard(TABLE_SEEN, key[0]);
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autoptr(GBytes) found = NULL;
	struct post_id last;
	int64_t time_s = 0;
	bool rests;
	enum err_code rc = table_lock(txn, at, name, &found, err);

	if (rc == ERR_OK && found != NULL)
		rc = seen_decode(at, name, bytes_whole(found), &last, &time_s,
				 err);
	if (rc != ERR_OK)
		return rc;
	/* A clock that was set back must not silence us for long. */
	rests = found != NULL && time_s <= now_s && now_s - time_s < rest_s;
	if (!rests) {
		seen_encode(value, id, now_s);
		rc = table_put(txn, at, name, bytes_buf(value), err);
	}
	if (rc == ERR_OK)
		*rested = !rests;
	return rc;
}

static enum err_code
seen_is_old(struct place at, struct bytes key, struct bytes value,
	    int64_t before, bool *old, struct err *err)
{
	struct post_id id;
	int64_t time_s;
	enum err_code rc = seen_decode(at, key, value, &id, &time_s, err);

	if (rc == ERR_OK)
		*old = time_s < before;
	return rc;
}

enum err_code
seen_expire(struct store *store, int64_t before_s, struct err *err)
{
	return expire(store, TABLE_SEEN, 0, seen_is_old, before_s, err);
}
