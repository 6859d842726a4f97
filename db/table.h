/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_TABLE_H
#define MUSTER_DB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "db/record.h"
#include "db/store.h"

/*
 * The files of the environment as tables of bytes. Private to db/; this
 * and bdb.h are all that the rest of db/ knows of the engine.
 *
 * A deadlock is remembered in the transaction, which store_txn() then runs
 * again; callers just return the error. A reader's own is retried here.
 */
enum table {
	TABLE_META,
	TABLE_LISTS,
	TABLE_SETTINGS,
	TABLE_MEMBERS,
	TABLE_HANDLES,		/* read only; follows TABLE_MEMBERS */
	TABLE_TOKENS,
	TABLE_EVENTS,
	TABLE_DIGESTS,
	TABLE_ARCHIVES,
	TABLE_READERS,		/* read only; follows TABLE_MEMBERS */
	TABLE_POSTS,		/* from here on in SHARDS files each */
	TABLE_QUEUE,
	TABLE_SEEN,
	TABLE_REFS,
	TABLE_RATES,
	TABLES
};

#define SHARDS 16

struct place {
	enum table table;
	unsigned int shard;
};

#define place_of(t)		((struct place){ (t), 0 })
#define place_shard(t, first)	((struct place){ (t), (uint8_t)(first) >> 4 })

unsigned int table_shards(enum table table);	/* 1 or SHARDS */
/* place_name - of the file, "post.3" */
const char *place_name(struct place at, char buf[16]);

/* table_get - *out NULL: no such record. g_bytes_unref() it. */
enum err_code table_get(struct txn *txn, struct place at, struct bytes key,
			GBytes **out, struct err *err);
/* table_lock - the same with a write lock, for read-change-write */
enum err_code table_lock(struct txn *txn, struct place at, struct bytes key,
			 GBytes **out, struct err *err);
enum err_code table_put(struct txn *txn, struct place at, struct bytes key,
			struct bytes value, struct err *err);
/* table_add - *added false: there is one already, and it stays */
enum err_code table_add(struct txn *txn, struct place at, struct bytes key,
			struct bytes value, bool *added, struct err *err);
enum err_code table_remove(struct txn *txn, struct place at,
			   struct bytes key, bool *removed, struct err *err);
/* table_remove_range - up to max records whose key begins with prefix and
 * is less than end (data NULL: no end); *count_out may be NULL */
enum err_code table_remove_range(struct txn *txn, struct place at,
				 struct bytes prefix, struct bytes end,
				 size_t max, size_t *count_out,
				 struct err *err);

/*
 * A scan goes through the records whose key begins with prefix, in order,
 * from the first that is not less than `from` (data NULL: from the first).
 * It reads a buffer full, closes its cursor, and goes on from the last key
 * when that is used up: outside transactions no lock is held between two
 * calls. Keys and values stay valid until scan_done(), or with SCAN_DROP
 * until the next call.
 */
enum { SCAN_KEYS = 1, SCAN_DROP = 2 };

struct scan;

struct scan *scan_new(struct txn *txn, struct place at, struct bytes prefix,
		      struct bytes from, size_t buffer, unsigned int flags);
/* scan_next - key_out->data is NULL at the end; value_out may be NULL */
enum err_code scan_next(struct scan *scan, struct bytes *key_out,
			struct bytes *value_out, struct err *err);
void scan_free(struct scan *scan);

typedef struct scan scan_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(scan_t, scan_free)

/* record_corrupt - ERR_CORRUPT that names file and key */
enum err_code record_corrupt(struct place at, struct bytes key,
			     struct err *err);
struct bytes bytes_whole(GBytes *bytes);	/* NULL: nothing */

/* txn_store - the store behind it */
struct store *txn_store(struct txn *txn);

/*
 * store_room - ERR_NOSPACE when less than these bytes and a reserve are
 * free. What writes much asks first: Berkeley DB can hardly undo a large
 * transaction on a full disk.
 */
enum err_code store_room(const struct store *store, uint64_t bytes,
			 struct err *err);
const char *store_home(const struct store *store);
/* store_load_lock - held by whoever loads a dump */
GMutex *store_load_lock(struct store *store);
/* store_quiet - while it is set a damaged page is an error (ERR_CORRUPT)
 * that names the file, and does not end the process: for store_check() */
void store_quiet(struct store *store, bool quiet);

#endif
