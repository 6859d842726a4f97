/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_ANSWERER_H
#define MUSTER_T_ANSWERER_H

#include <glib.h>

/*
 * Answers the doors' questions in musterd's place, in threads of this
 * process. Lists of lists.test: dev (open), strict (members-strict, nobody is
 * a member), small (open, at most 200 octets), and dev-bounces with any
 * token; everything else there is unknown. Posts are kept as they came.
 */
struct answerer;

struct answerer *answerer_start(const char *submit_path);
void answerer_stop(struct answerer *answerer);

/* How many posts were committed, and the last of them: its bytes (the
 * caller frees), and the request's text. */
unsigned int answerer_count(struct answerer *answerer);
GBytes *answerer_last(struct answerer *answerer);

/* From now on commits fail with ERR_NOSPACE (or no longer). */
void answerer_fail(struct answerer *answerer, gboolean fail);

/* Commits wait until answerer_release(). answerer_await() returns when one
 * does. */
void answerer_hold(struct answerer *answerer);
void answerer_await(struct answerer *answerer);
void answerer_release(struct answerer *answerer);

#endif
