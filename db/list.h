/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_LIST_H
#define MUSTER_DB_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "db/store.h"

/*
 * Lists and their settings.
 *
 * A list is known by its canonical address, all lower case. Inside the
 * store it has a number, which is never used again and never leaves it (not
 * in dumps, not in tokens).
 */
struct list {
	uint32_t id;
	char *addr;
	int64_t created_s;	/* unix time */
};

void list_free(struct list *list);


/*
 * list_create - *created is false when the address is taken. created_s is
 * the time to store.
 */
enum err_code list_create(struct txn *txn, const char *addr,
			  int64_t created_s, bool *created,
			  struct err *err);
enum err_code list_find(struct txn *txn, const char *addr, struct list **out,
			struct err *err);	/* *out NULL: no such list */
enum err_code list_by_id(struct txn *txn, uint32_t id, struct list **out,
			 struct err *err);

/* list_delete - the list, its settings; its members go later, in batches, by
 * list_purge(); from now on they are not reachable. */
enum err_code list_delete(struct txn *txn, const char *addr, bool *deleted,
			  struct err *err);

/* list_purge - remove some members of deleted lists; *more says to call
 * again. Own transactions. */
enum err_code list_purge(struct store *store, bool *more, struct err *err);

/* list_next - the list whose address follows `after` ("" for the first),
 * in byte order; *out NULL at the end. */
enum err_code list_next(struct txn *txn, const char *after,
			struct list **out, struct err *err);

/*
 * Settings: text by (scope, key). A scope is "" (the site), "@domain", or a
 * list's address. Keys and values are checked by the caller (conf/keys.h).
 */
enum err_code setting_put(struct txn *txn, const char *scope,
			  const char *key, const char *value,
			  struct err *err);
enum err_code setting_remove(struct txn *txn, const char *scope,
			     const char *key, bool *removed,
			     struct err *err);
/* setting_get - *value NULL if none in this very scope; the caller frees */
enum err_code setting_get(struct txn *txn, const char *scope,
			  const char *key, char **value, struct err *err);
/* setting_holds - what holds in a scope by inheritance: its own value, its
 * domain's, the site's; *value NULL: the default. For keys that are not
 * additive. */
enum err_code setting_holds(struct txn *txn, const char *scope,
			    const char *key, char **value, struct err *err);
/* setting_walk - the settings of one scope whose key begins with prefix, in
 * order; visit returns false to end */
typedef bool (*setting_visit)(void *arg, const char *key, const char *value);
enum err_code setting_walk(struct txn *txn, const char *scope,
			   const char *prefix, setting_visit visit, void *arg,
			   struct err *err);
/* setting_next_scope - walk all scopes that have settings: the one after
 * `after` (NULL: from the first), *out NULL at the end. */
enum err_code setting_next_scope(struct txn *txn, const char *after,
				 char **out, struct err *err);

/* In the order of the choices of the keys "outgoing" and "verp" */
enum outgoing { OUTGOING_ON, OUTGOING_PAUSED, OUTGOING_DRAIN };
enum verp_mode { VERP_AUTO, VERP_SINGLE, VERP_XVERP, VERP_ADAPTIVE };

/* The same of "archive" */
enum archive_format { ARCHIVE_OFF, ARCHIVE_MAILDIR, ARCHIVE_MBOX };

/* The same of "subscription", "who" and "complaint" */
enum subscription {
	SUBSCRIPTION_OPEN,
	SUBSCRIPTION_CONFIRM,
	SUBSCRIPTION_MODERATED,
	SUBSCRIPTION_BOTH,	/* confirm+moderated */
	SUBSCRIPTION_CLOSED,
	SUBSCRIPTION_INVITE,
};
enum who { WHO_OWNERS, WHO_MEMBERS, WHO_ALL };
/* The same of "list-headers" and "list-post" */
enum list_headers { LIST_HEADERS_ALL, LIST_HEADERS_MINIMAL, LIST_HEADERS_NONE };
enum list_post { LIST_POST_AUTO, LIST_POST_YES, LIST_POST_NO };
/* The same of "author-signature" */
enum author_signature {
	AUTHOR_SIGNATURE_KEEP, AUTHOR_SIGNATURE_REMOVE,
	AUTHOR_SIGNATURE_REMOVE_BROKEN
};
/* The same of "reply-to" */
enum reply_to {
	REPLY_TO_NONE, REPLY_TO_LIST, REPLY_TO_AUTHOR, REPLY_TO_BOTH,
	REPLY_TO_GIVEN
};
enum complaint { COMPLAINT_REMOVE, COMPLAINT_OFF, COMPLAINT_IGNORE };
/* The same of "digest-volume-every" */
enum volume {
	VOLUME_YEAR, VOLUME_QUARTER, VOLUME_MONTH, VOLUME_WEEK, VOLUME_NEVER
};
/* The same of "content-empty"; those of core/mail/filter.h */
enum content_empty { CONTENT_NOTE, CONTENT_PASS, CONTENT_SHUNT };
/* The same of "dmarc" and "dmarc-when" */
enum dmarc_action {
	DMARC_ACTION_NONE, DMARC_ACTION_MUNGE, DMARC_ACTION_WRAP,
	DMARC_ACTION_REJECT
};
enum dmarc_when { DMARC_WHEN_NEEDED, DMARC_WHEN_POLICY, DMARC_WHEN_ALWAYS };

