/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_LETTER_LETTER_H
#define MUSTER_LETTER_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "conf/settings.h"
#include "core/mail/header.h"
#include "db/list.h"
#include "db/post.h"
#include "db/store.h"

/*
 * A letter: an automatic post of a list's own to one address, whose text is
 * a template. It is a post with a form and an outbound job like any other, so
 * that it is retried, dumped and traced as these are. Its header says what it
 * is (RFC 3834 section 5), so that nothing answers it.
 */

enum letter_sender {
	LETTER_NULL,	/* MAIL FROM:<>: what bounces tells nobody */
	LETTER_VERP,	/* as a post's copy: a bounce comes back with a token
			 * of list, address and the letter's post id, and
			 * counts. For members only. */
};

/* A value for a field of the template: UTF-8, from whomever; NULL is "" */
struct letter_field { const char *name, *value; };

/* A message, or its beginning, that goes with a letter. */
struct letter_about {
	const char *bytes;	/* may be NULL if len is 0 */
	size_t len;
	size_t body_at;		/* where its header ends */
	bool whole;		/* is it all of the message? */
};

struct letter {
	uint32_t list;
	const char *list_addr;
	const struct list_conf *conf;
	const char *to;			/* address, as it is to be written */
	const char *template;		/* name: template.h */
	const char *language;		/* the recipient's; NULL or "": the
					 * list's */
	const struct letter_field *fields;	/* ended by name NULL; those
					 * of template_common are filled in,
					 * and may be given all the same */
	const char *reply_to;		/* NULL: none */
	const char *answers;		/* Message-ID of what it answers, "" if
					 * that has none; NULL: nothing */
	const struct letter_about *about;	/* NULL: nothing */
	enum letter_sender sender;
};

/*
 * letter_send - what: for its trace, "notice of held post ...". post_out (may
 * be NULL) is the letter's post: its first VERP_POST_LEN bytes come back with
 * a bounce of LETTER_VERP.
 */
enum err_code letter_send(struct txn *txn, const struct settings *settings,
			  const struct letter *letter, const char *what,
			  struct post_id *post_out, struct err *err);

/* letter_fill - only the text: of template, language, fields, list_addr, conf
 * and to. The caller frees what is put out; language_out may be NULL. */
enum err_code letter_fill(struct txn *txn, const struct letter *letter,
			  char **subject_out, char **body_out,
			  char **language_out, struct err *err);

/* letter_encoding, letter_body - what a letter's text is sent as, and its body;
 * text: UTF-8, lines end in LF; about may be NULL, then boundary is not used */
const char *letter_encoding(const char *text);
GBytes *letter_body(const struct letter_about *about, const char *text,
		    const char *boundary);
#define LETTER_TEXT_TYPE "text/plain; charset=utf-8"

/* --- to whom ------------------------------------------------------------ */

/* A mail that might be answered */
struct letter_cause {
	const char *verified;	/* its verified author, "" if there is none */
	const char *sender;	/* of its envelope, "" null */
	const struct header *header;
	const char *body;	/* NULL: not to be had */
	size_t body_len;	/* its beginning will do */
};

/* letter_why_not - may a machine answer it (invariant 4)? NULL: its author has
 * proved himself, and is no machine; else why not; static. */
const char *letter_why_not(const struct letter_cause *cause);

/* --- how often ---------------------------------------------------------- */

/*
 * letter_allowed - at a set rate only (invariant 4): may the one who is
 * called so be written to now? `most` times in any window_s seconds (at most
 * LETTER_WINDOW_MAX_S). It is noted when he may. kind: what is counted
 * together, such as "author"; name: an address, a domain, a network.
 *
 * Where several limits hold for one letter, ask about whoever caused it
 * first (the network), and about the recipient last: then who is refused
 * does not use up what others have.
 */
#define LETTER_WINDOW_MAX_S (4 * 86400)
enum err_code letter_allowed(struct txn *txn, const char *kind,
			     const char *name, unsigned int most,
			     int64_t window_s, int64_t now_ms, bool *allowed,
			     struct err *err);

/*
 * letter_network - the network that counts as one client: "192.0.2.0/24",
 * "2001:db8:1::/48", an IPv4 address in IPv6 as itself. "" for what is no
 * address. The caller frees.
 */
char *letter_network(const char *client);

/* letter_domain - of an address, in lower case; borrowed by none: the caller
 * frees */
char *letter_domain(const char *addr);

#endif
