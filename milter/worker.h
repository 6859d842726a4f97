/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MILTER_WORKER_H
#define MUSTER_MILTER_WORKER_H

#include "conf/settings.h"

/*
 * worker_run - be a worker process: serve the sessions that libmilter
 * accepts at seat. orders is a pipe from the parent: a byte says "retire"
 * (accept no more, serve what is there), its end "stop" (finish the posts
 * at their end). Returns an exit status, or exits.
 */
int worker_run(struct settings *settings, int seat, int orders);

#define WORKER_RETIRE "r"

#endif
