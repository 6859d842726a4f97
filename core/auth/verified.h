/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_VERIFIED_H
#define MUSTER_AUTH_VERIFIED_H

#include <stdbool.h>

#include <glib.h>

#include "conf/settings.h"
#include "core/auth/evidence.h"
#include "core/auth/logins.h"

/*
 * verified_author - from all that was checked, who the author is: fills
 * author, by and verifiable. One author, or several of one domain, who are
 * verified together; nobody where From is not understood as a whole.
 */
void verified_author(const struct settings *settings,
		     const struct logins *logins, const GPtrArray *authors,
		     bool complete, struct evidence *evidence);

/*
 * verified_domain - a domain that SPF, DKIM or, where the author is verified
 * by a login, a network or a sealer, his address proves to have sent it; NULL:
 * none. among: only these and what is below them; empty: any. That of
 * `author` (addresses as in struct evidence) before others. Borrowed from
 * evidence.
 */
const char *verified_domain(const struct evidence *evidence,
			    char *const *among, const char *author);

#endif
