/* SPDX-License-Identifier: BSD-2-Clause */

/* A policy's text: what parses prints, parses again and decides the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/moderate/policy.h"
#include "t/lib/stand_in.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
compare(const struct policy *a, const struct policy *b, struct stand_in *in)
{
	struct verdict of_a = { 0 }, of_b = { 0 };

	policy_decide(a, &in->source, true, &of_a);
	policy_decide(b, &in->source, true, &of_b);
	check(of_a.kind != VERDICT_NONE);
	check(of_a.kind == of_b.kind && of_a.rule == of_b.rule);
	check(of_a.code == of_b.code);
	check(strcmp(of_a.text, of_b.text) == 0);
	check(strcmp(of_a.why, of_b.why) == 0);
	check(g_utf8_validate(of_a.text, -1, NULL));
	check(strpbrk(of_a.text, "\r\t") == NULL);
	verdict_done(&of_a);
	verdict_done(&of_b);
}

static struct stand_in *
everything(void)
{
	struct stand_in *in = stand_in_new();

	for (size_t i = 0; i < FACT_COUNT; i++)
		stand_in_set(in, fact_table[i].name, i % 2 ?
			     "ann@a.example|Re: [dev]\r\nhello" : "7");
	stand_in_know(in, STEP_END);
	return in;
}

static void
check_policy(const struct policy *policy)
{
	g_autofree char *print = policy_print(policy), *second = NULL;
	struct stand_in *in = everything();
	struct policy *again = NULL;
	struct err err = ERR_INIT;

	check(policy_parse("print", print, &again, &err) == ERR_OK);
	second = policy_print(again);
	check(strcmp(print, second) == 0);
	compare(policy, again, in);
	policy_unref(again);
	stand_in_free(in);
}

/* With the keys of a list, if it may be a list's policy */
static void
check_whole(const char *text)
{
	struct policy_keys keys = { .list = "dev@l.example", .policy = text,
		.refuse_text = "No \"%{author}\"", .emergency = true,
		.dmarc_reject = true, .dmarc_may_hold = true,
		.own_domain = "l.example",
		.author_rate = 1, .author_rate_s = 3600 };
	g_autofree char *all = policy_text_for(&keys);
	struct policy *policy = NULL;
	struct err err = ERR_INIT;
	bool good = policy_check("own", text, &err) == ERR_OK;

	check(!good || policy_parse("all", all, &policy, &err) == ERR_OK);
	policy_unref(policy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	struct policy *policy = NULL;
	struct err err = ERR_INIT;

	if (policy_parse("fuzz", text, &policy, &err) == ERR_OK)
		check_policy(policy);
	else
		check(g_str_has_prefix(err.what, "fuzz:"));
	policy_unref(policy);
	check_whole(text);
	(void) address_pattern_check(text);
	(void) address_matches(text, "ann@a.example");
	(void) address_matches(text, "192.0.2.7");
	return 0;
}
