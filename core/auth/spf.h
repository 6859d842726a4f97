/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_SPF_H
#define MUSTER_AUTH_SPF_H

#include <stdbool.h>

#include "core/auth/evidence.h"
#include "core/auth/lookups.h"

/*
 * SPF (RFC 7208). The one door to libspf2, which is never shown a record
 * that spf_guard.h has not checked and rewritten.
 */
struct spf_question {
	const char *client;	/* "192.0.2.7", "2001:db8::1",
				 * "::ffff:192.0.2.7" */
	const char *helo;	/* as given, "" unknown */
	const char *sender;	/* MAIL: canonical address, "" for null: then
				 * postmaster@HELO is what is checked */
	const char *receiver;	/* our host name, for macros */
};

/*
 * spf_check - never waits. False: answers are missing and have been asked
 * for; call again when there are more. True: *out, which has been
 * initialised, is filled; what was in it is freed. reason is a line of our
 * own: explanations that the record's owner wrote (exp=) are never looked up
 * nor shown.
 */
bool spf_check(struct lookups *lookups, const struct spf_question *question,
	       struct spf_evidence *out);

#endif
