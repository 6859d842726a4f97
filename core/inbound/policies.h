/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_POLICIES_H
#define MUSTER_INBOUND_POLICIES_H

#include "core/base/err.h"
#include "core/inbound/ask.h"
#include "core/moderate/policy.h"

/*
 * The lists' policies, compiled, by the id that musterd gives with each
 * recipient: a changed policy has another id, so it holds from the next
 * RCPT on, and nobody compiles one twice. Any thread.
 */
struct policies;

struct policies *policies_new(struct ask *ask);
void policies_free(struct policies *policies);

/*
 * policies_get - that policy of that list; musterd is asked for its text
 * where it is not known here. Unref'd by the caller. ERR_INVALID: it does
 * not parse (then mail is to wait until it is mended).
 */
enum err_code policies_get(struct policies *policies, const char *list,
			   const char *id, struct policy **out,
			   struct err *err);

#endif
