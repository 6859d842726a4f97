/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_INSIDE_H
#define MUSTER_PENDING_INSIDE_H

#include <stdbool.h>

#include <glib.h>

#include "core/mail/header.h"
#include "core/pending/footer.h"
#include "core/pending/pending.h"
#include "core/pending/program.h"
#include "core/pending/seal.h"
#include "db/list.h"
#include "db/post.h"

/* Private to core/pending. */

/*
 * A post that is worked on: what it has become so far. header may point into
 * bytes, and body is a part of them, uncopied, until a filter makes another.
 */
struct work {
	const struct pending_with *with;
	const struct job *job;
	const struct program_made *made;	/* NULL: no program has run */
	struct pending_next *next;		/* may be NULL */
	struct list_conf *conf;
	struct post *post;
	struct evidence *evidence;
	struct evidence *shown;	/* what copies may say of it: the same, until
				 * a filter puts another in its place */
	struct marks marks;
	GBytes *came;		/* the whole, as it came: */
	struct header came_header;
	uint64_t came_body_at;
	GBytes *bytes;		/* and as it was made anew last */
	struct header header;
	GBytes *body;		/* behind the empty line */
	bool own_body;		/* that which came */
	enum seal_own own;
	GString *done;		/* what the filters have said so far */
};

/* work_begin - load post, evidence, bytes and marks; with, job and conf are
 * there. In any case the caller ends with work_done(), which leaves these.
 * ERR_CORRUPT: the bytes are gone; ERR_INVALID: not a message that can be
 * worked on. */
enum err_code work_begin(struct txn *txn, struct work *work,
			 struct err *err);
/* work_open - the same with a post and its bytes, which it takes */
enum err_code work_open(struct work *work, struct post *post, GBytes *came,
			struct err *err);
void work_done(struct work *work);

/* What filters do with it. work_set_body, work_set_message - take the bytes:
 * a body, or a whole message; false: it has too many fields, and nothing is
 * changed. work_note - a clause for the trace, without a full stop. */
void work_set_body(struct work *work, GBytes *body);
bool work_set_message(struct work *work, GBytes *whole);
void work_note(struct work *work, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *work_body(const struct work *work, size_t *len_out);

/* work_form - as it is now; the caller unrefs header and body, but the form
 * itself is his */
void work_form(const struct work *work, struct form *out);

/*
 * A filter changes a post in one respect, where the list wants it; what it
 * does not need to change keeps every byte, so that the author's DKIM
 * signature holds. ERR_INVALID: the post is to be shunted; it may be retried
 * when the cause is gone.
 */
struct filter {
	const char *name;	/* in the reason for which a post is shunted */
	bool (*is_wanted)(const struct work *work);
	enum err_code (*run)(struct txn *txn, struct work *work,
			     struct err *err);
};

/* chain_base - those for everything that is made of a post; chain_copies -
 * then those only for copies to single members, the last of which signs */
enum err_code chain_base(struct txn *txn, struct work *work,
			 struct err *err);
enum err_code chain_copies(struct txn *txn, struct work *work,
			   struct err *err);

/* is_post - of the list, not mail to its owners, who get what came in */
bool is_post(const struct work *work);

/* The filters, each in the file of its name; filter_add in filter_rules.c,
 * filter_leave in filter_fields.c, filter_texts in footer.c, filter_seal in
 * seal.c */
extern const struct filter filter_program, filter_content, filter_anonymous,
	filter_way, filter_rules, filter_subject, filter_fields, filter_add,
	filter_complete, filter_archive, filter_recode, filter_leave,
	filter_reply, filter_dmarc, filter_texts, filter_signature,
	filter_seal;

/* filter_fields.c, for digests too: what makes work->header one of the list's;
 * how one leaves it may have a mark, and is for copies only */
void fields_add_list(struct work *work);
void fields_add_unsubscribe(struct work *work);
void fields_set_sender(struct work *work);

/* filter_archive.c: is it to be archived? *why_out: "", or what the trace is
 * to say of that */
bool work_is_archived(const struct work *work, const char **why_out);

/* acknowledge - to the author, where he may be written to and wants that */
enum err_code acknowledge(struct txn *txn, const struct work *work,
			  struct err *err);

#endif
