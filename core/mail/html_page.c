/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/html_inside.h"

#include <string.h>

#include "core/base/banned.h"

struct frame *
page_top(const struct page *page)
{
	return page->frames->pdata[page->frames->len - 1];
}

static void
frame_free(void *data)
{
	struct frame *frame = data;

	g_string_free(frame->out, TRUE);
	g_clear_pointer(&frame->rows, g_ptr_array_unref);
	g_free(frame->first);
	g_free(frame->rest);
	g_free(frame);
}

static void
push_frame(struct page *page, enum frame_kind kind, const char *first,
	   const char *rest, int columns)
{
	struct frame *frame = g_new0(struct frame, 1);

	frame->kind = kind;
	frame->out = g_string_new(NULL);
	frame->first = g_strdup(first);
	frame->rest = g_strdup(rest);
	frame->columns = columns;
	if (kind == FRAME_TABLE)
		frame->rows = g_ptr_array_new_with_free_func(
			(GDestroyNotify)g_ptr_array_unref);
	g_ptr_array_add(page->frames, frame);
}

void
page_init(struct page *page)
{
	memset(page, 0, sizeof(*page));
	page->frames = g_ptr_array_new_with_free_func(frame_free);
	page->para = g_string_new(NULL);
	page->lists = g_array_new(FALSE, FALSE, sizeof(int));
	page->links = g_ptr_array_new_with_free_func(g_free);
	page->numbers = g_hash_table_new(g_str_hash, g_str_equal);
	push_frame(page, FRAME_PAGE, "", "", PAGE_COLUMNS);
}

void
page_done(struct page *page)
{
	g_ptr_array_unref(page->frames);
	g_string_free(page->para, TRUE);
	g_array_unref(page->lists);
	g_hash_table_unref(page->numbers);
	g_ptr_array_unref(page->links);
}

/* --- the paragraph ------------------------------------------------------ */

/* What &#128; to &#159; mean to those who write them, as in browsers */
static gunichar
real_char(gunichar c)
{
	static const guint16 windows[] = {
		0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
		0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
	};

	return c >= 0x80 && c < 0xa0 ? windows[c - 0x80] : c;
}

/* Zero width space, soft hyphen, byte order mark, grapheme joiner: what fills
 * and is not seen */
static bool
is_filler(gunichar c)
{
	return c == 0x200b || c == 0xad || c == 0xfeff || c == 0x34f;
}

static void
put_stiff_blank(struct page *page, gunichar c)
{
	if (c == '\n')
		g_string_append_c(page->para, '\n');
	for (int i = c == '\t' ? 8 : c == ' '; i > 0; i--)
		g_string_append_c(page->para, PAGE_STIFF);
}

static void
put_char(struct page *page, gunichar c)
{
	const GString *para = page->para;

	if (page->wants_blank && para->len > 0 &&
	    para->str[para->len - 1] != '\n')
		g_string_append_c(page->para, ' ');
	page->wants_blank = false;
	if (c < 0x80 || c == 0xa0)
		g_string_append_c(page->para, c == 0xa0 ? PAGE_STIFF :
				  (char)c);
	else
		g_string_append_unichar(page->para, c);
}

void
page_text(struct page *page, const char *text, size_t len)
{
	const char *end = text + len;

	page->kept += len;
	page->has_failed = page->has_failed || page->kept > PAGE_BYTES_MAX;
	if (page->has_failed)
		return;
	while (text < end) {
		gunichar c = g_utf8_get_char_validated(text, end - text);

		if (c == (gunichar)-1 || c == (gunichar)-2) {
			text++;
			continue;
		}
		text = g_utf8_next_char(text);
		c = real_char(c);
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
		    c == '\f') {
			if (page->stiff > 0)
				put_stiff_blank(page, c);
			else
				page->wants_blank = true;
		} else if (c >= 0x80 ? !g_unichar_iscntrl(c) && !is_filler(c) :
			   c > ' ' && c != 0x7f) {
			put_char(page, c);
		}
	}
}

void
page_break(struct page *page)
{
	page->wants_blank = false;
	g_string_append_c(page->para, '\n');
}

/* --- lines -------------------------------------------------------------- */

int
text_columns(const char *text)
{
	int columns = 0;

	for (; *text != '\0'; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);

		if (c < 0x80) {
			columns++;
			continue;
		}
		columns += g_unichar_iszerowidth(c) ? 0 :
			g_unichar_iswide(c) ? 2 : 1;
	}
	return columns;
}

