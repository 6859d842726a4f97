/* SPDX-License-Identifier: BSD-2-Clause */

/* Tag lists, key records, and the canonical forms of whatever it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/auth/sigcore.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In two pieces it is the same as in one. */
static void
check_body(enum canon canon, const uint8_t *data, size_t size)
{
	struct body_hash *whole = body_hash_new(canon);
	struct body_hash *first = body_hash_new(canon), *second;
	size_t cut = size > 0 ? data[0] % (size + 1) : 0;
	uint8_t one[32], two[32];

	body_hash_feed(whole, data, size);
	body_hash_feed(first, data, cut);
	second = body_hash_copy(first);
	body_hash_feed(second, data + cut, size - cut);
	if (body_hash_end(whole, one) != body_hash_end(second, two) ||
	    memcmp(one, two, sizeof(one)) != 0)
		abort();
	(void)body_hash_end(first, one);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	g_autoptr(GString) once = g_string_new(NULL);
	g_autoptr(GString) twice = g_string_new(NULL);
	struct public_key *key = NULL;
	struct tags tags;

	if (tags_parse(text, size, &tags)) {
		for (size_t i = 0; i < tags.count; i++)
			if (tags_get(&tags, tags.list[i].name) !=
			    tags.list[i].value)
				abort();
		tags_done(&tags);
	}
	if (key_parse(text, size, &key) == KEY_GOOD)
		(void)sig_verify(key, SIG_RSA_SHA256, "x", 1, "AAAA");
	public_key_free(key);
	canon_field(CANON_RELAXED, text, size, once);
	canon_field(CANON_RELAXED, once->str, once->len, twice);
	if (!g_string_equal(once, twice))
		abort();
	canon_field(CANON_SIMPLE, text, size, twice);
	check_body(CANON_RELAXED, data, size);
	check_body(CANON_SIMPLE, data, size);
	return 0;
}
