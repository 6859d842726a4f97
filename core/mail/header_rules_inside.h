/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_HEADER_RULES_INSIDE_H
#define MUSTER_MAIL_HEADER_RULES_INSIDE_H

#include "core/mail/header_rules.h"

/* Private to header_rules.c, which runs rules, and header_rules_read.c. */

#define HEADER_RULE_LIST "%{list}"

enum action { KEEP, REMOVE, RENAME, SET, ADD };

struct rule {
	enum action action;
	char *name;		/* without the "*" */
	bool is_open;		/* it ended in one */
	char *to;		/* of RENAME: the same, without one too */
	char *text;		/* of SET and ADD */
};

struct header_rules { GArray *all; };	/* of struct rule */

/* rule_why_kept - why no rule may be about it; NULL: rules may.
 * rule_is_not_added - may it be removed, but not added? */
const char *rule_why_kept(const char *name, size_t len);
bool rule_is_not_added(const char *name);

#endif
