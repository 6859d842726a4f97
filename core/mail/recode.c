/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lines over 998 octets are cut by every MTA on the way (Postfix puts CRLF
 * and a blank in, sendmail "!"), which breaks content and signatures. So a
 * post that has some is re-encoded here, where it is known what it is: leaf
 * parts in quoted-printable or base64, long fields by folding. What has no
 * long line keeps its bytes; the message is walked, not written anew, since
 * GMime would normalise the rest on the way.
 */
#include <string.h>

#include <gmime/gmime.h>

#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define DEPTH_MAX 30		/* deeper parts are leaves to us */
#define CUT_AT 900		/* octets of a line that has no blank */

struct span { const char *bytes; size_t len; };

static void recode_entity(struct span entity, int depth, GString *out);

/* One line of *rest with its line end. */
static struct span
next_line(struct span *rest)
{
	const char *lf = memchr(rest->bytes, '\n', rest->len);
	struct span line = { rest->bytes, lf != NULL ?
			     (size_t)(lf - rest->bytes) + 1 : rest->len };

	rest->bytes += line.len;
	rest->len -= line.len;
	return line;
}

static size_t
text_len(struct span line)
{
	size_t len = line.len;

	if (len > 0 && line.bytes[len - 1] == '\n')
		len--;
	if (len > 0 && line.bytes[len - 1] == '\r')
		len--;
	return len;
}

/* Lines as they are, with CRLF at each end that had one. */
static void
copy_lines(struct span text, GString *out)
{
	while (text.len > 0) {
		struct span line = next_line(&text);

		g_string_append_len(out, line.bytes,
				    (gssize)text_len(line));
		if (line.bytes[line.len - 1] == '\n')
			g_string_append(out, "\r\n");
	}
}

/* --- fields ------------------------------------------------------------- */

/* One line of a field in pieces, at blanks where there are some. */
static void
cut_line(const char *line, size_t len, GString *out)
{
	while (len > CUT_AT) {
		size_t at = CUT_AT;

		while (at > CUT_AT / 2 && line[at] != ' ' && line[at] != '\t')
			at--;
		if (line[at] != ' ' && line[at] != '\t')
			at = CUT_AT;
		g_string_append_len(out, line, (gssize)at);
		g_string_append(out, "\r\n");
		if (line[at] != ' ' && line[at] != '\t')
			g_string_append_c(out, ' ');
		line += at;
		len -= at;
	}
	g_string_append_len(out, line, (gssize)len);
	g_string_append(out, "\r\n");
}

static void
write_field(const struct header_field *field, GString *out)
{
	struct span rest = { field->raw, field->raw_len };

	while (rest.len > 0) {
		struct span line = next_line(&rest);

		cut_line(line.bytes, text_len(line), out);
	}
}

/* encoding: what Content-Transfer-Encoding is to say, or NULL: as it was. */
static void
write_header(const struct header *header, const char *encoding, GString *out)
{
	static const char cte[] = "Content-Transfer-Encoding";

	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (encoding != NULL && field->name_len == strlen(cte) &&
		    g_ascii_strncasecmp(field->raw, cte,
					field->name_len) == 0)
			continue;
		write_field(field, out);
	}
	if (encoding != NULL)
		g_string_append_printf(out, "%s: %s\r\n", cte, encoding);
}

/* --- leaves ------------------------------------------------------------- */

static GByteArray *
run_encoding(GMimeEncoding *state, struct span text)
{
	GByteArray *out = g_byte_array_new();
	size_t room = g_mime_encoding_outlen(state, text.len);

	g_byte_array_set_size(out, (guint)room);
	g_byte_array_set_size(out, (guint)g_mime_encoding_flush(
		state, text.bytes, text.len, (char *)out->data));
	return out;
}

static GByteArray *
decode_leaf(const struct header *header, struct span body)
{
	g_autofree char *value = header_get(header,
					    "Content-Transfer-Encoding");
	GMimeEncoding state;

	g_mime_encoding_init_decode(&state, value != NULL ?
		g_mime_content_encoding_from_string(g_strstrip(value)) :
		GMIME_CONTENT_ENCODING_DEFAULT);
	return run_encoding(&state, body);
}

/* GMime's encoders think in LF; text is canonical with CRLF outside. */
static GByteArray *
without_cr(const GByteArray *text)
{
	GByteArray *out = g_byte_array_sized_new(text->len);

	for (guint i = 0; i < text->len; i++)
		if (text->data[i] != '\r' || i + 1 >= text->len ||
		    text->data[i + 1] != '\n')
			g_byte_array_append(out, &text->data[i], 1);
	return out;
}

static void
encode_leaf(const struct header *header, struct span body, bool is_text,
	    GString *out)
{
	g_autoptr(GByteArray) raw = decode_leaf(header, body);
	g_autoptr(GByteArray) text = is_text ? without_cr(raw) :
		g_byte_array_ref(raw);
	g_autoptr(GByteArray) encoded = NULL;
	GMimeEncoding state;

	g_mime_encoding_init_encode(&state, is_text ?
				    GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE :
				    GMIME_CONTENT_ENCODING_BASE64);
	encoded = run_encoding(&state, (struct span){
		(const char *)text->data, text->len });
	write_header(header, is_text ? "quoted-printable" : "base64", out);
	g_string_append(out, "\r\n");
	copy_lines((struct span){ (const char *)encoded->data, encoded->len },
		   out);
}

