/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_HOLDS_H
#define MUSTER_AUTH_HOLDS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/auth/evidence.h"
#include "core/auth/sigcore.h"
#include "core/mail/header.h"

/*
 * signature_holds - is what a DKIM-Signature was made over still the same: the
 * fields of its h=, in its canonical form, each missing one too, and the body?
 * No key is asked for: one that was good is good as long as that is so.
 *
 * came, now	the header before and after it was changed
 * body		as it is now; NULL: as it came. One that has been changed
 *		counts as another in any case where l= limits what is signed.
 */
bool signature_holds(const struct header *came, const struct header *now,
		     const char *body, size_t len, const struct tags *tags);

/* signature_is - is this the signature that was judged so? */
bool signature_is(const struct tags *tags, const struct dkim_evidence *dkim);

/*
 * signatures_remove_broken - take away the DKIM-Signature fields of now that
 * do not hold any more, or did not when the message came. How many.
 */
unsigned int signatures_remove_broken(const struct evidence *evidence,
				      const struct header *came,
				      struct header *now, const char *body,
				      size_t len);

#endif
