/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/rate.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/mail/verp.h"
#include "db/auto.h"
#include "db/expire.h"
#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

/*
 * One record a post and author, in the file of the post's id. Keys begin
 * with list and hour, so that a window is one range of each file; within the
 * hour they are as random as ids, so that the commits of a busy list do not
 * all meet on the last page, as they would behind an exact time. The hour
 * costs the reader at most one hour of records too many.
 *
 * A second record below the author would count him without reading the rest
 * of the list; but every post would pay for it, in the transaction that a
 * sender waits for, and few lists ask.
 */
#define HOUR_MS (60 * 60 * 1000)
#define SCAN_SIZE (16 * 1024)

static uint32_t
hour_of(int64_t time_ms)
{
	return (uint32_t)CLAMP(time_ms / HOUR_MS, 0, UINT32_MAX);
}

struct place
rate_key(GByteArray *out, const struct rate_view *rate)
{
	g_byte_array_set_size(out, 0);
	put_u32(out, rate->list);
	put_u32(out, hour_of(rate->time_ms));
	put_id(out, &rate->id);
	put_raw(out, rate->author, sizeof(rate->author));
	return place_shard(TABLE_RATES, rate->id.bytes[0]);
}

void
rate_encode(GByteArray *out, int64_t time_ms)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_u64(out, (uint64_t)time_ms);
}

enum err_code
rate_decode(struct place at, struct bytes key, struct bytes value,
	    struct rate_view *out, struct err *err)
{
	const void *author;
	struct cursor k, v;

	cursor_init(&k, key);
	cursor_record(&v, value);
	out->list = get_u32(&k);
	(void) get_u32(&k);	/* the hour follows from the time */
	get_id(&k, &out->id);
	author = get_raw(&k, sizeof(out->author));
	out->time_ms = get_time(&v);
	if (author == NULL || !cursor_end(&k) || !cursor_end(&v))
		return record_corrupt(at, key, err);
	memcpy(out->author, author, sizeof(out->author));
	return ERR_OK;
}

enum err_code
rate_add(struct txn *txn, uint32_t list, const char *author, int64_t time_ms,
	 const struct post_id *post, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct rate_view rate = {
		.list = list, .id = *post, .time_ms = MAX(time_ms, 0),
	};
	struct place at;

	member_handle(author, rate.author);
	at = rate_key(key, &rate);
	rate_encode(value, rate.time_ms);
	return table_put(txn, at, bytes_buf(key), bytes_buf(value), err);
}

struct count {
	struct txn *txn;
	uint32_t list;
	bool of_author;
	uint8_t author[MEMBER_HANDLE_LEN];
	int64_t since_ms, until_ms;
	uint64_t most;
	GHashTable *posts;	/* struct post_id; a post is in one file, but
				 * may be there for several authors */
};

static bool
counts(const struct count *count, const struct rate_view *rate)
{
	return rate->time_ms >= count->since_ms &&
		rate->time_ms <= count->until_ms &&
		(!count->of_author ||
		 memcmp(rate->author, count->author,
			sizeof(rate->author)) == 0);
}

static enum err_code
count_file(const struct count *count, struct place at, struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(GByteArray) from = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct rate_view rate;
	struct bytes key, value;
	enum err_code rc = ERR_OK;

	put_u32(prefix, count->list);
	put_u32(from, count->list);
	put_u32(from, hour_of(count->since_ms));
	scan = scan_new(count->txn, at, bytes_buf(prefix), bytes_buf(from),
			SCAN_SIZE, SCAN_DROP);
	while (g_hash_table_size(count->posts) < count->most) {
		rc = scan_next(scan, &key, &value, err);
		if (rc != ERR_OK || key.data == NULL)
			break;
		rc = rate_decode(at, key, value, &rate, err);
		if (rc != ERR_OK || hour_of(rate.time_ms) >
		    hour_of(count->until_ms))
			break;
		if (counts(count, &rate))
			g_hash_table_add(count->posts,
					 g_memdup2(&rate.id, POST_ID_LEN));
	}
	return rc;
}

static enum err_code
count_files(struct count *count, uint64_t *out, struct err *err)
{
	g_autoptr(GHashTable) posts = g_hash_table_new_full(
		post_id_hash, post_id_equal, g_free, NULL);
	enum err_code rc = ERR_OK;

	count->posts = posts;
	for (unsigned int i = 0; rc == ERR_OK && i < SHARDS; i++)
		rc = count_file(count, (struct place){ TABLE_RATES, i }, err);
	if (rc == ERR_OK)
		*out = g_hash_table_size(posts);
	return rc;
}

enum err_code
rate_count(struct txn *txn, uint32_t list, const char *author,
	   int64_t since_ms, uint64_t most, uint64_t *out, struct err *err)
{
	struct count count = {
		.txn = txn, .list = list, .of_author = author != NULL,
		.since_ms = since_ms, .most = most,
		/* What is dated later was counted before the clock was
		 * set back. */
		.until_ms = clock_ms(),
	};

	if (author != NULL)
		member_handle(author, count.author);
	return count_files(&count, out, err);
}

enum err_code
rate_count_until(struct txn *txn, uint32_t list, int64_t since_ms,
		 int64_t until_ms, uint64_t most, uint64_t *out,
		 struct err *err)
{
	struct count count = {
		.txn = txn, .list = list, .since_ms = since_ms,
		.until_ms = until_ms - 1, .most = most,
	};

	if (since_ms < until_ms)
		return count_files(&count, out, err);
	*out = 0;
	return ERR_OK;
}

static enum err_code
rate_is_old(struct place at, struct bytes key, struct bytes value,
	    int64_t before, bool *old, struct err *err)
{
	struct rate_view rate;
	enum err_code rc = rate_decode(at, key, value, &rate, err);

	if (rc == ERR_OK)
		*old = rate.time_ms < before;
	return rc;
}

enum err_code
rate_expire(struct store *store, int64_t before_ms, struct err *err)
{
	return expire(store, TABLE_RATES, 0, rate_is_old, before_ms, err);
}
