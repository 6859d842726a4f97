/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "db/auto.h"
#include "db/dump_parts.h"
#include "db/fields.h"
#include "db/inside.h"
#include "core/base/banned.h"

/*
 * What should be in the archives. They are read behind the jobs: one that was
 * done in between is in the dump too, and whoever does it again finds that it
 * is done.
 */

static const char *const formats[] = { "off", "maildir", "mbox" };

static json_t *
archived_json(const char *list, const struct archived *archived)
{
	g_autoptr(GString) hash = g_string_new(NULL);
	char post[POST_ID_TEXT + 1];

	for (size_t i = 0; i < ARCHIVE_HASH; i++)
		g_string_append_printf(hash, "%02x", archived->hash[i]);
	post_id_text(&archived->post, post);
	return json_pack(
		"{ss ss ss ss sI sI ss sI sI ss}", "type", "archived",
		"list", list, "format", formats[archived->format],
		"hash", hash->str, "number", (json_int_t)archived->number,
		"offset", (json_int_t)archived->offset, "post", post,
		"size", (json_int_t)archived->size,
		"time_s", (json_int_t)archived->time_s, "message_id",
		archived->message_id);
}

static json_t *
archive_json(const char *list, const struct archive *archive)
{
	return json_pack("{ss ss sI sI sI}", "type", "archive", "list", list,
			 "last", (json_int_t)archive->last,
			 "posts", (json_int_t)archive->posts,
			 "mbox_size", (json_int_t)archive->mbox_size);
}

/* Up to the last that the archive says: one that came since would get a
 * number twice. */
static enum err_code
write_entries(struct dump *dump, const struct list *list, uint32_t last,
	      struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	enum err_code rc;

	archive_key(prefix, ARCHIVE_ENTRY, list->id);
	scan = scan_new(dump->txn, place_of(TABLE_ARCHIVES),
			bytes_buf(prefix), bytes_of(NULL, 0), DUMP_SCAN,
			SCAN_DROP);
	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		g_autoptr(archived_t) archived = NULL;

		rc = archived_decode(key, value, &archived, err);
		if (rc != ERR_OK || archived->number > last)
			return rc;
		rc = write_object(dump, archived_json(list->addr, archived),
				  err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

static enum err_code
write_archive(struct dump *dump, const struct list *list, struct err *err)
{
	struct archive archive;
	enum err_code rc = archive_get(dump->txn, list->id, &archive, err);

	if (rc != ERR_OK || archive.last == 0)
		return rc;
	rc = write_object(dump, archive_json(list->addr, &archive), err);
	return rc == ERR_OK ? write_entries(dump, list, archive.last, err) :
		rc;
}

enum err_code
write_archives(struct dump *dump, GPtrArray *lists, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; rc == ERR_OK && i < lists->len; i++)
		rc = write_archive(dump, g_ptr_array_index(lists, i), err);
	return rc;
}

/* --- and back ----------------------------------------------------------- */

enum err_code
archived_json_check(const json_t *object, struct err *err)
{
	const char *format = field_text(object, "format");
	uint8_t hash[ARCHIVE_HASH];

	if (strcmp(format, "maildir") != 0 && strcmp(format, "mbox") != 0)
		return field_bad(err, object, "format", "maildir or mbox is "
				 "expected");
	if (!field_hex(object, "hash", hash, sizeof(hash)))
		return field_bad(err, object, "hash", "%zu hexadecimal "
				 "digits are expected", 2 * sizeof(hash));
	if (field_num(object, "number") == 0)
		return field_bad(err, object, "number", "0 is none");
	return ERR_OK;
}

void
archived_of_json(const json_t *object, struct archived *out)
{
	*out = (struct archived){
		.number = (uint32_t)field_num(object, "number"),
		.time_s = field_num(object, "time_s"),
		.format = strcmp(field_text(object, "format"), "mbox") == 0 ?
			ARCHIVE_MBOX : ARCHIVE_MAILDIR,
		.offset = (uint64_t)field_num(object, "offset"),
		.size = (uint64_t)field_num(object, "size"),
		.message_id = (char *)(uintptr_t)field_text(object,
							    "message_id"),
	};
	field_id(object, "post", &out->post);
	(void) field_hex(object, "hash", out->hash, ARCHIVE_HASH);
}
