/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_SIGN_KEYS_H
#define MUSTER_AUTH_SIGN_KEYS_H

#include "core/auth/sigcore.h"

/*
 * The private keys that are in use, so that a file is read once and not for
 * each post; and again when it has changed. Any thread.
 */
struct sign_keys;

struct sign_keys *sign_keys_new(void);
void sign_keys_free(struct sign_keys *keys);

/* sign_keys_get - as sign_key_load(); *out is a reference */
enum err_code sign_keys_get(struct sign_keys *keys, const char *path,
			    const char *domain, const char *selector,
			    struct sign_key **out, struct err *err);

#endif
