/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MODERATE_H
#define MUSTER_MODERATE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Moderation: facts and a list's policy -> verdict. Rules, first match
 * wins; a rule is applied at the earliest step at which it and every rule
 * before it can be decided. Knows neither SMTP sessions nor the store.
 */

enum verdict_kind { VERDICT_NONE, VERDICT_ACCEPT, VERDICT_REJECT };

/* What is known so far. A fact that is not yet known is FACT_UNKNOWN. */
enum fact { FACT_UNKNOWN = 0, FACT_NO, FACT_YES };

struct facts {
	enum fact sender_member;	/* envelope sender: known at RCPT */
	enum fact author_member;	/* From: known at end of message */
};

struct verdict {
	enum verdict_kind kind;	/* NONE: not decidable yet */
	int rule;		/* number of the rule, from 1 */
	const char *fact;	/* the fact that decided: "sender.member",
				 * "author.member" or "default" */
};

/* moderate - apply a policy by its name; a name that is none is a
 * programming error (conf/keys.h checks them). */
void moderate(const char *policy, const struct facts *facts,
	      struct verdict *out);

/* policy_text - the rules of a preset in the policy language, with the
 * list's refusal text put in; NULL: no such preset. The caller frees. */
char *policy_text(const char *policy, const char *refuse_text);

/*
 * refusal_text - what a refused author is told: the list's own sentence, or
 * where that is empty one that names the address to subscribe. list is its
 * canonical address. The caller frees.
 */
char *refusal_text(const char *list, const char *refuse_text);

/* policy_names - NULL-ended */
extern const char *const policy_names[];

#endif
