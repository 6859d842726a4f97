/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/mail/addr.h"
#include "db/auto.h"
#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

/*
 * Who gets digests: the index of them, and what a change of a member's
 * delivery leads to. The rules are in digest.h.
 *
 * A member who has changed keeps the last CHANGES_MAX changes. They are of
 * use as long as a job from before one of them is in the queue; so only who
 * changes more often in that time can get a post twice or not at all.
 */

#define CHANGES_MAX 24
#define CHANGE_LEN (sizeof(uint64_t) + 1)

struct change {
	uint64_t from;		/* position */
	enum delivery_mode delivery;
};

static bool
is_digest(enum delivery_mode delivery)
{
	return delivery == DELIVERY_DIGEST ||
		delivery == DELIVERY_DIGEST_PLAIN;
}

/* --- the changes of a member -------------------------------------------- */

bool
changes_are_right(struct bytes changes)
{
	struct cursor in;
	uint64_t last = 0, from;

	if (changes.len % CHANGE_LEN != 0 ||
	    changes.len > CHANGES_MAX * CHANGE_LEN)
		return false;
	cursor_init(&in, changes);
	for (size_t i = 0; i < changes.len / CHANGE_LEN; i++, last = from) {
		from = get_u64(&in);
		if (from < last || get_u8(&in) > DELIVERY_DIGEST_PLAIN)
			return false;
	}
	return true;
}

/* Without any it has always been the same. */
static GArray *
changes_read(struct bytes changes, enum delivery_mode delivery)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct change));
	struct change first = { 0, delivery };
	struct cursor in;

	cursor_init(&in, changes);
	for (size_t i = 0; i < changes.len / CHANGE_LEN; i++) {
		struct change change;

		change.from = get_u64(&in);
		change.delivery = (enum delivery_mode)get_u8(&in);
		g_array_append_val(all, change);
	}
	if (all->len == 0)
		g_array_append_val(all, first);
	return all;
}

static GBytes *
changes_bytes(GArray *all)
{
	GByteArray *out = g_byte_array_new();

	while (all->len > CHANGES_MAX) {
		g_array_remove_index(all, 0);
		g_array_index(all, struct change, 0).from = 0;
	}
	for (guint i = 0; all->len > 1 && i < all->len; i++) {
		const struct change *change = &g_array_index(
			all, struct change, i);

		put_u64(out, change->from);
		put_u8(out, (uint8_t)change->delivery);
	}
	return g_byte_array_free_to_bytes(out);
}

enum delivery_mode
delivery_at(const struct roster_entry *entry, uint64_t position)
{
	enum delivery_mode delivery = entry->delivery;
	struct cursor in;

	cursor_init(&in, bytes_of(entry->changes, entry->changes_len));
	for (size_t i = 0; i < entry->changes_len / CHANGE_LEN; i++) {
		uint64_t from = get_u64(&in);
		uint8_t now = get_u8(&in);

		if (i > 0 && from > position)
			break;
		delivery = (enum delivery_mode)now;
	}
	return delivery;
}

enum delivery_mode
member_delivery_before(const struct member *member)
{
	enum delivery_mode before = DELIVERY_ON;
	struct bytes changes = bytes_whole(member->changes);
	struct cursor in;

	cursor_init(&in, changes);
	for (size_t i = 0; i < changes.len / CHANGE_LEN; i++) {
		enum delivery_mode delivery;

		(void) get_u64(&in);
		delivery = (enum delivery_mode)get_u8(&in);
		if (delivery != DELIVERY_OFF)
			before = delivery;
	}
	return before;
}

char *
changes_text(const struct roster_entry *entry)
{
	g_autoptr(GArray) all = changes_read(bytes_of(
		entry->changes, entry->changes_len), entry->delivery);
	GString *out = g_string_new(NULL);

	for (guint i = 0; entry->changes_len > 0 && i < all->len; i++) {
		const struct change *change = &g_array_index(
			all, struct change, i);

		g_string_append_printf(out, "%s%llu:%s", i > 0 ? " " : "",
				       (unsigned long long)change->from,
				       delivery_mode_name(change->delivery));
	}
	return g_string_free(out, FALSE);
}

static bool
change_of_text(const char *text, struct change *out)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 2);
	guint64 from;

	if (g_strv_length(parts) != 2 ||
	    !g_ascii_string_to_unsigned(parts[0], 10, 0, UINT64_MAX, &from,
					NULL))
		return false;
	out->from = from;
	return delivery_mode_of_name(parts[1], &out->delivery);
}

bool
changes_of_text(const char *text, GBytes **out)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE,
					    sizeof(struct change));
	g_auto(GStrv) words = g_strsplit(text, " ", CHANGES_MAX + 2);
	g_autoptr(GBytes) bytes = NULL;
	struct change change;

	for (char **word = words; *word != NULL && text[0] != '\0'; word++) {
		if (!change_of_text(*word, &change))
			return false;
		g_array_append_val(all, change);
	}
	if (all->len > CHANGES_MAX)
		return false;
	bytes = changes_bytes(all);
	if (!changes_are_right(bytes_whole(bytes)))
		return false;
	*out = g_steal_pointer(&bytes);
	return true;
}

/* --- a change more ------------------------------------------------------ */

