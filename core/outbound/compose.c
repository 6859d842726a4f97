/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/compose.h"

#include <string.h>

#include "core/base/banned.h"

/* Lines of SMTP (RFC 5321 sections 2.3.8 and 4.5.2). */
static void
append_lines(GString *wire, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *lf = memchr(bytes, '\n', len);
		size_t line = lf != NULL ? (size_t)(lf - bytes) : len;
		size_t text = lf != NULL && line > 0 &&
			bytes[line - 1] == '\r' ? line - 1 : line;

		if (bytes[0] == '.')
			g_string_append_c(wire, '.');
		g_string_append_len(wire, bytes, (gssize)text);
		g_string_append(wire, "\r\n");
		line += lf != NULL;
		bytes += line;
		len -= line;
	}
}

static bool
has_eight_bit(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] >= 0x80)
			return true;
	return false;
}

struct composed *
compose(const struct post_id *post, const char *list, GBytes *header,
	GBytes *body)
{
	struct composed *composed = g_new0(struct composed, 1);
	const char *at = strrchr(list, '@');
	GString *wire = g_string_sized_new(g_bytes_get_size(header) +
					   g_bytes_get_size(body) + 1024);

	append_lines(wire, g_bytes_get_data(header, NULL),
		     g_bytes_get_size(header));
	g_string_append(wire, "\r\n");
	append_lines(wire, g_bytes_get_data(body, NULL),
		     g_bytes_get_size(body));
	composed->size = wire->len;
	composed->eight_bit = has_eight_bit(wire->str, wire->len);
	g_string_append(wire, ".\r\n");
	composed->len = wire->len;
	composed->wire = g_string_free(wire, FALSE);
	composed->sender_local = g_strdup_printf("%.*s-bounces+",
						 (int)(at - list), list);
	composed->sender_domain = g_strdup(at + 1);
	post_id_text(post, composed->post_id);
	composed->refs = 1;
	return composed;
}

struct composed *
composed_ref(struct composed *composed)
{
	g_atomic_int_inc(&composed->refs);
	return composed;
}

void
composed_unref(struct composed *composed)
{
	if (composed == NULL || !g_atomic_int_dec_and_test(&composed->refs))
		return;
	g_free(composed->wire);
	g_free(composed->sender_local);
	g_free(composed->sender_domain);
	g_free(composed);
}
