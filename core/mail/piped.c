/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/piped.h"

#include <string.h>

#include "core/mail/header.h"
#include "core/base/banned.h"

/* --- line ends ---------------------------------------------------------- */

/* Bytes that are none have no address. */
static const char *
text_of(GBytes *bytes, gsize *len)
{
	const char *text = g_bytes_get_data(bytes, len);

	return text != NULL ? text : "";
}

GBytes *
piped_from(GBytes *message)
{
	gsize len;
	const char *from = text_of(message, &len), *cr;
	const char *end = from + len;
	GString *out = g_string_sized_new(len);

	while (from < end &&
	       (cr = memchr(from, '\r', (size_t)(end - from))) != NULL) {
		const bool is_end = cr + 1 < end && cr[1] == '\n';

		g_string_append_len(out, from, cr - from + !is_end);
		from = cr + 1;
	}
	if (from < end)
		g_string_append_len(out, from, end - from);
	return g_string_free_to_bytes(out);
}

GBytes *
piped_to(GBytes *written)
{
	gsize len;
	const char *from = text_of(written, &len);
	const char *end = from + len;
	GString *out = g_string_sized_new(len + len / 32 + 2);
	const char *lf = memchr(from, '\n', len);
	const bool has_cr = lf != NULL && lf > from && lf[-1] == '\r';

	while (lf != NULL) {
		const bool is_whole = has_cr && lf > from && lf[-1] == '\r';

		g_string_append_len(out, from, lf - from - is_whole);
		g_string_append_len(out, "\r\n", 2);
		from = lf + 1;
		lf = from < end ? memchr(from, '\n', (size_t)(end - from)) :
			NULL;
	}
	if (from < end) {
		g_string_append_len(out, from, end - from);
		g_string_append_len(out, "\r\n", 2);
	}
	return g_string_free_to_bytes(out);
}

/* --- is it a message? --------------------------------------------------- */

struct head {
	bool is_readable, ends;
	unsigned int fields, authors;
};

static struct head
head_of(GBytes *message)
{
	struct head head = { 0 };
	struct header header;
	size_t body_at;
	gsize len;
	const char *text = text_of(message, &len);

	if (!header_parse(text, len, &header, &body_at))
		return head;
	head.is_readable = true;
	/* by an empty line, or with the message */
	head.ends = body_at == len || (body_at >= 4 &&
		memcmp(text + body_at - 4, "\r\n\r\n", 4) == 0);
	head.fields = header.fields->len;
	head.authors = header_count(&header, "From");
	header_done(&header);
	return head;
}

const char *
piped_wrong(GBytes *message, GBytes *came)
{
	const struct head head = head_of(message);

	if (g_bytes_get_size(message) == 0)
		return "it wrote nothing";
	if (!head.is_readable)
		return "too many header fields";
	if (head.fields == 0)
		return "its first line is no header field";
	if (!head.ends)
		return "a line of its header is no field";
	if (head.authors != 1 && head.authors != head_of(came).authors)
		return head.authors == 0 ? "it has no From" :
			"it has several From fields";
	return NULL;
}
