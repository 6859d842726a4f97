/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_DOT_H
#define MUSTER_INBOUND_DOT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The content of a message as DATA sends it (RFC 5321 section 4.5.2): dots
 * in front of lines removed, bare LF made CRLF, until the line with a single
 * dot. Only CRLF "." CRLF ends it: another host that took less for an end
 * could be told two messages where we see one, or the other way round. For
 * the same reason a dot behind a bare LF is content.
 */
enum dot_state {
	DOT_LINE,	/* at the begin of a line */
	DOT_DOT,	/* behind its first dot */
	DOT_DOT_CR,	/* behind that and a CR */
	DOT_TEXT,
	DOT_CR,		/* behind a CR in the text */
	DOT_END,
};

struct dot {
	enum dot_state state;	/* DOT_LINE to begin with */
	void (*emit)(void *arg, const char *bytes, size_t len);
	void *arg;
};

/* dot_feed - the next piece; returns how much of it belongs to the message,
 * which is less than len only when state has become DOT_END. */
size_t dot_feed(struct dot *dot, const char *bytes, size_t len);

#endif
