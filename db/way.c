/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/way.h"

#include <string.h>

#include "db/auto.h"
#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

/* The time stands where a trace entry has its own, so that both expire alike
 * (trace.c). */
void
way_key(GByteArray *out, const struct way *way)
{
	post_key(out, &way->group, POST_WAY);
	put_u64(out, (uint64_t)way->time_us);
	put_u32(out, way->through);
	put_u32(out, way->list);
	put_id(out, &way->post);
}

void
way_encode(GByteArray *out, const struct way *way)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_u32(out, way->turn);
	put_u64(out, (uint64_t)way->as_of_s);
	put_u64(out, way->position);
}

enum err_code
way_decode(struct bytes key, struct bytes value, struct way *out,
	   struct err *err)
{
	struct cursor k, v;
	bool right;

	cursor_init(&k, key);
	cursor_record(&v, value);
	get_id(&k, &out->group);
	right = get_u8(&k) == POST_WAY;
	out->time_us = get_time(&k);
	out->through = get_u32(&k);
	out->list = get_u32(&k);
	get_id(&k, &out->post);
	out->turn = get_u32(&v);
	out->as_of_s = get_time(&v);
	out->position = get_u64(&v);
	if (!right || !cursor_end(&k) || !cursor_end(&v))
		return record_corrupt(post_place(&out->group), key, err);
	return ERR_OK;
}

enum err_code
way_put(struct txn *txn, const struct way *way, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();

	way_key(key, way);
	way_encode(value, way);
	return table_put(txn, post_place(&way->group), bytes_buf(key),
			 bytes_buf(value), err);
}

enum err_code
ways_get(struct txn *txn, const struct post_id *group, GArray **out,
	 struct err *err)
{
	g_autoptr(GArray) ways = g_array_new(FALSE, FALSE,
					     sizeof(struct way));
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	struct way way;
	enum err_code rc;

	post_key(prefix, group, POST_WAY);
	scan = scan_new(txn, post_place(group), bytes_buf(prefix),
			bytes_of(NULL, 0), 8192, SCAN_DROP);
	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = way_decode(key, value, &way, err);
		if (rc != ERR_OK)
			return rc;
		g_array_append_val(ways, way);
	}
	if (rc != ERR_OK)
		return rc;
	*out = g_steal_pointer(&ways);
	return ERR_OK;
}

static enum err_code
close_way(struct txn *txn, struct way *way, bool is_out, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	bool removed;

	way->turn = 0;
	if (is_out)
		return way_put(txn, way, err);
	way_key(key, way);	/* nobody shall wait for it any more */
	return table_remove(txn, post_place(&way->group), bytes_buf(key),
			    &removed, err);
}

enum err_code
job_close_way(struct txn *txn, const struct job *job, struct err *err)
{
	const bool is_out = job->stage == STAGE_OUTBOUND;
	g_autoptr(GArray) ways = NULL;
	enum err_code rc;

	if (is_out ? !job_has_group(job) || job->audience != TO_MEMBERS :
	    job->stage != STAGE_PENDING || job->role != ROLE_POST)
		return ERR_OK;
	rc = ways_get(txn, is_out ? &job->group : &job->post, &ways, err);
	for (guint i = 0; rc == ERR_OK && i < ways->len; i++) {
		struct way *way = &g_array_index(ways, struct way, i);

		if (way->list == job->list &&
		    way->through == job_through(job) &&
		    post_id_equal(&way->post, &job->post))
			rc = close_way(txn, way, is_out, err);
	}
	return rc;
}
