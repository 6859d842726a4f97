/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/append_inside.h"
#include "core/base/banned.h"

#define ENCODED_LINE 76		/* RFC 2045 sections 6.7 and 6.8 */
#define DECODE_STEP 4096

/* --- quoted-printable --------------------------------------------------- */

/* The next mark in [text, end), or NULL */
static const char *
next_mark(const struct mime_texts *texts, const char *text, const char *end,
	  const struct mime_mark **mark_out)
{
	const char *best = NULL;

	for (size_t i = 0; i < texts->mark_count; i++) {
		const struct mime_mark *mark = &texts->marks[i];
		const char *found = memmem(text, (size_t)(end - text),
					   mark->text, strlen(mark->text));

		if (found != NULL && (best == NULL || found < best)) {
			best = found;
			*mark_out = mark;
		}
	}
	return best;
}

static void
break_softly(GString *out)
{
	g_string_append(out, "=\r\n");
}

void
put_qp(const struct mime_texts *texts, const char *text, size_t len,
       GString *out)
{
	const char *end = text + len, *found;
	const struct mime_mark *mark = NULL;

	while ((found = next_mark(texts, text, end, &mark)) != NULL) {
		part_put_qp(text, (size_t)(found - text), out);
		if (found > text && found[-1] != '\n')
			break_softly(out);
		g_string_append(out, mark->qp);
		text = found + strlen(mark->text);
		if (text < end && *text != '\r' && *text != '\n')
			break_softly(out);
	}
	part_put_qp(text, (size_t)(end - text), out);
}

/* --- base64 ------------------------------------------------------------- */

static void
put_line(struct base64 *base64)
{
	char code[BASE64_LINE / 3 * 4 + 8];
	int state = 0, save = 0;
	gsize len = g_base64_encode_step(base64->rest, base64->len, FALSE,
					 code, &state, &save);

	len += g_base64_encode_close(FALSE, code + len, &state, &save);
	g_string_append_len(base64->out, code, (gssize)len);
	g_string_append(base64->out, "\r\n");
	base64->len = 0;
}

void
base64_feed(struct base64 *base64, const void *bytes, size_t len)
{
	const guint8 *from = bytes;

	while (len > 0) {
		size_t part = MIN(len, sizeof(base64->rest) - base64->len);

		memcpy(base64->rest + base64->len, from, part);
		base64->len += part;
		from += part;
		len -= part;
		if (base64->len == sizeof(base64->rest))
			put_line(base64);
	}
}

/* The last bytes of what went by */
static void
keep_last(struct base64_last *last, const guint8 *bytes, size_t len)
{
	size_t part = MIN(len, sizeof(last->bytes));
	size_t old = MIN(last->len, sizeof(last->bytes) - part);

	memmove(last->bytes, last->bytes + last->len - old, old);
	memcpy(last->bytes + old, bytes + len - part, part);
	last->len = old + part;
}

void
base64_copy(struct base64 *base64, struct span code,
	    struct base64_last *last)
{
	guchar bytes[DECODE_STEP + 8];
	gint state = 0;
	guint save = 0;

	while (code.len > 0) {
		size_t part = MIN(code.len, DECODE_STEP);
		gsize len = g_base64_decode_step(code.bytes, part, bytes,
						 &state, &save);

		base64_feed(base64, bytes, len);
		keep_last(last, bytes, len);
		code.bytes += part;
		code.len -= part;
	}
}

void
base64_end(struct base64 *base64)
{
	if (base64->len > 0)
		put_line(base64);
}

static bool
is_letter(char c)
{
	return g_ascii_isalnum(c) || c == '+' || c == '/';
}

/* How many letters there are, if nothing but line ends is between them and
 * nothing but padding follows; else -1. */
static gssize
count_letters(struct span code)
{
	gssize letters = 0;
	size_t padding = 0;

	for (size_t i = 0; i < code.len; i++) {
		if (is_letter(code.bytes[i])) {
			if (padding > 0)
				return -1;
			letters++;
		} else if (code.bytes[i] == '=') {
			padding++;
		} else if (strchr(" \t\r\n", code.bytes[i]) == NULL ||
			   code.bytes[i] == '\0') {
			return -1;
		}
	}
	return padding == (size_t)(4 - letters % 4) % 4 ? letters : -1;
}

bool
base64_tail(struct span code, struct base64_tail *out)
{
	gssize letters = count_letters(code), tail;
	char text[9] = "";
	gint state = 0;
	guint save = 0;
	size_t at = code.len, len;

	if (letters < 0 || letters % 4 == 1)
		return false;
	/* with one whole group in front of the last, for what it ends in */
	tail = letters % 4 + (letters >= 4 ? 4 : 0);
	len = (size_t)tail;
	for (gssize left = tail; left > 0;)
		if (is_letter(code.bytes[--at]))
			text[--left] = code.bytes[at];
	while (len % 4 != 0)
		text[len++] = '=';
	out->len = g_base64_decode_step(text, len, out->bytes, &state, &save);
	out->at = tail > 0 ? at : 0;
	out->column = 0;
	while (at > 0 && tail > 0 && code.bytes[at - 1] != '\n') {
		at--;
		out->column++;
	}
	return true;
}

void
base64_put_from(size_t column, const GString *bytes, GString *out)
{
	g_autofree char *code = g_base64_encode((const guchar *)bytes->str,
						bytes->len);

	for (const char *p = code; *p != '\0'; p++) {
		if (column >= ENCODED_LINE) {
			g_string_append(out, "\r\n");
			column = 0;
		}
		g_string_append_c(out, *p);
		column++;
	}
	g_string_append(out, "\r\n");
}
