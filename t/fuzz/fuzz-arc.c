/* SPDX-License-Identifier: BSD-2-Clause */

/* A message with ARC sets and DKIM signatures whose key is there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/auth/arc.h"
#include "core/auth/dkim.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

#define KEY "v=DKIM1; k=rsa; p=" FUZZ_KEY
#define FUZZ_KEY \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDUII/9f9ZNdKqJlGdomZAh" \
	"PiCEtccK/qfbzn4vHAyzSqs1XBXk1woQEcJzNCN4kL44b1odQh1gpyRq3EtM" \
	"xH7Gb5k0J+Q27BucowSvNQTq2pAe8fWgAdDAD3HXHz68COjZdG/xC+/gT/cp" \
	"1NZtXrj+Sh45WoyRavWgnXHFoyXYzwIDAQAB"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dns_record record = {0, KEY, strlen(KEY)};
	struct lookups *lookups = lookups_new(NULL, wire_now_ms() + 60000,
					      NULL, NULL);
	const char *bytes = (const char *)data;
	struct arc_evidence arc;
	struct header header;
	unsigned int ignored;
	GPtrArray *dkim;
	size_t body_at;

	lookups_put(lookups, "s._domainkey.lists.example", DNS_TXT, DNS_FOUND,
		    &record);
	if (header_parse(bytes, size, &header, &body_at)) {
		arc_evidence_init(&arc);
		arc_start(lookups, &header);
		dkim_start(lookups, &header);
		arc_check(lookups, &header, bytes + body_at, size - body_at,
			  &arc);
		dkim = dkim_check(lookups, &header, bytes + body_at,
				  size - body_at, &ignored);
		if (dkim->len > DKIM_SIGNATURES_MAX ||
		    arc.instances > ARC_SETS_MAX)
			abort();
		g_ptr_array_unref(dkim);
		arc_evidence_done(&arc);
		header_done(&header);
	}
	lookups_free(lookups);
	return 0;
}
