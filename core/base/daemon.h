/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BASE_DAEMON_H
#define MUSTER_BASE_DAEMON_H

#include "core/base/err.h"

/*
 * Going into the background, so that the shell's "$?" tells whether the
 * start has worked. Call daemon_fork() before threads and open sockets: the
 * caller's process stays and waits, the child goes on. The child ends the
 * wait with daemon_ready() when it serves, or by exiting, whose status is
 * then passed on.
 */
enum err_code daemon_fork(int *ready_out, struct err *err);
void daemon_ready(int ready);

#endif
