/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_SEAL_H
#define MUSTER_PENDING_SEAL_H

#include <stdbool.h>

#include "conf/settings.h"
#include "core/auth/evidence.h"
#include "core/auth/sign_keys.h"
#include "core/mail/header.h"
#include "db/list.h"
#include "db/post.h"

/*
 * What a copy says about who sent the post: our Authentication-Results (RFC
 * 8601), and of a list that has a key its DKIM-Signature (RFC 6376) and its ARC
 * set (RFC 8617).
 *
 * Where all copies are the same, both are made here, once. Where only fields
 * differ (List-Unsubscribe), which the ARC set does not cover, the set is made
 * here and outbound signs each copy. Where the bodies differ, no signature
 * holds for two of them: a set is only begun here, and outbound, which knows
 * the bodies, signs and seals each copy. That costs three signatures for one,
 * and is worth it, since just those posts whose bodies a list has changed need
 * the seal: the author's own signature does not hold any more.
 */

enum seal_own {
	SEAL_OWN_NOTHING,	/* all copies are the same */
	SEAL_OWN_FIELDS,	/* their List-Unsubscribe differ */
	SEAL_OWN_BODY,		/* their bodies do */
};

/* seal_results - take away every Authentication-Results field that claims to
 * be ours, put ours on top */
void seal_results(const struct settings *settings,
		  const struct evidence *evidence, struct header *header);

struct seal_with {
	const struct settings *settings;
	struct sign_keys *keys;
	const struct list_conf *conf;
	const char *list;
	const struct evidence *evidence;
	enum seal_own own;
};

/*
 * seal_own - the signature for mail of the list's own, such as digests, for
 * which nobody else has vouched: no ARC set. own: SEAL_OWN_NOTHING, or nothing
 * is done, and outbound signs each copy. with->evidence is not looked at.
 */
enum err_code seal_own(const struct seal_with *with, const uint8_t hash[32],
		       struct header *header, struct err *err);

#endif
