/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <string.h>

#include "db/auto.h"
#include "db/expire.h"
#include "db/inside.h"
#include "db/post.h"
#include "db/table.h"
#include "core/base/banned.h"

/*
 * The trace lies beside its post, in the same file and mostly on the same
 * page, so that it costs the accepting transaction no page more. The names
 * that lead to it are looked up by their hash: a Message-ID is as long as a
 * stranger likes.
 */
#define NAME_MAX_LEN 1000	/* bytes of a name that count */
#define WHAT_MAX_LEN 2000
#define HASH_LEN 32
#define SAME_TIME_MAX 1000

void
trace_key(GByteArray *out, const struct post_id *id, int64_t time_us,
	  uint16_t number)
{
	post_key(out, id, POST_TRACE);
	put_u64(out, (uint64_t)time_us);
	put_u16(out, number);
}

void
trace_encode(GByteArray *out, const char *stage, const char *list,
	     const char *what)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_text(out, stage);
	put_text(out, list);
	put_text(out, what);
}

enum err_code
trace_decode(struct bytes key, struct bytes value, struct trace_view *out,
	     struct err *err)
{
	struct cursor k, v;
	bool right;

	cursor_init(&k, key);
	cursor_record(&v, value);
	get_id(&k, &out->id);
	right = get_u8(&k) == POST_TRACE;
	out->time_us = get_time(&k);
	out->number = get_u16(&k);
	out->stage = get_text(&v);
	out->list = get_text(&v);
	out->what = get_text(&v);
	if (!right || !cursor_end(&k) || !cursor_end(&v))
		return record_corrupt(post_place(&out->id), key, err);
	return ERR_OK;
}

char *
one_line(const char *text, size_t max)
{
	g_autofree char *cut = g_strndup(text, max);
	char *line = g_utf8_make_valid(cut, -1);

	for (char *p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return line;
}

enum err_code
trace_add(struct txn *txn, const struct post_id *id, const char *stage,
	  const char *list, struct err *err, const char *format, ...)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	g_autofree char *text = NULL;
	g_autofree char *what = NULL;
	int64_t now_us = g_get_real_time();
	bool added = false;
	enum err_code rc = ERR_OK;
	va_list ap;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	what = one_line(text, WHAT_MAX_LEN);
	trace_encode(value, stage, list, what);
	for (uint16_t n = 0; rc == ERR_OK && !added && n < SAME_TIME_MAX;
	     n++) {
		trace_key(key, id, now_us, n);
		rc = table_add(txn, post_place(id), bytes_buf(key),
			       bytes_buf(value), &added, err);
	}
	return rc;
}

static void
entry_free(void *arg)
{
	struct trace_entry *entry = arg;

	g_free(entry->stage);
	g_free(entry->list);
	g_free(entry->what);
	g_free(entry);
}

static struct trace_entry *
entry_new(const struct trace_view *view)
{
	struct trace_entry *entry = g_new0(struct trace_entry, 1);

	entry->time_us = view->time_us;
	entry->stage = g_strdup(view->stage);
	entry->list = g_strdup(view->list);
	entry->what = g_strdup(view->what);
	return entry;
}

enum err_code
trace_get(struct txn *txn, const struct post_id *id, GPtrArray **out,
	  struct err *err)
{
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(
		entry_free);
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	struct trace_view view;
	enum err_code rc;

	post_key(prefix, id, POST_TRACE);
	scan = scan_new(txn, post_place(id), bytes_buf(prefix),
			bytes_of(NULL, 0), 16 * 1024, SCAN_DROP);
	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = trace_decode(key, value, &view, err);
		if (rc != ERR_OK)
			return rc;
		g_ptr_array_add(entries, entry_new(&view));
	}
	if (rc != ERR_OK)
		return rc;
	*out = g_steal_pointer(&entries);
	return ERR_OK;
}

enum err_code
trace_began(struct txn *txn, const struct post_id *id, int64_t *time_us_out,
	    struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	struct trace_view view;
	enum err_code rc;

	post_key(prefix, id, POST_TRACE);
	scan = scan_new(txn, post_place(id), bytes_buf(prefix),
			bytes_of(NULL, 0), 16 * 1024, SCAN_DROP);
	rc = scan_next(scan, &key, &value, err);
	if (rc == ERR_OK && key.data != NULL)
		rc = trace_decode(key, value, &view, err);
	if (rc == ERR_OK)
		*time_us_out = key.data != NULL ? view.time_us : 0;
	return rc;
}

/* A name as it is kept and looked for: without blanks and brackets around
 * it, cut and made valid in the same way on both occasions. */
static char *
name_of(const char *text)
{
	g_autofree char *raw = g_strstrip(g_strdup(text));
	size_t len = strlen(raw);

	if (len >= 2 && raw[0] == '<' && raw[len - 1] == '>') {
		raw[len - 1] = '\0';
		memmove(raw, raw + 1, len - 1);
	}
	return one_line(raw, NAME_MAX_LEN);
}

