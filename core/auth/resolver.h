/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_RESOLVER_H
#define MUSTER_AUTH_RESOLVER_H

#include "core/base/err.h"

/*
 * The one resolver of a process, with a cache that all its messages share.
 * Asked through lookups.h only. The one door to libunbound (resolver.c,
 * resolver_query.c, resolver_ctx.c).
 *
 * It validates with the DNSSEC root key of /usr/share/dns/root.key, if that is
 * there. A server that does not hand the root's keys on (one that is the
 * authority of a few zones, or takes DNSSEC away) makes everything insecure,
 * not bogus: nothing is `secure` then, and a forger between us and the server
 * can do the same. So servers given or found should be near. What has
 * signatures, and wrong ones, is a failure in any case.
 *
 * Private addresses are asked for like others (RFC 6303 would have them
 * answered here). Names below .test, .invalid and localhost never leave the
 * process (RFC 6761): tests use example.
 *
 * A silent domain costs those who wait for it their deadline, and others
 * nothing: see resolver_query.c. It is asked for 7 s; that there was no answer
 * is kept for 5 s.
 */
struct resolver;

/*
 * resolver_new - make it after the last fork: it has a thread of its own.
 *
 * servers	"192.0.2.53", "192.0.2.53@5353", "::1@53", NULL-ended; empty or
 *		NULL: those of /etc/resolv.conf
 *
 * Takes half of the descriptors that the process may open, but no more than
 * 4096, when so many questions are under way: raise the limit before. Fails
 * with ERR_INVALID for what is no address, and without a resolv.conf.
 */
enum err_code resolver_new(char *const *servers, struct resolver **out,
			   struct err *err);
/* no struct lookups of it may be left */
void resolver_free(struct resolver *resolver);

#endif
