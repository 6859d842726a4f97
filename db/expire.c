/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/expire.h"

#include "core/base/banned.h"

#define REMOVE_AT_ONCE 500

struct removal {
	struct place at;
	GPtrArray *keys;	/* of GBytes */
};

static enum err_code
remove_body(struct txn *txn, void *arg, struct err *err)
{
	const struct removal *removal = arg;
	enum err_code rc = ERR_OK;
	bool removed;

	for (guint i = 0; rc == ERR_OK && i < removal->keys->len; i++)
		rc = table_remove(txn, removal->at, bytes_whole(
				  g_ptr_array_index(removal->keys, i)),
				  &removed, err);
	return rc;
}

static enum err_code
remove_keys(struct store *store, struct removal *removal, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (removal->keys->len > 0)
		rc = store_txn(store, TXN_LAZY, remove_body, removal, err);
	g_ptr_array_set_size(removal->keys, 0);
	return rc;
}

static enum err_code
expire_file(struct store *store, struct removal *removal,
	    unsigned int scan_flags, expire_is_old is_old, int64_t before,
	    struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(store_reader(store), removal->at,
					bytes_of(NULL, 0), bytes_of(NULL, 0),
					256 * 1024, SCAN_DROP | scan_flags);
	struct bytes key, value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		bool old = false;

		rc = is_old(removal->at, key, value, before, &old, err);
		if (rc != ERR_OK)
			return rc;
		if (old)
			g_ptr_array_add(removal->keys,
					g_bytes_new(key.data, key.len));
		if (removal->keys->len < REMOVE_AT_ONCE)
			continue;
		rc = remove_keys(store, removal, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc == ERR_OK ? remove_keys(store, removal, err) : rc;
}

enum err_code
expire(struct store *store, enum table table, unsigned int scan_flags,
       expire_is_old is_old, int64_t before, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (unsigned int i = 0; rc == ERR_OK && i < table_shards(table);
	     i++) {
		g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(
			(GDestroyNotify)g_bytes_unref);
		struct removal removal = { { table, i }, keys };

		rc = expire_file(store, &removal, scan_flags, is_old, before,
				 err);
	}
	return rc;
}
