/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_IMPORT_H
#define MUSTER_ARCHIVE_IMPORT_H

#include "conf/settings.h"
#include "core/archive/source.h"
#include "db/store.h"

/*
 * Messages into the archive of a list, some in a transaction, each of which
 * is on disk and known before the next begins. So it can be interrupted, and
 * run again: what is there already (the same bytes, or the same Message-ID
 * with the same text) is passed over.
 */
struct import {
	struct store *store;
	const struct settings *settings;
	const char *list_addr;
	uint32_t list;
	/* what there was */
	uint64_t imported, duplicates;
	uint64_t refused;	/* their authors do not want them archived */
	uint64_t bad;
	/* called for each that is bad */
	void (*report)(void *arg, const char *where, const char *what);
	/* called now and then; may be NULL */
	void (*progress)(void *arg);
	void *arg;
};

/* import_run - all of a source; ERR_INVALID when the list has no archive, or
 * the source cannot be read on. What was imported before stays. */
enum err_code import_run(struct import *import, struct source *source,
			 struct err *err);

#endif
