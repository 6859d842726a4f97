/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/list.h"

#include <string.h>

#include "db/auto.h"
#include "db/inside.h"
#include "db/number.h"
#include "db/table.h"
#include "core/base/banned.h"

#define PURGE_AT_ONCE 2000
#define LISTS place_of(TABLE_LISTS)

void
list_free(struct list *list)
{
	if (list == NULL)
		return;
	g_free(list->addr);
	g_free(list);
}

static GByteArray *
key_by_addr(const char *addr)
{
	GByteArray *key = g_byte_array_new();

	put_u8(key, 'A');
	put_key_text(key, addr);
	return key;
}

static GByteArray *
key_by_id(char kind, uint32_t id)
{
	GByteArray *key = g_byte_array_new();

	put_u8(key, (uint8_t)kind);
	put_u32(key, id);
	return key;
}

static enum err_code
list_decode(struct bytes key, struct bytes value, struct list **out,
	    struct err *err)
{
	g_autoptr(list_t) list = g_new0(struct list, 1);
	struct cursor k, v;

	cursor_init(&k, key);
	cursor_record(&v, value);
	(void) get_u8(&k);
	list->addr = g_strdup(get_key_text(&k));
	list->id = get_u32(&v);
	list->created_s = get_time(&v);
	if (!cursor_end(&k) || !cursor_end(&v))
		return record_corrupt(LISTS, key, err);
	*out = g_steal_pointer(&list);
	return ERR_OK;
}

enum err_code
list_find(struct txn *txn, const char *addr, struct list **out,
	  struct err *err)
{
	g_autoptr(GByteArray) key = key_by_addr(addr);
	g_autoptr(GBytes) found = NULL;
	enum err_code rc;

