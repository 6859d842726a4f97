/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/bdb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/base/banned.h"

#define COPY_SIZE (1024 * 1024)		/* bytes of a piece */

/*
 * A hot backup copies files that are being written; the copy is only a
 * database after catastrophic recovery with the logs that were copied last.
 * So that none of those is removed in between, checkpoints and the removal
 * of logs rest while it is made.
 */

/* Removes what is in a directory, and the directory itself if so asked.
 * Failures leave something behind, which the next backup will name. */
static void
remove_tree(const char *path, bool itself)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		struct stat st;

		if (lstat(inner, &st) == 0 && S_ISDIR(st.st_mode))
			remove_tree(inner, true);
		else
			(void) unlink(inner);
	}
	if (itself)
		(void) rmdir(path);
}

static enum err_code
take_dir(const char *path, bool *made, struct err *err)
{
	g_autoptr(GDir) dir = NULL;

	*made = mkdir(path, 0700) == 0;
	if (*made)
		return ERR_OK;
	if (errno != EEXIST)
		return err_errno(err, "", "%s", path);
	dir = g_dir_open(path, 0, NULL);
	if (dir == NULL)
		return err_set(err, ERR_INVALID, "name a directory",
			       "%s is not a directory that can be read",
			       path);
	if (g_dir_read_name(dir) != NULL)
		return err_set(err, ERR_INVALID,
			       "name one that is empty, or not there yet",
			       "%s is not empty", path);
	return ERR_OK;
}

static enum err_code
make_inner(const char *dir, struct err *err)
{
	static const char *const names[] = {
		"env", "env/data", "env/log", "load",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(dir, names[i], NULL);

		if (mkdir(path, 0700) < 0)
			return err_errno(err, "", "%s", path);
	}
	return ERR_OK;
}

/* --- the copy's files --------------------------------------------------- */

/*
 * What is written goes to the disk at once, a piece at a time. Berkeley DB's
 * own copying leaves it to the kernel, and then the next commit of anybody
 * waits until all of it is written (measured on ext4: over a second).
 */
static int
open_copy(DB_ENV *env, const char *name, const char *target, void **handle)
{
	g_autofree char *path = g_build_filename(target, name, NULL);
	g_autofree char *dir = g_path_get_dirname(path);
	int fd;

	(void) env;
	if (g_mkdir_with_parents(dir, 0700) < 0)
		return errno;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	*handle = GINT_TO_POINTER(fd);
	return 0;
}

static int
write_copy(DB_ENV *env, u_int32_t gigabytes, u_int32_t offset,
	   u_int32_t size, u_int8_t *bytes, void *handle)
{
	int fd = GPOINTER_TO_INT(handle);
	off_t at = (off_t)gigabytes << 30 | (off_t)offset;

	(void) env;
	while (size > 0) {
		ssize_t count = pwrite(fd, bytes, size, at);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return errno;
		bytes += count;
		at += count;
		size -= (u_int32_t)count;
		if (sync_file_range(fd, at - count, count,
				    SYNC_FILE_RANGE_WRITE |
				    SYNC_FILE_RANGE_WAIT_AFTER) < 0 &&
		    errno != EINVAL && errno != ESPIPE && errno != ENOSYS)
			return errno;
	}
	return 0;
}

static int
close_copy(DB_ENV *env, const char *name, void *handle)
{
	int fd = GPOINTER_TO_INT(handle);
	int rc = fdatasync(fd) < 0 ? errno : 0;

	(void) env;
	(void) name;
	if (close(fd) < 0 && rc == 0)
		rc = errno;
	return rc;
}

static int
copy_env(struct store *store, const char *target)
{
	DB_ENV *env = store->env;
	int rc, again;

	g_mutex_lock(&store->no_checkpoint);
	rc = env->log_set_config(env, DB_LOG_AUTO_REMOVE, 0);
	if (rc == 0)
		rc = env->set_backup_callbacks(env, open_copy, write_copy,
					       close_copy);
	if (rc == 0)
		rc = env->set_backup_config(env, DB_BACKUP_SIZE, COPY_SIZE);
	if (rc == 0)
		rc = env->backup(env, target, DB_CREATE);
	again = env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1);
	g_mutex_unlock(&store->no_checkpoint);
	return rc != 0 ? rc : again;
}

/* In memory of its own, so that no region files stay in the copy. */
static int
recover_copy(const char *target)
{
	DB_ENV *env;
	int rc = env_open(target, NULL, DB_RECOVER_FATAL | DB_PRIVATE, &env);
	int closed;

	if (rc != 0)
		return rc;
	rc = env->txn_checkpoint(env, 0, 0, DB_FORCE);
	closed = env->close(env, 0);
	return rc != 0 ? rc : closed;
}

static enum err_code
fill_backup(struct store *store, const char *dir, struct err *err)
{
	g_autofree char *target = g_build_filename(dir, "env", NULL);
	enum err_code rc = make_inner(dir, err);
	int db;

	if (rc != ERR_OK)
		return rc;
	db = copy_env(store, target);
	if (db != 0)
		return db_fail(store, NULL, db, err, "copying to %s",
			       target);
	db = recover_copy(target);
	/* A panic of the copy's environment is none of ours: no store. */
	return db == 0 ? ERR_OK :
		db_fail(NULL, NULL, db, err, "recovery of %s", target);
}

enum err_code
store_backup(struct store *store, const char *dir, struct err *err)
{
	bool made;
	enum err_code rc = take_dir(dir, &made, err);

	if (rc != ERR_OK)
		return rc;
	rc = fill_backup(store, dir, err);
	if (rc != ERR_OK)
		remove_tree(dir, made);
	return rc;
}
