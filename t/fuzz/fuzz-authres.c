/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Authentication-Results: what others write, and what we write from what
 * comes with mail.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/auth/authres.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
set(char **text, const char *to)
{
	g_free(*text);
	*text = g_strdup(to);
}

/* Whatever the senders wrote, our own field can be read, is one field, and
 * is taken for ours. */
static void
check_print(const char *text)
{
	struct evidence *evidence = evidence_new();
	struct dkim_evidence *dkim = dkim_evidence_new();
	g_autofree char *value = NULL, *field = NULL, *id = NULL;
	g_autoptr(GPtrArray) items = NULL;
	struct header header;
	size_t body_at;

	set(&evidence->spf.domain, text);
	set(&evidence->spf.reason, text);
	set(&evidence->login, text);
	set(&evidence->dmarc.author_domain, text);
	set(&dkim->identity, text);
	set(&dkim->selector, text);
	g_ptr_array_add(evidence->dkim, dkim);
	value = authres_print(evidence, "mx.example");
	items = authres_parse(value, &id);
	if (items == NULL || items->len < 4 ||
	    strcmp(id, "mx.example") != 0)
		abort();
	field = g_strdup_printf("Authentication-Results: %s\r\n", value);
	if (!header_parse(field, strlen(field), &header, &body_at) ||
	    header.fields->len != 1 || body_at != strlen(field) ||
	    authres_remove(&header, "mx.example") != 1)
		abort();
	header_done(&header);
	evidence_free(evidence);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *field = g_strdup_printf(
		"Authentication-Results: %s\r\n", text);
	GPtrArray *items = authres_parse(text, NULL);
	struct header header;
	size_t body_at;

	if (items != NULL)
		g_ptr_array_unref(items);
	if (header_parse(field, strlen(field), &header, &body_at)) {
		(void)authres_remove(&header, "mx.example");
		header_done(&header);
	}
	check_print(text);
	return 0;
}
