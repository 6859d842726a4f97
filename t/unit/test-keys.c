/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "conf/keys.h"
#include "t/lib/tap.h"

static void
test_check(void)
{
	static const struct {
		const char *key, *value, *stored;	/* NULL: refused */
	} cases[] = {
		{ "policy", "members-strict", "members-strict" },
		{ "policy", "member", NULL },
		{ "max-size", "400k", "400k" },
		{ "max_size", "0", "0" },
		{ "max-size", "big", NULL },
		{ "owner", "Ann@Example.ORG, bob@b.example",
		  "Ann@example.org, bob@b.example" },
		{ "owner", "", "" },
		{ "owner", "ann", NULL },
		{ "subject-prefix", " [dev] ", "[dev]" },
		{ "subject-prefix", "a\nb", NULL },
		{ "description", "\377", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct key *key = key_find(list_keys, cases[i].key);
		g_autofree char *got = NULL;
		struct err err = ERR_INIT;

		g_assert_nonnull(key);
		g_assert_cmpint(key_check(key, cases[i].value, &got, &err),
				==, cases[i].stored != NULL ? ERR_OK
				: ERR_INVALID);
		g_assert_cmpstr(got, ==, cases[i].stored);
		if (got == NULL)
			g_assert_nonnull(strstr(err.what, "expected"));
	}
}

static void
test_defaults(void)
{
	for (const struct key *key = list_keys; key->name != NULL; key++) {
		g_autofree char *got = NULL;

		g_assert_cmpint(key_check(key, key->fallback, &got, NULL), ==,
				ERR_OK);
		g_assert_cmpstr(got, ==, key->fallback);
	}
}

static void
test_unknown(void)
{
	struct err err = ERR_INIT;

	g_assert_null(key_find(list_keys, "polcy"));
	(void) key_unknown(list_keys, "polcy", &err);
	g_assert_nonnull(strstr(err.what, "did you mean \"policy\""));
	(void) key_unknown(member_keys, "colour", &err);
	g_assert_nonnull(strstr(err.what, "own-posts"));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "values are checked before they are stored", test_check },
		{ "every default is a value", test_defaults },
		{ "an unknown key names the nearest", test_unknown },
		{ NULL, NULL },
	};

	return tap_run("keys", cases);
}
