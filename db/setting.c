/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "conf/keys.h"
#include "conf/settings.h"
#include "db/auto.h"
#include "db/list.h"
#include "db/table.h"
#include "core/base/banned.h"

#define SETTINGS place_of(TABLE_SETTINGS)
#define SCAN_SIZE (16 * 1024)

static GByteArray *
setting_key(const char *scope, const char *name)
{
	GByteArray *key = g_byte_array_new();

	put_key_text(key, scope);
	put_raw(key, name, strlen(name));
	return key;
}

enum err_code
setting_put(struct txn *txn, const char *scope, const char *key,
	    const char *value, struct err *err)
{
	g_autoptr(GByteArray) where = setting_key(scope, key);
	g_autoptr(GByteArray) record = record_new();

	put_text(record, value);
	return table_put(txn, SETTINGS, bytes_buf(where), bytes_buf(record),
			 err);
}

enum err_code
setting_remove(struct txn *txn, const char *scope, const char *key,
	       bool *removed, struct err *err)
{
	g_autoptr(GByteArray) where = setting_key(scope, key);

	return table_remove(txn, SETTINGS, bytes_buf(where), removed, err);
}

static enum err_code
setting_decode(struct bytes key, struct bytes record, const char **value,
	       struct err *err)
{
	struct cursor in;

	cursor_record(&in, record);
	*value = get_text(&in);
	return cursor_end(&in) ? ERR_OK :
		record_corrupt(SETTINGS, key, err);
}

enum err_code
setting_get(struct txn *txn, const char *scope, const char *key,
	    char **value, struct err *err)
{
	g_autoptr(GByteArray) where = setting_key(scope, key);
	g_autoptr(GBytes) found = NULL;
	const char *text = NULL;
	enum err_code rc;

	rc = table_get(txn, SETTINGS, bytes_buf(where), &found, err);
	if (rc == ERR_OK && found != NULL)
		rc = setting_decode(bytes_buf(where), bytes_whole(found),
				    &text, err);
	if (rc != ERR_OK)
		return rc;
	*value = g_strdup(text);
	return ERR_OK;
}

enum err_code
setting_holds(struct txn *txn, const char *scope, const char *key,
	      char **value, struct err *err)
{
	const char *domain = strrchr(scope, '@');
	enum err_code rc;

	*value = NULL;
	rc = setting_get(txn, scope, key, value, err);
	if (rc == ERR_OK && *value == NULL && domain != NULL &&
	    domain != scope)
		rc = setting_get(txn, domain, key, value, err);
	if (rc == ERR_OK && *value == NULL && scope[0] != '\0')
		rc = setting_get(txn, "", key, value, err);
	return rc;
}

enum err_code
setting_next_scope(struct txn *txn, const char *after, char **out,
		   struct err *err)
{
	g_autoptr(GByteArray) from = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct cursor in;
	struct bytes key;
	const char *scope;
	enum err_code rc;

	if (after != NULL) {
		put_raw(from, after, strlen(after));
		put_u8(from, 1);	/* behind all keys of that scope */
	}
	scan = scan_new(txn, SETTINGS, bytes_of(NULL, 0), bytes_buf(from),
			SCAN_SIZE, 0);
	rc = scan_next(scan, &key, NULL, err);
	if (rc != ERR_OK)
		return rc;
	if (key.data == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	cursor_init(&in, key);
	scope = get_key_text(&in);
	if (in.bad)
		return record_corrupt(SETTINGS, key, err);
	*out = g_strdup(scope);
	return ERR_OK;
}

enum err_code
setting_walk(struct txn *txn, const char *scope, const char *prefix,
	     setting_visit visit, void *arg, struct err *err)
{
	const size_t len = strlen(scope) + 1;
	g_autoptr(GByteArray) first = setting_key(scope, prefix);
	g_autoptr(scan_t) scan = scan_new(txn, SETTINGS, bytes_buf(first),
					  bytes_of(NULL, 0), SCAN_SIZE,
					  SCAN_DROP);
	struct bytes key, record;
	const char *value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &record, err)) == ERR_OK &&
	       key.data != NULL) {
		g_autofree char *name = g_strndup((const char *)key.data +
						  len, key.len - len);

		rc = setting_decode(key, record, &value, err);
		if (rc != ERR_OK || !visit(arg, name, value))
			return rc;
	}
	return rc;
}

/* The names in the table last for ever, and GHashTable takes no const. */
static void *
key_of(const struct key *key)
{
	return (void *)(uintptr_t)key->name;
}