	rc = table_get(txn, LISTS, bytes_buf(key), &found, err);
	if (rc != ERR_OK)
		return rc;
	if (found == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	return list_decode(bytes_buf(key), bytes_whole(found), out, err);
}

enum err_code
list_by_id(struct txn *txn, uint32_t id, struct list **out, struct err *err)
{
	g_autoptr(GByteArray) key = key_by_id('I', id);
	g_autoptr(GBytes) found = NULL;
	struct cursor in;
	const char *addr;
	enum err_code rc;

	rc = table_get(txn, LISTS, bytes_buf(key), &found, err);
	if (rc != ERR_OK)
		return rc;
	if (found == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	cursor_record(&in, bytes_whole(found));
	addr = get_text(&in);
	if (!cursor_end(&in))
		return record_corrupt(LISTS, bytes_buf(key), err);
	return list_find(txn, addr, out, err);
}

enum err_code
list_next(struct txn *txn, const char *after, struct list **out,
	  struct err *err)
{
	g_autoptr(GByteArray) from = key_by_addr(after);
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	enum err_code rc;

	/* the shortest key behind that of `after`; "" stands before all */
	put_u8(from, 0);
	scan = scan_new(txn, LISTS, bytes_of("A", 1), bytes_buf(from), 4096,
			0);
	rc = scan_next(scan, &key, &value, err);
	if (rc != ERR_OK)
		return rc;
	if (key.data == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	return list_decode(key, value, out, err);
}

static enum err_code
next_number(struct txn *txn, uint32_t *out, struct err *err)
{
	static const struct bytes key = { "next-list", 9 };
	g_autoptr(GByteArray) next = record_new();
	g_autoptr(GBytes) found = NULL;
	struct cursor in;
	uint32_t number = 1;
	enum err_code rc;

	rc = table_lock(txn, place_of(TABLE_META), key, &found, err);
	if (rc != ERR_OK)
		return rc;
	if (found != NULL) {
		cursor_record(&in, bytes_whole(found));
		number = get_u32(&in);
		if (!cursor_end(&in) || number == 0)
			return record_corrupt(place_of(TABLE_META), key, err);
	}
	if (number == UINT32_MAX)
		return err_set(err, ERR_INVALID, "dump it and load the dump "
			       "into a fresh home", "no list number is left");
	put_u32(next, number + 1);
	*out = number;
	return table_put(txn, place_of(TABLE_META), key, bytes_buf(next),
			 err);
}

static enum err_code
list_write(struct txn *txn, const struct list *list, struct err *err)
{
	g_autoptr(GByteArray) by_addr = key_by_addr(list->addr);
	g_autoptr(GByteArray) by_id = key_by_id('I', list->id);
	g_autoptr(GByteArray) value = record_new();
	g_autoptr(GByteArray) addr = record_new();
	enum err_code rc;

	put_u32(value, list->id);
	put_u64(value, (uint64_t)list->created_s);
	put_text(addr, list->addr);
	rc = table_put(txn, LISTS, bytes_buf(by_addr), bytes_buf(value),
		       err);
	if (rc != ERR_OK)
		return rc;
	return table_put(txn, LISTS, bytes_buf(by_id), bytes_buf(addr), err);
}

enum err_code
list_create(struct txn *txn, const char *addr, int64_t created_s,
	    bool *created, struct err *err)
{
	g_autoptr(list_t) old = NULL;
	g_autofree char *copy = g_strdup(addr);
	struct list list = { .addr = copy, .created_s = created_s };
	enum err_code rc;

	rc = list_find(txn, addr, &old, err);
	if (rc != ERR_OK)
		return rc;
	if (old == NULL) {
		rc = next_number(txn, &list.id, err);
		if (rc == ERR_OK)
			rc = list_write(txn, &list, err);
		if (rc != ERR_OK)
			return rc;
	}
	*created = old == NULL;
	return ERR_OK;
}

enum err_code
list_restore(struct txn *txn, const char *addr, int64_t created_s,
	     struct err *err)
{
	g_autoptr(list_t) old = NULL;
	bool created;
	enum err_code rc;

	rc = list_find(txn, addr, &old, err);
	if (rc != ERR_OK)
		return rc;
	if (old == NULL)
		return list_create(txn, addr, created_s, &created, err);
	old->created_s = created_s;
	return list_write(txn, old, err);
}

static enum err_code
remove_settings(struct txn *txn, const char *scope, struct err *err)
{
	return table_remove_range(txn, place_of(TABLE_SETTINGS),
				  bytes_of(scope, strlen(scope) + 1),
				  bytes_of(NULL, 0), SIZE_MAX, NULL, err);
}

/* What remains is a mark that its members are to be purged. */
static enum err_code
list_erase(struct txn *txn, const struct list *list, struct err *err)
{
	g_autoptr(GByteArray) by_addr = key_by_addr(list->addr);
	g_autoptr(GByteArray) by_id = key_by_id('I', list->id);
	g_autoptr(GByteArray) gone = key_by_id('G', list->id);
	g_autoptr(GByteArray) addr = record_new();
	bool removed;
	enum err_code rc;

	put_text(addr, list->addr);
	rc = table_remove(txn, LISTS, bytes_buf(by_addr), &removed, err);
	if (rc == ERR_OK)
		rc = table_remove(txn, LISTS, bytes_buf(by_id), &removed,
				  err);
	if (rc == ERR_OK)
		rc = table_put(txn, LISTS, bytes_buf(gone), bytes_buf(addr),
			       err);
	if (rc == ERR_OK)
		rc = remove_settings(txn, list->addr, err);
	if (rc == ERR_OK)
		rc = surge_remove(txn, list->id, err);
	if (rc == ERR_OK)
		rc = number_remove(txn, list->id, err);
	return rc;
}

enum err_code
list_delete(struct txn *txn, const char *addr, bool *deleted,
	    struct err *err)
{
	g_autoptr(list_t) list = NULL;
	enum err_code rc;

	rc = list_find(txn, addr, &list, err);
	if (rc == ERR_OK && list != NULL)
		rc = list_erase(txn, list, err);
	if (rc != ERR_OK)
		return rc;
	*deleted = list != NULL;
	return ERR_OK;
}

struct purge {
	GByteArray *mark;	/* key of the mark */
	size_t count;
};

static uint32_t
purge_list(const struct purge *purge)
{
	struct cursor in;

	cursor_init(&in, bytes_buf(purge->mark));
	(void) get_u8(&in);
	return get_u32(&in);
}

static enum err_code
purge_digests(struct txn *txn, struct purge *purge, struct err *err)
{
	return digest_purge(txn, purge_list(purge), PURGE_AT_ONCE,
			    &purge->count, err);
}

/* What is known of it. Its files are mail, and stay. */
static enum err_code
purge_archive(struct txn *txn, struct purge *purge, struct err *err)
{
	return archive_purge(txn, purge_list(purge), PURGE_AT_ONCE,
			     &purge->count, err);
}

static enum err_code
purge_body(struct txn *txn, void *arg, struct err *err)
{
	struct purge *purge = arg;
	bool removed;
	enum err_code rc;

	/* behind the kind, the mark has the number that members begin with */
	rc = table_remove_range(txn, place_of(TABLE_MEMBERS),
				bytes_of(purge->mark->data + 1,
					 purge->mark->len - 1),
				bytes_of(NULL, 0), PURGE_AT_ONCE,
				&purge->count, err);
	if (rc != ERR_OK || purge->count == PURGE_AT_ONCE)
		return rc;
	rc = purge_digests(txn, purge, err);
	if (rc != ERR_OK || purge->count == PURGE_AT_ONCE)
		return rc;
	rc = purge_archive(txn, purge, err);
	if (rc != ERR_OK || purge->count == PURGE_AT_ONCE)
		return rc;
	return table_remove(txn, LISTS, bytes_buf(purge->mark), &removed,
			    err);
}

static enum err_code
first_mark(struct store *store, GByteArray *mark, struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(store_reader(store), LISTS,
					bytes_of("G", 1), bytes_of(NULL, 0),
					4096, 0);
	struct bytes key;
	enum err_code rc = scan_next(scan, &key, NULL, err);

	if (rc == ERR_OK)
		put_raw(mark, key.data, key.len);
	return rc;
}

enum err_code
list_purge(struct store *store, bool *more, struct err *err)
{
	g_autoptr(GByteArray) mark = g_byte_array_new();
	struct purge purge = { .mark = mark };
	enum err_code rc = first_mark(store, mark, err);

	if (rc == ERR_OK && mark->len > 0)
		rc = store_txn(store, TXN_LAZY, purge_body, &purge, err);
	if (rc != ERR_OK)
		return rc;
	*more = mark->len > 0;
	return ERR_OK;
}
