/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/score.h"

#include <math.h>

#include "core/base/banned.h"

#define DAY_S 86400

uint32_t
score_at(const struct bounce_state *state, const struct list_conf *conf,
	 uint64_t good, int64_t now_s)
{
	/* a clock that was set back makes nobody younger */
	double age = (double)MAX(now_s - state->score_s, 0);
	double left = state->score *
		exp2(-age / (double)MAX(conf->bounce_decay_s, 1));

	left -= (double)good * (double)conf->bounce_good;
	return left > 0.5 ? (uint32_t)MIN(llround(left), UINT32_MAX) : 0;
}

uint64_t
score_good_most(const struct bounce_state *state,
		const struct list_conf *conf)
{
	if (conf->bounce_good == 0 || state->score == 0)
		return 0;
	return state->score / (uint64_t)conf->bounce_good + 1;
}

uint32_t
score_weight(const struct list_conf *conf, enum bounce_class class,
	     enum bounce_reason why)
{
	const bool is_soft = class != BOUNCE_HARD || why == REASON_SIZE ||
		why == REASON_POLICY || why == REASON_RELAY;

	return (uint32_t)(is_soft ? conf->bounce_soft : conf->bounce_hard);
}

void
score_settle(struct bounce_state *state, const struct list_conf *conf,
	     uint64_t good, int64_t now_s)
{
	state->score = score_at(state, conf, good, now_s);
	state->score_s = now_s;
}

bool
score_rise(struct bounce_state *state, uint32_t weight, int64_t now_s)
{
	const bool today = state->scored_s / DAY_S == now_s / DAY_S;
	uint32_t before = today ? state->rise : 0;

	if (weight <= before)
		return false;
	state->score += MIN(weight - before, UINT32_MAX - state->score);
	state->rise = weight;
	state->scored_s = now_s;
	return true;
}

void
score_undo(struct bounce_state *state)
{
	state->score -= MIN(state->score, state->rise);
	state->rise = 0;
	state->scored_s = 0;
}

/* --- what comes next ---------------------------------------------------- */

const char *
bounce_step_name(enum bounce_step step)
{
	static const char *const names[] = {
		[STEP_NONE] = "", [STEP_PROBE] = "probe",
		[STEP_CLEAR] = "clear", [STEP_WARN] = "warn",
		[STEP_REMOVE] = "remove",
	};

	return names[step];
}

static enum bounce_step
next_of_off(const struct list_conf *conf, enum off_by off_by, int64_t off_s,
	    const struct bounce_state *state, int64_t *when_s)
{
	if (off_by != OFF_BY_BOUNCES || conf->bounce_warnings == 0)
		return STEP_NONE;
	*when_s = MAX(off_s, state->warned_s) + conf->bounce_warn_every_s;
	return state->warnings < conf->bounce_warnings ? STEP_WARN :
		STEP_REMOVE;
}

enum bounce_step
bounce_next(const struct list_conf *conf, enum delivery_mode delivery,
	    enum off_by off_by, int64_t off_s,
	    const struct bounce_state *state, int64_t now_s, int64_t *when_s)
{
	*when_s = 0;
	if (!conf->bounce_processing)
		return STEP_NONE;
	if (delivery == DELIVERY_OFF)
		return next_of_off(conf, off_by, off_s, state, when_s);
	if (state->probe_s != 0) {
		*when_s = state->probe_s + conf->bounce_probe_wait_s;
		return STEP_CLEAR;
	}
	if (state->score == 0 ||
	    score_at(state, conf, 0, now_s) < conf->bounce_threshold)
		return STEP_NONE;
	*when_s = now_s;
	return STEP_PROBE;
}

int64_t
bounce_removal_s(const struct list_conf *conf, int64_t off_s)
{
	if (conf->bounce_warnings == 0)
		return 0;
	return off_s + (conf->bounce_warnings + 1) *
		conf->bounce_warn_every_s;
}
