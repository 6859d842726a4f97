/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PROGRAMS_H
#define MUSTER_PROGRAMS_H

#include "conf/settings.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * Who works off STAGE_PROGRAM: a thread that looks at what is due, and one
 * for each job whose program runs. There are never more than [sandbox]
 * at-once, nor more for one list than at-once-of-list, so that a list whose
 * program is slow keeps neither the other lists' posts waiting nor those that
 * need no program. What has to wait waits in the queue.
 */
struct programs;

/* run does a job; it is called in a thread of its own, many at a time. */
struct programs *programs_start(struct store *store,
				struct settings *(*settings)(void),
				void (*run)(void *arg,
					    struct settings *settings,
					    struct job *job),
				void *arg);
/* programs_wake - there may be a job; any thread */
void programs_wake(struct programs *programs);
/* programs_stop - when those at work have come back, which are not told */
void programs_stop(struct programs *programs);

#endif
