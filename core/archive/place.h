/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_PLACE_H
#define MUSTER_ARCHIVE_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf/settings.h"
#include "core/base/err.h"
#include "db/archive.h"
#include "db/list.h"

/*
 * Where the archive of a list is, and who may read it. One directory: it is
 * the Maildir, and in it is also the file of the mbox.
 *
 * What is private is so by the directory's own mode, 0700. Files and what is
 * below have the mode for their group, so that an administrator can give all
 * of it to the group of a server that is to read it; it stays that way.
 */
#define ARCHIVE_MBOX_NAME "mbox"

struct place_of_archive {
	char *dir;
	size_t fixed;		/* octets of it that must be there */
	bool is_private;
	char *list;		/* address */
};

void archive_place_init(struct place_of_archive *out,
			const struct settings *settings,
			const struct list_conf *conf, const char *list);
void archive_place_done(struct place_of_archive *place);

/*
 * archive_place_open - the directory with tmp, new and cur, made where they
 * are missing, in *fd_out. Where the archive has posts already, a directory
 * that is missing is not made anew: a disk may not be mounted.
 * archive_place_look - the same, and nothing is made or changed
 *
 * Fail with ERR_DOWN, ERR_NOSPACE.
 */
enum err_code archive_place_open(const struct place_of_archive *place,
				 const struct archive *archive, int *fd_out,
				 struct err *err);
enum err_code archive_place_look(const struct place_of_archive *place,
				 int *fd_out, struct err *err);

mode_t archive_file_mode(const struct place_of_archive *place);

/* archive_failed - of a file in it, by errno: ERR_DOWN or ERR_NOSPACE, so that
 * a job waits for a better time without counting that as an attempt */
enum err_code archive_failed(const struct place_of_archive *place,
			     const char *what, struct err *err);

#endif
