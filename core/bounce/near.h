/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_NEAR_H
#define MUSTER_BOUNCE_NEAR_H

#include "core/bounce/recognise.h"
#include "core/mail/wordlist.h"

/*
 * What a text says in words that no table has as they stand: two of them, near
 * each other within a sentence. "The mailbox of that customer has no room" is
 * about a mailbox, and about no room. All take text as of phrase_plain().
 * Private to phrases*.c.
 */
struct wordpair {
	struct wordlist first;	/* words or beginnings of words */
	struct wordlist second;	/* pieces of the text, wherever they begin */
	enum bounce_reason reason;
};

bool near_within(const struct wordpair *pair, const char *plain);

/* near_span - "after 72 hours", "for the last 5 days", "20 attempts": what
 * was tried for that long has expired. */
bool near_span(const char *plain);

#endif
