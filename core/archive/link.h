/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_LINK_H
#define MUSTER_ARCHIVE_LINK_H

#include <stdbool.h>

#include "core/mail/header.h"
#include "db/list.h"

/*
 * What a post says of the archive, and what its author says: X-No-Archive (but
 * for "no"), and X-Archive or Archive (RFC 5536 section 3.2.2) with "no".
 */

/* archive_is_refused - does the author not want it archived, and does the
 * list heed that? */
bool archive_is_refused(const struct list_conf *conf,
			const struct header *header);

/* archive_link - where a post will be found: the list's archive-url with the
 * Message-ID (with or without brackets) and what else is named in it; NULL:
 * the list has none. archive_top - and where the archive begins: what stands
 * before the first name that differs from post to post, to the last "/". The
 * caller frees. */
char *archive_link(const struct list_conf *conf, const char *list,
		   const char *message_id);
char *archive_top(const struct list_conf *conf, const char *list);

/* archive_fill - a text with names and what is put in their places, ended by
 * NULL; in one pass. The caller frees. */
char *archive_fill(const char *template, const char *const (*names)[2]);

/* archive_id_hash - of a Message-ID as HyperKitty has it in its links: base32
 * of the SHA-1, in capitals. The caller frees. */
char *archive_id_hash(const char *message_id);

/* archive_add_fields - List-Archive (RFC 2369 section 3.6), and Archived-At
 * (RFC 5064) unless it is refused. Those of other archives stay: the post is
 * there, too (section 2.2). */
void archive_add_fields(const struct list_conf *conf, const char *list,
			struct header *header);

#endif
