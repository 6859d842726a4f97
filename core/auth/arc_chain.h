/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_ARC_CHAIN_H
#define MUSTER_AUTH_ARC_CHAIN_H

#include <stdbool.h>

#include <glib.h>

#include "core/auth/arc.h"
#include "core/auth/sigcore.h"
#include "core/mail/header.h"

/* The ARC sets of a header, read and checked for form (RFC 8617 section
 * 4). Shared by validation and sealing. */

enum arc_kind { ARC_AAR, ARC_AMS, ARC_AS, ARC_KINDS };

struct arc_set {
	int field[ARC_KINDS];	/* index in header->fields, -1: none */
	struct tags ams, as;
};

struct arc_chain {
	struct arc_set sets[ARC_SETS_MAX];	/* instance 1 first */
	unsigned int count;
	bool any;		/* there are ARC fields */
	const char *wrong;	/* why it is no chain, NULL if it is one */
};

struct arc_chain *arc_chain_read(const struct header *header);
void arc_chain_free(struct arc_chain *chain);

/* arc_chain_data - what seal `last` is made over: the fields of sets first
 * to last, the last seal without its signature (section 5.1.1) */
void arc_chain_data(const struct header *header,
		    const struct arc_chain *chain, unsigned int first,
		    unsigned int last, GString *out);

/* arc_chain_fields - the canonical form of sets first to last, as far as
 * they are there */
void arc_chain_fields(const struct header *header,
		      const struct arc_chain *chain, unsigned int first,
		      unsigned int last, GString *out);

#endif
