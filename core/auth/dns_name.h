/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_DNS_NAME_H
#define MUSTER_AUTH_DNS_NAME_H

#include <stddef.h>
#include <stdint.h>

/* Names as lookups.h has them (text with dots, any bytes else), as libunbound
 * wants them, and as they are on the wire. The callers free. */

#define DNS_NAME_MAX 253	/* bytes of text, without final dot */
#define DNS_LABEL_MAX 63

/* dns_name_canon - in lower case and without final dot; NULL: the DNS cannot
 * have it (RFC 1035 section 2.3.4) */
char *dns_name_canon(const char *name);

/* dns_name_escape - of a canonical name, in presentation form: what is more
 * than letters, digits, '-', '_' and dots is \DDD (RFC 1035 section 5.1) */
char *dns_name_escape(const char *canon);

/*
 * dns_name_of_wire - the canonical name of an uncompressed name that fills
 * wire to its last byte; "" is the root. NULL: it is broken, or has a label
 * with a dot or a NUL, which as text would be another name.
 */
char *dns_name_of_wire(const uint8_t *wire, size_t len);

#endif
