/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_ARC_H
#define MUSTER_AUTH_ARC_H

#include <stddef.h>

#include "core/auth/evidence.h"
#include "core/auth/lookups.h"
#include "core/auth/sigcore.h"
#include "core/mail/header.h"

/* ARC (RFC 8617) */
#define ARC_SETS_MAX 50

/* arc_start - ask for the keys of all sets; never waits */
void arc_start(struct lookups *lookups, const struct header *header);

/* arc_check - validate the chain (section 5.2); waits for keys up to the
 * deadline. *out is initialised; what was in it is freed. */
void arc_check(struct lookups *lookups, const struct header *header,
	       const char *body, size_t body_len, struct arc_evidence *out);

/*
 * arc_seal - add a set: AAR, AMS, AS, in front of header (section 5.1).
 *
 * header	all fields as they will be sent, DKIM-Signature included; ours
 *		are prepended to it
 * chain	what arc_check() said of the message as it arrived: the cv=
 *		that is sealed. After FAIL our set is the only one that the
 *		seal covers. With TEMPERROR, 50 sets there already, or a
 *		newest seal that says cv=fail, nothing is added.
 * results	for AAR: the text of an Authentication-Results field, with the
 *		authserv-id (authres_print)
 * hash_body	of the body as it will be sent, relaxed
 * now_s	t=
 *
 * False: nothing was added (see chain, or signing failed).
 */
bool arc_seal(struct header *header, const struct arc_evidence *chain,
	      const char *results, const uint8_t hash_body[32],
	      const struct sign_key *key, int64_t now_s);

#endif
