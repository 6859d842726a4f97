/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A post as all copies share it, with places for what is the recipient's
 * own: "~" stands for the mark of his address, "|" for that of his address in
 * quoted-printable, "^" for that of his token, and "`" for a mark of another
 * post's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/outbound/compose.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIST "dev@lists.test"

static const char *const values[SLOTS] = {
	[SLOT_MEMBER] = "ann@far.test", [SLOT_LEAVE] = "tokentoken",
	[SLOT_MEMBER_QP] = "=2Eann@far.test",
};

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static const char *
text_of(char byte, char marks[SLOTS + 1][SLOT_MARK_MAX])
{
	switch (byte) {
	case '~':
		return marks[SLOT_MEMBER];
	case '|':
		return marks[SLOT_MEMBER_QP];
	case '^':
		return marks[SLOT_LEAVE];
	case '`':
		return marks[SLOTS];	/* the other post's */
	default:
		return NULL;
	}
}

static GString *
with_marks(const uint8_t *data, size_t size,
	   char marks[SLOTS + 1][SLOT_MARK_MAX])
{
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < size; i++) {
		const char *mark = text_of((char)data[i], marks);

		if (mark != NULL)
			g_string_append(out, mark);
		else
			g_string_append_c(out, (char)data[i]);
	}
	return out;
}

/* The fuzzer may find out a mark: it sees what is compared. */
static guint
count_marks(const GString *text, char marks[SLOTS + 1][SLOT_MARK_MAX])
{
	guint count = 0;

	for (int i = 0; i < SLOTS; i++) {
		const char *at = text->str, *end = at + text->len;
		const size_t len = strlen(marks[i]);

		while ((at = memmem(at, (size_t)(end - at), marks[i], len)) !=
		       NULL) {
			at += len;
			count++;
		}
	}
	return count;
}

static GString *
filled(const struct text *text)
{
	GString *out = g_string_new(NULL);
	size_t from = 0;

	for (guint i = 0; i < text->place_count; i++) {
		const struct place *place = &text->places[i];

		check(place->at >= from && place->at <= text->len);
		g_string_append_len(out, text->bytes + from,
				    (gssize)(place->at - from));
		g_string_append(out, values[place->slot]);
		from = place->at;
	}
	g_string_append_len(out, text->bytes + from,
			    (gssize)(text->len - from));
	return out;
}

/* RFC 5321 section 4.5.2, as a relay does it. */
static GString *
without_dots(const GString *said)
{
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < said->len; i++) {
		bool starts = i == 0 || said->str[i - 1] == '\n';

		if (starts && said->str[i] == '.')
			i++;
		check(i < said->len);
		g_string_append_c(out, said->str[i]);
	}
	return out;
}

static void
check_lines(const GString *text)
{
	for (size_t i = 0; i < text->len; i++)
		check(text->str[i] != '\n' ||
		      (i > 0 && text->str[i - 1] == '\r'));
	check(text->len >= 2 && text->str[text->len - 1] == '\n');
}

static void
check_composed(const struct composed *composed, guint places)
{
	g_autoptr(GString) raw = filled(&composed->raw), said = NULL,
		heard = NULL;

	check(composed->raw.place_count == places);
	check(composed->header_len <= composed->raw.len);
	check_lines(raw);
	if (composed->dotted.bytes == NULL) {
		check(raw->str[0] != '.' &&
		      memmem(raw->str, raw->len, "\n.", 2) == NULL);
		return;
	}
	check(composed->dotted.place_count == places);
	said = filled(&composed->dotted);
	check(memmem(said->str, said->len, "\n.\r\n", 4) == NULL);
	heard = without_dots(said);
	check(g_string_equal(raw, heard));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t secret[VERP_SECRET_LEN] = { 1 };
	const struct post_id post = { { 1 } }, other = { { 2 } };
	const uint8_t *cut = size > 0 ? memchr(data, '\0', size) : NULL;
	const size_t header_len = cut != NULL ? (size_t)(cut - data) : 0;
	g_autoptr(GString) header = NULL, body = NULL;
	g_autoptr(GBytes) header_bytes = NULL, body_bytes = NULL;
	char marks[SLOTS + 1][SLOT_MARK_MAX];
	struct verp *verp = verp_new(secret);
	struct composed *composed;
	guint places;

	for (int i = 0; i < SLOTS; i++)
		slot_mark(verp, LIST, &post, (enum slot)i, marks[i]);
	slot_mark(verp, LIST, &other, SLOT_MEMBER, marks[SLOTS]);
	header = with_marks(data, header_len, marks);
	body = with_marks(data + header_len, size - header_len, marks);
	places = count_marks(header, marks) + count_marks(body, marks);
	header_bytes = g_bytes_new(header->str, header->len);
	body_bytes = g_bytes_new(body->str, body->len);
	composed = compose(verp, &post, LIST, header_bytes, body_bytes);
	check_composed(composed, places);
	composed_unref(composed);
	verp_free(verp);
	return 0;
}
