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
	KEY_NUMBER,	/* a count, 0 to KEY_NUMBER_MAX */
	KEY_DURATION,	/* KEY_DURATION_LEAST_S to _MOST_S */
	KEY_RATE,	/* "20/1d", or empty; see value_rate() */
	KEY_PATH,	/* absolute, or empty */
	KEY_DOMAIN,	/* as in DNS, ASCII, or empty */
	KEY_POLICY,	/* a preset's name, or the text of a policy. Only its
			 * form as a text is checked here: whoever sets it
			 * asks policy_check() of core/moderate/policy.h */
	KEY_ADDRS,	/* mailboxes, separated by commas */
	KEY_PATTERNS,	/* address patterns, separated by commas. The caller
			 * asks address_pattern_check() about each */
	KEY_DELIVERY,	/* on | off | digest (or mime) | plain */
	KEY_WEIGHT,	/* 1 to KEY_WEIGHT_MAX */
	KEY_CHOICE,	/* one of key->choices */
	KEY_URL,	/* https://..., or empty */
	KEY_LINK,	/* https://... or http://..., with fields, or empty */
	KEY_LINES,	/* some lines of UTF-8, or none, with fields: those
			 * of text_field_names */
	KEY_LANGUAGE,	/* a tag (RFC 5646), in lower case, or empty */
	KEY_COUNT,	/* 1 to KEY_COUNT_MAX */
	KEY_PERCENT,	/* 0 to 100 */
	KEY_POINTS,	/* "0.25": 0 to KEY_POINTS_MAX; see value_points() */
	KEY_RULES,	/* of fields: see core/mail/header_rules.h */
	KEY_PREFIX,	/* of subjects: see core/mail/subject.h */
	KEY_CONTENT,	/* rules of conf/content.h */
	KEY_PROGRAM,	/* the name of a program, or empty. Whether the
			 * settings have it is asked by whoever sets it */
	KEY_TEMPLATE,	/* the text of a template. Only its form as a text is
			 * checked here: whoever sets it asks
			 * template_parse() of core/letter/template.h */
};

#define KEY_TEXT_MAX 400	/* a refusal must fit in one line of SMTP */
#define KEY_LONG_MAX 16000	/* bytes of a policy, of rules, of patterns */
#define KEY_NUMBER_MAX 1000000
#define KEY_WEIGHT_MAX 100
#define KEY_COUNT_MAX 1000
#define KEY_POINTS_MAX 1000
#define KEY_LANGUAGE_MAX 35	/* bytes (RFC 5646 section 4.4.1) */
#define KEY_LINES_MAX 4000	/* bytes of a header or footer */
#define KEY_DURATION_LEAST_S 60
#define KEY_DURATION_MOST_S (365 * 86400)

struct key {
	const char *name;
	enum key_type type;
	const char *fallback;	/* the default, as text */
	const char *help;	/* one line, for --help and muster(1) */
	bool additive;		/* what site, domain and list say holds
				 * together; only for lists of things */
	const char *const *choices;	/* NULL-ended; of KEY_CHOICE */
};

extern const struct key list_keys[];	/* ended by name == NULL */
extern const struct key member_keys[];

/*
 * Texts of letters are settings too, with keys of their own, which only
 * `muster template` sets: "template/NAME/LANGUAGE". key_of_setting - the key
 * of a setting in the store or in a dump: one of list_keys by this very name,
 * or template_key; NULL: neither.
 */
#define KEY_TEMPLATE_PREFIX "template/"
#define KEY_TEMPLATE_BEHIND "template0"	/* follows all of them */
extern const struct key template_key;
const struct key *key_of_setting(const char *name);

/* What texts above and below posts may have in them, as "%{NAME}" */
enum text_field {
	FIELD_LIST, FIELD_LIST_ADDRESS, FIELD_LIST_NAME, FIELD_LIST_DOMAIN,
	FIELD_DESCRIPTION, FIELD_REQUEST, FIELD_OWNER, FIELD_JOIN,
	FIELD_LEAVE, FIELD_ARCHIVE, FIELD_LINK, FIELD_MEMBER,
	FIELD_UNSUBSCRIBE, TEXT_FIELDS
};
extern const char *const text_field_names[TEXT_FIELDS + 1];	/* NULL-ended */

/* text_field_at - does one stand here? Its length, with "%{" and "}"; 0: no.
 * *field is TEXT_FIELDS where there is no such name. */
size_t text_field_at(const char *text, enum text_field *field);

/* key_is_language - the tag of one, in lower case, with "-" */
bool key_is_language(const char *tag);

/* key_find - by name; "_" stands for "-". NULL: no such key. */
const struct key *key_find(const struct key *keys, const char *name);

/*
 * key_check - is value one that key accepts? On success *out is the value
 * as it is to be stored (trimmed, yes/no for booleans, canonical addresses,
 * lists joined by ", ", a policy with LF as line ends); the caller frees it.
 * ERR_INVALID says what is accepted.
 */
enum err_code key_check(const struct key *key, const char *value, char **out,
			struct err *err);

/* key_words - the members of a stored list of addresses or patterns,
 * NULL-ended, for g_strfreev() */
char **key_words(const char *value);

/*
 * key_words_add - a stored list with this address added; as it is when it
 * has it already, domains compared without regard to case. NULL when it
 * would be longer than KEY_LONG_MAX, or when the address would not stand for
 * itself there: with a comma, a blank or a "*". The caller frees.
 */
char *key_words_add(const char *value, const char *addr);

/* key_is_preset - is this value of "policy" the name of a preset? */
bool key_is_preset(const char *policy);

/* key_unknown - fill err for a name that key_find() did not know, with the
 * nearest that there is. */
enum err_code key_unknown(const struct key *keys, const char *name,
			  struct err *err);

/* key_nearest - the known name closest to this one, or NULL if none is
 * close. names ends with NULL. */
const char *key_nearest(const char *const *names, const char *name);

#endif
