/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/moderate/moderate.h"
#include "t/lib/tap.h"

static void
test_table(void)
{
	static const struct {
		const char *policy;
		struct facts facts;
		enum verdict_kind kind;
		const char *fact;
	} cases[] = {
		{ "open", { FACT_UNKNOWN, FACT_UNKNOWN }, VERDICT_ACCEPT,
		  "default" },
		{ "members", { FACT_NO, FACT_UNKNOWN }, VERDICT_NONE,
		  "author.member" },
		{ "members", { FACT_NO, FACT_YES }, VERDICT_ACCEPT,
		  "default" },
		{ "members", { FACT_YES, FACT_NO }, VERDICT_REJECT,
		  "author.member" },
		{ "members-strict", { FACT_NO, FACT_UNKNOWN },
		  VERDICT_REJECT, "sender.member" },
		{ "members-strict", { FACT_YES, FACT_UNKNOWN },
		  VERDICT_NONE, "author.member" },
		{ "members-strict", { FACT_YES, FACT_YES }, VERDICT_ACCEPT,
		  "default" },
		{ "members-strict", { FACT_YES, FACT_NO }, VERDICT_REJECT,
		  "author.member" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct verdict got;

		moderate(cases[i].policy, &cases[i].facts, &got);
		g_assert_cmpint(got.kind, ==, cases[i].kind);
		g_assert_cmpstr(got.fact, ==, cases[i].fact);
	}
}

/* What is said early must be what would be said with everything known. */
static void
test_early_is_late(void)
{
	for (const char *const *name = policy_names; *name != NULL; name++)
		for (int known = 0; known < 9; known++) {
			struct facts now = { (enum fact)(known % 3),
					     (enum fact)(known / 3) };
			struct verdict early, late;

			moderate(*name, &now, &early);
			if (early.kind == VERDICT_NONE)
				continue;
			for (int rest = 0; rest < 4; rest++) {
				struct facts all = now;

				if (now.sender_member == FACT_UNKNOWN)
					all.sender_member = rest & 1 ?
						FACT_YES : FACT_NO;
				if (now.author_member == FACT_UNKNOWN)
					all.author_member = rest & 2 ?
						FACT_YES : FACT_NO;
				moderate(*name, &all, &late);
				g_assert_cmpint(early.kind, ==, late.kind);
			}
		}
}

static void
test_text(void)
{
	g_autofree char *text = policy_text("members-strict", "No \"way\"");
	g_autofree char *none = policy_text("anything", "");
	g_autofree char *given = refusal_text("dev@example.org", "Go away");
	g_autofree char *made = refusal_text("dev@example.org", "");

	g_assert_cmpstr(text, ==,
			"reject \"No \\\"way\\\"\" when not sender.member\n"
			"reject \"No \\\"way\\\"\" when not author.member\n"
			"accept\n");
	g_assert_null(none);
	g_assert_cmpstr(given, ==, "Go away");
	g_assert_nonnull(strstr(made, "dev-join@example.org"));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "presets decide as they say", test_table },
		{ "the early verdict is the late one", test_early_is_late },
		{ "a preset can be printed", test_text },
		{ NULL, NULL },
	};

	return tap_run("moderate", cases);
}
