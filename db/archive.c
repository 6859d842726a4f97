/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/archive.h"

#include <string.h>

#include "db/auto.h"
#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

#define ARCHIVES place_of(TABLE_ARCHIVES)
#define SCAN_SIZE (16 * 1024)
#define NAME_HASH 16		/* bytes of the SHA-256 of a Message-ID */

void
archived_free(struct archived *archived)
{
	if (archived == NULL)
		return;
	g_free(archived->message_id);
	g_free(archived);
}

static void
free_archived(void *archived)
{
	archived_free(archived);
}

/* --- records ------------------------------------------------------------ */

void
archive_key(GByteArray *out, enum archive_kind kind, uint32_t list)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, (uint8_t)kind);
	put_u32(out, list);
}

void
archived_key(GByteArray *out, uint32_t list, uint32_t number)
{
	archive_key(out, ARCHIVE_ENTRY, list);
	put_u32(out, number);
}

static void
post_ref_key(GByteArray *out, uint32_t list, const struct post_id *post)
{
	archive_key(out, ARCHIVE_POST, list);
	put_id(out, post);
}

/* Without the number: those of a Message-ID. */
static void
name_prefix(GByteArray *out, uint32_t list, const char *message_id)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	uint8_t hash[ARCHIVE_HASH];
	gsize len = sizeof(hash);

	g_checksum_update(sum, (const guchar *)message_id, -1);
	g_checksum_get_digest(sum, hash, &len);
	archive_key(out, ARCHIVE_NAME, list);
	put_raw(out, hash, NAME_HASH);
}

static void
archive_encode(GByteArray *out, const struct archive *archive)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_u32(out, archive->last);
	put_u64(out, archive->posts);
	put_u64(out, archive->mbox_size);
}

enum err_code
archive_decode(struct bytes key, struct bytes value, struct archive *out,
	       struct err *err)
{
	struct archive archive;
	struct cursor k, v;
	uint8_t kind;

	cursor_init(&k, key);
	cursor_record(&v, value);
	kind = get_u8(&k);
	archive.list = get_u32(&k);
	archive.last = get_u32(&v);
	archive.posts = get_u64(&v);
	archive.mbox_size = get_u64(&v);
	if (kind != ARCHIVE_STATE || !cursor_end(&k) || !cursor_end(&v))
		return record_corrupt(ARCHIVES, key, err);
	*out = archive;
	return ERR_OK;
}

static void
archived_encode(GByteArray *out, const struct archived *archived)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_id(out, &archived->post);
	put_u64(out, (uint64_t)archived->time_s);
	put_u8(out, (uint8_t)archived->format);
	put_u64(out, archived->offset);
	put_u64(out, archived->size);
	put_raw(out, archived->hash, ARCHIVE_HASH);
	put_text(out, archived->message_id);
}

enum err_code
archived_decode(struct bytes key, struct bytes value, struct archived **out,
		struct err *err)
{
	g_autoptr(archived_t) archived = g_new0(struct archived, 1);
	const void *hash;
	struct cursor k, v;
	uint8_t kind, format;

	cursor_init(&k, key);
	cursor_record(&v, value);
	kind = get_u8(&k);
	archived->list = get_u32(&k);
	archived->number = get_u32(&k);
	get_id(&v, &archived->post);
	archived->time_s = get_time(&v);
	format = get_u8(&v);
	archived->offset = get_u64(&v);
	archived->size = get_u64(&v);
	hash = get_raw(&v, ARCHIVE_HASH);
	archived->message_id = g_strdup(get_text(&v));
	if (kind != ARCHIVE_ENTRY || !cursor_end(&k) || !cursor_end(&v) ||
	    archived->number == 0 ||
	    (format != ARCHIVE_MAILDIR && format != ARCHIVE_MBOX))
		return record_corrupt(ARCHIVES, key, err);
	archived->format = (enum archive_format)format;
	memcpy(archived->hash, hash, ARCHIVE_HASH);
	*out = g_steal_pointer(&archived);
	return ERR_OK;
}

