/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/import.h"

#include <string.h>

#include "core/archive/link.h"
#include "core/archive/reader.h"
#include "core/archive/writer.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define BATCH_MESSAGES 32
#define BATCH_OCTETS (4 * 1024 * 1024)

/* One that is good. */
struct item {
	struct archive_text text;
	int64_t time_s;
};

/* Some of them, in one transaction. */
struct batch {
	struct import *import;
	GArray *items;		/* of struct item */
	gsize octets;
	struct list_conf *conf;
	struct place_of_archive place;
	/* of the transaction */
	struct archive_writer *writer;
	struct archive_reader *reader;
	uint64_t imported, duplicates;
};

static void
item_done(void *data)
{
	struct item *item = data;

	archive_text_done(&item->text);
}

/* --- is it there? ------------------------------------------------------- */

/* What stands behind the header, but for blanks at its end. */
static void
body_of(GBytes *text, const char **body, size_t *len)
{
	struct header header;
	gsize size;
	size_t body_at = 0;
	const char *data = g_bytes_get_data(text, &size);

	if (header_parse(data, size, &header, &body_at))
		header_done(&header);
	*body = data + body_at;
	*len = size - body_at;
	while (*len > 0 && g_ascii_isspace((*body)[*len - 1]))
		(*len)--;
}

