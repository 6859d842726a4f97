/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_COMPOSE_H
#define MUSTER_OUTBOUND_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/auth/sigcore.h"
#include "core/outbound/slot.h"
#include "db/post.h"

/*
 * What all copies of a post on a list have in common, made once. Read-only
 * and counted; any thread.
 */

/* Bytes with places between them for what is the recipient's own */
struct place {
	size_t at;		/* offset in bytes */
	enum slot slot;
};

struct text {
	char *bytes;
	size_t len;
	struct place *places;	/* in order of `at` */
	guint place_count;
};

struct composed {
	/* the message, every line ending in CRLF: as it follows BDAT */
	struct text raw;
	/* the same with dots doubled, as it follows DATA in front of the
	 * final dot; bytes NULL where that changes nothing */
	struct text dotted;
	size_t header_len;	/* of raw, with the empty line */
	bool eight_bit;
	/* each copy is signed by itself with this key; NULL: none is */
	struct sign_key *key;
	struct body_hash *hash;	/* of the body, up to the first place in it */
	char *sender_local;	/* "dev-bounces+" */
	char *sender_domain;
	bool null_sender;	/* MAIL FROM:<> */
	char post_id[POST_ID_TEXT + 1];
	int refs;
};

/*
 * compose - body: the bytes behind the header; list: canonical address. key:
 * signs the copies where they have something of their own, and is kept then;
 * NULL for a list that signs nothing.
 */
struct composed *compose(const struct verp *verp, const struct post_id *post,
			 const char *list, GBytes *header, GBytes *body,
			 struct sign_key *key);
struct composed *composed_ref(struct composed *composed);
void composed_unref(struct composed *composed);

/* composed_is_personal - do the copies differ? */
static inline bool
composed_is_personal(const struct composed *composed)
{
	return composed->raw.place_count > 0;
}

/* composed_sign - the DKIM-Signature field of one copy, whose places hold
 * values; NULL: it cannot be signed, which is logged. Any thread. */
char *composed_sign(const struct composed *composed,
		    const char *const values[SLOTS]);

#endif
