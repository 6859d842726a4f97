/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/content.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/mail/part.h"
#include "core/base/banned.h"

#define NAMES_MAX 1000

/* --- the whole, as bytes in a row --------------------------------------- */

/* As it was parsed: the fields follow each other, nothing was added, and the
 * body stands behind them and an empty line. */
static bool
lies_together(const struct header *header, const char *body)
{
	const char *at = NULL;

	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (at != NULL && field->raw != at)
			return false;
		at = field->raw + field->raw_len;
	}
	return at == NULL || (at <= body && body - at <= 2);
}

void
whole_init(const struct header *header, const char *body, size_t body_len,
	   struct whole *out)
{
	const char *start = header->fields->len > 0
				    ? g_array_index(header->fields,
						    struct header_field, 0)
					      .raw
				    : body;

	memset(out, 0, sizeof(*out));
	if (body != NULL && start <= body && lies_together(header, body)) {
		out->bytes = start;
		out->len = (size_t)(body - start) + body_len;
		return;
	}
	out->made = g_string_new(NULL);
	header_write(header, out->made);
	g_string_append(out->made, "\r\n");
	g_string_append_len(out->made, body, (gssize)body_len);
	out->bytes = out->made->str;
	out->len = out->made->len;
}

void
whole_done(struct whole *whole)
{
	if (whole->made != NULL)
		g_string_free(whole->made, TRUE);
}

/* --- parts -------------------------------------------------------------- */

static void
add_once(GPtrArray *texts, const char *text)
{
	if (text == NULL || text[0] == '\0' || texts->len >= NAMES_MAX)
		return;
	for (guint i = 0; i < texts->len; i++)
		if (strcmp(texts->pdata[i], text) == 0)
			return;
	g_ptr_array_add(texts, g_strdup(text));
}

static void
add_param(const struct part *part, const char *field, const char *param,
	  GPtrArray *out)
{
	g_autofree char *value = header_get(&part->header, field);
	g_autofree char *name = value != NULL ? mime_param(value, param)
					      : NULL;

	add_once(out, name);
}

static bool
is_multipart(const struct part *part)
{
	return g_str_has_prefix(part->type, "multipart/");
}

static void
add_part(const struct part *part, struct content_parts *out)
{
	add_once(out->types, part->type);
	add_param(part, "Content-Disposition", "filename", out->names);
	add_param(part, "Content-Type", "name", out->names);
	out->leaves += !is_multipart(part);
}

void
content_parts(const struct header *header, const char *body, size_t body_len,
	      struct content_parts *out)
{
	struct whole whole;
	struct parts parts;

	out->types = g_ptr_array_new_with_free_func(g_free);
	out->names = g_ptr_array_new_with_free_func(g_free);
	out->leaves = 0;
	whole_init(header, body, body_len, &whole);
	if (!parts_read(whole.bytes, whole.len, &parts)) {
		add_once(out->types, "application/octet-stream");
		out->leaves = 1;
	} else {
		for (guint i = 0; i < parts.parts->len; i++)
			add_part(parts.parts->pdata[i], out);
		parts_done(&parts);
	}
	whole_done(&whole);
}

void
content_parts_done(struct content_parts *parts)
{
	g_ptr_array_unref(parts->types);
	g_ptr_array_unref(parts->names);
	memset(parts, 0, sizeof(*parts));
}

/* --- text --------------------------------------------------------------- */

static const struct {
	const char *name, *text;
} entities[] = {
	{"amp;", "&"},	   {"lt;", "<"},   {"gt;", ">"},
	{"quot;", "\""},   {"nbsp;", " "}, {"apos;", "'"},
};

/* &name; or &#number; at `at` behind the ampersand; how long it is */
static size_t
add_entity(GString *out, const char *at)
{
	char *end;
	guint64 code;

	for (size_t i = 0; i < G_N_ELEMENTS(entities); i++)
		if (g_str_has_prefix(at, entities[i].name)) {
			g_string_append(out, entities[i].text);
			return strlen(entities[i].name);
		}
	if (at[0] == '#') {
		bool hex = at[1] == 'x' || at[1] == 'X';

		code = g_ascii_strtoull(at + 1 + hex, &end, hex ? 16 : 10);
		if (*end == ';' && code >= ' ' && code < 0x110000 &&
		    g_unichar_validate((gunichar)code)) {
			g_string_append_unichar(out, (gunichar)code);
			return (size_t)(end + 1 - at);
		}
	}
	g_string_append_c(out, '&');
	return 0;
}

