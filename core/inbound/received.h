/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_RECEIVED_H
#define MUSTER_INBOUND_RECEIVED_H

#include "core/inbound/inbound.h"

/*
 * received_field - the Received field (RFC 5321 section 4.4) of our own
 * hop, which neither MTA shows to a milter, with final CRLF. Whatever came
 * from outside is cut to what the grammar allows. list may be NULL (several
 * recipients). The caller frees.
 */
char *received_field(const char *hostname, const char *door,
		     const struct inbound_peer *peer, const char *id,
		     const char *list);

#endif
