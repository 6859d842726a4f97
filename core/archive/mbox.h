/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_MBOX_H
#define MUSTER_ARCHIVE_MBOX_H

#include "core/archive/place.h"
#include "db/archive.h"

/*
 * The mbox of an archive, in the form mboxrd: a line "From SENDER DATE", the
 * post, in which each line of ">"s and "From " gets a ">" more, an empty
 * line. So what is read back is what was written (RFC 4155 does not say how).
 */

/* mbox_entry - a text as it stands in the file, with the line before it. The
 * caller frees. */
GByteArray *mbox_entry(GBytes *text, const char *sender, int64_t time_s);
/* mbox_text - and back, without line and quotes; NULL: it is none */
GBytes *mbox_text(const char *entry, size_t len);

/*
 * The file, locked against other programs by fcntl() and by "mbox.lock" as
 * long as it is open. size: where it ends, by what the store knows.
 *
 * mbox_file_open fails with ERR_BUSY while somebody else holds a lock, and
 * with ERR_DOWN where the file is shorter than it should be: then something
 * is missing, and nothing is put behind the hole.
 */
struct mbox_file;
enum err_code mbox_file_open(const struct place_of_archive *place, int dir,
			     uint64_t size, struct mbox_file **out,
			     struct err *err);
enum err_code mbox_file_put(struct mbox_file *file, GBytes *text,
			    const char *sender, struct archived *entry,
			    struct err *err);
enum err_code mbox_file_sync(struct mbox_file *file, struct err *err);
uint64_t mbox_file_torn(const struct mbox_file *file);
void mbox_file_close(struct mbox_file *file);
typedef struct mbox_file mbox_file_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mbox_file_t, mbox_file_close)

#endif
