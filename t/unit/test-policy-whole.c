/* SPDX-License-Identifier: BSD-2-Clause */

/* Presets, and the whole policy of a list: its keys and its own rules. */
#include <string.h>

#include "core/moderate/policy.h"
#include "t/lib/stand_in.h"
#include "t/lib/tap.h"

static struct policy *
parse(const char *text)
{
	struct policy *policy = NULL;
	struct err err = ERR_INIT;

	if (policy_parse("p", text, &policy, &err) != ERR_OK)
		g_test_message("%s in: %.2000s", err.what, text);
	g_assert_nonnull(policy);
	return policy;
}

static struct policy *
whole(struct policy_keys keys)
{
	g_autofree char *text = NULL;

	keys.list = "dev@l.example";
	if (keys.refuse_text == NULL)
		keys.refuse_text = "";
	if (keys.policy == NULL)
		keys.policy = "members";
	text = policy_text_for(&keys);
	return parse(text);
}

/* decide - with what is known up to a step */
static struct verdict
decide(const struct policy *policy, const char *facts, enum step step)
{
	struct stand_in *in = stand_in_new();
	struct verdict verdict = { 0 };

	stand_in_sets(in, "list=dev@l.example; sender=ann@a.example; "
		      "author=ann@a.example; author.domain=a.example; "
		      "client.addr=192.0.2.7; dmarc=none; spf=none");
	stand_in_sets(in, facts);
	stand_in_know(in, step);
	for (size_t i = 0; i < FACT_COUNT; i++)
		in->known[i] = fact_table[i].step <= step;
	policy_decide(policy, &in->source, step == STEP_END, &verdict);
	stand_in_free(in);
	return verdict;
}

struct play {
	const char *facts;
	enum step step;
	enum verdict_kind kind;
	const char *text;	/* part of it; NULL: any */
};

static void
check(struct policy *policy, const struct play *plays)
{
	for (; plays->facts != NULL; plays++) {
		struct verdict verdict = decide(policy, plays->facts,
						plays->step);

		if (verdict.kind != plays->kind)
			g_test_message("%s at %s: %s, %s", plays->facts,
				       step_name(plays->step), verdict.why,
				       verdict.text);
		g_assert_cmpint(verdict.kind, ==, plays->kind);
		if (plays->text != NULL &&
		    strstr(verdict.text, plays->text) == NULL)
			g_assert_cmpstr(verdict.text, ==, plays->text);
		verdict_done(&verdict);
	}
	policy_unref(policy);
}

static struct policy *
preset(const char *name)
{
	return parse(policy_preset(name));
}

static void
test_names(void)
{
	size_t count = 0;

	for (; policy_preset_names[count] != NULL; count++)
		g_assert_nonnull(policy_preset(policy_preset_names[count]));
	g_assert_cmpuint(count, ==, 5);
	g_assert_null(policy_preset("member"));
	g_assert_null(policy_preset(""));
}

