/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_RESOLVER_H
#define MUSTER_AUTH_RESOLVER_H

#include "core/base/err.h"

/*
 * The one resolver of a process, with a cache that all its messages share.
 * Asked through lookups.h only. The one door to libunbound.
 */
struct resolver;

/*
 * resolver_new - make it after the last fork: it has a thread of its own.
 *
 * servers	"192.0.2.53", "192.0.2.53@5353", "::1@53", NULL-ended; empty or
 *		NULL: those of /etc/resolv.conf
 */
enum err_code resolver_new(char *const *servers, struct resolver **out,
			   struct err *err);
/* no struct lookups of it may be left */
void resolver_free(struct resolver *resolver);

#endif
