/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_SURGE_H
#define MUSTER_DB_SURGE_H

#include <stdint.h>

#include "db/store.h"

/*
 * How many members of a list have failed lately: a few numbers for each list,
 * which core/bounce reads and writes. It lasts no longer than some hours, so
 * it is in no dump.
 */
struct surge {
	int64_t since_s;	/* when the window began that is counted */
	uint32_t count;		/* members who failed in it */
	uint32_t before;	/* and in the window before it */
	uint64_t members;	/* of the list, when they were last counted; 0:
				 * not yet */
	int64_t until_s;	/* so long no score rises; 0: they do */
	int64_t from_s;		/* what has risen since then is to be taken
				 * back; 0: nothing */
};

/* surge_get - all of it 0 where there is none; locked until the transaction
 * ends, but for store_reader() */
enum err_code surge_get(struct txn *txn, uint32_t list, struct surge *out,
			struct err *err);
enum err_code surge_put(struct txn *txn, uint32_t list,
			const struct surge *surge, struct err *err);
enum err_code surge_remove(struct txn *txn, uint32_t list, struct err *err);

#endif
