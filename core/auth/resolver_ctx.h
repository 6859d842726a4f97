/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_RESOLVER_CTX_H
#define MUSTER_AUTH_RESOLVER_CTX_H

#include <unbound.h>

#include "core/auth/lookups.h"

/* How resolver.c sets libunbound up, and reads what it says */

/* resolver_ctx_new - servers as of resolver_new(); ends with
 * ub_ctx_delete(). sockets: how many questions it can have on the wire */
enum err_code resolver_ctx_new(char *const *servers, struct ub_ctx **out,
			       unsigned int *sockets, struct err *err);

/* resolver_ctx_answer - what a callback was given (result may be NULL), as
 * an answer of the caller's */
struct dns_answer *resolver_ctx_answer(enum dns_type type, int error,
				       const struct ub_result *result);

#endif
