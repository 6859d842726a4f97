/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_H
#define MUSTER_PENDING_H

#include <stdbool.h>

#include "conf/settings.h"
#include "core/auth/sign_keys.h"
#include "core/mail/verp.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * Pending: what the list makes of an accepted post. (job, transaction) ->
 * next jobs: takes the job, stores the form that is to be re-injected
 * (list headers, subject prefix, re-encoded where lines are too long, footer,
 * signed and sealed), and puts the outbound job with its distribution list:
 * the members of the list for a post, the owners for role addresses. Where a
 * copy is to have something of its own, the form has a mark
 * (core/outbound/slot.h), and outbound signs.
 *
 * ERR_INVALID: the post cannot be handled and is to be shunted.
 */
struct pending_with {
	const struct settings *settings;
	const struct verp *verp;
	struct sign_keys *keys;
};

enum err_code pending_run(struct txn *txn, const struct pending_with *with,
			  const struct job *job, struct err *err);

/*
 * pending_run_made - the same with what the list's program has made of the
 * post (core/pending/program.h); NULL: none has run. Then a post of a list
 * that has a program gets a job of STAGE_PROGRAM, with which this is called
 * again. next: who has a job now besides outbound; may be NULL.
 */
struct program_made;
struct pending_next { bool program, archive; };
enum err_code pending_run_made(struct txn *txn,
			       const struct pending_with *with,
			       const struct program_made *made,
			       struct pending_next *next,
			       const struct job *job, struct err *err);

#endif
