/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_DIGEST_INSIDE_H
#define MUSTER_PENDING_DIGEST_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/auth/sigcore.h"
#include "core/mail/header.h"
#include "core/pending/digest.h"

/* Private to core/pending: a post as digests have it, and a digest that is
 * being made of posts. */

/* Its header, reduced to what readers need, and its body. */
struct excerpt {
	struct header header;
	const char *body;
	size_t body_len;
};

/* digest_fields - only those fields are left (all of MIME's, and who wrote
 * what when): no list's, no way's, no signature's, which would not hold */
void digest_fields(struct header *header);

/* digest_title - "subject (author)", one line for the table of contents */
char *digest_title(const struct header *header);

/*
 * digest_plain - one of the enclosed messages of RFC 1153: header, empty line,
 * text, in UTF-8. Lines end in CRLF and have at most 998 octets; none is what
 * ends a message. note: what is left out ("" for nothing), with LF.
 */
void digest_plain(const struct excerpt *excerpt, const char *note,
		  GString *out);
/* digest_omitted - the types and names of what digest_plain() leaves out;
 * "" if that is nothing. The caller frees. */
char *digest_omitted(const struct excerpt *excerpt);

/* digest_rule - a line of so many hyphens between empty ones */
void digest_rule(GString *out, unsigned int hyphens);
/* digest_lines - text whose lines end in LF or CRLF, as lines of at most 998
 * octets that end in CRLF; guarded: none is a line of 30 hyphens */
void digest_lines(GString *out, const char *text, size_t len, bool guarded);

/* An issue, and the message that is made of it. */
struct making {
	struct txn *txn;
	const struct pending_with *with;
	const struct list_conf *conf;
	const struct job *job;
	struct digest_order order;
	GArray *posts;			/* of struct post_id */
	char *contents;			/* lines */
	/* the message that is being made */
	bool plain;
	bool is_ascii;			/* so far */
	struct post_id id;
	char *message_id;
	char *subject, *masthead, *language, *end;
	char outer[POST_ID_TEXT + 1], inner[POST_ID_TEXT + 1];
	struct form_writer *writer;
	struct body_hash *hash;
};

/* making_each - one post after the other, as the list's members had it
 * without a footer; err says which it was. arg is use's. */
typedef enum err_code (*use_excerpt)(struct making *making,
				     const struct excerpt *excerpt,
				     void *arg, struct err *err);
enum err_code making_each(struct making *making, use_excerpt use, void *arg,
			  struct err *err);

/* digest_texts - subject, masthead, language and end, for all kinds */
enum err_code digest_texts(struct making *making, struct err *err);
/* digest_write - making's form: of the kind that plain says, below id */
enum err_code digest_write(struct making *making, struct err *err);

#endif
