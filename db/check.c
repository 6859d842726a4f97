/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/keys.h"
#include "core/base/clock.h"
#include "core/mail/addr.h"
#include "db/auto.h"
#include "db/check.h"
#include "db/inside.h"
#include "core/base/banned.h"

/*
 * Each record is decoded, each link followed. The store may be in use: what
 * looks wrong is looked at again before it is reported, since the other end
 * of a link may have gone in between.
 */

void
check_report(struct check *check, const char *format, ...)
{
	char line[1200];
	va_list ap;

	va_start(ap, format);
	(void) vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	check->report(check->arg, line);
}

/* An error that is a finding; any other ends the check. */
static enum err_code
finding(struct check *check, enum err_code rc, const struct err *err)
{
	if (rc == ERR_CORRUPT)
		check_report(check, "%s", err->what);
	return rc == ERR_CORRUPT ? ERR_OK : rc;
}

enum err_code
check_table(struct check *check, struct place at, bool keys_only,
	    check_one one, struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(check->txn, at, bytes_of(NULL, 0),
					  bytes_of(NULL, 0), 256 * 1024,
					  SCAN_DROP |
					  (keys_only ? SCAN_KEYS : 0));
	struct bytes key, value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = finding(check, one(check, at, key, value, err), err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

enum err_code
check_family(struct check *check, enum table table, bool keys_only,
	     check_one one, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (unsigned int i = 0; rc == ERR_OK && i < table_shards(table);
	     i++)
		rc = check_table(check, (struct place){ table, i },
				 keys_only, one, err);
	return rc;
}

static enum err_code
check_list_addr(struct check *check, struct place at, struct bytes key,
		struct bytes value, struct err *err)
{
	g_autoptr(list_t) list = NULL, by_id = NULL;
	struct cursor k, v;
	const char *addr;
	enum err_code rc;

	cursor_init(&k, key);
	cursor_record(&v, value);
	(void) get_u8(&k);
	addr = get_key_text(&k);
	if (!cursor_end(&k))
		return record_corrupt(at, key, err);
	rc = list_find(check->txn, addr, &list, err);
	if (rc != ERR_OK || list == NULL)
		return rc;
	rc = list_by_id(check->txn, list->id, &by_id, err);
	if (rc == ERR_OK &&
	    (by_id == NULL || strcmp(by_id->addr, addr) != 0))
		check_report(check, "list %s: its number %u does not lead "
			     "to it", addr, list->id);
	return rc;
}

static enum err_code
check_lists(struct check *check, struct place at, struct bytes key,
	    struct bytes value, struct err *err)
{
	struct cursor k, v;
	char kind;

	cursor_init(&k, key);
	cursor_record(&v, value);
	kind = (char)get_u8(&k);
	if (kind == 'A')
		return check_list_addr(check, at, key, value, err);
	(void) get_u32(&k);
	(void) get_text(&v);
	if ((kind != 'I' && kind != 'G') || !cursor_end(&k) ||
	    !cursor_end(&v))
		return record_corrupt(at, key, err);
	return ERR_OK;
}

static enum err_code
check_settings(struct check *check, struct place at, struct bytes key,
	       struct bytes value, struct err *err)
{
	g_autoptr(list_t) list = NULL;
	g_autofree char *name = NULL;
	struct cursor k, v;
	const char *scope;
	enum err_code rc = ERR_OK;

	cursor_init(&k, key);
	cursor_record(&v, value);
	scope = get_key_text(&k);
	(void) get_text(&v);
	if (k.bad || !cursor_end(&v))
		return record_corrupt(at, key, err);
	name = g_strndup((const char *)k.at, k.left);
	if (key_of_setting(name) == NULL)
		check_report(check, "setting %s of \"%s\": there is no such "
			     "key", name, scope);
	if (scope[0] == '\0' || scope[0] == '@')
		return ERR_OK;
	rc = list_find(check->txn, scope, &list, err);
	if (rc == ERR_OK && list == NULL)
		check_report(check, "setting %s of %s: there is no such "
			     "list", name, scope);
	return rc;
}

/* Is the list of this number there, or marked as deleted? */
static enum err_code
list_is_there(struct check *check, uint32_t number, bool *there,
	      struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) list = NULL, gone = NULL;
	enum err_code rc;

	*there = number == check->list;
	if (*there)
		return ERR_OK;
	put_u8(key, 'I');
	put_u32(key, number);
	rc = table_get(check->txn, place_of(TABLE_LISTS), bytes_buf(key),
		       &list, err);
	if (rc != ERR_OK)
		return rc;
	key->data[0] = 'G';
	rc = table_get(check->txn, place_of(TABLE_LISTS), bytes_buf(key),
		       &gone, err);
	*there = list != NULL || gone != NULL;
	if (*there)
		check->list = number;
	return rc;
}

static bool
same(struct bytes a, struct bytes b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Does the index lead to this key of members? */
static enum err_code
is_indexed(struct check *check, uint32_t list, const char *addr,
	   struct bytes key, bool *found, struct err *err)
{
	g_autoptr(GByteArray) entry = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	uint8_t handle[MEMBER_HANDLE_LEN];
	struct bytes at, to;
	enum err_code rc;

	member_handle(addr, handle);
	put_raw(entry, handle, sizeof(handle));
	put_u32(entry, list);
	scan = scan_new(check->txn, place_of(TABLE_HANDLES),
			bytes_buf(entry), bytes_of(NULL, 0), 4096,
			SCAN_DROP);
	*found = false;
	while ((rc = scan_next(scan, &at, &to, err)) == ERR_OK &&
	       at.data != NULL && !*found)
		*found = same(to, key);
	return rc;
}

static enum err_code
check_indexed(struct check *check, uint32_t list, const char *addr,
	      struct bytes key, struct err *err)
{
	g_autoptr(GBytes) still = NULL;
	bool found;
	enum err_code rc = is_indexed(check, list, addr, key, &found,
				      err);

	if (rc != ERR_OK || found)
		return rc;
	rc = table_get(check->txn, place_of(TABLE_MEMBERS), key, &still,
		       err);
	if (rc == ERR_OK && still != NULL)
		check_report(check, "member %s of list number %u is not in "
			     "the index", addr, list);
	return rc;
}

static enum err_code
check_members(struct check *check, struct place at, struct bytes key,
	      struct bytes value, struct err *err)
{
	g_autofree char *canon = NULL;
	struct roster_entry entry;
	uint32_t list;
	bool there;
	enum err_code rc;

	if (!member_read(key, value, &list, &entry))
		return record_corrupt(at, key, err);
	canon = addr_canon(entry.addr);
	if (g_strcmp0(canon, entry.key) != 0)
		check_report(check, "member %s: the address in it, \"%s\", "
			     "is another", entry.key, entry.addr);
	rc = list_is_there(check, list, &there, err);
	if (rc != ERR_OK)
		return rc;
	if (!there)
		check_report(check, "member %s: there is no list number %u",
			     entry.key, list);
	return check_indexed(check, list, entry.key, key, err);
}

static enum err_code
check_handles(struct check *check, struct place at, struct bytes key,
	      struct bytes value, struct err *err)
{
	g_autoptr(GBytes) member = NULL;
	uint8_t handle[MEMBER_HANDLE_LEN];
	struct cursor in;
	const char *addr;
	uint32_t list;
	enum err_code rc;

	cursor_init(&in, value);
	list = get_u32(&in);
	addr = get_key_text(&in);
	member_handle(addr, handle);
	if (!cursor_end(&in) || key.len != sizeof(handle) + sizeof(list) ||
	    memcmp(key.data, handle, sizeof(handle)) != 0)
		return record_corrupt(at, key, err);
	rc = table_get(check->txn, place_of(TABLE_MEMBERS), value, &member,
		       err);
	if (rc == ERR_OK && member == NULL)
		check->orphans++;	/* or removed since it was read */
	return rc;
}

/* An entry whose member is not there is only wrong if it is still so when
 * the index is read again. */
static enum err_code
check_index(struct check *check, struct err *err)
{
	enum err_code rc = check_family(check, TABLE_HANDLES, false,
					check_handles, err);

	if (rc != ERR_OK || check->orphans == 0)
		return rc;
	check->orphans = 0;
	rc = check_family(check, TABLE_HANDLES, false, check_handles, err);
	if (rc == ERR_OK && check->orphans > 0)
		check_report(check, "index of members: %llu entries lead "
			     "nowhere", (unsigned long long)check->orphans);
	return rc;
}

/* The prefix, and the number of a list */
static bool
is_of_list(struct bytes key, const char *prefix)
{
	const size_t len = strlen(prefix);

	return key.len == len + sizeof(uint32_t) &&
		memcmp(key.data, prefix, len) == 0;
}

static enum err_code
check_meta(struct check *check, struct place at, struct bytes key,
	   struct bytes value, struct err *err)
{
	static const char *const names[] = {
		"schema", "secret", "next-list", "load",
	};
	struct surge surge;
	struct cursor v;
	uint64_t number;

	(void) check;
	if (is_of_list(key, SURGE_PREFIX))
		return surge_decode(value, &surge) ? ERR_OK :
			record_corrupt(at, key, err);
	if (is_of_list(key, NUMBER_PREFIX))
		return number_decode(value, &number) ? ERR_OK :
			record_corrupt(at, key, err);
	cursor_record(&v, value);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (same(key, bytes_of(names[i], strlen(names[i]))) && !v.bad)
			return ERR_OK;
	return record_corrupt(at, key, err);
}

static enum err_code
check_seen(struct check *check, struct place at, struct bytes key,
	   struct bytes value, struct err *err)
{
	struct post_id id;
	int64_t time_s;

	(void) check;
	return seen_decode(at, key, value, &id, &time_s, err);
}

static enum err_code
check_refs(struct check *check, struct place at, struct bytes key,
	   struct bytes value, struct err *err)
{
	g_autoptr(GByteArray) want = g_byte_array_new();
	struct ref_view view;
	enum err_code rc = ref_decode(at, key, value, &view, err);

	(void) check;
	if (rc != ERR_OK)
		return rc;
	(void) ref_key(want, view.name, &view.id);
	return same(bytes_buf(want), key) ? ERR_OK :
		record_corrupt(at, key, err);
}

/* Those of a deleted list stay until they are old. */
static enum err_code
check_rates(struct check *check, struct place at, struct bytes key,
	    struct bytes value, struct err *err)
{
	g_autoptr(GByteArray) want = g_byte_array_new();
	struct rate_view view;
	enum err_code rc = rate_decode(at, key, value, &view, err);

	(void) check;
	if (rc != ERR_OK)
		return rc;
	return rate_key(want, &view).shard == at.shard &&
		same(bytes_buf(want), key) ? ERR_OK :
		record_corrupt(at, key, err);
}

/* The other half of a token is there; or the first is gone by now, too; or
 * it has expired, and they go one by one. */
static enum err_code
check_tokens(struct check *check, struct place at, struct bytes key,
	     struct bytes value, struct err *err)
{
	g_autoptr(GBytes) bytes = NULL, still = NULL;
	uint8_t hash[TOKEN_HASH];
	struct token_view token, whole;
	bool is_index, found = false;
	enum err_code rc = token_read(key, value, &is_index, hash, &token,
				      err);

	if (rc == ERR_OK && is_index)
		rc = token_get(check->txn, hash, &bytes, &whole, &found, err);
	else if (rc == ERR_OK)
		rc = token_is_indexed(check->txn, hash, &token, &found, err);
	if (rc != ERR_OK || found || token.expires_s <= clock_s())
		return rc;
	rc = table_get(check->txn, at, key, &still, err);
	if (rc == ERR_OK && still != NULL)
		check_report(check, "token (%s) of %s: half of it is missing",
			     token.kind, token.addr);
	return rc;
}

/* Those of a deleted list stay until they are old. */
static enum err_code
check_events(struct check *check, struct place at, struct bytes key,
	     struct bytes value, struct err *err)
{
	struct event event;
	uint32_t list;

	(void) check;
	(void) at;
	return event_decode(key, value, &list, &event, err);
}

/* What should be in the archives; whether it is there, their own verb says. */
static enum err_code
check_archive(struct check *check, struct place at, struct bytes key,
	      struct bytes value, struct err *err)
{
	const uint8_t kind = ((const uint8_t *)key.data)[0];
	g_autoptr(archived_t) archived = NULL, same = NULL;
	struct archive archive;
	enum err_code rc;

	(void) at;
	if (kind == ARCHIVE_STATE)
		return archive_decode(key, value, &archive, err);
	if (kind != ARCHIVE_ENTRY)
		return ERR_OK;
	rc = archived_decode(key, value, &archived, err);
	if (rc == ERR_OK)
		rc = archive_by_post(check->txn, archived->list,
				     &archived->post, &same, err);
	if (rc == ERR_OK && same == NULL)
		check_report(check, "%s", "a post of an archive is not found "
			     "by its id");
	return rc;
}

/* An entry leads to a member of that delivery, or he has changed since it was
 * read. */
static enum err_code
check_readers(struct check *check, struct place at, struct bytes key,
	      struct bytes value, struct err *err)
{
	g_autoptr(GBytes) member = NULL, still = NULL;
	struct roster_entry entry;
	struct cursor in;
	uint32_t list;
	uint8_t delivery;
	enum err_code rc;

	cursor_init(&in, key);
	(void) get_u32(&in);
	delivery = get_u8(&in);
	(void) get_key_text(&in);
	if (!cursor_end(&in))
		return record_corrupt(at, key, err);
	rc = table_get(check->txn, place_of(TABLE_MEMBERS), value, &member,
		       err);
	if (rc != ERR_OK || (member != NULL && member_read(
	    value, bytes_whole(member), &list, &entry) &&
	    entry.delivery == (enum delivery_mode)delivery))
		return rc;
	rc = table_get(check->txn, at, key, &still, err);
	return rc == ERR_OK && still != NULL ? record_corrupt(at, key, err) :
		rc;
}

static enum err_code
check_all(struct check *check, struct err *err)
{
	enum err_code rc;

	rc = check_family(check, TABLE_META, false, check_meta, err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_LISTS, false, check_lists,
				  err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_SETTINGS, false,
				  check_settings, err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_MEMBERS, false, check_members,
				  err);
	if (rc == ERR_OK)
		rc = check_index(check, err);
	if (rc == ERR_OK)
		rc = check_posts(check, err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_SEEN, false, check_seen, err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_REFS, false, check_refs, err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_RATES, false, check_rates,
				  err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_TOKENS, false, check_tokens,
				  err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_EVENTS, false, check_events,
				  err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_ARCHIVES, false,
				  check_archive, err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_READERS, false, check_readers,
				  err);
	return rc;
}

enum err_code
store_check(struct store *store, store_report report, void *arg,
	    struct err *err)
{
	struct check check = {
		.txn = store_reader(store), .report = report, .arg = arg,
	};
	enum err_code rc;

	rc = check_pages(&check, store_home(store), err);
	if (rc != ERR_OK)
		return rc;
	if (check.damaged > 0) {
		check_report(&check, "what is in it was not looked at; "
			     "restore the last backup, see musterd(8)");
		return ERR_OK;
	}
	store_quiet(store, true);
	rc = check_all(&check, err);
	/* Behind a damaged page the environment is of no more use; the
	 * caller still has to say so. */
	if (rc != ERR_CORRUPT) {
		store_quiet(store, false);
		return rc;
	}
	/* a page that cannot be read: nothing behind it can be either */
	check_report(&check, "%s", err->what);
	check_report(&check, "the rest was not checked; %s", err->todo);
	return ERR_OK;
}