/* A line into a frame. */
static void
put_line(struct page *page, struct frame *frame, const char *prefix,
	 const char *line, size_t len)
{
	GString *out = frame->out;

	if (frame->wants_gap && out->len > 0)
		g_string_append_c(out, '\n');
	frame->wants_gap = false;
	page->kept += strlen(prefix) + len + 1;
	page->has_failed = page->has_failed || page->kept > PAGE_BYTES_MAX;
	if (page->has_failed)
		return;
	/* "> > a" is ">> a" to everybody. */
	if (prefix[0] == '>' && len > 0 && line[0] == '>')
		g_string_append_c(out, '>');
	else
		g_string_append(out, prefix);
	g_string_append_len(out, line, (gssize)len);
	while (out->len > 0 && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	g_string_append_c(out, '\n');
}

/* Up to where a line may be broken: a blank, or beside a wide letter, of which
 * words are not made. */
static size_t
word_len(const char *text, int *columns)
{
	const char *at = text;

	*columns = 0;
	while (*at != '\0' && *at != ' ') {
		gunichar c = g_utf8_get_char(at);
		bool wide;

		if (c < 0x80) {
			++*columns;
			at++;
			continue;
		}
		wide = g_unichar_iswide(c);
		if (wide && at > text)
			break;
		*columns += g_unichar_iszerowidth(c) ? 0 : wide ? 2 : 1;
		at = g_utf8_next_char(at);
		if (wide)
			break;
	}
	return (size_t)(at - text);
}

/* Here the blanks that were kept become blanks. */
static void
put_wrapped(struct page *page, GString *line)
{
	g_strdelimit(line->str, "\001", ' ');
	put_line(page, page_top(page), "", line->str, line->len);
	g_string_truncate(line, 0);
}

/* One line of a paragraph, as many as it takes */
static void
wrap(struct page *page, const char *text)
{
	struct frame *frame = page_top(page);
	g_autoptr(GString) line = g_string_new(NULL);
	int used = 0, columns;

	while (*text != '\0') {
		size_t blanks = strspn(text, " ");
		size_t len = word_len(text + blanks, &columns);

		if (used > 0 && used + (int)blanks + columns >
		    frame->columns) {
			put_wrapped(page, line);
			used = 0;
		}
		if (used > 0 && blanks > 0) {
			g_string_append_c(line, ' ');
			used++;
		}
		g_string_append_len(line, text + blanks, (gssize)len);
		used += columns;
		text += blanks + len;
	}
	put_wrapped(page, line);
}

bool
page_is_nothing(const char *text)
{
	return text[strspn(text, " \n\001")] == '\0';
}

/* Of empty lines one is enough, but where all is as it was typed. */
static void
put_paragraph(struct page *page, char *text)
{
	const bool is_stiff = page->stiff > 0;
	struct frame *frame = page_top(page);
	g_auto(GStrv) lines = NULL;

	for (size_t len = strlen(text); len > 0 &&
	     strchr(" \n\001", text[len - 1]) != NULL; len--)
		text[len - 1] = '\0';
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		if (is_stiff || !page_is_nothing(*line))
			wrap(page, *line);
		else
			frame->wants_gap = true;
}

void
page_block(struct page *page, bool gap)
{
	struct frame *frame = page_top(page);
	g_autofree char *text = NULL;

	if (page->para->len > 0) {
		text = g_strndup(page->para->str, page->para->len);
		g_string_truncate(page->para, 0);
		page->flushed++;
		/* <div><br></div>: an empty line, and meant as one */
		if (page_is_nothing(text))
			frame->wants_gap = true;
		else
			put_paragraph(page, text);
	}
	page->wants_blank = false;
	frame->wants_gap = frame->wants_gap || gap;
}

void
page_rule(struct page *page)
{
	static const char rule[] = "----------------------------------------";

	page_block(page, false);
	put_line(page, page_top(page), "", rule, strlen(rule));
}

/* --- frames ------------------------------------------------------------- */

bool
page_open(struct page *page, enum frame_kind kind, const char *first,
	  const char *rest)
{
	int columns = page_top(page)->columns - (int)strlen(first);

	/* A table needs room for a cell. */
	if (page->frames->len + 1 >= PAGE_FRAMES_MAX)
		return false;
	page_block(page, false);
	push_frame(page, kind, first, rest, MAX(columns, 20));
	return true;
}

enum frame_kind
page_inside(const struct page *page)
{
	return page_top(page)->kind;
}

void
page_row(struct page *page)
{
	struct frame *frame = page_top(page);

	page_block(page, false);
	if (frame->kind == FRAME_TABLE)
		g_ptr_array_add(frame->rows,
				g_ptr_array_new_with_free_func(g_free));
}

static void
put_cell(struct page *page, const struct frame *cell)
{
	GPtrArray *rows = page_top(page)->rows;
	GPtrArray *row;

	if (rows->len == 0)
		g_ptr_array_add(rows, g_ptr_array_new_with_free_func(g_free));
	row = rows->pdata[rows->len - 1];
	if (row->len >= TABLE_COLUMNS_MAX) {
		row = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(rows, row);
	}
	g_ptr_array_add(row, g_strchomp(g_strdup(cell->out->str)));
}

static void
put_lines(struct page *page, const struct frame *inner, const char *text)
{
	struct frame *frame = page_top(page);
	const char *prefix = inner->first;

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		put_line(page, frame, prefix, text, len);
		prefix = inner->rest;
		text += len + (text[len] == '\n');
	}
}

void
page_close(struct page *page)
{
	struct frame *inner;

	page_block(page, false);
	inner = g_ptr_array_steal_index(page->frames, page->frames->len - 1);
	if (inner->kind == FRAME_TABLE)
		page_put_table(inner->rows, inner->columns, inner->out);
	if (inner->kind == FRAME_CELL && page_inside(page) == FRAME_TABLE)
		put_cell(page, inner);
	else
		put_lines(page, inner, inner->out->str);
	frame_free(inner);
}

/* ------------------------------------------------------------------------ */

char *
page_finish(struct page *page)
{
	struct frame *frame = page_top(page);
	GString *out;

	page_block(page, page->links->len > 0);
	for (guint i = 0; i < page->links->len; i++) {
		g_autofree char *line = g_strdup_printf(
			"[%u] %s", i + 1, (char *)page->links->pdata[i]);

		put_line(page, frame, "", line, strlen(line));
	}
	if (page->has_failed)
		return NULL;
	out = g_string_sized_new(frame->out->len + frame->out->len / 32);
	for (const char *p = frame->out->str; *p != '\0'; p++) {
		if (*p == '\n' && p[1] == '\0')
			break;
		g_string_append(out, *p == '\n' ? "\r" : "");
		g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}
