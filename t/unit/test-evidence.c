/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/auth/evidence.h"
#include "t/lib/tap.h"

static void
set(char **text, const char *to)
{
	g_free(*text);
	*text = g_strdup(to);
}

static struct evidence *
sample(void)
{
	struct evidence *evidence = evidence_new();
	struct dkim_evidence *dkim = dkim_evidence_new();

	evidence->spf.result = AUTH_SOFTFAIL;
	set(&evidence->spf.domain, "example.org");
	set(&evidence->spf.reason, "192.0.2.7 is not permitted");
	dkim->result = AUTH_PASS;
	set(&dkim->domain, "example.org");
	set(&dkim->selector, "s1");
	set(&dkim->algorithm, "rsa-sha256");
	set(&dkim->signature, "AbCdEfGh");
	g_ptr_array_add(evidence->dkim, dkim);
	evidence->dkim_ignored = 3;
	evidence->dmarc.result = AUTH_PASS;
	set(&evidence->dmarc.author_domain, "example.org");
	set(&evidence->dmarc.record_domain, "example.org");
	set(&evidence->dmarc.policy, "reject");
	evidence->dmarc.testing = true;
	evidence->arc.result = AUTH_FAIL;
	evidence->arc.instances = 2;
	set(&evidence->arc.reason, "the newest seal does not verify");
	set(&evidence->login, "ann");
	set(&evidence->client, "192.0.2.7");
	evidence->client_trusted = true;
	set(&evidence->author, "ann@example.org");
	evidence->by = BY_DMARC;
	evidence->verifiable = true;
	return evidence;
}

static void
test_round(void)
{
	struct evidence *first = sample(), *second;
	json_t *json = evidence_json(first), *again;

	second = evidence_of_json(json);
	again = evidence_json(second);
	g_assert_true(json_equal(json, again));
	g_assert_cmpstr(second->author, ==, "ann@example.org");
	g_assert_cmpint(second->dkim->len, ==, 1);
	g_assert_cmpint(second->dkim_ignored, ==, 3);
	g_assert_true(second->dmarc.testing);
	json_decref(json);
	json_decref(again);
	evidence_free(first);
	evidence_free(second);
}

static void
test_hostile_json(void)
{
	static const char *const texts[] = {
		"null", "[]", "{\"spf\": 7, \"dkim\": {}, \"by\": \"king\"}",
		"{\"spf\": {\"result\": \"great\", \"domain\": 3}}",
		"{\"dkim\": [1, null, {\"result\": \"pass\"}]}",
		"{\"arc\": {\"instances\": -4}, \"by\": 3}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		json_t *json = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		struct evidence *evidence = evidence_of_json(json);

		g_assert_nonnull(evidence->spf.domain);
		g_assert_cmpint(evidence->by, ==, BY_NONE);
		evidence_free(evidence);
		json_decref(json);
	}
}

/* It must fit in a record of the store, whatever the senders wrote. */
static void
test_size(void)
{
	struct evidence *evidence = evidence_new();
	g_autofree char *huge = g_strnfill(100000, 'x');
	g_autofree char *text = NULL;
	json_t *json;

	for (int i = 0; i < 8; i++) {
		struct dkim_evidence *dkim = dkim_evidence_new();

		set(&dkim->domain, huge);
		set(&dkim->selector, huge);
		set(&dkim->identity, huge);
		set(&dkim->algorithm, huge);
		set(&dkim->signature, huge);
		set(&dkim->reason, huge);
		g_ptr_array_add(evidence->dkim, dkim);
	}
	set(&evidence->arc.results, huge);
	set(&evidence->login, huge);
	json = evidence_json(evidence);
	text = json_dumps(json, JSON_COMPACT);
	g_assert_cmpuint(strlen(text), <, 16 * 1024);
	json_decref(json);
	evidence_free(evidence);
}

static void
test_text(void)
{
	struct evidence *evidence = sample(), *none = evidence_new();
	g_autofree char *text = evidence_text(evidence);
	g_autofree char *nothing = evidence_text(none);

	g_assert_cmpstr(
		text, ==,
		"spf=softfail (example.org: 192.0.2.7 is not permitted) "
		"dkim=pass (example.org) (3 more signatures ignored) "
		"dmarc=pass (example.org) p=reject arc=fail (the newest seal "
		"does not verify) login=ann; author ann@example.org verified "
		"by dmarc");
	g_assert_cmpstr(nothing, ==,
			"spf=none dkim=none dmarc=none arc=none; author not "
			"verified");
	evidence_free(evidence);
	evidence_free(none);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"JSON and back is the same", test_round},
		{"JSON of another shape is NONE", test_hostile_json},
		{"it fits into a record", test_size},
		{"one line says it all", test_text},
		{NULL, NULL},
	};

	return tap_run("evidence", cases);
}
