/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/header.h"

#include <string.h>

#include "core/base/banned.h"

#define LINE_ROOM 78		/* RFC 5322 section 2.1.1 */

static struct header_field *
field_at(const struct header *header, guint index)
{
	return &g_array_index(header->fields, struct header_field, index);
}

/* --- reading ------------------------------------------------------------ */

/* Length of the line at bytes, with its LF; len if there is none. */
static size_t
line_len(const char *bytes, size_t len)
{
	const char *lf = memchr(bytes, '\n', len);

	return lf != NULL ? (size_t)(lf - bytes) + 1 : len;
}

static bool
is_empty_line(const char *line, size_t len)
{
	return (len == 1 && line[0] == '\n') ||
		(len == 2 && line[0] == '\r' && line[1] == '\n');
}

/* The name is printable and has no blank (RFC 5322 section 2.2), but blanks
 * before the colon are obsolete syntax that is still met (section 4.5). */
static bool
read_name(const char *line, size_t len, struct header_field *out)
{
	size_t name = 0, colon;

	while (name < len && line[name] > ' ' && line[name] < 0x7f &&
	       line[name] != ':')
		name++;
	colon = name;
	while (colon < len && (line[colon] == ' ' || line[colon] == '\t'))
		colon++;
	if (name == 0 || colon == len || line[colon] != ':')
		return false;
	out->name_len = name;
	out->value_at = colon + 1;
	return true;
}

/* The field that begins here, with its folds. */
static bool
read_field(const char *bytes, size_t len, struct header_field *out)
{
	size_t end = line_len(bytes, len);

	if (!read_name(bytes, end, out))
		return false;
	while (end < len && (bytes[end] == ' ' || bytes[end] == '\t'))
		end += line_len(bytes + end, len - end);
	out->raw = bytes;
	out->raw_len = end;
	return true;
}

bool
header_parse(const char *bytes, size_t len, struct header *out,
	     size_t *body_at)
{
	struct header header = {
		.fields = g_array_new(FALSE, FALSE,
				      sizeof(struct header_field)),
		.own = g_string_chunk_new(256),
	};
	struct header_field field;
	size_t at = 0, line;

	while (at < len) {
		line = line_len(bytes + at, len - at);
		if (is_empty_line(bytes + at, line)) {
			at += line;
			break;
		}
		if (!read_field(bytes + at, len - at, &field))
			break;
		if (header.fields->len >= HEADER_FIELDS_MAX) {
			header_done(&header);
			return false;
		}
		g_array_append_val(header.fields, field);
		at += field.raw_len;
	}
	*out = header;
	*body_at = at;
	return true;
}

bool
header_is_ended(const char *bytes, size_t len, size_t body_at)
{
	if (body_at == len)
		return true;
	if (body_at > 0 && bytes[body_at - 1] == '\n')
		body_at -= body_at > 1 && bytes[body_at - 2] == '\r' ? 2 : 1;
	else
		return false;
	return body_at == 0 || bytes[body_at - 1] == '\n';
}

void
header_done(struct header *header)
{
	g_array_free(header->fields, TRUE);
	g_string_chunk_free(header->own);
	memset(header, 0, sizeof(*header));
}

/* --- finding ------------------------------------------------------------ */

bool
header_field_is(const struct header_field *field, const char *name)
{
	return field->name_len == strlen(name) &&
		g_ascii_strncasecmp(field->raw, name, field->name_len) == 0;
}

bool
header_field_begins(const struct header_field *field, const char *prefix)
{
	return field->name_len >= strlen(prefix) &&
		g_ascii_strncasecmp(field->raw, prefix, strlen(prefix)) == 0;
}

bool
header_field_in(const struct header_field *field, const char *const *names)
{
	for (; *names != NULL; names++)
		if (header_field_is(field, *names))
			return true;
	return false;
}

static bool
name_is(const struct header_field *field, const char *name, size_t len)
{
	return field->name_len == len &&
		g_ascii_strncasecmp(field->raw, name, len) == 0;
}

int
header_find(const struct header *header, const char *name, int nth)
{
	size_t len = strlen(name);

	for (guint i = 0; i < header->fields->len; i++)
		if (name_is(field_at(header, i), name, len) && nth-- == 0)
			return (int)i;
	return -1;
}

unsigned int
header_count(const struct header *header, const char *name)
{
	size_t len = strlen(name);
	unsigned int count = 0;

	for (guint i = 0; i < header->fields->len; i++)
		count += name_is(field_at(header, i), name, len);
	return count;
}

/* Unfolding takes out the CRLF, not the blank behind it (RFC 5322 section
 * 2.2.3). */
char *
header_value(const struct header *header, int index)
{
	const struct header_field *field = field_at(header, (guint)index);
	GString *value = g_string_sized_new(field->raw_len);

	for (size_t i = field->value_at; i < field->raw_len; i++) {
		char c = field->raw[i];

		if (c == '\n' || (c == '\r' && i + 1 < field->raw_len &&
				  field->raw[i + 1] == '\n'))
			continue;
		g_string_append_c(value, (unsigned char)c < ' ' || c == 0x7f ?
				  ' ' : c);
	}
	return g_strstrip(g_string_free(value, FALSE));
}

char *
header_get(const struct header *header, const char *name)
{
	int index = header_find(header, name, 0);

	return index < 0 ? NULL : header_value(header, index);
}