static void
test_open(void)
{
	static const struct play plays[] = {
		{ "", STEP_CONNECT, VERDICT_ACCEPT, "" },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(preset("open"), plays);
}

static void
test_members(void)
{
	static const struct play plays[] = {
		{ "", STEP_RCPT, VERDICT_NONE, NULL },
		{ "", STEP_HEADERS, VERDICT_REJECT,
		  "Only subscribers may post to dev@l.example: write from the "
		  "address that is subscribed, or to subscribe send a mail to "
		  "dev-join@l.example" },
		{ "author.member=yes", STEP_HEADERS, VERDICT_NONE, NULL },
		{ "author.member=yes", STEP_END, VERDICT_ACCEPT, "" },
		{ "author.member=yes; author.verifiable=yes; "
		  "author.verified=yes; dmarc=pass", STEP_END, VERDICT_ACCEPT,
		  "" },
		{ "author.member=yes; author.verifiable=yes; dmarc=fail",
		  STEP_END, VERDICT_REJECT, "it is from ann@a.example, but "
		  "a.example has not confirmed it" },
		{ "author.member=yes; author.accepted=yes; "
		  "author.role=moderator|owner; author.verifiable=yes; "
		  "dmarc=fail", STEP_END, VERDICT_REJECT, NULL },
		{ "author.member=yes; dmarc=permerror; author=a@b|c@d",
		  STEP_END, VERDICT_REJECT, "from a@b, c@d, but" },
		{ "author.member=yes; dmarc=temperror", STEP_END,
		  VERDICT_DEFER, "try again later" },
		{ "author.member=yes; dmarc=temperror; author.verified=yes",
		  STEP_END, VERDICT_ACCEPT, "" },
		{ "dmarc=temperror", STEP_END, VERDICT_REJECT, "subscribers" },
		{ "author.member=yes; author.moderated=yes", STEP_END,
		  VERDICT_HOLD, "The posts of ann@a.example are moderated" },
		{ "author.member=yes; author.moderated=yes; "
		  "author.accepted=yes", STEP_END, VERDICT_ACCEPT, "" },
		{ "author.member=yes; author.moderated=yes; "
		  "author.accepted=yes; author.verifiable=yes", STEP_END,
		  VERDICT_REJECT, NULL },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(preset("members"), plays);
}

static void
test_strict(void)
{
	static const struct play plays[] = {
		{ "", STEP_MAIL, VERDICT_NONE, NULL },
		{ "", STEP_RCPT, VERDICT_REJECT, "Only subscribers" },
		{ "author.member=yes", STEP_RCPT, VERDICT_REJECT, NULL },
		{ "sender.member=yes", STEP_RCPT, VERDICT_NONE, NULL },
		{ "sender.member=yes", STEP_HEADERS, VERDICT_REJECT,
		  "Only subscribers" },
		{ "sender.member=yes; author.member=yes", STEP_END,
		  VERDICT_ACCEPT, "" },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(preset("members-strict"), plays);
}

static void
test_moderated(void)
{
	static const struct play plays[] = {
		{ "", STEP_END, VERDICT_HOLD, "All posts to dev@l.example are "
		  "moderated" },
		{ "author.role=member|moderator; author.verified=yes",
		  STEP_END, VERDICT_ACCEPT, "" },
		{ "author.role=owner; author.verified=yes", STEP_END,
		  VERDICT_ACCEPT, "" },
		{ "author.role=member; author.verified=yes", STEP_END,
		  VERDICT_HOLD, NULL },
		{ "author.accepted=yes; author.verified=yes", STEP_END,
		  VERDICT_ACCEPT, "" },
		{ "author.accepted=yes; author.role=owner", STEP_END,
		  VERDICT_HOLD, "All posts" },
		{ "author.accepted=yes; author.role=owner; "
		  "author.verifiable=yes", STEP_END, VERDICT_HOLD,
		  "may be from somebody else" },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(preset("moderated"), plays);
}

static void
test_announce(void)
{
	static const struct play plays[] = {
		{ "author.role=member; author.accepted=yes", STEP_HEADERS,
		  VERDICT_REJECT, "Only its owners and moderators write to "
		  "dev@l.example" },
		{ "author.role=owner", STEP_HEADERS, VERDICT_NONE, NULL },
		{ "author.role=owner; author.verified=yes", STEP_END,
		  VERDICT_ACCEPT, "" },
		{ "author.role=moderator; dmarc=temperror", STEP_END,
		  VERDICT_DEFER, NULL },
		{ "author.role=moderator; author.verifiable=yes", STEP_END,
		  VERDICT_REJECT, "has not confirmed it" },
		{ "author.role=moderator; dmarc=permerror", STEP_END,
		  VERDICT_REJECT, "has not confirmed it" },
		{ "author.role=moderator", STEP_END, VERDICT_HOLD,
		  "publishes nothing" },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(preset("announce"), plays);
}

/* --- keys --------------------------------------------------------------- */

static void
test_keys_early(void)
{
	static const struct play plays[] = {
		{ "sender.banned=yes", STEP_RCPT, VERDICT_REJECT,
		  "ann@a.example may not write to dev@l.example" },
		{ "client.banned=yes", STEP_RCPT, VERDICT_REJECT,
		  "The host 192.0.2.7 may not write to dev@l.example" },
		{ "sender=", STEP_RCPT, VERDICT_REJECT, "takes no delivery "
		  "reports" },
		{ "", STEP_RCPT, VERDICT_REJECT, "Only subscribers" },
		{ "sender.member=yes", STEP_RCPT, VERDICT_NONE, NULL },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(whole((struct policy_keys){ .policy = "members-strict" }),
	      plays);
	check(whole((struct policy_keys){ .policy = "members-strict",
		    .emergency = true, .recipients_max = 3,
		    .author_rate = 1, .author_rate_s = 60,
		    .list_rate = 1, .list_rate_s = 60 }), plays);
}

static void
test_keys_late(void)
{
	static const struct play plays[] = {
		{ "", STEP_HEADERS, VERDICT_NONE, NULL },
		{ "", STEP_END, VERDICT_ACCEPT, "" },
		{ "author.banned=yes", STEP_END, VERDICT_REJECT,
		  "ann@a.example may not write" },
		{ "automatic=autoreply", STEP_END, VERDICT_REJECT,
		  "automatic answer (autoreply)" },
		{ "automatic=dsn", STEP_END, VERDICT_REJECT, NULL },
		{ "automatic=challenge", STEP_END, VERDICT_REJECT, NULL },
		{ "automatic=generated", STEP_END, VERDICT_REJECT,
		  "made by a machine" },
		{ "command=unsubscribe", STEP_END, VERDICT_HOLD,
		  "the command \"unsubscribe\", sent to the list by "
		  "mistake" },
		{ "recipients=4", STEP_END, VERDICT_REJECT, "has 4 "
		  "recipients; dev@l.example takes posts with at most 3" },
		{ "recipients=3", STEP_END, VERDICT_ACCEPT, "" },
		{ "author.rate=5", STEP_END, VERDICT_DEFER, "dev@l.example "
		  "takes at most 5 posts of one author in 1d; please try "
		  "again later" },
		{ "author.rate=4", STEP_END, VERDICT_ACCEPT, "" },
		{ "list.rate=9", STEP_END, VERDICT_DEFER, "at most 9 posts in "
		  "all in 90m" },
		{ "author.banned=yes; command=unsubscribe; author.rate=9",
		  STEP_END, VERDICT_REJECT, "may not write" },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};
	static const struct play generated[] = {
		{ "automatic=generated", STEP_END, VERDICT_ACCEPT, "" },
		{ "automatic=autoreply", STEP_END, VERDICT_REJECT, NULL },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(whole((struct policy_keys){ .policy = "open",
		    .recipients_max = 3, .author_rate = 5,
		    .author_rate_s = 86400, .list_rate = 9,
		    .list_rate_s = 5400 }), plays);
	check(whole((struct policy_keys){ .policy = "open",
		    .accept_automatic = true }), generated);
}

static void
test_dmarc(void)
{
	static const struct play all[] = {
		{ "", STEP_END, VERDICT_ACCEPT, "" },
		{ "", STEP_HEADERS, VERDICT_NONE, NULL },
		{ "dmarc=pass; dmarc.policy=none", STEP_END, VERDICT_ACCEPT,
		  NULL },
		{ "dmarc=fail; dmarc.policy=none", STEP_END, VERDICT_ACCEPT,
		  NULL },
		{ "dmarc=pass; dmarc.policy=reject; dmarc.aligned=dkim",
		  STEP_END, VERDICT_REJECT, "a.example asks to refuse its "
		  "mail when a list sends it on (DMARC), so dev@l.example" },
		{ "dmarc=fail; dmarc.policy=quarantine", STEP_END,
		  VERDICT_REJECT, "asks to refuse" },
		{ "dmarc=permerror", STEP_END, VERDICT_REJECT, NULL },
		{ "dmarc=temperror", STEP_END, VERDICT_DEFER, "try again" },
		{ "dmarc=temperror; dmarc.policy=reject", STEP_END,
		  VERDICT_DEFER, NULL },
		{ "dmarc=temperror; dmarc.policy=none", STEP_END,
		  VERDICT_ACCEPT, NULL },
		{ "dmarc=pass", STEP_END, VERDICT_DEFER, NULL },
		{ "dmarc=fail; dmarc.policy=reject; author.domain=l.example",
		  STEP_END, VERDICT_ACCEPT, NULL },
		{ "dmarc=fail; dmarc.policy=reject; author.domain=own.example",
		  STEP_END, VERDICT_ACCEPT, NULL },
		/* others before it */
		{ "author.banned=yes; dmarc.policy=reject", STEP_END,
		  VERDICT_REJECT, "may not write" },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};
	static const struct play needed[] = {
		{ "dmarc=pass; dmarc.policy=reject; dmarc.aligned=dkim",
		  STEP_END, VERDICT_ACCEPT, "" },
		{ "dmarc=pass; dmarc.aligned=dkim", STEP_END, VERDICT_ACCEPT,
		  "" },
		{ "dmarc=pass; dmarc.policy=reject; dmarc.aligned=spf",
		  STEP_END, VERDICT_REJECT, NULL },
		{ "dmarc=pass; dmarc.aligned=spf", STEP_END, VERDICT_DEFER,
		  NULL },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(whole((struct policy_keys){ .policy = "open",
		    .dmarc_reject = true, .own_domain = "own.example" }),
	      all);
	check(whole((struct policy_keys){ .policy = "open",
		    .dmarc_reject = true, .dmarc_may_hold = true }), needed);
}

static void
test_emergency(void)
{
	static const struct play plays[] = {
		{ "author.member=yes", STEP_END, VERDICT_HOLD,
		  "All posts to dev@l.example are held at present" },
		{ "", STEP_HEADERS, VERDICT_REJECT, "Only subscribers" },
		{ "author.member=yes; author.banned=yes", STEP_END,
		  VERDICT_REJECT, "may not" },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(whole((struct policy_keys){ .emergency = true }), plays);
	/* a guard of the list's own is no reason to fail */
	policy_unref(whole((struct policy_keys){ .emergency = true,
			   .policy = "accept guard hold" }));
}

static void
test_closed(void)
{
	static const struct play plays[] = {
		{ "author.member=yes; author.verified=yes", STEP_RCPT,
		  VERDICT_REJECT, "dev@l.example is closed" },
		{ NULL, STEP_END, VERDICT_NONE, NULL }
	};

	check(whole((struct policy_keys){ .closed = true,
					  .emergency = true }), plays);
}

static char *
text_for(const char *policy, const char *refuse_text)
{
	struct policy_keys keys = { .list = "dev@l.example",
		.policy = policy, .refuse_text = refuse_text };

	return policy_text_for(&keys);
}

static void
test_refuse_text(void)
{
	static const char own[] = "No \"%{author}\", \\ and\n%{nothing}\t\xff!";
	struct policy *policy = whole((struct policy_keys){
		.refuse_text = own });
	struct verdict verdict = decide(policy, "", STEP_HEADERS);
	g_autofree char *text = text_for("members", own);

	g_assert_cmpstr(verdict.text, ==,
			"No \"%{author}\", \\ and\n%{nothing} \357\277\275!");
	g_assert_null(strstr(text, "%{refuse-text}"));
	verdict_done(&verdict);
	policy_unref(policy);
}

/* The sentence goes only where a text has its place. */
static void
test_refuse_place(void)
{
	static const char own[] =
		"# %{refuse-text}\n"
		"hold \"\\%{refuse-text} \\\\%{refuse-text}\"\n"
		"\twhen subject =~ /%\\{refuse-text}/ # it's \"\n"
		"hold when author in (\"%{refuse-text}@a.example\")\n"
		"reject \"a %{refuse-text} b\" # the end";
	g_autofree char *text = text_for(own, "No.");
	struct policy *policy = parse(text);
	g_autofree char *print = policy_print(policy);

	g_assert_nonnull(strstr(text, "# %{refuse-text}\nhold "
				"\"\\%{refuse-text} \\\\No.\"\n"
				"\twhen subject =~ /%\\{refuse-text}/ "
				"# it's \"\nhold when author in "
				"(\"%{refuse-text}@a.example\")\n"
				"reject \"a No. b\" # the end\n"));
	g_assert_true(g_str_has_suffix(print, "\nreject \"a No. b\"\n"));
	policy_unref(policy);
}

static void
test_largest(void)
{
	g_autoptr(GString) own = g_string_new(NULL);
	g_autofree char *refuse = g_strnfill(5000, '"');
	struct err err = ERR_INIT;

	for (int i = 0; i < 10; i++)
		g_string_append(own, "hold \"%{refuse-text}\" when tls ");
	for (int i = 0; i < 488; i++)
		g_string_append(own, "hold when size > 12345678    ");
	g_string_append(own, "accept");
	while (own->len < POLICY_TEXT_MAX)
		g_string_append_c(own, ' ');
	g_assert_cmpint(policy_check("p", own->str, &err), ==, ERR_OK);
	policy_unref(whole((struct policy_keys){ .policy = own->str,
			   .refuse_text = refuse, .recipients_max = 1,
			   .emergency = true, .author_rate = 1,
			   .author_rate_s = 1, .list_rate = 1,
			   .list_rate_s = 1 }));
}

/* What `muster policy show` prints is what holds. */
static void
test_printed(void)
{
	for (size_t i = 0; policy_preset_names[i] != NULL; i++) {
		struct policy *policy = whole((struct policy_keys){
			.policy = policy_preset_names[i], .emergency = true,
			.author_rate = 1, .author_rate_s = 3600 });
		g_autofree char *print = policy_print(policy);
		struct policy *again = parse(print);
		g_autofree char *second = policy_print(again);

		g_assert_cmpstr(print, ==, second);
		policy_unref(policy);
		policy_unref(again);
	}
}

static void
test_not_a_policy(void)
{
	g_autofree char *text = text_for("frobnicate \"", "");
	struct policy *policy = NULL;
	struct err err = ERR_INIT;

	g_assert_cmpint(policy_parse("p", text, &policy, &err), ==,
			ERR_INVALID);
	g_assert_nonnull(strstr(err.what, "\"frobnicate\""));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "there are five presets", test_names },
		{ "open takes all", test_open },
		{ "members takes members who are who they say", test_members },
		{ "members-strict refuses a stranger at RCPT", test_strict },
		{ "moderated holds all but its verified people",
		  test_moderated },
		{ "announce is for verified owners and moderators",
		  test_announce },
		{ "keys do not keep a stranger from being refused at RCPT",
		  test_keys_early },
		{ "keys hold whatever the policy would let in",
		  test_keys_late },
		{ "in an emergency all is held that would be let in",
		  test_emergency },
		{ "dmarc = reject refuses what would not arrive",
		  test_dmarc },
		{ "a closed list takes nothing", test_closed },
		{ "the sentence for strangers may hold anything",
		  test_refuse_text },
		{ "the sentence goes into texts only", test_refuse_place },
		{ "the largest policy still fits with its keys",
		  test_largest },
		{ "the whole policy prints as one text", test_printed },
		{ "what is no policy does not become one",
		  test_not_a_policy },
		{ NULL, NULL },
	};

	return tap_run("policy-whole", cases);
}
