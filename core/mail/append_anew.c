/* SPDX-License-Identifier: BSD-2-Clause */

/* A lone text that is written anew, in UTF-8, with texts in its lines. */
#include <string.h>

#include "core/mail/append_inside.h"
#include "core/base/banned.h"

#define REWRITE_MAX 1048576	/* octets that are written anew */

/* What is of use only as the bytes that it is: signed or encrypted text, a
 * patch of files in whatever charset, yEnc. */
static bool
is_bytes(struct span text)
{
	static const char *const marks[] = { "-----BEGIN PGP ", "=ybegin " };

	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (memmem(text.bytes, text.len, marks[i],
			   strlen(marks[i])) != NULL)
			return true;
	return append_is_patch(text);
}

/* NULL: it cannot be, or is too long for it. */
static char *
take_content(const struct lone *lone, size_t *len_out)
{
	const struct part part = {
		.encoding = lone->encoding == LONE_QP ? PART_QP :
			lone->encoding == LONE_BASE64 ? PART_BASE64 :
			PART_IDENTITY,
	};
	g_autoptr(GByteArray) raw = NULL;
	g_autofree char *text = NULL;
	struct span content;

	if (lone->a->body.len > REWRITE_MAX)
		return NULL;
	raw = part_decode(&part, lone->a->body);
	content = (struct span){ (const char *)raw->data, raw->len };
	if (raw->len == 0)
		content.bytes = "";
	if (is_bytes(content))
		return NULL;
	text = charset_take(&lone->charset, content.bytes, content.len,
			    len_out);
	return text == NULL || memchr(text, '\0', *len_out) != NULL ? NULL :
		g_steal_pointer(&text);
}

static GString *
put_together(const struct lone *lone, const char *text, size_t len)
{
	GString *whole = g_string_sized_new(len + strlen(lone->above) +
					    strlen(lone->below) + 16);
	struct seam seam = lone_seam(lone, (struct span){ text, len });

	seam.shift = "";
	g_string_append(whole, lone->above);
	g_string_append_len(whole, text, (gssize)len);
	if (lone->below[0] != '\0')
		seam_put(&seam, whole);
	g_string_append(whole, lone->below);
	return whole;
}

static void
encode_whole(const struct lone *lone, const GString *whole)
{
	const struct appending *a = lone->a;
	struct base64 base64 = { .out = a->out };

	if (lone->encoding == LONE_BASE64 && !lone->has_marks) {
		base64_feed(&base64, whole->str, whole->len);
		base64_end(&base64);
	} else if (lone->encoding != LONE_NONE ||
		   mime_needs_recode(whole->str, whole->len)) {
		append_set_encoding(a->header, "quoted-printable");
		put_qp(a->texts, whole->str, whole->len, a->out);
	} else {
		lone_set_eight_bit(lone);
		g_string_append_len(a->out, whole->str, (gssize)whole->len);
	}
}

bool
lone_put_anew(const struct lone *lone)
{
	g_autoptr(GString) whole = NULL;
	g_autofree char *text = NULL;
	size_t len = 0;

	text = take_content(lone, &len);
	if (text == NULL)
		return false;
	whole = put_together(lone, text, len);
	lone_set_utf8(lone);
	encode_whole(lone, whole);
	return true;
}