struct place
ref_key(GByteArray *out, const char *name, const struct post_id *id)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	uint8_t hash[HASH_LEN];
	gsize len = sizeof(hash);

	g_checksum_update(sum, (const guchar *)name, (gssize)strlen(name));
	g_checksum_get_digest(sum, hash, &len);
	g_byte_array_set_size(out, 0);
	put_raw(out, hash, sizeof(hash));
	if (id != NULL)
		put_id(out, id);
	return place_shard(TABLE_REFS, hash[0]);
}

void
ref_encode(GByteArray *out, int64_t time_us, const char *name)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, RECORD_VERSION);
	put_u64(out, (uint64_t)time_us);
	put_text(out, name);
}

enum err_code
ref_decode(struct place at, struct bytes key, struct bytes value,
	   struct ref_view *out, struct err *err)
{
	struct cursor k, v;

	cursor_init(&k, key);
	cursor_record(&v, value);
	(void) get_raw(&k, HASH_LEN);
	get_id(&k, &out->id);
	out->time_us = get_time(&v);
	out->name = get_text(&v);
	return cursor_end(&k) && cursor_end(&v) ? ERR_OK :
		record_corrupt(at, key, err);
}

enum err_code
trace_ref(struct txn *txn, const struct post_id *id, const char *name,
	  struct err *err)
{
	g_autofree char *kept = name_of(name);
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct place at;
	bool added;

	if (kept[0] == '\0')
		return ERR_OK;
	at = ref_key(key, kept, id);
	ref_encode(value, g_get_real_time(), kept);
	return table_add(txn, at, bytes_buf(key), bytes_buf(value), &added,
			 err);
}

struct hit {
	int64_t time_us;
	struct post_id id;
};

static int
hit_order(const void *left, const void *right)
{
	const struct hit *a = left, *b = right;

	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	return memcmp(a->id.bytes, b->id.bytes, POST_ID_LEN);
}

static enum err_code
hits_by_name(struct txn *txn, const char *name, GArray *hits,
	     struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	struct place at = ref_key(prefix, name, NULL);
	g_autoptr(scan_t) scan = scan_new(txn, at, bytes_buf(prefix),
					bytes_of(NULL, 0), 16 * 1024,
					SCAN_DROP);
	struct bytes key, value;
	struct ref_view view;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = ref_decode(at, key, value, &view, err);
		if (rc != ERR_OK)
			return rc;
		g_array_append_val(hits, ((struct hit){ view.time_us,
							view.id }));
	}
	return rc;
}

/* Is anything known of a post of this id? */
static enum err_code
hit_by_id(struct txn *txn, const struct post_id *id, GArray *hits,
	  struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(txn, post_place(id),
					bytes_of(id->bytes, POST_ID_LEN),
					bytes_of(NULL, 0), 8192, SCAN_KEYS);
	struct bytes key;
	enum err_code rc = scan_next(scan, &key, NULL, err);

	if (rc == ERR_OK && key.data != NULL)
		g_array_append_val(hits, ((struct hit){ 0, *id }));
	return rc;
}

enum err_code
trace_find(struct txn *txn, const char *name, GArray **out, struct err *err)
{
	g_autoptr(GArray) hits = g_array_new(FALSE, FALSE,
					     sizeof(struct hit));
	g_autofree char *kept = name_of(name);
	struct post_id id;
	GArray *ids;
	enum err_code rc = ERR_OK;

	if (post_id_parse(kept, &id))
		rc = hit_by_id(txn, &id, hits, err);
	if (rc == ERR_OK && kept[0] != '\0')
		rc = hits_by_name(txn, kept, hits, err);
	if (rc != ERR_OK)
		return rc;
	g_array_sort(hits, hit_order);
	ids = g_array_new(FALSE, FALSE, sizeof(struct post_id));
	for (guint i = 0; i < hits->len; i++)
		g_array_append_val(ids, g_array_index(hits, struct hit,
						      i).id);
	*out = ids;
	return ERR_OK;
}

/* Keys are enough: that of a trace or of a way has its time, and the bodies in
 * between are not read. */
static enum err_code
trace_is_old(struct place at, struct bytes key, struct bytes value,
	     int64_t before, bool *old, struct err *err)
{
	struct post_id id;
	struct cursor in;
	uint8_t kind;

	(void) value;
	cursor_init(&in, key);
	get_id(&in, &id);
	kind = get_u8(&in);
	*old = (kind == POST_TRACE || kind == POST_WAY) &&
		get_time(&in) < before;
	return in.bad ? record_corrupt(at, key, err) : ERR_OK;
}

static enum err_code
ref_is_old(struct place at, struct bytes key, struct bytes value,
	   int64_t before, bool *old, struct err *err)
{
	struct ref_view view;
	enum err_code rc = ref_decode(at, key, value, &view, err);

	if (rc == ERR_OK)
		*old = view.time_us < before;
	return rc;
}

enum err_code
trace_expire(struct store *store, int64_t before_s, struct err *err)
{
	int64_t before_us = CLAMP(before_s, 0, INT64_MAX / G_USEC_PER_SEC) *
		G_USEC_PER_SEC;
	enum err_code rc;

	rc = expire(store, TABLE_POSTS, SCAN_KEYS, trace_is_old, before_us,
		    err);
	if (rc == ERR_OK)
		rc = expire(store, TABLE_REFS, 0, ref_is_old, before_us, err);
	return rc;
}
