/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_PHRASES_INSIDE_H
#define MUSTER_BOUNCE_PHRASES_INSIDE_H

#include "core/bounce/near.h"
#include "core/bounce/recognise.h"
#include "core/mail/wordlist.h"

/* The tables behind phrases.h. Private to phrases*.c. */

struct phrase_table {
	struct wordlist words;
	enum bounce_reason reason;
};

/* phrases_why.c: the first that has a phrase in the text decides; ended by
 * REASON_NONE */
extern const struct phrase_table phrase_reasons[];

/* phrases_that.c */
extern const struct wordlist phrases_fails, phrases_is_report, phrases_delays,
	phrases_gives_up, phrases_succeeds;
/* phrases_where.c */
extern const struct wordlist phrases_names, phrases_labels, phrases_before,
	phrases_after, phrases_contact, phrases_returns, phrases_owners,
	phrases_nameless;
/* phrases_near.c; reasons end as those above */
extern const struct wordpair near_fails, near_reasons[];

#endif
