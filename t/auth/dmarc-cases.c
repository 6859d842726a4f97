/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * For tests: DMARC over records that are given. A case a line on stdin, words
 * apart by tabs:
 *
 *	AUTHOR SPF-RESULT SPF-DOMAIN DKIM-RESULT DKIM-DOMAIN [NAME RECORD]...
 *
 * prints "RESULT POLICY" for each.
 */
#include <stdio.h>
#include <string.h>

#include "core/auth/dmarc.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

static void
set(enum auth_result *result, char **domain, char **words)
{
	if (!auth_result_of_name(words[0], result))
		g_error("no result: %s", words[0]);
	g_free(*domain);
	*domain = g_strdup(words[1]);
}

static void
put(struct lookups *lookups, char **words)
{
	for (; words[0] != NULL && words[1] != NULL; words += 2) {
		const struct dns_record txt = { 0, words[1],
						strlen(words[1]) };

		lookups_put(lookups, words[0], DNS_TXT, DNS_FOUND, &txt);
	}
}

static void
judge(char **words)
{
	struct lookups *lookups = lookups_new(NULL, wire_now_ms() + 600000,
					      NULL, NULL);
	g_autoptr(GPtrArray) authors = g_ptr_array_new();
	g_autoptr(GPtrArray) dkim = dkim_evidence_array();
	struct dkim_evidence *signature = dkim_evidence_new();
	struct dmarc_evidence found;
	struct spf_evidence spf;

	g_ptr_array_add(authors, words[0]);
	spf_evidence_init(&spf);
	dmarc_evidence_init(&found);
	set(&spf.result, &spf.domain, words + 1);
	set(&signature->result, &signature->domain, words + 3);
	g_ptr_array_add(dkim, signature);
	put(lookups, words + 5);
	dmarc_check(lookups, authors, true, &spf, dkim, &found);
	(void)printf("%s %s\n", auth_result_name(found.result), found.policy);
	dmarc_evidence_done(&found);
	spf_evidence_done(&spf);
	lookups_free(lookups);
}

int
main(void)
{
	char line[8192];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		g_auto(GStrv) words = g_strsplit(g_strchomp(line), "\t", -1);

		if (g_strv_length(words) < 5)
			g_error("too few words: %s", line);
		judge(words);
	}
	return 0;
}
