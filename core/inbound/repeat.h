/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_REPEAT_H
#define MUSTER_INBOUND_REPEAT_H

#include <stddef.h>
#include <stdint.h>

#include "core/mail/header.h"

/*
 * How a repeat is recognised. A client whose 250 got lost sends the same
 * post again; the keys of both are the same, because they are made from
 * the list, the envelope sender and what the client itself sent.
 */
#define REPEAT_KEY_LEN 32

/*
 * repeat_digest - of what the client sent: header and body, without what
 * the MTA may have added. qid is the MTA's queue id ("" unknown), by which
 * a Message-ID of the MTA's own making is told.
 */
void repeat_digest(const struct header *header, const char *body,
		   size_t body_len, const char *qid,
		   uint8_t out[REPEAT_KEY_LEN]);

/* repeat_key - of that digest for one recipient: list, role and detail */
void repeat_key(const uint8_t digest[REPEAT_KEY_LEN], const char *sender,
		const char *list, const char *role, const char *detail,
		uint8_t out[REPEAT_KEY_LEN]);

#endif
