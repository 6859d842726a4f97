/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/archive/input.h"
#include "core/archive/source.h"
#include "core/base/banned.h"

/* The messages of an mbox, whoever wrote it. */

struct mbox_source {
	struct input *input;
	enum source_form form;	/* that was said */
	enum source_form is;	/* of the message at hand */
	bool quotes_kept;	/* of this message no line is unquoted */
};

struct mbox_source *
mbox_source_new(FILE *in, const char *name, enum source_form form)
{
	struct mbox_source *mbox = g_new0(struct mbox_source, 1);

	mbox->input = input_new(in, name);
	mbox->form = form;
	return mbox;
}

void
mbox_source_free(struct mbox_source *mbox)
{
	if (mbox == NULL)
		return;
	input_free(mbox->input);
	g_free(mbox);
}

uint64_t
mbox_source_octets(const struct mbox_source *mbox)
{
	return input_octets(mbox->input);
}

/* --- lines -------------------------------------------------------------- */

static bool
is_empty(const char *line, size_t len)
{
	return (len == 1 && line[0] == '\n') ||
		(len == 2 && line[0] == '\r' && line[1] == '\n');
}

static bool
is_field(const char *line, size_t len)
{
	size_t i = 0;

	while (i < len && line[i] > ' ' && line[i] < 0x7f && line[i] != ':')
		i++;
	return i > 0 && i < len && line[i] == ':';
}

/* Does a message begin `ahead` octets from here? What stands in a text as it
 * would in an mbox has no fields behind it. */
static enum err_code
is_begin(const struct mbox_source *mbox, size_t ahead, bool *is,
	 struct err *err)
{
	const char *line;
	size_t len, next;
	int64_t time_s;
	bool is_pipermail;
	enum err_code rc = input_peek(mbox->input, ahead, &line, &len, err);

	*is = false;
	if (rc != ERR_OK || !from_line_read(line, len, &time_s,
					    &is_pipermail))
		return rc;
	rc = input_peek(mbox->input, ahead + len, &line, &next, err);
	if (rc == ERR_OK)
		*is = next == 0 || is_field(line, next) ||
			is_empty(line, next) || (next > 5 &&
			memcmp(line, ">From ", 6) == 0);
	return rc;
}

/* A line of a text without what was put before it. */
static void
append_line(const struct mbox_source *mbox, GByteArray *out,
	    const char *line, size_t len)
{
	size_t quotes = 0;

	while (quotes < len && line[quotes] == '>')
		quotes++;
	if (!mbox->quotes_kept && quotes > 0 && len - quotes > 4 &&
	    memcmp(line + quotes, "From ", 5) == 0 &&
	    (quotes == 1 || mbox->is == SOURCE_MBOXRD)) {
		line++;
		len--;
	}
	g_byte_array_append(out, (const guint8 *)line, (guint)len);
}

/* --- a message ---------------------------------------------------------- */

static void
take_line(struct mbox_source *mbox, struct source_message *out,
	  const char *line, size_t len, bool is_text)
{
	if (out->bytes->len + len > SOURCE_LARGEST)
		out->wrong = "it is larger than a message may be";
	else if (is_text)
		append_line(mbox, out->bytes, line, len);
	else
		g_byte_array_append(out->bytes, (const guint8 *)line,
				    (guint)len);
	input_skip(mbox->input, len);
}

/* -1: it has none that makes sense */
static int64_t
content_length(const char *line, size_t len)
{
	static const char name[] = "Content-Length:";
	g_autofree char *text = NULL;
	guint64 number;

	if (len <= strlen(name) ||
	    g_ascii_strncasecmp(line, name, strlen(name)) != 0)
		return -1;
	text = g_strstrip(g_strndup(line + strlen(name),
				    len - strlen(name)));
	return g_ascii_string_to_unsigned(text, 10, 0, SOURCE_LARGEST,
					  &number, NULL) ?
		(int64_t)number : -1;
}

/* The fields, and the empty line. Content-Length is of the mbox, not of the
 * message; *length_out: -1 none. */
static enum err_code
read_fields(struct mbox_source *mbox, struct source_message *out,
	    int64_t *length_out, struct err *err)
{
	const char *line;
	size_t len;
	enum err_code rc;

	*length_out = -1;
	for (bool ended = false; !ended;) {
		int64_t length;

		rc = input_peek(mbox->input, 0, &line, &len, err);
		if (rc != ERR_OK || len == 0)
			return rc;
		ended = is_empty(line, len);
		length = content_length(line, len);
		if (length >= 0 && mbox->form != SOURCE_MBOXRD &&
		    mbox->form != SOURCE_MBOXO) {
			*length_out = length;
			input_skip(mbox->input, len);
		} else {
			take_line(mbox, out, line, len, false);
		}
	}
	return ERR_OK;
}

/* Is there an end of a message so many octets from here? */
static enum err_code
ends_at(struct mbox_source *mbox, size_t length, bool *ends,
	struct err *err)
{
	const char *line;
	size_t len;
	bool there, behind_empty;
	enum err_code rc = input_room(mbox->input, length, &there, err);

