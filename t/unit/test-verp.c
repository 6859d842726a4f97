/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/verp.h"
#include "t/lib/tap.h"

static const uint8_t member[VERP_MEMBER_LEN] = { 1, 2, 3, 4, 5 };
static const uint8_t post[VERP_POST_LEN] = { 9, 8, 7, 6 };

static struct verp *
make(uint8_t first)
{
	uint8_t secret[VERP_SECRET_LEN] = { first };

	return verp_new(secret);
}

static bool
opens(const struct verp *verp, const char *list, const char *token)
{
	uint8_t m[VERP_MEMBER_LEN], p[VERP_POST_LEN];

	if (!verp_open(verp, list, token, m, p))
		return false;
	g_assert_cmpmem(m, sizeof(m), member, sizeof(member));
	g_assert_cmpmem(p, sizeof(p), post, sizeof(post));
	return true;
}

static void
test_round_trip(void)
{
	struct verp *verp = make(1);
	char token[VERP_TOKEN_LEN + 1];
	g_autofree char *upper = NULL;

	verp_make(verp, "dev@l.test", member, post, token);
	g_assert_cmpuint(strlen(token), ==, VERP_TOKEN_LEN);
	g_assert_cmpuint(strspn(token, "abcdefghijklmnopqrstuvwxyz234567"),
			 ==, VERP_TOKEN_LEN);
	g_assert_true(opens(verp, "dev@l.test", token));
	upper = g_ascii_strup(token, -1);
	g_assert_true(opens(verp, "dev@l.test", upper));
	verp_free(verp);
}

static void
test_forged(void)
{
	struct verp *verp = make(1), *other = make(2);
	char token[VERP_TOKEN_LEN + 1];

	verp_make(verp, "dev@l.test", member, post, token);
	g_assert_false(opens(verp, "ann@l.test", token));
	g_assert_false(opens(other, "dev@l.test", token));
	for (int i = 0; i < VERP_TOKEN_LEN; i++) {
		char kept = token[i];

		token[i] = kept == 'a' ? 'b' : 'a';
		g_assert_false(opens(verp, "dev@l.test", token));
		token[i] = kept;
	}
	token[VERP_TOKEN_LEN - 1] = '\0';
	g_assert_false(opens(verp, "dev@l.test", token));
	g_assert_false(opens(verp, "dev@l.test", ""));
	g_assert_false(opens(verp, "dev@l.test",
			     "aaaaaaaaaaaaaaaaaaaaaaa!"));
	verp_free(verp);
	verp_free(other);
}

/* By another implementation of HMAC-SHA-256 and base32: a token must be
 * read by every version that comes later. */
static void
test_known(void)
{
	static const uint8_t handle[MEMBER_HANDLE_LEN] = {
		0x43, 0x8c, 0x4c, 0x7a, 0xfe, 0x60, 0x0c, 0xdf
	};
	uint8_t secret[VERP_SECRET_LEN], got[MEMBER_HANDLE_LEN];
	char token[VERP_TOKEN_LEN + 1];
	struct verp *verp;

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	verp = verp_new(secret);
	verp_make(verp, "dev@l.test", member, post, token);
	g_assert_cmpstr(token, ==, "yvdroez7ftu73ddz5ygubu2p");
	verp_free(verp);
	member_handle("ann@example.org", got);
	g_assert_cmpmem(got, sizeof(got), handle, sizeof(handle));
}

/* The same, of lists around the lengths up to which MAC and list are one
 * block of SHA-256: 46 for the one, 49 for the other. */
static void
test_known_lengths(void)
{
	static const struct { size_t len; const char *token; } known[] = {
		{ 7, "2vsuoaoe5zkyg2bfjwia7qns" },
		{ 45, "s35bhvwmveb2wlumscq67aus" },
		{ 46, "4g5k53pgsfnfkk4uu2663a5e" },
		{ 47, "v2jsquh4uvfipgsv2askktrk" },
		{ 49, "ttxycb6z4rvh3rmz76q3yhvj" },
		{ 50, "dpypj5mam46hfnooion74fwi" },
		{ 52, "mktl22akdgacfo3iaskbhn6b" },
		{ 55, "zto3irava4uc47uc3z5n6c4o" },
		{ 56, "7n3xjalw2npfcd6jyt2fo4jg" },
		{ 63, "njxktoheuaax5eonrvg3dbel" },
		{ 127, "a5avzdkm44rf4jxvvakzo653" },
		{ 207, "wxt55236wtdqvwc3p7dga4tz" },
	};
	uint8_t secret[VERP_SECRET_LEN];
	char token[VERP_TOKEN_LEN + 1];
	struct verp *verp;

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	verp = verp_new(secret);
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		g_autofree char *name = g_strnfill(known[i].len - 7, 'x');
		g_autofree char *list = g_strconcat(name, "@l.test", NULL);

		verp_make(verp, list, member, post, token);
		g_assert_cmpstr(token, ==, known[i].token);
		g_assert_true(opens(verp, list, token));
	}
	verp_free(verp);
}

/* GLib has a SHA-256 of its own. */
static void
test_handle_lengths(void)
{
	for (gsize len = 0; len < 300; len++) {
		g_autofree char *addr = g_strnfill(len, 'x');
		g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
		uint8_t digest[32], got[MEMBER_HANDLE_LEN];
		gsize digest_len = sizeof(digest);

		g_checksum_update(sum, (const guchar *)addr, (gssize)len);
		g_checksum_get_digest(sum, digest, &digest_len);
		member_handle(addr, got);
		g_assert_cmpmem(got, sizeof(got), digest, sizeof(got));
	}
}

static void *
make_many(void *data)
{
	const struct verp *verp = data;
	char token[VERP_TOKEN_LEN + 1];

	for (int i = 0; i < 20000; i++) {
		verp_make(verp, "dev@l.test", member, post, token);
		if (!opens(verp, "dev@l.test", token))
			return GINT_TO_POINTER(1);
	}
	return NULL;
}

static void
test_threads(void)
{
	struct verp *verp = make(3);
	GThread *threads[4];

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("verp", make_many, verp);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_null(g_thread_join(threads[i]));
	verp_free(verp);
}

static void
test_fast(void)
{
	struct verp *verp = make(4);
	char token[VERP_TOKEN_LEN + 1];
	gint64 from = g_get_monotonic_time();

	for (int i = 0; i < 100000; i++)
		verp_make(verp, "dev@l.test", member, post, token);
	g_test_message("%.2f us a token",
		       (double)(g_get_monotonic_time() - from) / 100000);
	verp_free(verp);
	verp_free(NULL);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a token tells us list, member and post",
		  test_round_trip },
		{ "a changed or foreign token tells nothing", test_forged },
		{ "a token is what it always was", test_known },
		{ "of lists with names of any length", test_known_lengths },
		{ "a handle is of an address of any length",
		  test_handle_lengths },
		{ "threads share a key schedule", test_threads },
		{ "a token costs next to nothing", test_fast },
		{ NULL, NULL },
	};

	return tap_run("verp", cases);
}
