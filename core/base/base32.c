/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/base32.h"

#include <string.h>

#include "core/base/banned.h"

void
base32_encode(const uint8_t *raw, size_t raw_len, char *text)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	const size_t len = raw_len / 5 * 8;

	for (size_t i = 0; i < len; i++) {
		size_t bit = i * 5, at = bit / 8;
		unsigned int two = (unsigned int)raw[at] << 8 |
			(at + 1 < raw_len ? raw[at + 1] : 0U);

		text[i] = alphabet[two >> (11 - bit % 8) & 31];
	}
	text[len] = '\0';
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
