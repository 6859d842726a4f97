/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/export.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/archive/files.h"
#include "core/archive/mbox.h"
#include "core/archive/writer.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define PROGRESS_POSTS 100

/* What becomes of a post. */
typedef enum err_code (*put_post)(void *to, const struct archived *entry,
				  GBytes *text, struct err *err);

static enum err_code
export_one(struct export *export, struct archive_reader *reader,
	   const struct archived *entry, put_post put, void *to,
	   struct err *err)
{
	g_autoptr(GBytes) text = NULL;
	g_autofree char *path = NULL;
	enum archive_found found;
	enum err_code rc = archive_reader_get(reader, entry, &found, &text,
					      err);

	if (rc != ERR_OK)
		return rc;
	if (text != NULL) {
		export->posts++;
		return put(to, entry, text, err);
	}
	export->lost++;
	path = archive_reader_path(reader, entry);
	export->report(export->arg, entry, found, path);
	return ERR_OK;
}

static enum err_code
export_all(struct export *export, put_post put, void *to, struct err *err)
{
	struct txn *txn = store_reader(export->store);
	g_autoptr(archive_reader_t) reader = NULL;
	struct archive archive;
	uint32_t number = 0;
	enum err_code rc = archive_get(txn, export->list, &archive, err);

	if (rc != ERR_OK || archive.posts == 0)
		return rc;
	rc = archive_reader_open(export->place, &reader, err);
	while (rc == ERR_OK) {
		g_autoptr(archived_t) entry = NULL;

		rc = archive_next(txn, export->list, number, &entry, err);
		if (rc != ERR_OK || entry == NULL)
			return rc;
		number = entry->number;
		rc = export_one(export, reader, entry, put, to, err);
		if (export->progress != NULL &&
		    number % PROGRESS_POSTS == 0)
			export->progress(export->arg);
	}
	return rc;
}

/* --- mbox --------------------------------------------------------------- */

/* Who wrote it; the envelope is not kept. */
static char *
sender_of(GBytes *text)
{
	g_autoptr(GPtrArray) authors = NULL;
	struct header header;
	size_t body_at;
	bool complete;
	gsize len;
	const char *data = g_bytes_get_data(text, &len);

	if (!header_parse(data, len, &header, &body_at))
		return g_strdup("");
	authors = mime_authors(&header, &complete);
	header_done(&header);
	return g_strdup(authors->len > 0 ? g_ptr_array_index(authors, 0) :
			"");
}

static enum err_code
put_stream(void *to, const struct archived *entry, GBytes *text,
	   struct err *err)
{
	g_autofree char *sender = sender_of(text);
	g_autoptr(GByteArray) bytes = mbox_entry(text, sender, entry->time_s);

	return fwrite(bytes->data, 1, bytes->len, to) == bytes->len ? ERR_OK :
		err_errno(err, "", "writing the mbox");
}

enum err_code
export_stream(struct export *export, FILE *out, struct err *err)
{
	return export_all(export, put_stream, out, err);
}

static enum err_code
there_already(const char *path, struct err *err)
{
	return err_set(err, ERR_INVALID, "give another name, or remove it",
		       "%s is there already", path);
}

/* By its own name, when all is in it. link() writes over nothing. */
static enum err_code
name_file(const char *part, const char *path, struct err *err)
{
	if (link(part, path) != 0)
		return errno == EEXIST ? there_already(path, err) :
			err_errno(err, "", "%s", path);
	return ERR_OK;
}

enum err_code
export_mbox(struct export *export, const char *path, struct err *err)
{
	g_autofree char *part = g_strconcat(path, ".part", NULL);
	FILE *out;
	bool fine;
	int fd;
	enum err_code rc;

	if (access(path, F_OK) == 0)
		return there_already(path, err);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out == NULL) {
		if (fd >= 0)
			(void) close(fd);
		return err_errno(err, "musterd's user must be able to write "
				 "there; or write to -", "%s", part);
	}
	rc = export_stream(export, out, err);
	fine = fflush(out) == 0 && fsync(fd) == 0;
	if (rc == ERR_OK && !fine)
		rc = err_errno(err, "", "%s", part);
	(void) fclose(out);	/* it has been flushed */
	if (rc == ERR_OK)
		rc = name_file(part, path, err);
	(void) unlink(part);
	return rc;
}

/* --- Maildir ------------------------------------------------------------ */

struct maildir { int dir; const char *path; const char *list; };

static enum err_code
put_file(void *to, const struct archived *entry, GBytes *text,
	 struct err *err)
{
	const struct maildir *maildir = to;
	g_autofree char *name = archive_file_name(entry, maildir->list);
	g_autofree char *path = g_strconcat("new/", name, NULL);
	gsize len;
	const char *data = g_bytes_get_data(text, &len);
	int fd = openat(maildir->dir, path, O_WRONLY | O_CREAT | O_TRUNC |
			O_NOFOLLOW | O_CLOEXEC, 0600);
	bool fine = fd >= 0 && files_write(fd, data, len, 0);

	if (!fine)
		(void) err_errno(err, "", "%s/%s", maildir->path, path);
	if (fd >= 0)
		(void) close(fd);
	return fine ? ERR_OK : err->code;
}

static enum err_code
make_maildir(struct maildir *maildir, struct err *err)
{
	static const char *const folders[] = { "tmp", "new", "cur" };

	if (mkdir(maildir->path, 0700) != 0 && errno != EEXIST)
		return err_errno(err, "musterd's user must be able to write "
				 "there", "%s", maildir->path);
	maildir->dir = open(maildir->path, O_RDONLY | O_DIRECTORY |
			    O_NOFOLLOW | O_CLOEXEC);
	if (maildir->dir < 0)
		return err_errno(err, "", "%s", maildir->path);
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
		if (mkdirat(maildir->dir, folders[i], 0700) != 0 &&
		    errno != EEXIST)
			return err_errno(err, "", "%s/%s", maildir->path,
					 folders[i]);
	return ERR_OK;
}

enum err_code
export_maildir(struct export *export, const char *path, struct err *err)
{
	g_autofree char *part = g_strconcat(path, ".part", NULL);
	struct maildir maildir = { -1, part, export->place->list };
	enum err_code rc;

	if (access(path, F_OK) == 0)
		return there_already(path, err);
	rc = make_maildir(&maildir, err);
	if (rc == ERR_OK)
		rc = export_all(export, put_file, &maildir, err);
	/* all its files at once: there may be very many */
	if (rc == ERR_OK && syncfs(maildir.dir) != 0)
		rc = err_errno(err, "", "%s", part);
	if (maildir.dir >= 0)
		(void) close(maildir.dir);
	/* a directory takes the place of none but an empty one */
	if (rc == ERR_OK && rename(part, path) != 0)
		rc = err_errno(err, "", "%s", path);
	return rc;
}
