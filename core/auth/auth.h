/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_AUTH_H
#define MUSTER_AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/settings.h"
#include "core/auth/evidence.h"
#include "core/mail/header.h"

/*
 * Authentication: a post -> evidence. Look-ups begin as soon as what they
 * need is known (SPF at MAIL, the keys and the DMARC records at the end of
 * the header), go on while the sender is still talking, and end at one
 * deadline, [dns] timeout seconds after MAIL.
 */

/* What a process shares: resolver, libraries, trusted networks, logins.
 * Made after the last fork. Any thread. */
struct auth_env;
/* auth_check - would auth_env_new() find what the settings name? For those
 * who start such processes. */
enum err_code auth_check(const struct settings *settings, struct err *err);
enum err_code auth_env_new(struct settings *settings, struct auth_env **out,
			   struct err *err);
void auth_env_free(struct auth_env *env);

/* auth_is_trusted - is the client in [auth] trusted? With or without
 * "IPv6:" in front. */
bool auth_is_trusted(const struct auth_env *env, const char *addr);

struct auth;		/* one message; one thread at a time */

struct auth_client {
	const char *addr;	/* "192.0.2.7", "IPv6:2001:db8::1" or without
				 * the prefix, "" unknown */
	const char *helo, *login, *sender;
};

/* auth_begin - at MAIL, for mail that may be ours */
struct auth *auth_begin(struct auth_env *env,
			const struct auth_client *client);
void auth_free(struct auth *auth);

/* auth_header - at the end of the header; bytes are borrowed only for the
 * call */
void auth_header(struct auth *auth, const struct header *header);

/* auth_spf - what SPF says, NULL while it is under way; never waits */
const struct spf_evidence *auth_spf(struct auth *auth);

/*
 * auth_end - everything, waiting for what is missing up to the deadline.
 * header and body as the client sent them; authors as mime_authors() found
 * them. The evidence lives as long as auth.
 */
const struct evidence *auth_end(struct auth *auth,
				const struct header *header, const char *body,
				size_t body_len, const GPtrArray *authors,
				bool authors_complete);

#endif
