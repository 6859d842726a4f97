/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_SIGNER_H
#define MUSTER_OUTBOUND_SIGNER_H

#include "core/auth/evidence.h"
#include "core/auth/sigcore.h"
#include "core/outbound/text.h"

/*
 * Signs each copy of a post whose copies differ: a DKIM-Signature, and, where
 * pending has begun an ARC set, the rest of that. What the copies share of
 * the fields and of the body is worked out once. Read-only after that; any
 * thread, and any number at once.
 */
struct signer;

/* signer_new - raw: the message, with header_len octets of header and empty
 * line, which must outlive it; key is kept. chain: what ARC said of the post.
 * NULL: too many fields. */
struct signer *signer_new(const struct text *raw, size_t header_len,
			  char marks[SLOTS][SLOT_MARK_MAX],
			  struct sign_key *key, enum auth_result chain);
void signer_free(struct signer *signer);

/* signer_sign - the fields that go in front of a copy whose places hold
 * values. NULL: signing failed. The caller frees. */
char *signer_sign(const struct signer *signer,
		  const char *const values[SLOTS]);

#endif
