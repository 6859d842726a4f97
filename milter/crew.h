/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MILTER_CREW_H
#define MUSTER_MILTER_CREW_H

#include <stdint.h>

#include "conf/settings.h"

/*
 * The worker processes of the gate, as their parent sees them: a crash in a
 * parser takes the sessions of one of them, and that one is replaced.
 * Single-threaded, as it forks.
 */
struct crew;

/* crew_new - nobody yet. private_fd: a descriptor that workers must not
 * have (the lock). */
struct crew *crew_new(int seat, int private_fd);
void crew_free(struct crew *crew);

/* crew_fill - as many as the settings say; returns in how many ms it wants
 * to be called again (a worker that keeps dying waits), -1: no need */
int64_t crew_fill(struct crew *crew, struct settings *settings);

/* crew_reap - notice those that have ended; after SIGCHLD */
void crew_reap(struct crew *crew);

/* crew_retire - all are to leave when their sessions have */
void crew_retire(struct crew *crew);

/* crew_stop - all are to end now, but for posts at their end; waits for
 * them, at most settings->drain_s and a bit, then kills. */
void crew_stop(struct crew *crew, const struct settings *settings);

#endif
