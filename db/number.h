/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_NUMBER_H
#define MUSTER_DB_NUMBER_H

#include <stdint.h>

#include "db/store.h"

/*
 * The numbers of a list's posts, for the lists that show them: 1, 2, 3 and so
 * on, in the order in which their transactions are committed; one that is
 * aborted takes none. The record is locked from number_next() until the
 * transaction ends, and with it the posts of the list wait for each other, so
 * ask for a number only where it is wanted.
 */
enum err_code number_next(struct txn *txn, uint32_t list, uint64_t *out,
			  struct err *err);

/* number_last - the last that was given, 0: none. number_put - let it be
 * this. */
enum err_code number_last(struct txn *txn, uint32_t list, uint64_t *out,
			  struct err *err);
enum err_code number_put(struct txn *txn, uint32_t list, uint64_t number,
			 struct err *err);
enum err_code number_remove(struct txn *txn, uint32_t list, struct err *err);

#endif
