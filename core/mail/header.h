/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_HEADER_H
#define MUSTER_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/*
 * The header block of a post, byte for byte (RFC 5322 section 2.2), so that
 * what is not changed leaves as it came and every DKIM signature keeps.
 *
 * A struct header is a view: fields point into the bytes that were parsed,
 * which must outlive it, or into text that it owns (fields that were added).
 * Order and spacing are kept. Names compare without regard to case. Not
 * thread-safe, one post's own.
 */

#define HEADER_FIELDS_MAX 20000

struct header_field {
	const char *raw;	/* whole field with folds and final CRLF */
	size_t raw_len;
	size_t name_len;	/* without the colon and blanks before it */
	size_t value_at;	/* offset behind the colon */
};

struct header {
	GArray *fields;		/* of struct header_field */
	GStringChunk *own;	/* the text of added fields */
};

/*
 * header_parse - split [bytes, bytes+len) into fields. *body_at is where the
 * body begins (behind the empty line), or len. What is no field (a line
 * without colon, or with a blank or control byte in its name) ends the
 * block: body_at is the start of that line, as in the MTAs. Lines may end in
 * CRLF or LF. False: more than HEADER_FIELDS_MAX fields.
 */
bool header_parse(const char *bytes, size_t len, struct header *out,
		  size_t *body_at);
void header_done(struct header *header);

/* header_is_ended - does an empty line stand before body_at, or is there no
 * body? Else what follows may be fields to other programs. */
bool header_is_ended(const char *bytes, size_t len, size_t body_at);

/* header_field_is, header_field_begins - the name of a field, or its
 * beginning; header_field_in - one of these, ended by NULL. Without regard to
 * case. */
bool header_field_is(const struct header_field *field, const char *name);
bool header_field_begins(const struct header_field *field,
			 const char *prefix);
bool header_field_in(const struct header_field *field,
		     const char *const *names);

/* header_find - index of the nth (0 is the first) field of that name, or -1 */
int header_find(const struct header *header, const char *name, int nth);
unsigned int header_count(const struct header *header, const char *name);

/* header_value - the value of field `index`, unfolded, trimmed, NUL and
 * other control bytes made blanks; never NULL; the caller frees. Raw bytes,
 * not decoded. */
char *header_value(const struct header *header, int index);

/* header_get - header_value() of the first such field, NULL if none */
char *header_get(const struct header *header, const char *name);

/* Changes. value: without the final CRLF, folded already where it is long
 * (header_fold); a CR or LF that is not in a "\r\n " fold becomes a
 * blank. */
void header_remove(struct header *header, const char *name);
void header_append(struct header *header, const char *name,
		   const char *value);
void header_prepend(struct header *header, const char *name,
		    const char *value);
/* replaces the first, removes the rest; appends if there was none */
void header_set(struct header *header, const char *name, const char *value);

/* header_write - all fields, then nothing (no empty line). What was parsed
 * keeps its bytes, but a field without a line end gets one where another was
 * added behind it. */
void header_write(const struct header *header, GString *out);

/* header_fold - break a value at blanks so that lines keep to 78 where they
 * can; first is the room that the name has taken. No line is of blanks only.
 * The caller frees. */
char *header_fold(const char *value, size_t first);

/* header_is_signed - does the h= of some DKIM-Signature field of this block
 * name this field (RFC 6376 section 3.5)? Then changing or adding it breaks the
 * author's signature. */
bool header_is_signed(const struct header *header, const char *name);

#endif
