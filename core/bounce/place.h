/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_PLACE_H
#define MUSTER_BOUNCE_PLACE_H

#include "core/bounce/words.h"

/* Where an address stands in its line, and what that says. Private to
 * find.c. */

struct place {
	const struct words_line *line;
	struct addr_span span;
	char *lead;		/* plain text before it, without marks */
	bool led;		/* nothing but marks before it */
	bool goes_on;		/* with what is said of the one before it */
	char code;		/* of a reply, before it; or 0 */
	const char *rest;	/* behind it */
};

/* place_init - the caller frees lead */
void place_init(struct place *place, const struct words_line *line,
		const struct addr_span *span);

/* place_ends_entry - may an entry of a list be over there, or go on? */
bool place_ends_entry(const char *rest);
/* place_is_led - "<ann@example.org>: host ... said", "ann@example.org... User
 * unknown" */
bool place_is_led(const struct place *place);
/* place_is_labelled - "Recipient: ann@example.org" */
bool place_is_labelled(const struct place *place);
/* place_is_in_sentence - "your mail to ann@example.org was not delivered" */
bool place_is_in_sentence(const struct place *place);
/* place_is_quoted - in a line that a text quotes from the header of what it
 * returns */
bool place_is_quoted(const struct place *place);

/* place_is_role - postmaster@ and the like, who are to be asked, unless they
 * head a line */
bool place_is_role(const char *addr);

/* place_is_marks - nothing but what may be around an address */
bool place_is_marks(const char *text);
/* place_reply - "550 5.1.1 <": the first digit of such a code; 0: none */
char place_reply(const char *text);
bool place_refuses(char code);

#endif
