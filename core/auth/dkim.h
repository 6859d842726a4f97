/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_DKIM_H
#define MUSTER_AUTH_DKIM_H

#include <stddef.h>

#include <glib.h>

#include "core/auth/lookups.h"
#include "core/mail/header.h"

/*
 * Verification of DKIM signatures (RFC 6376, 8301, 8463). The one door to
 * libopendkim; the keys come through lookups.
 */
#define DKIM_SIGNATURES_MAX 8	/* the first of a message; more are counted
				 * and ignored */

/* dkim_start - ask for the keys of all signatures, as soon as the header is
 * known; never waits */
void dkim_start(struct lookups *lookups, const struct header *header);

/*
 * dkim_check - all signatures, in order: array of struct dkim_evidence,
 * frees them; empty if there is none. Waits for keys up to the lookups'
 * deadline. header and body are exactly as sent (lines may end in CRLF or
 * LF, CRLF is meant).
 *
 * PASS	verified; the key and algorithm are ones to rely on
 * POLICY	verified, but rsa-sha1, a key under 1024 bits, l= that leaves
 *	a part of the body unsigned, From not signed
 * FAIL	does not verify, key revoked
 * NEUTRAL	cannot be read as a signature
 * PERMERROR	no key, a key that cannot be read, expired
 * TEMPERROR	the DNS did not say
 */
GPtrArray *dkim_check(struct lookups *lookups,
		       const struct header *header, const char *body,
		       size_t body_len, unsigned int *ignored);

#endif
