/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * muster-sandbox: runs one program of the administrator's on one message, so
 * that it can do no harm but to that message. core/base/sandbox.c starts it.
 *
 *	muster-sandbox KEY=VALUE... -- PROGRAM ARGUMENT...
 *
 * Standard input, output and error are the program's, and its environment is
 * ours. Descriptor 3 is muster's end: it gets lines, and when its reader is
 * gone, everything ends.
 *
 *	holds TEXT	what the sandbox is made of; the program is about to
 *			start
 *	exit N, signal N	the program has ended so
 *	failed TEXT	it could not be started
 *	later TEXT	nor could it, for want of memory, processes or room
 *
 * Why a helper: musterd has many threads, and between fork and exec a thread
 * of such a process may do next to nothing. Why not bubblewrap, which is well
 * kept: it needs namespaces, which hardened services and some kernels refuse,
 * sets no limits, does not know Landlock, and would leave us with a helper
 * for all that anyhow. libseccomp is used, since filters that are right on
 * each processor are not to be written by hand; Landlock and the namespaces
 * are a few system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sandbox/inside.h"
#include "core/base/banned.h"

#define LINE_MAX_BYTES 900

/* --- what muster hears -------------------------------------------------- */

static void
say(const char *kind, const char *format, va_list args, int number)
	__attribute__((format(printf, 2, 0)));

static void
say(const char *kind, const char *format, va_list args, int number)
{
	char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 128];

	(void) vsnprintf(text, sizeof(text), format, args);
	(void) snprintf(line, sizeof(line), "%s%s%s%s\n", kind, text,
			number != 0 ? ": " : "",
			number != 0 ? strerror(number) : "");
	if (write(REPORT_FD, line, strlen(line)) < 0)
		_exit(1);	/* nobody is there any more */
}

void
report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("", format, args, 0);
	va_end(args);
}

static bool
may_pass(int number)
{
	return number == EAGAIN || number == ENOMEM || number == EMFILE ||
		number == ENFILE || number == ENOSPC;
}

void
fail(const char *format, ...)
{
	const int number = errno;
	va_list args;

	va_start(args, format);
	say(may_pass(number) ? "later " : "failed ", format, args, number);
	va_end(args);
	_exit(1);
}

void
report_end(int status)
{
	if (WIFSIGNALED(status))
		report("signal %d", WTERMSIG(status));
	else
		report("exit %d", WEXITSTATUS(status));
}

/* --- the order ---------------------------------------------------------- */

static uint64_t
number_of(const char *text)
{
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		fail("\"%s\" is no number", text);
	return number;
}

static bool
take(const char *arg, const char *key, const char **value)
{
	const size_t len = strlen(key);

	if (strncmp(arg, key, len) != 0 || arg[len] != '=')
		return false;
	*value = arg + len + 1;
	return true;
}

static void
read_word(struct order *order, const char *arg)
{
	const char *value;

	if (take(arg, "user", &value))
		order->user = value;
	else if (take(arg, "cpu", &value))
		order->cpu_s = number_of(value);
	else if (take(arg, "memory", &value))
		order->memory = number_of(value);
	else if (take(arg, "processes", &value))
		order->processes = number_of(value);
	else if (take(arg, "files", &value))
		order->files = number_of(value);
	else if (take(arg, "space", &value))
		order->space = number_of(value);
	else if (take(arg, "path", &value))
		views_add(order, value);
	else if (strcmp(arg, "without=namespaces") == 0)
		order->no_namespaces = true;
	else if (strcmp(arg, "without=landlock") == 0)
		order->no_landlock = true;
	else
		fail("unknown word \"%s\"", arg);
}

static void
read_order(int argc, char **argv, struct order *order)
{
	int i = 1;

	errno = 0;
	views_add_system(order);
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		read_word(order, argv[i]);
	if (i + 1 >= argc)
		fail("no program is named");
	order->argv = argv + i + 1;
	views_add(order, order->argv[0]);
}

