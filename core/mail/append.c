/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A text below a message. The less is changed the better it is for those who
 * read it, so lines are added where that is without harm: to a text/plain in
 * ASCII or UTF-8 that is the whole message and not encoded. A multipart/mixed
 * gets a part more if it is as it should be. Everything else, signed,
 * encrypted, alternative, encoded, broken, becomes the first part of a
 * multipart/mixed, with the fields that say what it is and without another
 * change of a byte, so that what was valid in it stays so.
 */
#include <string.h>

#include <gmime/gmime.h>

#include "core/mail/mime.h"
#include "core/mail/part.h"
#include "core/base/banned.h"

#define TYPE_LEN_MAX 2000	/* of a Content-Type that is understood */
#define BOUNDARY_MAX 70		/* RFC 2046 section 5.1.1 */

struct appending {
	struct header *header;
	struct span body;
	const char *text;
	bool is_ascii;
	const char *type;	/* value of Content-Type, NULL: none */
	bool is_plain_head;	/* what it says of the content is short, and
				 * said once */
	GString *out;
};

/* --- what it is --------------------------------------------------------- */

/* "text/plain" in front of its parameters */
static bool
is_type(const char *value, const char *type)
{
	size_t len = strlen(type);

	return g_ascii_strncasecmp(value, type, len) == 0 &&
		strchr(" \t;", value[len]) != NULL;
}

static bool
has_bytes_past(const char *text, size_t len, unsigned char last)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] > last)
			return true;
	return false;
}

static bool
is_encoded_as(const struct appending *a, const char *const *encodings)
{
	g_autofree char *value = header_get(a->header,
					    "Content-Transfer-Encoding");
	g_autofree char *word = value != NULL ? g_ascii_strdown(value, -1) :
		NULL;

	return word == NULL || g_strv_contains(encodings, g_strstrip(word));
}

/* Is the text as its charset says, so that it may be called UTF-8? ESC begins
 * other letters in what calls itself ASCII (ISO-2022). */
static bool
has_good_charset(const struct appending *a)
{
	g_autofree char *charset = a->type == NULL ? NULL :
		mime_param(a->type, "charset");

	if (charset != NULL && g_ascii_strcasecmp(charset, "utf-8") == 0)
		return true;
	return (charset == NULL ||
		g_ascii_strcasecmp(charset, "us-ascii") == 0) &&
		!has_bytes_past(a->body.bytes, a->body.len, 0x7f) &&
		memchr(a->body.bytes, '\033', a->body.len) == NULL;
}

static bool
is_lone_text(const struct appending *a)
{
	static const char *const plain[] = { "7bit", "8bit", NULL };
	g_autofree char *place = header_get(a->header,
					    "Content-Disposition");

	return a->is_plain_head &&
		(a->type == NULL || is_type(a->type, "text/plain")) &&
		(place == NULL || g_ascii_strncasecmp(place, "attachment",
						      10) != 0) &&
		is_encoded_as(a, plain) && has_good_charset(a);
}

/* --- lines -------------------------------------------------------------- */

/* The body is another one now. */
static void
remove_sums(struct header *header)
{
	header_remove(header, "Content-MD5");
	header_remove(header, "Content-Length");
	header_remove(header, "Lines");
}

static void
set_mime(struct header *header)
{
	if (header_find(header, "MIME-Version", 0) < 0)
		header_append(header, "MIME-Version", "1.0");
}

static void
set_eight_bit(const struct appending *a)
{
	static const char *const enough[] = { "8bit", "binary", NULL };

	if (header_find(a->header, "Content-Transfer-Encoding", 0) < 0 ||
	    !is_encoded_as(a, enough))
		header_set(a->header, "Content-Transfer-Encoding", "8bit");
}

/* The same type with another charset, on one line where it is not long. */
static void
set_utf8(const struct appending *a)
{
	g_autofree char *charset = a->type == NULL ? NULL :
		mime_param(a->type, "charset");
	g_autofree char *encoded = NULL, *folded = NULL;
	GMimeContentType *type;
	char *to;

	if (charset != NULL && g_ascii_strcasecmp(charset, "utf-8") == 0)
		return;
	type = g_mime_content_type_parse(NULL, a->type != NULL ? a->type :
					 "text/plain");
	g_mime_content_type_set_parameter(type, "charset", "utf-8");
	encoded = g_mime_content_type_encode(type, NULL);
	g_object_unref(type);
	to = encoded;
	for (const char *from = encoded; *from != '\0'; from++)
		if (*from != '\r' && *from != '\n')
			*to++ = *from == '\t' ? ' ' : *from;
	*to = '\0';
	folded = header_fold(g_strstrip(encoded), strlen("Content-Type: "));
	header_set(a->header, "Content-Type", folded);
}

