/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/auto.h"
#include "db/dump_parts.h"
#include "db/inside.h"
#include "core/base/banned.h"

/*
 * The posts of issues are set aside before the jobs, and which issue is open
 * is read behind them: so each issue whose posts are in the dump is open
 * there, or a job in it sends it; if it was sent in between, it is in neither.
 */

enum err_code
digests_aside(struct dump *dump, struct err *err)
{
	static const uint8_t kind = DIGEST_POST;
	g_autoptr(scan_t) scan = scan_new(dump->txn, place_of(TABLE_DIGESTS),
					  bytes_of(&kind, 1),
					  bytes_of(NULL, 0), DUMP_SCAN,
					  SCAN_DROP);
	struct digest_post one;
	struct bytes key, value;
	struct need need;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = digest_post_decode(key, value, &one, err);
		if (rc != ERR_OK)
			return rc;
		need = (struct need){ .post = one.post };
		g_array_append_val(dump->needs, need);
		g_array_append_val(dump->digests, one);
	}
	return rc;
}

static enum err_code
write_digest(struct dump *dump, const char *list,
	     const struct digest *digest, struct err *err)
{
	return write_object(dump, json_pack(
		"{ss ss sI sI sI sI ss sI sI sI}", "type", "digest",
		"list", list, "issue", (json_int_t)digest->issue,
		"number", (json_int_t)digest->number,
		"volume", (json_int_t)digest->volume,
		"volume_issue", (json_int_t)digest->volume_issue,
		"period", digest->period,
		"opened_s", (json_int_t)digest->opened_s,
		"posts", (json_int_t)digest->posts,
		"bytes", (json_int_t)digest->bytes), err);
}

static bool
is_ordered(const struct dump *dump, const struct digest_post *one)
{
	for (guint i = 0; i < dump->orders->len; i++) {
		const struct digest_post *order = &g_array_index(
			dump->orders, struct digest_post, i);

		if (order->list == one->list && order->issue == one->issue)
			return true;
	}
	return false;
}

static enum err_code
write_post(struct dump *dump, const char *list, uint32_t open,
	   const struct digest_post *one, struct err *err)
{
	const struct need *need = need_find(dump, &one->post);
	char text[POST_ID_TEXT + 1];

	if (need == NULL || !need->written ||
	    (one->issue < open && !is_ordered(dump, one)))
		return ERR_OK;
	post_id_text(&one->post, text);
	return write_object(dump, json_pack(
		"{ss ss sI sI ss}", "type", "digest-post", "list", list,
		"issue", (json_int_t)one->issue,
		"number", (json_int_t)one->number, "post", text), err);
}

static enum err_code
write_list(struct dump *dump, const struct list *list, struct err *err)
{
	struct digest digest;
	bool found;
	enum err_code rc = digest_get(dump->txn, list->id, &digest, &found,
				      err);

	if (rc == ERR_OK && found)
		rc = write_digest(dump, list->addr, &digest, err);
	for (guint i = 0; rc == ERR_OK && i < dump->digests->len; i++) {
		const struct digest_post *one = &g_array_index(
			dump->digests, struct digest_post, i);

		if (one->list == list->id)
			rc = write_post(dump, list->addr, digest.issue, one,
					err);
	}
	return rc;
}

/* In the order of the lists' addresses, as rates. */
enum err_code
write_digests(struct dump *dump, GPtrArray *lists, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; rc == ERR_OK && i < lists->len; i++)
		rc = write_list(dump, g_ptr_array_index(lists, i), err);
	return rc;
}
