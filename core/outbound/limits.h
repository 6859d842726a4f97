/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_LIMITS_H
#define MUSTER_OUTBOUND_LIMITS_H

#include "conf/settings.h"

/*
 * What the domains of recipients may be sent ([outbound] domain-limits). The
 * time of a copy is counted when it is given out; one for which there is no
 * time now gets a date, behind all that have one. The dispatcher's alone.
 */
struct limits;

struct limits *limits_new(void);
void limits_free(struct limits *limits);

/* limits_of - of the domain of this canonical address, or NULL */
const struct domain_limit *limits_of(const struct settings *settings,
				     const char *addr);

/* limits_take - may one more copy go now? Counted if so. */
bool limits_take(struct limits *limits, const struct domain_limit *limit,
		 int64_t now_ms);
/* limits_when - when is the next one likely to be allowed? */
int64_t limits_when(struct limits *limits, const struct domain_limit *limit,
		    int64_t now_ms);
/* limits_date - a date for one that is to wait in the queue */
int64_t limits_date(struct limits *limits, const struct domain_limit *limit,
		    int64_t now_ms);

#endif
