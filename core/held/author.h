/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_HELD_AUTHOR_H
#define MUSTER_HELD_AUTHOR_H

#include "core/held/view.h"
#include "core/letter/letter.h"

/*
 * author_why_not - may a machine answer this post (invariant 4)? NULL: its
 * author is verified, it has no null sender, and is no automatic mail; else
 * why not; static.
 */
const char *author_why_not(const struct held_view *view);

/*
 * author_tell - a letter to the author of a post, where invariant 4 allows,
 * and he got no more than a few lately. *why: NULL if he was told, else why
 * not; static. to and answers are filled in.
 */
enum err_code author_tell(struct txn *txn, const struct settings *settings,
			  struct letter *letter,
			  const struct held_view *view, const char *what,
			  int64_t now_ms, const char **why, struct err *err);

#endif
