/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_DKIM_SIGN_H
#define MUSTER_AUTH_DKIM_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/auth/sig_draft.h"
#include "core/auth/sigcore.h"
#include "core/mail/header.h"

#define DKIM_FIELD "DKIM-Signature"

/*
 * dkim_add_signature - put a DKIM-Signature in front of header (RFC 6376
 * section 5): relaxed/relaxed, a fixed set of fields, From and the list's own
 * oversigned, never trace fields. hash_body: of the body as it will be sent,
 * relaxed. False: signing failed.
 */
bool dkim_add_signature(struct header *header, const uint8_t hash_body[32],
	       const struct sign_key *key, int64_t now_s);

/* dkim_draft - the same signature for copies that differ. Never NULL. */
struct sig_draft *dkim_draft(const struct header *header,
			     const struct sign_key *key, int64_t now_s);

#endif
