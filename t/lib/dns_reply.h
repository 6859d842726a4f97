/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_DNS_REPLY_H
#define MUSTER_T_DNS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "t/lib/dns_zone.h"

/* Packets in, packets out */

struct dns_question {
	char *name;		/* as dns_text_of_name() has it */
	const char *type;	/* "TXT"; static */
	size_t end;		/* of the question in the packet */
	uint16_t type_number;
	uint16_t size_max;	/* of an answer over UDP */
	bool has_edns;
};

bool dns_question_parse(const uint8_t *packet, size_t len,
			struct dns_question *out);
void dns_question_done(struct dns_question *question);

/* dns_reply - packets (GByteArray) to be sent after delay_ms; none:
 * silence. The caller frees the array, which frees them. */
GPtrArray *dns_reply(const struct dns_zone *zone, const uint8_t *packet,
		     const struct dns_question *question, bool is_tcp,
		     int *delay_ms);

#endif
