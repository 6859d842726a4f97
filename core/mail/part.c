/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/part.h"

#include <string.h>

#include <gmime/gmime.h>

#include "core/base/banned.h"

#define LINE_MAX_LEN 998	/* RFC 5321 section 4.5.3.1.6 */

#define TYPE_LEN_MAX 65536	/* of a Content-Type that is looked at */

/* A multipart whose end was not seen yet. */
struct level {
	char *boundary;
	size_t len;
	guint32 hash;		/* so that most lines are compared with none */
	int depth;		/* of the parts in it */
	bool is_digest;		/* their type is message/rfc822 (RFC 2046
				 * section 5.1.5) */
	unsigned int around;	/* messages that the parts are in */
};

struct reader {
	struct span rest;
	struct level levels[PART_DEPTH_MAX];
	int open;
	struct parts parts;
};

/* A delimiter line: which level's, and whether it is the last. */
struct edge { int level; bool is_last; };

/* --- lines -------------------------------------------------------------- */

struct span
span_line(struct span *rest)
{
	const char *lf = memchr(rest->bytes, '\n', rest->len);
	struct span line = { rest->bytes, lf != NULL ?
			     (size_t)(lf - rest->bytes) + 1 : rest->len };

	rest->bytes += line.len;
	rest->len -= line.len;
	return line;
}

size_t
span_text(struct span line)
{
	size_t len = line.len;

	if (len > 0 && line.bytes[len - 1] == '\n') {
		len--;
		if (len > 0 && line.bytes[len - 1] == '\r')
			len--;
	}
	return len;
}

static guint32
hash_of(const char *text, size_t len)
{
	guint32 hash = 5381;

	for (size_t i = 0; i < len; i++)
		hash = hash * 33 + (unsigned char)text[i];
	return hash;
}

/* The outermost level of that boundary, or -1: it is the one that counts
 * where two multiparts have the same. */
static int
find_level(const struct reader *reader, const char *boundary, size_t len)
{
	guint32 hash = hash_of(boundary, len);

	for (int i = 0; i < reader->open; i++)
		if (reader->levels[i].hash == hash &&
		    reader->levels[i].len == len &&
		    memcmp(reader->levels[i].boundary, boundary, len) == 0)
			return i;
	return -1;
}

/* "--" boundary, "--" at the end of the last, blanks (RFC 2046 section
 * 5.1.1) */
static bool
is_edge(const struct reader *reader, struct span line, struct edge *out)
{
	struct edge edge = { -1, false };
	size_t len;

	if (reader->open == 0 || line.len < 3 || line.bytes[0] != '-' ||
	    line.bytes[1] != '-')
		return false;
	len = span_text(line);
	while (len > 2 && (line.bytes[len - 1] == ' ' ||
			   line.bytes[len - 1] == '\t'))
		len--;
	edge.level = find_level(reader, line.bytes + 2, len - 2);
	if (edge.level < 0 && len > 4 &&
	    memcmp(line.bytes + len - 2, "--", 2) == 0) {
		edge.is_last = true;
		edge.level = find_level(reader, line.bytes + 2, len - 4);
	}
	if (edge.level < 0)
		return false;
	*out = edge;
	return true;
}

/* --- one part's header -------------------------------------------------- */

static enum part_encoding
read_encoding(const struct header *header)
{
	g_autofree char *value = header_get(header,
					    "Content-Transfer-Encoding");

	if (value == NULL)
		return PART_IDENTITY;
	value[strcspn(value, " \t;(")] = '\0';
	switch (g_mime_content_encoding_from_string(value)) {
	case GMIME_CONTENT_ENCODING_BASE64:
		return PART_BASE64;
	case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
		return PART_QP;
	case GMIME_CONTENT_ENCODING_UUENCODE:
		return PART_FOREIGN;
	default:
		return g_ascii_strncasecmp(value, "x-", 2) == 0 ?
			PART_FOREIGN : PART_IDENTITY;
	}
}

/* Fields and nothing else, which are folded rather than encoded. */
static bool
is_report(const struct part *part)
{
	return part->encoding == PART_IDENTITY &&
		(strcmp(part->type, "message/delivery-status") == 0 ||
		 strcmp(part->type, "message/disposition-notification") == 0 ||
		 strcmp(part->type, "message/external-body") == 0 ||
		 strcmp(part->type, "message/feedback-report") == 0);
}

static bool
is_message(const struct part *part)
{
	return part->encoding == PART_IDENTITY &&
		(strcmp(part->type, "message/rfc822") == 0 ||
		 strcmp(part->type, "message/global") == 0 ||
		 strcmp(part->type, "message/news") == 0);
}

