/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_HELD_VIEW_H
#define MUSTER_HELD_VIEW_H

#include <stdbool.h>

#include <glib.h>

#include "core/auth/evidence.h"
#include "core/letter/letter.h"
#include "core/mail/header.h"
#include "db/post.h"
#include "db/queue.h"

/*
 * A held post as a person is shown it. Only its first POST_HEAD_MAX bytes
 * are read. All texts are one line of UTF-8 without control characters.
 */
struct held_view {
	struct post *post;
	struct evidence *evidence;
	GBytes *head;
	struct header header;	/* empty if it could not be parsed */
	size_t body_at;		/* in head */
	char *subject;		/* "" if there is none */
	char *author;		/* the verified one, or whoever From names */
};

/* held_view_load - *found false: the post is gone. Else held_view_done(). */
enum err_code held_view_load(struct txn *txn, const struct post_id *id,
			     struct held_view *out, bool *found,
			     struct err *err);
void held_view_done(struct held_view *view);	/* takes a zeroed one */

/* held_view_subject - for people: never empty */
const char *held_view_subject(const struct held_view *view);

/* held_author - whose it is, "" if nobody knows: of a request to join its
 * address. Borrowed from either. */
const char *held_author(const struct job *held, const struct held_view *view);

/* held_view_whole - is all of the post in head? */
bool held_view_whole(const struct held_view *view);

/* held_view_about - the post, to go with a letter; good as long as view */
struct letter_about held_view_about(const struct held_view *view);

/* held_view_lines - how its text begins: at most 12 lines, NULL-ended, for
 * g_strfreev() */
char **held_view_lines(const struct held_view *view);

/* held_verified_text - "verified: ..." or "NOT verified: ...", for people;
 * static */
const char *held_verified_text(const struct evidence *evidence);

#endif
