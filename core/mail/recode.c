/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lines over 998 octets are cut by every MTA on the way (Postfix puts CRLF
 * and a blank in, sendmail "!"), which breaks content and signatures. So a
 * post that has some is re-encoded here, where it is known what it is: leaf
 * parts in quoted-printable or base64, long fields by folding. What has no
 * long line keeps its bytes: the pieces of the post are copied one by one,
 * since GMime, when it writes a message, would normalise all of it.
 */
#include <string.h>

#include "core/mail/mime.h"
#include "core/mail/part.h"
#include "core/base/banned.h"

#define LINE_MAX_LEN 998	/* RFC 5321 section 4.5.3.1.6 */
#define CUT_AT 990		/* octets of a line that is cut */
#define ENCODED_LINE 76		/* RFC 2045 sections 6.7 and 6.8 */

bool
mime_is_ascii(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] >= 0x80)
			return false;
	return true;
}

bool
mime_needs_recode(const char *bytes, size_t len)
{
	struct span rest = { bytes, len };

	while (rest.len > LINE_MAX_LEN)
		if (span_text(span_line(&rest)) > LINE_MAX_LEN)
			return true;
	return false;
}

/* Lines as they are, with CRLF at each end that had one. */
static void
copy_lines(struct span text, GString *out)
{
	while (text.len > 0) {
		struct span line = span_line(&text);

		g_string_append_len(out, line.bytes,
				    (gssize)span_text(line));
		if (line.bytes[line.len - 1] == '\n')
			g_string_append(out, "\r\n");
	}
}

/* --- folding ------------------------------------------------------------ */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* How much of the text goes on this line: up to the last blank that has
 * words on both sides, else as much as there is room for. */
static size_t
cut_point(const char *text, size_t len)
{
	size_t words = 0, at;

	while (words < len && is_blank(text[words]))
		words++;
	for (at = CUT_AT; at > words; at--)
		if (is_blank(text[at]) && !is_blank(text[at - 1]))
			return at;
	/* Not inside of a character of UTF-8. */
	for (at = CUT_AT; at >= CUT_AT - 3; at--)
		if (((unsigned char)text[at] & 0xc0) != 0x80)
			return at;
	return CUT_AT;
}

/* The blanks in front but one, where there are too many of them to be kept:
 * a line of blanks only may pass for the end of the header. */
static struct span
skip_blanks(struct span text)
{
	size_t blanks = 0;

	while (blanks < text.len && is_blank(text.bytes[blanks]))
		blanks++;
	if (blanks < CUT_AT)
		return text;
	return (struct span){ text.bytes + blanks - 1, text.len - blanks + 1 };
}

/* One line in pieces that are not too long. Those behind the first begin
 * with a blank, so that in a header they are folds. */
static void
cut_line(struct span line, GString *out)
{
	struct span text = { line.bytes, span_text(line) };

	while (text.len > LINE_MAX_LEN) {
		size_t at;

		while (text.len > 0 && is_blank(text.bytes[text.len - 1]))
			text.len--;
		if (text.len == 0)
			return;
		text = skip_blanks(text);
		if (text.len <= LINE_MAX_LEN)
			break;
		at = cut_point(text.bytes, text.len);
		g_string_append_len(out, text.bytes, (gssize)at);
		g_string_append(out, "\r\n");
		text.bytes += at;
		text.len -= at;
		if (!is_blank(text.bytes[0]))
			g_string_append_c(out, ' ');
	}
	g_string_append_len(out, text.bytes, (gssize)text.len);
	if (line.len > 0 && line.bytes[line.len - 1] == '\n')
		g_string_append(out, "\r\n");
}

static void
cut_lines(struct span text, GString *out)
{
	while (text.len > 0)
		cut_line(span_line(&text), out);
}

/* --- encoding ----------------------------------------------------------- */

/* Length of the line end at p, 0 if there is none. */
static size_t
line_end(const guint8 *p, const guint8 *end)
{
	if (*p == '\n')
		return 1;
	return *p == '\r' && end - p > 1 && p[1] == '\n' ? 2 : 0;
}

static bool
is_plain(const guint8 *p, const guint8 *end, size_t column)
{
	/* What might pass for a delimiter or be changed on the way. */
	if (column == 0 && (*p == '-' || *p == '.' ||
			    (end - p >= 5 && memcmp(p, "From ", 5) == 0)))
		return false;
	if (*p == ' ' || *p == '\t')
		return end - p > 1 && line_end(p + 1, end) == 0;
	return *p > ' ' && *p < 0x7f && *p != '=';
}

