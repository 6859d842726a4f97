/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Texts in the lines of a post that is one text/plain. Where its charset has
 * their letters, they are written in it and encoded as it is, and each byte
 * of what was there stays: a signature in the text (PGP) is good, a patch
 * applies. Where it lacks one, or where marks must be found in what is base64,
 * the whole is written anew, in UTF-8, unless that would lose or change
 * anything that matters; then the texts are parts of their own.
 */
#include <string.h>

#include "core/mail/append_inside.h"
#include "core/base/banned.h"

/* --- what it is --------------------------------------------------------- */

static bool
read_encoding(struct lone *lone)
{
	static const struct {
		const char *word;
		enum lone_encoding is;
	} all[] = {
		{ "7bit", LONE_NONE }, { "8bit", LONE_NONE },
		{ "quoted-printable", LONE_QP }, { "base64", LONE_BASE64 },
	};
	g_autofree char *value = header_get(lone->a->header,
					    "Content-Transfer-Encoding");

	for (size_t i = 0; value != NULL && i < G_N_ELEMENTS(all); i++)
		if (g_ascii_strcasecmp(value, all[i].word) == 0) {
			lone->encoding = all[i].is;
			return true;
		}
	return value == NULL;
}

static bool
is_flowed(const struct appending *a)
{
	g_autofree char *format = a->type == NULL ? NULL :
		mime_param(a->type, "format");

	return format != NULL && g_ascii_strcasecmp(format, "flowed") == 0;
}

static bool
is_lone(struct lone *lone)
{
	const struct appending *a = lone->a;
	g_autofree char *place = header_get(a->header, "Content-Disposition");
	g_autofree char *charset = a->type == NULL ? NULL :
		mime_param(a->type, "charset");

	return a->is_plain_head &&
		(a->type == NULL || append_is_type(a->type, "text/plain")) &&
		(place == NULL || g_ascii_strncasecmp(place, "attachment",
						      10) != 0) &&
		read_encoding(lone) && charset_find(charset, &lone->charset);
}

/* RFC 3676 section 4.4: what a reader takes away is put in front. */
static char *
stuffed(const char *text)
{
	GString *out = g_string_new(NULL);
	struct span rest = { text, strlen(text) };

	while (rest.len > 0) {
		struct span line = span_line(&rest);

		if (line.bytes[0] == ' ' || line.bytes[0] == '>' ||
		    g_str_has_prefix(line.bytes, "From "))
			g_string_append_c(out, ' ');
		g_string_append_len(out, line.bytes, (gssize)line.len);
	}
	return g_string_free(out, FALSE);
}

static void
read_texts(struct lone *lone)
{
	const struct appending *a = lone->a;

	lone->is_flowed = is_flowed(a);
	lone->above = lone->is_flowed ? stuffed(a->above) :
		g_strdup(a->above);
	lone->below = lone->is_flowed ? stuffed(a->below) :
		g_strdup(a->below);
	for (size_t i = 0; i < a->texts->mark_count; i++) {
		const struct mime_mark *mark = &a->texts->marks[i];

		if (strstr(a->above, mark->text) == NULL &&
		    strstr(a->below, mark->text) == NULL)
			continue;
		lone->has_marks = true;
		lone->has_open_marks |= !mark->is_ascii;
	}
}

/* --- its header --------------------------------------------------------- */

void
lone_set_utf8(const struct lone *lone)
{
	const struct appending *a = lone->a;
	g_autofree char *type = NULL, *folded = NULL;

	append_set_mime(a->header);
	if (lone->charset.kind == CHARSET_UTF8)
		return;
	type = append_type_utf8(a->type != NULL ? a->type : "text/plain",
				lone->is_flowed);
	folded = header_fold(type, strlen("Content-Type: "));
	header_set(a->header, "Content-Type", folded);
}

void
lone_set_eight_bit(const struct lone *lone)
{
	g_autofree char *value = header_get(lone->a->header,
					    "Content-Transfer-Encoding");

	append_set_mime(lone->a->header);
	if (value == NULL || g_ascii_strcasecmp(value, "8bit") != 0)
		append_set_encoding(lone->a->header, "8bit");
}

/* --- between its lines -------------------------------------------------- */

void
seam_put(const struct seam *seam, GString *out)
{
	g_string_append(out, seam->line_end);
	g_string_append(out, seam->gap);
	g_string_append(out, seam->shift);
}

static bool
ends_in_blank(struct span line)
{
	const size_t len = span_text(line);

	return len > 0 && line.bytes[len - 1] == ' ';
}

struct seam
lone_seam(const struct lone *lone, struct span text)
{
	const bool flows = lone->is_flowed && ends_in_blank(text);

	return (struct seam){
		.line_end = text.len > 0 && text.bytes[text.len - 1] != '\n' ?
			"\r\n" : "",
		.gap = flows ? "\r\n" : "",
		.shift = lone->charset.kind == CHARSET_SHIFTS ? "\033(B" :
			"",
	};
}

/* A last line that ends in "=" goes on with the next. */
static struct seam
seam_behind_qp(const struct lone *lone, struct span body)
{
	struct seam seam = lone_seam(lone, body);
	size_t len = span_text(body);
	bool is_soft;

	while (len > 0 && strchr(" \t", body.bytes[len - 1]) != NULL)
		len--;
	is_soft = len > 0 && body.bytes[len - 1] == '=';
	if (is_soft)
		seam.line_end = len < body.len &&
			body.bytes[body.len - 1] == '\n' ? "\r\n" :
			"\r\n\r\n";
	if (lone->is_flowed && ((is_soft && len > 1) ||
	    (len > 2 && memcmp(body.bytes + len - 3, "=20", 3) == 0)))
		seam.gap = "\r\n";
	if (seam.shift[0] != '\0')
		seam.shift = "=1B(B=\r\n";
	return seam;
}