/* Behind </script> or </style>, whose content is no text. */
static const char *
skip_element(const char *at, const char *name)
{
	g_autofree char *close = g_strdup_printf("</%s", name);

	for (; *at != '\0'; at++)
		if (*at == '<' &&
		    g_ascii_strncasecmp(at, close, strlen(close)) == 0)
			return at;
	return at;
}

static bool
is_element(const char *tag, const char *name)
{
	size_t len = strlen(name);

	return g_ascii_strncasecmp(tag, name, len) == 0 &&
	       !g_ascii_isalnum(tag[len]);
}

/* At "<": what follows the tag; tags that end a line leave one. */
static const char *
skip_tag(GString *out, const char *at)
{
	static const char *const breaks[] = {"br", "p", "/p", "div", "/div",
					     "tr", "li", "/h1", "/h2"};
	static const char *const silent[] = {"script", "style", "title"};
	const char *end;

	if (g_str_has_prefix(at, "<!--")) {
		end = strstr(at, "-->");
		return end != NULL ? end + 3 : at + strlen(at);
	}
	end = strchr(at, '>');
	if (end == NULL)
		return at + strlen(at);
	for (size_t i = 0; i < G_N_ELEMENTS(breaks); i++)
		if (is_element(at + 1, breaks[i]))
			g_string_append_c(out, '\n');
	for (size_t i = 0; i < G_N_ELEMENTS(silent); i++)
		if (is_element(at + 1, silent[i]))
			return skip_element(end + 1, silent[i]);
	return end + 1;
}

/* Does the tag at `at` say so in one of its attributes? */
static bool
tag_says(const char *at, const char *what)
{
	const char *end = strchr(at, '>');
	size_t len = strlen(what);

	for (; end != NULL && at + len <= end; at++)
		if (g_ascii_strncasecmp(at, what, len) == 0)
			return true;
	return false;
}

/* What mail programs put around that which they quote */
static const struct {
	const char *element, *says;
} quotes[] = {
	{"blockquote", ""},
	{"div", "\"gmail_quote"},
	{"div", "yahoo_quoted"},
	{"div", "protonmail_quote"},
	{"div", "moz-cite-prefix"},
	{"div", "mail-editor-reference-message"},
};

/* Outlook: all below it is the mail that was answered. */
static const char *const quote_starts[] = {
	"id=\"appendonsend\"", "id=\"divRplyFwdMsg\"",
	"name=\"_MailOriginal\"",
};

/* Behind the end of the element that begins at `at`, whatever is in it */
static const char *
skip_nested(const char *at, const char *name)
{
	g_autofree char *close = g_strdup_printf("/%s", name);
	size_t depth = 0;

	for (; *at != '\0'; at++) {
		if (*at != '<')
			continue;
		if (is_element(at + 1, name)) {
			depth++;
		} else if (is_element(at + 1, close) && --depth == 0) {
			at = strchr(at, '>');
			return at != NULL ? at + 1 : "";
		}
	}
	return at;
}

/* A quote begins at `at`: *next is what follows it, a line that says so
 * stands for it. */
static bool
skip_quote(GString *out, const char *at, const char **next)
{
	for (size_t i = 0; i < G_N_ELEMENTS(quotes); i++)
		if (is_element(at + 1, quotes[i].element) &&
		    tag_says(at, quotes[i].says)) {
			g_string_append(out, "\n>\n");
			*next = skip_nested(at, quotes[i].element);
			return true;
		}
	for (size_t i = 0; i < G_N_ELEMENTS(quote_starts); i++)
		if (tag_says(at, quote_starts[i])) {
			g_string_append(out, "\n" CONTENT_QUOTE_BELOW "\n");
			*next = "";
			return true;
		}
	return false;
}

/* own: without what is quoted, and the lines of the source are no lines */
static char *
text_of_html(const char *html, bool own)
{
	GString *out = g_string_new(NULL);

	while (*html != '\0' && out->len < CONTENT_TEXT_MAX) {
		if (*html == '<') {
			if (!own || !skip_quote(out, html, &html))
				html = skip_tag(out, html);
		} else if (*html == '&') {
			html++;
			html += add_entity(out, html);
		} else if (own && (*html == '\n' || *html == '\r')) {
			g_string_append_c(out, ' ');
			html++;
		} else {
			g_string_append_c(out, *html++);
		}
	}
	return g_string_free(out, FALSE);
}

