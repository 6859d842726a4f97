/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ATTEMPT_H
#define MUSTER_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "db/queue.h"
#include "db/store.h"

#define ATTEMPT_REST_MOST_MS 60000	/* between two tries */

/*
 * How often a job is tried, the same for every stage (invariant 6). An
 * attempt is counted before it begins, in a lazy transaction that survives
 * the death of the process, so that a job that takes musterd down is known
 * when the next one starts.
 */

/*
 * attempt_begin - count one more. *go false: the job is not to be done, it
 * was tried attempts_max times and is now shunted, or an administrator has
 * taken it. job is updated to what is in the queue.
 */
enum err_code attempt_begin(struct store *store, struct job *job,
			    int64_t attempts_max, bool *go, struct err *err);

/*
 * attempt_failed - it ended with why: try again later (1 s, doubling up to
 * 60 s), or shunt it at once where no later try can be better (ERR_INVALID).
 * ERR_NOSPACE, ERR_BUSY and ERR_DOWN do not count as attempts (the archive,
 * which may wait so for days, rests half as long as it has waited, up to 60
 * s).
 */
enum err_code attempt_failed(struct store *store, const struct job *job,
			     const struct err *why, struct err *err);

/*
 * attempt_later - it asks for another try: when it has waited for as long as
 * it is old, but no longer than rest_most_ms. That does not count as an
 * attempt, but when it is older than age_most_ms it is shunted.
 */
enum err_code attempt_later(struct store *store, const struct job *job,
			    const struct err *why, int64_t rest_most_ms,
			    int64_t age_most_ms, struct err *err);

#endif
