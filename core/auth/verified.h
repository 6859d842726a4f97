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

#endif
