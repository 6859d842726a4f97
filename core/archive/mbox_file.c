/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "core/archive/files.h"
#include "core/archive/mbox.h"
#include "core/base/clock.h"
#include "core/base/banned.h"

#define LOCK_NAME ARCHIVE_MBOX_NAME ".lock"
#define LOCK_NEW_NAME LOCK_NAME ".new"
#define TORN_NAME ARCHIVE_MBOX_NAME ".torn"
#define LOCK_STALE_S 300
#define PIECE (64 * 1024)

struct mbox_file {
	const struct place_of_archive *place;
	int dir, fd;
	bool locked;		/* our mbox.lock is there */
	bool looked;		/* at what stands behind the end */
	uint64_t size;		/* where the next post goes */
	uint64_t found;		/* octets of the file when it was opened */
	uint64_t torn;
};

/* --- locks -------------------------------------------------------------- */

/* Of a process that is no more, or of one that has forgotten it. A lock of
 * our own number is of a life before this one: the archive is locked in the
 * store, and nobody else of this process is here. */
static bool
lock_is_stale(int dir)
{
	int fd = openat(dir, LOCK_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[32] = "";
	struct stat st;
	ssize_t len;
	gint64 pid;
	bool stale;

	if (fd < 0)
		return errno == ENOENT;
	len = pread(fd, text, sizeof(text) - 1, 0);
	text[MAX(len, 0)] = '\0';
	pid = g_ascii_strtoll(text, NULL, 10);
	stale = (pid > 0 && pid == (gint64)getpid()) ||
		(pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH) ||
		(fstat(fd, &st) == 0 &&
		 st.st_mtime + LOCK_STALE_S < (time_t)clock_s());
	(void) close(fd);
	return stale;
}

static enum err_code
lock_held(const struct mbox_file *file, struct err *err)
{
	return err_set(err, ERR_BUSY, "nothing: it is tried again; if no "
		       "mail program has it open, remove mbox.lock",
		       "the archive of %s: somebody has locked %s/%s",
		       file->place->list, file->place->dir,
		       ARCHIVE_MBOX_NAME);
}

/* A file with our number in it, which is to become the lock: so no kill leaves
 * one of which nobody knows whose it is. */
static bool
put_number(int dir)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	int fd;
	bool done;

	(void) unlinkat(dir, LOCK_NEW_NAME, 0);
	fd = openat(dir, LOCK_NEW_NAME, O_WRONLY | O_CREAT | O_EXCL |
		    O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	done = files_write(fd, text, (size_t)len, 0);
	(void) close(fd);
	return done;
}

static enum err_code
lock_name(struct mbox_file *file, struct err *err)
{
	if (!put_number(file->dir))
		return archive_failed(file->place, LOCK_NEW_NAME, err);
	for (int i = 0; i < 2 && !file->locked; i++) {
		file->locked = linkat(file->dir, LOCK_NEW_NAME, file->dir,
				      LOCK_NAME, 0) == 0;
		if (!file->locked && errno != EEXIST)
			return archive_failed(file->place, LOCK_NAME, err);
		if (!file->locked && !lock_is_stale(file->dir))
			break;
		if (!file->locked)
			(void) unlinkat(file->dir, LOCK_NAME, 0);
	}
	(void) unlinkat(file->dir, LOCK_NEW_NAME, 0);
	return file->locked ? ERR_OK : lock_held(file, err);
}

/* Both ways, since mail programs know one or the other. A lock of the open
 * file, not of the process, which anybody's close() would end. */
static enum err_code
lock(struct mbox_file *file, struct err *err)
{
	struct flock region = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(file->fd, F_OFD_SETLK, &region) != 0)
		return errno == EAGAIN || errno == EACCES ?
			lock_held(file, err) :
			archive_failed(file->place, ARCHIVE_MBOX_NAME, err);
	return lock_name(file, err);
}

/* --- the file ----------------------------------------------------------- */

