/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/base32.h"

#include <string.h>

#include "core/base/banned.h"

void
base32_encode(const uint8_t *raw, size_t raw_len, char *text)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (size_t at = 0; at + 5 <= raw_len; at += 5) {
		uint64_t five = 0;

		for (size_t i = 0; i < 5; i++)
			five = five << 8 | raw[at + i];
		for (int shift = 35; shift >= 0; shift -= 5)
			*text++ = alphabet[five >> shift & 31];
	}
	*text = '\0';
}

static int
digit(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

bool
base32_decode(const char *text, uint8_t *raw, size_t raw_len)
{
	const size_t len = raw_len / 5 * 8;

	if (strnlen(text, len) != len)
		return false;
	memset(raw, 0, raw_len);
	for (size_t i = 0; i < len; i++) {
		int value = digit(text[i]);

		if (value < 0)
			return false;
		for (size_t j = 0; j < 5; j++)
			if (value >> (4 - j) & 1)
				raw[(i * 5 + j) / 8] |=
					(uint8_t)(0x80 >> (i * 5 + j) % 8);
	}
	return true;
}
