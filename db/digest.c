/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/digest.h"

#include <stdio.h>
#include <string.h>

#include "db/auto.h"
#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

#define DIGESTS place_of(TABLE_DIGESTS)
#define SCAN_SIZE (16 * 1024)

uint64_t
digest_position(const struct digest *digest)
{
	return (uint64_t)digest->issue << 32 | digest->number;
}

/* --- records ------------------------------------------------------------ */

void
digest_key(GByteArray *out, uint32_t list)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, DIGEST_STATE);
	put_u32(out, list);
}

void
digest_post_key(GByteArray *out, uint32_t list, uint32_t issue,
		uint32_t number)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, DIGEST_POST);
	put_u32(out, list);
	put_u32(out, issue);
	put_u32(out, number);
}

static void
digest_encode(GByteArray *out, const struct digest *digest)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_u32(out, digest->issue);
	put_u32(out, digest->number);
	put_u32(out, digest->volume);
	put_u32(out, digest->volume_issue);
	put_u64(out, (uint64_t)digest->opened_s);
	put_u32(out, digest->posts);
	put_u64(out, digest->bytes);
	put_text(out, digest->period);
}

enum err_code
digest_decode(struct bytes key, struct bytes value, struct digest *out,
	      struct err *err)
{
	struct digest digest = { 0 };
	struct cursor k, v;
	const char *period;
	uint8_t kind;

	cursor_init(&k, key);
	cursor_record(&v, value);
	kind = get_u8(&k);
	digest.list = get_u32(&k);
	digest.issue = get_u32(&v);
	digest.number = get_u32(&v);
	digest.volume = get_u32(&v);
	digest.volume_issue = get_u32(&v);
	digest.opened_s = get_time(&v);
	digest.posts = get_u32(&v);
	digest.bytes = get_u64(&v);
	period = get_text(&v);
	if (kind != DIGEST_STATE || !cursor_end(&k) || !cursor_end(&v) ||
	    digest.issue == 0 || strlen(period) >= sizeof(digest.period))
		return record_corrupt(DIGESTS, key, err);
	(void) g_strlcpy(digest.period, period, sizeof(digest.period));
	*out = digest;
	return ERR_OK;
}

void
digest_post_encode(GByteArray *out, const struct post_id *post)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_id(out, post);
}

enum err_code
digest_post_decode(struct bytes key, struct bytes value,
		   struct digest_post *out, struct err *err)
{
	struct cursor k, v;
	uint8_t kind;

	cursor_init(&k, key);
	cursor_record(&v, value);
	kind = get_u8(&k);
	out->list = get_u32(&k);
	out->issue = get_u32(&k);
	out->number = get_u32(&k);
	get_id(&v, &out->post);
	if (kind != DIGEST_POST || !cursor_end(&k) || !cursor_end(&v))
		return record_corrupt(DIGESTS, key, err);
	return ERR_OK;
}

/* --- the issues of a list ----------------------------------------------- */

static enum err_code
read_state(struct txn *txn, uint32_t list, bool to_change,
	   struct digest *out, bool *found, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) value = NULL;
	enum err_code rc;

	digest_key(key, list);
	rc = to_change ?
		table_lock(txn, DIGESTS, bytes_buf(key), &value, err) :
		table_get(txn, DIGESTS, bytes_buf(key), &value, err);
	if (rc != ERR_OK)
		return rc;
	*found = value != NULL;
	*out = (struct digest){ .list = list, .issue = 1 };
	return value == NULL ? ERR_OK :
		digest_decode(bytes_buf(key), bytes_whole(value), out, err);
}

enum err_code
digest_get(struct txn *txn, uint32_t list, struct digest *out, bool *found,
	   struct err *err)
{
	return read_state(txn, list, false, out, found, err);
}

enum err_code
digest_lock(struct txn *txn, uint32_t list, struct digest *out, bool *found,
	    struct err *err)
{
	return read_state(txn, list, true, out, found, err);
}

enum err_code
digest_put(struct txn *txn, const struct digest *digest, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();

	digest_key(key, digest->list);
	digest_encode(value, digest);
	return table_put(txn, DIGESTS, bytes_buf(key), bytes_buf(value),
			 err);
}

enum err_code
digest_next(struct txn *txn, uint32_t after, struct digest *out, bool *found,
	    struct err *err)
{
	static const uint8_t kind = DIGEST_STATE;
	g_autoptr(GByteArray) from = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	enum err_code rc;

	*found = false;
	if (after == UINT32_MAX)
		return ERR_OK;
	digest_key(from, after + 1);
	scan = scan_new(txn, DIGESTS, bytes_of(&kind, 1), bytes_buf(from),
			4096, 0);
	rc = scan_next(scan, &key, &value, err);
	if (rc != ERR_OK || key.data == NULL)
		return rc;
	*found = true;
	return digest_decode(key, value, out, err);
}

enum err_code
digest_turn(struct txn *txn, struct digest *digest, struct err *err)
{
	if (digest->issue == UINT32_MAX)
		return err_set(err, ERR_INVALID, "dump it and load the dump "
			       "into a fresh home", "no number of an issue "
			       "is left");
	digest->issue++;
	digest->number = 0;
	digest->posts = 0;
	digest->bytes = 0;
	digest->opened_s = 0;
	return digest_put(txn, digest, err);
}

/* --- posts -------------------------------------------------------------- */

