/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_INSIDE_H
#define MUSTER_BOUNCE_INSIDE_H

#include "core/bounce/bounce.h"

/*
 * bounce_doubt - somebody says that a copy to this member (canonical address)
 * has failed, and cannot prove it: from now on the member is not proven
 * (core/outbound/expand.c). Nothing is counted. Who is on no list is no error.
 */
enum err_code bounce_doubt(struct txn *txn, const struct job *job,
			   const char *addr, const struct post_id *post,
			   const char *reason, struct err *err);

#endif
