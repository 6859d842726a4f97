/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_DNS_ANSWER_H
#define MUSTER_AUTH_DNS_ANSWER_H

#include "core/auth/lookups.h"

/* Answers in the making: only lookups.c and resolver.c */

#define DNS_RECORDS_MAX 5000	/* more than 64 KB over the wire can hold */
#define DNS_BYTES_MAX 65536	/* of their data together; the record that
				 * exceeds it and those behind are ignored */

struct dns_answer *dns_answer_new(enum dns_status status);
struct dns_answer *dns_answer_failed(const char *why);	/* copied */
void dns_answer_free(struct dns_answer *answer);

/* dns_answer_add - a copy of the record, and FOUND; ignored past the limits */
void dns_answer_add(struct dns_answer *answer,
		    const struct dns_record *record);

/*
 * dns_answer_add_wire - a record from its RDATA. Ignored when that is not
 * what the type asks for, or has a name that dns_name_of_wire() refuses.
 */
void dns_answer_add_wire(struct dns_answer *answer, enum dns_type type,
			 const uint8_t *rdata, size_t len);

#endif
