/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_REPLY_H
#define MUSTER_OUTBOUND_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/*
 * SMTP replies (RFC 5321 section 4.2) out of a stream of bytes. Whatever
 * breaks the grammar or the limits makes the reader broken for good: then
 * the connection is to be given up.
 */
#define REPLY_LINE_MAX 4096
#define REPLY_LINES_MAX 100

struct reply_reader {
	GString *pending;	/* bytes that were fed */
	size_t at;		/* of it, what was read */
	GString *text;		/* of a reply of several lines, joined by \n */
	int code;		/* of its first line, 0: none yet */
	int lines;
	bool broken;
};

struct reply {
	int code;		/* 200 to 599 */
	const char *text;	/* lines without code, joined by "\n"; valid
				 * until the next call */
};

void reply_reader_init(struct reply_reader *reader);
void reply_reader_done(struct reply_reader *reader);

void reply_feed(struct reply_reader *reader, const char *bytes, size_t len);

/* reply_next - false: no whole reply yet, or broken, and out says nothing */
bool reply_next(struct reply_reader *reader, struct reply *out);

#endif
