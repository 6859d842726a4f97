/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_COMPOSE_H
#define MUSTER_OUTBOUND_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "db/post.h"

/*
 * What all copies of a post on a list have in common, made once: the bytes
 * as they go over the wire behind DATA, dots doubled, every line ending in
 * CRLF, with the final dot. Read-only and counted; any thread.
 */
struct composed {
	char *wire;
	size_t len;
	size_t size;		/* of the message itself, for SIZE= */
	bool eight_bit;
	char *sender_local;	/* "dev-bounces+" */
	char *sender_domain;
	bool null_sender;	/* MAIL FROM:<> */
	char post_id[POST_ID_TEXT + 1];
	int refs;
};

/* body: the bytes behind the header; list: canonical address */
struct composed *compose(const struct post_id *post, const char *list,
			 GBytes *header, GBytes *body);
struct composed *composed_ref(struct composed *composed);
void composed_unref(struct composed *composed);

#endif
