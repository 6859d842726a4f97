/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CONF_KEYS_H
#define MUSTER_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/*
 * The keys of a list (`muster list set LIST KEY=VALUE`), which a list
 * inherits from its domain, a domain from the site, and the site from the
 * default in this table. The store keeps the text that was given; whoever
 * needs the value reads it through struct list_conf (db/list.h).
 *
 * And the keys of a member (`muster member set LIST ADDR KEY=VALUE`).
 */

enum key_type {
	KEY_TEXT,	/* one line of UTF-8 */
	KEY_BOOL,
	KEY_SIZE,
	KEY_POLICY,	/* open | members | members-strict */
	KEY_ADDRS,	/* mailboxes, separated by commas */
	KEY_DELIVERY,	/* on | off */
};

struct key {
	const char *name;
	enum key_type type;
	const char *fallback;	/* the default, as text */
	const char *help;	/* one line, for --help and muster(1) */
};

extern const struct key list_keys[];	/* ended by name == NULL */
extern const struct key member_keys[];

/* key_find - by name; "_" stands for "-". NULL: no such key. */
const struct key *key_find(const struct key *keys, const char *name);

/*
 * key_check - is value one that key accepts? On success *out is the value
 * as it is to be stored (trimmed, yes/no for booleans, canonical addresses);
 * the caller frees it. ERR_INVALID says what is accepted.
 */
enum err_code key_check(const struct key *key, const char *value, char **out,
			struct err *err);

/* key_unknown - fill err for a name that key_find() did not know, with the
 * nearest that there is. */
enum err_code key_unknown(const struct key *keys, const char *name,
			  struct err *err);

/* key_nearest - the known name closest to this one, or NULL if none is
 * close. names ends with NULL. */
const char *key_nearest(const char *const *names, const char *name);

#endif
