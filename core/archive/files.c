/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/banned.h"

bool
files_write(int fd, const char *bytes, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, bytes, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			return false;
		if (n <= 0)
			continue;
		bytes += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return true;
}

bool
files_read(int fd, char *bytes, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t n = pread(fd, bytes, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENODATA;	/* it is shorter than it was */
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return true;
}

static DIR *
open_folder(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (folder == NULL && fd >= 0)
		(void) close(fd);
	return folder;
}

GHashTable *
files_in_cur(int dir)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal,
						  g_free, g_free);
	DIR *cur = open_folder(dir, "cur");
	const struct dirent *entry;

	while (cur != NULL && (entry = readdir(cur)) != NULL) {
		const char *name = entry->d_name;

		g_hash_table_insert(names, g_strndup(name, strcspn(name,
				    ":")), g_strdup(name));
	}
	if (cur != NULL)
		(void) closedir(cur);
	return names;
}

uint64_t
files_count(int dir, const char *name)
{
	DIR *folder = open_folder(dir, name);
	const struct dirent *entry;
	uint64_t count = 0;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	if (folder != NULL)
		(void) closedir(folder);
	return count;
}
