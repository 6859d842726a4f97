/* SPDX-License-Identifier: BSD-2-Clause */

/* What policies ask of a post: its parts, its text, who or what wrote it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mail/automatic.h"
#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_texts(const GPtrArray *texts)
{
	for (guint i = 0; i < texts->len; i++)
		if (!g_utf8_validate(texts->pdata[i], -1, NULL))
			abort();
}

static void
check_post(const struct header *header, const char *body, size_t len)
{
	g_autofree char *text = content_text(header, body, len);
	g_autoptr(GPtrArray) names = content_author_names(header);
	g_autoptr(GPtrArray) subjects = content_field(header, "Subject");
	struct content_parts parts;

	content_parts(header, body, len, &parts);
	check_texts(parts.names);
	check_texts(names);
	check_texts(subjects);
	content_parts_done(&parts);
	if (!g_utf8_validate(text, -1, NULL) ||
	    strlen(text) > CONTENT_TEXT_MAX)
		abort();
	(void)automatic_kind("a@b.example", header, body, len);
	(void)automatic_kind("", header, NULL, 0);
	(void)command_meant(header, body, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *bytes = g_malloc0(size + 1);
	struct header header;
	size_t body_at;

	mime_init();
	memcpy(bytes, data, size);
	if (!header_parse(bytes, size, &header, &body_at))
		return 0;
	check_post(&header, bytes + body_at, size - body_at);
	header_done(&header);
	return 0;
}
