/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/report.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/mail/part.h"
#include "core/base/banned.h"

static void
report_part_free(void *data)
{
	struct report_part *part = data;

	g_free(part->text);
	g_free(part);
}

static struct report_part *
add(GPtrArray *out, enum report_kind kind, char *text)
{
	struct report_part *part = g_new0(struct report_part, 1);

	part->kind = kind;
	part->text = text;
	g_ptr_array_add(out, part);
	return part;
}

static const struct {
	const char *type;
	enum report_kind kind;
} leaves[] = {
	{ "text/plain", REPORT_TEXT },
	{ "text/html", REPORT_HTML },
	{ "message/feedback-report", REPORT_FEEDBACK },
	{ "message/disposition-notification", REPORT_DISPOSITION },
	{ "message/global-disposition-notification", REPORT_DISPOSITION },
	{ "text/rfc822-headers", REPORT_RETURNED },
	{ "text/rfc822-header", REPORT_RETURNED },
	{ "text/rfc822", REPORT_RETURNED },
	{ "message/rfc822-headers", REPORT_RETURNED },
	{ "message/global-headers", REPORT_RETURNED },
};

static void
add_leaf(const struct piece *piece, GPtrArray *out)
{
	struct piece beginning = *piece;

	if (piece->part->is_inside)
		return;
	beginning.span.len = MIN(beginning.span.len, 4 * REPORT_TEXT_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(leaves); i++)
		if (strcmp(piece->part->type, leaves[i].type) == 0)
			add(out, leaves[i].kind,
			    part_text(&beginning, REPORT_TEXT_MAX));
}

/* The outermost header of what is enclosed */
static void
add_head(const struct piece *piece, const char *bytes, GPtrArray *out)
{
	struct report_part *part;

	if (!piece->part->is_inside || !piece->part->is_root)
		return;
	part = add(out, REPORT_RETURNED,
		   mime_to_utf8("", piece->span.bytes,
				MIN(piece->span.len, REPORT_TEXT_MAX)));
	part->at = (size_t)(piece->span.bytes - bytes);
	part->is_nested = piece->part->around > 1;
}

static void
add_pieces(const struct parts *parts, const char *bytes, GPtrArray *out)
{
	for (guint i = 0; i < parts->pieces->len &&
			  out->len < REPORT_PARTS_MAX; i++) {
		const struct piece *piece = &g_array_index(
			parts->pieces, struct piece, i);

		if (piece->kind == PIECE_LEAF)
			add_leaf(piece, out);
		else if (piece->kind == PIECE_HEAD)
			add_head(piece, bytes, out);
	}
}

static void
add_body(const char *bytes, size_t len, GPtrArray *out)
{
	struct header header;
	size_t body_at;

	if (!header_parse(bytes, len, &header, &body_at))
		return;
	header_done(&header);
	add(out, REPORT_TEXT,
	    mime_to_utf8("", bytes + body_at,
			 MIN(len - body_at, REPORT_TEXT_MAX)));
}

GPtrArray *
report_parts(const char *bytes, size_t len)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(report_part_free);
	struct parts parts;

	if (parts_read(bytes, len, &parts)) {
		add_pieces(&parts, bytes, out);
		parts_done(&parts);
	}
	if (out->len == 0)
		add_body(bytes, len, out);
	return out;
}

/* --- broken headers ----------------------------------------------------- */

#define MEND_MAX (64 * 1024)	/* no header is longer */

/* Nothing, or the line of an mbox */
static bool
is_margin(const char *line, size_t len)
{
	size_t at = 0;

	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	return at == len || (len > 5 && memcmp(line, "From ", 5) == 0) ||
	       (len > 6 && memcmp(line, ">From ", 6) == 0);
}

static bool
is_of_header(const char *line, size_t len)
{
	size_t at = 0;

	if (len > 0 && (line[0] == ' ' || line[0] == '\t'))
		return true;
	while (at < len && g_ascii_isgraph(line[at]) && line[at] != ':')
		at++;
	return at > 0 && at < len && line[at] == ':';
}

static size_t
margin_len(const char *bytes, size_t len)
{
	struct span rest = { bytes, len };

	while (rest.len > 0) {
		struct span before = rest, line = span_line(&rest);

		if (!is_margin(line.bytes, span_text(line)))
			return len - before.len;
	}
	return len;
}

static bool
is_whole(const char *bytes, size_t len)
{
	struct header header;
	size_t body_at;
	bool whole;

	if (!header_parse(bytes, len, &header, &body_at))
		return true;
	header_done(&header);
	whole = body_at == len || (body_at > 0 && bytes[body_at - 1] == '\n' &&
		(body_at < 2 || bytes[body_at - 2] == '\n' ||
		 (body_at > 2 && bytes[body_at - 2] == '\r' &&
		  bytes[body_at - 3] == '\n')));
	return whole;
}

/* Lines that are no fields become folds, up to the first empty one. False:
 * there is none. */
static bool
mend_folds(struct span *rest, GString *out)
{
	size_t most = MIN(rest->len, MEND_MAX), left = rest->len - most;

	while (rest->len > left) {
		struct span line = span_line(rest);
		size_t len = span_text(line);

		if (len > 0 && !is_of_header(line.bytes, len))
			g_string_append_c(out, ' ');
		g_string_append_len(out, line.bytes, (gssize)line.len);
		if (len == 0)
			return true;
	}
	return false;
}

GString *
report_mend(const char *bytes, size_t len)
{
	size_t margin = margin_len(bytes, len);
	struct span rest = { bytes + margin, len - margin };
	GString *out;

	if (rest.len == 0 || (margin == 0 && is_whole(bytes, len)))
		return NULL;
	out = g_string_sized_new(len + 64);
	if (!is_whole(rest.bytes, rest.len) && !mend_folds(&rest, out)) {
		g_string_truncate(out, 0);
		rest = (struct span){ bytes + margin, len - margin };
	}
	g_string_append_len(out, rest.bytes, (gssize)rest.len);
	return out;
}

/* --- mbox --------------------------------------------------------------- */

/* "From ann@example.org Thu Apr  1 ...": with the name of a day, so that no
 * sentence is one */
static bool
is_separator(const char *line, size_t len)
{
	static const char days[][6] = { " Mon ", " Tue ", " Wed ", " Thu ",
					" Fri ", " Sat ", " Sun " };

	if (len < 15 || memcmp(line, "From ", 5) != 0 || line[5] == ' ')
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(days); i++)
		if (g_strstr_len(line, (gssize)len, days[i]) != NULL)
			return true;
	return false;
}

static size_t
line_end(const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);

	return end != NULL ? (size_t)(end - bytes) : len;
}

size_t
report_mbox_len(const char *bytes, size_t len)
{
	size_t at = line_end(bytes, len);

	if (!is_separator(bytes, at))
		return len;
	for (; at < len; at++) {
		size_t left = len - at;
		const char *found = g_strstr_len(bytes + at, (gssize)left,
						 "\nFrom ");
		size_t before;

		if (found == NULL)
			break;
		at = (size_t)(found - bytes) + 1;
		before = at >= 2 && bytes[at - 2] == '\r' ? at - 2 : at - 1;
		if (before > 0 && bytes[before - 1] == '\n' &&
		    is_separator(bytes + at, line_end(bytes + at, len - at)))
			return at;
	}
	return len;
}
