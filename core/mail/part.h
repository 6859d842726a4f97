/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_PART_H
#define MUSTER_MAIL_PART_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/mail/header.h"

/*
 * The structure of a post as a flat list of pieces that cover each of its
 * bytes once, in order (RFC 2046). For this folder only: the outside has
 * mime.h.
 *
 * All is found in one pass, with the boundaries of the open multiparts at
 * hand, so that the time does not grow with the depth. Everything points
 * into the bytes that were read, which must outlive it.
 */
#define PART_DEPTH_MAX 50
#define PART_COUNT_MAX 5000

struct span { const char *bytes; size_t len; };

/* span_line - cut off the first line of *rest, with its line end */
struct span span_line(struct span *rest);
/* span_text - length of a line without its line end */
size_t span_text(struct span line);

enum part_encoding {
	PART_IDENTITY,	/* 7bit, 8bit, binary, and what is no encoding */
	PART_QP,
	PART_BASE64,
	PART_FOREIGN,	/* uuencode and other x-, fragments: keep off */
};

struct part {
	struct header header;
	bool separated;		/* an empty line ends the header */
	bool is_root;		/* of the post or of a message inside it */
	bool is_inside;		/* in a message that the post contains */
	unsigned int around;	/* how many such messages it is in */
	bool is_deep;		/* more structure, past PART_DEPTH_MAX */
	bool is_text;		/* good to read without decoding */
	bool is_fields;		/* message/delivery-status and the like */
	char *type;		/* "text/plain", lower case */
	char *boundary;		/* of a multipart, or NULL */
	int level;		/* of a multipart with a boundary that is not too
				 * deep: how many others are open, else -1 */
	enum part_encoding encoding;
};

enum piece_kind {
	PIECE_HEAD,	/* header of .part with the empty line */
	PIECE_LEAF,	/* content of .part, without the line end that
			 * belongs to the delimiter behind it */
	PIECE_EDGE,	/* a delimiter, from the line end before it on */
	PIECE_MARGIN,	/* preamble, epilogue: read by nobody */
};

struct piece {
	enum piece_kind kind;
	struct span span;
	struct part *part;
	int level;	/* of an edge: that of its multipart */
	bool is_last;	/* and it is the last one */
	bool has_long;	/* a line of more than 998 octets; not for edges */
};

struct parts {
	GArray *pieces;		/* of struct piece */
	GPtrArray *parts;	/* of struct part, frees them */
};

/* parts_read - false: too many parts, or too many fields in one */
bool parts_read(const char *bytes, size_t len, struct parts *out);
void parts_done(struct parts *parts);

/* part_decode - content without its Content-Transfer-Encoding; a copy. */
GByteArray *part_decode(const struct part *part, struct span content);
/* part_size - how long that would be; nothing is kept */
size_t part_size(const struct part *part, struct span content);

/* part_put_qp - a text as quoted-printable (RFC 2045 section 6.7), of which
 * no line may pass for a delimiter. In recode.c. */
void part_put_qp(const char *text, size_t len, GString *out);

/* whole_init - a post as bytes in a row; they are copied only where header
 * and body do not lie together. In content.c. */
struct whole {
	const char *bytes;
	size_t len;
	GString *made;
};

void whole_init(const struct header *header, const char *body,
		size_t body_len, struct whole *out);
void whole_done(struct whole *whole);

/* part_utf8 - a leaf decoded, in UTF-8, of at most `most` bytes; in content.c.
 * The caller frees. */
char *part_utf8(const struct piece *piece, size_t most);
/* part_text - a leaf of text in UTF-8, of HTML without its tags, from at most
 * `most` bytes of what was encoded. The caller frees. In content.c. */
char *part_text(const struct piece *piece, size_t most);

#endif
