/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_RECOGNISE_H
#define MUSTER_BOUNCE_RECOGNISE_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/*
 * What a message that came back says: whether somebody's mail has failed,
 * whose, and for how long. It looks at the message alone and knows nothing of
 * lists, tokens or trust.
 *
 * Standards come first, in the order of what they prove: delivery status (RFC
 * 3464), feedback (RFC 5965), fields such as X-Failed-Recipients. What servers
 * say that speak none of them is read from their own words, without the
 * message that they return.
 */
enum bounce_class {
	BOUNCE_NONE,		/* not about a failure */
	BOUNCE_HARD,		/* failed, and would again */
	BOUNCE_SOFT,		/* failed, but might not another time: a full
				 * mailbox, a server that was not there */
	BOUNCE_DELAYED,		/* not yet failed: it is tried again */
	BOUNCE_REPLY,		/* a robot answers for the recipient */
	BOUNCE_CHALLENGE,	/* "prove that you are a person" */
	BOUNCE_COMPLAINT,	/* the recipient calls it spam (RFC 5965) */
};

/* bounce_class_name - "none" "hard" "soft" "delayed" "auto-reply"
 * "challenge" "complaint" */
const char *bounce_class_name(enum bounce_class class);

/* Why, as far as it is said: for people, and for who weighs failures. That
 * of the last three is no fault of the address. */
enum bounce_reason {
	REASON_NONE,		/* it is not said */
	REASON_USER,		/* nobody of that name */
	REASON_HOST,		/* no such domain, or it takes no mail */
	REASON_MOVED,
	REASON_DISABLED,	/* the account is closed, blocked, expired */
	REASON_FULL,		/* mailbox or quota */
	REASON_EXPIRED,		/* was tried until it was too old */
	REASON_NETWORK,		/* a connection, a look-up, a system failed */
	REASON_SIZE,		/* too large */
	REASON_POLICY,		/* refused for what it says or who sends it */
	REASON_RELAY,		/* that server does not take mail for it */
};

/* bounce_reason_name - "user", "host", ...; "" for REASON_NONE */
const char *bounce_reason_name(enum bounce_reason reason);

#define BOUNCE_RECIPIENTS_MAX 1000
#define BOUNCE_DIAGNOSTIC_MAX 400

struct bounce_recipient {
	enum bounce_class class;	/* HARD, SOFT or DELAYED */
	enum bounce_reason reason;
	char *addr;		/* canonical; "" where it is none */
	char *original;		/* as the report writes Original-Recipient and
				 * Final-Recipient (RFC 3464), or "" */
	char *final;
	char *status;		/* "5.1.1" (RFC 3463), or "" */
	char *diagnostic;	/* one line of UTF-8, or "" */
};

/* What is known of how the message came. */
struct bounce_envelope {
	const char *sender;	/* "" null; NULL not known: then the field
				 * Return-Path says it */
	const char *member;	/* canonical address of whom the VERP token
				 * names; NULL not known */
};

struct bounce_result {
	enum bounce_class class;	/* the worst of the recipients, HARD
					 * before SOFT before DELAYED */
	const char *how;	/* static, one of
	"delivery-status"	its part of type message/delivery-status
	"feedback-report"	its part of type message/feedback-report
	"disposition"		its part of type
				message/disposition-notification
	"failed-recipients"	the field X-Failed-Recipients
	"fields"		those of RFC 3464, loose in the text
	"notification"		JSON of Amazon SES
	"text"			a server's own words
	"returned"		those, and To of the message that is returned
	"enclosed"		a report within a report
	"automatic"		what tells automatic mail from people's
	""			nothing */
	char *envelope_id;	/* Original-Envelope-Id, or "" */
	GPtrArray *recipients;	/* of struct bounce_recipient, frees them; may
				 * be empty with any class. With COMPLAINT:
				 * whoever complains, where it is said. */
};

/*
 * bounce_recognise - never fails; what cannot be read is BOUNCE_NONE.
 * envelope may be NULL. A failure that names nobody is one of
 * envelope->member, where he is known.
 */
void bounce_recognise(const char *bytes, size_t len,
		      const struct bounce_envelope *envelope,
		      struct bounce_result *out);
void bounce_result_done(struct bounce_result *result);

#endif
