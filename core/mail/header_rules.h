/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_HEADER_RULES_H
#define MUSTER_MAIL_HEADER_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/base/err.h"
#include "core/mail/header.h"

/*
 * Rules about the fields of posts, one a line or parted by ";":
 *
 *	keep    X-Spam-Score
 *	remove  X-Spam-*, X-Mailer		# all others of that kind
 *	rename  X-Original-From to X-Author
 *	rename  X-Old-* to X-*
 *	set     Organization: "The club; %{list}"
 *	add     X-Clacks-Overhead: GNU Terry Pratchett
 *
 * A name may end in "*", and is compared without regard to case. Of keep,
 * remove, rename and set the first that names a field decides about it; set
 * removes what the author has put there. Then the fields of set and add are
 * added, in their order.
 *
 * What must be there, and what other keys of a list are for, no rule may name,
 * and a "*" passes over.
 */
struct header_rules;

#define HEADER_RULES_MAX 100
#define HEADER_RULE_NAME_MAX 76		/* of a field */
#define HEADER_RULE_TEXT_MAX 400	/* bytes, with %{list} filled in 900 */

/* header_rules_parse - ERR_INVALID says in which line is what. Ended with
 * header_rules_free(). */
enum err_code header_rules_parse(const char *text, struct header_rules **out,
				 struct err *err);
void header_rules_free(struct header_rules *rules);

/* header_rules_run - all but what is added; how many fields have been changed
 * or are gone */
unsigned int header_rules_run(const struct header_rules *rules,
			      struct header *header);
/* header_rules_add - and those that are added; list: its address, for
 * %{list}. How many they are. */
unsigned int header_rules_add(const struct header_rules *rules,
			      struct header *header, const char *list);

#endif
