/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "db/auto.h"
#include "db/inside.h"
#include "db/post.h"
#include "db/table.h"
#include "core/base/banned.h"

/* Bytes in pieces, and the forms that are made of them. */


void
piece_key(GByteArray *key, size_t key_len, uint32_t number)
{
	g_byte_array_set_size(key, (guint)key_len);
	put_u32(key, number);
}

enum err_code
pieces_put(struct txn *txn, struct place at, GByteArray *key, GBytes *bytes,
	   struct err *err)
{
	struct bytes whole = bytes_whole(bytes);
	size_t key_len = key->len;
	uint32_t number = 0;
	enum err_code rc;

	for (size_t i = 0; i < whole.len; i += PIECE_MAX, number++) {
		piece_key(key, key_len, number);
		rc = table_put(txn, at, bytes_buf(key),
			       bytes_of((const uint8_t *)whole.data + i,
					MIN(whole.len - i, PIECE_MAX)), err);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

enum err_code
pieces_get(struct txn *txn, struct place at, GByteArray *key, uint64_t size,
	   GBytes **out, struct err *err)
{
	g_autoptr(GByteArray) whole = NULL;
	size_t key_len = key->len;
	enum err_code rc;

	if (size > POST_LONGEST)
		return record_corrupt(at, bytes_buf(key), err);
	whole = g_byte_array_sized_new((guint)size);
	for (uint32_t number = 0; whole->len < size; number++) {
		g_autoptr(GBytes) piece = NULL;
		size_t want = (size_t)MIN(size - whole->len, PIECE_MAX);

		piece_key(key, key_len, number);
		rc = table_get(txn, at, bytes_buf(key), &piece, err);
		if (rc != ERR_OK)
			return rc;
		if (piece == NULL || bytes_whole(piece).len != want)
			return record_corrupt(at, bytes_buf(key), err);
		put_raw(whole, bytes_whole(piece).data, want);
	}
	*out = g_byte_array_free_to_bytes(g_steal_pointer(&whole));
	return ERR_OK;
}

void
form_done(struct form *form)
{
	g_clear_pointer(&form->header, g_bytes_unref);
	g_clear_pointer(&form->body, g_bytes_unref);
}

void
form_free(struct form *form)
{
	if (form != NULL)
		form_done(form);
	g_free(form);
}

void
form_key(GByteArray *out, const struct post_id *id, uint32_t list,
	 enum form_use use, enum form_part part)
{
	post_key(out, id, POST_FORM);
	put_u32(out, list);
	put_u8(out, (uint8_t)((unsigned int)use * FORM_PARTS +
			      (unsigned int)part));
}

static const char *const uses[] = { "copies", "base" };
static const char *const parts[][2] = {
	[FORM_COPIES] = { "header", "body" },
	[FORM_BASE] = { "base-header", "base-body" },
};

const char *
form_use_name(enum form_use use)
{
	return uses[use];
}

bool
form_use_of(const char *name, enum form_use *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(uses); i++)
		if (strcmp(uses[i], name) == 0) {
			*out = (enum form_use)i;
			return true;
		}
	*out = FORM_COPIES;
	return name[0] == '\0';
}

const char *
form_part_name(enum form_use use, enum form_part part)
{
	return parts[use][part - FORM_HEADER];
}

bool
form_part_of(const char *name, enum form_use *use, enum form_part *part)
{
	for (int i = 0; i < (int)G_N_ELEMENTS(uses) * 2; i++)
		if (strcmp(parts[i / 2][i % 2], name) == 0) {
			*use = (enum form_use)(i / 2);
			*part = (enum form_part)(FORM_HEADER + i % 2);
			return true;
		}
	return false;
}

void
form_encode(GByteArray *out, const struct form_head *head)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_u64(out, head->header_size);
	put_u8(out, head->has_body);
	put_u64(out, head->body_size);
	put_u64(out, head->body_at);
}

enum err_code
form_decode(struct bytes key, struct bytes value, struct form_head *out,
	    struct err *err)
{
	struct form_head head;
	struct post_id id;
	struct cursor k, v;
	uint8_t has_body;

	cursor_init(&k, key);
	get_id(&k, &id);
	cursor_record(&v, value);
	head.header_size = get_u64(&v);
	has_body = get_u8(&v);
	head.has_body = has_body != 0;
	head.body_size = get_u64(&v);
	head.body_at = get_u64(&v);
	if (k.bad || !cursor_end(&v) || has_body > 1)
		return record_corrupt(post_place(&id), key, err);
	*out = head;
	return ERR_OK;
}

/* What an earlier form of the same list left must not show through. */
static enum err_code
form_clear(struct txn *txn, const struct post_id *id, uint32_t list,
	   enum form_use use, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	enum err_code rc = ERR_OK;

	for (int part = FORM_META; part <= FORM_BODY && rc == ERR_OK;
	     part++) {
		form_key(key, id, list, use, (enum form_part)part);
		rc = table_remove_range(txn, post_place(id), bytes_buf(key),
					bytes_of(NULL, 0), SIZE_MAX, NULL,
					err);
	}
	return rc;
}