static char *
joined(const char *first, const char *separator, const char *second)
{
	return g_strconcat(first, separator, second, NULL);
}

/* What a nearer scope says takes the place of what holds so far, or, of an
 * additive key, is added. */
static void
conf_set(struct list_conf *conf, const struct key *key, const char *scope,
	 const char *value)
{
	const char *text = g_hash_table_lookup(conf->text, key->name);
	const char *from = g_hash_table_lookup(conf->from, key->name);
	const bool add = key->additive && from != NULL;

	g_hash_table_insert(conf->text, key_of(key),
			    !add || text[0] == '\0' ? g_strdup(value) :
			    value[0] == '\0' ? g_strdup(text) :
			    joined(text, ", ", value));
	g_hash_table_insert(conf->from, key_of(key),
			    add ? joined(from, ",", scope) :
			    g_strdup(scope));
}

/* The settings of a scope, from the key `from` on, up to the texts of letters:
 * there may be many, and long ones. */
static enum err_code
conf_add_from(struct txn *txn, const char *scope, const char *from,
	      struct list_conf *conf, bool *texts, struct err *err)
{
	const size_t len = strlen(scope) + 1;
	g_autoptr(GByteArray) first = setting_key(scope, from);
	g_autoptr(scan_t) scan = scan_new(txn, SETTINGS, bytes_of(scope, len),
					  bytes_buf(first), SCAN_SIZE,
					  SCAN_DROP);
	struct bytes key, record;
	const char *value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &record, err)) == ERR_OK &&
	       key.data != NULL) {
		g_autofree char *name = g_strndup((const char *)key.data +
						  len, key.len - len);
		const struct key *known = key_find(list_keys, name);

		*texts = g_str_has_prefix(name, KEY_TEMPLATE_PREFIX);
		if (*texts)
			return ERR_OK;
		rc = setting_decode(key, record, &value, err);
		if (rc != ERR_OK)
			return rc;
		if (known != NULL)
			conf_set(conf, known, scope, value);
	}
	return rc;
}

/* What a scope says itself; keys of a later muster are passed over. */
static enum err_code
conf_add_scope(struct txn *txn, const char *scope, struct list_conf *conf,
	       struct err *err)
{
	bool texts = false;
	enum err_code rc = conf_add_from(txn, scope, "", conf, &texts, err);

	return rc == ERR_OK && texts ?
		conf_add_from(txn, scope, KEY_TEMPLATE_BEHIND, conf, &texts,
			      err) : rc;
}

static struct list_conf *
conf_new(void)
{
	struct list_conf *conf = g_new0(struct list_conf, 1);

	conf->text = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					   g_free);
	conf->from = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					   g_free);
	for (const struct key *key = list_keys; key->name != NULL; key++)
		g_hash_table_insert(conf->text, key_of(key),
				    g_strdup(key->fallback));
	return conf;
}

static const char *
conf_text(const struct list_conf *conf, const char *name)
{
	const char *text = g_hash_table_lookup(conf->text, name);

	return text != NULL ? text : "";
}

/*
 * The texts were checked when they were put; one that another version left
 * there, and this one cannot read, says nothing: no, no limit.
 */
static bool
conf_bool(const struct list_conf *conf, const char *name)
{
	bool truth;

	return value_bool(conf_text(conf, name), &truth) && truth;
}

static int64_t
conf_scaled(const struct list_conf *conf, const char *name,
	    bool (*read)(const char *, int64_t *))
{
	int64_t number;

	return read(conf_text(conf, name), &number) ? number : 0;
}

static int64_t
conf_number(const struct list_conf *conf, const char *name)
{
	return conf_scaled(conf, name, value_number);
}

static int64_t
conf_size(const struct list_conf *conf, const char *name)
{
	return conf_scaled(conf, name, value_size);
}

static int64_t
conf_duration(const struct list_conf *conf, const char *name)
{
	return conf_scaled(conf, name, value_duration);
}

static int64_t
conf_points(const struct list_conf *conf, const char *name)
{
	return conf_scaled(conf, name, value_points);
}

static void
conf_rate(const struct list_conf *conf, const char *name, int64_t *count,
	  int64_t *seconds)
{
	if (!value_rate(conf_text(conf, name), count, seconds))
		*count = *seconds = 0;
}

static void
conf_people(struct list_conf *conf)
{
	conf->owners = key_words(conf_text(conf, "owner"));
	conf->moderators = key_words(conf_text(conf, "moderator"));
	if (conf->moderators[0] == NULL) {
		g_strfreev(conf->moderators);
		conf->moderators = g_strdupv(conf->owners);
	}
	conf->digest_moderators = key_words(conf_text(conf,
						      "moderator-digest"));
	conf->banned = key_words(conf_text(conf, "banned"));
	conf->accepted = key_words(conf_text(conf, "accepted"));
}