void
part_put_qp(const char *text, size_t len, GString *out)
{
	static const char hex[] = "0123456789ABCDEF";
	const guint8 *p = (const guint8 *)text, *end = p + len;
	size_t column = 0;

	while (p < end) {
		size_t newline = line_end(p, end);
		size_t room = is_plain(p, end, column) ? 1 : 3;

		if (newline > 0) {
			g_string_append(out, "\r\n");
			p += newline;
			column = 0;
			continue;
		}
		if (column + room > ENCODED_LINE - 1) {
			g_string_append(out, "=\r\n");
			column = 0;
			continue;
		}
		if (room == 1) {
			g_string_append_c(out, (char)*p);
		} else {
			char code[] = { '=', hex[*p >> 4], hex[*p & 15] };

			g_string_append_len(out, code, sizeof(code));
		}
		column += room;
		p++;
	}
}

static void
append_wrapped(struct span code, GString *out)
{
	size_t column = 0;

	for (size_t i = 0; i < code.len; i++) {
		/* What is no letter of base64 is to be ignored; "-" might
		 * come to look like a delimiter. */
		if (g_ascii_isspace(code.bytes[i]) || code.bytes[i] == '-')
			continue;
		if (column == ENCODED_LINE) {
			g_string_append(out, "\r\n");
			column = 0;
		}
		g_string_append_c(out, code.bytes[i]);
		column++;
	}
}

static bool
wants_base64(const struct part *part)
{
	return part->encoding == PART_BASE64 || !part->is_text;
}

static void
encode_leaf(const struct piece *piece, GString *out)
{
	g_autoptr(GByteArray) raw = NULL;
	g_autofree char *code = NULL;

	/* Only its lines are wrong, whatever its letters say to whom. */
	if (piece->part->encoding == PART_BASE64) {
		append_wrapped(piece->span, out);
		return;
	}
	raw = part_decode(piece->part, piece->span);
	if (wants_base64(piece->part)) {
		code = g_base64_encode(raw->data, raw->len);
		append_wrapped((struct span){ code, strlen(code) }, out);
	} else {
		part_put_qp((const char *)raw->data, raw->len, out);
	}
}

/* --- headers ------------------------------------------------------------ */

static void
end_line(GString *out)
{
	if (out->len > 0 && out->str[out->len - 1] != '\n')
		g_string_append(out, "\r\n");
}

/* The fields, with a new Content-Transfer-Encoding in the old one's place,
 * or last. */
static void
write_encoded(const struct part *part, GString *out)
{
	static const char name[] = "Content-Transfer-Encoding";
	g_autofree char *field = g_strdup_printf("%s: %s\r\n", name,
						 wants_base64(part) ? "base64"
						 : "quoted-printable");
	bool done = false;

	for (guint i = 0; i < part->header.fields->len; i++) {
		const struct header_field *old = &g_array_index(
			part->header.fields, struct header_field, i);

		if (!header_field_is(old, name)) {
			cut_lines((struct span){ old->raw, old->raw_len },
				  out);
			end_line(out);
		} else if (!done) {
			g_string_append(out, field);
			done = true;
		}
	}
	/* Without it no reader looks at the encoding (RFC 2045 4). */
	if (part->is_root && header_find(&part->header, "MIME-Version",
					 0) < 0)
		g_string_append(out, "MIME-Version: 1.0\r\n");
	if (!done)
		g_string_append(out, field);
	g_string_append(out, "\r\n");
}

/* --- pieces ------------------------------------------------------------- */

static bool
is_encoded(const struct piece *piece)
{
	return piece->kind == PIECE_LEAF && piece->has_long &&
		!piece->part->is_fields;
}

/* next: the piece behind it, or NULL. False: nothing can be done. */
static bool
write_piece(const struct piece *piece, const struct piece *next, GString *out)
{
	if (piece->kind == PIECE_HEAD && next != NULL && is_encoded(next)) {
		write_encoded(piece->part, out);
	} else if (is_encoded(piece)) {
		if (piece->part->encoding == PART_FOREIGN ||
		    piece->part->is_deep)
			return false;
		encode_leaf(piece, out);
		if (next == NULL)
			end_line(out);
	} else if (piece->has_long) {
		cut_lines(piece->span, out);
	} else {
		copy_lines(piece->span, out);
	}
	return true;
}

bool
mime_recode(const char *bytes, size_t len, GString *out)
{
	g_autoptr(GString) made = g_string_sized_new(len + len / 8);
	struct parts parts;
	bool ok = true;

	if (!parts_read(bytes, len, &parts))
		return false;
	for (guint i = 0; ok && i < parts.pieces->len; i++) {
		const struct piece *piece = &g_array_index(parts.pieces,
							   struct piece, i);

		ok = write_piece(piece, i + 1 < parts.pieces->len ?
				 piece + 1 : NULL, made);
	}
	parts_done(&parts);
	if (!ok || mime_needs_recode(made->str, made->len))
		return false;
	g_string_append_len(out, made->str, (gssize)made->len);
	return true;
}
