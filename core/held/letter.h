/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_HELD_LETTER_H
#define MUSTER_HELD_LETTER_H

#include <glib.h>

#include "conf/settings.h"
#include "core/held/view.h"
#include "db/list.h"
#include "db/store.h"

/*
 * A letter: an automatic post of a list's own to one address. It is a post
 * with a form and an outbound job like any other, so that it is retried,
 * dumped and traced as these are. Its envelope sender is null, and its
 * header says what it is (RFC 3834 section 5), so that nothing answers it.
 */
struct letter {
	uint32_t list;
	const char *list_addr;
	const struct list_conf *conf;
	const char *to;			/* canonical address */
	const char *subject;		/* UTF-8 */
	const char *text;		/* UTF-8, lines end in LF */
	const char *reply_to;		/* NULL: none */
	const char *answers;		/* Message-ID of what it answers, "" if
					 * that has none; NULL: nothing */
	const struct held_view *about;	/* goes with it; NULL: nothing */
};

/* letter_send - what: for its trace, "notice of held post ..." */
enum err_code letter_send(struct txn *txn, const struct settings *settings,
			  const struct letter *letter, const char *what,
			  struct err *err);

/*
 * letter_allowed - at a set rate only (invariant 4): may the one who is
 * called so be written to now? `most` times in an hour. It is noted when he
 * may.
 */
enum err_code letter_allowed(struct txn *txn, const char *kind,
			     const char *name, unsigned int most,
			     int64_t now_ms, bool *allowed, struct err *err);

/*
 * letter_to_author - tell the author of a held post, where invariant 4
 * allows: he is verified, the post was no automatic mail and has no null
 * sender, and he got no more than a few of these lately. *why: NULL if he
 * was told, else why not; static.
 */
enum err_code letter_to_author(struct txn *txn,
			       const struct settings *settings,
			       struct letter *letter,
			       const struct held_view *view, const char *what,
			       int64_t now_ms, const char **why,
			       struct err *err);

#endif
