/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/compose.h"

#include <string.h>

#include "core/base/log.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

/* Lines of SMTP (RFC 5321 section 2.3.8). */
static void
append_lines(GString *out, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *lf = memchr(bytes, '\n', len);
		size_t line = lf != NULL ? (size_t)(lf - bytes) : len;
		size_t text = lf != NULL && line > 0 &&
			bytes[line - 1] == '\r' ? line - 1 : line;

		g_string_append_len(out, bytes, (gssize)text);
		g_string_append(out, "\r\n");
		line += lf != NULL;
		bytes += line;
		len -= line;
	}
}

/* RFC 5321 section 4.5.2, of lines that end in CRLF. What is put in places
 * never begins with a dot, so a line that begins with a place has none to be
 * doubled. */
static void
double_dots(const struct text *raw, struct text *out)
{
	GString *bytes = g_string_sized_new(raw->len + 64);
	size_t at = 0, end;
	guint place = 0;

	out->place_count = raw->place_count;
	out->places = g_new(struct place, raw->place_count + 1);
	for (; at < raw->len; at = end) {
		const char *lf = memchr(raw->bytes + at, '\n', raw->len - at);

		end = lf != NULL ? (size_t)(lf - raw->bytes) + 1 : raw->len;
		if (raw->bytes[at] == '.' && (place == raw->place_count ||
					      raw->places[place].at > at))
			g_string_append_c(bytes, '.');
		for (; place < raw->place_count &&
		     raw->places[place].at < end; place++) {
			out->places[place] = raw->places[place];
			out->places[place].at += bytes->len - at;
		}
		g_string_append_len(bytes, raw->bytes + at,
				    (gssize)(end - at));
	}
	for (; place < raw->place_count; place++) {
		out->places[place] = raw->places[place];
		out->places[place].at = bytes->len;
	}
	out->len = bytes->len;
	out->bytes = g_string_free(bytes, FALSE);
}

static bool
has_dots(const struct text *text)
{
	return text->len > 0 && (text->bytes[0] == '.' ||
		memmem(text->bytes, text->len, "\n.", 2) != NULL);
}

/* --- signatures --------------------------------------------------------- */

static void
log_unsigned(const struct composed *composed, const char *todo)
{
	log_warning(NULL, "outbound.unsigned",
		    kv_str("post", composed->post_id), kv_str("todo", todo));
}

static void
make_marks(const struct verp *verp, const char *list,
	   const struct post_id *post, char marks[SLOTS][SLOT_MARK_MAX])
{
	for (int i = 0; i < SLOTS; i++)
		slot_mark(verp, list, post, (enum slot)i, marks[i]);
}

void
composed_sign_with(struct composed *composed, const struct verp *verp,
		   const struct post_id *post, const char *list,
		   struct sign_key *key, enum auth_result chain)
{
	char marks[SLOTS][SLOT_MARK_MAX];

	make_marks(verp, list, post, marks);
	composed->signer = signer_new(&composed->raw, composed->header_len,
				      marks, key, chain);
	if (composed->signer == NULL)
		log_unsigned(composed, "nothing: it has too many fields");
}

char *
composed_sign(const struct composed *composed,
	      const char *const values[SLOTS])
{
	char *fields = signer_sign(composed->signer, values);

	if (fields == NULL)
		log_unsigned(composed, "see whether memory is short");
	return fields;
}

/* ------------------------------------------------------------------------ */

/* How much of the header was marks, in front of raw's header_len. */
static size_t
header_without_marks(const struct text *raw, size_t len,
		     char marks[SLOTS][SLOT_MARK_MAX])
{
	for (guint i = 0; i < raw->place_count && raw->places[i].at < len;
	     i++)
		len -= strlen(marks[raw->places[i].slot]);
	return len;
}

/* A member's address may be in UTF-8 (RFC 6531), whatever is around it. */
static bool
is_eight_bit(const struct text *raw)
{
	return !mime_is_ascii(raw->bytes, raw->len) ||
		text_has(raw, SLOT_MEMBER);
}

void
composed_send_from(struct composed *composed, const char *list)
{
	const char *at = strrchr(list, '@');

	g_free(composed->sender_local);
	g_free(composed->sender_domain);
	composed->sender_local = g_strdup_printf("%.*s-bounces+",
						 (int)(at - list), list);
	composed->sender_domain = g_strdup(at + 1);
}

struct composed *
compose(const struct verp *verp, const struct post_id *post,
	const char *list, GBytes *header, GBytes *body)
{
	struct composed *composed = g_new0(struct composed, 1);
	GString *bytes = g_string_sized_new(g_bytes_get_size(header) +
					    g_bytes_get_size(body) + 1024);
	char marks[SLOTS][SLOT_MARK_MAX];
	size_t marked_header;

	make_marks(verp, list, post, marks);
	append_lines(bytes, g_bytes_get_data(header, NULL),
		     g_bytes_get_size(header));
	g_string_append(bytes, "\r\n");
	marked_header = bytes->len;
	append_lines(bytes, g_bytes_get_data(body, NULL),
		     g_bytes_get_size(body));
	text_take(bytes, marks, &composed->raw);
	composed->header_len = header_without_marks(&composed->raw,
						    marked_header, marks);
	if (has_dots(&composed->raw))
		double_dots(&composed->raw, &composed->dotted);
	composed->eight_bit = is_eight_bit(&composed->raw);
	composed_send_from(composed, list);
	post_id_text(post, composed->post_id);
	composed->refs = 1;
	return composed;
}

struct composed *
composed_ref(struct composed *composed)
{
	g_atomic_int_inc(&composed->refs);
	return composed;
}

void
composed_unref(struct composed *composed)
{
	if (composed == NULL || !g_atomic_int_dec_and_test(&composed->refs))
		return;
	signer_free(composed->signer);
	text_done(&composed->raw);
	text_done(&composed->dotted);
	g_free(composed->sender_local);
	g_free(composed->sender_domain);
	g_free(composed);
}
