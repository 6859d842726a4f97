/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_ARC_H
#define MUSTER_AUTH_ARC_H

#include <stddef.h>

#include "core/auth/evidence.h"
#include "core/auth/lookups.h"
#include "core/auth/sig_draft.h"
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

/*
 * The same for copies of which each needs a set of its own, in two steps:
 *
 * arc_begin - put the AAR of a new set in front of header, which must be
 * followed by the rest of the set before the message is sent. False: there
 * can be no set.
 * arc_has_begun - is the first field of this block an AAR?
 * arc_draft_new - of such a header; chain: as in arc_seal(). NULL: there is
 * no set to be completed. key is borrowed.
 * arc_draft_seal - the values of the two fields that are missing, which go
 * in front of the AAR: AMS, and AS in front of that. fields, hash_body: as in
 * sig_draft_sign() of draft->ams. False: signing failed.
 */
#define ARC_AAR_FIELD "ARC-Authentication-Results"
#define ARC_AMS_FIELD "ARC-Message-Signature"
#define ARC_AS_FIELD "ARC-Seal"

struct arc_draft {
	struct sig_draft *ams;
	GString *before;	/* canonical form of what the seal is made
				 * over in front of the AMS */
	GString *value;		/* of the seal, up to b= */
	size_t column;
};

bool arc_begin(struct header *header, const struct arc_evidence *chain,
	       const char *results);
bool arc_has_begun(const char *header, size_t len);
struct arc_draft *arc_draft_new(const struct header *header,
				enum auth_result chain,
				const struct sign_key *key, int64_t now_s);
bool arc_draft_seal(const struct arc_draft *draft, const char *fields,
		    size_t len, const uint8_t hash_body[32], char **ams_out,
		    char **as_out);
void arc_draft_free(struct arc_draft *draft);

#endif
