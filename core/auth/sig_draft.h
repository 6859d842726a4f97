/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_SIG_DRAFT_H
#define MUSTER_AUTH_SIG_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "core/auth/sigcore.h"
#include "core/mail/header.h"

/*
 * A signature of DKIM's kind (RFC 6376 section 3.5, RFC 8617 section 4.1.2)
 * that the copies of a message share but for what is their own: what does not
 * differ is made once. Read-only after that; any thread.
 */
struct sig_draft {
	const char *name;	/* of the field; static */
	const struct sign_key *key;	/* borrowed */
	GString *fields;	/* canonical form of those it covers */
	GString *value;		/* its own, up to bh= */
	size_t column;		/* where that ends */
};

/*
 * sig_draft_new - value: the tags from v= or i= on up to h=, which is taken,
 * and where it ends. names: the fields to cover, as in h=. NULL: more than
 * SIGNED_NAMES_MAX.
 */
struct sig_draft *sig_draft_new(const char *name, const struct sign_key *key,
				const struct header *header,
				const char *names, GString *value,
				size_t column);
void sig_draft_free(struct sig_draft *draft);

/* sig_draft_sign - the field's value for one copy. fields: draft->fields with
 * what is the copy's own in its places. NULL: signing failed. The caller
 * frees. */
char *sig_draft_sign(const struct sig_draft *draft, const char *fields,
		     size_t len, const uint8_t hash_body[32]);

/* sig_draft_one - the same where there is one copy, as drafted */
char *sig_draft_one(const struct sig_draft *draft,
		    const uint8_t hash_body[32]);

/* sig_names - add a name to a list as h= has it, count times, but not more
 * than SIG_NAMES_EACH: no header may keep us from signing it. */
#define SIG_NAMES_EACH 20
void sig_names(GString *names, const char *name, unsigned int count);

#endif