enum err_code
form_put(struct txn *txn, const struct post_id *id, uint32_t list,
	 enum form_use use, const struct form *form, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct form_head head = {
		.header_size = g_bytes_get_size(form->header),
		.has_body = form->body != NULL,
		.body_size = bytes_whole(form->body).len,
		.body_at = form->body_at,
	};
	enum err_code rc = form_clear(txn, id, list, use, err);

	if (rc != ERR_OK)
		return rc;
	form_key(key, id, list, use, FORM_META);
	form_encode(value, &head);
	rc = table_put(txn, post_place(id), bytes_buf(key), bytes_buf(value),
		       err);
	if (rc != ERR_OK)
		return rc;
	form_key(key, id, list, use, FORM_HEADER);
	rc = pieces_put(txn, post_place(id), key, form->header, err);
	if (rc != ERR_OK || form->body == NULL)
		return rc;
	form_key(key, id, list, use, FORM_BODY);
	return pieces_put(txn, post_place(id), key, form->body, err);
}

static enum err_code
form_read(struct txn *txn, const struct post_id *id, uint32_t list,
	  enum form_use use, const struct form_head *head,
	  struct form **out, struct err *err)
{
	g_autoptr(form_t) form = g_new0(struct form, 1);
	g_autoptr(GByteArray) key = g_byte_array_new();
	enum err_code rc;

	form->body_at = head->body_at;
	form_key(key, id, list, use, FORM_HEADER);
	rc = pieces_get(txn, post_place(id), key, head->header_size,
			&form->header, err);
	if (rc == ERR_OK && head->has_body) {
		form_key(key, id, list, use, FORM_BODY);
		rc = pieces_get(txn, post_place(id), key, head->body_size,
				&form->body, err);
	}
	if (rc != ERR_OK)
		return rc;
	*out = g_steal_pointer(&form);
	return ERR_OK;
}

enum err_code
form_get(struct txn *txn, const struct post_id *id, uint32_t list,
	 enum form_use use, struct form **out, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) found = NULL;
	struct form_head head;
	enum err_code rc;

	form_key(key, id, list, use, FORM_META);
	rc = table_get(txn, post_place(id), bytes_buf(key), &found, err);
	if (rc != ERR_OK)
		return rc;
	if (found == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	rc = form_decode(bytes_buf(key), bytes_whole(found), &head, err);
	if (rc != ERR_OK)
		return rc;
	return form_read(txn, id, list, use, &head, out, err);
}

/* --- in pieces ---------------------------------------------------------- */

struct form_writer {
	struct txn *txn;
	struct post_id id;
	uint32_t list, number;
	GByteArray *key, *piece;
	uint64_t size;
	bool cleared;
};

struct form_writer *
form_writer_new(struct txn *txn, const struct post_id *id, uint32_t list)
{
	struct form_writer *writer = g_new0(struct form_writer, 1);

	writer->txn = txn;
	writer->id = *id;
	writer->list = list;
	writer->key = g_byte_array_new();
	writer->piece = g_byte_array_sized_new(PIECE_MAX);
	return writer;
}

void
form_writer_free(struct form_writer *writer)
{
	if (writer == NULL)
		return;
	g_byte_array_unref(writer->key);
	g_byte_array_unref(writer->piece);
	g_free(writer);
}

static enum err_code
put_piece(struct form_writer *writer, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (!writer->cleared)
		rc = form_clear(writer->txn, &writer->id, writer->list,
				FORM_COPIES, err);
	writer->cleared = true;
	if (rc != ERR_OK || writer->piece->len == 0)
		return rc;
	form_key(writer->key, &writer->id, writer->list, FORM_COPIES,
		 FORM_BODY);
	piece_key(writer->key, writer->key->len, writer->number++);
	writer->size += writer->piece->len;
	rc = table_put(writer->txn, post_place(&writer->id),
		       bytes_buf(writer->key), bytes_buf(writer->piece),
		       err);
	g_byte_array_set_size(writer->piece, 0);
	return rc;
}

enum err_code
form_writer_add(struct form_writer *writer, const void *bytes, size_t len,
		struct err *err)
{
	const uint8_t *at = bytes;
	enum err_code rc = ERR_OK;

	if (writer->size + writer->piece->len + len > POST_LONGEST)
		return err_set(err, ERR_INVALID, "", "it would have more "
			       "than %lld octets", POST_LONGEST);
	while (rc == ERR_OK && len > 0) {
		size_t part = MIN(len, PIECE_MAX - writer->piece->len);

		put_raw(writer->piece, at, part);
		at += part;
		len -= part;
		if (writer->piece->len == PIECE_MAX)
			rc = put_piece(writer, err);
	}
	return rc;
}

enum err_code
form_writer_end(struct form_writer *writer, GBytes *header, struct err *err)
{
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct form_head head = {
		.header_size = g_bytes_get_size(header), .has_body = true,
	};
	enum err_code rc = put_piece(writer, err);

	if (rc != ERR_OK)
		return rc;
	head.body_size = writer->size;
	form_encode(value, &head);
	form_key(writer->key, &writer->id, writer->list, FORM_COPIES,
		 FORM_META);
	rc = table_put(writer->txn, post_place(&writer->id),
		       bytes_buf(writer->key), bytes_buf(value), err);
	if (rc != ERR_OK)
		return rc;
	form_key(writer->key, &writer->id, writer->list, FORM_COPIES,
		 FORM_HEADER);
	return pieces_put(writer->txn, post_place(&writer->id), writer->key,
			  header, err);
}
