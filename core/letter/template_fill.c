/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/letter/inside.h"
#include "core/letter/plain.h"
#include "core/base/banned.h"

/*
 * Values come from strangers. They are put into a text that has been parsed
 * already, so that nothing in them can be a field or a mark; as one line they
 * cannot end a line of the header either.
 */

#define LINE_CHARS 1000
#define LINES_BYTES (256 * 1024)
#define SUBJECT_CHARS 300

struct filling {
	GHashTable *values;
	struct flow *flow;
	bool open[TEMPLATE_DEPTH];	/* the parts that we are in */
	int depth;
	int closed;			/* how many of them vanish */
};

static const char *
raw_value(const struct filling *filling, const struct template_field *field)
{
	const char *value = g_hash_table_lookup(filling->values, field->name);

	return value != NULL ? value : "";
}

static char *
value_of(const struct filling *filling, const struct piece *piece)
{
	const char *raw = raw_value(filling, piece->field);
	g_autofree char *plain = piece->field->type == FIELD_LINES ?
		plain_lines(raw, LINES_BYTES) : plain_line(raw, LINE_CHARS);

	return plain[0] == '\0' && piece->text != NULL ?
		g_strdup(piece->text) : g_steal_pointer(&plain);
}

static bool
has_value(const struct filling *filling, const struct template_field *field)
{
	const char *raw = raw_value(filling, field);

	return raw[strspn(raw, " \t\r\n")] != '\0';
}

/* True: the piece was a mark, and has had its effect. */
static bool
pass_mark(struct filling *filling, const struct piece *piece)
{
	bool holds;

	if (piece->type == PIECE_END) {
		filling->depth--;
		filling->closed -= !filling->open[filling->depth];
		return true;
	}
	if (piece->type != PIECE_IF && piece->type != PIECE_UNLESS)
		return false;
	holds = has_value(filling, piece->field) ==
		(piece->type == PIECE_IF);
	filling->open[filling->depth++] = holds;
	filling->closed += !holds;
	return true;
}

/* --- lines -------------------------------------------------------------- */

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t")] == '\0';
}

/* What is in front stands in front of each of its lines. */
static void
keep_lines(struct filling *filling, const char *front, const char *value)
{
	g_auto(GStrv) lines = g_strsplit(value, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		g_autofree char *whole = g_strconcat(front, *line, NULL);

		flow_keep(filling->flow, g_strchomp(whole));
	}
}

/* A line of which nothing is left vanishes. */
static void
fill_kept(struct filling *filling, const struct template_line *line)
{
	g_autoptr(GString) text = g_string_new(NULL);
	bool several = false;

	for (guint i = 0; i < line->pieces->len; i++) {
		const struct piece *piece = line->pieces->pdata[i];
		g_autofree char *value = NULL;

		if (pass_mark(filling, piece) || filling->closed > 0)
			continue;
		if (piece->type == PIECE_TEXT) {
			g_string_append(text, piece->text);
			continue;
		}
		value = value_of(filling, piece);
		several = piece->field->type == FIELD_LINES;
		if (several && value[0] != '\0')
			keep_lines(filling, text->str, value);
		else
			g_string_append(text, value);
	}
	if (!several && !is_blank(text->str))
		flow_keep(filling->flow, g_strchomp(text->str));
}

static void
fill_words(struct filling *filling, const struct template_line *line)
{
	for (guint i = 0; i < line->pieces->len; i++) {
		const struct piece *piece = line->pieces->pdata[i];
		g_autofree char *value = NULL;

		if (pass_mark(filling, piece) || filling->closed > 0)
			continue;
		if (piece->type == PIECE_TEXT) {
			flow_text(filling->flow, piece->text);
			continue;
		}
		value = value_of(filling, piece);
		if (piece->field->type == FIELD_ADDR)
			flow_whole(filling->flow, value);
		else
			flow_text(filling->flow, value);
	}
	/* the end of the line may be in what vanishes */
	if (filling->closed == 0)
		flow_line_end(filling->flow);
}

static void
fill_line(struct filling *filling, const struct template_line *line)
{
	if (line->pieces->len == 0) {
		if (filling->closed == 0)
			flow_paragraph(filling->flow);
	} else if (line->silent) {
		for (guint i = 0; i < line->pieces->len; i++)
			(void) pass_mark(filling, line->pieces->pdata[i]);
	} else if (line->kept) {
		fill_kept(filling, line);
	} else {
		fill_words(filling, line);
	}
}

static char *
fill_subject(struct filling *filling, const GPtrArray *pieces)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *piece = pieces->pdata[i];
		g_autofree char *value = NULL;

		if (pass_mark(filling, piece) || filling->closed > 0)
			continue;
		value = piece->type == PIECE_FIELD ?
			value_of(filling, piece) : g_strdup(piece->text);
		g_string_append(text, value);
	}
	return plain_line(text->str, SUBJECT_CHARS);
}

void
template_fill(const struct template *text, GHashTable *values,
	      char **subject_out, char **body_out)
{
	struct filling filling = { .values = values };

	*subject_out = fill_subject(&filling, text->subject);
	filling.flow = flow_new();
	for (guint i = 0; i < text->lines->len; i++)
		fill_line(&filling, text->lines->pdata[i]);
	*body_out = flow_end(filling.flow);
}
