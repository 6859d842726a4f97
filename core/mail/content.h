/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_CONTENT_H
#define MUSTER_MAIL_CONTENT_H

#include <stddef.h>

#include <glib.h>

#include "core/mail/header.h"

/*
 * What a post holds, for the policy's facts: decoded, in UTF-8, with limits.
 */
#define CONTENT_TEXT_MAX (256 * 1024)	/* bytes of decoded text kept */

struct content_parts {
	GPtrArray *types;	/* char *: of all parts, lower case, each once,
				 * also inside of contained messages */
	GPtrArray *names;	/* char *: file names (Content-Disposition,
				 * Content-Type name), decoded (RFC 2231,
				 * 2047) */
	size_t leaves;		/* parts that are no multiparts */
};

/* content_parts - body without header's empty line. A structure too deep or
 * too large to read counts as one part of "application/octet-stream". */
void content_parts(const struct header *header, const char *body,
		   size_t body_len, struct content_parts *out);
void content_parts_done(struct content_parts *parts);

/* content_text - the text of all text/plain parts that are no attachments,
 * and of text/html (without its tags) where there is no plain one; at most
 * CONTENT_TEXT_MAX bytes. The caller frees. */
char *content_text(const struct header *header, const char *body,
		   size_t body_len);

/*
 * content_own_text - the first text that the author has written himself: of
 * text/plain or else of text/html, no attachment and not in a message that he
 * passes on. Of HTML the quotes are left out, and a line ">" stands for each,
 * or CONTENT_QUOTE_BELOW where all that follows is one. At most
 * CONTENT_TEXT_MAX bytes, "" if there is none. The caller frees.
 */
#define CONTENT_QUOTE_BELOW "-----Original Message-----"
char *content_own_text(const struct header *header, const char *body,
		       size_t body_len);

/* content_field - values of all fields of that name, decoded to UTF-8 (RFC
 * 2047), as char * with free function */
GPtrArray *content_field(const struct header *header, const char *name);

/* content_author_names - display names of From, decoded, those that are not
 * empty */
GPtrArray *content_author_names(const struct header *header);

#endif
