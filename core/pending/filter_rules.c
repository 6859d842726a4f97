/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/header_rules.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/*
 * What the list's rules say of fields (core/mail/header_rules.h). They remove
 * and rename what came, and only then the list adds its own, so that no rule
 * is about those; what they add comes after these.
 */

typedef unsigned int (*use_rules)(const struct header_rules *rules,
				  struct work *work);

static unsigned int
change(const struct header_rules *rules, struct work *work)
{
	return header_rules_run(rules, &work->header);
}

static unsigned int
add(const struct header_rules *rules, struct work *work)
{
	return header_rules_add(rules, &work->header, work->job->list_addr);
}

/* They were checked when they were set. */
static enum err_code
with_rules(struct work *work, use_rules use, const char *what,
	   struct err *err)
{
	struct header_rules *rules = NULL;
	unsigned int count;
	enum err_code rc = header_rules_parse(work->conf->header_rules,
					      &rules, err);

	if (rc != ERR_OK)
		return err_context(err, "header-rules");
	count = use(rules, work);
	header_rules_free(rules);
	if (count > 0)
		work_note(work, "%u field%s %s by rule", count,
			  count == 1 ? "" : "s", what);
	return ERR_OK;
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	return with_rules(work, change, "changed", err);
}

static enum err_code
run_add(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	return with_rules(work, add, "added", err);
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && work->conf->header_rules[0] != '\0';
}

const struct filter filter_rules = { "header-rules", is_wanted, run };
const struct filter filter_add = { "header-rules", is_wanted, run_add };