/* --- changing ----------------------------------------------------------- */

void
header_remove(struct header *header, const char *name)
{
	size_t len = strlen(name);
	guint kept = 0;

	for (guint i = 0; i < header->fields->len; i++)
		if (!name_is(field_at(header, i), name, len))
			*field_at(header, kept++) = *field_at(header, i);
	g_array_set_size(header->fields, kept);
}

static bool
is_fold(const char *p)
{
	return p[0] == '\r' && p[1] == '\n' && (p[2] == ' ' || p[2] == '\t');
}

/* Text from a post may have come this far: whatever it is, it adds no field
 * and does not end the block. */
static char *
make_text(const char *name, const char *value)
{
	GString *text = g_string_new(name);

	g_string_append(text, ": ");
	for (const char *p = value; *p != '\0'; p++) {
		if (is_fold(p)) {
			g_string_append(text, "\r\n");
			p++;
		} else {
			g_string_append_c(text, *p == '\r' || *p == '\n' ?
					  ' ' : *p);
		}
	}
	g_string_append(text, "\r\n");
	return g_string_free(text, FALSE);
}

static struct header_field
make_field(struct header *header, const char *name, const char *value)
{
	g_autofree char *text = make_text(name, value);
	struct header_field field = {
		.raw = g_string_chunk_insert(header->own, text),
		.raw_len = strlen(text),
		.name_len = strlen(name),
		.value_at = strlen(name) + 1,
	};

	return field;
}

void
header_append(struct header *header, const char *name, const char *value)
{
	struct header_field field = make_field(header, name, value);

	g_array_append_val(header->fields, field);
}

void
header_prepend(struct header *header, const char *name, const char *value)
{
	struct header_field field = make_field(header, name, value);

	g_array_prepend_val(header->fields, field);
}

void
header_set(struct header *header, const char *name, const char *value)
{
	int first = header_find(header, name, 0);
	struct header_field field = make_field(header, name, value);

	if (first < 0) {
		g_array_append_val(header->fields, field);
		return;
	}
	header_remove(header, name);
	g_array_insert_val(header->fields, (guint)first, field);
}

/* --- writing ------------------------------------------------------------ */

/* The last field of a post without body may have no line end; then one is
 * needed where another field was added behind it. */
static bool
is_ended(const struct header_field *field)
{
	return field->raw_len > 0 && field->raw[field->raw_len - 1] == '\n';
}

void
header_write(const struct header *header, GString *out)
{
	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = field_at(header, i);

		g_string_append_len(out, field->raw,
				    (gssize)field->raw_len);
		if (i + 1 < header->fields->len && !is_ended(field))
			g_string_append(out, "\r\n");
	}
}

/* Blanks, then what is not blank: no line may be of blanks only, it would
 * pass for the end of the header somewhere. */
static size_t
word_len(const char *text)
{
	size_t blanks = strspn(text, " \t");

	return blanks + strcspn(text + blanks, " \t");
}

char *
header_fold(const char *value, size_t first)
{
	GString *out = g_string_sized_new(strlen(value) + 64);
	const char *from = value;
	size_t column = first;

	while (*value != '\0') {
		size_t len = word_len(value);
		size_t blanks = strspn(value, " \t");

		if (blanks > 0 && blanks < len && column + len > LINE_ROOM &&
		    value != from) {
			g_string_append(out, "\r\n");
			column = 0;
		}
		g_string_append_len(out, value, (gssize)len);
		column += len;
		value += len;
	}
	return g_string_free(out, FALSE);
}

/* --- signatures --------------------------------------------------------- */

/* The value of h= in a tag list without folds; borrowed, *len its length. */
static const char *
find_signed_names(const char *tags, size_t *len)
{
	while (*tags != '\0') {
		size_t tag = strcspn(tags, ";");
		const char *p = tags + strspn(tags, " \t");

		if (*p == 'h') {
			p++;
			p += strspn(p, " \t");
			if (*p == '=') {
				p++;
				*len = (size_t)(tags + tag - p);
				return p;
			}
		}
		tags += tag;
		if (*tags == ';')
			tags++;
	}
	return NULL;
}

static bool
names_include(const char *names, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	while (len > 0) {
		const char *colon = memchr(names, ':', len);
		size_t part = colon != NULL ? (size_t)(colon - names) : len;
		size_t from = 0, to = part;

		while (from < to && (names[from] == ' ' ||
				     names[from] == '\t'))
			from++;
		while (to > from && (names[to - 1] == ' ' ||
				     names[to - 1] == '\t'))
			to--;
		if (to - from == name_len &&
		    g_ascii_strncasecmp(names + from, name, name_len) == 0)
			return true;
		part += colon != NULL;
		names += part;
		len -= part;
	}
	return false;
}

bool
header_is_signed(const struct header *header, const char *name)
{
	static const char field[] = "DKIM-Signature";

	for (guint i = 0; i < header->fields->len; i++) {
		g_autofree char *tags = NULL;
		const char *names;
		size_t len;

		if (!name_is(field_at(header, i), field, strlen(field)))
			continue;
		tags = header_value(header, (int)i);
		names = find_signed_names(tags, &len);
		if (names != NULL && names_include(names, len, name))
			return true;
	}
	return false;
}
