/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_LOOKUPS_H
#define MUSTER_AUTH_LOOKUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/auth/resolver.h"

/*
 * What one message asks of the DNS: each question once, all under one
 * deadline. Whoever evaluates something asks with lookups_get(), and where
 * an answer is still under way (NULL) stops and evaluates again when there
 * is more: an evaluation is a function of the answers, and never waits.
 * Any thread may call anything.
 */

enum dns_type {
	DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28
};

enum dns_status {
	DNS_FOUND,
	DNS_NODATA,	/* the name is there, without such records */
	DNS_NXDOMAIN,	/* no such name; also for what cannot be one: an empty
			 * label, one over 63 bytes, a name over 253 */
	DNS_FAILED,	/* not known for now: SERVFAIL and the like, bogus
			 * (DNSSEC), records of which none can be read, no
			 * answer by the deadline, or more than LOOKUPS_MAX
			 * questions */
};

struct dns_record {
	unsigned int preference;	/* MX */
	/*
	 * A, AAAA: the 4 or 16 bytes. TXT: all strings of the record in one
	 * (RFC 7208 section 3.3), any bytes. MX, PTR: the name, in lower
	 * case, without final dot, "" the root (RFC 7505); one with a dot or
	 * a NUL inside a label is left out. A NUL follows the len bytes.
	 */
	const char *data;
	size_t len;
};

struct dns_answer {
	enum dns_status status;
	bool secure;			/* validated by DNSSEC */
	/* In no order. At most 64 KB of data: what is more is left out */
	const struct dns_record *records;
	size_t count;			/* > 0 when FOUND */
	const char *why;		/* of FAILED, for people */
};

#define LOOKUPS_MAX 256	/* questions of one message */

struct lookups;

/*
 * lookups_new - deadline_ms is a time of wire_now_ms(). changed (may be
 * NULL) is called in the resolver's thread, without any lock held, after
 * each answer and once when the deadline has passed with questions open.
 */
struct lookups *lookups_new(struct resolver *resolver, int64_t deadline_ms,
			    void (*changed)(void *arg), void *arg);

/* Forgets what is under way. changed is not running and will not be called
 * when it returns; do not call it from within changed. NULL is allowed. */
void lookups_free(struct lookups *lookups);

/*
 * lookups_get - the answer, or NULL: under way (the question is asked when
 * it is the first time). name is text with dots, any bytes else, any case,
 * with or without final dot. The answer lives as long as lookups.
 */
const struct dns_answer *lookups_get(struct lookups *lookups,
				     const char *name, enum dns_type type);

/* lookups_await - the same, waiting for it until the deadline */
const struct dns_answer *lookups_await(struct lookups *lookups,
				       const char *name, enum dns_type type);

/* lookups_open - how many questions are under way (none after the deadline:
 * they count as FAILED then) */
size_t lookups_open(struct lookups *lookups);

/*
 * lookups_put - an answer that is known without asking: for tests, and for
 * lookups without a resolver (NULL), where all other names are NXDOMAIN.
 * Repeated calls for one question add records, in a new answer. record->data
 * is copied. record may be NULL unless status is FOUND. changed is not called.
 */
void lookups_put(struct lookups *lookups, const char *name,
		 enum dns_type type, enum dns_status status,
		 const struct dns_record *record);

#endif
