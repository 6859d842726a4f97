/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_HTML_INSIDE_H
#define MUSTER_MAIL_HTML_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/mail/html.h"

/*
 * Private to html*.c: a page of text that is being written. What is inline
 * gathers in a paragraph; a block ends it, and its lines go to the innermost
 * frame: a quote, an item, a cell. When a frame is closed its lines go to the
 * one around it, with what belongs in front of them.
 */
#define PAGE_COLUMNS 72
#define PAGE_FRAMES_MAX 60
#define PAGE_BYTES_MAX (16 * 1024 * 1024)	/* of all that is kept */
#define PAGE_LINKS_MAX 2000
#define TABLE_COLUMNS_MAX 100

enum frame_kind { FRAME_PAGE, FRAME_INDENT, FRAME_TABLE, FRAME_CELL };

struct frame {
	enum frame_kind kind;
	GString *out;		/* lines that end in LF */
	bool wants_gap;		/* an empty line before what comes next */
	int columns;
	char *first, *rest;	/* in front of its first line, of others */
	GPtrArray *rows;	/* of a table: GPtrArray of char * */
};

struct page {
	GPtrArray *frames;
	GString *para;		/* \n: a line ends here; PAGE_STIFF: a blank
				 * where no line may be broken */
	bool wants_blank;
	bool has_failed;	/* a limit */
	size_t kept;		/* bytes that were written so far */
	unsigned int flushed;	/* paragraphs */
	unsigned int stiff;	/* elements in which blanks are kept */
	GArray *lists;		/* int: the number of the item before, -1:
				 * items have none */
	GPtrArray *links;
	GHashTable *numbers;	/* of links, by address */
};

#define PAGE_STIFF '\001'

void page_init(struct page *page);
void page_done(struct page *page);
char *page_finish(struct page *page);	/* NULL: a limit; the caller frees */

/* page_top - the innermost frame */
struct frame *page_top(const struct page *page);
/* page_is_nothing - blanks and line ends only */
bool page_is_nothing(const char *text);

void page_text(struct page *page, const char *text, size_t len);
void page_break(struct page *page);
void page_rule(struct page *page);
/* page_block - the paragraph ends; gap: an empty line is to follow */
void page_block(struct page *page, bool gap);
/* page_open - false: too many are open, it is as if it were not there. first
 * and rest are what a FRAME_INDENT has in front of its lines. */
bool page_open(struct page *page, enum frame_kind kind, const char *first,
	       const char *rest);
void page_close(struct page *page);
enum frame_kind page_inside(const struct page *page);
void page_row(struct page *page);	/* inside of a FRAME_TABLE */

/* page_link - what was put into the paragraph since is the text of a link */
void page_link(struct page *page, const char *href, size_t since,
	       unsigned int flushed);

enum element_kind {
	ELEMENT_INLINE, ELEMENT_BLOCK, ELEMENT_GAP, ELEMENT_BREAK,
	ELEMENT_RULE, ELEMENT_QUOTE, ELEMENT_LIST, ELEMENT_NUMBERED,
	ELEMENT_ITEM, ELEMENT_INDENT, ELEMENT_PRE, ELEMENT_TABLE,
	ELEMENT_ROW, ELEMENT_CELL, ELEMENT_LINK, ELEMENT_IMAGE,
	ELEMENT_MARKS, ELEMENT_HIDDEN,
};

struct open {
	enum element_kind kind;
	bool has_frame;
	char *href;
	size_t since;		/* place in the paragraph, see page_link() */
	unsigned int flushed;
};

enum element_kind element_kind(const char *name);
/* pairs: names and values of its attributes, ended by NULL, or NULL */
bool element_is_hidden(const unsigned char **pairs);
void element_begin(struct page *page, struct open *open,
		   const unsigned char **pairs);
void element_end(struct page *page, struct open *open);	/* frees its href */

/* text_columns - how wide it is on a terminal */
int text_columns(const char *text);
/* page_put_table - the rows of a table as lines */
void page_put_table(const GPtrArray *rows, int columns, GString *out);

#endif