/*
 * list_conf - what holds for a list, inheritance and defaults applied.
 * Also for scope "@domain" or "" (then what its lists would inherit).
 */
struct list_conf {
	GHashTable *text;	/* key name -> value as text, all of
				 * list_keys */
	GHashTable *from;	/* key name -> the scope it came from, or NULL
				 * for the default; of an additive key all
				 * scopes, joined by commas */
	char *domain;		/* of the list or scope; "" for the site */
	const char *policy;	/* a preset's name, or the text of a policy */
	const char *subject_prefix;
	bool anonymous;		/* posts do not name their authors */
	enum author_signature author_signature;
	const char *header_rules;	/* see core/mail/header_rules.h */
	enum list_headers list_headers;
	enum list_post list_post;
	bool sender_keep;	/* no Sender of the list's */
	enum reply_to reply_to;
	bool reply_to_keep;	/* what the author's own has */
	const char *reply_to_address;	/* mailboxes, as in a field; "" */
	const char *description;
	const char *language;	/* of letters, where none else is known */
	const char *refuse_text;
	int64_t size_max;	/* octets, 0: no limit */
	int64_t recipients_max;	/* 0: no limit */
	int64_t author_rate, author_rate_s;	/* posts in seconds; 0: any */
	int64_t list_rate, list_rate_s;
	bool emergency;		/* hold every post */
	bool closed;		/* refuse every post */
	bool misdirected;	/* commands sent to the list are not sent on */
	bool accept_automatic;	/* posts made by machines: to the policy */
	bool held_notice;	/* tell verified authors */
	int64_t held_keep_s;
	enum outgoing outgoing;
	enum verp_mode verp;
	int64_t verp_every;	/* posts, 0: none */
	int64_t verp_proven_s;
	guint weight;		/* 1 to KEY_WEIGHT_MAX */
	const char *above, *below;	/* texts; "" for none */
	const char *unsubscribe_url;	/* "" for none */
	/* parts of posts */
	const char *content;	/* rules of conf/content.h, "" for none */
	bool content_plain;	/* of alternatives */
	bool content_text;	/* of HTML */
	bool content_signed;	/* is looked into */
	enum content_empty content_empty;
	/* joining and leaving */
	enum subscription subscription;
	enum who who;
	bool leave_confirm;
	bool self_service;	/* a verified author need not confirm */
	bool welcome, goodbye;
	int64_t commands_most;	/* a message, 1 to KEY_COUNT_MAX */
	int64_t token_keep_s;
	/* mails that ask strangers to confirm, in seconds; 0: any */
	int64_t confirm_address_rate, confirm_address_rate_s;
	int64_t confirm_domain_rate, confirm_domain_rate_s;
	int64_t confirm_network_rate, confirm_network_rate_s;
	/* bounces; points in thousandths, as in struct bounce_state */
	bool bounce_processing;
	bool bounce_notify;	/* the owners */
	int64_t bounce_hard, bounce_soft, bounce_good, bounce_threshold;
	int64_t bounce_decay_s;	/* a score's half-life */
	int64_t bounce_probe_wait_s;
	int64_t bounce_warn_every_s;
	int64_t bounce_warnings;	/* 0: neither warned nor removed */
	int64_t bounce_breaker;	/* percent of the roster, 0: none */
	int64_t bounce_breaker_least;	/* members */
	enum complaint complaint;
	enum dmarc_action dmarc;
	enum dmarc_when dmarc_when;
	/* the archive */
	enum archive_format archive;
	bool archive_all;	/* whatever their authors say */
	bool archive_obscure;
	bool archive_private;
	const char *archive_dir, *archive_url;	/* "" for none */
	/* digests */
	int64_t digest_every_s;
	int digest_hour;	/* 0 to 23, UTC; -1: any */
	int64_t digest_posts, digest_size;
	enum volume digest_volume;

	const char *program;	/* name in the settings, "" for none */
	const char *sign_key;	/* path, "" to seal nothing */
	const char *sign_selector;
	const char *sign_domain;	/* the list's if none was given */
	/* NULL-ended: canonical addresses */
	char **owners;
	char **moderators;	/* the owners where no others were named */
	char **digest_moderators;	/* may name some that are neither */
	/* address patterns; those that cannot be read match nobody */
	char **banned;		/* of the site, the domain and the list */
	char **accepted;
	/* the same, of lists */
	char **siblings, **exclude;
	char **include;		/* canonical addresses of lists */
};

enum err_code list_conf_load(struct txn *txn, const char *scope,
			     struct list_conf **out, struct err *err);
void list_conf_free(struct list_conf *conf);

/* list_conf_changes_all - is each post changed where its author may have
 * signed it, so that no such signature holds? */
bool list_conf_changes_all(const struct list_conf *conf);

#endif
