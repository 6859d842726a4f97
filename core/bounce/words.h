/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_WORDS_H
#define MUSTER_BOUNCE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/bounce/recognise.h"

/*
 * What a server says in words of its own, and whom it names. Private to
 * core/bounce.
 */
#define WORDS_LINES_MAX 2000
#define WORDS_TEXT_MAX (32 * 1024)
#define WORDS_LINE_MAX 2000
#define WORDS_RECIPIENTS_MAX 100

struct words_line {
	char *text;	/* UTF-8, without blanks at the ends; "" where empty */
	char *plain;	/* as of phrase_plain() */
	int indent;	/* columns of blanks before it */
};

struct words {
	GPtrArray *lines;	/* of struct words_line, frees them */
	char *text, *plain;	/* all of them in one */
	char *rest;		/* what was cut off, from the line on that
				 * introduces it; NULL: nothing was */
	char *domain;		/* of who has sent it, or "" */
	GPtrArray *others;	/* canonical addresses of who has sent it, and
				 * of whom it has come to */
};

/* words_add - the lines of a text up to where the message begins that it
 * returns */
void words_init(struct words *words);
void words_add(struct words *words, const char *text);
void words_end(struct words *words);	/* all is added: fills text and plain */
void words_done(struct words *words);

/* words_is_other - is it one of words->others? */
bool words_is_other(const struct words *words, const char *addr);

/* An address of the text, and where it stands. */
struct words_addr {
	char *addr;	/* canonical */
	guint line;
};

/* words_recipients - those that the text says have failed, each once, of
 * struct words_addr, frees them. Never an address that it only mentions.
 * found: where they stand, where there are any. */
enum words_found {
	WORDS_LISTED,	/* where reports list them */
	WORDS_TOLD,	/* in a sentence that says it of them */
	WORDS_ALONE,	/* somewhere, and nobody else is there */
};
GPtrArray *words_recipients(const struct words *words,
			    enum words_found *found);

/* words_about - the lines about one of these, up to the next of them and
 * wherever else he is named, in one; the caller frees */
char *words_about(const struct words *words, const GPtrArray *addrs,
		   guint index);

/* An address within a line */
struct addr_span { size_t start, end; };
/* addr_next - the first at or behind `from` */
bool addr_next(const char *line, size_t from, struct addr_span *out);
/* addr_take - its canonical form; NULL: it is none after all */
char *addr_take(const char *line, const struct addr_span *span);

#endif
