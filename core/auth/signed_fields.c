/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/signed_fields.h"

#include <string.h>

#include "core/base/banned.h"

#define LINE_MAX_LEN 76

static const struct header_field *
field_at(const struct header *header, guint index)
{
	return &g_array_index(header->fields, struct header_field, index);
}

static bool
has_name(const struct header_field *field, const char *name, size_t len)
{
	return field->name_len == len &&
	       g_ascii_strncasecmp(field->raw, name, len) == 0;
}

/* The lowest field of that name that is not taken; -1 if there is none. */
static int
take(const struct header *header, const char *name, guint8 *taken)
{
	size_t len = strlen(name);

	for (int i = (int)header->fields->len - 1; i >= 0; i--) {
		if (taken[i] != 0 ||
		    !has_name(field_at(header, (guint)i), name, len))
			continue;
		taken[i] = 1;
		return i;
	}
	return -1;
}

bool
signed_fields(const struct header *header, const char *names,
	      enum canon canon, GString *out)
{
	g_auto(GStrv) words = g_strsplit(names, ":", SIGNED_NAMES_MAX + 1);
	g_autofree guint8 *taken = g_new0(guint8, header->fields->len + 1);

	if (g_strv_length(words) > SIGNED_NAMES_MAX)
		return false;
	for (char **word = words; *word != NULL; word++) {
		int index = take(header, g_strstrip(*word), taken);

		if (index >= 0) {
			const struct header_field *field =
				field_at(header, (guint)index);

			canon_field(canon, field->raw, field->raw_len, out);
		}
	}
	return true;
}

/* Where the value of tag b= lies in a field; false: it has none. */
static bool
find_b(const char *raw, size_t len, size_t *from, size_t *to)
{
	const char *colon = memchr(raw, ':', len);
	size_t at = colon != NULL ? (size_t)(colon - raw) + 1 : len;

	while (at < len) {
		const char *end = memchr(raw + at, ';', len - at);
		size_t stop = end != NULL ? (size_t)(end - raw) : len;
		size_t name = at;

		while (name < stop && g_ascii_isspace(raw[name]))
			name++;
		*from = name + 1;
		while (*from < stop && g_ascii_isspace(raw[*from]))
			(*from)++;
		if (name < stop && raw[name] == 'b' && *from < stop &&
		    raw[*from] == '=') {
			(*from)++;
			*to = stop;
			return true;
		}
		at = stop + 1;
	}
	return false;
}

void
signed_own(const char *raw, size_t len, enum canon canon, GString *out)
{
	g_autoptr(GString) bare = g_string_new(NULL);
	size_t from, to;

	while (len > 0 && (raw[len - 1] == '\n' || raw[len - 1] == '\r'))
		len--;
	if (find_b(raw, len, &from, &to)) {
		g_string_append_len(bare, raw, (gssize)from);
		g_string_append_len(bare, raw + to, (gssize)(len - to));
	} else {
		g_string_append_len(bare, raw, (gssize)len);
	}
	canon_field(canon, bare->str, bare->len, out);
	g_string_truncate(out, out->len - 2);
}

static void
new_line(GString *value, size_t *column)
{
	g_string_append(value, "\r\n\t");
	*column = 8;
}

void
tag_fold(GString *value, size_t *column, const char *name, const char *text)
{
	size_t len = strlen(text), head = strlen(name) + 1;

	if (value->len > 0)
		g_string_append_c(value, ';');
	if (*column + head + MIN(len, LINE_MAX_LEN - 8 - head) + 2 >
	    LINE_MAX_LEN)
		new_line(value, column);
	else {
		g_string_append_c(value, ' ');
		(*column)++;
	}
	g_string_append_printf(value, "%s=", name);
	*column += head;
	/* Only base64 and lists of names are that long: both may be folded
	 * anywhere (FWS), names behind a colon. */
	while (*column + len > LINE_MAX_LEN) {
		size_t room = LINE_MAX_LEN - *column;
		const char *colon = strchr(text, ':') != NULL
					    ? memrchr(text, ':', room)
					    : NULL;

		if (colon != NULL)
			room = (size_t)(colon - text) + 1;
		else if (strchr(text, ':') != NULL)
			break;
		g_string_append_len(value, text, (gssize)room);
		text += room;
		len -= room;
		new_line(value, column);
	}
	g_string_append(value, text);
	*column += len + 1;
}
