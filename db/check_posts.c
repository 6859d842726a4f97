/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <string.h>

#include "db/auto.h"
#include "db/check.h"
#include "db/inside.h"
#include "core/base/banned.h"

/*
 * Jobs are counted first, then posts compared with the count. In a store
 * that is in use both change in between, so whatever looks wrong is only
 * reported when it looks wrong in a second round too.
 */

/* What looks wrong: in the second round it is reported if exactly the same
 * was found in the first. */
static void
suspect(struct check *check, const struct post_id *id, const char *format,
	...) __attribute__((format(printf, 3, 4)));

static void
suspect(struct check *check, const struct post_id *id, const char *format,
	...)
{
	g_autofree char *what = NULL;
	g_autofree char *line = NULL;
	char text[POST_ID_TEXT + 1];
	va_list ap;

	va_start(ap, format);
	what = g_strdup_vprintf(format, ap);
	va_end(ap);
	post_id_text(id, text);
	line = g_strdup_printf("post %s: %s", text, what);
	if (!check->again)
		g_hash_table_add(check->suspects, g_steal_pointer(&line));
	else if (g_hash_table_contains(check->suspects, line))
		check_report(check, "%s", line);
}

static void
count_need(struct check *check, const struct post_id *id)
{
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(check->jobs, id));

	g_hash_table_insert(check->jobs, g_memdup2(id, POST_ID_LEN),
			    GUINT_TO_POINTER(count + 1));
}

static enum err_code
check_job(struct check *check, struct place at, struct bytes key,
	  struct bytes value, struct err *err)
{
	g_autoptr(job_t) job = NULL;
	enum err_code rc = job_decode(at, key, value, &job, err);

	if (rc != ERR_OK)
		return check->again ? ERR_OK : rc;
	count_need(check, &job->post);
	return ERR_OK;
}

/* A post that is in an issue of a digest is needed, too. */
static enum err_code
check_digest(struct check *check, struct place at, struct bytes key,
	     struct bytes value, struct err *err)
{
	struct digest_post post;
	struct digest digest;
	enum err_code rc;

	(void) at;
	if (((const uint8_t *)key.data)[0] == DIGEST_STATE) {
		rc = digest_decode(key, value, &digest, err);
	} else {
		rc = digest_post_decode(key, value, &post, err);
		if (rc == ERR_OK)
			count_need(check, &post.post);
	}
	return check->again ? ERR_OK : rc;
}

/* Are all pieces there, below this key? */
static enum err_code
check_pieces(struct check *check, const struct post_id *id, GByteArray *key,
	     uint64_t size, const char *what, struct err *err)
{
	g_autoptr(GBytes) whole = NULL;
	enum err_code rc = pieces_get(check->txn, post_place(id), key, size,
				      &whole, err);

	if (rc != ERR_CORRUPT)
		return rc;
	suspect(check, id, "%s incomplete: %s", what, err->what);
	return ERR_OK;
}

static enum err_code
check_meta(struct check *check, struct bytes key, struct bytes value,
	   struct err *err)
{
	g_autoptr(post_t) post = NULL;
	g_autoptr(GByteArray) piece = g_byte_array_new();
	uint32_t jobs;
	enum err_code rc = post_decode(key, value, &post, err);

	if (rc != ERR_OK)
		return check->again ? ERR_OK : rc;
	jobs = GPOINTER_TO_UINT(g_hash_table_lookup(check->jobs, &post->id));
	if (jobs != post->jobs)
		suspect(check, &post->id, "it counts %u jobs, and queue and "
			"digests have %u", post->jobs, jobs);
	(void) g_hash_table_remove(check->jobs, &post->id);
	if (!evidence_is_right(post->evidence))
		suspect(check, &post->id, "its evidence is not JSON");
	post_key(piece, &post->id, POST_BODY);
	return check_pieces(check, &post->id, piece, post->size,
			    "the bytes are", err);
}

static enum err_code
check_form(struct check *check, struct bytes key, struct bytes value,
	   struct err *err)
{
	g_autoptr(GByteArray) piece = g_byte_array_new();
	struct form_head head;
	struct post_id id;
	struct cursor in;
	uint32_t list;
	enum form_use use;
	enum err_code rc = form_decode(key, value, &head, err);