/* --- as it is encoded --------------------------------------------------- */

struct encoded { char *above, *below; size_t above_len, below_len; };

static void
encoded_done(struct encoded *texts)
{
	g_free(texts->above);
	g_free(texts->below);
}

static void
put_plain(const struct lone *lone, const struct encoded *texts)
{
	const struct appending *a = lone->a;
	struct seam seam = lone_seam(lone, a->body);

	g_string_append_len(a->out, texts->above, (gssize)texts->above_len);
	g_string_append_len(a->out, a->body.bytes, (gssize)a->body.len);
	if (texts->below_len > 0)
		seam_put(&seam, a->out);
	g_string_append_len(a->out, texts->below, (gssize)texts->below_len);
	if (lone->has_open_marks ||
	    !mime_is_ascii(texts->above, texts->above_len) ||
	    !mime_is_ascii(texts->below, texts->below_len))
		lone_set_eight_bit(lone);
}

static void
put_quoted(const struct lone *lone, const struct encoded *texts)
{
	const struct appending *a = lone->a;
	struct seam seam = seam_behind_qp(lone, a->body);

	put_qp(a->texts, texts->above, texts->above_len, a->out);
	g_string_append_len(a->out, a->body.bytes, (gssize)a->body.len);
	if (texts->below_len > 0)
		seam_put(&seam, a->out);
	put_qp(a->texts, texts->below, texts->below_len, a->out);
}

/* Only the last letters are others. */
static void
put_base64_below(const struct lone *lone, const struct base64_tail *tail,
		 const struct encoded *texts)
{
	const struct appending *a = lone->a;
	g_autoptr(GString) end = g_string_new_len((const char *)tail->bytes,
						  (gssize)tail->len);
	struct seam seam = lone_seam(lone, (struct span){ end->str,
							    end->len });

	seam_put(&seam, end);
	g_string_append_len(end, texts->below, (gssize)texts->below_len);
	g_string_append_len(a->out, a->body.bytes, (gssize)tail->at);
	base64_put_from(tail->column, end, a->out);
}

static void
put_base64_around(const struct lone *lone, const struct encoded *texts)
{
	const struct appending *a = lone->a;
	struct base64 base64 = { .out = a->out };
	g_autoptr(GString) between = g_string_new(NULL);
	struct base64_last last = { 0 };
	struct seam seam;

	base64_feed(&base64, texts->above, texts->above_len);
	base64_copy(&base64, a->body, &last);
	seam = lone_seam(lone, (struct span){ last.bytes, last.len });
	seam_put(&seam, between);
	if (texts->below_len > 0)
		base64_feed(&base64, between->str, between->len);
	base64_feed(&base64, texts->below, texts->below_len);
	base64_end(&base64);
}

static bool
put_base64(const struct lone *lone, const struct encoded *texts)
{
	struct base64_tail tail;

	if (lone->has_marks || !base64_tail(lone->a->body, &tail))
		return false;
	if (texts->above_len > 0)
		put_base64_around(lone, texts);
	else
		put_base64_below(lone, &tail, texts);
	return true;
}

/* --- without a change of what is there ---------------------------------- */

static bool
has_escape(const struct lone *lone)
{
	struct span body = lone->a->body;

	return memchr(body.bytes, '\033', body.len) != NULL ||
		memchr(body.bytes, '\0', body.len) != NULL ||
		(lone->encoding == LONE_QP &&
		 (memmem(body.bytes, body.len, "=1B", 3) != NULL ||
		  memmem(body.bytes, body.len, "=1b", 3) != NULL));
}

/* Is the text as its charset says, so that other letters may follow? What
 * calls itself ASCII may be called UTF-8 if it is. */
static bool
settle_charset(struct lone *lone)
{
	const struct appending *a = lone->a;

	if (lone->charset.kind == CHARSET_OTHER)
		return false;
	if (lone->charset.kind != CHARSET_ASCII)
		return lone->charset.kind == CHARSET_UTF8 ||
			!lone->has_open_marks;
	if (has_escape(lone))
		return false;
	if (a->is_ascii)
		return true;
	if (lone->encoding != LONE_NONE ||
	    !mime_is_ascii(a->body.bytes, a->body.len))
		return false;
	lone_set_utf8(lone);
	lone->charset.kind = CHARSET_UTF8;
	return true;
}

static bool
encode_texts(const struct lone *lone, struct encoded *texts)
{
	texts->above = charset_put(&lone->charset, lone->above,
				   &texts->above_len);
	texts->below = charset_put(&lone->charset, lone->below,
				   &texts->below_len);
	return texts->above != NULL && texts->below != NULL &&
		!mime_needs_recode(texts->above, texts->above_len) &&
		!mime_needs_recode(texts->below, texts->below_len);
}

static bool
put_in_place(struct lone *lone)
{
	struct encoded texts = { 0 };
	bool ok = settle_charset(lone) && encode_texts(lone, &texts);

	if (ok && lone->encoding == LONE_NONE)
		put_plain(lone, &texts);
	else if (ok && lone->encoding == LONE_QP)
		put_quoted(lone, &texts);
	else if (ok)
		ok = put_base64(lone, &texts);
	encoded_done(&texts);
	return ok;
}

/* ------------------------------------------------------------------------ */

bool
append_lone(const struct appending *a)
{
	struct lone lone = { .a = a };
	bool done;

	if (!is_lone(&lone))
		return false;
	read_texts(&lone);
	done = put_in_place(&lone) || lone_put_anew(&lone);
	if (done)
		append_remove_sums(a->header);
	g_free(lone.above);
	g_free(lone.below);
	return done;
}
