/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MILTER_GATE_H
#define MUSTER_MILTER_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/inbound/env.h"

/*
 * What the sessions of one worker process share. The counters tell the
 * worker when it may leave without cutting anybody off (worker.c).
 */
struct gate {
	struct inbound_env env;
	bool is_local;		/* the MTA comes over a unix socket */
	atomic_int sessions;	/* connections of MTAs */
	atomic_int posts;	/* between MAIL and the end of message */
	atomic_int ends;	/* at their end of message */
	atomic_bool stopping;	/* no end of message may begin */
};

#endif
