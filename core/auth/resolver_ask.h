/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_RESOLVER_ASK_H
#define MUSTER_AUTH_RESOLVER_ASK_H

#include <stdint.h>

#include "core/auth/lookups.h"

/*
 * What lookups.c asks of resolver.c. All calls only leave a note for the
 * resolver's thread; that thread alone touches libunbound, so that a query
 * is either cancelled or answered, and never both. What it has to tell it
 * tells by the calls below, in its thread and without a lock held.
 */
struct asker;	/* one struct lookups, as the resolver sees it */

struct asker_calls {
	/* Once for each question, unless the deadline or asker_end() came
	 * first. The answer is the callee's (dns_answer_free). */
	void (*answered)(void *arg, void *question,
			 struct dns_answer *answer);
	/* Once, if the deadline passes before asker_end(); nothing is
	 * answered after it. */
	void (*expired)(void *arg);
	/* The last call, after asker_end(): arg is not known any more */
	void (*released)(void *arg);
};

/* asker_new - calls is static. Ends with asker_end(), not before. */
struct asker *asker_new(struct resolver *resolver, int64_t deadline_ms,
			const struct asker_calls *calls, void *arg);

/* asker_ask - canon: see dns_name_canon(); copied */
void asker_ask(struct asker *asker, const char *canon, enum dns_type type,
	       void *question);

void asker_end(struct asker *asker);

#endif
