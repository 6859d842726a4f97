/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/roster.h"

#include <stdlib.h>
#include <string.h>

#include "core/mail/addr.h"
#include "db/auto.h"
#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

/*
 * The index is read as a plain file (TABLE_HANDLES), never through the
 * association: so a reader never holds a page of the index while it waits
 * for one of members, the order in which a writer never takes them.
 */
#define MEMBERS place_of(TABLE_MEMBERS)
#define INDEX_BUFFER (16 * 1024)

static enum err_code
member_decode(struct bytes key, struct bytes value, struct member **out,
	      struct err *err)
{
	struct roster_entry entry;
	uint32_t list;

	if (!member_read(key, value, &list, &entry))
		return record_corrupt(MEMBERS, key, err);
	*out = member_of(&entry);
	return ERR_OK;
}

static enum err_code
find_key(struct txn *txn, struct bytes key, bool to_change,
	 struct member **out, struct err *err)
{
	g_autoptr(GBytes) found = NULL;
	enum err_code rc = to_change ?
		table_lock(txn, MEMBERS, key, &found, err) :
		table_get(txn, MEMBERS, key, &found, err);

	if (rc != ERR_OK)
		return rc;
	if (found == NULL) {
		*out = NULL;
		return ERR_OK;
	}
	return member_decode(key, bytes_whole(found), out, err);
}

enum err_code
roster_find(struct txn *txn, uint32_t list, const char *addr,
	    struct member **out, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();

	member_key(key, list, addr);
	return find_key(txn, bytes_buf(key), false, out, err);
}

enum err_code
roster_add(struct txn *txn, uint32_t list, const struct member *member,
	   bool *added, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	enum err_code rc = member_prepare(list, member, key, value, err);

	if (rc != ERR_OK)
		return rc;
	return table_add(txn, MEMBERS, bytes_buf(key), bytes_buf(value),
			 added, err);
}

enum err_code
roster_restore(struct txn *txn, uint32_t list, const struct member *member,
	       struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	enum err_code rc = member_prepare(list, member, key, value, err);

	if (rc != ERR_OK)
		return rc;
	return table_put(txn, MEMBERS, bytes_buf(key), bytes_buf(value),
			 err);
}

enum err_code
roster_put(struct txn *txn, uint32_t list, const struct member *member,
	   struct err *err)
{
	g_autofree char *canon = addr_canon(member->addr);
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(member_t) old = NULL;
	g_autoptr(GBytes) changes = NULL;
	struct member next = *member;	/* all is borrowed */
	enum err_code rc = ERR_OK;

	if (canon != NULL) {
		member_key(key, list, canon);
		rc = find_key(txn, bytes_buf(key), true, &old, err);
	}
	if (rc == ERR_OK && old != NULL) {
		next.changes = old->changes;
		if (old->delivery != next.delivery) {
			rc = digest_member_changed(txn, list, old, &next,
						   &changes, err);
			next.changes = changes;
		}
	}
	return rc == ERR_OK ? roster_restore(txn, list, &next, err) : rc;
}

enum err_code
roster_count_post(struct txn *txn, uint32_t list, const char *addr,
		  struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autoptr(member_t) member = NULL;
	enum err_code rc;

	member_key(key, list, addr);
	rc = find_key(txn, bytes_buf(key), true, &member, err);
	if (rc != ERR_OK || member == NULL || member->posts == INT64_MAX)
		return rc;
	member->posts++;
	member_encode(value, member, addr);
	return table_put(txn, MEMBERS, bytes_buf(key), bytes_buf(value),
			 err);
}

enum err_code
roster_remove(struct txn *txn, uint32_t list, const char *addr,
	      bool *removed, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();

	member_key(key, list, addr);
	return table_remove(txn, MEMBERS, bytes_buf(key), removed, err);
}

/* Is this entry of the index one of the list? Then key is its member's. */
static bool
entry_of_list(struct bytes entry, uint32_t list)
{
	struct cursor in;

	cursor_init(&in, entry);
	(void) get_raw(&in, MEMBER_HANDLE_LEN);
	return get_u32(&in) == list && cursor_end(&in);
}

/* Keys of the members of this list whose handle begins so, two at most. */
static enum err_code
keys_by_handle(struct txn *txn, uint32_t list, struct bytes handle,
	       GPtrArray *keys, struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(txn, place_of(TABLE_HANDLES), handle,
					bytes_of(NULL, 0), INDEX_BUFFER,
					SCAN_DROP);
	struct bytes entry, key;
	enum err_code rc;

	while ((rc = scan_next(scan, &entry, &key, err)) == ERR_OK &&
	       entry.data != NULL && keys->len < 2)
		if (entry_of_list(entry, list))
			g_ptr_array_add(keys, g_bytes_new(key.data, key.len));
	return rc;
}

enum err_code
roster_by_handle(struct txn *txn, uint32_t list,
		 const uint8_t handle[VERP_MEMBER_LEN], struct member **out,
		 char **key_out, struct err *err)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(
		(GDestroyNotify)g_bytes_unref);
	struct bytes key;
	enum err_code rc;

	rc = keys_by_handle(txn, list, bytes_of(handle, VERP_MEMBER_LEN),
			    keys, err);
	if (rc != ERR_OK)
		return rc;
	if (keys->len != 1) {
		*out = NULL;
		return ERR_OK;
	}
	key = bytes_whole(g_ptr_array_index(keys, 0));
	rc = find_key(txn, key, false, out, err);
	/* find_key() has read it whole, so it ends with NUL */
	if (rc == ERR_OK && *out != NULL && key_out != NULL)
		*key_out = g_strdup((const char *)key.data +
				    sizeof(uint32_t));
	return rc;
}

enum err_code
roster_lists(struct txn *txn, const char *addr, GArray **out,
	     struct err *err)
{
	g_autoptr(GArray) lists = g_array_new(FALSE, FALSE,
					      sizeof(uint32_t));
	uint8_t handle[MEMBER_HANDLE_LEN];
	g_autoptr(scan_t) scan = NULL;
	struct bytes entry, key;
	struct cursor in;
	uint32_t list;
	enum err_code rc;

	member_handle(addr, handle);
	scan = scan_new(txn, place_of(TABLE_HANDLES),
			bytes_of(handle, sizeof(handle)), bytes_of(NULL, 0),
			INDEX_BUFFER, SCAN_DROP);
	while ((rc = scan_next(scan, &entry, &key, err)) == ERR_OK &&
	       entry.data != NULL) {
		cursor_init(&in, key);
		list = get_u32(&in);
		/* another address may have the same handle */
		if (strcmp(get_key_text(&in), addr) == 0 && cursor_end(&in))
			g_array_append_val(lists, list);
	}
	if (rc != ERR_OK)
		return rc;
	*out = g_steal_pointer(&lists);
	return ERR_OK;
}
