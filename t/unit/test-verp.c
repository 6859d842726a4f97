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

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a token tells us list, member and post",
		  test_round_trip },
		{ "a changed or foreign token tells nothing", test_forged },
		{ NULL, NULL },
	};

	return tap_run("verp", cases);
}
