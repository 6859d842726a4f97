/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_TEXT_H
#define MUSTER_ARCHIVE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "db/archive.h"

/*
 * A post as it is archived: lines end in LF, the last one too, as files of
 * Unix have it; else the bytes are those of the message.
 */
struct archive_text {
	GBytes *bytes;
	uint8_t hash[ARCHIVE_HASH];	/* of these */
	char *message_id;	/* the first, with brackets; "" if none */
};

/* archive_text_init - of a message whose lines end in CRLF or LF. obscure:
 * addresses in it are made unreadable (mime_obscure()). */
void archive_text_init(struct archive_text *out, const char *bytes,
		       size_t len, bool obscure);
void archive_text_done(struct archive_text *text);

void archive_text_hash(const char *bytes, size_t len,
		       uint8_t out[ARCHIVE_HASH]);

#endif
