/* SPDX-License-Identifier: BSD-2-Clause */

/* Rules about fields, and, behind a NUL, the header of a stranger. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/mail/header_rules.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static const char *const kept[] = {
	"From", "Date", "Message-ID", "List-Id", "Content-Type", "ARC-Seal",
	"X-Loop", "DKIM-Signature",
};

static void
count_kept(const struct header *header, unsigned int *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		out[i] = header_count(header, kept[i]);
}

/* What must be there stays, and nothing of the kind is added; no text ends a
 * field or the header. */
static void
use(const struct header_rules *rules, const char *bytes, size_t len)
{
	unsigned int before[G_N_ELEMENTS(kept)], after[G_N_ELEMENTS(kept)];
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header, again;
	size_t body_at;
	unsigned int fields;

	if (!header_parse(bytes, len, &header, &body_at))
		return;
	count_kept(&header, before);
	fields = header.fields->len;
	check(header_rules_run(rules, &header) <= fields);
	check(header.fields->len <= fields);
	fields = header.fields->len + header_rules_add(rules, &header,
						       "dev@l.test");
	check(header.fields->len == fields);
	count_kept(&header, after);
	check(memcmp(before, after, sizeof(before)) == 0);
	header_write(&header, out);
	check(header_parse(out->str, out->len, &again, &body_at));
	check(again.fields->len == fields && body_at == out->len);
	header_done(&again);
	header_done(&header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	size_t used = MIN(strlen(text) + 1, size);
	struct header_rules *rules = NULL;
	struct err err = ERR_INIT;

	mime_init();
	/* as a key's value is */
	if (!g_utf8_validate(text, -1, NULL))
		return 0;
	if (header_rules_parse(text, &rules, &err) != ERR_OK) {
		check(g_str_has_prefix(err.what, "line "));
		return 0;
	}
	use(rules, (const char *)data + used, size - used);
	use(rules, "X-A: b\r\nFrom: c\r\nList-Id: d\r\n\r\n", 33);
	header_rules_free(rules);
	return 0;
}