static bool
is_flowed(const struct appending *a)
{
	g_autofree char *format = a->type == NULL ? NULL :
		mime_param(a->type, "format");

	return format != NULL && g_ascii_strcasecmp(format, "flowed") == 0;
}

/* RFC 3676 section 4.4: what a reader takes away is put in front; and no
 * line is the end of a paragraph that began above. */
static void
append_flowed(const struct appending *a)
{
	struct span rest = { a->text, strlen(a->text) };

	if (g_str_has_suffix(a->out->str, " \r\n") ||
	    g_str_has_suffix(a->out->str, " \n"))
		g_string_append(a->out, "\r\n");
	while (rest.len > 0) {
		struct span line = span_line(&rest);

		if (line.bytes[0] == ' ' || line.bytes[0] == '>' ||
		    g_str_has_prefix(line.bytes, "From "))
			g_string_append_c(a->out, ' ');
		g_string_append_len(a->out, line.bytes, (gssize)line.len);
	}
}

static void
append_lines(const struct appending *a)
{
	remove_sums(a->header);
	if (!a->is_ascii) {
		set_mime(a->header);
		set_utf8(a);
		set_eight_bit(a);
	}
	g_string_append_len(a->out, a->body.bytes, (gssize)a->body.len);
	if (a->body.len > 0 && a->body.bytes[a->body.len - 1] != '\n')
		g_string_append(a->out, "\r\n");
	if (is_flowed(a))
		append_flowed(a);
	else
		g_string_append(a->out, a->text);
}

/* --- a part ------------------------------------------------------------- */

static void
put_text_part(const struct appending *a, const char *boundary)
{
	g_string_append_printf(a->out, "--%s\r\n"
		"Content-Type: text/plain; charset=\"utf-8\"\r\n"
		"Content-Disposition: inline\r\n"
		"Content-Transfer-Encoding: %s\r\n\r\n%s", boundary,
		a->is_ascii ? "7bit" : "8bit", a->text);
}

/* A boundary that everybody reads in the same way; the caller frees. */
static char *
good_boundary(const struct appending *a)
{
	g_autofree char *boundary = mime_param(a->type, "boundary");
	size_t len = boundary != NULL ? strlen(boundary) : 0;

	if (len == 0 || len > BOUNDARY_MAX || strspn(boundary,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "'()+_,-./:=?") != len)
		return NULL;
	return g_steal_pointer(&boundary);
}

enum line_kind { LINE_OTHER, LINE_BETWEEN, LINE_LAST };

static enum line_kind
line_kind(struct span line, const char *boundary)
{
	size_t len = span_text(line), own = strlen(boundary);
	const char *bytes = line.bytes;

	while (len > 0 && (bytes[len - 1] == ' ' || bytes[len - 1] == '\t'))
		len--;
	if (len < own + 2 || memcmp(bytes, "--", 2) != 0 ||
	    memcmp(bytes + 2, boundary, own) != 0)
		return LINE_OTHER;
	if (len == own + 2)
		return LINE_BETWEEN;
	return len == own + 4 && memcmp(bytes + own + 2, "--", 2) == 0 ?
		LINE_LAST : LINE_OTHER;
}

/* Where the last delimiter begins, of a multipart that has each it needs and
 * none behind it; else 0. */
static size_t
find_last(struct span body, const char *boundary)
{
	struct span rest = body;
	bool begun = false;
	size_t last = 0;

	while (rest.len > 0) {
		size_t at = body.len - rest.len;
		enum line_kind kind = line_kind(span_line(&rest), boundary);

		if (kind != LINE_OTHER && last != 0)
			return 0;
		if (kind == LINE_LAST && !begun)
			return 0;
		if (kind == LINE_LAST)
			last = at;
		begun = begun || kind == LINE_BETWEEN;
	}
	return last;
}

static bool
has_edge(const char *text, const char *boundary)
{
	struct span rest = { text, strlen(text) };

	while (rest.len > 0)
		if (line_kind(span_line(&rest), boundary) != LINE_OTHER)
			return true;
	return false;
}

