/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_WALKER_H
#define MUSTER_OUTBOUND_WALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/roster.h"
#include "db/store.h"

/*
 * A roster that is walked beside another: it is asked for keys in ascending
 * order, and reads on from where it is, in batches as large as they prove
 * useful. A zeroed one is ready.
 */
struct walker {
	struct roster_batch batch;
	bool is_read;		/* batch holds something */
	size_t at;		/* in it */
	size_t asked;		/* about keys in it */
	size_t want;		/* entries of the next one */
};

/* walker_find - *out NULL: he is not on that list. It is borrowed until the
 * next call. */
enum err_code walker_find(struct walker *walker, struct store *store,
			  uint32_t list, const char *key,
			  const struct roster_entry **out, struct err *err);

/* walker_done - what was read is forgotten; keys may begin anew */
void walker_done(struct walker *walker);

#endif