	if (rc != ERR_OK)
		return check->again ? ERR_OK : rc;
	cursor_init(&in, key);
	get_id(&in, &id);
	(void) get_u8(&in);
	list = get_u32(&in);
	use = get_u8(&in) > FORM_PARTS ? FORM_BASE : FORM_COPIES;
	form_key(piece, &id, list, use, FORM_HEADER);
	rc = check_pieces(check, &id, piece, head.header_size,
			  "the header of a form is", err);
	if (rc != ERR_OK || !head.has_body)
		return rc;
	form_key(piece, &id, list, use, FORM_BODY);
	return check_pieces(check, &id, piece, head.body_size,
			    "the body of a form is", err);
}

/* Bytes and forms must not outlive the post. */
static enum err_code
check_owner(struct check *check, const struct post_id *id, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) meta = NULL;
	enum err_code rc;

	post_key(key, id, POST_META);
	rc = table_get(check->txn, post_place(id), bytes_buf(key), &meta,
		       err);
	if (rc == ERR_OK && meta == NULL)
		suspect(check, id, "there are bytes of it without its "
			"metadata");
	return rc;
}

static enum err_code
check_trace(struct check *check, struct bytes key, struct bytes value,
	    struct err *err)
{
	struct trace_view view;
	enum err_code rc = trace_decode(key, value, &view, err);

	return check->again ? ERR_OK : rc;
}

static enum err_code
check_way(struct check *check, struct bytes key, struct bytes value,
	  struct err *err)
{
	struct way way;
	enum err_code rc = way_decode(key, value, &way, err);

	return check->again ? ERR_OK : rc;
}

/* Only keys are walked; what is needed of the values is read one by one. */
static enum err_code
check_post_key(struct check *check, struct place at, struct bytes key,
	       struct bytes none, struct err *err)
{
	g_autoptr(GBytes) value = NULL;
	struct cursor in;
	struct post_id id;
	uint8_t kind, form = 0;
	enum err_code rc;

	(void) none;
	cursor_init(&in, key);
	get_id(&in, &id);
	kind = get_u8(&in);
	if (kind == POST_FORM) {
		(void) get_u32(&in);
		form = get_u8(&in);
	}
	if (in.bad || kind < POST_META || kind > POST_WAY ||
	    form > 2 * FORM_PARTS)
		return check->again ? ERR_OK : record_corrupt(at, key, err);
	if (kind == POST_BODY || (kind == POST_FORM &&
				  (form - 1) % FORM_PARTS + 1 != FORM_META))
		return check_owner(check, &id, err);
	rc = table_get(check->txn, at, key, &value, err);
	if (rc != ERR_OK || value == NULL)
		return rc;
	if (kind == POST_META)
		return check_meta(check, key, bytes_whole(value), err);
	if (kind == POST_FORM)
		return check_form(check, key, bytes_whole(value), err);
	return kind == POST_WAY ?
		check_way(check, key, bytes_whole(value), err) :
		check_trace(check, key, bytes_whole(value), err);
}

/* What is left in check->jobs are posts that jobs name and that were not
 * met. */
static void
report_missing(struct check *check)
{
	GHashTableIter iter;
	void *key, *count;

	g_hash_table_iter_init(&iter, check->jobs);
	while (g_hash_table_iter_next(&iter, &key, &count))
		suspect(check, key, "it is not there, and %u jobs need it",
			GPOINTER_TO_UINT(count));
}

static enum err_code
check_round(struct check *check, struct err *err)
{
	enum err_code rc;

	g_hash_table_remove_all(check->jobs);
	rc = check_family(check, TABLE_QUEUE, false, check_job, err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_DIGESTS, false, check_digest,
				  err);
	if (rc == ERR_OK)
		rc = check_family(check, TABLE_POSTS, true, check_post_key,
				  err);
	if (rc == ERR_OK)
		report_missing(check);
	return rc;
}

enum err_code
check_posts(struct check *check, struct err *err)
{
	g_autoptr(GHashTable) jobs = g_hash_table_new_full(
		post_id_hash, post_id_equal, g_free, NULL);
	g_autoptr(GHashTable) suspects = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, NULL);
	enum err_code rc;

	check->jobs = jobs;
	check->suspects = suspects;
	check->again = false;
	rc = check_round(check, err);
	if (rc != ERR_OK || g_hash_table_size(suspects) == 0)
		return rc;
	check->again = true;
	return check_round(check, err);
}