static void
note(GArray *all, uint64_t from, enum delivery_mode delivery)
{
	struct change change = { from, delivery };

	g_array_append_val(all, change);
}

/* What was to come, and does not now. */
static void
forget_future(GArray *all, uint64_t position)
{
	while (all->len > 1 && g_array_index(all, struct change,
					     all->len - 1).from > position)
		g_array_set_size(all, all->len - 1);
}

/* The number of the change has been given. */
static enum delivery_mode
note_change(GArray *all, const struct digest *digest, enum delivery_mode to)
{
	uint64_t position = digest_position(digest);
	uint64_t behind = (uint64_t)(digest->issue + 1) << 32;
	enum delivery_mode now;

	forget_future(all, position);
	now = g_array_index(all, struct change, all->len - 1).delivery;
	if (now == to)
		return now;
	if (!is_digest(to) || is_digest(now) || digest->posts == 0) {
		note(all, position, to);
		return now;
	}
	if (now == DELIVERY_OFF)
		note(all, position, DELIVERY_ON);
	note(all, behind, to);
	return now;
}

/* --- what there is of the open issue, one by one ------------------------ */

static enum err_code
is_his_own(struct txn *txn, const struct post_id *id, const char *canon,
	   bool *his, struct err *err)
{
	g_autoptr(post_t) post = NULL;
	enum err_code rc = post_get(txn, id, &post, err);

	if (rc == ERR_OK && post != NULL) {
		g_auto(GStrv) authors = g_strsplit(post->author, ", ", -1);

		*his = g_strv_contains((const char *const *)authors, canon);
	}
	return rc;
}

static enum err_code
put_single(struct txn *txn, const struct list *list,
	   const struct post_id *post, const char *addr, struct err *err)
{
	g_autoptr(job_t) job = job_new(STAGE_OUTBOUND, post, list->id,
				       list->addr);
	enum err_code rc;

	job->role = ROLE_POST;
	job->audience = TO_ADDRS;
	job->as_of_s = clock_s();
	g_strfreev(job->addrs);
	job->addrs = g_new0(char *, 2);
	job->addrs[0] = g_strdup(addr);
	rc = post_hold(txn, post, 1, err);
	if (rc == ERR_OK)
		rc = queue_put(txn, job, err);
	return rc == ERR_OK ?
		trace_add(txn, post, "pending", list->addr, err, "a copy for "
			  "%s, who gets no digests any more", addr) : rc;
}

static enum err_code
put_singles(struct txn *txn, const struct digest *digest,
	    const struct member *member, struct err *err)
{
	g_autofree char *canon = addr_canon(member->addr);
	g_autoptr(list_t) list = NULL;
	g_autoptr(GArray) posts = NULL;
	enum err_code rc = list_by_id(txn, digest->list, &list, err);

	if (rc == ERR_OK && list != NULL)
		rc = digest_posts(txn, digest->list, digest->issue, &posts,
				  err);
	for (guint i = 0; rc == ERR_OK && posts != NULL && i < posts->len;
	     i++) {
		const struct post_id *post = &g_array_index(
			posts, struct post_id, i);
		bool his = false;

		if (!member->own_posts)
			rc = is_his_own(txn, post, canon, &his, err);
		if (rc == ERR_OK && !his)
			rc = put_single(txn, list, post, member->addr, err);
	}
	return rc;
}

enum err_code
digest_member_changed(struct txn *txn, uint32_t list,
		      const struct member *old, const struct member *next,
		      GBytes **changes_out, struct err *err)
{
	g_autoptr(GArray) all = changes_read(bytes_whole(old->changes),
					     old->delivery);
	enum delivery_mode was;
	struct digest digest;
	bool found;
	enum err_code rc = digest_lock(txn, list, &digest, &found, err);

	*changes_out = NULL;
	/* a list that knows no digests has nothing to keep apart */
	if (rc != ERR_OK || (!found && !is_digest(old->delivery) &&
			     !is_digest(next->delivery)))
		return rc;
	digest.number++;
	was = note_change(all, &digest, next->delivery);
	rc = digest_put(txn, &digest, err);
	if (rc == ERR_OK && is_digest(was) && next->delivery == DELIVERY_ON)
		rc = put_singles(txn, &digest, next, err);
	if (rc == ERR_OK)
		*changes_out = changes_bytes(all);
	return rc;
}

/* --- the index ---------------------------------------------------------- */

static enum err_code
has_reader(struct txn *txn, uint32_t list, enum delivery_mode delivery,
	   bool *out, struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key;
	enum err_code rc;

	put_u32(prefix, list);
	put_u8(prefix, (uint8_t)delivery);
	scan = scan_new(txn, place_of(TABLE_READERS), bytes_buf(prefix),
			bytes_of(NULL, 0), 4096, 0);
	rc = scan_next(scan, &key, NULL, err);
	if (rc == ERR_OK)
		*out = key.data != NULL;
	return rc;
}

enum err_code
digest_readers(struct txn *txn, uint32_t list, bool *mime_out,
	       bool *plain_out, struct err *err)
{
	enum err_code rc = has_reader(txn, list, DELIVERY_DIGEST, mime_out,
				      err);

	return rc == ERR_OK ? has_reader(txn, list, DELIVERY_DIGEST_PLAIN,
					 plain_out, err) : rc;
}
