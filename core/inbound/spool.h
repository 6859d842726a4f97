/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_SPOOL_H
#define MUSTER_INBOUND_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/*
 * The bytes of one post on their way to musterd: a memfd, because musterd
 * is the one that makes them durable. It begins with a prefix of ours (the
 * Received field), and then holds what the client sent.
 */
struct spool;

struct spool *spool_new(void);
void spool_free(struct spool *spool);

/* spool_add - the first failure is kept and told by spool_seal() */
void spool_add(struct spool *spool, const void *bytes, size_t len);

/* spool_size - octets so far */
uint64_t spool_size(const struct spool *spool);

/*
 * spool_seal - nothing can change it any more. *bytes is a mapping of all of
 * it, valid until spool_free(); *fd stays the spool's.
 */
enum err_code spool_seal(struct spool *spool, int *fd, const char **bytes,
			 struct err *err);

#endif
