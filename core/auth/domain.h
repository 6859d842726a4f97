/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_DOMAIN_H
#define MUSTER_AUTH_DOMAIN_H

#include <stdbool.h>

/*
 * Domains as DNS names them. The one door to libpsl and libidn2. Any
 * thread.
 */

/* domain_ascii - A-labels (RFC 5890) in lower case, without final dot; NULL:
 * not a domain that the DNS could hold. The caller frees. */
char *domain_ascii(const char *domain);

/* domain_org - the organisational domain by the public suffix list, of a
 * domain in A-labels; the domain itself where it is a public suffix. The
 * caller frees. */
char *domain_org(const char *ascii);

/* domain_is_suffix - a public suffix, such as "co.uk"? */
bool domain_is_suffix(const char *ascii);

/* domain_is_below - equal to parent, or a subdomain of it */
bool domain_is_below(const char *ascii, const char *parent);

#endif
