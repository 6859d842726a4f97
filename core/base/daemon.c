/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/banned.h"

void
daemon_block_signals(sigset_t *out)
{
	(void) sigemptyset(out);
	(void) sigaddset(out, SIGTERM);
	(void) sigaddset(out, SIGINT);
	(void) sigaddset(out, SIGUSR1);
	(void) sigaddset(out, SIGCHLD);
	(void) sigaddset(out, SIGHUP);
	(void) pthread_sigmask(SIG_BLOCK, out, NULL);
	(void) signal(SIGPIPE, SIG_IGN);
}

/* The process that the shell waits for, and may interrupt. */
static void
wait_ready(int pipe_fd, pid_t child)
{
	char byte;
	ssize_t count;
	sigset_t none;
	int status = 0;

	(void) sigemptyset(&none);
	(void) pthread_sigmask(SIG_SETMASK, &none, NULL);
	do
		count = read(pipe_fd, &byte, 1);
	while (count < 0 && errno == EINTR);
	if (count == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(1);
}

enum err_code
daemon_fork(int *ready_out, struct err *err)
{
	int pipes[2];
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_errno(err, "", "cannot make a pipe");
	child = fork();
	if (child < 0)
		return err_errno(err, "", "cannot fork");
	if (child > 0) {
		(void) close(pipes[1]);
		wait_ready(pipes[0], child);
	}
	(void) close(pipes[0]);
	(void) setsid();
	(void) chdir("/");
	*ready_out = pipes[1];
	return ERR_OK;
}

void
daemon_ready(int ready)
{
	int null;

	if (ready < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void) dup2(null, fd);
	if (null > 2)
		(void) close(null);
	if (write(ready, "", 1) != 1)
		return;		/* nobody waits any more */
	(void) close(ready);
}

bool
daemon_options(const char *program, const char *summary,
	       const GOptionEntry *entries, int argc, char **argv)
{
	g_autoptr(GOptionContext) context = g_option_context_new(summary);
	g_autoptr(GError) problem = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &problem)) {
		(void) fprintf(stderr, "%s: %s (see --help)\n", program,
			       problem->message);
		return false;
	}
	if (argc > 1) {
		(void) fprintf(stderr, "%s: unexpected argument \"%s\" (see "
			       "--help)\n", program, argv[1]);
		return false;
	}
	return true;
}

void
daemon_batch_thread(void)
{
#ifdef SCHED_BATCH
	struct sched_param none = { .sched_priority = 0 };

	/* Refused by a sandbox: then it is as it was. */
	(void) pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
#endif
}

enum err_code
daemon_raise_descriptors(unsigned int least, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return ERR_OK;
	limit.rlim_cur = limit.rlim_max;
	(void) setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max >= least)
		return ERR_OK;
	return err_set(err, ERR_INVALID, "raise LimitNOFILE, or ulimit -n",
		       "%llu descriptors are too few: the least is %u",
		       (unsigned long long)limit.rlim_max, least);
}

enum err_code
daemon_make_run(const char *dir, struct err *err)
{
	if (g_mkdir_with_parents(dir, 0755) != 0)
		return err_errno(err, "create it, or set [muster] run",
				 "cannot make %s", dir);
	return ERR_OK;
}
