/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * SPF records of a hostile domain: a line each, the first of example.org,
 * then of a.example.org, b.example.org ..., whatever the bytes. What the
 * guard lets through is all that libspf2 sees.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/auth/spf.h"
#include "core/auth/spf_guard.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

#define RECORDS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A term "exp=...", which crashes the library */
static bool
has_exp(const char *record)
{
	for (; *record != '\0'; record++)
		if (*record == ' ' && g_ascii_strncasecmp(
			    record + 1 + strspn(record + 1, "+-?~"),
			    "exp=", 4) == 0)
			return true;
	return false;
}

/* Written by the guard it passes the guard. */
static void
check_guard(const char *record, size_t len, bool ipv6)
{
	g_autofree char *guarded = spf_guard(record, len, ipv6);
	g_autofree char *again = NULL;

	if (guarded == NULL)
		return;
	again = spf_guard(guarded, strlen(guarded), ipv6);
	if (again == NULL || has_exp(guarded) ||
	    strchr(guarded, '\n') != NULL)
		abort();
}

static void
put(struct lookups *lookups, unsigned int number, const char *record,
    size_t len)
{
	g_autofree char *name = number == 0 ? g_strdup("example.org")
					    : g_strdup_printf(
						      "%c.example.org",
						      'a' + number - 1);
	const struct dns_record txt = {0, record, len};

	lookups_put(lookups, name, DNS_TXT, DNS_FOUND, &txt);
	check_guard(record, len, false);
	check_guard(record, len, true);
}

static void
evaluate(struct lookups *lookups, const char *client)
{
	const struct spf_question question = {
		.client = client,
		.helo = "client.example.org",
		.sender = "\"a%{s}\"@example.org",
		.receiver = "mx.example.org",
	};
	struct spf_evidence found;

	spf_evidence_init(&found);
	if (!spf_check(lookups, &question, &found))
		abort();
	spf_evidence_done(&found);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lookups *lookups = lookups_new(NULL, wire_now_ms() + 60000,
					      NULL, NULL);
	const char *at = (const char *)data, *end = at + size, *stop;

	for (unsigned int i = 0; i < RECORDS_MAX && at < end; i++) {
		g_autofree char *record = NULL;

		stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		record = g_malloc0((size_t)(stop - at) + 1);
		memcpy(record, at, (size_t)(stop - at));
		put(lookups, i, record, (size_t)(stop - at));
		at = stop + 1;
	}
	evaluate(lookups, "192.0.2.7");
	evaluate(lookups, "2001:db8::7");
	evaluate(lookups, "127.0.0.1");
	evaluate(lookups, "::1");
	lookups_free(lookups);
	return 0;
}
