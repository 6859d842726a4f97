/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_DMARC_H
#define MUSTER_AUTH_DMARC_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/auth/evidence.h"
#include "core/auth/lookups.h"

/*
 * DMARC (RFC 9989; RFC 7489 where it says the same): does an authenticated
 * domain match that of From?
 */

/* dmarc_start - ask for the records of the author's domain at once; never
 * waits */
void dmarc_start(struct lookups *lookups, const char *author_domain);

/*
 * dmarc_check - waits for records up to the lookups' deadline.
 *
 * authors	canonical addresses of all From fields (mime_authors)
 * complete	From was understood as a whole
 * spf, dkim	what was found; every signature with PASS counts
 * out		initialised; what was in it is freed
 *
 * No From, an address that is none, or authors of more than one domain:
 * PERMERROR, author_domain "" (several authors of one domain are that
 * domain's). Two records at a name count as none. A record that does not
 * come: TEMPERROR, unless an aligned identifier has passed already by both
 * relaxed and strict alignment (then the record could only say pass).
 */
void dmarc_check(struct lookups *lookups, const GPtrArray *authors,
		 bool complete, const struct spf_evidence *spf,
		 const GPtrArray *dkim, struct dmarc_evidence *out);

/* The record (RFC 9989 section 4.7), for tests and the fuzz target */
enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };
struct dmarc_record {
	enum dmarc_policy p, sp, np;	/* sp and np inherit */
	bool strict_dkim, strict_spf;	/* adkim=s, aspf=s */
	char psd;			/* 'y', 'n' or 'u' */
	bool testing;			/* t=y */
};

/* dmarc_record_parse - false: not a DMARC record, to be ignored. */
bool dmarc_record_parse(const char *text, size_t len,
			struct dmarc_record *out);

#endif
