/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A world of its own: namespaces of users, mounts, processes, the network
 * and IPC, made without privileges. Its root is an empty directory in memory
 * with what may be read mounted into it, so that nothing else has even a
 * name there: neither muster's home, nor its sockets, nor other people's
 * files. Its network is empty, and nobody else's process has a number.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sandbox/inside.h"
#include "core/base/banned.h"

#define BASE "/tmp"		/* any directory that is there */
#define INODES 10000		/* files in its own /tmp */
#define GO "go"

/* To the warden, which then goes on without a world: GO, or why not */
static int say_fd = -1;

static void
refuse(const char *what)
{
	char text[HOLD_REFUSAL];

	(void) snprintf(text, sizeof(text), "%.80s: %s", what,
			strerror(errno));
	if (write(say_fd, text, strlen(text)) < 0)
		_exit(2);
	_exit(1);
}

/* --- users -------------------------------------------------------------- */

static void
write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		refuse(path);
	(void) close(fd);
}

/* We stay who we are: another number would need a privilege. */
static void
map_user(uid_t uid, gid_t gid)
{
	char line[64];

	(void) snprintf(line, sizeof(line), "%u %u 1\n", uid, uid);
	write_file("/proc/self/uid_map", line);
	write_file("/proc/self/setgroups", "deny");
	(void) snprintf(line, sizeof(line), "%u %u 1\n", gid, gid);
	write_file("/proc/self/gid_map", line);
}

/* --- files -------------------------------------------------------------- */

struct piece {
	int tree;		/* a detached mount, or -1 */
	bool is_dir;
	char link[PATH_MAX];	/* where it is a link (/bin), or "" */
};

/* Before the base hides what is below it. */
static void
detach(const struct view *view, struct piece *out)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			(view->is_device ? MOUNT_ATTR_NOEXEC :
			 MOUNT_ATTR_NODEV),
	};
	struct stat status;
	ssize_t len;

	out->tree = -1;
	out->link[0] = '\0';
	if (strchr(view->path + 1, '/') == NULL &&
	    (len = readlink(view->path, out->link,
			    sizeof(out->link) - 1)) > 0) {
		out->link[len] = '\0';
		return;
	}
	out->link[0] = '\0';
	if (stat(view->path, &status) != 0)
		return;		/* not every system has all */
	out->is_dir = S_ISDIR(status.st_mode);
	out->tree = open_tree(AT_FDCWD, view->path, OPEN_TREE_CLONE |
			      OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (out->tree < 0 ||
	    mount_setattr(out->tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
			  sizeof(attr)) != 0)
		refuse(view->path);
}

/* The directories above a path, relative to the working directory. */
static void
make_above(const char *path)
{
	char above[PATH_MAX];

	errno = ENAMETOOLONG;
	if (strlen(path) >= sizeof(above))
		refuse(path);
	(void) snprintf(above, sizeof(above), "%s", path);
	for (char *p = strchr(above, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(above, 0755) != 0 && errno != EEXIST)
			refuse(above);
		*p = '/';
	}
}

static void
make_file(const char *path)
{
	const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		refuse(path);
	(void) close(fd);
}

static void
attach(const struct view *view, struct piece *piece)
{
	const char *path = view->path + 1;

	if (piece->link[0] != '\0') {
		if (symlink(piece->link, path) != 0)
			refuse(path);
		return;
	}
	if (piece->tree < 0)
		return;
	make_above(path);
	if (!piece->is_dir)
		make_file(path);
	else if (mkdir(path, 0755) != 0 && errno != EEXIST)
		refuse(path);
	if (move_mount(piece->tree, "", AT_FDCWD, path,
		       MOVE_MOUNT_F_EMPTY_PATH) != 0)
		refuse(path);
	(void) close(piece->tree);
}

