/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_ROBOT_H
#define MUSTER_COMMAND_ROBOT_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/settings.h"
#include "core/held/held.h"
#include "core/mail/verp.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * The stage that does what mail asks of a list: (job, transaction) -> effects
 * and letters. A mail to LIST-request may have many commands (request.h), one
 * to LIST-join, LIST-leave or LIST-confirm is one by itself, and one to the
 * list that turned out as a command is answered with what to do.
 *
 * What was asked is answered in one mail, a line each, and only where
 * invariant 4 allows: to the verified author, at a set rate, and never to a
 * machine. Others cause no more than what subscription.h sends them.
 */
struct robot_with {
	struct store *store;	/* for reading what this does not change */
	const struct settings *settings;
	const struct verp *verp;
	const struct held_key *held;
	int64_t now_ms;		/* unix time */
};

/* What became of it, for the log */
struct robot_result {
	unsigned int commands;	/* that were understood */
	unsigned int done;	/* of them */
	bool answered;
};

/* robot_takes - is this job (of STAGE_COMMAND, or of STAGE_PENDING as older
 * versions put it) for us? Answers about held posts are core/held's. */
bool robot_takes(const struct job *job);

/* robot_run - ERR_INVALID: the job is to be shunted */
enum err_code robot_run(struct txn *txn, const struct robot_with *with,
			const struct job *job, struct robot_result *out,
			struct err *err);

#endif
