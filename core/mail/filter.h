/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_FILTER_H
#define MUSTER_MAIL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "core/base/err.h"
#include "core/mail/header.h"

/*
 * What a list lets through of the parts of a post, and in which form.
 *
 * The rules are asked about each part that has content; the first that
 * matches decides, and `otherwise` where none does. What holds other parts (a
 * multipart, a message/rfc822) is asked only by rules that say so: by a type
 * that begins with "multipart/" or "message/", or, of a message, by name.
 * "pass" lets what is in it be asked; "remove" and "replace" are about the
 * whole. Never asked: the fields of a report (multipart/report) and a part
 * that is signed or encrypted, unless open_signed or a rule that names its
 * type.
 *
 * A part may say twice what it is, and readers differ in which they believe:
 * a rule that removes matches if it is true of any of its types and names, a
 * rule that passes only if it is true of all.
 */

enum filter_action { FILTER_PASS, FILTER_REMOVE, FILTER_REPLACE };

enum filter_what {
	FILTER_TYPE,
	FILTER_NAME,
	FILTER_HOLDS,	/* a file of that name, in a zip archive */
	FILTER_LARGER,
	FILTER_SMALLER,
};

struct filter_test {
	enum filter_what what;
	bool negated;
	char **patterns;	/* of types or names, see filter_fold() */
	int64_t size;		/* bytes, decoded */
};

#define FILTER_TESTS_MAX 8	/* in one rule */
#define FILTER_RULES_MAX 200

struct filter_rule {
	enum filter_action action;
	struct filter_test tests[FILTER_TESTS_MAX];	/* all must hold */
	size_t count;
};

/* When nothing would be left that says something */
enum filter_empty { FILTER_EMPTY_NOTE, FILTER_EMPTY_PASS, FILTER_EMPTY_SHUNT };

struct filter_policy {
	GArray *rules;			/* of struct filter_rule */
	enum filter_action otherwise;
	bool plain_alternative;		/* multipart/alternative becomes its
					 * text/plain, if that is not blank */
	bool text_of_html;		/* HTML becomes text, where there is
					 * no text beside it */
	bool open_signed;
	enum filter_empty empty;
};

void filter_policy_done(struct filter_policy *policy);

/* filter_fold - a type or file name, or a pattern of such, in the form in
 * which they are compared: without case, without what cannot be seen, without
 * blanks and dots at the end. The caller frees. */
char *filter_fold(const char *text);

/* What has become of one part. */
struct filter_item {
	enum filter_action action;	/* FILTER_REMOVE or FILTER_REPLACE */
	char *type, *name;		/* name: UTF-8 on one line, or "" */
	uint64_t size;			/* bytes, decoded */
};

struct filter_report {
	GPtrArray *items;	/* of struct filter_item, in order */
	unsigned int reduced;	/* alternatives to their text/plain */
	unsigned int converted;	/* HTML to text */
	unsigned int signatures;	/* that went, since what they had
				 * signed was changed */
	bool was_empty;		/* all of it would have gone */
};

/* filter_report_text - one clause for the trace; the caller frees */
char *filter_report_text(const struct filter_report *report);
void filter_report_done(struct filter_report *report);

/*
 * A note: some lines of UTF-8, ended by LF or CRLF, that say what stood in its
 * place. items: of struct filter_item. The caller frees. filter_note is that of this module,
 * in English; a caller may bring another, for the list's language.
 */
typedef char *(*filter_note_fn)(void *arg,
				const struct filter_item *const *items,
				size_t count);
char *filter_note(void *arg, const struct filter_item *const *items,
		  size_t count);
/* filter_items_text - a line each, without the last line end; the caller
 * frees */
char *filter_items_text(const struct filter_item *const *items, size_t count);

/*
 * filter_post - apply a policy to a post.
 *
 * header	of the post; changed only if something changes
 * body		behind the empty line; must live as long as header
 * note, arg	NULL for filter_note
 * body_out	the new body; NULL: nothing has changed, neither has header
 * report	to be ended with filter_report_done(), in any case
 *
 * What is not concerned keeps its bytes, and its place. A multipart of which
 * parts went and one is left becomes that part. Made texts are UTF-8 in
 * quoted-printable.
 *
 * ERR_INVALID: the structure is deeper or has more parts than this reads
 * (part.h), or nothing would be left and the policy says FILTER_EMPTY_SHUNT.
 */
enum err_code filter_post(const struct filter_policy *policy,
			  struct header *header, const char *body, size_t len,
			  filter_note_fn note, void *arg, GBytes **body_out,
			  struct filter_report *report, struct err *err);

#endif
