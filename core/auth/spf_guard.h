/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_SPF_GUARD_H
#define MUSTER_AUTH_SPF_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The guard in front of libspf2, which crashes on a hostile exp= and gets
 * much else wrong: it is shown only records that this has parsed by the
 * grammar of RFC 7208 section 12 and written anew, in the part of the
 * language that it gets right:
 *
 * - no exp= and no unknown modifier;
 * - redirect= last, and only where there is no "all"; nothing behind "all";
 * - no ip6 for a client of IPv4, no ip4 for one of IPv6;
 * - /0 of a network as its two halves; a/0 and mx/0 as "exists";
 * - every a, mx and exists names its domain, with a mark as first label, by
 *   which the look-up that it leads to is known (enum spf_mark): look-ups are
 *   counted by term, and the mark is taken off before the DNS is asked.
 */

enum spf_mark {
	SPF_MARK_NONE,	/* of include, redirect, ptr, or the hosts of mx */
	SPF_MARK_TERM,	/* a, mx, exists */
	SPF_MARK_ANY_A,	/* a/0: is there any address of the client's kind? */
	SPF_MARK_ANY_MX	/* mx/0: has any mail host one? */
};

#define SPF_RECORD_MAX (16 * 1024)

/* spf_guard - the record as libspf2 may see it; NULL: it breaks the grammar
 * or is too long. The caller frees. */
char *spf_guard(const char *record, size_t len, bool client_is_ipv6);

/* spf_mark - the mark of a name, and the name without it */
enum spf_mark spf_mark(const char *name, const char **rest);

#endif
