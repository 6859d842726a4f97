/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_PATTERN_H
#define MUSTER_MAIL_PATTERN_H

#include <stdbool.h>

/*
 * Patterns of addresses and networks, in settings, keys, policies and their
 * files: "a@b", "@b" and "b" (that domain), "*.b" and "@*.b" (below it),
 * "a*@b" (any text for the star), "192.0.2.0/24" and "2001:db8::1" (a network
 * or a host, for addresses of clients). Without regard to the case of ASCII
 * letters, in the local part too: who is banned as ann@ shall not come back
 * as Ann@.
 */
bool address_matches(const char *pattern, const char *text);
/* addresses_match - does one of them match? patterns: ended by NULL */
bool addresses_match(char *const *patterns, const char *text);
/* address_pattern_check - NULL if it is one, else a static sentence */
const char *address_pattern_check(const char *pattern);

/* pattern_matches - a text and a pattern in which "*" stands for any text, in
 * ASCII without regard to case */
bool pattern_matches(const char *pattern, const char *text);

/* pattern_is_network - a network or a host, which addresses of mail never
 * match */
bool pattern_is_network(const char *pattern);

#endif
