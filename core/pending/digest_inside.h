/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_DIGEST_INSIDE_H
#define MUSTER_PENDING_DIGEST_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/mail/header.h"

/* Private to core/pending: a post as digests have it. */

/* Its header, reduced to what readers need, and its body. */
struct excerpt {
	struct header header;
	const char *body;
	size_t body_len;
};

/* digest_fields - only those fields are left (all of MIME's, and who wrote
 * what when): no list's, no way's, no signature's, which would not hold */
void digest_fields(struct header *header);

/* digest_title - "subject (author)", one line for the table of contents */
char *digest_title(const struct header *header);

/*
 * digest_plain - one of the enclosed messages of RFC 1153: header, empty line,
 * text, in UTF-8. Lines end in CRLF and have at most 998 octets; none is what
 * ends a message. note: what is left out ("" for nothing), with LF.
 */
void digest_plain(const struct excerpt *excerpt, const char *note,
		  GString *out);
/* digest_omitted - the types and names of what digest_plain() leaves out;
 * "" if that is nothing. The caller frees. */
char *digest_omitted(const struct excerpt *excerpt);

/* digest_rule - a line of so many hyphens between empty ones */
void digest_rule(GString *out, unsigned int hyphens);
/* digest_lines - text whose lines end in LF or CRLF, as lines of at most 998
 * octets that end in CRLF; guarded: none is a line of 30 hyphens */
void digest_lines(GString *out, const char *text, size_t len, bool guarded);

#endif