/* False: it is none that can have another part. */
static bool
append_part(const struct appending *a)
{
	static const char *const plain[] = { "7bit", "8bit", "binary", NULL };
	g_autofree char *boundary = NULL;
	size_t last;

	if (!a->is_plain_head || a->type == NULL ||
	    !is_type(a->type, "multipart/mixed") || !is_encoded_as(a, plain))
		return false;
	boundary = good_boundary(a);
	last = boundary != NULL ? find_last(a->body, boundary) : 0;
	if (last == 0 || has_edge(a->text, boundary))
		return false;
	remove_sums(a->header);
	if (!a->is_ascii)
		set_eight_bit(a);
	g_string_append_len(a->out, a->body.bytes, (gssize)last);
	put_text_part(a, boundary);
	g_string_append_len(a->out, a->body.bytes + last,
			    (gssize)(a->body.len - last));
	return true;
}

/* --- around it ---------------------------------------------------------- */

static bool
is_content_field(const struct header_field *field)
{
	return field->name_len > strlen("Content-") &&
		g_ascii_strncasecmp(field->raw, "Content-",
				    strlen("Content-")) == 0;
}

/* What is said of the content is said of the first part from now on. */
static void
move_content_fields(struct header *header, GString *out)
{
	for (guint i = 0; i < header->fields->len;) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (!is_content_field(field)) {
			i++;
			continue;
		}
		g_string_append_len(out, field->raw, (gssize)field->raw_len);
		if (field->raw[field->raw_len - 1] != '\n')
			g_string_append(out, "\r\n");
		(void) g_array_remove_index(header->fields, i);
	}
}

static char *
new_boundary(struct span body)
{
	for (;;) {
		g_autofree char *boundary = g_strdup_printf(
			"=_%08x%08x%08x", g_random_int(), g_random_int(),
			g_random_int());

		if (memmem(body.bytes, body.len, boundary,
			   strlen(boundary)) == NULL)
			return g_steal_pointer(&boundary);
	}
}

/* RFC 2045 section 6.4: of its parts the one that needs most */
static const char *
outer_encoding(const struct appending *a)
{
	g_autofree char *inner = header_get(a->header,
					    "Content-Transfer-Encoding");

	if (inner != NULL && g_ascii_strcasecmp(inner, "binary") == 0)
		return "binary";
	if (!a->is_ascii ||
	    (inner != NULL && g_ascii_strcasecmp(inner, "8bit") == 0) ||
	    has_bytes_past(a->body.bytes, a->body.len, 0x7f))
		return "8bit";
	return NULL;
}

static void
append_around(const struct appending *a)
{
	g_autofree char *boundary = new_boundary(a->body);
	g_autofree char *type = g_strdup_printf(
		"multipart/mixed;\r\n\tboundary=\"%s\"", boundary);
	const char *encoding = outer_encoding(a);

	header_remove(a->header, "Content-Length");
	header_remove(a->header, "Lines");
	g_string_append_printf(a->out, "--%s\r\n", boundary);
	move_content_fields(a->header, a->out);
	g_string_append(a->out, "\r\n");
	g_string_append_len(a->out, a->body.bytes, (gssize)a->body.len);
	g_string_append(a->out, "\r\n");
	put_text_part(a, boundary);
	g_string_append_printf(a->out, "--%s--\r\n", boundary);
	set_mime(a->header);
	header_append(a->header, "Content-Type", type);
	if (encoding != NULL)
		header_append(a->header, "Content-Transfer-Encoding",
			      encoding);
}

/* ------------------------------------------------------------------------ */

static bool
is_plain_head(const struct header *header)
{
	static const char *const once[] = {
		"MIME-Version", "Content-Type", "Content-Transfer-Encoding",
		"Content-Disposition",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(once); i++)
		if (header_count(header, once[i]) > 1)
			return false;
	return true;
}

enum append_way
mime_append(struct header *header, const char *body, size_t len,
	    const char *text, bool is_ascii, GString *out)
{
	g_autofree char *type = header_get(header, "Content-Type");
	struct appending a = {
		.header = header, .body = { body, len }, .text = text,
		.is_ascii = is_ascii, .out = out, .type = type,
		.is_plain_head = is_plain_head(header) &&
			(type == NULL || strlen(type) <= TYPE_LEN_MAX),
	};

	if (is_lone_text(&a)) {
		append_lines(&a);
		return APPEND_LINES;
	}
	if (append_part(&a))
		return APPEND_PART;
	append_around(&a);
	return APPEND_AROUND;
}
