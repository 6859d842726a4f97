/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Texts above and below a message. The less is changed the better it is for
 * those who read it, so they are put into its lines where that is without
 * harm (append_lone.c). A multipart/mixed gets parts more if it is as it should
 * be. Everything else, signed, encrypted, alternative, HTML, broken, becomes a
 * part of a multipart/mixed, with the fields that say what it is and without
 * another change of a byte, so that what was valid in it stays so.
 *
 * What stands above a patch would become a part of its commit's message (git
 * am joins the parts of a message too), so there all is below.
 */
#include <string.h>

#include "core/mail/append_inside.h"
#include "core/base/banned.h"

#define TYPE_LEN_MAX 2000	/* of a Content-Type that is understood */
#define BOUNDARY_MAX 70		/* RFC 2046 section 5.1.1 */
#define PATCH_LOOK 1048576	/* octets of base64 that are looked into */

/* --- what it is --------------------------------------------------------- */

/* "text/plain" in front of its parameters */
bool
append_is_type(const char *value, const char *type)
{
	size_t len = strlen(type);

	return g_ascii_strncasecmp(value, type, len) == 0 &&
		strchr(" \t;", value[len]) != NULL;
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

static bool
begins_line(struct span text, const char *at)
{
	return at == text.bytes || at[-1] == '\n';
}

/* What comes after `at`, which is in text */
static struct span
span_behind(struct span text, const char *at, size_t skip)
{
	return (struct span){ at + skip, text.len -
		(size_t)(at - text.bytes) - skip };
}

static bool
has_line(struct span text, const char *start, const char *next)
{
	const size_t len = strlen(start);
	const char *at;

	for (struct span rest = text; (at = memmem(rest.bytes, rest.len,
		start, len)) != NULL; rest = span_behind(rest, at, len)) {
		struct span line = span_behind(text, at, 0);

		if (!begins_line(text, at))
			continue;
		(void) span_line(&line);
		if (line.len >= strlen(next) &&
		    memcmp(line.bytes, next, strlen(next)) == 0)
			return true;
	}
	return false;
}

bool
append_is_patch(struct span text)
{
	return has_line(text, "diff --git ", "") ||
		has_line(text, "+++ ", "@@ -");
}

static bool
has_patch(const struct appending *a)
{
	static const char *const base64[] = { "base64", NULL };
	static const struct part part = { .encoding = PART_BASE64 };
	g_autoptr(GByteArray) text = NULL;

	if (append_is_patch(a->body))
		return true;
	if (header_find(a->header, "Content-Transfer-Encoding", 0) < 0 ||
	    !is_encoded_as(a, base64) || a->body.len > PATCH_LOOK)
		return false;
	text = part_decode(&part, a->body);
	return text->len > 0 && append_is_patch((struct span){
		(const char *)text->data, text->len });
}

/* --- its header --------------------------------------------------------- */

/* The body is another one now. */
void
append_remove_sums(struct header *header)
{
	header_remove(header, "Content-MD5");
	header_remove(header, "Content-Length");
	header_remove(header, "Lines");
}

void
append_set_mime(struct header *header)
{
	if (header_find(header, "MIME-Version", 0) < 0)
		header_append(header, "MIME-Version", "1.0");
}

void
append_set_encoding(struct header *header, const char *encoding)
{
	append_set_mime(header);
	header_set(header, "Content-Transfer-Encoding", encoding);
}

static void
set_eight_bit(const struct appending *a)
{
	static const char *const enough[] = { "8bit", "binary", NULL };

	if (header_find(a->header, "Content-Transfer-Encoding", 0) < 0 ||
	    !is_encoded_as(a, enough))
		header_set(a->header, "Content-Transfer-Encoding", "8bit");
}

/* --- a part ------------------------------------------------------------- */

static void
put_text_part(const struct appending *a, const char *boundary,
	      const char *text)
{
	if (text[0] == '\0')
		return;
	g_string_append_printf(a->out, "--%s\r\n"
		"Content-Type: text/plain; charset=\"utf-8\"\r\n"
		"Content-Disposition: inline\r\n"
		"Content-Transfer-Encoding: %s\r\n\r\n%s", boundary,
		a->is_ascii ? "7bit" : "8bit", text);
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

/* Where the first and the last delimiter begin, of a multipart that has each
 * it needs and none behind it. */
static bool
find_edges(struct span body, const char *boundary, size_t *first,
	   size_t *last)
{
	struct span rest = body;
	bool begun = false, ended = false;

	while (rest.len > 0) {
		size_t at = body.len - rest.len;
		enum line_kind kind = line_kind(span_line(&rest), boundary);

		if (kind == LINE_OTHER)
			continue;
		if (ended || (kind == LINE_LAST && !begun))
			return false;
		if (!begun)
			*first = at;
		begun = true;
		ended = kind == LINE_LAST;
		*last = at;
	}
	return ended;
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
	const char *body = a->body.bytes;
	size_t first = 0, last = 0;

	if (!a->is_plain_head || a->type == NULL ||
	    !append_is_type(a->type, "multipart/mixed") ||
	    !is_encoded_as(a, plain))
		return false;
	boundary = good_boundary(a);
	if (boundary == NULL ||
	    !find_edges(a->body, boundary, &first, &last) ||
	    has_edge(a->above, boundary) || has_edge(a->below, boundary))
		return false;
	append_remove_sums(a->header);
	if (!a->is_ascii)
		set_eight_bit(a);
	g_string_append_len(a->out, body, (gssize)first);
	put_text_part(a, boundary, a->above);
	g_string_append_len(a->out, body + first, (gssize)(last - first));
	put_text_part(a, boundary, a->below);
	g_string_append_len(a->out, body + last,
			    (gssize)(a->body.len - last));
	return true;
}

/* --- around it ---------------------------------------------------------- */

/* What is said of the content is said of its part from now on. If nothing
 * was, it is what it was by default: some readers take the first lines of a
 * part without a field for fields. */
static void
move_content_fields(struct header *header, GString *out)
{
	const gsize before = out->len;

	for (guint i = 0; i < header->fields->len;) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (!header_field_begins(field, "Content-")) {
			i++;
			continue;
		}
		g_string_append_len(out, field->raw, (gssize)field->raw_len);
		if (field->raw[field->raw_len - 1] != '\n')
			g_string_append(out, "\r\n");
		(void) g_array_remove_index(header->fields, i);
	}
	if (out->len == before)
		g_string_append(out, "Content-Type: text/plain\r\n");
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
	    !mime_is_ascii(a->body.bytes, a->body.len))
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
	put_text_part(a, boundary, a->above);
	g_string_append_printf(a->out, "--%s\r\n", boundary);
	move_content_fields(a->header, a->out);
	g_string_append(a->out, "\r\n");
	g_string_append_len(a->out, a->body.bytes, (gssize)a->body.len);
	g_string_append(a->out, "\r\n");
	put_text_part(a, boundary, a->below);
	g_string_append_printf(a->out, "--%s--\r\n", boundary);
	append_set_mime(a->header);
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

/* In each copy, whatever goes into its marks. */
static bool
is_ascii(const struct mime_texts *texts)
{
	if (!g_str_is_ascii(texts->above) || !g_str_is_ascii(texts->below))
		return false;
	for (size_t i = 0; i < texts->mark_count; i++)
		if (!texts->marks[i].is_ascii &&
		    (strstr(texts->above, texts->marks[i].text) != NULL ||
		     strstr(texts->below, texts->marks[i].text) != NULL))
			return false;
	return true;
}

static void
place_texts(struct appending *a)
{
	const struct mime_texts *texts = a->texts;
	const bool all_below = texts->above[0] != '\0' && has_patch(a);

	a->above = g_strdup(all_below ? "" : texts->above);
	a->below = g_strconcat(all_below ? texts->above : "", texts->below,
			       NULL);
}

enum append_way
mime_add(struct header *header, const char *body, size_t len,
	 const struct mime_texts *texts, GString *out)
{
	g_autofree char *type = header_get(header, "Content-Type");
	struct appending a = {
		.header = header, .body = { body, len }, .texts = texts,
		.is_ascii = is_ascii(texts), .out = out, .type = type,
		.is_plain_head = is_plain_head(header) &&
			(type == NULL || strlen(type) <= TYPE_LEN_MAX),
	};
	enum append_way way = APPEND_LINES;

	place_texts(&a);
	if (!append_lone(&a)) {
		way = append_part(&a) ? APPEND_PART : APPEND_AROUND;
		if (way == APPEND_AROUND)
			append_around(&a);
	}
	g_free(a.above);
	g_free(a.below);
	return way;
}
