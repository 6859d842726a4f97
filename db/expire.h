/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_EXPIRE_H
#define MUSTER_DB_EXPIRE_H

#include "db/table.h"

/*
 * expire - remove the records of a table that are old, in lazy transactions
 * of a few hundred. Private to db/.
 *
 * scan_flags	SCAN_KEYS when is_old needs no value
 * is_old	may fail; a record it cannot read ends the expiry
 */
typedef enum err_code (*expire_is_old)(struct place at, struct bytes key,
				       struct bytes value, int64_t before,
				       bool *old, struct err *err);

enum err_code expire(struct store *store, enum table table,
		     unsigned int scan_flags, expire_is_old is_old,
		     int64_t before, struct err *err);

#endif
