/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/bdb.h"

#include "core/base/banned.h"

enum err_code
load_finish(struct store *store, struct err *err)
{
	(void) store;
	(void) err;
	return ERR_OK;
}
