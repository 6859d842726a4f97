/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_LOOK_H
#define MUSTER_BOUNCE_LOOK_H

#include "core/bounce/recognise.h"
#include "core/bounce/words.h"
#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "core/mail/report.h"

/* One message being looked at, and the ways to look at it. Private to
 * recognise*.c. */

struct look {
	const char *bytes;
	size_t len;
	struct header header;
	size_t body_at;
	const char *sender;	/* "" null, NULL not known */
	unsigned int depth;	/* messages around it */
	char *return_path;
	char *subject;		/* plain */
	bool from_daemon;
	bool titled;		/* its subject is that of a report */
	GPtrArray *parts;	/* of struct report_part */
	struct words words;
	struct bounce_recipient *whole;	/* what all of the words say about
					 * whomever; NULL: not yet judged */
	struct bounce_result *out;
};

/* recognise.c */
GPtrArray *look_recipients(void);	/* an empty array of them */
struct bounce_recipient *look_add(struct bounce_result *out, const char *addr,
				  const char *text);
void look_recipient_free(void *recipient);
/* look_knows - the same address, whatever its case, is one and the same to
 * who has sent it */
bool look_knows(const struct bounce_result *out, const char *addr);
/* look_part - the first of that kind, or NULL */
const struct report_part *look_part(const struct look *look,
				    enum report_kind kind);
bool is_null(const struct look *look);
/* is_by_server - can it be a server that has written it? */
bool is_by_server(const struct look *look);
/* is_by_robot - does its author say that he is nobody to answer to? */
bool is_by_robot(const struct look *look);
/* is_surely_server - do two things say so? */
bool is_surely_server(const struct look *look);

/*
 * The ways. Each returns true if that is what the message is, and all that is
 * to be said about it is in look->out.
 */

/* recognise_report.c: what keeps to a standard */
bool by_status(struct look *look);
bool by_feedback(struct look *look);
bool by_disposition(struct look *look);
bool by_json(struct look *look);
/* take_dsn - its recipients; dsn is done with. False: it has none. */
bool take_dsn(struct look *look, struct dsn *dsn);

/* recognise_words.c: what servers say in words of their own */
void fill_words(struct look *look);
bool says_delay(const struct look *look);
void add_named(struct look *look, const char *addr, const char *about);
bool by_field(struct look *look);
bool by_words(struct look *look);
bool by_text(struct look *look);
bool by_title(struct look *look);
bool by_returned(struct look *look);

#endif
