/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/input.h"

#include <errno.h>
#include <string.h>

#include <gio/gio.h>
#include <glib.h>

#include "core/base/banned.h"

#define PIECE (64 * 1024)
#define COMPACT_AT (1024 * 1024)	/* octets that are used up */

struct input {
	FILE *in;
	char *name;
	GConverter *gunzip;	/* NULL: it is not compressed */
	bool begun, ended;
	GByteArray *raw;	/* compressed, not used yet */
	GByteArray *bytes;
	gsize at;		/* in bytes */
	uint64_t octets, line;
};

struct input *
input_new(FILE *in, const char *name)
{
	struct input *input = g_new0(struct input, 1);

	input->in = in;
	input->name = g_strdup(name);
	input->raw = g_byte_array_new();
	/* with room, so that there always is an address */
	input->bytes = g_byte_array_sized_new(PIECE);
	input->line = 1;
	return input;
}

void
input_free(struct input *input)
{
	if (input == NULL)
		return;
	g_clear_object(&input->gunzip);
	g_byte_array_unref(input->raw);
	g_byte_array_unref(input->bytes);
	g_free(input->name);
	g_free(input);
}

uint64_t
input_line_number(const struct input *input)
{
	return input->line;
}

uint64_t
input_octets(const struct input *input)
{
	return input->octets;
}

const char *
input_name(const struct input *input)
{
	return input->name;
}

/* --- octets ------------------------------------------------------------- */

static enum err_code
read_piece(struct input *input, GByteArray *to, bool *more, struct err *err)
{
	const guint before = to->len;
	size_t n;

	g_byte_array_set_size(to, before + PIECE);
	errno = 0;
	n = fread(to->data + before, 1, PIECE, input->in);
	g_byte_array_set_size(to, before + (guint)n);
	*more = n > 0;
	if (n > 0 || !ferror(input->in))
		return ERR_OK;
	if (errno == ECANCELED)
		return err_set(err, ERR_BUSY, "run it again when musterd is "
			       "up: it goes on where it ended",
			       "musterd stops, and %s was not read to its "
			       "end", input->name);
	return err_errno(err, "", "%s cannot be read", input->name);
}

static enum err_code
damaged(const struct input *input, const char *what, struct err *err)
{
	return err_set(err, ERR_INVALID, "get the file again; what was read "
		       "of it so far is kept", "%s: the compressed data is "
		       "damaged behind line %llu: %s", input->name,
		       (unsigned long long)input->line, what);
}

/* Zeros behind the last, as tapes have them, are nothing. */
static void
drop_padding(struct input *input)
{
	guint zeros = 0;

	while (zeros < input->raw->len && input->raw->data[zeros] == 0)
		zeros++;
	g_byte_array_remove_range(input->raw, 0, zeros);
}

/* One step; there is something in raw. */
static enum err_code
gunzip_step(struct input *input, struct err *err)
{
	g_autoptr(GError) error = NULL;
	const guint before = input->bytes->len;
	gsize used = 0, made = 0;
	GConverterResult is;

	g_byte_array_set_size(input->bytes, before + 4 * PIECE);
	is = g_converter_convert(input->gunzip, input->raw->data,
				 input->raw->len, input->bytes->data + before,
				 4 * PIECE, G_CONVERTER_NO_FLAGS, &used,
				 &made, &error);
	g_byte_array_set_size(input->bytes, before + (guint)made);
	g_byte_array_remove_range(input->raw, 0, (guint)used);
	if (is == G_CONVERTER_ERROR &&
	    !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
		return damaged(input, error->message, err);
	input->begun = is != G_CONVERTER_FINISHED;
	if (!input->begun) {
		g_converter_reset(input->gunzip);
		drop_padding(input);
	}
	return ERR_OK;
}

/* More behind bytes, or ended. */
static enum err_code
fill_gunzipped(struct input *input, struct err *err)
{
	const guint before = input->bytes->len;
	enum err_code rc = ERR_OK;
	bool more = true;

	while (rc == ERR_OK && input->bytes->len == before) {
		const guint raw = input->raw->len;

		if (raw > 0)
			rc = gunzip_step(input, err);
		if (rc != ERR_OK || input->bytes->len > before)
			return rc;
		if (raw > 0 && input->raw->len > 0 && input->raw->len < raw)
			continue;
		rc = read_piece(input, input->raw, &more, err);
		if (rc != ERR_OK || more)
			continue;
		input->ended = true;
		return input->begun ?
			damaged(input, "it ends too early", err) : ERR_OK;
	}
	return rc;
}

static enum err_code
begin(struct input *input, struct err *err)
{
	static const uint8_t magic[] = { 0x1f, 0x8b };
	bool more = true;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && more && input->raw->len < sizeof(magic))
		rc = read_piece(input, input->raw, &more, err);
	if (rc != ERR_OK)
		return rc;
	input->begun = true;
	if (input->raw->len >= sizeof(magic) &&
	    memcmp(input->raw->data, magic, sizeof(magic)) == 0) {
		input->gunzip = G_CONVERTER(g_zlib_decompressor_new(
			G_ZLIB_COMPRESSOR_FORMAT_GZIP));
		return ERR_OK;
	}
	g_byte_array_append(input->bytes, input->raw->data, input->raw->len);
	g_byte_array_set_size(input->raw, 0);
	return ERR_OK;
}

static enum err_code
fill(struct input *input, struct err *err)
{
	enum err_code rc = ERR_OK;
	bool more;

	if (input->at > COMPACT_AT) {
		g_byte_array_remove_range(input->bytes, 0, (guint)input->at);
		input->at = 0;
	}
	if (!input->begun && input->gunzip == NULL && input->octets == 0 &&
	    input->bytes->len == 0) {
		rc = begin(input, err);
		if (rc != ERR_OK || input->bytes->len > 0)
			return rc;
	}
	if (input->gunzip != NULL)
		return fill_gunzipped(input, err);
	rc = read_piece(input, input->bytes, &more, err);
	input->ended = !more;
	return rc;
}

/* --- lines -------------------------------------------------------------- */

enum err_code
input_room(struct input *input, size_t len, bool *there, struct err *err)
{
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && !input->ended &&
	       input->bytes->len - input->at < len)
		rc = fill(input, err);
	*there = input->bytes->len - input->at >= len;
	return rc;
}

const char *
input_at(const struct input *input)
{
	return (const char *)input->bytes->data + input->at;
}

enum err_code
input_peek(struct input *input, size_t ahead, const char **line_out,
	   size_t *len_out, struct err *err)
{
	const char *line, *end;
	size_t left, seen = 0;
	enum err_code rc;

	for (;;) {
		left = input->bytes->len - input->at;
		line = input_at(input) + ahead;
		left = left > ahead ? MIN(left - ahead, INPUT_LINE_MAX) : 0;
		end = left > seen ? memchr(line + seen, '\n', left - seen) :
			NULL;
		if (end != NULL || left == INPUT_LINE_MAX || input->ended)
			break;
		seen = left;
		rc = fill(input, err);
		if (rc != ERR_OK)
			return rc;
	}
	*line_out = line;
	*len_out = end != NULL ? (size_t)(end + 1 - line) : left;
	return ERR_OK;
}

void
input_skip(struct input *input, size_t len)
{
	const char *at = input_at(input);

	for (size_t i = 0; i < len; i++)
		input->line += at[i] == '\n';
	input->at += len;
	input->octets += len;
}