/* --- the archive of a list ---------------------------------------------- */

static enum err_code
read_state(struct txn *txn, uint32_t list, bool to_change,
	   struct archive *out, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) value = NULL;
	enum err_code rc;

	archive_key(key, ARCHIVE_STATE, list);
	rc = to_change ?
		table_lock(txn, ARCHIVES, bytes_buf(key), &value, err) :
		table_get(txn, ARCHIVES, bytes_buf(key), &value, err);
	if (rc != ERR_OK)
		return rc;
	*out = (struct archive){ .list = list };
	return value == NULL ? ERR_OK :
		archive_decode(bytes_buf(key), bytes_whole(value), out, err);
}

enum err_code
archive_get(struct txn *txn, uint32_t list, struct archive *out,
	    struct err *err)
{
	return read_state(txn, list, false, out, err);
}

enum err_code
archive_lock(struct txn *txn, uint32_t list, struct archive *out,
	     struct err *err)
{
	return read_state(txn, list, true, out, err);
}

enum err_code
archive_put(struct txn *txn, const struct archive *archive, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();

	archive_key(key, ARCHIVE_STATE, archive->list);
	archive_encode(value, archive);
	return table_put(txn, ARCHIVES, bytes_buf(key), bytes_buf(value),
			 err);
}

enum err_code
archive_set_mbox(struct txn *txn, struct archive *archive, uint64_t size,
		 struct err *err)
{
	archive->mbox_size = size;
	return archive_put(txn, archive, err);
}

/* --- what is in it ------------------------------------------------------ */

static enum err_code
put_post_ref(struct txn *txn, const struct archived *archived,
	     struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = record_new();

	post_ref_key(key, archived->list, &archived->post);
	put_u32(value, archived->number);
	return table_put(txn, ARCHIVES, bytes_buf(key), bytes_buf(value),
			 err);
}

static void
name_key(GByteArray *out, const struct archived *archived)
{
	name_prefix(out, archived->list, archived->message_id);
	put_u32(out, archived->number);
}

static enum err_code
put_name_ref(struct txn *txn, const struct archived *archived,
	     struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = record_new();

	if (archived->message_id[0] == '\0')
		return ERR_OK;
	name_key(key, archived);
	return table_put(txn, ARCHIVES, bytes_buf(key), bytes_buf(value),
			 err);
}

enum err_code
archived_put(struct txn *txn, const struct archived *archived,
	     struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	enum err_code rc;

	archived_key(key, archived->list, archived->number);
	archived_encode(value, archived);
	rc = table_put(txn, ARCHIVES, bytes_buf(key), bytes_buf(value), err);
	if (rc == ERR_OK)
		rc = put_post_ref(txn, archived, err);
	return rc == ERR_OK ? put_name_ref(txn, archived, err) : rc;
}

enum err_code
archive_add(struct txn *txn, struct archive *archive,
	    struct archived *archived, struct err *err)
{
	enum err_code rc;

	if (archive->last == UINT32_MAX)
		return err_set(err, ERR_INVALID, "begin a new list",
			       "no number is left in this archive");
	archived->list = archive->list;
	archived->number = ++archive->last;
	archive->posts++;
	if (archived->format == ARCHIVE_MBOX)
		archive->mbox_size = archived->offset + archived->size;
	rc = archived_put(txn, archived, err);
	return rc == ERR_OK ? archive_put(txn, archive, err) : rc;
}

enum err_code
archive_forget(struct txn *txn, struct archive *archive,
	       const struct archived *archived, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	bool removed = false, other;
	enum err_code rc;

	archived_key(key, archived->list, archived->number);
	rc = table_remove(txn, ARCHIVES, bytes_buf(key), &removed, err);
	if (rc != ERR_OK || !removed)
		return rc;
	post_ref_key(key, archived->list, &archived->post);
	rc = table_remove(txn, ARCHIVES, bytes_buf(key), &other, err);
	if (rc == ERR_OK && archived->message_id[0] != '\0') {
		name_key(key, archived);
		rc = table_remove(txn, ARCHIVES, bytes_buf(key), &other,
				  err);
	}
	archive->posts -= archive->posts > 0;
	return rc == ERR_OK ? archive_put(txn, archive, err) : rc;
}

