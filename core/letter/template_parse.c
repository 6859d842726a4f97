/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <string.h>

#include "conf/keys.h"
#include "core/letter/inside.h"
#include "core/base/banned.h"

#define LINE_MAX_BYTES 900

struct parse {
	const char *file;
	const struct template_kind *kind;	/* NULL: any */
	const char *line;	/* that is being read */
	const char *at;		/* in line */
	const char *lines_at;	/* where its field of several lines is */
	int number;
	struct { int line, column; char *mark; } open[TEMPLATE_DEPTH];
	int depth;
	GHashTable *used;	/* of struct template_field */
	struct err *err;
};

static void
piece_free(void *data)
{
	struct piece *piece = data;

	g_free(piece->text);
	g_free(piece);
}

static void
line_free(void *data)
{
	struct template_line *line = data;

	g_ptr_array_unref(line->pieces);
	g_free(line);
}

static struct template *
template_new(void)
{
	struct template *text = g_new0(struct template, 1);

	text->subject = g_ptr_array_new_with_free_func(piece_free);
	text->lines = g_ptr_array_new_with_free_func(line_free);
	return text;
}

void
template_free(struct template *text)
{
	if (text == NULL)
		return;
	g_ptr_array_unref(text->subject);
	g_ptr_array_unref(text->lines);
	g_free(text);
}

/* --- mistakes ----------------------------------------------------------- */

static int
column_of(const struct parse *parse)
{
	return (int)g_utf8_strlen(parse->line, parse->at - parse->line) + 1;
}

static bool mistake_at(struct parse *parse, int line, int column,
		       const char *format, va_list ap)
	__attribute__((format(printf, 4, 0)));

static bool
mistake_at(struct parse *parse, int line, int column, const char *format,
	   va_list ap)
{
	g_autofree char *what = g_strdup_vprintf(format, ap);

	(void) err_set(parse->err, ERR_INVALID, "", "%.100s:%d:%d: %s",
		       parse->file, line, column, what);
	return false;
}

static bool mistake(struct parse *parse, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool
mistake(struct parse *parse, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void) mistake_at(parse, parse->number, column_of(parse), format, ap);
	va_end(ap);
	return false;
}

static bool mistake_elsewhere(struct parse *parse, int line, int column,
			      const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static bool
mistake_elsewhere(struct parse *parse, int line, int column,
		  const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void) mistake_at(parse, line, column, format, ap);
	va_end(ap);
	return false;
}

static void
add_names(GPtrArray *names, const struct template_field *fields)
{
	for (; fields->name != NULL; fields++)
		g_ptr_array_add(names, (void *)(uintptr_t)fields->name);
}

static bool
unknown_field(struct parse *parse, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const char *nearest;

	for (const struct template_kind *kind = template_kinds;
	     kind->name != NULL; kind++)
		if (parse->kind == NULL || parse->kind == kind)
			add_names(names, kind->fields);
	add_names(names, template_common);
	g_ptr_array_add(names, NULL);
	nearest = key_nearest((const char *const *)names->pdata, name);
	if (nearest != NULL)
		return mistake(parse, "unknown field \"%.60s\"; did you mean "
			       "\"%s\"?", name, nearest);
	return mistake(parse, "unknown field \"%.60s\"; see \"muster "
		       "template fields%s%s\"", name,
		       parse->kind != NULL ? " " : "",
		       parse->kind != NULL ? parse->kind->name : "");
}

/* --- pieces ------------------------------------------------------------- */

static void
add_piece(GPtrArray *pieces, enum piece_type type,
	  const struct template_field *field, char *text)
{
	struct piece *piece = g_new0(struct piece, 1);

	piece->type = type;
	piece->field = field;
	piece->text = text;
	g_ptr_array_add(pieces, piece);
}

/* name: of a field, which is there; *out is it. */
static bool
find_field(struct parse *parse, const char *name,
	   const struct template_field **out)
{
	*out = template_field_find(parse->kind, name);
	if (*out != NULL)
		return true;
	if (name[0] == '\0')
		return mistake(parse, "the name of a field is expected");
	return unknown_field(parse, name);
}

static bool
begin_part(struct parse *parse, GPtrArray *pieces, enum piece_type type,
	   const char *name)
{
	const struct template_field *field;

	if (!find_field(parse, name, &field))
		return false;
	if (parse->depth == TEMPLATE_DEPTH)
		return mistake(parse, "more than %d parts in one another",
			       TEMPLATE_DEPTH);
	parse->open[parse->depth].line = parse->number;
	parse->open[parse->depth].column = column_of(parse);
	parse->open[parse->depth].mark = g_strdup_printf(
		"%%{%c%s}", type == PIECE_IF ? '?' : '!', field->name);
	parse->depth++;
	add_piece(pieces, type, field, NULL);
	return true;
}

