/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_ELSEWHERE_H
#define MUSTER_OUTBOUND_ELSEWHERE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "db/queue.h"
#include "db/roster.h"
#include "db/store.h"

/*
 * Who gets a message from elsewhere: by a way (db/way.h) that goes before
 * this one. Asked for members in the order of their keys; the rosters of the
 * other lists are walked beside them.
 */
struct elsewhere;

/* What a member is asked for besides his record: is he an author of the
 * message, or named as an addressee in it? */
typedef bool (*elsewhere_asks)(void *arg, const char *key);
struct elsewhere_post {
	elsewhere_asks is_author, is_named;
	void *arg;
};

/* member_takes - does he get single copies of such a post, for all that his
 * record says? What he wants as of a position is asked apart. */
bool member_takes(const struct roster_entry *entry,
		  const struct elsewhere_post *post);

/* elsewhere_open - *out NULL: there is no other way that matters. post's
 * functions are called only by elsewhere_has(). */
enum err_code elsewhere_open(struct store *store, const struct job *job,
			     const struct elsewhere_post *post,
			     struct elsewhere **out, struct err *err);
void elsewhere_free(struct elsewhere *elsewhere);

/* elsewhere_begin - a batch of members begins: what was read is old */
void elsewhere_begin(struct elsewhere *elsewhere);

/* elsewhere_has - does he? Keys ascend from elsewhere_begin() on. */
enum err_code elsewhere_has(struct elsewhere *elsewhere, const char *key,
			    bool *out, struct err *err);

/* elsewhere_names - "a@x, b@x", for people; borrowed */
const char *elsewhere_names(const struct elsewhere *elsewhere);

#endif
