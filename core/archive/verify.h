/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_VERIFY_H
#define MUSTER_ARCHIVE_VERIFY_H

#include "core/archive/reader.h"
#include "db/store.h"

/* Is all in an archive that should be there? */
struct verify {
	struct store *store;
	const struct place_of_archive *place;
	uint32_t list;
	bool forget;		/* what is not there */
	/* what there was */
	uint64_t posts, missing, changed, forgotten;
	uint64_t waiting, shunted;	/* jobs that are to archive */
	uint64_t tail;		/* octets behind the end of the mbox */
	uint64_t unknown;	/* files in new and cur that are not of these */
	/* called for each that is missing or changed */
	void (*report)(void *arg, const struct archived *entry,
		       enum archive_found found, const char *path);
	void (*progress)(void *arg);	/* now and then; may be NULL */
	void *arg;
};

enum err_code verify_run(struct verify *verify, struct err *err);

#endif
