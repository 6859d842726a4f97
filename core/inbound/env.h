/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_ENV_H
#define MUSTER_INBOUND_ENV_H

#include "conf/settings.h"
#include "core/auth/auth.h"
#include "core/inbound/ask.h"
#include "core/inbound/policies.h"
#include "core/inbound/sets.h"

/*
 * What all connections of a process share. Made after the last fork, since
 * the resolver has a thread; read-only from then on.
 */
struct inbound_env {
	struct settings *settings;
	struct ask *ask;
	struct auth_env *auth;
	struct policies *policies;
	struct sets *sets;
	const char *door;	/* "milter" or "lmtp" */
};

/* inbound_env_init - door is static. Nothing is kept on failure. */
enum err_code inbound_env_init(struct inbound_env *env,
			       struct settings *settings, const char *door,
			       struct err *err);
void inbound_env_done(struct inbound_env *env);

#endif
