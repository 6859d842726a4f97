/* SPDX-License-Identifier: BSD-2-Clause */

/* A post of a stranger, on an anonymous list. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/mail/anonymous.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Only what is known, each once, and ended by nothing that is in it. */
static void
check_header(const struct header *header)
{
	static const char *const gone[] = {
		"Received", "Sender", "Reply-To", "Cc", "DKIM-Signature",
		"ARC-Seal", "User-Agent", "Content-ID", "Return-Path",
	};
	static const char *const once[] = {
		"From", "To", "Date",
	};
	g_autoptr(GString) out = g_string_new(NULL);
	struct header again;
	size_t body_at;

	for (size_t i = 0; i < G_N_ELEMENTS(gone); i++)
		check(header_find(header, gone[i], 0) < 0);
	for (size_t i = 0; i < G_N_ELEMENTS(once); i++)
		check(header_count(header, once[i]) == 1);
	check(header_count(header, "Message-ID") <= 1);
	header_write(header, out);
	check(header_parse(out->str, out->len, &again, &body_at));
	check(again.fields->len == header->fields->len &&
	      body_at == out->len);
	header_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char domain[] = "l.test";
	static char *const domains[] = { domain, NULL };
	const struct anonymity with = {
		.list = "dev@l.test", .name = "dev",
		.secret = (const uint8_t *)"secret", .secret_len = 6,
		.domains = domains, .people = "", .received_s = 1,
	};
	const char *bytes = (const char *)data;
	struct header header;
	GBytes *body = NULL;
	size_t body_at;

	mime_init();
	if (!header_parse(bytes, size, &header, &body_at))
		return 0;
	if (anonymous_make(&with, &header, bytes + body_at, size - body_at,
			   &body) == NULL)
		check_header(&header);
	if (body != NULL)
		g_bytes_unref(body);
	header_done(&header);
	return 0;
}
