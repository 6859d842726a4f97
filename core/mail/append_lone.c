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
#include "core/mail/charset.h"
#include "core/base/banned.h"

#define REWRITE_MAX 1048576	/* octets that are written anew */

struct lone {
	const struct appending *a;
	struct charset charset;
	enum lone_encoding encoding;
	bool is_flowed;
	bool has_marks, has_open_marks;	/* open: not sure to be ASCII */
	char *above, *below;	/* UTF-8, as lines of such a text */
};

/* --- what it is --------------------------------------------------------- */

static bool
read_encoding(struct lone *lone)
{
	static const struct { const char *word; enum lone_encoding is; } all[] = {
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

/* Length of a parameter up to the next ";" that is not quoted */
static size_t
param_len(const char *text)
{
	bool quoted = false;
	size_t len = 0;

	for (; text[len] != '\0' && (quoted || text[len] != ';'); len++) {
		if (text[len] == '\\' && quoted && text[len + 1] != '\0')
			len++;
		else if (text[len] == '"')
			quoted = !quoted;
	}
	return len;
}

/* A type with all its parameters as they are, but for the charset. GMime
 * 3.2.13 would write them too, and takes all the memory there is for some
 * names. */
static char *
type_in_utf8(const char *type)
{
	static const char name[] = "charset";
	GString *out = g_string_new(NULL);
	bool done = false;

	for (size_t len; *type != '\0'; type += len + (type[len] == ';')) {
		g_autofree char *param = NULL;

		len = param_len(type);
		param = g_strstrip(g_strndup(type, len));
		if (g_ascii_strncasecmp(param, name, strlen(name)) != 0)
			g_string_append_printf(out, "%s%s", out->len > 0 ?
					       "; " : "", param);
		else if (!done)
			g_string_append(out, "; charset=utf-8");
		done |= g_ascii_strncasecmp(param, name, strlen(name)) == 0;
	}
	if (!done)
		g_string_append(out, "; charset=utf-8");
	return g_string_free(out, FALSE);
}

static bool
is_utf8(const char *type)
{
	g_autofree char *charset = mime_param(type, "charset");

	return charset != NULL && g_ascii_strcasecmp(charset, "utf-8") == 0;
}

/* What cannot be understood as a whole keeps what matters in it. */
static void
set_utf8(const struct lone *lone)
{
	const struct appending *a = lone->a;
	g_autofree char *type = NULL, *folded = NULL;

	append_set_mime(a->header);
	if (lone->charset.kind == CHARSET_UTF8)
		return;
	type = type_in_utf8(a->type != NULL ? a->type : "text/plain");
	if (!is_utf8(type)) {
		g_free(type);
		type = g_strconcat("text/plain; charset=utf-8", lone->is_flowed
				   ? "; format=flowed" : "", NULL);
	}
	folded = header_fold(type, strlen("Content-Type: "));
	header_set(a->header, "Content-Type", folded);
}

static void
set_eight_bit(const struct lone *lone)
{
	g_autofree char *value = header_get(lone->a->header,
					    "Content-Transfer-Encoding");

	append_set_mime(lone->a->header);
	if (value == NULL || g_ascii_strcasecmp(value, "8bit") != 0)
		append_set_encoding(lone->a->header, "8bit");
}

/* --- between its lines -------------------------------------------------- */

/* What stands between the last line and the text below: the end of that
 * line; in flowed text an empty one, where else a paragraph went on; and the
 * way back to ASCII. */
struct seam { const char *line_end, *gap, *shift; };

static void
append_seam(const struct seam *seam, GString *out)
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

static struct seam
seam_behind(const struct lone *lone, struct span text)
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
	struct seam seam = seam_behind(lone, body);
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
		seam.shift = "=1B(B";
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
	struct seam seam = seam_behind(lone, a->body);

	g_string_append_len(a->out, texts->above, (gssize)texts->above_len);
	g_string_append_len(a->out, a->body.bytes, (gssize)a->body.len);
	if (texts->below_len > 0)
		append_seam(&seam, a->out);
	g_string_append_len(a->out, texts->below, (gssize)texts->below_len);
	if (lone->has_open_marks ||
	    append_has_eight_bit(texts->above, texts->above_len) ||
	    append_has_eight_bit(texts->below, texts->below_len))
		set_eight_bit(lone);
}

static void
put_quoted(const struct lone *lone, const struct encoded *texts)
{
	const struct appending *a = lone->a;
	struct seam seam = seam_behind_qp(lone, a->body);

	put_qp(a->texts, texts->above, texts->above_len, a->out);
	g_string_append_len(a->out, a->body.bytes, (gssize)a->body.len);
	if (texts->below_len > 0)
		append_seam(&seam, a->out);
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
	struct seam seam = seam_behind(lone, (struct span){ end->str,
							    end->len });

	append_seam(&seam, end);
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
	seam = seam_behind(lone, (struct span){ last.bytes, last.len });
	append_seam(&seam, between);
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
	    append_has_eight_bit(a->body.bytes, a->body.len))
		return false;
	set_utf8(lone);
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

/* --- anew --------------------------------------------------------------- */

/* What is of use only as the bytes that it is: signed or encrypted text, a
 * patch of files in whatever charset, yEnc. */
static bool
is_bytes(struct span text)
{
	static const char *const marks[] = { "-----BEGIN PGP ", "=ybegin " };

	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (memmem(text.bytes, text.len, marks[i],
			   strlen(marks[i])) != NULL)
			return true;
	return append_is_patch(text);
}

/* NULL: it cannot be, or is too long for it. */
static char *
take_content(const struct lone *lone, size_t *len_out)
{
	const struct part part = {
		.encoding = lone->encoding == LONE_QP ? PART_QP :
			lone->encoding == LONE_BASE64 ? PART_BASE64 :
			PART_IDENTITY,
	};
	g_autoptr(GByteArray) raw = NULL;
	g_autofree char *text = NULL;
	struct span content;

	if (lone->a->body.len > REWRITE_MAX)
		return NULL;
	raw = part_decode(&part, lone->a->body);
	content = (struct span){ (const char *)raw->data, raw->len };
	if (raw->len == 0)
		content.bytes = "";
	if (is_bytes(content))
		return NULL;
	text = charset_take(&lone->charset, content.bytes, content.len,
			    len_out);
	return text == NULL || memchr(text, '\0', *len_out) != NULL ? NULL :
		g_steal_pointer(&text);
}

static GString *
put_together(const struct lone *lone, const char *text, size_t len)
{
	GString *whole = g_string_sized_new(len + strlen(lone->above) +
					    strlen(lone->below) + 16);
	struct seam seam = seam_behind(lone, (struct span){ text, len });

	seam.shift = "";
	g_string_append(whole, lone->above);
	g_string_append_len(whole, text, (gssize)len);
	if (lone->below[0] != '\0')
		append_seam(&seam, whole);
	g_string_append(whole, lone->below);
	return whole;
}

static void
encode_whole(const struct lone *lone, const GString *whole)
{
	const struct appending *a = lone->a;
	struct base64 base64 = { .out = a->out };

	if (lone->encoding == LONE_BASE64 && !lone->has_marks) {
		base64_feed(&base64, whole->str, whole->len);
		base64_end(&base64);
	} else if (lone->encoding != LONE_NONE ||
		   mime_needs_recode(whole->str, whole->len)) {
		append_set_encoding(a->header, "quoted-printable");
		put_qp(a->texts, whole->str, whole->len, a->out);
	} else {
		set_eight_bit(lone);
		g_string_append_len(a->out, whole->str, (gssize)whole->len);
	}
}

static bool
put_anew(const struct lone *lone)
{
	g_autoptr(GString) whole = NULL;
	g_autofree char *text = NULL;
	size_t len = 0;

	text = take_content(lone, &len);
	if (text == NULL)
		return false;
	whole = put_together(lone, text, len);
	set_utf8(lone);
	encode_whole(lone, whole);
	return true;
}

bool
append_lone(const struct appending *a)
{
	struct lone lone = { .a = a };
	bool done;

	if (!is_lone(&lone))
		return false;
	read_texts(&lone);
	done = put_in_place(&lone) || put_anew(&lone);
	if (done)
		append_remove_sums(a->header);
	g_free(lone.above);
	g_free(lone.below);
	return done;
}
