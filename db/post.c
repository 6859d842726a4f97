/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/post.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "db/auto.h"
#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

G_STATIC_ASSERT(POST_HEAD_MAX == PIECE_MAX);

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

void
post_id_new(struct post_id *out)
{
	/* up to 256 bytes come whole and never fail (getrandom(2)) */
	if (getrandom(out->bytes, POST_ID_LEN, 0) != POST_ID_LEN)
		g_error("no random bytes from the kernel");
}

void
post_id_text(const struct post_id *id, char out[POST_ID_TEXT + 1])
{
	uint32_t bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < POST_ID_LEN; i++) {
		bits = bits << 8 | id->bytes[i];
		for (have += 8; have >= 5; have -= 5)
			out[n++] = base32[bits >> (have - 5) & 31];
	}
	out[n++] = base32[bits << (5 - have) & 31];
	out[n] = '\0';
}

bool
post_id_parse(const char *text, struct post_id *out)
{
	struct post_id id;
	uint32_t bits = 0, have = 0;
	size_t n = 0;

	if (strlen(text) != POST_ID_TEXT)
		return false;
	for (; *text != '\0'; text++) {
		const char *at = strchr(base32, g_ascii_tolower(*text));

		if (at == NULL)
			return false;
		bits = bits << 5 | (uint32_t)(at - base32);
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		id.bytes[n++] = (uint8_t)(bits >> have);
	}
	if ((bits & ((1U << have) - 1)) != 0)
		return false;	/* one text an id: the spare bits are 0 */
	*out = id;
	return true;
}

guint
post_id_hash(const void *id)
{
	guint hash;

	memcpy(&hash, id, sizeof(hash));	/* random bytes */
	return hash;
}

gboolean
post_id_equal(const void *a, const void *b)
{
	return memcmp(a, b, POST_ID_LEN) == 0;
}

void
post_free(struct post *post)
{
	if (post == NULL)
		return;
	g_free(post->sender);
	g_free(post->qid);
	g_free(post->message_id);
	g_free(post->door);
	g_free(post->client);
	g_free(post->helo);
	g_free(post->auth);
	g_free(post->author);
	g_free(post->evidence);
	g_free(post);
}

struct place
post_place(const struct post_id *id)
{
	return place_shard(TABLE_POSTS, id->bytes[0]);
}

void
post_key(GByteArray *out, const struct post_id *id, enum post_kind kind)
{
	g_byte_array_set_size(out, 0);
	put_id(out, id);
	put_u8(out, (uint8_t)kind);
}

/* Cut evidence could not be read, or, worse, say something else. */
static const char *
evidence_that_fits(const char *evidence)
{
	return evidence != NULL && strlen(evidence) <= TEXT_LONGEST &&
		g_utf8_validate(evidence, -1, NULL) ? evidence : "";
}

void
post_encode(GByteArray *out, const struct post *post)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, POST_VERSION);
	put_u64(out, (uint64_t)post->received_s);
	put_u64(out, post->size);
	put_u32(out, post->jobs);
	put_text(out, post->sender);
	put_text(out, post->qid);
	put_text(out, post->message_id);
	put_text(out, post->door);
	put_text(out, post->client);
	put_text(out, post->helo);
	put_text(out, post->auth);
	put_text(out, post->author);
	put_text(out, evidence_that_fits(post->evidence));
}

enum err_code
post_decode(struct bytes key, struct bytes value, struct post **out,
	    struct err *err)
{
	g_autoptr(post_t) post = g_new0(struct post, 1);
	struct cursor k, v;
	uint8_t version;
	bool right;

	cursor_init(&k, key);
	version = cursor_version(&v, value, POST_VERSION);
	get_id(&k, &post->id);
	right = get_u8(&k) == POST_META && cursor_end(&k);
	post->received_s = get_time(&v);
	post->size = get_u64(&v);
	post->jobs = get_u32(&v);
	post->sender = g_strdup(get_text(&v));
	post->qid = g_strdup(get_text(&v));
	post->message_id = g_strdup(get_text(&v));
	post->door = g_strdup(get_text(&v));
	post->client = g_strdup(get_text(&v));
	post->helo = g_strdup(get_text(&v));
	post->auth = g_strdup(get_text(&v));
	post->author = g_strdup(get_text(&v));
	post->evidence = g_strdup(version > 1 ? get_text(&v) : "");
	if (!right || !cursor_end(&v))
		return record_corrupt(post_place(&post->id), key, err);
	*out = g_steal_pointer(&post);
	return ERR_OK;
}

/* Exactly this many bytes from offset, however many reads it takes. */
static enum err_code
read_piece(int fd, uint8_t *buf, size_t len, uint64_t offset,
	   struct err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "", "reading the post");
		if (n == 0)
			return err_set(err, ERR_INVALID, "", "the post has "
				       "fewer bytes than were announced");
		done += (size_t)n;
	}
	return ERR_OK;
}