static bool
end_part(struct parse *parse, GPtrArray *pieces, const char *inside)
{
	if (inside[0] != '\0')
		return mistake(parse, "%%{/} is expected, without a name");
	if (parse->depth == 0)
		return mistake(parse, "%%{/} ends nothing");
	g_free(parse->open[--parse->depth].mark);
	add_piece(pieces, PIECE_END, NULL, NULL);
	return true;
}

static bool
add_field(struct parse *parse, GPtrArray *pieces, const char *inside)
{
	const char *bar = strchr(inside, '|');
	g_autofree char *name = bar != NULL ?
		g_strndup(inside, (gsize)(bar - inside)) : g_strdup(inside);
	const struct template_field *field;

	if (!find_field(parse, name, &field))
		return false;
	if (field->type == FIELD_FLAG)
		return mistake(parse, "%s is yes or no, and has no text; use "
			       "%%{?%s} ... %%{/}", name, name);
	if (field->type == FIELD_LINES)
		parse->lines_at = parse->at;
	g_hash_table_add(parse->used, (void *)(uintptr_t)field);
	add_piece(pieces, PIECE_FIELD, field, bar != NULL ?
		  g_strdup(bar + 1) : NULL);
	return true;
}

/* What stands between "%{" and "}". */
static bool
read_inside(struct parse *parse, GPtrArray *pieces, const char *inside)
{
	switch (inside[0]) {
	case '?':
		return begin_part(parse, pieces, PIECE_IF, inside + 1);
	case '!':
		return begin_part(parse, pieces, PIECE_UNLESS, inside + 1);
	case '/':
		return end_part(parse, pieces, inside + 1);
	default:
		return add_field(parse, pieces, inside);
	}
}

static void
end_text(GPtrArray *pieces, GString *text)
{
	if (text->len > 0)
		add_piece(pieces, PIECE_TEXT, NULL, g_strdup(text->str));
	g_string_truncate(text, 0);
}

/* From parse->at to the end of the line. */
static bool
read_pieces(struct parse *parse, GPtrArray *pieces)
{
	g_autoptr(GString) text = g_string_new(NULL);

	while (*parse->at != '\0') {
		g_autofree char *inside = NULL;
		const char *end;

		if (!g_str_has_prefix(parse->at, "%{")) {
			g_string_append_c(text, *parse->at);
			parse->at += g_str_has_prefix(parse->at, "%%") ? 2 :
				1;
			continue;
		}
		end = strchr(parse->at, '}');
		if (end == NULL)
			return mistake(parse, "%%{ has no } on this line");
		end_text(pieces, text);
		inside = g_strndup(parse->at + 2,
				   (gsize)(end - parse->at - 2));
		if (!read_inside(parse, pieces, inside))
			return false;
		parse->at = end + 1;
	}
	end_text(pieces, text);
	return true;
}

/* --- lines -------------------------------------------------------------- */

static bool
is_mark(const struct piece *piece)
{
	return piece->type != PIECE_TEXT && piece->type != PIECE_FIELD;
}

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t")] == '\0';
}

static bool
is_silent(const GPtrArray *pieces)
{
	bool marks = false;

	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *piece = pieces->pdata[i];

		if (is_mark(piece))
			marks = true;
		else if (piece->type == PIECE_FIELD || !is_blank(piece->text))
			return false;
	}
	return marks;
}

/* Indented, quoted, an item of a list, or what stands above a signature. */
static bool
looks_set(const char *text)
{
	return strchr(" \t>|", text[0]) != NULL ||
		g_str_has_prefix(text, "- ") ||
		g_str_has_prefix(text, "* ") || strcmp(text, "--") == 0;
}

/* An address or a URL without any words beside it stands by itself. */
static bool
stands_alone(const GPtrArray *pieces)
{
	bool addr = false;

	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *piece = pieces->pdata[i];

		if (piece->type == PIECE_TEXT &&
		    strpbrk(piece->text, " \t") != NULL)
			return false;
		addr |= piece->type == PIECE_FIELD &&
			piece->field->type == FIELD_ADDR;
	}
	return addr;
}

static bool
has_lines(const GPtrArray *pieces)
{
	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *piece = pieces->pdata[i];

		if (piece->type == PIECE_FIELD &&
		    piece->field->type == FIELD_LINES)
			return true;
	}
	return false;
}

static bool
is_kept(const GPtrArray *pieces)
{
	guint first = 0;
	const struct piece *piece;

	while (first < pieces->len && is_mark(pieces->pdata[first]))
		first++;
	if (first == pieces->len)
		return false;
	piece = pieces->pdata[first];
	return (piece->type == PIECE_TEXT && looks_set(piece->text)) ||
		has_lines(pieces) || stands_alone(pieces);
}

/* Behind a field of several lines only marks may follow. */
static bool
check_lines_last(struct parse *parse, const GPtrArray *pieces)
{
	const struct template_field *lines = NULL;

	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *piece = pieces->pdata[i];

		if (lines != NULL && !is_mark(piece)) {
			parse->at = parse->lines_at;
			return mistake(parse, "%%{%s} may have several "
				       "lines, so it must be the last on its "
				       "own", lines->name);
		}
		if (piece->type == PIECE_FIELD &&
		    piece->field->type == FIELD_LINES)
			lines = piece->field;
	}
	return true;
}

