/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/inbound/repeat.h"
#include "t/lib/tap.h"

static void
key_of(const char *text, const char *qid, uint8_t out[REPEAT_KEY_LEN])
{
	struct header header;
	size_t body_at;

	g_assert_true(header_parse(text, strlen(text), &header, &body_at));
	repeat_digest(&header, text + body_at, strlen(text) - body_at, qid,
		      out);
	header_done(&header);
}

#define ID "Message-ID: <1@client.example>\r\n"
#define BASE "From: a@b.example\r\nSubject: s\r\n"

static void
test_table(void)
{
	static const struct {
		const char *promise;
		const char *first, *first_qid, *second, *second_qid;
		bool same;
	} cases[] = {
		{ "the same bytes are a repeat",
		  BASE ID "\r\nbody\r\n", "Q1", BASE ID "\r\nbody\r\n", "Q2",
		  true },
		{ "another body is another post",
		  BASE ID "\r\nbody\r\n", "", BASE ID "\r\nbody2\r\n", "",
		  false },
		{ "another Message-ID is another post",
		  BASE ID "\r\n", "",
		  BASE "Message-ID: <2@client.example>\r\n\r\n", "", false },
		{ "a Date that the MTA added does not count",
		  BASE ID "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n",
		  "", BASE ID
		  "Date: Mon, 1 Jan 2024 00:05:00 +0000\r\n\r\n", "", true },
		{ "a Message-Id and Date that the MTA added do not count",
		  BASE "Message-Id: <4bXk@mx>\r\nDate: x\r\n\r\n", "4bXk",
		  BASE "Message-Id: <4cYy@mx>\r\nDate: y\r\n\r\n", "4cYy",
		  true },
		{ "a Date of the client's counts where it gave no Message-ID",
		  "Date: x\r\n" BASE "Message-Id: <4bXk@mx>\r\n\r\n", "4bXk",
		  "Date: y\r\n" BASE "Message-Id: <4cYy@mx>\r\n\r\n", "4cYy",
		  false },
		{ "what filters add does not count",
		  "Authentication-Results: mx; spf=pass\r\n"
		  "X-Greylist: delayed 00:05:00\r\n" BASE ID "\r\n", "",
		  BASE ID "\r\n", "", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		uint8_t first[REPEAT_KEY_LEN], second[REPEAT_KEY_LEN];

		g_test_message("%s", cases[i].promise);
		key_of(cases[i].first, cases[i].first_qid, first);
		key_of(cases[i].second, cases[i].second_qid, second);
		g_assert_cmpint(memcmp(first, second, sizeof(first)) == 0, ==,
				cases[i].same);
	}
}

static void
test_scope(void)
{
	uint8_t digest[REPEAT_KEY_LEN] = { 1 };
	uint8_t a[REPEAT_KEY_LEN], b[REPEAT_KEY_LEN];

	repeat_key(digest, "a@b", "dev@l", "post", "", a);
	repeat_key(digest, "a@b", "dev@l", "post", "", b);
	g_assert_cmpmem(a, sizeof(a), b, sizeof(b));
	repeat_key(digest, "a@c", "dev@l", "post", "", b);
	g_assert_cmpint(memcmp(a, b, sizeof(a)), !=, 0);
	repeat_key(digest, "a@b", "ann@l", "post", "", b);
	g_assert_cmpint(memcmp(a, b, sizeof(a)), !=, 0);
	repeat_key(digest, "a@bdev", "@l", "post", "", b);
	g_assert_cmpint(memcmp(a, b, sizeof(a)), !=, 0);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "what the client sent makes the key", test_table },
		{ "a key is good for one list and one sender", test_scope },
		{ NULL, NULL },
	};

	return tap_run("repeat", cases);
}
