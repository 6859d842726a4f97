/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_EXPORT_H
#define MUSTER_ARCHIVE_EXPORT_H

#include <stdio.h>

#include "core/archive/reader.h"
#include "db/store.h"

/*
 * A copy of an archive for others. A file or a Maildir has another name, with
 * ".part" behind it, until all is in it and on disk.
 */
struct export {
	struct store *store;
	const struct place_of_archive *place;
	uint32_t list;
	/* what there was */
	uint64_t posts, lost;
	/* called for each that is not there */
	void (*report)(void *arg, const struct archived *entry,
		       enum archive_found found, const char *path);
	void (*progress)(void *arg);	/* now and then; may be NULL */
	void *arg;
};

/* ERR_INVALID: there is something of that name already. export_stream - an
 * mbox, to a stream that stays the caller's. */
enum err_code export_mbox(struct export *export, const char *path,
			  struct err *err);
enum err_code export_maildir(struct export *export, const char *path,
			     struct err *err);
enum err_code export_stream(struct export *export, FILE *out,
			    struct err *err);

#endif
