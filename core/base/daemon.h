/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BASE_DAEMON_H
#define MUSTER_BASE_DAEMON_H

#include <signal.h>
#include <stdbool.h>

#include <glib.h>

#include "core/base/err.h"

/*
 * daemon_block_signals - the signals that a daemon takes with sigtimedwait()
 * in main's thread alone. The first thing that main() does: one that comes
 * during the start then waits until it can be obeyed.
 */
void daemon_block_signals(sigset_t *out);

/*
 * Going into the background, so that the shell's "$?" tells whether the
 * start has worked. Call daemon_fork() before threads and open sockets: the
 * caller's process stays and waits, the child goes on. The child ends the
 * wait with daemon_ready() when it serves, or by exiting, whose status is
 * then passed on.
 */
enum err_code daemon_fork(int *ready_out, struct err *err);
void daemon_ready(int ready);

/*
 * daemon_options - the command line of a daemon: options only. A complaint
 * goes to stderr, then false. argv[0] and entries are as for GOption.
 */
bool daemon_options(const char *program, const char *summary,
		    const GOptionEntry *entries, int argc, char **argv);

/* daemon_raise_descriptors - as many as the hard limit allows; ERR_INVALID
 * where that is less than the process needs to be of any use */
enum err_code daemon_raise_descriptors(unsigned int least, struct err *err);

/*
 * daemon_batch_thread - the calling thread moves much and need not be
 * prompt: it does not interrupt another one when it is woken, so it finds more
 * to do each time that it runs (SCHED_BATCH). Without effect where there is no
 * such thing.
 */
void daemon_batch_thread(void);

/* daemon_make_run - the directory of the sockets, if it is missing */
enum err_code daemon_make_run(const char *dir, struct err *err);

#endif
