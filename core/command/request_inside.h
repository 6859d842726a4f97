/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_REQUEST_INSIDE_H
#define MUSTER_COMMAND_REQUEST_INSIDE_H

#include "core/command/request.h"

/* Private to request_*.c. */

#define REQUEST_WORDS_MAX 100	/* in a line */
#define REQUEST_TOKEN 24	/* characters of a confirmation's */
#define REQUEST_ID 20		/* of a held post's */

/* The words of a line that are not yet understood. */
struct words {
	const char *list;	/* canonical address */
	char **all;		/* NULL-ended; the caller's */
	char **at;		/* the next one */
	bool list_named;
};

/* words_bare - a word without the marks around it; the caller frees */
char *words_bare(const char *word);
/* words_is_list - does it name this list? */
bool words_is_list(const struct words *words, const char *word);
/* words_is_filler - "me", "please", "from": says nothing to a machine */
bool words_is_filler(const char *word);
/* words_addr - is it an address, with or without "address="? *given as it was
 * written; the caller frees */
bool words_addr(const char *word, char **canon, char **given);
bool words_is_id(const char *word);
bool words_is_token(const char *word);
/* words_rest - those that are left, as one text; the caller frees */
char *words_rest(const struct words *words);

/* request_set - what follows "set"; it may turn out as another verb */
void request_set(struct words *words, struct request *out);

/* request_parse - what follows the command verb */
void request_parse(struct words *words, struct request *out);

/* request_line - one line as of own_line(); fault REQUEST_UNKNOWN if it is no
 * command. Never NULL. */
struct request *request_line(const char *list, const char *line);
/* request_continue - is line, below that of request, more of the same? */
bool request_continue(struct request *request, const char *line);
void request_free(void *request);
void request_fault_at(struct request *request, enum request_fault fault,
		      const char *what);
/* request_put - a copy of value in place of what was there */
void request_put(char **at, const char *value);
/* request_add_word - one of request's words, without the marks around it */
void request_add_word(struct request *request, const char *word, bool lower);
/* request_add_id - the same for a Message-ID, in which marks may stand */
void request_add_id(struct request *request, const char *word);

#endif
