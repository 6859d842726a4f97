/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "core/archive/files.h"
#include "core/archive/mbox.h"
#include "core/archive/text.h"
#include "core/archive/writer.h"
#include "core/base/banned.h"

struct archive_reader {
	const struct place_of_archive *place;
	int dir;
	int mbox;		/* -1: not open, or not there */
	GHashTable *cur;	/* when somebody has moved files there */
};

enum err_code
archive_reader_open(const struct place_of_archive *place,
		    struct archive_reader **out, struct err *err)
{
	struct archive_reader *reader;
	int dir;
	enum err_code rc = archive_place_look(place, &dir, err);

	if (rc != ERR_OK)
		return rc;
	reader = g_new0(struct archive_reader, 1);
	reader->place = place;
	reader->dir = dir;
	reader->mbox = -1;
	*out = reader;
	return ERR_OK;
}

void
archive_reader_close(struct archive_reader *reader)
{
	if (reader == NULL)
		return;
	g_clear_pointer(&reader->cur, g_hash_table_unref);
	if (reader->mbox >= 0)
		(void) close(reader->mbox);
	(void) close(reader->dir);
	g_free(reader);
}

/* --- files -------------------------------------------------------------- */

/* In new, or where a reader of the Maildir has moved it. */
static char *
find_file(struct archive_reader *reader, const char *name)
{
	g_autofree char *path = g_strconcat("new/", name, NULL);
	const char *moved;

	if (faccessat(reader->dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return g_steal_pointer(&path);
	if (reader->cur == NULL)
		reader->cur = files_in_cur(reader->dir);
	moved = g_hash_table_lookup(reader->cur, name);
	return moved != NULL ? g_strconcat("cur/", moved, NULL) :
		g_steal_pointer(&path);
}

char *
archive_reader_path(struct archive_reader *reader,
		    const struct archived *entry)
{
	g_autofree char *name = NULL, *path = NULL;

	if (entry->format == ARCHIVE_MBOX)
		return g_build_filename(reader->place->dir,
					ARCHIVE_MBOX_NAME, NULL);
	name = archive_file_name(entry, reader->place->list);
	path = find_file(reader, name);
	return g_build_filename(reader->place->dir, path, NULL);
}

static enum err_code
failed(const struct archive_reader *reader, const char *path,
       enum archive_found *found, struct err *err)
{
	if (errno == ENOENT || errno == ENODATA) {
		*found = ARCHIVE_MISSING;
		return ERR_OK;
	}
	return archive_failed(reader->place, path, err);
}

/* len octets from `at` on; *bytes NULL: they are not there. */
static enum err_code
read_part(const struct archive_reader *reader, int fd, const char *path,
	  uint64_t at, uint64_t len, char **bytes,
	  enum archive_found *found, struct err *err)
{
	g_autofree char *data = NULL;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return failed(reader, path, found, err);
	if ((uint64_t)st.st_size < len || (uint64_t)st.st_size - len < at) {
		*found = at == 0 ? ARCHIVE_CHANGED : ARCHIVE_MISSING;
		return ERR_OK;
	}
	data = g_malloc((gsize)len + 1);
	if (!files_read(fd, data, (size_t)len, at))
		return failed(reader, path, found, err);
	*bytes = g_steal_pointer(&data);
	return ERR_OK;
}

static enum err_code
get_maildir(struct archive_reader *reader, const struct archived *entry,
	    enum archive_found *found, GBytes **out, struct err *err)
{
	g_autofree char *name = archive_file_name(entry,
						  reader->place->list);
	g_autofree char *path = find_file(reader, name);
	char *bytes = NULL;
	int fd = openat(reader->dir, path, O_RDONLY | O_CLOEXEC |
			O_NOFOLLOW);
	enum err_code rc;

	if (fd < 0)
		return failed(reader, path, found, err);
	rc = read_part(reader, fd, path, 0, entry->size, &bytes, found, err);
	(void) close(fd);
	if (bytes != NULL)
		*out = g_bytes_new_take(bytes, (gsize)entry->size);
	return rc;
}

static enum err_code
get_mbox(struct archive_reader *reader, const struct archived *entry,
	 enum archive_found *found, GBytes **out, struct err *err)
{
	g_autofree char *bytes = NULL;
	enum err_code rc;

	if (reader->mbox < 0)
		reader->mbox = openat(reader->dir, ARCHIVE_MBOX_NAME,
				      O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (reader->mbox < 0)
		return failed(reader, ARCHIVE_MBOX_NAME, found, err);
	rc = read_part(reader, reader->mbox, ARCHIVE_MBOX_NAME, entry->offset,
		       entry->size, &bytes, found, err);
	if (bytes != NULL) {
		*out = mbox_text(bytes, (size_t)entry->size);
		*found = ARCHIVE_CHANGED;	/* if it is none */
	}
	return rc;
}

enum err_code
archive_reader_get(struct archive_reader *reader,
		   const struct archived *entry, enum archive_found *found,
		   GBytes **out, struct err *err)
{
	uint8_t hash[ARCHIVE_HASH];
	const char *data;
	gsize len;
	enum err_code rc;

	*out = NULL;
	*found = ARCHIVE_MISSING;
	rc = entry->format == ARCHIVE_MBOX ?
		get_mbox(reader, entry, found, out, err) :
		get_maildir(reader, entry, found, out, err);
	if (rc != ERR_OK || *out == NULL)
		return rc;
	data = g_bytes_get_data(*out, &len);
	archive_text_hash(data, len, hash);
	*found = memcmp(hash, entry->hash, sizeof(hash)) == 0 ?
		ARCHIVE_THERE : ARCHIVE_CHANGED;
	if (*found == ARCHIVE_CHANGED)
		g_clear_pointer(out, g_bytes_unref);
	return ERR_OK;
}
