/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/text.h"

#include <string.h>

#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

void
archive_text_hash(const char *bytes, size_t len, uint8_t out[ARCHIVE_HASH])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize size = ARCHIVE_HASH;

	g_checksum_update(sum, (const guchar *)bytes, (gssize)len);
	g_checksum_get_digest(sum, out, &size);
}

/* A CR that ends no line is of the message. */
static GBytes *
with_newlines(const char *bytes, size_t len)
{
	GByteArray *out = g_byte_array_sized_new((guint)len + 1);
	const char *end = bytes + len;

	while (bytes < end) {
		const char *line = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = line != NULL ? line : end;

		if (line != NULL && stop > bytes && stop[-1] == '\r')
			stop--;
		g_byte_array_append(out, (const guint8 *)bytes,
				    (guint)(stop - bytes));
		g_byte_array_append(out, (const guint8 *)"\n", 1);
		bytes = line != NULL ? line + 1 : end;
	}
	return g_byte_array_free_to_bytes(out);
}

static char *
find_message_id(const char *bytes, size_t len)
{
	struct header header;
	size_t body_at;
	char *id;

	if (!header_parse(bytes, len, &header, &body_at))
		return g_strdup("");
	id = header_get(&header, "Message-ID");
	header_done(&header);
	return id != NULL ? id : g_strdup("");
}

void
archive_text_init(struct archive_text *out, const char *bytes, size_t len,
		  bool obscure)
{
	g_autoptr(GString) made = NULL;
	gsize size;
	const char *data;

	/* a message of no bytes has no address */
	if (bytes == NULL)
		bytes = "";
	if (obscure) {
		made = g_string_sized_new(len + 1);
		mime_obscure(bytes, len, made);
		bytes = made->str;
		len = made->len;
	}
	out->bytes = with_newlines(bytes, len);
	data = g_bytes_get_data(out->bytes, &size);
	archive_text_hash(data, size, out->hash);
	out->message_id = find_message_id(data, size);
}

void
archive_text_done(struct archive_text *text)
{
	g_clear_pointer(&text->bytes, g_bytes_unref);
	g_clear_pointer(&text->message_id, g_free);
}
