/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/sandbox/inside.h"
#include "core/base/banned.h"

/* The program's own process, up to exec. */

#define NICER 5			/* the mail goes first */

static void
reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void) signal(number, SIG_DFL);	/* SIGKILL stays as it is */
	(void) sigemptyset(&none);
	(void) sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
exec(const struct order *order)
{
	extern char **environ;

	(void) execve(order->argv[0], order->argv, environ);
	fail("cannot run %s", order->argv[0]);
}

pid_t
program_start(const struct order *order, const struct hold *hold)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid < 0)
		fail("cannot fork");
	if (pid > 0)
		return pid;
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* No terminal is ours, nor anybody's process group. */
	(void) setsid();
	if (chdir(hold->tmp) != 0)
		fail("cannot enter %s", hold->tmp);
	if (setenv("HOME", hold->tmp, 1) != 0 ||
	    setenv("TMPDIR", hold->tmp, 1) != 0)
		fail("no memory");
	(void) setpriority(PRIO_PROCESS, 0, NICER);
	fence_raise(order, hold);
	reset_signals();
	exec(order);
	return -1;
}
