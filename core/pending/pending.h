/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_H
#define MUSTER_PENDING_H

#include "conf/settings.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * Pending: what the list makes of an accepted post. (job, transaction) ->
 * next jobs: takes the job, stores the form that is to be re-injected
 * (list headers, subject prefix, re-encoded where lines are too long), and
 * puts the outbound job with its distribution list: the members of the
 * list for a post, the owners for role addresses.
 *
 * ERR_INVALID: the post cannot be handled and is to be shunted.
 */
enum err_code pending_run(struct txn *txn, const struct settings *settings,
			  const struct job *job, struct err *err);

#endif
