/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_WRITER_H
#define MUSTER_ARCHIVE_WRITER_H

#include "core/archive/place.h"
#include "core/archive/text.h"
#include "db/archive.h"

/*
 * Puts posts into the files of an archive, and into what the store knows of
 * it, in one transaction, in which the archive is locked. Files know no
 * transactions, so each write is one that can be done again:
 *
 * - Maildir: the name of a file is made of the post's id, its time and the
 *   list, so that whoever repeats it writes the same bytes under the same
 *   name. It is on disk before it is renamed from tmp to new.
 * - mbox: the store says where it ends. What stands behind that was never
 *   committed. If it is the beginning of what is written now, it is
 *   overwritten; else somebody else may have put it there, and it is moved to
 *   the file "mbox.torn" first.
 */
struct archive_writer;

/* archive_writer_open - again: what is put may have been put before, and a
 * reader of the Maildir may have moved it to cur since */
enum err_code archive_writer_open(struct txn *txn,
				  const struct place_of_archive *place,
				  enum archive_format format, uint32_t list,
				  bool again, struct archive_writer **out,
				  struct err *err);

/* archive_writer_put - entry->post, time_s are set; the rest is set here.
 * sender: for the line between two posts of an mbox, "" unknown. */
enum err_code archive_writer_put(struct archive_writer *writer,
				 const struct archive_text *text,
				 const char *sender, struct archived *entry,
				 struct err *err);
/* archive_writer_sync - all that was put is on disk; before the commit */
enum err_code archive_writer_sync(struct archive_writer *writer,
				  struct err *err);
/* archive_writer_torn - octets that were moved out of the way */
uint64_t archive_writer_torn(const struct archive_writer *writer);
void archive_writer_close(struct archive_writer *writer);
typedef struct archive_writer archive_writer_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archive_writer_t, archive_writer_close)

/* archive_file_name - in tmp, new or cur; there with ":2,..." behind it. The
 * caller frees. */
char *archive_file_name(const struct archived *entry, const char *list);

#endif
