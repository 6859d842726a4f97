/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BASE_BASE32_H
#define MUSTER_BASE_BASE32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Base32 of a-z 2-7 (RFC 4648 section 6, in lower case): what is left of a
 * local part when somebody has changed its case can still be read. 5 bytes are
 * 8 characters exactly, and so are multiples of them; no others are taken.
 */

/* base32_encode - raw_len / 5 * 8 characters and a NUL */
void base32_encode(const uint8_t *raw, size_t raw_len, char *text);

/* base32_decode - raw_len / 5 * 8 characters in any case; what follows them is
 * not looked at. False: they are not all there, or not all of the alphabet. */
bool base32_decode(const char *text, uint8_t *raw, size_t raw_len);

#endif
