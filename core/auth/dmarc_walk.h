/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_DMARC_WALK_H
#define MUSTER_AUTH_DMARC_WALK_H

#include "core/auth/dmarc.h"

/* The tree walk, RFC 9989 section 4.10. */

#define WALK_MAX 8	/* queries of one walk */

struct dmarc_step {
	const char *domain;	/* into the name that was walked */
	bool found;
	struct dmarc_record record;
};

struct dmarc_walk {
	struct dmarc_step steps[WALK_MAX];
	size_t count;
	const char *failed;	/* why an answer is missing, NULL if none is */
	const char *org;	/* the organizational domain */
};

/* walk_start - ask for all records at once; never waits */
void walk_start(struct lookups *lookups, const char *domain);

/* walk - domain in A-labels, which must outlive *out; waits. */
void walk(struct lookups *lookups, const char *domain,
	  struct dmarc_walk *out);

#endif