	*ends = false;
	if (rc != ERR_OK || !there)
		return rc;
	rc = input_peek(mbox->input, length, &line, &len, err);
	if (rc != ERR_OK)
		return rc;
	*ends = len == 0;
	behind_empty = is_empty(line, len);
	if (behind_empty)
		length += len;
	if (!*ends)
		rc = is_begin(mbox, length, ends, err);
	if (rc != ERR_OK || *ends || !behind_empty)
		return rc;
	/* the last one, with an empty line behind it */
	rc = input_peek(mbox->input, length, &line, &len, err);
	*ends = rc == ERR_OK && len == 0;
	return rc;
}

static enum err_code
read_counted(struct mbox_source *mbox, struct source_message *out,
	     size_t length, struct err *err)
{
	const char *line;
	size_t len;
	enum err_code rc = ERR_OK;

	mbox->is = mbox->form == SOURCE_MBOXCL2 ? SOURCE_MBOXCL2 :
		SOURCE_MBOXCL;
	mbox->quotes_kept = mbox->is == SOURCE_MBOXCL2;
	while (rc == ERR_OK && length > 0) {
		rc = input_peek(mbox->input, 0, &line, &len, err);
		if (rc != ERR_OK || len == 0)
			return rc;
		len = MIN(len, length);
		take_line(mbox, out, line, len, true);
		length -= len;
	}
	rc = input_peek(mbox->input, 0, &line, &len, err);
	if (rc == ERR_OK && is_empty(line, len))
		input_skip(mbox->input, len);
	return rc;
}

/* Up to the next message; the empty line before it is none of this one. */
static enum err_code
read_lines(struct mbox_source *mbox, struct source_message *out,
	   struct err *err)
{
	bool behind_empty = false, begins = false;
	size_t len, empty = 0;
	const char *line;
	enum err_code rc;

	for (;;) {
		rc = input_peek(mbox->input, 0, &line, &len, err);
		if (rc == ERR_OK && behind_empty)
			rc = is_begin(mbox, 0, &begins, err);
		if (rc != ERR_OK || len == 0 || begins)
			break;
		rc = input_peek(mbox->input, 0, &line, &len, err);
		if (rc != ERR_OK)
			break;
		behind_empty = is_empty(line, len);
		empty = behind_empty ? len : 0;
		take_line(mbox, out, line, len, true);
	}
	if (rc == ERR_OK && behind_empty && out->wrong == NULL)
		g_byte_array_set_size(out->bytes, out->bytes->len -
				      (guint)empty);
	return rc;
}

static enum err_code
read_body(struct mbox_source *mbox, struct source_message *out,
	  int64_t length, struct err *err)
{
	bool ends = false;
	enum err_code rc = ERR_OK;

	if (length >= 0)
		rc = ends_at(mbox, (size_t)length, &ends, err);
	if (rc == ERR_OK && ends)
		return read_counted(mbox, out, (size_t)length, err);
	return rc == ERR_OK ? read_lines(mbox, out, err) : rc;
}

/* What stands before the first message is passed over, and reported. */
static enum err_code
read_rubbish(struct mbox_source *mbox, struct source_message *out,
	     struct err *err)
{
	enum err_code rc;

	mbox->quotes_kept = true;
	rc = read_lines(mbox, out, err);
	out->wrong = "it does not begin with a line \"From WHO DATE\"";
	return rc;
}

static enum err_code
skip_empty(struct mbox_source *mbox, size_t *len_out, struct err *err)
{
	const char *line;
	enum err_code rc;

	while ((rc = input_peek(mbox->input, 0, &line, len_out, err)) ==
	       ERR_OK && is_empty(line, *len_out))
		input_skip(mbox->input, *len_out);
	return rc;
}

static enum err_code
read_message(struct mbox_source *mbox, struct source_message *out,
	     struct err *err)
{
	bool is_pipermail;
	const char *line;
	size_t len;
	int64_t length;
	enum err_code rc = input_peek(mbox->input, 0, &line, &len, err);

	if (rc != ERR_OK)
		return rc;
	if (!from_line_read(line, len, &out->time_s, &is_pipermail))
		return read_rubbish(mbox, out, err);
	mbox->is = mbox->form != SOURCE_ANY ? mbox->form :
		is_pipermail ? SOURCE_PIPERMAIL : SOURCE_MBOXRD;
	mbox->quotes_kept = false;
	input_skip(mbox->input, len);
	rc = read_fields(mbox, out, &length, err);
	if (rc == ERR_OK)
		rc = read_body(mbox, out, length, err);
	if (rc == ERR_OK && mbox->is == SOURCE_PIPERMAIL &&
	    out->wrong == NULL)
		pipermail_mend(out->bytes);
	return rc;
}

enum err_code
mbox_source_next(struct mbox_source *mbox, struct source_message *out,
		 bool *more, struct err *err)
{
	size_t len;
	enum err_code rc = skip_empty(mbox, &len, err);

	*more = rc == ERR_OK && len > 0;
	if (!*more)
		return rc;
	out->bytes = g_byte_array_new();
	out->where = g_strdup_printf("%s:%llu", input_name(mbox->input),
				     (unsigned long long)
				     input_line_number(mbox->input));
	return read_message(mbox, out, err);
}