static enum err_code
put_bytes(struct txn *txn, const struct post *post, int fd, struct err *err)
{
	g_autofree uint8_t *buf = g_malloc(PIECE_MAX);
	g_autoptr(GByteArray) key = g_byte_array_new();
	uint32_t number = 0;
	enum err_code rc;

	post_key(key, &post->id, POST_BODY);
	for (uint64_t at = 0; at < post->size; at += PIECE_MAX, number++) {
		size_t len = (size_t)MIN(post->size - at, PIECE_MAX);

		rc = read_piece(fd, buf, len, at, err);
		if (rc != ERR_OK)
			return rc;
		piece_key(key, POST_ID_LEN + 1, number);
		rc = table_put(txn, post_place(&post->id), bytes_buf(key),
			       bytes_of(buf, len), err);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
put_meta(struct txn *txn, const struct post *post, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();

	post_key(key, &post->id, POST_META);
	post_encode(value, post);
	return table_put(txn, post_place(&post->id), bytes_buf(key),
			 bytes_buf(value), err);
}

enum err_code
post_put(struct txn *txn, const struct post *post, int fd, struct err *err)
{
	enum err_code rc = put_meta(txn, post, err);

	return rc == ERR_OK ? put_bytes(txn, post, fd, err) : rc;
}

static enum err_code
get_meta(struct txn *txn, const struct post_id *id, bool to_change,
	 struct post **out, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) found = NULL;
	enum err_code rc;

	post_key(key, id, POST_META);
	rc = to_change ?
		table_lock(txn, post_place(id), bytes_buf(key), &found, err) :
		table_get(txn, post_place(id), bytes_buf(key), &found, err);
	if (rc != ERR_OK)
		return rc;
	if (found == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	return post_decode(bytes_buf(key), bytes_whole(found), out, err);
}

enum err_code
post_get(struct txn *txn, const struct post_id *id, struct post **out,
	 struct err *err)
{
	return get_meta(txn, id, false, out, err);
}

enum err_code
post_id_by_prefix(struct txn *txn, const uint8_t *prefix, size_t len,
		  struct post_id *out, bool *found, struct err *err)
{
	g_autoptr(scan_t) scan = NULL;
	struct post_id seen, id = { { 0 } };
	struct bytes key;
	struct cursor in;
	unsigned int hits = 0;
	enum err_code rc;

	g_assert(len > 0 && len <= POST_ID_LEN);
	scan = scan_new(txn, place_shard(TABLE_POSTS, prefix[0]),
			bytes_of(prefix, len), bytes_of(NULL, 0), 16 * 1024,
			SCAN_KEYS | SCAN_DROP);
	while ((rc = scan_next(scan, &key, NULL, err)) == ERR_OK &&
	       key.data != NULL && hits < 2) {
		cursor_init(&in, key);
		get_id(&in, &seen);
		if (in.bad || (hits > 0 &&
			       memcmp(&seen, &id, sizeof(id)) == 0))
			continue;
		id = seen;
		hits++;
	}
	if (rc != ERR_OK)
		return rc;
	*found = hits == 1;
	if (*found)
		*out = id;
	return ERR_OK;
}

enum err_code
post_bytes(struct txn *txn, const struct post_id *id, GBytes **out,
	   struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(post_t) post = NULL;
	enum err_code rc = post_get(txn, id, &post, err);

	if (rc != ERR_OK)
		return rc;
	if (post == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	post_key(key, id, POST_BODY);
	return pieces_get(txn, post_place(id), key, post->size, out, err);
}

enum err_code
post_head(struct txn *txn, const struct post_id *id, GBytes **out,
	  struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(post_t) post = NULL;
	enum err_code rc = post_get(txn, id, &post, err);

	if (rc != ERR_OK)
		return rc;
	if (post == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	post_key(key, id, POST_BODY);
	if (post->size <= POST_HEAD_MAX)
		return pieces_get(txn, post_place(id), key, post->size, out,
				  err);
	piece_key(key, key->len, 0);
	rc = table_get(txn, post_place(id), bytes_buf(key), out, err);
	if (rc == ERR_OK && *out == NULL)
		return record_corrupt(post_place(id), bytes_buf(key), err);
	return rc;
}

enum err_code
post_hold(struct txn *txn, const struct post_id *id, uint32_t jobs,
	  struct err *err)
{
	g_autoptr(post_t) post = NULL;
	char text[POST_ID_TEXT + 1];
	enum err_code rc = get_meta(txn, id, true, &post, err);

	if (rc != ERR_OK)
		return rc;
	if (post == NULL) {
		post_id_text(id, text);
		return err_set(err, ERR_CORRUPT, "run \"muster check\"",
			       "post %s is not there", text);
	}
	post->jobs += jobs;
	return put_meta(txn, post, err);
}

static enum err_code
post_delete(struct txn *txn, const struct post_id *id, struct err *err)
{
	g_autoptr(GByteArray) end = g_byte_array_new();

	post_key(end, id, POST_TRACE);	/* trace and ways stay */
	return table_remove_range(txn, post_place(id),
				  bytes_of(id->bytes, POST_ID_LEN),
				  bytes_buf(end), SIZE_MAX, NULL, err);
}

enum err_code
post_release(struct txn *txn, const struct post_id *id, uint32_t jobs,
	     struct err *err)
{
	g_autoptr(post_t) post = NULL;
	enum err_code rc = get_meta(txn, id, true, &post, err);

	if (rc != ERR_OK || post == NULL)
		return rc;
	if (post->jobs <= jobs)
		return post_delete(txn, id, err);
	post->jobs -= jobs;
	return put_meta(txn, post, err);
}
