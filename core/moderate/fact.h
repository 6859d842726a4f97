/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MODERATE_FACT_H
#define MUSTER_MODERATE_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/*
 * Facts: what a policy can ask about a post. One table (fact.c) holds them
 * all: the parser, the suggestions, muster-policy(5) (held to it by a test)
 * and `muster policy test` go by it.
 */

/* The steps of the SMTP transaction at which facts become known. */
enum step {
	STEP_CONNECT, STEP_HELO, STEP_MAIL, STEP_RCPT,
	STEP_HEADERS,	/* end of the header */
	STEP_END	/* end of message */
};
const char *step_name(enum step step);	/* "connect" ... */

enum fact_type {
	FACT_BOOL,
	FACT_NUMBER,	/* a count or a size in octets */
	FACT_DURATION,	/* seconds */
	FACT_TIME,	/* minutes since midnight, local time */
	FACT_TEXT,	/* one text, or none */
	FACT_TEXTS,	/* any number; a comparison is true if it is for one
			 * of them */
	FACT_PERSON,	/* addresses: texts that "in" can look up */
};

enum fact_argument { ARG_NONE, ARG_TEXT, ARG_DURATION };

enum fact_id {
	/* connect */
	FACT_CLIENT_ADDR,	/* text "192.0.2.7", "2001:db8::1" */
	FACT_CLIENT_NAME,	/* text: its name as the MTA has verified it */
	FACT_CLIENT_TRUSTED,	/* bool: in [auth] trusted */
	FACT_TIME_OF_DAY,	/* time */
	FACT_WEEKDAY,		/* text "mon" .. "sun" */
	/* helo */
	FACT_HELO,		/* text */
	/* mail */
	FACT_TLS,		/* bool */
	FACT_TLS_VERSION,	/* text "TLSv1.3" */
	FACT_LOGIN,		/* text: SMTP AUTH */
	FACT_SENDER,		/* person: the envelope sender, none if null */
	FACT_SENDER_DOMAIN,	/* text */
	FACT_SPF,		/* text "pass" ... ; as soon as DNS says */
	FACT_SPF_DOMAIN,	/* text */
	/* rcpt */
	FACT_LIST,		/* text: its address */
	FACT_LIST_DOMAIN,	/* text */
	FACT_SENDER_MEMBER,	/* bool */
	FACT_SENDER_BANNED,	/* bool: by the list's key, its domain's, the
				 * site's */
	FACT_SENDER_LIST,	/* text: the list whose copy it is */
	FACT_SENDER_ACCEPTED,	/* bool: that is one of those always to accept */
	FACT_CLIENT_BANNED,	/* bool */
	/* headers */
	FACT_RECIPIENTS,	/* number: in the envelope */
	FACT_RECIPIENT,		/* person: each of them, of any kind */
	FACT_AUTHOR,		/* person: every address of From */
	FACT_AUTHOR_NAME,	/* texts: display names */
	FACT_AUTHOR_DOMAIN,	/* texts */
	FACT_AUTHOR_MEMBER,	/* bool: there is one, and all are members */
	FACT_AUTHOR_BANNED,	/* bool: one of them is */
	FACT_AUTHOR_ACCEPTED,	/* bool: all are ones always to accept */
	FACT_AUTHOR_MODERATED,	/* bool: one is a member with moderated=yes */
	FACT_AUTHOR_ROLE,	/* texts: "member" "owner" "moderator" that all
				 * of them are */
	FACT_AUTHOR_SINCE,	/* duration: subscribed for, the least of all;
				 * 0 if not a member */
	FACT_AUTHOR_POSTS,	/* number: accepted so far, the least */
	FACT_SUBJECT,		/* text, decoded */
	FACT_HEADER,		/* texts (name): decoded values of a field */
	/* end */
	FACT_LIST_RATE,		/* number (duration): posts to the list in it,
				 * without this one */
	FACT_AUTHOR_RATE,	/* number (duration): posts of the author to
				 * this list in it, the most */
	FACT_AUTOMATIC,		/* text: "autoreply" "dsn" "challenge"
				 * "generated", none if by a person */
	FACT_DUPLICATE,		/* bool: its Message-ID has been on the list */
	FACT_COMMAND,		/* text: "subscribe" or "unsubscribe" when it
				 * is one that was meant for another address */
	FACT_AUTHOR_VERIFIED,	/* bool: the evidence says so */
	FACT_AUTHOR_VERIFIABLE,	/* bool: the domain has a DMARC policy */
	FACT_VERIFIED_BY,	/* text "dmarc" "login" "network" "sealer" */
	FACT_DKIM,		/* texts: each signature's result; "none" */
	FACT_DKIM_DOMAIN,	/* texts: d= of those that pass */
	FACT_DMARC,		/* text */
	FACT_DMARC_POLICY,	/* text "none" "quarantine" "reject" */
	FACT_DMARC_DOMAIN,	/* text: where the record is */
	FACT_DMARC_ALIGNED,	/* text "spf" "dkim": what made it pass */
	FACT_ARC,		/* text */
	FACT_ARC_SEALER,	/* text */
	FACT_SIZE,		/* number */
	FACT_MIME_TYPE,		/* texts: of all parts, "text/plain" */
	FACT_MIME_NAME,		/* texts: file names, decoded */
	FACT_MIME_PARTS,	/* number: leaves */
	FACT_BODY,		/* text: of all text parts, decoded */
	FACT_COUNT
};

struct fact {
	enum fact_id id;
	const char *name;	/* "author.member" */
	enum fact_type type;
	enum fact_argument argument;
	enum step step;		/* where it is known at the latest; SPF and
				 * what musterd is asked may be known before */
	const char *help;	/* one line for muster-policy(5) */
};

extern const struct fact fact_table[FACT_COUNT];	/* [id].id == id */
const struct fact *fact_find(const char *name);	/* NULL: none */
/* fact_values - the only words that a text can be; NULL: it can be any */
const char *const *fact_values(enum fact_id id);
/* fact_suggest - the nearest name, NULL if none is near */
const char *fact_suggest(const char *name);

/* --- the values --------------------------------------------------------- */

/* What "in" looks up. */
enum set_kind {
	SET_MEMBERS,	/* of the list, or of list `name` */
	SET_OWNERS,
	SET_MODERATORS,
	SET_ACCEPTED,	/* the list's own: always to accept */
	SET_BANNED,
	SET_FILE,	/* one address, domain or network a line */
};

enum truth { TRUTH_UNKNOWN, TRUTH_NO, TRUTH_YES };

/* A value is borrowed from the source, and lives as long as it. */
struct fact_value {
	int64_t number;		/* BOOL (0, 1), NUMBER, DURATION, TIME */
	const char *const *texts;	/* TEXT, TEXTS, PERSON: NULL-ended,
					 * empty if there is none; UTF-8 */
};

/*
 * Where facts come from. A fact that is known once keeps its value for the
 * message: a source remembers what it has said.
 *
 * get	false: not known yet
 * in	is `text` in the set? UNKNOWN: not known yet. name: the argument, ""
 *	if none. A set that does not exist holds nobody.
 */
struct fact_source {
	bool (*get)(void *arg, enum fact_id fact, const char *argument,
		    int64_t seconds, struct fact_value *out);
	enum truth (*in)(void *arg, enum set_kind kind, const char *name,
			 const char *text);
	void *arg;
};

#endif
