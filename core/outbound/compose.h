/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_COMPOSE_H
#define MUSTER_OUTBOUND_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "db/post.h"

/*
 * What all copies of a post on a list have in common, made once. Read-only
 * and counted; any thread.
 */
struct composed {
	/* the message, every line ending in CRLF: as it follows BDAT */
	char *bytes;
	size_t len;
	/* the same with dots doubled, as it follows DATA in front of the
	 * final dot; NULL where that changes nothing */
	char *dotted;
	size_t dotted_len;
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
