/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_REQUEST_H
#define MUSTER_COMMAND_REQUEST_H

#include <stdbool.h>

#include <glib.h>

#include "core/mail/header.h"

/*
 * Commands by mail: what somebody asks of a list in a mail to LIST-request.
 * Read from the Subject and the text that he wrote himself. Here is what he
 * says; who may, and what comes of it, is robot.h's.
 *
 * The gate reads the same mail with the same functions before it is taken, so
 * this knows neither the store nor the sender.
 */

enum request_verb {
	REQUEST_NONE,		/* not understood */
	REQUEST_HELP,
	REQUEST_INFO,
	REQUEST_SUBSCRIBE,	/* value: delivery or "", addr or "", name */
	REQUEST_UNSUBSCRIBE,	/* addr or "" */
	REQUEST_SET,		/* key, value */
	REQUEST_SHOW,		/* words: ids of held posts, or none */
	REQUEST_WHICH,
	REQUEST_WHO,
	REQUEST_GET,		/* value: "archive" "welcome" "policy"; of the
				 * archive words: numbers, Message-IDs without
				 * brackets, REQUEST_LAST and a number */
	REQUEST_CONFIRM,	/* value: the token */
	REQUEST_MOVE,		/* addr: the new one */
	REQUEST_PASSWORD,	/* there are none */
	REQUEST_STOP,		/* never in the result */
	REQUEST_HELD,
	REQUEST_APPROVE,	/* words: ids */
	REQUEST_ACCEPT,		/* words: ids */
	REQUEST_REJECT,		/* words: one id; value: the reason, or "" */
	REQUEST_DISCARD,	/* words: ids */
	REQUEST_INVITE,		/* words: addresses */
	REQUEST_ADD,		/* words: addresses; name of a single one */
	REQUEST_REMOVE,		/* words: addresses */
	REQUEST_BOUNCES,
	REQUEST_VERBS
};

/* Whom a command is for */
enum request_for {
	/* also those who cannot prove who they are: the address that it is
	 * about is asked by a letter, or a token is proof */
	REQUEST_FOR_ALL,
	REQUEST_FOR_VERIFIED,
	REQUEST_FOR_TEAM,	/* owners and moderators */
};

/* The table that `help` and muster-commands(7) are made from. */
struct request_kind {
	enum request_verb verb;
	const char *name;
	const char *usage;	/* what follows the name, "" if nothing */
	enum request_for whom;
	const char *help;	/* one line, English */
};
extern const struct request_kind request_kinds[];	/* ended by name
							 * NULL */
const struct request_kind *request_kind_of(enum request_verb verb);

/*
 * The words that are understood: the names and their synonyms, in lower case.
 * expands: what stands for them, "set delivery off" for "nomail"; else NULL.
 */
struct request_word {
	const char *word;
	enum request_verb verb;
	const char *expands;
};
extern const struct request_word request_words[];	/* ended by word
							 * NULL */
const struct request_word *request_word_find(const char *word);

enum request_fault {
	REQUEST_FINE,
	REQUEST_UNKNOWN,	/* no command */
	REQUEST_INCOMPLETE,	/* something is missing behind it */
	REQUEST_WRONG,		/* what: the word that cannot stand there */
	REQUEST_OTHER_LIST,	/* what: the list that is named, not this one;
				 * or a word that may be one, or a password */
};

struct request {
	enum request_verb verb;
	enum request_fault fault;
	char *line;		/* as it was written, one line of UTF-8 */
	const char *key;	/* of SET: a member's key (conf/keys.h) */
	char *value;		/* never NULL, as those below */
	char *addr;		/* canonical */
	char *given;		/* the same as it was written */
	char *name;
	char **words;		/* NULL-ended; ids in lower case */
	char *what;
	bool quiet;		/* add, remove: without a letter */
};

struct requests {
	GPtrArray *all;		/* of struct request, frees them */
	bool is_empty;		/* the mail has no text and no Subject that
				 * says anything */
	unsigned int more;	/* commands beyond `most` */
	bool has_rest;		/* after some lines that were no commands the
				 * rest is left alone */
};

/* More of a post is not looked at. */
#define REQUEST_BYTES_MAX (64 * 1024)
#define REQUEST_LAST "last"
#define REQUEST_LINE_MAX 200	/* bytes of struct request.line */

/*
 * requests_read - subject: decoded, "" if none; text: of content_own_text();
 * list: canonical address, which may stand where other programs want one.
 * What is asked twice stands there once. Otherwise in order.
 */
struct requests *requests_read(const char *list, const char *subject,
			       const char *text, unsigned int most);
/* requests_of_post - the same for a mail; where no line of it is a command,
 * but the whole says in words that somebody wants to join or to leave, that
 * is what is asked */
struct requests *requests_of_post(const char *list,
				  const struct header *header,
				  const char *body, size_t body_len,
				  unsigned int most);
void requests_free(struct requests *requests);

/* requests_need_proof - is there nothing in it for somebody who is not
 * verified? */
bool requests_need_proof(const struct requests *requests);

#endif
