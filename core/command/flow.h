/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_FLOW_H
#define MUSTER_COMMAND_FLOW_H

#include <jansson.h>

#include "core/command/verb.h"

/*
 * How the copies of outbound jobs flow: what the queue does not say itself,
 * from the engine (what is being sent, and how fast) and from the rosters
 * (how many are left).
 */
struct flow {
	GHashTable *rates;	/* job id -> double *: those being sent */
	GHashTable *left;	/* job id -> what was counted of its members */
};

/*
 * flow_read - of all outbound jobs. count: look how many members are left,
 * which walks the roster of each list with such a job once, in batches that
 * hold up nobody. Without a running musterd nothing is being sent.
 */
enum err_code flow_read(const struct admin *admin, bool count,
			struct flow *out, struct err *err);
void flow_done(struct flow *flow);
typedef struct flow flow_auto;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(flow_auto, flow_done)

/*
 * flow_state - of an outbound job: "sending", "waiting" (it is due),
 * "paused", "deferred" (it is due later)
 */
const char *flow_state(const struct flow *flow, const struct job *job);

/*
 * flow_json - adds to a job's object: state, remaining (copies), rate_per_s,
 * eta_s, ends; each null where it is not known or makes no sense.
 */
void flow_json(const struct flow *flow, const struct job *job,
	       json_t *object);

/* flow_estimate - eta_s and ends out of remaining and rate_per_s */
void flow_estimate(json_t *object);

/* flow_relays - an array of an object for each relay, empty without musterd
 * flow_totals - over all of them: connections, sent, jobs, rate_per_s */
json_t *flow_relays(const struct admin *admin);
json_t *flow_totals(const struct admin *admin, const json_t *relays);

/* flow_stages - how many jobs each stage has, by its name, into jobs */
enum err_code flow_stages(struct store *store, json_t *jobs,
			  struct err *err);

/* job_json - all about a job that `queue ls` prints (queue.c) */
json_t *job_json(const struct job *job, const struct flow *flow);

/* duration_text - "2m48s", with the two largest units. The caller frees. */
char *duration_text(int64_t seconds);

#endif