static bool
is_attachment(const struct part *part)
{
	g_autofree char *value = header_get(&part->header,
					    "Content-Disposition");

	return value != NULL &&
	       g_ascii_strncasecmp(value, "attachment", 10) == 0;
}

char *
part_utf8(const struct piece *piece, size_t most)
{
	g_autofree char *type = header_get(&piece->part->header,
					   "Content-Type");
	g_autofree char *charset = type != NULL ? mime_param(type, "charset")
						: NULL;
	struct span span = piece->span;
	g_autoptr(GByteArray) bytes = NULL;

	/* More is not kept, however it is encoded. */
	span.len = MIN(span.len, 4 * most);
	bytes = part_decode(piece->part, span);
	return mime_to_utf8(charset != NULL ? charset : "",
			    bytes->len > 0 ? (const char *)bytes->data : "",
			    MIN(bytes->len, most));
}

static char *
piece_text(const struct piece *piece, size_t most, bool own)
{
	g_autofree char *text = part_utf8(piece, most);

	if (strcmp(piece->part->type, "text/html") == 0)
		return text_of_html(text, own);
	return g_steal_pointer(&text);
}

char *
part_text(const struct piece *piece, size_t most)
{
	return piece_text(piece, most, false);
}

static void
add_texts(const struct parts *parts, const char *type, GString *out)
{
	for (guint i = 0; i < parts->pieces->len &&
			  out->len < CONTENT_TEXT_MAX; i++) {
		const struct piece *piece = &g_array_index(
			parts->pieces, struct piece, i);
		g_autofree char *text = NULL;

		if (piece->kind != PIECE_LEAF ||
		    strcmp(piece->part->type, type) != 0 ||
		    is_attachment(piece->part))
			continue;
		text = part_text(piece, CONTENT_TEXT_MAX);
		g_string_append(out, text);
	}
}

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n\v\f")] == '\0';
}

char *
content_text(const struct header *header, const char *body, size_t body_len)
{
	GString *out = g_string_new(NULL);
	g_autofree char *raw = NULL;
	struct whole whole;
	struct parts parts;

	whole_init(header, body, body_len, &whole);
	if (parts_read(whole.bytes, whole.len, &parts)) {
		add_texts(&parts, "text/plain", out);
		if (is_blank(out->str))
			add_texts(&parts, "text/html", out);
		parts_done(&parts);
	}
	whole_done(&whole);
	raw = g_string_free(out, FALSE);
	return g_utf8_make_valid(raw, (gssize)strnlen(raw,
						      CONTENT_TEXT_MAX));
}

/* The first of that type that says something */
static char *
first_text(const struct parts *parts, const char *type)
{
	for (guint i = 0; i < parts->pieces->len; i++) {
		const struct piece *piece = &g_array_index(
			parts->pieces, struct piece, i);
		g_autofree char *text = NULL;

		if (piece->kind != PIECE_LEAF || piece->part->is_inside ||
		    strcmp(piece->part->type, type) != 0 ||
		    is_attachment(piece->part))
			continue;
		text = piece_text(piece, CONTENT_TEXT_MAX, true);
		if (!is_blank(text))
			return g_steal_pointer(&text);
	}
	return NULL;
}

char *
content_own_text(const struct header *header, const char *body,
		 size_t body_len)
{
	g_autofree char *text = NULL;
	struct whole whole;
	struct parts parts;

	whole_init(header, body, body_len, &whole);
	if (parts_read(whole.bytes, whole.len, &parts)) {
		text = first_text(&parts, "text/plain");
		if (text == NULL)
			text = first_text(&parts, "text/html");
		parts_done(&parts);
	}
	whole_done(&whole);
	if (text == NULL)
		return g_strdup("");
	return g_utf8_make_valid(text, (gssize)strnlen(text,
						       CONTENT_TEXT_MAX));
}

/* --- fields ------------------------------------------------------------- */

GPtrArray *
content_field(const struct header *header, const char *name)
{
	GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
	int index;

	for (int i = 0; i < NAMES_MAX &&
			(index = header_find(header, name, i)) >= 0; i++) {
		g_autofree char *value = header_value(header, index);

		g_ptr_array_add(values, mime_decode(value));
	}
	return values;
}

GPtrArray *
content_author_names(const struct header *header)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	int index;

	for (int i = 0; i < MIME_AUTHORS_MAX &&
			(index = header_find(header, "From", i)) >= 0; i++) {
		g_autofree char *value = header_value(header, index);

		mime_display_names(value, names);
	}
	return names;
}
