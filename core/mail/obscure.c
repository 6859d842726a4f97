/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Addresses that nobody can collect: "ann@example.net" becomes
 * "ann@xxxxxxxxxxx", of the same length, so that fields keep their form, lines
 * their length, and people still see who wrote. The pieces of the post are
 * copied one by one; only a part that has an address is encoded again.
 */
#include <string.h>

#include "core/mail/mime.h"
#include "core/mail/part.h"
#include "core/base/banned.h"

/* --- addresses ---------------------------------------------------------- */

static bool
is_local(unsigned char c)
{
	return g_ascii_isalnum(c) || c >= 0x80 ||
		(c != '\0' && strchr("!#$&'*+-./=?^_`{|}~\"", c) != NULL);
}

static bool
is_domain(unsigned char c)
{
	return g_ascii_isalnum(c) || c >= 0x80 || c == '-' || c == '.';
}

/* "@", also as HTML and URLs have it: its length, or 0. */
static size_t
at_sign(const char *p, size_t left)
{
	static const char *const all[] = { "@", "%40", "&#64;", "&#x40;",
					   "&commat;" };

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if (strlen(all[i]) <= left &&
		    g_ascii_strncasecmp(p, all[i], strlen(all[i])) == 0)
			return strlen(all[i]);
	return 0;
}

/* In place. True: there was one. */
static bool
obscure(char *text, size_t len)
{
	bool found = false, literal;

	for (size_t i = 1; i < len; i++) {
		size_t sign = at_sign(text + i, len - i), at = i + sign;

		if (sign == 0 || !is_local((unsigned char)text[i - 1]))
			continue;
		literal = at < len && text[at] == '[';
		for (at += literal; at < len &&
		     (is_domain((unsigned char)text[at]) ||
		      (literal && text[at] == ':')); at++) {
			/* the end of a sentence is not of the domain */
			if (text[at] != '.' || (at + 1 < len &&
			    is_domain((unsigned char)text[at + 1]))) {
				found = true;
				text[at] = 'x';
			}
		}
		i = at - 1;
	}
	return found;
}

/* --- fields ------------------------------------------------------------- */

static bool
is_named(const struct header_field *field, const char *const *names)
{
	for (; *names != NULL; names++)
		if (header_field_is(field, *names))
			return true;
	return false;
}

/* Which say nothing to a reader, and who writes to whom by which host. */
static bool
is_left_out(const struct header_field *field)
{
	static const char *const names[] = {
		"Received", "Return-Path", "DKIM-Signature",
		"Authentication-Results", "ARC-Seal", "ARC-Message-Signature",
		"ARC-Authentication-Results", "Received-SPF", "Delivered-To",
		"X-Original-To", "DomainKey-Signature",
		"X-Google-DKIM-Signature", "X-Gm-Message-State",
		"X-Google-Smtp-Source", "Autocrypt", NULL
	};

	return is_named(field, names);
}

static bool
is_kept(const struct header_field *field)
{
	static const char *const names[] = {
		"Message-ID", "In-Reply-To", "References", "Content-ID",
		"Content-Type", "List-Id", "List-Post", "List-Help",
		"List-Subscribe", "List-Unsubscribe", "List-Owner",
		"List-Archive", "Archived-At", "X-Loop", "Sender", NULL
	};

	return is_named(field, names);
}

static void
write_fields(const struct part *part, GString *out)
{
	for (guint i = 0; i < part->header.fields->len; i++) {
		const struct header_field *field = &g_array_index(
			part->header.fields, struct header_field, i);
		gsize from = out->len;

		if (part->is_root && is_left_out(field))
			continue;
		g_string_append_len(out, field->raw, (gssize)field->raw_len);
		if (!is_kept(field))
			(void) obscure(out->str + from + field->value_at,
				       field->raw_len - field->value_at);
	}
	if (part->separated)
		g_string_append(out, "\r\n");
}

/* --- parts -------------------------------------------------------------- */

static bool
is_readable(const struct piece *piece)
{
	return piece->kind == PIECE_LEAF && !piece->part->is_deep &&
		piece->part->encoding != PART_FOREIGN &&
		(piece->part->is_text || piece->part->is_fields ||
		 g_str_has_prefix(piece->part->type, "text/"));
}

static void
write_base64(const GByteArray *raw, GString *out)
{
	g_autofree char *code = g_base64_encode(raw->data, raw->len);
	const size_t len = strlen(code);

	for (size_t at = 0; at < len; at += 76) {
		if (at > 0)
			g_string_append(out, "\r\n");
		g_string_append_len(out, code + at,
				    (gssize)MIN(len - at, 76));
	}
}

static void
write_leaf(const struct piece *piece, GString *out)
{
	g_autoptr(GByteArray) raw = NULL;
	gsize from = out->len;

	if (piece->part->encoding == PART_IDENTITY) {
		g_string_append_len(out, piece->span.bytes,
				    (gssize)piece->span.len);
		(void) obscure(out->str + from, piece->span.len);
		return;
	}
	raw = part_decode(piece->part, piece->span);
	if (!obscure((char *)raw->data, raw->len))
		g_string_append_len(out, piece->span.bytes,
				    (gssize)piece->span.len);
	else if (piece->part->encoding == PART_BASE64)
		write_base64(raw, out);
	else
		part_put_qp((const char *)raw->data, raw->len, out);
}

void
mime_obscure(const char *bytes, size_t len, GString *out)
{
	struct parts parts;

	if (!parts_read(bytes, len, &parts)) {
		/* More parts than anybody reads; all of it is obscured. */
		gsize from = out->len;

		g_string_append_len(out, bytes, (gssize)len);
		(void) obscure(out->str + from, len);
		return;
	}
	for (guint i = 0; i < parts.pieces->len; i++) {
		const struct piece *piece = &g_array_index(parts.pieces,
							   struct piece, i);

		if (piece->kind == PIECE_HEAD)
			write_fields(piece->part, out);
		else if (is_readable(piece))
			write_leaf(piece, out);
		else
			g_string_append_len(out, piece->span.bytes,
					    (gssize)piece->span.len);
	}
	parts_done(&parts);
}
