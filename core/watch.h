/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_WATCH_H
#define MUSTER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/settings.h"
#include "core/base/err.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * Whose fault it is when musterd ends (invariant 6). A thread says which job
 * it is at. If it crashes, or does not come back in [muster] hung-after, that
 * is noted in home/fault while the process ends, and the next start tells the
 * queue: the job at fault keeps its attempt and gets the reason, those that
 * were cut off without a fault of theirs get it back.
 *
 * A kill -9 leaves no note, and needs none: it is no job's fault.
 *
 * The table is the process's own, since a crash is: these may be called from
 * any thread, and do nothing else where watch_start() was not called.
 */

/* watch_job - this thread is at this job. counted: by attempt_begin(), which
 * it has just called. */
void watch_job(const struct job *job, bool counted);
/* watch_post - the same for jobs of STAGE_OUTBOUND, by post and list */
void watch_post(const struct post_id *post, uint32_t list);
/* watch_more - it may be at it for so much longer than others */
void watch_more(int64_t more_ms);
/* watch_end - it is at none, and may wait as long as it likes */
void watch_end(void);

/*
 * watch_start - tell the queue what the last process has noted, then watch:
 * handlers for the signals of a crash, and a thread for what hangs and for
 * a clock that is set. Before the stages start.
 */
enum err_code watch_start(struct store *store,
			  struct settings *(*settings)(void),
			  struct err *err);
void watch_stop(void);

#endif
