/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/digest_inside.h"

#include <string.h>

#include "core/letter/plain.h"
#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define LINE_MAX_LEN 998	/* RFC 5321 section 4.5.3.1.6 */
#define RULE 30			/* RFC 1153: ends an enclosed message */
#define VALUE_CHARS 900		/* of a field */
#define TITLE_CHARS 60

/* --- lines -------------------------------------------------------------- */

void
digest_rule(GString *out, unsigned int hyphens)
{
	for (unsigned int i = 0; i < hyphens; i++)
		g_string_append_c(out, '-');
	g_string_append(out, "\r\n\r\n");
}

static bool
is_rule(const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len == RULE && strspn(line, "-") >= RULE;
}

/* What of a line goes on one: never a part of a character. */
static size_t
part_of(const char *line, size_t len)
{
	size_t part = LINE_MAX_LEN;

	if (len <= LINE_MAX_LEN)
		return len;
	while (part > LINE_MAX_LEN - 6 && ((unsigned char)line[part] & 0xc0)
	       == 0x80)
		part--;
	return part;
}

static void
add_line(GString *out, const char *line, size_t len, bool guarded)
{
	do {
		size_t part = part_of(line, len);

		if (guarded && is_rule(line, part))
			g_string_append_c(out, ' ');
		g_string_append_len(out, line, (gssize)part);
		g_string_append(out, "\r\n");
		line += part;
		len -= part;
	} while (len > 0);
}

void
digest_lines(GString *out, const char *text, size_t len, bool guarded)
{
	const char *end = text + len;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		const char *next = stop != NULL ? stop + 1 : end;

		stop = stop != NULL ? stop : end;
		if (stop > text && stop[-1] == '\r')
			stop--;
		add_line(out, text, (size_t)(stop - text), guarded);
		text = next;
	}
}

/* --- the header --------------------------------------------------------- */

void
digest_fields(struct header *header)
{
	static const char *const kept[] = {
		"Date", "From", "To", "Cc", "Reply-To", "Subject",
		"Message-ID", "In-Reply-To", "References", "Keywords",
		"Comments", "Summary", "MIME-Version", "Content-Type",
		"Content-Transfer-Encoding", "Content-Disposition",
		"Content-Description", "Content-Language", "Content-ID",
		"Content-Location",
	};

	for (guint i = header->fields->len; i > 0; i--) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i - 1);
		bool keep = false;

		for (size_t n = 0; n < G_N_ELEMENTS(kept) && !keep; n++)
			keep = strlen(kept[n]) == field->name_len &&
				g_ascii_strncasecmp(field->raw, kept[n],
						    field->name_len) == 0;
		if (!keep)
			g_array_remove_index(header->fields, i - 1);
	}
}

static char *
first_of(GPtrArray *texts, size_t most)
{
	return plain_line(texts->len > 0 ? texts->pdata[0] : "", most);
}

static char *
author_of(const struct header *header)
{
	g_autoptr(GPtrArray) names = content_author_names(header);
	g_autoptr(GPtrArray) addrs = NULL;
	bool complete;

	if (names->len > 0)
		return first_of(names, TITLE_CHARS);
	addrs = mime_authors(header, &complete);
	return first_of(addrs, TITLE_CHARS);
}

char *
digest_title(const struct header *header)
{
	g_autoptr(GPtrArray) subjects = content_field(header, "Subject");
	g_autofree char *subject = first_of(subjects, TITLE_CHARS);
	g_autofree char *author = author_of(header);

	return g_strdup_printf("%s (%s)", subject[0] != '\0' ? subject : "-",
			       author[0] != '\0' ? author : "-");
}

/* RFC 1153: these and no others, in this order. Values are decoded, since the
 * digest has one charset for all. */
static void
add_fields(const struct header *header, GString *out)
{
	static const char *const names[] = {
		"Date", "From", "To", "Cc", "Subject", "Message-ID",
		"Keywords", "Summary",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GPtrArray) values = content_field(header,
							    names[i]);
		g_autofree char *value = first_of(values, VALUE_CHARS);
		g_autofree char *folded = NULL;

		if (value[0] == '\0')
			continue;
		folded = header_fold(value, strlen(names[i]) + 2);
		g_string_append_printf(out, "%s: ", names[i]);
		digest_lines(out, folded, strlen(folded), false);
	}
}

/* --- the text ----------------------------------------------------------- */

/* Of a text in HTML only what it says is there. */
static bool
is_shown(const char *type)
{
	return g_str_has_prefix(type, "multipart/") ||
		g_str_has_prefix(type, "message/rfc822") ||
		strcmp(type, "text/plain") == 0 ||
		strcmp(type, "text/html") == 0;
}

char *
digest_omitted(const struct excerpt *excerpt)
{
	struct content_parts parts;
	GString *out = g_string_new(NULL);

	content_parts(&excerpt->header, excerpt->body, excerpt->body_len,
		      &parts);
	for (guint i = 0; i < parts.types->len; i++)
		if (!is_shown(parts.types->pdata[i]))
			g_string_append_printf(out, "%s%s",
					       out->len > 0 ? ", " : "",
					       (char *)parts.types->pdata[i]);
	for (guint i = 0; i < parts.names->len; i++)
		g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "",
				       (char *)parts.names->pdata[i]);
	content_parts_done(&parts);
	return g_string_free(out, FALSE);
}

void
digest_plain(const struct excerpt *excerpt, const char *note, GString *out)
{
	g_autofree char *text = content_text(&excerpt->header, excerpt->body,
					     excerpt->body_len);
	g_autofree char *plain = plain_lines(text, CONTENT_TEXT_MAX);

	add_fields(&excerpt->header, out);
	g_string_append(out, "\r\n");
	digest_lines(out, plain, strlen(plain), true);
	if (note[0] != '\0') {
		g_string_append(out, "\r\n");
		digest_lines(out, note, strlen(note), true);
	}
}
