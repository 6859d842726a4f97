/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_STAND_IN_H
#define MUSTER_T_STAND_IN_H

#include "core/moderate/fact.h"

/* Facts out of thin air, for tests of policies. Nothing is known until it
 * is set; what is not set but known is "no", 0 or no text. */
struct stand_in {
	struct fact_source source;
	bool known[FACT_COUNT];
	bool sets_known[SET_FILE + 1];
	int64_t numbers[FACT_COUNT];
	char **texts[FACT_COUNT];
	GHashTable *in;		/* "members()ann@example.org" */
	unsigned int asked[FACT_COUNT];
};

struct stand_in *stand_in_new(void);
void stand_in_free(struct stand_in *in);

/* stand_in_set - make a fact known: "yes", "no" or a number; texts are
 * separated by "|", "" is none. Aborts for a fact that is none. */
void stand_in_set(struct stand_in *in, const char *fact, const char *value);
/* stand_in_sets - the same for several: "author.member=yes; size=10" */
void stand_in_sets(struct stand_in *in, const char *values);
/* stand_in_put - text is in the set, whose kind then is known */
void stand_in_put(struct stand_in *in, enum set_kind kind, const char *name,
		  const char *text);
/* stand_in_know - whatever is known up to that step */
void stand_in_know(struct stand_in *in, enum step step);

#endif
