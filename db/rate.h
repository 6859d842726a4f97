/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_RATE_H
#define MUSTER_DB_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/settings.h"	/* RATE_WINDOW_MAX_S */
#include "db/post.h"
#include "db/store.h"

/*
 * What the past of a list says about a post that comes: how many there have
 * been lately, and whether this one has been here before.
 */

/* The longest window, 31 days: what is older is not counted. */
#define RATE_WINDOW_MS (RATE_WINDOW_MAX_S * 1000LL)

/*
 * rate_add - the list has taken this post of this author (canonical address,
 * "" if there is none); once for each of its authors. Meant for the
 * transaction that takes the post: those of different posts seldom meet.
 * time_ms is unix time, and the same for all authors.
 */
enum err_code rate_add(struct txn *txn, uint32_t list, const char *author,
		       int64_t time_ms, const struct post_id *post,
		       struct err *err);

/*
 * rate_count - posts to the list from since_ms on, of this author, or (NULL)
 * of anybody. Each post counts once, however often and for however many
 * authors it was added. Ends at `most`, which is then the answer. It costs
 * some 0.05 ms, and 0.2 ms for each 1000 posts in the window.
 */
enum err_code rate_count(struct txn *txn, uint32_t list, const char *author,
			 int64_t since_ms, uint64_t most, uint64_t *out,
			 struct err *err);

/* rate_count_until - posts of anybody, from since_ms on and before until_ms;
 * else the same */
enum err_code rate_count_until(struct txn *txn, uint32_t list,
			       int64_t since_ms, int64_t until_ms,
			       uint64_t most, uint64_t *out,
			       struct err *err);

/* rate_expire - forget those older than before_ms; own lazy transactions */
enum err_code rate_expire(struct store *store, int64_t before_ms,
			  struct err *err);

/*
 * post_note_on_list - this post, with this Message-ID, has been taken by the
 * list, or is held for it; in the transaction that takes it. Without a
 * Message-ID nothing. Forgotten with the names of trace_expire().
 *
 * post_was_on_list - has one with this Message-ID? A post that a client
 * sends again after its 250 got lost has, too: ask seen first.
 */
enum err_code post_note_on_list(struct txn *txn, const struct post_id *id,
				const char *message_id, const char *list,
				struct err *err);
enum err_code post_was_on_list(struct txn *txn, const char *message_id,
			       const char *list, bool *was, struct err *err);

#endif
