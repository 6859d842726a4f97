/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_DUMP_H
#define MUSTER_DB_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "db/store.h"

/*
 * The whole database as JSON Lines, UTF-8, one record a line, sorted and
 * stable: two dumps of the same content are the same bytes, whatever the
 * history. The first line says format and version; muster-dump(5) has every
 * record and field.
 */

/*
 * dump_write - everything, or only these lists (NULL-ended; NULL: all) with
 * their settings and members. No lock is held while out is written. Fails
 * with ERR_INVALID for a list that is not there, before anything is
 * written; ERR_IO when out cannot be written.
 */
enum err_code dump_write(struct store *store, const char *const *lists,
			 FILE *out, struct err *err);

/*
 * dump_load - check all of in, then put every record into the store; those
 * with the same key are replaced, others stay. in may be a pipe: it is
 * copied to home/load first, and a load that has begun to write is finished
 * by the next store_open() if a crash cuts it off, so that it is all or
 * nothing. Memory is bounded whatever the size. ERR_INVALID names "line N",
 * the field, and what is accepted, and nothing has been changed.
 *
 * The number of jobs of a post follows from the jobs. A secret that is
 * loaded takes effect at the next store_open(). ERR_NOSPACE, and nothing
 * changed, unless twice the size of the dump is free.
 *
 * progress (may be NULL) is called every few thousand records; done and
 * total are lines.
 */
struct dump_counts { uint64_t lines, lists, members, posts, jobs; };
typedef void (*dump_progress)(void *arg, const char *step, uint64_t done,
			      uint64_t total);
enum err_code dump_load(struct store *store, int in, bool dry_run,
			dump_progress progress, void *arg,
			struct dump_counts *out, struct err *err);

#endif
