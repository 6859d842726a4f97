/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/reply.h"

#include <string.h>

#include "core/base/banned.h"

void
reply_reader_init(struct reply_reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	reader->pending = g_string_new(NULL);
	reader->text = g_string_new(NULL);
}

void
reply_reader_done(struct reply_reader *reader)
{
	g_string_free(reader->pending, TRUE);
	g_string_free(reader->text, TRUE);
}

void
reply_feed(struct reply_reader *reader, const char *bytes, size_t len)
{
	g_string_erase(reader->pending, 0, (gssize)reader->at);
	reader->at = 0;
	g_string_append_len(reader->pending, bytes, (gssize)len);
}

static int
read_code(const char *line, size_t len)
{
	if (len < 3 || line[0] < '2' || line[0] > '5' ||
	    !g_ascii_isdigit(line[1]) || !g_ascii_isdigit(line[2]))
		return 0;
	if (len > 3 && line[3] != ' ' && line[3] != '-')
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

/* What most replies are: its text stays where it is. */
static const char *
only_text(char *line, size_t len)
{
	line[len] = '\0';	/* for its CR or LF */
	return line + MIN(len, 4);
}

static const char *
joined_text(struct reply_reader *reader, const char *line, size_t len)
{
	if (reader->lines == 1)
		g_string_truncate(reader->text, 0);
	else
		g_string_append_c(reader->text, '\n');
	if (len > 4)
		g_string_append_len(reader->text, line + 4,
				    (gssize)len - 4);
	return reader->text->str;
}

/* True: this line is the last of its reply. */
static bool
take_line(struct reply_reader *reader, char *line, size_t len,
	  struct reply *out)
{
	int code = read_code(line, len);
	bool last;

	if (reader->lines == 0)
		reader->code = code;
	if (code == 0 || code != reader->code ||
	    ++reader->lines > REPLY_LINES_MAX) {
		reader->broken = true;
		return false;
	}
	last = len == 3 || line[3] == ' ';
	out->code = code;
	out->text = last && reader->lines == 1 ? only_text(line, len) :
		joined_text(reader, line, len);
	return last;
}

bool
reply_next(struct reply_reader *reader, struct reply *out)
{
	bool whole = false;

	while (!whole && !reader->broken) {
		char *line = reader->pending->str + reader->at;
		size_t left = reader->pending->len - reader->at;
		const char *lf = memchr(line, '\n', left);
		size_t len = lf != NULL ? (size_t)(lf - line) : left;

		if (len > REPLY_LINE_MAX)
			reader->broken = true;
		if (lf == NULL || reader->broken)
			break;
		reader->at += len + 1;
		if (len > 0 && line[len - 1] == '\r')
			len--;
		whole = take_line(reader, line, len, out);
	}
	if (whole)
		reader->lines = 0;
	return whole;
}