static void
conf_lists(struct list_conf *conf)
{
	conf->siblings = key_words(conf_text(conf, "siblings"));
	conf->exclude = key_words(conf_text(conf, "exclude"));
	conf->include = key_words(conf_text(conf, "include"));
}

static void
conf_limits(struct list_conf *conf)
{
	conf->emergency = conf_bool(conf, "emergency");
	conf->closed = conf_bool(conf, "closed");
	conf->misdirected = conf_bool(conf, "misdirected");
	conf->accept_automatic = conf_bool(conf, "accept-automatic");
	conf->held_notice = conf_bool(conf, "held-notice");
	conf->size_max = conf_size(conf, "max-size");
	conf->recipients_max = conf_number(conf, "max-recipients");
	conf->held_keep_s = conf_duration(conf, "held-keep");
	conf_rate(conf, "author-rate", &conf->author_rate,
		  &conf->author_rate_s);
	conf_rate(conf, "list-rate", &conf->list_rate, &conf->list_rate_s);
}

/* Its place among the key's choices; the first, where an older muster or a
 * newer one has left something else. */
static int
conf_choice(const struct list_conf *conf, const char *name)
{
	const char *const *choices = key_find(list_keys, name)->choices;
	const char *text = conf_text(conf, name);

	for (int i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], text) == 0)
			return i;
	return 0;
}

static void
conf_copies(struct list_conf *conf)
{
	conf->outgoing = (enum outgoing)conf_choice(conf, "outgoing");
	conf->verp = (enum verp_mode)conf_choice(conf, "verp");
	conf->verp_every = conf_number(conf, "verp-every");
	conf->verp_proven_s = conf_duration(conf, "verp-proven");
	conf->weight = (guint)CLAMP(conf_number(conf, "weight"), 1,
				    KEY_WEIGHT_MAX);
	conf->above = conf_text(conf, "header");
	conf->below = conf_text(conf, "footer");
	conf->dmarc = (enum dmarc_action)conf_choice(conf, "dmarc");
	conf->dmarc_when = (enum dmarc_when)conf_choice(conf, "dmarc-when");
	conf->unsubscribe_url = conf_text(conf, "unsubscribe-url");
}

static void
conf_fields(struct list_conf *conf)
{
	conf->subject_prefix = conf_text(conf, "subject-prefix");
	conf->description = conf_text(conf, "description");
	conf->anonymous = conf_bool(conf, "anonymous");
	conf->author_signature = (enum author_signature)conf_choice(
		conf, "author-signature");
	conf->header_rules = conf_text(conf, "header-rules");
	conf->list_headers = (enum list_headers)conf_choice(conf,
							    "list-headers");
	conf->list_post = (enum list_post)conf_choice(conf, "list-post");
	conf->sender_keep = conf_choice(conf, "sender") == 1;
	conf->reply_to = (enum reply_to)conf_choice(conf, "reply-to");
	conf->reply_to_keep = conf_bool(conf, "reply-to-keep");
	conf->reply_to_address = conf_text(conf, "reply-to-address");
}

static void
conf_content(struct list_conf *conf)
{
	conf->content = conf_text(conf, "content");
	conf->content_plain = conf_choice(conf, "content-alternative") == 1;
	conf->content_text = conf_choice(conf, "content-html") == 1;
	conf->content_signed = conf_choice(conf, "content-signed") == 1;
	conf->content_empty = (enum content_empty)conf_choice(
		conf, "content-empty");
}

static void
conf_joining(struct list_conf *conf)
{
	conf->subscription = (enum subscription)conf_choice(conf,
							    "subscription");
	conf->who = (enum who)conf_choice(conf, "who");
	conf->leave_confirm = conf_bool(conf, "leave-confirm");
	conf->self_service = conf_bool(conf, "self-service");
	conf->welcome = conf_bool(conf, "welcome");
	conf->goodbye = conf_bool(conf, "goodbye");
	conf->commands_most = CLAMP(conf_number(conf, "commands-most"), 1,
				    KEY_COUNT_MAX);
	conf->token_keep_s = conf_duration(conf, "token-keep");
	conf_rate(conf, "confirm-address-rate", &conf->confirm_address_rate,
		  &conf->confirm_address_rate_s);
	conf_rate(conf, "confirm-domain-rate", &conf->confirm_domain_rate,
		  &conf->confirm_domain_rate_s);
	conf_rate(conf, "confirm-network-rate", &conf->confirm_network_rate,
		  &conf->confirm_network_rate_s);
}

