/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/letter/inside.h"
#include "core/base/banned.h"

/* Paragraphs of lines that a person reads with ease in any mail reader. */

#define COLUMNS 72

struct flow {
	GString *out;
	GString *word;		/* that is being put together */
	glong column;		/* of the last line of out, 0: it is empty */
	bool gap;		/* an empty line is to stand in front of more */
};

struct flow *
flow_new(void)
{
	struct flow *flow = g_new0(struct flow, 1);

	flow->out = g_string_new(NULL);
	flow->word = g_string_new(NULL);
	return flow;
}

static glong
width_of(const char *text)
{
	glong width = 0;

	for (; *text != '\0'; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);

		width += g_unichar_iszerowidth(c) ? 0 :
			g_unichar_iswide(c) ? 2 : 1;
	}
	return width;
}

static void
end_line(struct flow *flow)
{
	if (flow->column > 0)
		g_string_append_c(flow->out, '\n');
	flow->column = 0;
}

/* One empty line, however many paragraphs in between have vanished. */
static void
open_gap(struct flow *flow)
{
	if (flow->gap && flow->out->len > 0)
		g_string_append_c(flow->out, '\n');
	flow->gap = false;
}

static void
end_word(struct flow *flow)
{
	glong width = width_of(flow->word->str);

	if (flow->word->len == 0)
		return;
	if (flow->column > 0 && flow->column + 1 + width > COLUMNS)
		end_line(flow);
	open_gap(flow);
	if (flow->column > 0) {
		g_string_append_c(flow->out, ' ');
		flow->column++;
	}
	g_string_append(flow->out, flow->word->str);
	flow->column += width;
	g_string_truncate(flow->word, 0);
}

void
flow_text(struct flow *flow, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == ' ' || *text == '\t')
			end_word(flow);
		else
			g_string_append_c(flow->word, *text);
}

void
flow_whole(struct flow *flow, const char *text)
{
	g_string_append(flow->word, text);
}

void
flow_line_end(struct flow *flow)
{
	end_word(flow);
}

void
flow_keep(struct flow *flow, const char *line)
{
	end_word(flow);
	end_line(flow);
	open_gap(flow);
	g_string_append(flow->out, line);
	g_string_append_c(flow->out, '\n');
}

void
flow_paragraph(struct flow *flow)
{
	end_word(flow);
	end_line(flow);
	flow->gap = true;
}

char *
flow_end(struct flow *flow)
{
	char *text;

	end_word(flow);
	end_line(flow);
	text = g_string_free(flow->out, FALSE);
	g_string_free(flow->word, TRUE);
	g_free(flow);
	return text;
}
