/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_LETTER_INSIDE_H
#define MUSTER_LETTER_INSIDE_H

#include <glib.h>

#include "core/letter/letter.h"
#include "core/letter/template.h"

/* Private to core/letter. */

/* A template as it was parsed: lines of pieces. */
enum piece_type {
	PIECE_TEXT,	/* as it stands */
	PIECE_FIELD,
	PIECE_IF,	/* %{?name}: up to PIECE_END only if it has a value */
	PIECE_UNLESS,	/* %{!name}: only if it has none */
	PIECE_END,	/* %{/} */
};

struct piece {
	enum piece_type type;
	const struct template_field *field;	/* NULL: text, or an end */
	char *text;	/* PIECE_TEXT; of a field its default, or NULL */
};

struct template_line {
	GPtrArray *pieces;	/* of struct piece */
	bool silent;		/* has marks, and nothing else but blanks */
	bool kept;		/* is not filled */
};

#define TEMPLATE_DEPTH 8	/* of %{?...} in one another */

struct template {
	GPtrArray *subject;	/* of struct piece; empty if there is none */
	GPtrArray *lines;	/* of struct template_line */
};

/* flow.c: paragraphs. A word is never broken; lines are kept. */
struct flow;
struct flow *flow_new(void);
void flow_text(struct flow *flow, const char *text);	/* words, blanks */
void flow_whole(struct flow *flow, const char *text);	/* no blank counts */
void flow_line_end(struct flow *flow);			/* is a blank */
void flow_keep(struct flow *flow, const char *line);	/* this very line */
void flow_paragraph(struct flow *flow);			/* an empty line */
char *flow_end(struct flow *flow);	/* frees flow; the caller the text */

#endif
