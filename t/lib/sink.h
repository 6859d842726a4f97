/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_SINK_H
#define MUSTER_T_SINK_H

#include <stdbool.h>

#include <glib.h>

/*
 * A relay for tests: an SMTP server in a thread, on a free loopback port,
 * that keeps what it took and can be told to be difficult.
 */

/* When a step comes whose recipient (or text) has `match` in it, reply
 * instead of doing it. */
struct sink_rule {
	const char *step;	/* GREETING EHLO MAIL RCPT DATA BDAT TEXT
				 * DOT, which is the end of a BDAT too */
	const char *match;	/* NULL: any */
	const char *reply;	/* NULL: close the connection. "": say
				 * nothing any more on it */
	int times;		/* then the rule is off; -1: for ever */
	bool taken;		/* DOT: the copy is kept all the same */
};

struct sink_copy {
	char *mail;		/* the command behind "MAIL FROM:" */
	char *rcpt;		/* behind "RCPT TO:" */
	char *sender, *addr;	/* of these, without brackets */
	GString *text;		/* with its dots as before */
	unsigned int conn;
	unsigned int transaction;	/* its number in all */
};

struct sink;

/* port 0: a free one. offers: EHLO lines, separated by commas. */
struct sink *sink_start(int port, const char *offers);
int sink_port(const struct sink *sink);
void sink_rule(struct sink *sink, struct sink_rule rule);
void sink_clear_rules(struct sink *sink);
void sink_keep_text(struct sink *sink, bool keep);

/* sink_go_on - connections on which it says nothing any more answer 250 to
 * what they were silent about, and go on */
void sink_go_on(struct sink *sink);

/* sink_wait - until so many copies were taken; false after a minute */
bool sink_wait(struct sink *sink, unsigned int copies);
unsigned int sink_count(struct sink *sink);
unsigned int sink_conns(struct sink *sink);
/* sink_wait_rule - until rules have been applied so often in all */
bool sink_wait_rule(struct sink *sink, unsigned int times);

/* The copies; only when nothing comes any more. Borrowed. */
const GPtrArray *sink_copies(struct sink *sink);

/* sink_stop - closes all connections; the copies stay until sink_free */
void sink_stop(struct sink *sink);
void sink_free(struct sink *sink);

#endif
