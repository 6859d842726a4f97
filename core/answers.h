/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ANSWERS_H
#define MUSTER_ANSWERS_H

#include <jansson.h>

#include "core/base/err.h"
#include "core/inbound/facts.h"
#include "core/submission.h"
#include "db/list.h"
#include "db/store.h"

/* What the doors may know about lists and people; nothing here writes. */

/*
 * answer_question - op is "rcpt", "policy", "person", "rate", "duplicate",
 * "taken" or "command" (core/inbound/ask.h); ERR_INVALID for anything else.
 */
enum err_code answer_question(const struct submission_server *server,
			      const char *op, const json_t *request,
			      json_t **out, struct err *err);

/* store_questions - the same, asked within this process: for `muster policy
 * test`. arg is the store. */
struct questions store_questions(struct store *store);

/* list_policy_text - the rules that hold for a list; the caller frees */
char *list_policy_text(const char *list, const struct list_conf *conf);

#endif
