/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_FUZZ_STORE_H
#define MUSTER_T_FUZZ_STORE_H

#include "conf/settings.h"
#include "core/held/held.h"
#include "core/mail/verp.h"
#include "db/store.h"

/* What musterd's sockets need, for a fuzz target: a store of its own with
 * the open list dev@lists.test, made at the first call; it goes with the
 * process. */
struct fuzz_store {
	struct store *store;
	struct settings *settings;
	struct verp *verp;
	struct held_key *held;
};

const struct fuzz_store *fuzz_store(void);

/* The settings, ref'd: as the servers ask for them. */
struct settings *fuzz_settings(void);

#endif
