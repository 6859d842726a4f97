/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "core/archive/files.h"
#include "core/archive/mbox.h"
#include "core/base/banned.h"

struct archive_writer {
	struct txn *txn;
	const struct place_of_archive *place;
	enum archive_format format;
	struct archive archive;
	bool again;
	int dir;		/* of the archive */
	GHashTable *cur;	/* what is there, if that matters */
	struct mbox_file *mbox;	/* from the first post on */
};

/* --- Maildir ------------------------------------------------------------ */

char *
archive_file_name(const struct archived *entry, const char *list)
{
	char id[POST_ID_TEXT + 1];
	g_autofree char *name = NULL;

	post_id_text(&entry->post, id);
	name = g_strdup_printf("%" G_GINT64_FORMAT ".%s.%s", entry->time_s,
			       id, list);
	/* "/" would lead elsewhere, ":" begins what readers add */
	return g_strdelimit(g_steal_pointer(&name), "/:", '_');
}

static enum err_code
write_tmp(const struct archive_writer *writer, const char *tmp,
	  GBytes *bytes, struct err *err)
{
	int fd = openat(writer->dir, tmp, O_WRONLY | O_CREAT | O_TRUNC |
			O_NOFOLLOW | O_CLOEXEC, 0600);
	gsize len;
	const char *data = g_bytes_get_data(bytes, &len);
	bool fine;

	if (fd < 0)
		return archive_failed(writer->place, tmp, err);
	fine = files_write(fd, data, len, 0) &&
		fchmod(fd, archive_file_mode(writer->place)) == 0 &&
		fsync(fd) == 0;
	if (!fine)
		(void) archive_failed(writer->place, tmp, err);
	(void) close(fd);
	if (!fine)
		(void) unlinkat(writer->dir, tmp, 0);	/* of no use */
	return fine ? ERR_OK : err->code;
}

static bool
is_in_cur(struct archive_writer *writer, const char *name)
{
	if (writer->again && writer->cur == NULL)
		writer->cur = files_in_cur(writer->dir);
	return writer->cur != NULL &&
		g_hash_table_contains(writer->cur, name);
}

static enum err_code
put_maildir(struct archive_writer *writer, const struct archive_text *text,
	    struct archived *entry, struct err *err)
{
	g_autofree char *name = archive_file_name(entry,
						  writer->place->list);
	g_autofree char *tmp = g_strconcat("tmp/", name, NULL);
	g_autofree char *new = g_strconcat("new/", name, NULL);
	enum err_code rc;

	entry->offset = 0;
	entry->size = g_bytes_get_size(text->bytes);
	if (is_in_cur(writer, name))
		return ERR_OK;
	rc = write_tmp(writer, tmp, text->bytes, err);
	if (rc != ERR_OK)
		return rc;
	if (renameat(writer->dir, tmp, writer->dir, new) != 0)
		return archive_failed(writer->place, new, err);
	return ERR_OK;
}

static enum err_code
sync_maildir(const struct archive_writer *writer, struct err *err)
{
	int fd = openat(writer->dir, "new", O_RDONLY | O_DIRECTORY |
			O_CLOEXEC);
	bool fine = fd >= 0 && fsync(fd) == 0;

	if (!fine)
		(void) archive_failed(writer->place, "new", err);
	if (fd >= 0)
		(void) close(fd);
	return fine ? ERR_OK : err->code;
}

/* --- both --------------------------------------------------------------- */

enum err_code
archive_writer_open(struct txn *txn, const struct place_of_archive *place,
		    enum archive_format format, uint32_t list, bool again,
		    struct archive_writer **out, struct err *err)
{
	g_autoptr(archive_writer_t) writer = g_new0(struct archive_writer, 1);
	enum err_code rc;

	writer->txn = txn;
	writer->place = place;
	writer->format = format;
	writer->again = again;
	writer->dir = -1;
	rc = archive_lock(txn, list, &writer->archive, err);
	if (rc == ERR_OK)
		rc = archive_place_open(place, &writer->archive, &writer->dir,
					err);
	if (rc == ERR_OK)
		*out = g_steal_pointer(&writer);
	return rc;
}

static enum err_code
put_mbox(struct archive_writer *writer, const struct archive_text *text,
	 const char *sender, struct archived *entry, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (writer->mbox == NULL)
		rc = mbox_file_open(writer->place, writer->dir,
				    writer->archive.mbox_size, &writer->mbox,
				    err);
	return rc == ERR_OK ?
		mbox_file_put(writer->mbox, text->bytes, sender, entry, err) :
		rc;
}

enum err_code
archive_writer_put(struct archive_writer *writer,
		   const struct archive_text *text, const char *sender,
		   struct archived *entry, struct err *err)
{
	enum err_code rc;

	entry->format = writer->format;
	memcpy(entry->hash, text->hash, ARCHIVE_HASH);
	g_free(entry->message_id);
	entry->message_id = g_strdup(text->message_id);
	rc = writer->format == ARCHIVE_MBOX ?
		put_mbox(writer, text, sender, entry, err) :
		put_maildir(writer, text, entry, err);
	return rc == ERR_OK ?
		archive_add(writer->txn, &writer->archive, entry, err) : rc;
}

enum err_code
archive_writer_sync(struct archive_writer *writer, struct err *err)
{
	if (writer->format == ARCHIVE_MBOX)
		return writer->mbox != NULL ?
			mbox_file_sync(writer->mbox, err) : ERR_OK;
	return sync_maildir(writer, err);
}

uint64_t
archive_writer_torn(const struct archive_writer *writer)
{
	return writer->mbox != NULL ? mbox_file_torn(writer->mbox) : 0;
}

void
archive_writer_close(struct archive_writer *writer)
{
	if (writer == NULL)
		return;
	mbox_file_close(writer->mbox);
	g_clear_pointer(&writer->cur, g_hash_table_unref);
	if (writer->dir >= 0)
		(void) close(writer->dir);
	g_free(writer);
}
