/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/text.h"

#include <string.h>

#include "core/base/banned.h"

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

void
text_take(GString *bytes, char marks[SLOTS][SLOT_MARK_MAX],
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
	out->len = bytes->len;
	out->bytes = g_string_free(bytes, FALSE);
}

void
text_done(struct text *text)
{
	g_free(text->bytes);
	g_free(text->places);
}

bool
text_has(const struct text *text, enum slot slot)
{
	for (guint i = 0; i < text->place_count; i++)
		if (text->places[i].slot == slot)
			return true;
	return false;
}

void
text_fill(const struct text *text, size_t from, size_t to,
	  const char *const values[SLOTS], text_put_fn put, void *arg)
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

static void
put_string(void *arg, const void *bytes, size_t len)
{
	g_string_append_len(arg, bytes, (gssize)len);
}

void
text_append(const struct text *text, size_t from, size_t to,
	    const char *const values[SLOTS], GString *out)
{
	text_fill(text, from, to, values, put_string, out);
}
