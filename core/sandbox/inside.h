/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_SANDBOX_INSIDE_H
#define MUSTER_SANDBOX_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Private to muster-sandbox, which core/base/sandbox.h describes. The helper
 * has one thread and no library but libc and libseccomp.
 *
 * Three processes take part. The warden was started by muster, ends
 * everything when muster hangs up, and takes away what is left over. Its
 * child, the keeper, is process 1 of a world of its own, if the kernel lets
 * us make one; when it ends, whoever else is in there ends. The program is
 * the keeper's child, or the warden's.
 */

#define REPORT_FD 3		/* what happened, as lines; 0 to 2 are the
				 * program's */
#define VIEWS_MAX 96
#define HOLD_REFUSAL 160

struct view {
	const char *path;
	bool is_device;
};

/* What muster ordered */
struct order {
	const char *user;	/* whom to become when we are root */
	uint64_t cpu_s, memory, processes, files, space;
	bool no_namespaces, no_landlock;	/* tests do without them */
	char **argv;
	struct view views[VIEWS_MAX];	/* what it may read */
	size_t view_count;
};

/* What holds, as the program is about to start */
struct hold {
	bool other_user;	/* than muster's: files of muster are safe */
	bool is_world;		/* namespaces */
	char refusal[HOLD_REFUSAL];	/* why not */
	const char *tmp;	/* the directory that it may write */
	uint64_t tasks;		/* of this user, which RLIMIT_NPROC counts */
};

/* report - a line to muster; at most PIPE_BUF, so it is written whole */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* fail - "failed TEXT", with errno's behind it if that is not 0; ends */
void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));
/* report_end - how the program ended, by waitpid()'s status */
void report_end(int status);

/* views.c: the system's own, then the program's, are added to the order */
void views_add(struct order *order, const char *path);
void views_add_system(struct order *order);
bool views_cover(const struct order *order, const char *path);

/*
 * world_start - the keeper in its namespaces, with the program as its child;
 * -1 where the kernel refuses them. Nothing has run then.
 */
pid_t world_start(const struct order *order, struct hold *hold);

/* program_start - fork, and in the child fence_raise() and exec */
pid_t program_start(const struct order *order, const struct hold *hold);

/*
 * fence_raise - Landlock, seccomp and limits around this process, for good.
 * Ends the process where what holds is not enough to keep muster's files from
 * it.
 */
void fence_raise(const struct order *order, const struct hold *hold);

/* landlock_raise - the version of Landlock that now holds, 0: there is none */
int landlock_raise(const struct order *order, const struct hold *hold);
/* calls_fence - system calls that no filter of mail needs. signals: it can
 * reach nobody but its own. False: the kernel has no seccomp. */
bool calls_fence(bool is_world, bool signals);

/* others.c: who descends from this process */
uint64_t tasks_of_user(uid_t uid);
void descendants_kill(void);
/* tree_remove - a directory with all that is in it; best effort */
void tree_remove(const char *path);

#endif