static enum err_code
open_file(struct mbox_file *file, struct err *err)
{
	struct stat st;
	bool is_new = false;

	file->fd = openat(file->dir, ARCHIVE_MBOX_NAME, O_RDWR | O_CLOEXEC |
			  O_NOFOLLOW);
	if (file->fd < 0 && errno == ENOENT && file->size == 0) {
		is_new = true;
		file->fd = openat(file->dir, ARCHIVE_MBOX_NAME, O_RDWR |
				  O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (file->fd < 0 || fstat(file->fd, &st) != 0 ||
	    (is_new && (fchmod(file->fd, archive_file_mode(file->place)) != 0
			|| fsync(file->dir) != 0)))
		return archive_failed(file->place, ARCHIVE_MBOX_NAME, err);
	file->found = (uint64_t)st.st_size;
	return ERR_OK;
}

static enum err_code
check_size(const struct mbox_file *file, struct err *err)
{
	if (file->found >= file->size)
		return ERR_OK;
	return err_set(err, ERR_DOWN, "put back what is missing, or run "
		       "muster archive verify --forget; until then posts "
		       "wait in the queue",
		       "the archive of %s: %s/%s has %llu octets and should "
		       "have %llu", file->place->list, file->place->dir,
		       ARCHIVE_MBOX_NAME, (unsigned long long)file->found,
		       (unsigned long long)file->size);
}

enum err_code
mbox_file_open(const struct place_of_archive *place, int dir, uint64_t size,
	       struct mbox_file **out, struct err *err)
{
	g_autoptr(mbox_file_t) file = g_new0(struct mbox_file, 1);
	enum err_code rc;

	file->place = place;
	file->dir = dir;
	file->size = size;
	rc = open_file(file, err);
	if (rc == ERR_OK)
		rc = lock(file, err);
	if (rc == ERR_OK)
		rc = check_size(file, err);
	if (rc == ERR_OK)
		*out = g_steal_pointer(&file);
	return rc;
}

void
mbox_file_close(struct mbox_file *file)
{
	if (file == NULL)
		return;
	if (file->locked)
		(void) unlinkat(file->dir, LOCK_NAME, 0);
	if (file->fd >= 0)
		(void) close(file->fd);
	g_free(file);
}

/* --- what stands behind the end ----------------------------------------- */

static enum err_code
failed(const struct mbox_file *file, struct err *err)
{
	return archive_failed(file->place, ARCHIVE_MBOX_NAME, err);
}

/* Is it the beginning of what we are about to write? */
static bool
is_ours(const struct mbox_file *file, const GByteArray *entry, uint64_t len)
{
	g_autofree char *tail = NULL;

	if (len > entry->len)
		return false;
	tail = g_malloc((gsize)len);
	return files_read(file->fd, tail, (size_t)len, file->size) &&
		memcmp(tail, entry->data, (size_t)len) == 0;
}

static enum err_code
move_tail(struct mbox_file *file, uint64_t len, struct err *err)
{
	g_autofree char *piece = g_malloc(PIECE);
	int fd = openat(file->dir, TORN_NAME, O_WRONLY | O_CREAT | O_CLOEXEC |
			O_NOFOLLOW, 0600);
	off_t to = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	bool fine = to >= 0;

	for (uint64_t at = 0; fine && at < len; at += PIECE) {
		size_t n = (size_t)MIN(len - at, PIECE);

		fine = files_read(file->fd, piece, n, file->size + at) &&
			files_write(fd, piece, n, (uint64_t)to + at);
	}
	fine = fine && fsync(fd) == 0 && fsync(file->dir) == 0;
	if (!fine)
		(void) archive_failed(file->place, TORN_NAME, err);
	if (fd >= 0)
		(void) close(fd);
	if (!fine)
		return err->code;
	file->torn += len;
	return ftruncate(file->fd, (off_t)file->size) == 0 ? ERR_OK :
		failed(file, err);
}

static enum err_code
clear_tail(struct mbox_file *file, const GByteArray *entry, struct err *err)
{
	const uint64_t len = file->found - file->size;

	if (file->looked)
		return ERR_OK;
	file->looked = true;
	return len == 0 || is_ours(file, entry, len) ? ERR_OK :
		move_tail(file, len, err);
}

/* --- posts -------------------------------------------------------------- */

enum err_code
mbox_file_put(struct mbox_file *file, GBytes *text, const char *sender,
	      struct archived *entry, struct err *err)
{
	g_autoptr(GByteArray) bytes = mbox_entry(text, sender,
						 entry->time_s);
	enum err_code rc = clear_tail(file, bytes, err);

	if (rc != ERR_OK)
		return rc;
	if (!files_write(file->fd, (const char *)bytes->data, bytes->len,
			 file->size)) {
		rc = failed(file, err);
		/* Half of it is of no use; if this fails too, the next one
		 * does it. */
		(void) !ftruncate(file->fd, (off_t)file->size);
		return rc;
	}
	entry->offset = file->size;
	entry->size = bytes->len;
	file->size += bytes->len;
	return ERR_OK;
}

enum err_code
mbox_file_sync(struct mbox_file *file, struct err *err)
{
	return fsync(file->fd) == 0 ? ERR_OK : failed(file, err);
}

uint64_t
mbox_file_torn(const struct mbox_file *file)
{
	return file->torn;
}