/* --- who we are --------------------------------------------------------- */

/* Root is nobody to run such a program. */
static void
become_user(const struct order *order, struct hold *hold)
{
	const struct passwd *user;

	if (geteuid() != 0)
		return;
	errno = 0;
	user = order->user != NULL ? getpwnam(order->user) : NULL;
	if (user == NULL)
		fail("there is no user \"%s\" to run it as",
		     order->user != NULL ? order->user : "");
	if (user->pw_uid == 0)
		fail("a program is not run as root");
	if (setgroups(0, NULL) != 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
		fail("cannot become %s", order->user);
	hold->other_user = true;
}

/* --- the warden --------------------------------------------------------- */

/* Nothing comes in any more, and nobody waits for the end of our output. */
static void
let_go(void)
{
	for (int fd = 0; fd < REPORT_FD; fd++)
		(void) close(fd);
}

/* True: the child has ended, with *status. */
static bool
reap(pid_t child, int *status)
{
	pid_t pid;
	int other;

	while ((pid = waitpid(-1, &other, WNOHANG)) > 0) {
		if (pid != child)
			continue;	/* an orphan of the program's */
		*status = other;
		return true;
	}
	return false;
}

/* Until the child ends. False: muster has hung up before. */
static bool
watch_over(pid_t child, int children, int *status)
{
	struct signalfd_siginfo info;
	struct pollfd fds[] = {
		{ .fd = REPORT_FD },	/* POLLERR: no reader */
		{ .fd = children, .events = POLLIN },
	};

	while (!reap(child, status)) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return false;
		if ((fds[0].revents & (POLLERR | POLLHUP)) != 0)
			return false;
		if ((fds[1].revents & POLLIN) != 0 &&
		    read(children, &info, sizeof(info)) < 0)
			return false;
	}
	return true;
}

static int
watch_children(void)
{
	sigset_t set;
	int fd;

	(void) sigemptyset(&set);
	(void) sigaddset(&set, SIGCHLD);
	(void) sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fail("cannot wait for signals");
	return fd;
}

/* Without a world of its own the program is our child, and so are its
 * orphans. */
static pid_t
start_bare(const struct order *order, struct hold *hold, char *tmp)
{
	(void) prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (mkdtemp(tmp) == NULL)
		fail("cannot make a directory %s", tmp);
	hold->tmp = tmp;
	hold->tasks = tasks_of_user(geteuid());
	return program_start(order, hold);
}

static void
run(const struct order *order, struct hold *hold)
{
	char tmp[] = "/tmp/muster-sandbox-XXXXXX";	/* or PrivateTmp's */
	const int children = watch_children();
	pid_t child = -1;
	int status = 0;
	bool ended;

	if (!order->no_namespaces)
		child = world_start(order, hold);
	if (child < 0)
		child = start_bare(order, hold, tmp);
	let_go();
	ended = watch_over(child, children, &status);
	if (!ended)
		(void) kill(child, SIGKILL);
	if (hold->is_world) {
		/* The keeper has said how it ended; its end was all's end. */
		if (!ended)
			(void) waitpid(child, &status, 0);
		return;
	}
	descendants_kill();
	tree_remove(tmp);
	if (ended)
		report_end(status);
}

int
main(int argc, char **argv)
{
	struct order order = { 0 };
	struct hold hold = { 0 };

	/* Whatever muster has open is none of ours. */
	(void) close_range(REPORT_FD + 1, ~0U, 0);
	if (fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) != 0) {
		(void) fprintf(stderr, "muster-sandbox: it is run by musterd, "
			       "see muster.conf(5)\n");
		return 2;
	}
	(void) signal(SIGPIPE, SIG_IGN);
	(void) umask(077);
	read_order(argc, argv, &order);
	become_user(&order, &hold);
	run(&order, &hold);
	return 0;
}
