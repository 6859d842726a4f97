/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_READER_H
#define MUSTER_ARCHIVE_READER_H

#include "core/archive/place.h"
#include "db/archive.h"

/* Reads posts back from the files of an archive. */
enum archive_found {
	ARCHIVE_THERE,		/* byte for byte */
	ARCHIVE_MISSING,
	ARCHIVE_CHANGED,	/* something else is in its place */
};

struct archive_reader;

/* archive_reader_open - fails with ERR_DOWN when the directory is not there */
enum err_code archive_reader_open(const struct place_of_archive *place,
				  struct archive_reader **out,
				  struct err *err);
void archive_reader_close(struct archive_reader *reader);
typedef struct archive_reader archive_reader_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archive_reader_t, archive_reader_close)

/* archive_reader_get - the text of a post; *out NULL unless it is there. Fails
 * where a file cannot be read. */
enum err_code archive_reader_get(struct archive_reader *reader,
				 const struct archived *entry,
				 enum archive_found *found, GBytes **out,
				 struct err *err);
/* archive_reader_path - where it is, or should be; the caller frees */
char *archive_reader_path(struct archive_reader *reader,
			  const struct archived *entry);

#endif
