/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "core/sandbox/inside.h"
#include "core/base/banned.h"

/* --- files: Landlock ---------------------------------------------------- *
 *
 * What a kernel knows is found out when we run, so what is newer than the
 * headers of Debian 12 is written out here.
 */
#define FS_TRUNCATE (1ULL << 14)	/* from version 3 on */
#define FS_IOCTL_DEV (1ULL << 15)	/* 5 */
#define NET_TCP 3ULL			/* 4: bind, connect */
#define SCOPED 3ULL			/* 6: abstract sockets, signals */

#define READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE)
#define READ_DIR (READ | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILE (LANDLOCK_ACCESS_FS_READ_FILE | \
		    LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define VERSION_1 ((1ULL << 13) - 1)	/* all that the first one knew */

struct ruleset { uint64_t fs, net, scoped; };

static void
allow(int ruleset, const char *path, uint64_t dir_access,
      uint64_t file_access, uint64_t known)
{
	struct landlock_path_beneath_attr rule = { 0 };
	struct stat status;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return;		/* what is not there needs no leave */
	if (fstat(rule.parent_fd, &status) != 0)
		fail("%s", path);
	rule.allowed_access = known & (S_ISDIR(status.st_mode) ? dir_access :
				       file_access);
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		    &rule, 0) != 0)
		fail("Landlock: %s", path);
	(void) close(rule.parent_fd);
}

static void
allow_all(const struct order *order, const struct hold *hold, int ruleset,
	  uint64_t known)
{
	for (size_t i = 0; i < order->view_count; i++)
		allow(ruleset, order->views[i].path, READ_DIR,
		      order->views[i].is_device ? WRITE_FILE : READ, known);
	allow(ruleset, hold->tmp, known & ~FS_IOCTL_DEV, 0, known);
	/* Elsewhere it would show muster's own processes. */
	if (hold->is_world)
		allow(ruleset, "/proc", READ_DIR | WRITE_FILE, 0, known);
}

int
landlock_raise(const struct order *order, const struct hold *hold)
{
	struct ruleset attr = { 0 };
	const int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
					 LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset;

	if (version <= 0 || order->no_landlock)
		return 0;
	attr.fs = VERSION_1 | (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) |
		(version >= 3 ? FS_TRUNCATE : 0) |
		(version >= 5 ? FS_IOCTL_DEV : 0);
	attr.net = version >= 4 ? NET_TCP : 0;
	attr.scoped = version >= 6 ? SCOPED : 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
			       version >= 6 ? sizeof(attr) : version >= 4 ?
			       2 * sizeof(uint64_t) : sizeof(uint64_t), 0);
	if (ruleset < 0)
		fail("Landlock");
	allow_all(order, hold, ruleset, attr.fs);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		fail("Landlock");
	(void) close(ruleset);
	return version;
}

/* --- limits ------------------------------------------------------------- */

static void
limit(int what, uint64_t most)
{
	struct rlimit old;
	rlim_t value = most;

	if (getrlimit((__rlimit_resource_t)what, &old) == 0 &&
	    old.rlim_max != RLIM_INFINITY && old.rlim_max < value)
		value = old.rlim_max;
	if (setrlimit((__rlimit_resource_t)what,
		      &(struct rlimit){ value, value }) != 0)
		fail("cannot set limits");
}

/* With two seconds of CPU time more than the soft limit has, so that SIGXCPU
 * says what it was. */
static void
limit_all(const struct order *order, const struct hold *hold)
{
	struct rlimit cpu = { order->cpu_s, order->cpu_s + 2 };

	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, order->space);
	limit(RLIMIT_NOFILE, order->files);
	limit(RLIMIT_MEMLOCK, 0);
	limit(RLIMIT_MSGQUEUE, 0);
	limit(RLIMIT_NPROC, order->processes + hold->tasks);
	limit(RLIMIT_AS, order->memory);
	if (setrlimit(RLIMIT_CPU, &cpu) != 0)
		limit(RLIMIT_CPU, order->cpu_s);
}

/* If memory runs out, it is this process that goes, and not musterd. */
static void
be_first_to_go(void)
{
	const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) != 4)
		(void) 0;	/* then it is as it was */
	(void) close(fd);
}

static void
report_holds(const struct hold *hold, int landlock, bool calls)
{
	const bool why = !hold->is_world && hold->refusal[0] != '\0';

	report("holds %s%s%s%s%s%s, limits%s",
	       hold->is_world ? "namespaces" : "no namespaces",
	       why ? " (" : "", why ? hold->refusal : "", why ? ")" : "",
	       landlock > 0 ? ", Landlock" : ", no Landlock",
	       calls ? ", seccomp" : ", no seccomp",
	       hold->other_user ? ", a user of its own" : "");
}

void
fence_raise(const struct order *order, const struct hold *hold)
{
	bool calls;
	int version;

	errno = 0;
	be_first_to_go();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fail("no_new_privs");
	version = landlock_raise(order, hold);
	errno = 0;
	if (!hold->is_world && !hold->other_user && version == 0)
		fail("neither namespaces nor Landlock are to be had, so the "
		     "program could read and write all that is muster's");
	calls = calls_fence(hold->is_world, hold->is_world || version >= 6);
	if (!calls && !hold->is_world)
		fail("neither namespaces nor seccomp are to be had, so the "
		     "program could talk to muster's sockets");
	limit_all(order, hold);
	report_holds(hold, version, calls);
}
