/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_SURVIVE_H
#define MUSTER_AUTH_SURVIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/auth/evidence.h"
#include "core/mail/header.h"

/* What has become of a message on its way through a list */
struct survival {
	const struct evidence *evidence;	/* of what came */
	const struct header *came, *now;
	const char *body;	/* NULL: as it came */
	size_t len;
};

/*
 * dkim_survives - does a signature of the author's domain that was good when
 * the message came still verify? The key is not asked for again: the signature
 * holds for as long as what it was made over is the same, which is the fields
 * of its h=, in its canonical form, each missing one too, and the body. A body
 * that is another counts as changed in any case where l= limits what is
 * signed.
 */
bool dkim_survives(const struct survival *survival);

/* dkim_covers - is a field of that name in what such a signature is made over?
 * Then changing or adding one breaks it. */
bool dkim_covers(const struct survival *survival, const char *name);

#endif
