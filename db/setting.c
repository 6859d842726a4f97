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

/* What a scope says itself; keys of a later muster are passed over. */
static enum err_code
conf_add_scope(struct txn *txn, const char *scope, struct list_conf *conf,
	       struct err *err)
{
	size_t len = strlen(scope) + 1;
	g_autoptr(scan_t) scan = scan_new(txn, SETTINGS, bytes_of(scope, len),
					bytes_of(NULL, 0), SCAN_SIZE,
					SCAN_DROP);
	struct bytes key, record;
	const char *value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &record, err)) == ERR_OK &&
	       key.data != NULL) {
		g_autofree char *name = g_strndup((const char *)key.data +
						  len, key.len - len);
		const struct key *known = key_find(list_keys, name);

		rc = setting_decode(key, record, &value, err);
		if (rc != ERR_OK)
			return rc;
		if (known == NULL)
			continue;
		g_hash_table_insert(conf->text, g_strdup(known->name),
				    g_strdup(value));
		g_hash_table_insert(conf->from, g_strdup(known->name),
				    g_strdup(scope));
	}
	return rc;
}

static struct list_conf *
conf_new(void)
{
	struct list_conf *conf = g_new0(struct list_conf, 1);

	conf->text = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					   g_free);
	conf->from = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					   g_free);
	for (const struct key *key = list_keys; key->name != NULL; key++) {
		g_hash_table_insert(conf->text, g_strdup(key->name),
				    g_strdup(key->fallback));
		g_hash_table_insert(conf->from, g_strdup(key->name), NULL);
	}
	return conf;
}

static const char *
conf_text(const struct list_conf *conf, const char *name)
{
	const char *text = g_hash_table_lookup(conf->text, name);

	return text != NULL ? text : "";
}

static char **
split_owners(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	g_autoptr(GStrvBuilder) owners = g_strv_builder_new();

	for (char **part = parts; *part != NULL; part++)
		if (g_strstrip(*part)[0] != '\0')
			g_strv_builder_add(owners, *part);
	return g_strv_builder_end(owners);
}

static void
conf_finish(struct list_conf *conf)
{
	conf->policy = conf_text(conf, "policy");
	conf->subject_prefix = conf_text(conf, "subject-prefix");
	conf->description = conf_text(conf, "description");
	conf->refuse_text = conf_text(conf, "refuse-text");
	conf->owners = split_owners(conf_text(conf, "owner"));
	/* The text was checked when it was put; what another version left
	 * there, and this one cannot read, is no limit. */
	if (!value_size(conf_text(conf, "max-size"), &conf->size_max))
		conf->size_max = 0;
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
	conf_finish(conf);
	*out = g_steal_pointer(&conf);
	return ERR_OK;
}

void
list_conf_free(struct list_conf *conf)
{
	if (conf == NULL)
		return;
	g_hash_table_unref(conf->text);
	g_hash_table_unref(conf->from);
	g_strfreev(conf->owners);
	g_free(conf);
}
