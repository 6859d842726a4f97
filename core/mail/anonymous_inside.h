/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_ANONYMOUS_INSIDE_H
#define MUSTER_MAIL_ANONYMOUS_INSIDE_H

#include "core/mail/anonymous.h"
#include "core/mail/part.h"

/* Private to anonymous.c (the header), anonymous_type.c (what describes
 * content) and anonymous_parts.c (the body). */

/* What the author is told by, case folded */
struct traits { GPtrArray *words; };

void traits_init(struct traits *traits, const struct anonymity *with,
		 const struct header *header);
void traits_done(struct traits *traits);
bool traits_in(const struct traits *traits, const char *text);

/* anonymous_hash - a token of 32 characters, the same for the same text of
 * this kind */
#define ANONYMOUS_HASH_LEN 32
void anonymous_hash(const struct anonymity *with, const char *kind,
		    const char *text, char out[ANONYMOUS_HASH_LEN + 1]);

/*
 * The values of a part's fields, NULL where there is none; the caller frees.
 * anonymous_boundary - what takes the place of a part's boundary.
 */
char *anonymous_boundary(const struct anonymity *with, const char *boundary);
char *anonymous_type(const struct anonymity *with,
		     const struct traits *traits, const struct part *part);
char *anonymous_disposition(const struct traits *traits,
			    const struct part *part);
const char *anonymous_encoding(const struct part *part);

/* Is it a signature, a key, a visiting card? Is it one with its content, which
 * cannot be taken apart here? */
bool anonymous_goes(const struct part *part);
bool anonymous_cannot(const struct part *part);

/* anonymous_parts - the body, of a post that is a multipart; bytes: all of
 * it, that parts are of. Appended to out. */
void anonymous_parts(const struct anonymity *with,
		     const struct traits *traits, const struct parts *parts,
		     GString *out);

#endif
