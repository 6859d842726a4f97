/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Whom a program leaves behind where it has no namespace of processes: then
 * the warden adopts all its orphans, however they have got away from their
 * parents, and finds them in /proc.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/sandbox/inside.h"
#include "core/base/banned.h"

#define ROUNDS 2000		/* of looking for who is left */
#define REST_NS 1000000L
#define DEPTH 64		/* of directories, with one descriptor each */

struct task { pid_t pid, parent; uint64_t threads; };

/* "PID (any name) STATE PPID ...", proc(5); false: it has gone. */
static bool
read_task(const char *name, struct task *out)
{
	char path[64], text[1024];
	const char *rest;
	long long threads;
	ssize_t len;
	int fd, parent;

	(void) snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	(void) close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	rest = strrchr(text, ')');
	if (rest == NULL || sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u "
				   "%*u %*u %*u %*u %*u %*d %*d %*d %*d %lld",
				   &parent, &threads) != 2)
		return false;
	*out = (struct task){ (pid_t)strtol(name, NULL, 10), parent,
			      (uint64_t)threads };
	return true;
}

uint64_t
tasks_of_user(uid_t uid)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct stat status;
	struct task task;
	uint64_t count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
		    fstatat(dirfd(dir), entry->d_name, &status, 0) == 0 &&
		    status.st_uid == uid && read_task(entry->d_name, &task))
			count += task.threads;
	if (dir != NULL)
		(void) closedir(dir);
	return count;
}

/* Is it ours? The line of its parents ends here, or with process 1. */
static bool
descends(struct task task)
{
	char name[24];

	for (unsigned int i = 0; i < 4096 && task.parent > 1; i++) {
		if (task.parent == getpid())
			return true;
		(void) snprintf(name, sizeof(name), "%d", task.parent);
		if (!read_task(name, &task))
			return false;	/* adopted meanwhile: next round */
	}
	return false;
}

static void
kill_seen(void)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct task task;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
		    read_task(entry->d_name, &task) && descends(task))
			(void) kill(task.pid, SIGKILL);
	if (dir != NULL)
		(void) closedir(dir);
}

/* Who forks faster than we look is met in the next round; nobody has more
 * processes than the limit. */
void
descendants_kill(void)
{
	const struct timespec rest = { .tv_nsec = REST_NS };
	pid_t pid;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		kill_seen();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return;
		(void) nanosleep(&rest, NULL);
	}
}

static int
remove_one(const char *path, const struct stat *status, int kind,
	   struct FTW *at)
{
	(void) status;
	(void) at;
	/* What it cannot be removed from is left to tmpfiles.d(5). */
	(void) (kind == FTW_DP || kind == FTW_DNR ? rmdir(path) :
		unlink(path));
	return 0;
}

static int
open_up(const char *path, const struct stat *status, int kind,
	struct FTW *at)
{
	(void) status;
	(void) at;
	if (kind == FTW_D || kind == FTW_DNR)
		(void) chmod(path, 0700);
	return 0;
}

void
tree_remove(const char *path)
{
	(void) nftw(path, open_up, DEPTH, FTW_PHYS);
	(void) nftw(path, remove_one, DEPTH, FTW_PHYS | FTW_DEPTH);
}