/* --- structure ---------------------------------------------------------- */

struct kind {
	bool is_text;
	bool is_message;	/* an entity inside, not encoded */
	char *boundary;		/* of a multipart, or NULL */
};

static bool
is_identity(const struct header *header)
{
	g_autofree char *value = header_get(header,
					    "Content-Transfer-Encoding");
	GMimeContentEncoding encoding = value != NULL ?
		g_mime_content_encoding_from_string(g_strstrip(value)) :
		GMIME_CONTENT_ENCODING_DEFAULT;

	return encoding != GMIME_CONTENT_ENCODING_BASE64 &&
		encoding != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
		encoding != GMIME_CONTENT_ENCODING_UUENCODE;
}

static void
kind_of(const struct header *header, struct kind *out)
{
	g_autofree char *value = header_get(header, "Content-Type");
	GMimeContentType *type = g_mime_content_type_parse(
		NULL, value != NULL ? value : "text/plain");
	const char *boundary;

	boundary = g_mime_content_type_get_parameter(type, "boundary");
	out->is_text = g_mime_content_type_is_type(type, "text", "*");
	out->is_message = is_identity(header) &&
		g_mime_content_type_is_type(type, "message", "rfc822");
	out->boundary = boundary != NULL && boundary[0] != '\0' &&
		is_identity(header) &&
		g_mime_content_type_is_type(type, "multipart", "*") ?
		g_strdup(boundary) : NULL;
	g_object_unref(type);
}

/* 0: no delimiter, 1: delimiter, 2: the last one (RFC 2046 section 5.1.1) */
static int
delimiter(struct span line, const char *boundary)
{
	size_t len = strlen(boundary), text = text_len(line);

	if (text < len + 2 || line.bytes[0] != '-' || line.bytes[1] != '-' ||
	    memcmp(line.bytes + 2, boundary, len) != 0)
		return 0;
	return text >= len + 4 && line.bytes[len + 2] == '-' &&
		line.bytes[len + 3] == '-' ? 2 : 1;
}

/* Preamble and epilogue are read by nobody; they only must not be long. */
static void
copy_margin(struct span text, GString *out)
{
	while (text.len > 0) {
		struct span line = next_line(&text);

		cut_line(line.bytes, text_len(line), out);
	}
}

static void
recode_parts(struct span body, const char *boundary, int depth, GString *out)
{
	struct span rest = body, section = { body.bytes, 0 };
	bool inside = false;
	int found = 0;

	while (rest.len > 0 && found != 2) {
		struct span line = next_line(&rest);

		found = delimiter(line, boundary);
		if (found == 0) {
			section.len += line.len;
			continue;
		}
		if (inside)
			recode_entity(section, depth + 1, out);
		else
			copy_margin(section, out);
		copy_lines(line, out);
		inside = found == 1;
		section = (struct span){ rest.bytes, 0 };
	}
	if (inside)
		recode_entity(section, depth + 1, out);
	else
		copy_margin(found == 2 ? rest : section, out);
}

static void
recode_body(const struct header *header, const struct kind *kind,
	    struct span body, int depth, GString *out)
{
	if (depth < DEPTH_MAX && kind->boundary != NULL) {
		write_header(header, NULL, out);
		g_string_append(out, "\r\n");
		recode_parts(body, kind->boundary, depth, out);
	} else if (depth < DEPTH_MAX && kind->is_message) {
		write_header(header, NULL, out);
		g_string_append(out, "\r\n");
		recode_entity(body, depth + 1, out);
	} else if (mime_needs_recode(body.bytes, body.len)) {
		encode_leaf(header, body, kind->is_text, out);
	} else {
		write_header(header, NULL, out);
		g_string_append(out, "\r\n");
		copy_lines(body, out);
	}
}

static void
recode_entity(struct span entity, int depth, GString *out)
{
	struct header header;
	struct kind kind;
	size_t body_at;

	if (!mime_needs_recode(entity.bytes, entity.len) ||
	    !header_parse(entity.bytes, entity.len, &header, &body_at)) {
		copy_lines(entity, out);
		return;
	}
	kind_of(&header, &kind);
	recode_body(&header, &kind, (struct span){ entity.bytes + body_at,
		    entity.len - body_at }, depth, out);
	g_free(kind.boundary);
	header_done(&header);
}

/* A delimiter's line belongs to what is before it, so a re-encoded part must
 * not end in the middle of a line: the encoders of both kinds end one. */
bool
mime_recode(const char *bytes, size_t len, GString *out)
{
	g_autoptr(GString) made = g_string_sized_new(len + len / 8);

	recode_entity((struct span){ bytes, len }, 0, made);
	if (mime_needs_recode(made->str, made->len))
		return false;
	g_string_append_len(out, made->str, (gssize)made->len);
	return true;
}