enum err_code
digest_add(struct txn *txn, struct digest *digest, const struct post_id *post,
	   uint64_t size, int64_t now_s, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	enum err_code rc;

	digest->number++;
	if (digest->posts == 0)
		digest->opened_s = now_s;
	digest->posts++;
	digest->bytes += size;
	digest_post_key(key, digest->list, digest->issue, digest->number);
	digest_post_encode(value, post);
	rc = table_put(txn, DIGESTS, bytes_buf(key), bytes_buf(value), err);
	if (rc == ERR_OK)
		rc = post_hold(txn, post, 1, err);
	return rc == ERR_OK ? digest_put(txn, digest, err) : rc;
}

/* The key of the posts of an issue, without their numbers. */
static GByteArray *
issue_prefix(uint32_t list, uint32_t issue)
{
	GByteArray *key = g_byte_array_new();

	digest_post_key(key, list, issue, 0);
	g_byte_array_set_size(key, key->len - (guint)sizeof(uint32_t));
	return key;
}

static enum err_code
read_posts(struct txn *txn, struct bytes prefix, size_t most, GArray *posts,
	   struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(txn, DIGESTS, prefix,
					  bytes_of(NULL, 0), SCAN_SIZE,
					  SCAN_DROP);
	struct bytes key, value;
	struct digest_post one;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL && posts->len < most) {
		rc = digest_post_decode(key, value, &one, err);
		if (rc != ERR_OK)
			return rc;
		g_array_append_val(posts, one);
	}
	return rc;
}

enum err_code
digest_posts(struct txn *txn, uint32_t list, uint32_t issue, GArray **out,
	     struct err *err)
{
	g_autoptr(GByteArray) prefix = issue_prefix(list, issue);
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE,
					    sizeof(struct digest_post));
	GArray *ids;
	enum err_code rc = read_posts(txn, bytes_buf(prefix), SIZE_MAX, all,
				      err);

	if (rc != ERR_OK)
		return rc;
	ids = g_array_new(FALSE, FALSE, sizeof(struct post_id));
	for (guint i = 0; i < all->len; i++)
		g_array_append_val(ids, g_array_index(
				   all, struct digest_post, i).post);
	*out = ids;
	return ERR_OK;
}

static enum err_code
remove_posts(struct txn *txn, const GArray *posts, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	bool removed;
	enum err_code rc = ERR_OK;

	for (guint i = 0; rc == ERR_OK && i < posts->len; i++) {
		const struct digest_post *one = &g_array_index(
			posts, struct digest_post, i);

		digest_post_key(key, one->list, one->issue, one->number);
		rc = table_remove(txn, DIGESTS, bytes_buf(key), &removed,
				  err);
		if (rc == ERR_OK && removed)
			rc = post_release(txn, &one->post, 1, err);
	}
	return rc;
}

enum err_code
digest_remove(struct txn *txn, uint32_t list, uint32_t issue,
	      struct err *err)
{
	g_autoptr(GByteArray) prefix = issue_prefix(list, issue);
	g_autoptr(GArray) posts = g_array_new(FALSE, FALSE,
					      sizeof(struct digest_post));
	enum err_code rc = read_posts(txn, bytes_buf(prefix), SIZE_MAX,
				      posts, err);

	return rc == ERR_OK ? remove_posts(txn, posts, err) : rc;
}

enum err_code
digest_purge(struct txn *txn, uint32_t list, size_t max, size_t *count_out,
	     struct err *err)
{
	g_autoptr(GByteArray) key = issue_prefix(list, 0);
	g_autoptr(GArray) posts = g_array_new(FALSE, FALSE,
					      sizeof(struct digest_post));
	bool removed;
	enum err_code rc;

	g_byte_array_set_size(key, key->len - (guint)sizeof(uint32_t));
	rc = read_posts(txn, bytes_buf(key), max, posts, err);
	if (rc == ERR_OK)
		rc = remove_posts(txn, posts, err);
	if (rc != ERR_OK)
		return rc;
	*count_out = posts->len;
	digest_key(key, list);
	return table_remove(txn, DIGESTS, bytes_buf(key), &removed, err);
}

/* --- orders ------------------------------------------------------------- */

static bool
is_digest(enum delivery_mode delivery)
{
	return delivery == DELIVERY_DIGEST ||
		delivery == DELIVERY_DIGEST_PLAIN;
}

bool
digest_is_order(const struct job *job)
{
	return is_digest(job->delivery) &&
		(job->stage == STAGE_PENDING ||
		 (job->stage == STAGE_SHUNTED && job->was == STAGE_PENDING));
}

char *
digest_order_text(const struct digest_order *order)
{
	return g_strdup_printf("%u %u %u %s%s", order->issue, order->volume,
			       order->volume_issue, order->mime ? "m" : "",
			       order->plain ? "p" : "");
}

bool
digest_order_read(const struct job *job, struct digest_order *out)
{
	g_auto(GStrv) words = g_strsplit(job->detail, " ", 5);
	uint32_t *const numbers[] = { &out->issue, &out->volume,
				      &out->volume_issue };
	guint64 number;

	if (!digest_is_order(job) || g_strv_length(words) != 4)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (!g_ascii_string_to_unsigned(words[i], 10, 0, UINT32_MAX,
						&number, NULL))
			return false;
		*numbers[i] = (uint32_t)number;
	}
	out->mime = strchr(words[3], 'm') != NULL;
	out->plain = strchr(words[3], 'p') != NULL;
	return true;
}

enum err_code
digest_forget(struct txn *txn, const struct job *job, struct err *err)
{
	struct digest_order order;

	return digest_order_read(job, &order) ?
		digest_remove(txn, job->list, order.issue, err) : ERR_OK;
}
