/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_APPEND_INSIDE_H
#define MUSTER_MAIL_APPEND_INSIDE_H

#include <stdbool.h>

#include <glib.h>

#include "core/mail/charset.h"
#include "core/mail/mime.h"
#include "core/mail/part.h"

/* Private to mime_add(): the files append*.c */

/* A post to which texts are added */
struct appending {
	struct header *header;
	struct span body;
	const struct mime_texts *texts;
	char *above, *below;	/* where they go: those of texts, or all
				 * below */
	bool is_ascii;		/* so are both, in each copy */
	const char *type;	/* value of Content-Type, NULL: none */
	bool is_plain_head;	/* what it says of the content is short, and
				 * said once */
	GString *out;
};

/* How a text is encoded that lines can be added to */
enum lone_encoding { LONE_NONE, LONE_QP, LONE_BASE64 };

/* A post that is one text/plain */
struct lone {
	const struct appending *a;
	struct charset charset;
	enum lone_encoding encoding;
	bool is_flowed;
	bool has_marks, has_open_marks;	/* open: not sure to be ASCII */
	char *above, *below;	/* UTF-8, as lines of such a text */
};

/* What stands between the last line and the text below: the end of that
 * line; in flowed text an empty one, where else a paragraph went on; and the
 * way back to ASCII. */
struct seam { const char *line_end, *gap, *shift; };

/* append_lone - put the texts into the lines of a text/plain that is nothing
 * else. False: that is not possible without harm, and nothing was done. */
bool append_lone(const struct appending *a);

/* append_lone.c, for lone_put_anew(): its header, and the seam behind a text
 * that is not encoded */
void lone_set_utf8(const struct lone *lone);
void lone_set_eight_bit(const struct lone *lone);
struct seam lone_seam(const struct lone *lone, struct span text);
void seam_put(const struct seam *seam, GString *out);

/* append_anew.c. lone_put_anew - all of it in UTF-8. False: it cannot be, or
 * is of use only as it is. */
bool lone_put_anew(const struct lone *lone);

/* append_type_utf8 - a type of text with that charset; the caller frees. In
 * append_type.c. */
char *append_type_utf8(const char *type, bool is_flowed);

/* append.c, for append_lone.c: the header of what has another body now */
bool append_is_type(const char *value, const char *type);
void append_remove_sums(struct header *header);
void append_set_mime(struct header *header);
void append_set_encoding(struct header *header, const char *encoding);
/* append_is_patch - lines as git and diff -u make them */
bool append_is_patch(struct span text);

/*
 * append_put.c: how bytes are written between those that are there.
 *
 * put_qp - a text in its charset, whose marks become those for
 * quoted-printable, each on a line of its own, so that none becomes too long
 */
void put_qp(const struct mime_texts *texts, const char *text, size_t len,
	    GString *out);

/* Base64 (RFC 2045 section 6.8) in lines of 76, from any number of pieces */
#define BASE64_LINE 57		/* bytes of one */

struct base64 {
	GString *out;
	guint8 rest[BASE64_LINE];	/* not written yet */
	size_t len;
};

void base64_feed(struct base64 *base64, const void *bytes, size_t len);
/* base64_copy - what is in base64, decoded piece by piece; last, all NUL
 * before, gets how it ends */
struct base64_last { char bytes[3]; size_t len; };
void base64_copy(struct base64 *base64, struct span code,
		 struct base64_last *last);
void base64_end(struct base64 *base64);

/*
 * base64_tail - where the last letters begin of base64 that holds nothing
 * else, so that all in front of them can stay. False: it is not, or ends in
 * the middle.
 */
struct base64_tail {
	size_t at;		/* offset in the code */
	size_t column;		/* of that, on its line */
	guint8 bytes[8];	/* what was behind it */
	size_t len;
};

bool base64_tail(struct span code, struct base64_tail *out);
/* base64_put_from - bytes in base64, the first line going on at a column */
void base64_put_from(size_t column, const GString *bytes, GString *out);

#endif
