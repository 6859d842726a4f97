/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/sign_keys.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/banned.h"

#define KEYS_MAX 1000	/* of so many, all are forgotten */

struct entry {
	struct stat file;	/* as it was when it was read */
	struct sign_key *key;
};

struct sign_keys {
	pthread_mutex_t lock;
	GHashTable *entries;	/* "path\nselector\ndomain" -> struct entry */
};

static void
entry_free(void *data)
{
	struct entry *entry = data;

	sign_key_unref(entry->key);
	g_free(entry);
}

struct sign_keys *
sign_keys_new(void)
{
	struct sign_keys *keys = g_new0(struct sign_keys, 1);

	(void) pthread_mutex_init(&keys->lock, NULL);
	keys->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      entry_free);
	return keys;
}

void
sign_keys_free(struct sign_keys *keys)
{
	if (keys == NULL)
		return;
	g_hash_table_destroy(keys->entries);
	(void) pthread_mutex_destroy(&keys->lock);
	g_free(keys);
}

/* ctime, so that others' right to read it is seen too. */
static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
		a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static struct sign_key *
find(struct sign_keys *keys, const char *name, const struct stat *file)
{
	const struct entry *entry = g_hash_table_lookup(keys->entries, name);

	return entry != NULL && is_same(&entry->file, file) ?
		sign_key_ref(entry->key) : NULL;
}

static void
add(struct sign_keys *keys, const char *name, const struct stat *file,
    struct sign_key *key)
{
	struct entry *entry = g_new(struct entry, 1);

	entry->file = *file;
	entry->key = sign_key_ref(key);
	if (g_hash_table_size(keys->entries) >= KEYS_MAX)
		g_hash_table_remove_all(keys->entries);
	(void) g_hash_table_replace(keys->entries, g_strdup(name), entry);
}

/* The file is looked at before it is read: one that is replaced in between
 * is read once more the next time. */
enum err_code
sign_keys_get(struct sign_keys *keys, const char *path, const char *domain,
	      const char *selector, struct sign_key **out, struct err *err)
{
	g_autofree char *name = g_strdup_printf("%s\n%s\n%s", path, selector,
						domain);
	struct sign_key *key = NULL;
	enum err_code rc = ERR_OK;
	struct stat file;

	if (stat(path, &file) != 0)
		return err_errno(err, "see sign-key in muster(1)",
				 "cannot read the key %s", path);
	(void) pthread_mutex_lock(&keys->lock);
	key = find(keys, name, &file);
	if (key == NULL) {
		rc = sign_key_load(path, domain, selector, &key, err);
		if (rc == ERR_OK)
			add(keys, name, &file, key);
	}
	(void) pthread_mutex_unlock(&keys->lock);
	if (rc == ERR_OK)
		*out = key;
	return rc;
}
