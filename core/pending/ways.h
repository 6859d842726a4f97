/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_WAYS_H
#define MUSTER_PENDING_WAYS_H

#include "core/pending/inside.h"

/*
 * The other ways of a message (db/way.h): lists that have accepted it too,
 * and those that this one includes. Private to core/pending.
 */

/* ways_wait - is a list to go first whose job is still to come here? For a
 * moment the job is put off then, and *waits is true. */
enum err_code ways_wait(struct txn *txn, const struct job *job,
			const struct list_conf *conf, bool *waits,
			struct err *err);

/*
 * ways_open - next, which is to be put into outbound and has as_of_s and
 * position, is told of the post's other ways, and those of included lists get
 * jobs of their own. *note_out is for the trace, "" for nothing; the caller
 * frees.
 */
enum err_code ways_open(struct txn *txn, const struct work *work,
			struct job *next, char **note_out, struct err *err);

#endif
