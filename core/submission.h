/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_SUBMISSION_H
#define MUSTER_SUBMISSION_H

#include "conf/settings.h"
#include "core/held/held.h"
#include "core/mail/verp.h"
#include "db/store.h"

/*
 * The answers to core/inbound/ask.h: what the gate may know, and the commit
 * of an accepted post. A thread per connection; serve_submission() runs
 * one until its peer leaves.
 */
struct submission_server {
	struct store *store;
	const struct verp *verp;
	const struct held_key *held;
	struct settings *(*settings)(void);	/* current ones, ref'd */
	void (*wake)(void);			/* new jobs are there */
};

void serve_submission(const struct submission_server *server, int fd);

#endif