enum err_code
archive_by_number(struct txn *txn, uint32_t list, uint32_t number,
		  struct archived **out, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) value = NULL;
	enum err_code rc;

	*out = NULL;
	archived_key(key, list, number);
	rc = table_get(txn, ARCHIVES, bytes_buf(key), &value, err);
	if (rc != ERR_OK || value == NULL)
		return rc;
	return archived_decode(bytes_buf(key), bytes_whole(value), out, err);
}

enum err_code
archive_by_post(struct txn *txn, uint32_t list, const struct post_id *post,
		struct archived **out, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) value = NULL;
	struct cursor in;
	uint32_t number;
	enum err_code rc;

	*out = NULL;
	post_ref_key(key, list, post);
	rc = table_get(txn, ARCHIVES, bytes_buf(key), &value, err);
	if (rc != ERR_OK || value == NULL)
		return rc;
	cursor_record(&in, bytes_whole(value));
	number = get_u32(&in);
	if (!cursor_end(&in))
		return record_corrupt(ARCHIVES, bytes_buf(key), err);
	rc = archive_by_number(txn, list, number, out, err);
	/* a load may have put another one there */
	if (rc == ERR_OK && *out != NULL &&
	    !post_id_equal(&(*out)->post, post)) {
		archived_free(*out);
		*out = NULL;
	}
	return rc;
}

enum err_code
archive_next(struct txn *txn, uint32_t list, uint32_t after,
	     struct archived **out, struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(GByteArray) from = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	enum err_code rc;

	*out = NULL;
	if (after == UINT32_MAX)
		return ERR_OK;
	archive_key(prefix, ARCHIVE_ENTRY, list);
	archived_key(from, list, after + 1);
	scan = scan_new(txn, ARCHIVES, bytes_buf(prefix), bytes_buf(from),
			1024, 0);
	rc = scan_next(scan, &key, &value, err);
	if (rc != ERR_OK || key.data == NULL)
		return rc;
	return archived_decode(key, value, out, err);
}

enum err_code
archive_by_message_id(struct txn *txn, uint32_t list, const char *message_id,
		      GPtrArray **out, struct err *err)
{
	g_autoptr(GPtrArray) all =
		g_ptr_array_new_with_free_func(free_archived);
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key;
	enum err_code rc;

	name_prefix(prefix, list, message_id);
	scan = scan_new(txn, ARCHIVES, bytes_buf(prefix), bytes_of(NULL, 0),
			SCAN_SIZE, SCAN_KEYS | SCAN_DROP);
	while ((rc = scan_next(scan, &key, NULL, err)) == ERR_OK &&
	       key.data != NULL) {
		struct archived *one = NULL;
		struct cursor in;

		cursor_init(&in, key);
		(void) get_raw(&in, prefix->len);
		rc = archive_by_number(txn, list, get_u32(&in), &one, err);
		if (rc != ERR_OK)
			return rc;
		if (one != NULL && strcmp(one->message_id, message_id) == 0)
			g_ptr_array_add(all, one);
		else
			archived_free(one);
	}
	if (rc == ERR_OK)
		*out = g_steal_pointer(&all);
	return rc;
}

enum err_code
archive_purge(struct txn *txn, uint32_t list, size_t max, size_t *count_out,
	      struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	enum err_code rc = ERR_OK;

	*count_out = 0;
	for (int kind = ARCHIVE_STATE; rc == ERR_OK && *count_out < max &&
	     kind <= ARCHIVE_NAME; kind++) {
		size_t count = 0;

		archive_key(prefix, (enum archive_kind)kind, list);
		rc = table_remove_range(txn, ARCHIVES, bytes_buf(prefix),
					bytes_of(NULL, 0), max - *count_out,
					&count, err);
		*count_out += count;
	}
	return rc;
}
