/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/html_inside.h"

#include <string.h>

#include "core/base/banned.h"

/*
 * Tables hold figures, or, in most mails, the layout of a page. So the cells
 * stand in columns only if each is one line and all fit side by side; else
 * those of a row follow on one line if they fit there, else they stand below
 * each other.
 */
#define BETWEEN "  "

struct table {
	const GPtrArray *rows;
	int columns;
	int widths[TABLE_COLUMNS_MAX];
	guint count;
};

static const char *
cell(const GPtrArray *row, guint i)
{
	return i < row->len ? row->pdata[i] : "";
}

/* False: a cell has more than one line */
static bool
measure(struct table *table)
{
	for (guint i = 0; i < table->rows->len; i++) {
		const GPtrArray *row = table->rows->pdata[i];

		table->count = MAX(table->count, row->len);
		for (guint j = 0; j < row->len; j++) {
			const char *text = row->pdata[j];

			if (strchr(text, '\n') != NULL)
				return false;
			table->widths[j] = MAX(table->widths[j],
					       text_columns(text));
		}
	}
	return true;
}

static bool
fits(const struct table *table)
{
	int total = 0;

	for (guint i = 0; i < table->count; i++)
		if (table->widths[i] > 0)
			total += table->widths[i] +
				(total > 0 ? (int)strlen(BETWEEN) : 0);
	return total <= table->columns;
}

static void
end_line(GString *out, size_t from)
{
	while (out->len > from && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	if (out->len > from)
		g_string_append_c(out, '\n');
}

static void
put_in_columns(const struct table *table, const GPtrArray *row, GString *out)
{
	size_t from = out->len;
	bool first = true;

	for (guint i = 0; i < table->count; i++) {
		const char *text = cell(row, i);

		/* Columns that are there to keep others apart */
		if (table->widths[i] == 0)
			continue;
		if (!first)
			g_string_append(out, BETWEEN);
		first = false;
		g_string_append(out, text);
		for (int room = table->widths[i] - text_columns(text);
		     room > 0; room--)
			g_string_append_c(out, ' ');
	}
	end_line(out, from);
}

static bool
is_one_line(const GPtrArray *row, int columns)
{
	int total = 0;

	for (guint i = 0; i < row->len; i++) {
		const char *text = row->pdata[i];

		if (strchr(text, '\n') != NULL)
			return false;
		total += text_columns(text) + (int)strlen(BETWEEN);
	}
	return total - (int)strlen(BETWEEN) <= columns;
}

static void
put_row(const struct table *table, const GPtrArray *row, GString *out)
{
	const char *between = is_one_line(row, table->columns) ? BETWEEN :
		"\n";
	size_t from = out->len;

	for (guint i = 0; i < row->len; i++) {
		const char *text = row->pdata[i];

		if (text[0] == '\0')
			continue;
		if (out->len > from)
			g_string_append(out, between);
		g_string_append(out, text);
	}
	end_line(out, from);
}

void
page_put_table(const GPtrArray *rows, int columns, GString *out)
{
	struct table table = { .rows = rows, .columns = columns };
	bool aligned = measure(&table) && fits(&table);

	for (guint i = 0; i < rows->len; i++) {
		if (aligned)
			put_in_columns(&table, rows->pdata[i], out);
		else
			put_row(&table, rows->pdata[i], out);
	}
}
