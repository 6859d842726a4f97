/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_FILTER_INSIDE_H
#define MUSTER_MAIL_FILTER_INSIDE_H

#include "core/mail/filter.h"
#include "core/mail/part.h"

/*
 * Private to the filter: a post as a tree of spans of its own bytes, and what
 * is to become of each node. filter_tree.c builds it, filter_rules.c says what
 * the rules want of a part, filter_judge.c and filter_settle.c decide,
 * filter_write.c writes.
 */

enum fate {
	FATE_KEEP,	/* every byte */
	FATE_CHANGED,	/* something in it */
	FATE_GONE,
	FATE_TEXT,	/* .text stands in its place */
	FATE_CHILD,	/* its only child does */
};

struct node {
	struct part *part;
	struct node *parent;
	GPtrArray *children;	/* of struct node; of a message the one
				 * that is its root */
	GPtrArray *written;	/* those that are written, and others from
				 * below them, when this is FATE_CHANGED */
	struct span edge;	/* the delimiter in front of it */
	struct span from_line;	/* in front of a message */
	struct span head, body;	/* body: of what has no children */
	struct span preamble, close, epilogue;	/* of a multipart */
	enum fate fate;
	char *text;
	bool is_note;		/* what .text is */
	bool is_whole;		/* signed or encrypted: hands off */
	bool is_mixed;		/* becomes a multipart/mixed */
	struct filter_item *item;	/* what the report says of it */
};

struct tree {
	struct whole whole;
	struct parts parts;
	GPtrArray *nodes;	/* all, in order; frees them */
	struct node *root;
};

/* tree_read - ERR_INVALID where it is past the limits */
enum err_code tree_read(const struct header *header, const char *body,
			size_t len, struct tree *out, struct err *err);
void tree_done(struct tree *tree);

bool node_is(const struct node *node, const char *type);
bool node_is_multipart(const struct node *node);	/* with parts */
bool node_is_message(const struct node *node);
bool node_is_leaf(const struct node *node);
bool node_is_attachment(const struct node *node);
/* node_text - of a leaf of text, decoded to UTF-8; the caller frees */
char *node_text(const struct node *node);
bool node_is_blank(const struct node *node);	/* a text of blanks only */
bool text_is_blank(const char *text);
/* node_names, node_types - all that it says; of char *, not folded */
GPtrArray *node_names(const struct node *node);
GPtrArray *node_types(const struct node *node);
uint64_t node_size(const struct node *node);
/* node_zipped - names of the files in it, folded, if it is a zip archive */
GPtrArray *node_zipped(const struct node *node);

/* Which rules are asked about a part */
enum rules_which {
	RULES_ALL,
	RULES_MAIN,	/* that name its main type ("multipart/..."), or, of a
			 * message, a file */
	RULES_SUB,	/* that name some of its subtype ("multipart/sig...") */
};

enum filter_action rules_ask(const struct filter_policy *policy,
			     const struct node *node,
			     enum rules_which which);

struct filtering {
	const struct filter_policy *policy;
	struct tree tree;
	struct filter_report *report;
	filter_note_fn note;
	void *arg;
};

void filter_item_free(void *item);

/* filter_judge - each part by itself */
void filter_judge(struct filtering *f, struct node *node);
/* filter_is_plain - does what stays of it begin with a text/plain that says
 * something? */
bool filter_is_plain(const struct node *node);
/* filter_convert - HTML to text; told: what is in it is said in plain text
 * beside it */
void filter_convert(struct filtering *f, struct node *node, bool told);
/* filter_settle - each multipart, from the innermost on, with what is left in
 * it */
void filter_settle(struct filtering *f, struct node *node);

/* tree_write - the new body; header: of the root */
GBytes *tree_write(struct tree *tree, struct header *header);

#endif
