/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_SCORE_H
#define MUSTER_BOUNCE_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bounce/recognise.h"
#include "db/list.h"
#include "db/roster.h"

/*
 * The rules by which failures add up and are followed by something. They look
 * at numbers only: what a member's record has, what the list's keys say, and
 * what time it is. Points are thousandths, times unix times.
 */

/*
 * score_at - the points of a member now: what they were at state->score_s,
 * halved for each bounce-decay since then, less bounce-good-weight for each of
 * the posts (good) that have reached him since his last failure; never less
 * than 0.
 */
uint32_t score_at(const struct bounce_state *state,
		  const struct list_conf *conf, uint64_t good, int64_t now_s);

/* score_good_most - with so many good posts nothing is left of it */
uint64_t score_good_most(const struct bounce_state *state,
			 const struct list_conf *conf);

/* score_weight - of one failure. What is refused for its size, for what it
 * says or who sends it weighs as one that may pass: the address is there. */
uint32_t score_weight(const struct list_conf *conf, enum bounce_class class,
		      enum bounce_reason why);

/*
 * score_settle - make state that of now; score_rise - then add a failure of
 * this weight. A day (UTC) has one rise: of several failures the heaviest
 * counts. False: nothing was added.
 */
void score_settle(struct bounce_state *state, const struct list_conf *conf,
		  uint64_t good, int64_t now_s);
bool score_rise(struct bounce_state *state, uint32_t weight, int64_t now_s);

/* score_undo - take back what has risen last */
void score_undo(struct bounce_state *state);

/* What is to be done next about a member, if nothing happens before */
enum bounce_step {
	STEP_NONE,
	STEP_PROBE,	/* a probe is to be sent */
	STEP_CLEAR,	/* the probe has not come back: he starts clean */
	STEP_WARN,	/* that delivery is off */
	STEP_REMOVE,
};

/* bounce_step_name - "" "probe" "clear" "warn" "remove" */
const char *bounce_step_name(enum bounce_step step);

/* bounce_next - with *when_s, which may have passed; 0 with STEP_NONE */
enum bounce_step bounce_next(const struct list_conf *conf,
			     enum delivery_mode delivery, enum off_by off_by,
			     int64_t off_s, const struct bounce_state *state,
			     int64_t now_s, int64_t *when_s);

/* bounce_removal_s - when he is removed, should he be turned off at off_s;
 * 0: never */
int64_t bounce_removal_s(const struct list_conf *conf, int64_t off_s);

#endif
