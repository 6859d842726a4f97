/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/letter/inside.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define ENCODED_LINE 76		/* RFC 2045 sections 6.7 and 6.8 */

static bool
is_plain(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] >= 0x80 || bytes[i] == '\0')
			return false;
	return !mime_needs_recode(bytes, len);
}

static void
append_base64(GString *out, const char *bytes, size_t len)
{
	g_autofree char *text = g_base64_encode((const guchar *)bytes, len);
	size_t left = strlen(text);

	for (const char *at = text; left > 0;) {
		size_t line = MIN(left, ENCODED_LINE);

		g_string_append_len(out, at, (gssize)line);
		g_string_append(out, "\r\n");
		at += line;
		left -= line;
	}
}

/* Lines end in CRLF where they ended in LF or in both. */
static void
append_lines(GString *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, bytes[i]);
	}
	if (len > 0 && bytes[len - 1] != '\n')
		g_string_append(out, "\r\n");
}

/* --- our own text ------------------------------------------------------- */

static bool
is_literal(const char *at)
{
	/* a blank at the end of a line would not survive */
	if (*at == ' ' || *at == '\t')
		return at[1] != '\n' && at[1] != '\0';
	return *at > ' ' && *at < 0x7f && *at != '=';
}

/* Quoted-printable: what is ASCII in it can be read as it is, and no filter
 * suspects that something is to be hidden, as some do with base64. */
static void
append_quoted(GString *out, const char *text)
{
	size_t column = 0;

	for (const char *p = text; *p != '\0'; p++) {
		size_t width = is_literal(p) ? 1 : 3;

		if (*p == '\n') {
			g_string_append(out, "\r\n");
			column = 0;
			continue;
		}
		if (column + width > ENCODED_LINE - 1) {
			g_string_append(out, "=\r\n");
			column = 0;
		}
		if (width == 1)
			g_string_append_c(out, *p);
		else
			g_string_append_printf(out, "=%02X",
					       (unsigned char)*p);
		column += width;
	}
	if (column > 0)
		g_string_append(out, "\r\n");
}

const char *
letter_encoding(const char *text)
{
	return is_plain(text, strlen(text)) ? "7bit" : "quoted-printable";
}

static void
append_text(GString *out, const char *text)
{
	if (is_plain(text, strlen(text)))
		append_lines(out, text, strlen(text));
	else
		append_quoted(out, text);
}

/* --- a message ---------------------------------------------------------- */

static void
append_header_only(GString *out, const struct letter_about *about)
{
	size_t len = MIN(about->body_at, about->len);
	bool plain = is_plain(about->bytes, len);

	g_string_append_printf(out, "Content-Type: text/rfc822-headers; "
			       "charset=utf-8\r\n"
			       "Content-Transfer-Encoding: %s\r\n\r\n",
			       plain ? "7bit" : "base64");
	if (plain)
		append_lines(out, about->bytes, len);
	else
		append_base64(out, about->bytes, len);
}

/*
 * The post as it is, if it is short and can go over the wire unchanged: a
 * message/rfc822 must not be encoded (RFC 2046 section 5.2.1). Else its
 * header only.
 */
static void
append_post(GString *out, const struct letter_about *about)
{
	if (about->bytes == NULL)
		return;
	if (!about->whole || memchr(about->bytes, '\0', about->len) != NULL ||
	    mime_needs_recode(about->bytes, about->len)) {
		append_header_only(out, about);
		return;
	}
	g_string_append_printf(out, "Content-Type: message/rfc822\r\n"
			       "Content-Disposition: attachment; "
			       "filename=\"post.eml\"\r\n"
			       "Content-Transfer-Encoding: %s\r\n\r\n",
			       is_plain(about->bytes, about->len) ? "7bit" :
			       "8bit");
	append_lines(out, about->bytes, about->len);
}

GBytes *
letter_body(const struct letter_about *about, const char *text,
	    const char *boundary)
{
	GString *out = g_string_new(NULL);

	if (about == NULL) {
		append_text(out, text);
		return g_string_free_to_bytes(out);
	}
	g_string_append_printf(out, "--%s\r\nContent-Type: "
			       LETTER_TEXT_TYPE "\r\n"
			       "Content-Transfer-Encoding: %s\r\n\r\n",
			       boundary, letter_encoding(text));
	append_text(out, text);
	g_string_append_printf(out, "\r\n--%s\r\n", boundary);
	append_post(out, about);
	g_string_append_printf(out, "\r\n--%s--\r\n", boundary);
	return g_string_free_to_bytes(out);
}
