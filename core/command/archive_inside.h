/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_ARCHIVE_INSIDE_H
#define MUSTER_COMMAND_ARCHIVE_INSIDE_H

#include "core/archive/export.h"
#include "core/archive/import.h"
#include "core/archive/verify.h"
#include "core/command/print.h"
#include "core/command/verb.h"

/* Private to archive*.c. */

/* What all of these have. */
struct archive_work {
	const struct call *call;
	struct list *list;
	struct list_conf *conf;
	struct place_of_archive place;
	struct progress progress;
	struct print_array array;	/* of what is wrong */
	struct export export;
	struct import import;
	struct verify verify;
	const struct source *source;	/* of the import */
};

/* archive_work_begin - of the list that the first argument names; complains.
 * In any case it is ended with archive_work_done(). */
enum admin_status archive_work_begin(struct archive_work *work,
				     const struct call *call);
void archive_work_done(struct archive_work *work);

/* archive_report_lost - says of a post that it is not there as it was
 * written; arg: the work */
void archive_report_lost(void *arg, const struct archived *entry,
			 enum archive_found found, const char *path);

#endif
