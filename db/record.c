/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/record.h"

#include <string.h>

#include "core/base/banned.h"

GByteArray *
record_new(void)
{
	GByteArray *out = g_byte_array_sized_new(128);

	put_u8(out, RECORD_VERSION);
	return out;
}

void
put_u8(GByteArray *out, uint8_t n)
{
	g_byte_array_append(out, &n, 1);
}

void
put_u16(GByteArray *out, uint16_t n)
{
	n = GUINT16_TO_BE(n);
	g_byte_array_append(out, (const guint8 *)&n, sizeof(n));
}

void
put_u32(GByteArray *out, uint32_t n)
{
	n = GUINT32_TO_BE(n);
	g_byte_array_append(out, (const guint8 *)&n, sizeof(n));
}

void
put_u64(GByteArray *out, uint64_t n)
{
	n = GUINT64_TO_BE(n);
	g_byte_array_append(out, (const guint8 *)&n, sizeof(n));
}

void
put_raw(GByteArray *out, const void *data, size_t len)
{
	if (len > 0)
		g_byte_array_append(out, data, (guint)len);
}

void
put_key_text(GByteArray *out, const char *text)
{
	put_raw(out, text, strlen(text) + 1);
}

/* Valid UTF-8 of at most TEXT_LONGEST bytes: a bad byte grows to three. */
static char *
shorten(const char *text, size_t len)
{
	char *valid = g_utf8_make_valid(text, (gssize)MIN(len,
							  TEXT_LONGEST));
	char *end = valid + MIN(strlen(valid), TEXT_LONGEST);

	if (*end != '\0')
		end = g_utf8_find_prev_char(valid, end + 1);
	*end = '\0';
	return valid;
}

void
put_text(GByteArray *out, const char *text)
{
	g_autofree char *valid = NULL;
	size_t len;

	if (text == NULL)
		text = "";
	len = strnlen(text, TEXT_LONGEST + 1);
	if (len > TEXT_LONGEST || !g_utf8_validate(text, (gssize)len, NULL)) {
		valid = shorten(text, len);
		text = valid;
		len = strlen(text);
	}
	put_u32(out, (uint32_t)len);
	put_raw(out, text, len + 1);
}

void
put_id(GByteArray *out, const struct post_id *id)
{
	put_raw(out, id->bytes, POST_ID_LEN);
}

void
cursor_init(struct cursor *in, struct bytes bytes)
{
	in->at = bytes.data;
	in->left = bytes.len;
	in->bad = bytes.data == NULL;
}

void
cursor_record(struct cursor *in, struct bytes bytes)
{
	(void) cursor_version(in, bytes, RECORD_VERSION);
}

uint8_t
cursor_version(struct cursor *in, struct bytes bytes, uint8_t most)
{
	uint8_t version;

	cursor_init(in, bytes);
	version = get_u8(in);
	if (version < 1 || version > most)
		in->bad = true;
	return in->bad ? 0 : version;
}

const void *
get_raw(struct cursor *in, size_t len)
{
	const void *at = in->at;

	if (in->bad || len > in->left) {
		in->bad = true;
		return NULL;
	}
	in->at += len;
	in->left -= len;
	return at;
}

uint8_t
get_u8(struct cursor *in)
{
	const uint8_t *p = get_raw(in, 1);

	return p != NULL ? *p : 0;
}

uint16_t
get_u16(struct cursor *in)
{
	const void *p = get_raw(in, sizeof(uint16_t));
	uint16_t n = 0;

	if (p != NULL)
		memcpy(&n, p, sizeof(n));
	return GUINT16_FROM_BE(n);
}

uint32_t
get_u32(struct cursor *in)
{
	const void *p = get_raw(in, sizeof(uint32_t));
	uint32_t n = 0;

	if (p != NULL)
		memcpy(&n, p, sizeof(n));
	return GUINT32_FROM_BE(n);
}

uint64_t
get_u64(struct cursor *in)
{
	const void *p = get_raw(in, sizeof(uint64_t));
	uint64_t n = 0;

	if (p != NULL)
		memcpy(&n, p, sizeof(n));
	return GUINT64_FROM_BE(n);
}

int64_t
get_time(struct cursor *in)
{
	uint64_t n = get_u64(in);

	if (n > INT64_MAX) {
		in->bad = true;
		return 0;
	}
	return (int64_t)n;
}

const char *
get_key_text(struct cursor *in)
{
	const void *end = in->bad || in->left == 0 ? NULL :
		memchr(in->at, '\0', in->left);
	const char *text = (const char *)in->at;

	if (end == NULL) {
		in->bad = true;
		return "";
	}
	(void) get_raw(in, (size_t)((const char *)end - text) + 1);
	return text;
}

const char *
get_text(struct cursor *in)
{
	uint32_t len = get_u32(in);
	const char *text = get_raw(in, (size_t)len + 1);

	if (text == NULL || text[len] != '\0' || strlen(text) != len) {
		in->bad = true;
		return "";
	}
	return text;
}

void
get_id(struct cursor *in, struct post_id *out)
{
	const void *p = get_raw(in, POST_ID_LEN);

	memset(out, 0, sizeof(*out));
	if (p != NULL)
		memcpy(out->bytes, p, POST_ID_LEN);
}

bool
cursor_end(const struct cursor *in)
{
	return !in->bad && in->left == 0;
}
