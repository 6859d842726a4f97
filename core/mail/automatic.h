/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_AUTOMATIC_H
#define MUSTER_MAIL_AUTOMATIC_H

#include <stdbool.h>
#include <stddef.h>

#include "core/mail/header.h"

/*
 * Mail that no person wrote to us (RFC 3834, and the many that do not speak
 * it). It is never answered; what of it may reach a list is for the list to
 * say.
 */
enum automatic {
	AUTOMATIC_NO,		/* by a person, as far as one can tell */
	AUTOMATIC_REPLY,	/* out of office, receipt, answer of a robot */
	AUTOMATIC_DSN,		/* delivery report or disposition notice, in a
				 * standard form or not */
	AUTOMATIC_CHALLENGE,	/* "prove that you are a person" */
	AUTOMATIC_GENERATED,	/* made by a machine, but for people: a bug
				 * tracker, a calendar */
};

/* automatic_name - "autoreply" "dsn" "challenge" "generated", NULL for NO */
const char *automatic_name(enum automatic automatic);

/*
 * automatic_kind - sender: envelope sender, "" for null, NULL if unknown.
 * body may be NULL while it is not known (then only the header is judged,
 * and a NO may become something else).
 */
enum automatic automatic_kind(const char *sender, const struct header *header,
			      const char *body, size_t body_len);

/* automatic_from_daemon - is it by MAILER-DAEMON, postmaster or the like, as
 * the envelope's sender (NULL: not known) or From say? */
bool automatic_from_daemon(const char *sender, const struct header *header);

/*
 * automatic_unwelcome - the message is not to be answered by a machine, even
 * where a person wrote it: it came over a list, says bulk, or asks for that
 * (RFC 3834 section 2, X-Auto-Response-Suppress).
 */
bool automatic_unwelcome(const struct header *header);

/*
 * command_meant - a command that was sent to the list by mistake: the whole
 * message says no more than that ("unsubscribe", "please remove me", in the
 * subject or the body, quoted text and signatures aside).
 */
enum command_meant { COMMAND_NONE, COMMAND_SUBSCRIBE, COMMAND_UNSUBSCRIBE };
enum command_meant command_meant(const struct header *header,
				 const char *body, size_t body_len);

/* command_of_word - a word in lower case that is such a command by itself, in
 * one of many languages */
enum command_meant command_of_word(const char *word);

#endif
