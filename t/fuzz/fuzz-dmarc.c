/* SPDX-License-Identifier: BSD-2-Clause */

/* DMARC records of a hostile domain, a line each, from a.b.example.org up. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/auth/dmarc.h"
#include "core/auth/domain.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"_dmarc.a.b.example.org", "_dmarc.b.example.org",
	"_dmarc.example.org", "_dmarc.org", "_dmarc.other.example.org",
};

static void
put_all(struct lookups *lookups, const char *text, size_t len)
{
	const char *at = text, *end = text + len, *stop;

	for (size_t i = 0; i < 2 * G_N_ELEMENTS(names) && at < end; i++) {
		const struct dns_record txt = {0, at, 0};
		struct dns_record record = txt;

		stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		record.len = (size_t)(stop - at);
		lookups_put(lookups, names[i % G_N_ELEMENTS(names)], DNS_TXT,
			    DNS_FOUND, &record);
		at = stop + 1;
	}
}

static void
check(struct lookups *lookups, const char *author)
{
	g_autoptr(GPtrArray) authors = g_ptr_array_new();
	g_autoptr(GPtrArray) dkim = dkim_evidence_array();
	struct dkim_evidence *signature = dkim_evidence_new();
	struct dmarc_evidence found;
	struct spf_evidence spf;

	signature->result = AUTH_PASS;
	g_free(signature->domain);
	signature->domain = g_strdup("other.example.org");
	g_ptr_array_add(dkim, signature);
	g_ptr_array_add(authors, (char *)(uintptr_t)author);
	spf_evidence_init(&spf);
	dmarc_evidence_init(&found);
	dmarc_check(lookups, authors, true, &spf, dkim, &found);
	/* Only where both are of one organization */
	if (found.result == AUTH_PASS &&
	    !domain_is_below(author + 4, "example.org"))
		abort();
	if ((found.policy[0] == '\0') != (found.record_domain[0] == '\0'))
		abort();
	dmarc_evidence_done(&found);
	spf_evidence_done(&spf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lookups *lookups = lookups_new(NULL, wire_now_ms() + 60000,
					      NULL, NULL);
	g_autofree char *text = g_strndup((const char *)data, size);
	struct dmarc_record record;

	(void)dmarc_record_parse((const char *)data, size, &record);
	put_all(lookups, text, strlen(text));
	check(lookups, "ann@a.b.example.org");
	check(lookups, "ann@c.example.org");
	check(lookups, "ann@shop.test");
	lookups_free(lookups);
	return 0;
}
