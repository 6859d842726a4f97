/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_TEXT_H
#define MUSTER_OUTBOUND_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/outbound/slot.h"

/* Bytes with places between them for what is the recipient's own */
struct place {
	size_t at;		/* offset in bytes */
	enum slot slot;
};

struct text {
	char *bytes;
	size_t len;
	struct place *places;	/* in order of `at` */
	guint place_count;
};

/* text_take - bytes, which are taken, without their marks: those are places
 * from now on */
void text_take(GString *bytes, char marks[SLOTS][SLOT_MARK_MAX],
	       struct text *out);
void text_done(struct text *text);

bool text_has(const struct text *text, enum slot slot);

/* text_fill - what lies between two offsets, with the places in it filled,
 * piece by piece. A place at `to` is outside. */
typedef void (*text_put_fn)(void *arg, const void *bytes, size_t len);
void text_fill(const struct text *text, size_t from, size_t to,
	       const char *const values[SLOTS], text_put_fn put, void *arg);
/* text_append - the same, appended to a GString */
void text_append(const struct text *text, size_t from, size_t to,
		 const char *const values[SLOTS], GString *out);

#endif
