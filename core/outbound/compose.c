/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/compose.h"

#include <string.h>

#include "core/auth/dkim_sign.h"
#include "core/base/log.h"
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

/* The next mark at or behind `at`, NULL: no more. */
static const char *
next_mark(const GString *bytes, size_t at,
	  char marks[SLOTS][SLOT_MARK_MAX], enum slot *slot)
{
	const char *best = NULL;

	for (int i = 0; i < SLOTS; i++) {
		const char *found = memmem(bytes->str + at, bytes->len - at,
					   marks[i], strlen(marks[i]));

		if (found != NULL && (best == NULL || found < best)) {
			best = found;
			*slot = (enum slot)i;
		}
	}
	return best;
}

/* Takes the marks out of bytes; where they were is the text's places. */
static void
take_marks(GString *bytes, char marks[SLOTS][SLOT_MARK_MAX],
	   struct text *out)
{
	g_autoptr(GArray) places = g_array_new(FALSE, FALSE,
					       sizeof(struct place));
	struct place place = { 0 };
	const char *found;

	while ((found = next_mark(bytes, place.at, marks, &place.slot)) !=
	       NULL) {
		place.at = (size_t)(found - bytes->str);
		g_string_erase(bytes, (gssize)place.at,
			       (gssize)strlen(marks[place.slot]));
		g_array_append_val(places, place);
	}
	out->place_count = places->len;
	out->places = (struct place *)(void *)g_array_free(
		g_steal_pointer(&places), FALSE);
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

static bool
has_eight_bit(const struct text *text)
{
	for (size_t i = 0; i < text->len; i++)
		if ((unsigned char)text->bytes[i] >= 0x80)
			return true;
	return false;
}

/* --- signatures --------------------------------------------------------- */

/* What lies between two offsets, with the places in it filled. */
static void
fill(const struct text *text, size_t from, size_t to,
     const char *const values[SLOTS],
     void (*put)(void *arg, const void *bytes, size_t len), void *arg)
{
	for (guint i = 0; i < text->place_count; i++) {
		const struct place *place = &text->places[i];

		if (place->at < from || place->at >= to)
			continue;
		put(arg, text->bytes + from, place->at - from);
		put(arg, values[place->slot], strlen(values[place->slot]));
		from = place->at;
	}
	put(arg, text->bytes + from, to - from);
}

static size_t
first_in_body(const struct composed *composed)
{
	for (guint i = 0; i < composed->raw.place_count; i++)
		if (composed->raw.places[i].at >= composed->header_len)
			return composed->raw.places[i].at;
	return composed->raw.len;
}

/* The hash of what all bodies begin with, which mostly is all of them. */
static void
begin_hash(struct composed *composed)
{
	composed->hash = body_hash_new(CANON_RELAXED);
	body_hash_feed(composed->hash, composed->raw.bytes +
		       composed->header_len, first_in_body(composed) -
		       composed->header_len);
}

static void
put_hash(void *arg, const void *bytes, size_t len)
{
	body_hash_feed(arg, bytes, len);
}

static void
put_string(void *arg, const void *bytes, size_t len)
{
	g_string_append_len(arg, bytes, (gssize)len);
}

static void
end_hash(const struct composed *composed, const char *const values[SLOTS],
	 uint8_t out[32])
{
	struct body_hash *hash = body_hash_copy(composed->hash);
	size_t from = first_in_body(composed);

	if (from < composed->raw.len)
		fill(&composed->raw, from, composed->raw.len, values,
		     put_hash, hash);
	(void) body_hash_end(hash, out);
}

char *
composed_sign(const struct composed *composed,
	      const char *const values[SLOTS])
{
	g_autoptr(GString) block = g_string_new(NULL);
	g_autoptr(GString) made = g_string_new(NULL);
	struct header header;
	uint8_t hash[32];
	size_t body_at;
	bool signed_one = false;

	fill(&composed->raw, 0, composed->header_len - strlen("\r\n"),
	     values, put_string, block);
	end_hash(composed, values, hash);
	if (header_parse(block->str, block->len, &header, &body_at)) {
		signed_one = dkim_add_signature(&header, hash, composed->key,
			g_get_real_time() / G_USEC_PER_SEC);
		header_write(&header, made);
		header_done(&header);
	}
	if (!signed_one) {
		log_warning(NULL, "outbound.unsigned",
			    kv_str("post", composed->post_id),
			    kv_str("todo", "see whether memory is short"));
		return NULL;
	}
	/* The signature stands in front. */
	return g_strndup(made->str, made->len - block->len);
}

/* ------------------------------------------------------------------------ */

struct composed *
compose(const struct verp *verp, const struct post_id *post,
	const char *list, GBytes *header, GBytes *body, struct sign_key *key)
{
	struct composed *composed = g_new0(struct composed, 1);
	const char *at = strrchr(list, '@');
	GString *bytes = g_string_sized_new(g_bytes_get_size(header) +
					    g_bytes_get_size(body) + 1024);
	char marks[SLOTS][SLOT_MARK_MAX];
	size_t marked_header;

	for (int i = 0; i < SLOTS; i++)
		slot_mark(verp, list, post, (enum slot)i, marks[i]);
	append_lines(bytes, g_bytes_get_data(header, NULL),
		     g_bytes_get_size(header));
	g_string_append(bytes, "\r\n");
	marked_header = bytes->len;
	append_lines(bytes, g_bytes_get_data(body, NULL),
		     g_bytes_get_size(body));
	take_marks(bytes, marks, &composed->raw);
	composed->raw.len = bytes->len;
	composed->raw.bytes = g_string_free(bytes, FALSE);
	composed->header_len = marked_header;
	for (guint i = 0; i < composed->raw.place_count &&
	     composed->raw.places[i].at < composed->header_len; i++)
		composed->header_len -= strlen(
			marks[composed->raw.places[i].slot]);
	if (has_dots(&composed->raw))
		double_dots(&composed->raw, &composed->dotted);
	composed->eight_bit = has_eight_bit(&composed->raw);
	if (key != NULL && composed_is_personal(composed)) {
		composed->key = sign_key_ref(key);
		begin_hash(composed);
	}
	composed->sender_local = g_strdup_printf("%.*s-bounces+",
						 (int)(at - list), list);
	composed->sender_domain = g_strdup(at + 1);
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

static void
text_done(struct text *text)
{
	g_free(text->bytes);
	g_free(text->places);
}

void
composed_unref(struct composed *composed)
{
	uint8_t unused[32];

	if (composed == NULL || !g_atomic_int_dec_and_test(&composed->refs))
		return;
	if (composed->hash != NULL)
		(void) body_hash_end(composed->hash, unused);
	sign_key_unref(composed->key);
	text_done(&composed->raw);
	text_done(&composed->dotted);
	g_free(composed->sender_local);
	g_free(composed->sender_domain);
	g_free(composed);
}
