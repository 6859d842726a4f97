/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_MESSAGE_H
#define MUSTER_INBOUND_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "core/auth/evidence.h"
#include "core/mail/automatic.h"
#include "core/mail/content.h"
#include "core/mail/header.h"
#include "core/moderate/fact.h"

/*
 * One message as the policies of its lists see it, as far as the SMTP
 * transaction has come. What takes time to find out is found out when it is
 * first asked for, once for all lists.
 */
struct message {
	/* from the beginning; borrowed */
	const char *client_addr, *client_name, *helo, *tls, *login;
	const char *sender;		/* canonical, "" for null */
	bool client_trusted;
	int64_t began_s;		/* unix time of MAIL */

	/* as soon as it is known; borrowed, NULL until then */
	const struct spf_evidence *spf;

	/* from STEP_HEADERS on */
	enum step step;			/* how far it has come */
	unsigned int recipients;	/* all that the MTA takes */
	const GPtrArray *addressed;	/* char *: their paths, as they came;
					 * of very many only the first */
	struct header header;
	GPtrArray *authors;		/* canonical addresses */
	bool authors_complete;
	char *author_text;		/* the same, joined with ", " */
	char *message_id;		/* "" if there is none */

	/* from STEP_END on; borrowed */
	const char *body;
	size_t body_len;
	uint64_t size;			/* as the client sent it */
	const struct evidence *evidence;

	/* message.c's own, found out already */
	bool has_parts, has_automatic, has_command;
	struct content_parts parts;
	char *text, *own_text;
	enum automatic automatic;
	enum command_meant command;
};

/* message_set_header - bytes [bytes, bytes+len) must outlive the message;
 * *body_at is where the body would begin. False: too many fields. Replaces
 * an earlier header. */
bool message_set_header(struct message *message, const char *bytes,
			size_t len, size_t *body_at);
void message_done(struct message *message);	/* takes a zeroed one */

/* message_automatic - false: not known before the end of message */
bool message_automatic(struct message *message, enum automatic *out);

/* At STEP_END only */
const struct content_parts *message_parts(struct message *message);
const char *message_text(struct message *message);
const char *message_own_text(struct message *message);
enum command_meant message_command(struct message *message);

#endif
