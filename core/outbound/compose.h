/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_COMPOSE_H
#define MUSTER_OUTBOUND_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/outbound/signer.h"
#include "core/outbound/text.h"
#include "db/post.h"

/*
 * What all copies of a post on a list have in common, made once. Read-only
 * and counted; any thread.
 */

struct composed {
	/* the message, every line ending in CRLF: as it follows BDAT */
	struct text raw;
	/* the same with dots doubled, as it follows DATA in front of the
	 * final dot; bytes NULL where that changes nothing */
	struct text dotted;
	size_t header_len;	/* of raw, with the empty line */
	bool eight_bit;
	struct signer *signer;	/* of each copy by itself; NULL: none is */
	char *sender_local;	/* "dev-bounces+" */
	char *sender_domain;
	bool null_sender;	/* MAIL FROM:<> */
	char post_id[POST_ID_TEXT + 1];
	int refs;
};

/* compose - body: the bytes behind the header; list: canonical address */
struct composed *compose(const struct verp *verp, const struct post_id *post,
			 const char *list, GBytes *header, GBytes *body);
/* composed_send_from - the copies go to the members of this list, and under
 * its senders; before any other thread has it */
void composed_send_from(struct composed *composed, const char *list);
struct composed *composed_ref(struct composed *composed);
void composed_unref(struct composed *composed);

/* composed_is_personal - do the copies differ? */
static inline bool
composed_is_personal(const struct composed *composed)
{
	return composed->raw.place_count > 0;
}

/* composed_sign_with - sign each copy by itself from now on; before any
 * other thread has it. key is kept. As in compose() and signer_new(). */
void composed_sign_with(struct composed *composed, const struct verp *verp,
			const struct post_id *post, const char *list,
			struct sign_key *key, enum auth_result chain);

/* composed_sign - the fields that go in front of one copy, whose places hold
 * values; NULL: it cannot be signed, which is logged. Any thread. */
char *composed_sign(const struct composed *composed,
		    const char *const values[SLOTS]);

#endif