static bool
read_line(struct parse *parse, struct template *text)
{
	struct template_line *line = g_new0(struct template_line, 1);

	line->pieces = g_ptr_array_new_with_free_func(piece_free);
	g_ptr_array_add(text->lines, line);
	if (!read_pieces(parse, line->pieces) ||
	    !check_lines_last(parse, line->pieces))
		return false;
	line->silent = is_silent(line->pieces);
	line->kept = is_kept(line->pieces);
	return true;
}

/* --- the whole ---------------------------------------------------------- */

static void
set_line(struct parse *parse, const char *line, int number)
{
	parse->line = parse->at = line;
	parse->number = number;
}

static bool
check_bytes(struct parse *parse)
{
	if (strlen(parse->line) > LINE_MAX_BYTES)
		return mistake(parse, "the line has more than %d bytes",
			       LINE_MAX_BYTES);
	for (const char *p = parse->line; *p != '\0';
	     p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		parse->at = p;
		if (c != '\t' && g_unichar_iscntrl(c))
			return mistake(parse, "a control character (0x%02x)",
				       c);
	}
	parse->at = parse->line;
	return true;
}

static bool
check_ended(struct parse *parse)
{
	if (parse->depth == 0)
		return true;
	parse->depth--;
	(void) mistake_elsewhere(parse, parse->open[parse->depth].line,
				 parse->open[parse->depth].column,
				 "what begins with %s is not ended by %%{/}",
				 parse->open[parse->depth].mark);
	g_free(parse->open[parse->depth].mark);
	return false;
}

static bool
read_subject(struct parse *parse, struct template *text)
{
	static const char name[] = "Subject:";

	if (g_ascii_strncasecmp(parse->line, name, strlen(name)) != 0)
		return mistake(parse, "the first line is to be \"Subject: "
			       "...\"");
	parse->at += strlen(name);
	parse->at += strspn(parse->at, " \t");
	if (*parse->at == '\0')
		return mistake(parse, "the subject is empty");
	if (!read_pieces(parse, text->subject) || !check_ended(parse))
		return false;
	if (has_lines(text->subject))
		return mistake(parse, "a field of several lines cannot stand "
			       "in the subject");
	return true;
}

static bool
has_subject(const struct parse *parse, const char *first)
{
	return parse->kind != NULL ? !parse->kind->is_part :
		g_ascii_strncasecmp(first, "Subject:", 8) == 0;
}

/* The line of the body that is first. */
static bool
read_head(struct parse *parse, struct template *text, char *const *lines,
	  int *body_out)
{
	*body_out = 0;
	if (!has_subject(parse, lines[0] != NULL ? lines[0] : ""))
		return true;
	set_line(parse, lines[0] != NULL ? lines[0] : "", 1);
	if (!check_bytes(parse) || !read_subject(parse, text))
		return false;
	set_line(parse, lines[1] != NULL ? lines[1] : "", 2);
	if (!is_blank(parse->line))
		return mistake(parse, "an empty line is expected below the "
			       "subject");
	*body_out = MIN(2, (int)g_strv_length((char **)(uintptr_t)lines));
	return true;
}

static bool
check_used(struct parse *parse)
{
	if (parse->kind == NULL)
		return true;
	for (const struct template_field *field = parse->kind->fields;
	     field->name != NULL; field++)
		if (field->must && !g_hash_table_contains(parse->used, field))
			return mistake(parse, "%%{%s} is missing: %s",
				       field->name, field->help);
	return true;
}

static bool
read_all(struct parse *parse, struct template *text, char *const *lines)
{
	int i;

	if (!read_head(parse, text, lines, &i))
		return false;
	for (; lines[i] != NULL; i++) {
		set_line(parse, lines[i], i + 1);
		if (!check_bytes(parse) || !read_line(parse, text))
			return false;
	}
	return check_ended(parse) && check_used(parse);
}

static bool
check_whole(struct parse *parse, const char *text)
{
	set_line(parse, "", 1);
	if (strlen(text) > TEMPLATE_TEXT_MAX)
		return mistake(parse, "the text has more than %d bytes",
			       TEMPLATE_TEXT_MAX);
	if (!g_utf8_validate(text, -1, NULL))
		return mistake(parse, "this is no text in UTF-8");
	return true;
}

enum err_code
template_parse(const char *file, const struct template_kind *kind,
	       const char *text, struct template **out, struct err *err)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
	struct parse parse = { .file = file, .kind = kind, .used = used,
			       .err = err };
	struct template *made = template_new();

	for (char **line = lines; *line != NULL; line++)
		g_strchomp(*line);
	if (check_whole(&parse, text) && read_all(&parse, made, lines)) {
		*out = made;
		return ERR_OK;
	}
	while (parse.depth > 0)
		g_free(parse.open[--parse.depth].mark);
	template_free(made);
	return ERR_INVALID;
}