static void
conf_bounces(struct list_conf *conf)
{
	conf->bounce_processing = conf_bool(conf, "bounce-processing");
	conf->bounce_notify = conf_bool(conf, "bounce-notify");
	conf->bounce_hard = conf_points(conf, "bounce-hard-weight");
	conf->bounce_soft = conf_points(conf, "bounce-soft-weight");
	conf->bounce_good = conf_points(conf, "bounce-good-weight");
	conf->bounce_threshold = conf_points(conf, "bounce-threshold");
	conf->bounce_decay_s = conf_duration(conf, "bounce-decay");
	conf->bounce_probe_wait_s = conf_duration(conf, "bounce-probe-wait");
	conf->bounce_warn_every_s = conf_duration(conf, "bounce-warn-every");
	conf->bounce_warnings = conf_number(conf, "bounce-warnings");
	conf->bounce_breaker = conf_number(conf, "bounce-breaker");
	conf->bounce_breaker_least = conf_number(conf, "bounce-breaker-least");
	conf->complaint = (enum complaint)conf_choice(conf, "complaint");
}

static void
conf_digests(struct list_conf *conf)
{
	conf->digest_every_s = conf_duration(conf, "digest-every");
	conf->digest_hour = conf_choice(conf, "digest-hour") - 1;
	conf->digest_posts = conf_number(conf, "digest-posts");
	conf->digest_size = conf_size(conf, "digest-size");
	conf->digest_volume = (enum volume)conf_choice(conf,
						       "digest-volume-every");
}

static void
conf_archive(struct list_conf *conf)
{
	conf->archive = (enum archive_format)conf_choice(conf, "archive");
	conf->archive_all = conf_bool(conf, "archive-all");
	conf->archive_obscure = conf_bool(conf, "archive-obscure");
	conf->archive_private = conf_bool(conf, "archive-private");
	conf->archive_dir = conf_text(conf, "archive-dir");
	conf->archive_url = conf_text(conf, "archive-url");
}

static void
conf_finish(struct list_conf *conf)
{
	conf->policy = conf_text(conf, "policy");
	conf->language = conf_text(conf, "language");
	conf->refuse_text = conf_text(conf, "refuse-text");
	conf->program = conf_text(conf, "program");
	conf->sign_key = conf_text(conf, "sign-key");
	conf->sign_selector = conf_text(conf, "sign-selector");
	conf->sign_domain = conf_text(conf, "sign-domain");
	if (conf->sign_domain[0] == '\0')
		conf->sign_domain = conf->domain;
	conf_people(conf);
	conf_lists(conf);
	conf_limits(conf);
	conf_fields(conf);
	conf_copies(conf);
	conf_content(conf);
	conf_joining(conf);
	conf_bounces(conf);
	conf_digests(conf);
	conf_archive(conf);
}

enum err_code
list_conf_load(struct txn *txn, const char *scope, struct list_conf **out,
	       struct err *err)
{
	g_autoptr(list_conf_t) conf = conf_new();
	const char *domain = strrchr(scope, '@');
	enum err_code rc;

	rc = conf_add_scope(txn, "", conf, err);
	if (rc == ERR_OK && domain != NULL)
		rc = conf_add_scope(txn, domain, conf, err);
	if (rc == ERR_OK && domain != NULL && domain != scope)
		rc = conf_add_scope(txn, scope, conf, err);
	if (rc != ERR_OK)
		return rc;
	conf->domain = g_strdup(domain != NULL ? domain + 1 : "");
	conf_finish(conf);
	*out = g_steal_pointer(&conf);
	return ERR_OK;
}

bool
list_conf_changes_all(const struct list_conf *conf)
{
	return conf->above[0] != '\0' || conf->below[0] != '\0' ||
		conf->subject_prefix[0] != '\0';
}

void
list_conf_free(struct list_conf *conf)
{
	if (conf == NULL)
		return;
	g_hash_table_unref(conf->text);
	g_hash_table_unref(conf->from);
	g_strfreev(conf->owners);
	g_strfreev(conf->moderators);
	g_strfreev(conf->digest_moderators);
	g_strfreev(conf->banned);
	g_strfreev(conf->accepted);
	g_strfreev(conf->siblings);
	g_strfreev(conf->exclude);
	g_strfreev(conf->include);
	g_free(conf->domain);
	g_free(conf);
}