static bool
has_same_body(GBytes *one, GBytes *other)
{
	const char *a, *b;
	size_t a_len, b_len;

	body_of(one, &a, &a_len);
	body_of(other, &b, &b_len);
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static enum err_code
is_same(struct batch *batch, const struct archived *there, GBytes *text,
	bool *same, struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	enum archive_found found;
	enum err_code rc = ERR_OK;

	if (batch->reader == NULL)
		rc = archive_reader_open(&batch->place, &batch->reader, err);
	if (rc == ERR_OK)
		rc = archive_reader_get(batch->reader, there, &found, &bytes,
					err);
	*same = rc == ERR_OK && bytes != NULL && has_same_body(bytes, text);
	return rc;
}

static enum err_code
is_there(struct txn *txn, struct batch *batch, const struct item *item,
	 const struct post_id *id, bool *there, struct err *err)
{
	const uint32_t list = batch->import->list;
	g_autoptr(archived_t) same = NULL;
	g_autoptr(GPtrArray) named = NULL;
	enum err_code rc = archive_by_post(txn, list, id, &same, err);

	*there = same != NULL;
	if (rc != ERR_OK || *there || item->text.message_id[0] == '\0')
		return rc;
	rc = archive_by_message_id(txn, list, item->text.message_id, &named,
				   err);
	for (guint i = 0; rc == ERR_OK && !*there && i < named->len; i++) {
		const struct archived *one = g_ptr_array_index(named, i);

		*there = memcmp(one->hash, item->text.hash, ARCHIVE_HASH) ==
			0;
		if (!*there)
			rc = is_same(batch, one, item->text.bytes, there,
				     err);
	}
	return rc;
}

/* --- a batch ------------------------------------------------------------ */

static enum err_code
import_item(struct txn *txn, struct batch *batch, const struct item *item,
	    struct err *err)
{
	g_autoptr(archived_t) entry = g_new0(struct archived, 1);
	bool there = false;
	enum err_code rc;

	memcpy(entry->post.bytes, item->text.hash, POST_ID_LEN);
	entry->time_s = item->time_s;
	rc = is_there(txn, batch, item, &entry->post, &there, err);
	if (rc != ERR_OK)
		return rc;
	if (there) {
		batch->duplicates++;
		return ERR_OK;
	}
	batch->imported++;
	return archive_writer_put(batch->writer, &item->text, "", entry, err);
}

static enum err_code
import_items(struct txn *txn, struct batch *batch, struct err *err)
{
	enum err_code rc = archive_writer_open(txn, &batch->place,
					       batch->conf->archive,
					       batch->import->list, true,
					       &batch->writer, err);

	for (guint i = 0; rc == ERR_OK && i < batch->items->len; i++)
		rc = import_item(txn, batch, &g_array_index(
				 batch->items, struct item, i), err);
	if (rc == ERR_OK && batch->imported > 0)
		rc = archive_writer_sync(batch->writer, err);
	return rc;
}

static enum err_code
batch_body(struct txn *txn, void *arg, struct err *err)
{
	struct batch *batch = arg;
	enum err_code rc;

	batch->imported = batch->duplicates = 0;
	rc = import_items(txn, batch, err);
	g_clear_pointer(&batch->writer, archive_writer_close);
	g_clear_pointer(&batch->reader, archive_reader_close);
	return rc;
}

static enum err_code
batch_run(struct batch *batch, struct err *err)
{
	struct import *import = batch->import;
	enum err_code rc;

	if (batch->items->len == 0)
		return ERR_OK;
	rc = store_txn(import->store, TXN_DURABLE, batch_body, batch, err);
	if (rc != ERR_OK)
		return rc;
	import->imported += batch->imported;
	import->duplicates += batch->duplicates;
	g_array_set_size(batch->items, 0);
	batch->octets = 0;
	if (import->progress != NULL)
		import->progress(import->arg);
	return ERR_OK;
}

/* --- a message ---------------------------------------------------------- */

static int64_t
date_of(const struct header *header)
{
	g_autofree char *date = header_get(header, "Date");

	return date != NULL ? MAX(mime_date_read(date), 0) : 0;
}

static void
add_item(struct batch *batch, const struct source_message *message,
	 const struct header *header)
{
	struct item item = { .time_s = message->time_s };

	if (item.time_s <= 0)
		item.time_s = date_of(header);
	archive_text_init(&item.text, (const char *)message->bytes->data,
			  message->bytes->len, batch->conf->archive_obscure);
	batch->octets += message->bytes->len;
	g_array_append_val(batch->items, item);
}

/* Why it is no message, or NULL. */
static const char *
take_message(struct batch *batch, const struct source_message *message)
{
	struct header header;
	const char *wrong = NULL;
	size_t body_at;

	if (message->wrong != NULL)
		return message->wrong;
	if (!header_parse((const char *)message->bytes->data,
			  message->bytes->len, &header, &body_at))
		return "it has too many header fields";
	if (header.fields->len == 0)
		wrong = "it has no header field";
	else if (archive_is_refused(batch->conf, &header))
		batch->import->refused++;
	else
		add_item(batch, message, &header);
	header_done(&header);
	return wrong;
}

static enum err_code
import_all(struct batch *batch, struct source *source, struct err *err)
{
	struct import *import = batch->import;
	struct source_message message;
	bool more = true;
	enum err_code rc = ERR_OK, last;

	while (rc == ERR_OK && more) {
		const char *wrong = NULL;

		rc = source_next(source, &message, &more, err);
		if (rc == ERR_OK && more)
			wrong = take_message(batch, &message);
		if (wrong != NULL) {
			import->bad++;
			import->report(import->arg, message.where, wrong);
		}
		source_message_done(&message);
		if (rc == ERR_OK && (batch->items->len >= BATCH_MESSAGES ||
				     batch->octets >= BATCH_OCTETS))
			rc = batch_run(batch, err);
	}
	if (rc == ERR_OK)
		return batch_run(batch, err);
	/* What was read whole is kept, whatever came behind it. */
	last = batch_run(batch, NULL);
	return last == ERR_OK ? rc : last;
}

enum err_code
import_run(struct import *import, struct source *source, struct err *err)
{
	struct batch batch = { .import = import };
	enum err_code rc = list_conf_load(store_reader(import->store),
					  import->list_addr, &batch.conf,
					  err);

	if (rc != ERR_OK)
		return rc;
	batch.items = g_array_new(FALSE, FALSE, sizeof(struct item));
	g_array_set_clear_func(batch.items, item_done);
	archive_place_init(&batch.place, import->settings, batch.conf,
			   import->list_addr);
	if (batch.conf->archive == ARCHIVE_OFF)
		rc = err_set(err, ERR_INVALID, "set archive=maildir or "
			     "archive=mbox first", "%s has no archive",
			     import->list_addr);
	else
		rc = import_all(&batch, source, err);
	archive_place_done(&batch.place);
	g_array_unref(batch.items);
	list_conf_free(batch.conf);
	return rc;
}
