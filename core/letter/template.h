/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_LETTER_TEMPLATE_H
#define MUSTER_LETTER_TEMPLATE_H

#include <stdbool.h>

#include <glib.h>

#include "core/base/err.h"

/*
 * Templates: the texts of all mail that muster writes by itself, in the
 * language that muster-templates(5) describes. Each has a name, which says
 * what it is for and which fields it has.
 */

enum field_type {
	FIELD_LINE,	/* one line of text; may come from anybody */
	FIELD_ADDR,	/* one line that is never broken: an address, a URL */
	FIELD_LINES,	/* some lines, each of which is kept as it is */
	FIELD_FLAG,	/* "yes" or empty, for %{?...} and %{!...} */
};

struct template_field {
	const char *name;
	enum field_type type;
	bool must;		/* without it the letter is of no use */
	const char *example;	/* for a preview; of a flag "yes" or "" */
	const char *help;	/* one line */
};

struct template_kind {
	const char *name;
	const char *help;	/* when it is sent, and to whom */
	bool is_part;		/* of another letter: has no Subject */
	const struct template_field *fields;	/* ended by name NULL */
};

extern const struct template_kind template_kinds[];	/* by name; ended by
							 * name NULL */
/* those that every template has */
extern const struct template_field template_common[];

const struct template_kind *template_kind_find(const char *name);

/* template_field_find - one of a kind, or a common one; kind NULL: of any.
 * NULL: there is none. */
const struct template_field *template_field_find(
	const struct template_kind *kind, const char *name);

/* template_example - the values of a preview: field name -> text. Those in
 * which the list and the recipient are named are left to the caller. */
GHashTable *template_example(const struct template_kind *kind);

/* --- texts -------------------------------------------------------------- */

struct template;

/*
 * template_parse - file: what the text is called in complaints. kind NULL:
 * fields of any kind, a Subject that may be missing, and nothing that must be
 * there. ERR_INVALID says "FILE:LINE:COLUMN: what is wrong". text: UTF-8.
 */
#define TEMPLATE_TEXT_MAX 16000	/* bytes */
enum err_code template_parse(const char *file,
			     const struct template_kind *kind,
			     const char *text, struct template **out,
			     struct err *err);
void template_free(struct template *text);

/*
 * template_fill - values: field name -> UTF-8 text, of whatever origin; one
 * that is missing is empty. No value can become a header field, a field of
 * the template, or a command to a terminal. *subject_out is one line ("" of a
 * part); *body_out lines that end in LF, filled to 72 columns where the
 * template lets them be. The caller frees both.
 */
void template_fill(const struct template *text, GHashTable *values,
		   char **subject_out, char **body_out);

#endif
