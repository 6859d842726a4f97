/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/compose.h"

#include <string.h>

#include "core/base/banned.h"

/* Lines of SMTP (RFC 5321 section 2.3.8); *dots: so many begin with one. */
static void
append_lines(GString *out, const char *bytes, size_t len, size_t *dots)
{
	while (len > 0) {
		const char *lf = memchr(bytes, '\n', len);
		size_t line = lf != NULL ? (size_t)(lf - bytes) : len;
		size_t text = lf != NULL && line > 0 &&
			bytes[line - 1] == '\r' ? line - 1 : line;

		*dots += bytes[0] == '.';
		g_string_append_len(out, bytes, (gssize)text);
		g_string_append(out, "\r\n");
		line += lf != NULL;
		bytes += line;
		len -= line;
	}
}

/* RFC 5321 section 4.5.2, of lines that end in CRLF */
static char *
double_dots(const GString *bytes, size_t dots, size_t *len_out)
{
	GString *out = g_string_sized_new(bytes->len + dots + 1);
	const char *at = bytes->str, *end = at + bytes->len, *next;

	for (; at < end; at = next) {
		next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		if (at[0] == '.')
			g_string_append_c(out, '.');
		g_string_append_len(out, at, next - at);
	}
	*len_out = out->len;
	return g_string_free(out, FALSE);
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
	GString *bytes = g_string_sized_new(g_bytes_get_size(header) +
					    g_bytes_get_size(body) + 1024);
	size_t dots = 0;

	append_lines(bytes, g_bytes_get_data(header, NULL),
		     g_bytes_get_size(header), &dots);
	g_string_append(bytes, "\r\n");
	append_lines(bytes, g_bytes_get_data(body, NULL),
		     g_bytes_get_size(body), &dots);
	if (dots > 0)
		composed->dotted = double_dots(bytes, dots,
					       &composed->dotted_len);
	composed->eight_bit = has_eight_bit(bytes->str, bytes->len);
	composed->len = bytes->len;
	composed->bytes = g_string_free(bytes, FALSE);
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
	g_free(composed->bytes);
	g_free(composed->dotted);
	g_free(composed->sender_local);
	g_free(composed->sender_domain);
	g_free(composed);
}