/* boundary_out: of a multipart, else NULL */
static void
read_type(struct part *part, bool in_digest, char **boundary_out)
{
	g_autofree char *value = header_get(&part->header, "Content-Type");
	GMimeContentType *type = g_mime_content_type_parse(NULL,
		value == NULL ? in_digest ? "message/rfc822" : "text/plain" :
		strlen(value) <= TYPE_LEN_MAX ? value :
		"application/octet-stream");
	g_autofree char *text = g_mime_content_type_get_mime_type(type);
	const char *boundary = g_mime_content_type_get_parameter(type,
								 "boundary");

	part->type = g_ascii_strdown(text, -1);
	if (g_str_has_prefix(part->type, "multipart/") && boundary != NULL &&
	    boundary[0] != '\0') {
		*boundary_out = g_strdup(boundary);
		part->boundary = g_strdup(boundary);
	}
	/* What is called multipart and is not is text to most readers. */
	part->is_text = g_str_has_prefix(part->type, "text/") ||
		g_str_has_prefix(part->type, "multipart/");
	part->is_fields = is_report(part);
	/* A fragment may not be encoded (RFC 2046 section 5.2.2.1). */
	if (strcmp(part->type, "message/partial") == 0)
		part->encoding = PART_FOREIGN;
	g_object_unref(type);
}

/* Where the header must end: at an empty line or a delimiter. */
static size_t
head_limit(const struct reader *reader)
{
	struct span rest = reader->rest;
	struct edge edge;

	while (rest.len > 0) {
		struct span before = rest, line = span_line(&rest);

		if (is_edge(reader, line, &edge))
			return reader->rest.len - before.len;
		if (span_text(line) == 0)
			break;
	}
	return reader->rest.len - rest.len;
}

/* --- pieces ------------------------------------------------------------- */

static bool
has_long_line(struct span text)
{
	while (text.len > LINE_MAX_LEN)
		if (span_text(span_line(&text)) > LINE_MAX_LEN)
			return true;
	return false;
}

static void
add_piece(struct reader *reader, enum piece_kind kind, struct part *part,
	  struct span span)
{
	struct piece piece = {
		.kind = kind, .span = span, .part = part,
		.has_long = kind != PIECE_EDGE && has_long_line(span),
	};

	g_array_append_val(reader->parts.pieces, piece);
}

static struct span
take(struct reader *reader, size_t len)
{
	struct span taken = { reader->rest.bytes, len };

	reader->rest.bytes += len;
	reader->rest.len -= len;
	return taken;
}

static void
part_free(void *data)
{
	struct part *part = data;

	header_done(&part->header);
	g_free(part->type);
	g_free(part->boundary);
	g_free(part);
}

/* Mailboxes put such a line before a message (RFC 4155); an attached one may
 * still have it. */
static void
skip_from_line(struct reader *reader)
{
	struct span rest = reader->rest;

	if (rest.len > 6 && (memcmp(rest.bytes, "From ", 5) == 0 ||
			     memcmp(rest.bytes, ">From ", 6) == 0))
		add_piece(reader, PIECE_MARGIN, NULL,
			  take(reader, span_line(&rest).len));
}

/* --- the pass ----------------------------------------------------------- */

static struct part *
read_head(struct reader *reader, bool in_digest, char **boundary_out)
{
	size_t limit = head_limit(reader), body_at;
	struct part *part;
	struct header header;

	if (reader->parts.parts->len >= PART_COUNT_MAX ||
	    !header_parse(reader->rest.bytes, limit, &header, &body_at))
		return NULL;
	part = g_new0(struct part, 1);
	part->header = header;
	g_ptr_array_add(reader->parts.parts, part);
	part->encoding = read_encoding(&part->header);
	part->level = -1;
	read_type(part, in_digest, boundary_out);
	add_piece(reader, PIECE_HEAD, part, take(reader, body_at));
	for (guint i = 0; i < header.fields->len; i++)
		body_at -= g_array_index(header.fields, struct header_field,
					 i).raw_len;
	part->separated = body_at > 0;
	return part;
}

static void
push_level(struct reader *reader, struct part *part, int depth,
	   char *boundary)
{
	struct level *level = &reader->levels[reader->open];

	part->level = reader->open++;
	*level = (struct level){
		.boundary = boundary, .len = strlen(boundary),
		.hash = hash_of(boundary, strlen(boundary)),
		.depth = depth + 1, .around = part->around,
		.is_digest = strcmp(part->type, "multipart/digest") == 0,
	};
}

/* The headers that begin here, one, or more where a part is a message: to
 * the body that is content or preamble. NULL: a limit. */
static struct part *
read_entity(struct reader *reader, const struct level *level)
{
	bool in_digest = level != NULL && level->is_digest;
	unsigned int around = level != NULL ? level->around : 0;
	int depth = level != NULL ? level->depth : 0;

	for (bool is_root = level == NULL;; is_root = true) {
		g_autofree char *boundary = NULL;
		struct part *part;

		if (is_root)
			skip_from_line(reader);
		part = read_head(reader, in_digest, &boundary);
		if (part == NULL)
			return NULL;
		part->is_root = is_root;
		part->is_inside = around > 0;
		part->around = around;
		if (depth >= PART_DEPTH_MAX - 1) {
			part->is_deep = boundary != NULL || is_message(part);
			return part;
		}
		if (boundary != NULL)
			push_level(reader, part, depth,
				   g_steal_pointer(&boundary));
		if (!is_message(part))
			return part;
		around++;
		in_digest = false;
		depth++;
	}
}