static void
make_tmp(const struct order *order)
{
	char options[128];

	(void) snprintf(options, sizeof(options), "mode=0700,size=%llu,"
			"nr_inodes=%d", (unsigned long long)order->space,
			INODES);
	if (mkdir("tmp", 0700) != 0 ||
	    mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
		refuse("tmpfs");
}

/* Within a service whose own /proc has parts hidden the kernel refuses
 * another one; nearly every program does without. */
static void
make_proc(void)
{
	if (mkdir("proc", 0555) != 0)
		refuse("/proc");
	(void) mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV |
		     MS_NOEXEC, NULL);
	if (symlink("/proc/self/fd", "dev/fd") != 0 ||
	    symlink("/proc/self/fd/0", "dev/stdin") != 0 ||
	    symlink("/proc/self/fd/1", "dev/stdout") != 0 ||
	    symlink("/proc/self/fd/2", "dev/stderr") != 0 ||
	    symlink("/tmp", "dev/shm") != 0)
		refuse("/proc");
}

static void
change_root(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (syscall(SYS_pivot_root, ".", ".") != 0 ||
	    umount2(".", MNT_DETACH) != 0 || chdir("/") != 0 ||
	    mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)) != 0)
		refuse("pivot_root");
}

static void
make_root(const struct order *order)
{
	static struct piece pieces[VIEWS_MAX];	/* too large for a stack */

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		refuse("mount");
	for (size_t i = 0; i < order->view_count; i++)
		detach(&order->views[i], &pieces[i]);
	if (mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0755,size=1m") != 0 || chdir(BASE) != 0)
		refuse("tmpfs");
	make_tmp(order);	/* and below it what is named there */
	for (size_t i = 0; i < order->view_count; i++)
		attach(&order->views[i], &pieces[i]);
	make_proc();
	change_root();
}

/* --- the keeper --------------------------------------------------------- */

/* Process 1 takes orphans, and whoever it leaves behind is killed. */
static void
keep(const struct order *order, const struct hold *hold)
{
	pid_t program = program_start(order, hold), pid;
	int status;

	for (int fd = 0; fd < REPORT_FD; fd++)
		(void) close(fd);
	while ((pid = waitpid(-1, &status, 0)) != program)
		if (pid < 0 && errno != EINTR)
			fail("cannot wait");
	report_end(status);
	_exit(0);
}

static void
be_keeper(const struct order *order, struct hold *hold, uid_t uid, gid_t gid)
{
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	map_user(uid, gid);
	make_root(order);
	(void) prctl(PR_SET_DUMPABLE, 0);
	hold->is_world = true;
	hold->tmp = "/tmp";
	hold->tasks = 1;	/* this namespace's own count */
	if (write(say_fd, GO, strlen(GO)) < 0)
		_exit(1);
	(void) close(say_fd);
	keep(order, hold);
}

/* True: it goes on. Else it ends, having said why. */
static bool
hear(int fd, struct hold *hold)
{
	const ssize_t len = read(fd, hold->refusal,
				 sizeof(hold->refusal) - 1);

	hold->refusal[len > 0 ? len : 0] = '\0';
	return strcmp(hold->refusal, GO) == 0;
}

pid_t
world_start(const struct order *order, struct hold *hold)
{
	const int flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
		CLONE_NEWNET | CLONE_NEWIPC;
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		fail("cannot make a pipe");
	/* Else a process that was root owns no file of /proc/self. */
	(void) prctl(PR_SET_DUMPABLE, 1);
	say_fd = ends[1];
	pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, NULL, NULL, 0);
	if (pid == 0)
		be_keeper(order, hold, uid, gid);
	if (pid < 0)
		(void) snprintf(hold->refusal, sizeof(hold->refusal), "%s",
				strerror(errno));
	(void) prctl(PR_SET_DUMPABLE, 0);
	(void) close(ends[1]);
	if (pid > 0 && !hear(ends[0], hold)) {
		(void) waitpid(pid, NULL, 0);
		pid = -1;
	}
	(void) close(ends[0]);
	hold->is_world = pid > 0;
	return pid;
}
