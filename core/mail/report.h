/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_REPORT_H
#define MUSTER_MAIL_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/*
 * What a message that reports something is made of (RFC 6522, and what those
 * send that never read it): what it says itself, apart from what it has
 * enclosed.
 */
#define REPORT_PARTS_MAX 200
#define REPORT_TEXT_MAX (64 * 1024)	/* bytes kept of each part */

enum report_kind {
	REPORT_TEXT,		/* text/plain of its own */
	REPORT_HTML,		/* the same of text/html, without the tags */
	REPORT_FEEDBACK,	/* message/feedback-report (RFC 5965): fields */
	REPORT_DISPOSITION,	/* a disposition notification (RFC 8098) */
	REPORT_RETURNED,	/* the header of a message that is enclosed,
				 * or that part of it (RFC 6522 section 4) */
};

struct report_part {
	enum report_kind kind;
	char *text;		/* UTF-8; lines may end in CRLF or LF */
	size_t at;		/* REPORT_RETURNED: where the message begins in
				 * the bytes, 0 if it is only a header */
	bool is_nested;		/* REPORT_RETURNED: it stands in another that
				 * is enclosed */
};

/*
 * report_parts - in the order they stand in, of struct report_part, frees
 * them; what is none of these kinds is left out. A message whose structure
 * cannot be read, or that has no such part, is one REPORT_TEXT: its body as it
 * stands.
 */
GPtrArray *report_parts(const char *bytes, size_t len);

/*
 * report_mend - the same message with a header that can be read as a whole:
 * without the line of an mbox before it, and with folds whose blanks have been
 * lost. NULL: it needs none of that. Files that somebody has kept are so.
 */
GString *report_mend(const char *bytes, size_t len);

/*
 * report_mbox_len - length of the first message of an mbox, up to the line
 * that begins the next; len, where that is all there is.
 */
size_t report_mbox_len(const char *bytes, size_t len);

#endif