/* All up to the next delimiter. False: there is none. */
static bool
read_body(struct reader *reader, enum piece_kind kind, struct part *part,
	  struct edge *edge_out)
{
	struct span rest = reader->rest, line = { NULL, 0 };
	struct piece *piece;
	size_t end = rest.len;
	bool found = false;

	while (rest.len > 0 && !found) {
		end = reader->rest.len - rest.len;
		line = span_line(&rest);
		found = is_edge(reader, line, edge_out);
	}
	if (!found) {
		add_piece(reader, kind, part, take(reader, reader->rest.len));
		return false;
	}
	/* The line end before a delimiter is its own (RFC 2046 5.1.1). */
	end = span_text((struct span){ reader->rest.bytes, end });
	add_piece(reader, kind, part, take(reader, end));
	add_piece(reader, PIECE_EDGE, NULL,
		  take(reader, reader->rest.len - rest.len));
	piece = &g_array_index(reader->parts.pieces, struct piece,
			       reader->parts.pieces->len - 1);
	piece->level = edge_out->level;
	piece->is_last = edge_out->is_last;
	return true;
}

static void
close_levels(struct reader *reader, int keep)
{
	while (reader->open > keep)
		g_free(reader->levels[--reader->open].boundary);
}

static bool
read_content(struct reader *reader, struct part *part, bool is_preamble,
	     struct edge *edge_out)
{
	guint at = reader->parts.pieces->len;
	bool found = read_body(reader, is_preamble ? PIECE_MARGIN : PIECE_LEAF,
			       part, edge_out);

	/* A multipart in which no part begins has content, no preamble. */
	if (is_preamble && (!found || edge_out->level < reader->open - 1))
		g_array_index(reader->parts.pieces, struct piece, at).kind =
			PIECE_LEAF;
	return found;
}

static bool
read_all(struct reader *reader)
{
	struct part *part = read_entity(reader, NULL);
	int before = 0;		/* levels that were open before this part */
	struct edge edge;

	while (part != NULL) {
		if (!read_content(reader, part, reader->open > before, &edge))
			return true;
		while (edge.is_last) {
			close_levels(reader, edge.level);
			if (!read_body(reader, PIECE_MARGIN, NULL, &edge))
				return true;
		}
		close_levels(reader, edge.level + 1);
		before = reader->open;
		part = read_entity(reader, &reader->levels[edge.level]);
	}
	return false;
}

bool
parts_read(const char *bytes, size_t len, struct parts *out)
{
	struct reader reader = {
		.rest = { bytes, len },
		.parts = {
			.pieces = g_array_new(FALSE, FALSE,
					      sizeof(struct piece)),
			.parts = g_ptr_array_new_with_free_func(part_free),
		},
	};
	bool ok = len <= G_MAXINT && read_all(&reader);

	close_levels(&reader, 0);
	if (ok)
		*out = reader.parts;
	else
		parts_done(&reader.parts);
	return ok;
}

void
parts_done(struct parts *parts)
{
	g_array_unref(parts->pieces);
	g_ptr_array_unref(parts->parts);
	memset(parts, 0, sizeof(*parts));
}

/* --- content ------------------------------------------------------------ */

GByteArray *
part_decode(const struct part *part, struct span content)
{
	GByteArray *out = g_byte_array_new();
	GMimeEncoding state;
	size_t len;

	if (part->encoding == PART_IDENTITY ||
	    part->encoding == PART_FOREIGN) {
		g_byte_array_append(out, (const guint8 *)content.bytes,
				    (guint)content.len);
		return out;
	}
	g_mime_encoding_init_decode(&state, part->encoding == PART_BASE64 ?
		GMIME_CONTENT_ENCODING_BASE64 :
		GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	g_byte_array_set_size(out, (guint)g_mime_encoding_outlen(
		&state, content.len));
	len = g_mime_encoding_flush(&state, content.bytes, content.len,
				    (char *)out->data);
	g_byte_array_set_size(out, (guint)len);
	return out;
}

#define SIZE_STEP 16384		/* bytes that are decoded at a time */

size_t
part_size(const struct part *part, struct span content)
{
	char scratch[SIZE_STEP + 64];
	GMimeEncoding state;
	size_t size = 0;

	if (part->encoding == PART_IDENTITY || part->encoding == PART_FOREIGN)
		return content.len;
	g_mime_encoding_init_decode(&state, part->encoding == PART_BASE64 ?
		GMIME_CONTENT_ENCODING_BASE64 :
		GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	while (content.len > 0) {
		size_t step = MIN(content.len, SIZE_STEP);

		size += g_mime_encoding_step(&state, content.bytes, step,
					     scratch);
		content.bytes += step;
		content.len -= step;
	}
	return size + g_mime_encoding_flush(&state, "", 0, scratch);
}
