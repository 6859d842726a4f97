/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_DNS_ZONE_H
#define MUSTER_T_DNS_ZONE_H

#include <stdint.h>

#include <glib.h>

/* What the server of dns.h knows: a zone from the text that dns.h
 * describes. Names are as dns_text_of_name() has them. */

enum dns_how {
	IS_SERVFAIL = 1,
	IS_REFUSED = 2,
	IS_SILENT = 4,
	IS_TRUNCATE = 8,
	IS_TRUNCATE_SILENT = 16,
	IS_GARBAGE = 32,
	IS_LIE = 64,
	IS_DELAY = 128,
	IS_HUGE = 256,
};

struct dns_zone_record {
	uint16_t type;
	GByteArray *data;
};

struct dns_behaviour {
	unsigned int how;	/* bits */
	int delay_ms;
	guint huge;
};

struct dns_zone;

struct dns_zone *dns_zone_parse(const char *text, char **problem);
void dns_zone_free(struct dns_zone *zone);

/* Of struct dns_zone_record; empty where there are only names below; NULL:
 * no such name */
const GPtrArray *dns_zone_records(const struct dns_zone *zone,
				  const char *name);

/* The nearest one, at the name or above it */
const struct dns_behaviour *dns_zone_behaviour(const struct dns_zone *zone,
					       const char *name);

guint32 dns_zone_ttl_s(const struct dns_zone *zone);

#endif
