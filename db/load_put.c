/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "conf/keys.h"
#include "core/mail/addr.h"
#include "db/auto.h"
#include "db/dump_parts.h"
#include "db/inside.h"
#include "db/load.h"
#include "db/number.h"
#include "core/base/banned.h"

/*
 * A record replaces the one with its key. The count of jobs of a post is
 * not in the dump: it follows from the jobs that are put in, and those that
 * are there already count as they are.
 */
struct load_put {
	GHashTable *jobs;	/* id -> key, of those in the store */
	char *list;		/* the last that was looked up; what a
				 * transaction has seen holds until it ends */
	uint32_t number;
};

static void
unref_bytes(void *bytes)
{
	g_bytes_unref(bytes);
}

/* Where is each job now? It may be due at another time than in the dump. */
static enum err_code
find_jobs(struct load_put *put, struct txn *reader, struct err *err)
{
	g_autoptr(queue_scan_t) scan = queue_scan_new(reader);
	struct bytes key, value;
	struct place at;
	enum err_code rc;

	while ((rc = queue_scan_next(scan, &at, &key, &value, err)) ==
	       ERR_OK && key.data != NULL) {
		if (key.len < POST_ID_LEN)
			return record_corrupt(at, key, err);
		g_hash_table_insert(put->jobs, g_memdup2(
				    (const uint8_t *)key.data + key.len -
				    POST_ID_LEN, POST_ID_LEN),
				    g_bytes_new(key.data, key.len));
	}
	return rc;
}

enum err_code
load_put_new(struct txn *reader, struct load_put **out, struct err *err)
{
	g_autoptr(load_put_t) put = g_new0(struct load_put, 1);
	enum err_code rc;

	put->jobs = g_hash_table_new_full(post_id_hash, post_id_equal, g_free,
					  unref_bytes);
	rc = find_jobs(put, reader, err);
	if (rc == ERR_OK)
		*out = g_steal_pointer(&put);
	return rc;
}

void
load_put_free(struct load_put *put)
{
	if (put == NULL)
		return;
	g_hash_table_unref(put->jobs);
	g_free(put->list);
	g_free(put);
}

void
load_put_begin(struct load_put *put)
{
	g_clear_pointer(&put->list, g_free);
}

/* The number of a list; 0 when it has been deleted since the check. */
static enum err_code
list_number(struct load_put *put, struct txn *txn, const char *addr,
	    uint32_t *out, struct err *err)
{
	g_autoptr(list_t) list = NULL;
	enum err_code rc;

	if (g_strcmp0(put->list, addr) != 0) {
		rc = list_find(txn, addr, &list, err);
		if (rc != ERR_OK)
			return rc;
		g_free(put->list);
		put->list = g_strdup(addr);
		put->number = list != NULL ? list->id : 0;
	}
	*out = put->number;
	return ERR_OK;
}

static enum err_code
put_meta(struct load_put *put, struct txn *txn, const json_t *object,
	 struct err *err)
{
	g_autoptr(GBytes) secret = field_base64(object, "value");
	g_autoptr(GByteArray) value = record_new();

	(void) put;
	put_raw(value, bytes_whole(secret).data, bytes_whole(secret).len);
	return table_put(txn, place_of(TABLE_META), bytes_of("secret", 6),
			 bytes_buf(value), err);
}

static enum err_code
put_setting(struct load_put *put, struct txn *txn, const json_t *object,
	    struct err *err)
{
	const char *name = field_text(object, "key");
	const struct key *key = key_of_setting(name);
	g_autofree char *value = NULL;
	enum err_code rc;

	(void) put;
	if (key == NULL)
		return err_set(err, ERR_INVALID, "", "key \"%s\"", name);
	rc = key_check(key, field_text(object, "value"), &value, err);
	if (rc != ERR_OK)
		return rc;
	return setting_put(txn, field_text(object, "scope"), name, value,
			   err);
}

static enum err_code
put_list(struct load_put *put, struct txn *txn, const json_t *object,
	 struct err *err)
{
	const char *addr = field_text(object, "addr");
	const int64_t number = field_num(object, "number");
	g_autoptr(list_t) list = NULL;
	enum err_code rc = list_restore(txn, addr,
					field_num(object, "created_s"), err);

	(void) put;
	if (rc == ERR_OK)
		rc = list_find(txn, addr, &list, err);
	if (rc != ERR_OK)
		return rc;
	return number > 0 ? number_put(txn, list->id, (uint64_t)number, err) :
		number_remove(txn, list->id, err);
}

static enum err_code
put_member(struct load_put *put, struct txn *txn, const json_t *object,
	   struct err *err)
{
	const char *addr = field_text(object, "list");
	g_autoptr(member_t) member = NULL;
	uint32_t list;
	enum err_code rc = list_number(put, txn, addr, &list, err);

	if (rc != ERR_OK || list == 0)
		return rc;
	member = member_of_json(object);
	return roster_restore(txn, list, member, err);
}

static void
post_set(struct post *post, const json_t *object)
{
	field_id(object, "id", &post->id);
	post->received_s = field_num(object, "received_s");
	post->sender = g_strdup(field_text(object, "sender"));
	post->qid = g_strdup(field_text(object, "qid"));
	post->message_id = g_strdup(field_text(object, "message_id"));
	post->door = g_strdup(field_text(object, "door"));
	post->client = g_strdup(field_text(object, "client"));
	post->helo = g_strdup(field_text(object, "helo"));
	post->auth = g_strdup(field_text(object, "auth"));
	post->author = g_strdup(field_text(object, "author"));
	post->evidence = g_strdup(field_text(object, "evidence"));
	post->size = (uint64_t)field_num(object, "size");
}

static enum err_code
put_post(struct load_put *put, struct txn *txn, const json_t *object,
	 struct err *err)
{
	g_autoptr(post_t) post = g_new0(struct post, 1);
	g_autoptr(post_t) old = NULL;
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	enum err_code rc;

	(void) put;
	post_set(post, object);
	rc = post_get(txn, &post->id, &old, err);
	if (rc != ERR_OK)
		return rc;
	post->jobs = old != NULL ? old->jobs : 0;
	post_key(key, &post->id, POST_META);
	post_encode(value, post);
	return table_put(txn, post_place(&post->id), bytes_buf(key),
			 bytes_buf(value), err);
}

static enum err_code
put_form(struct load_put *put, struct txn *txn, const json_t *object,
	 struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct form_head head = {
		.header_size = (uint64_t)field_num(object, "header_size"),
		.body_size = (uint64_t)field_num(object, "body_size"),
		.body_at = (uint64_t)field_num(object, "body_at"),
		.has_body = field_bool(object, "has_body"),
	};
	struct post_id id;
	uint32_t list;
	enum form_use use = FORM_COPIES;
	enum err_code rc;

	rc = list_number(put, txn, field_text(object, "list"), &list, err);
	if (rc != ERR_OK || list == 0)
		return rc;
	field_id(object, "post", &id);
	(void) form_use_of(field_text(object, "use"), &use);
	form_key(key, &id, list, use, FORM_META);
	form_encode(value, &head);
	return table_put(txn, post_place(&id), bytes_buf(key),
			 bytes_buf(value), err);
}

static enum err_code
put_piece(struct load_put *put, struct txn *txn, const json_t *object,
	  struct err *err)
{
	const char *part = field_text(object, "part");
	g_autoptr(GBytes) data = field_base64(object, "data");
	g_autoptr(GByteArray) key = g_byte_array_new();
	struct post_id id;
	uint32_t list;
	enum form_use use = FORM_COPIES;
	enum form_part form = FORM_HEADER;
	enum err_code rc;

	field_id(object, "post", &id);
	if (strcmp(part, "bytes") == 0) {
		post_key(key, &id, POST_BODY);
	} else {
		rc = list_number(put, txn, field_text(object, "list"), &list,
				 err);
		if (rc != ERR_OK || list == 0)
			return rc;
		(void) form_part_of(part, &use, &form);
		form_key(key, &id, list, use, form);
	}
	piece_key(key, key->len, (uint32_t)field_num(object, "number"));
	return table_put(txn, post_place(&id), bytes_buf(key),
			 bytes_whole(data), err);
}

/* The names were checked; what they leave untouched is 0. */
static struct job *
job_of(const json_t *object, uint32_t list)
{
	struct post_id post;
	struct job *job;

	field_id(object, "post", &post);
	job = g_new0(struct job, 1);
	job->post = post;
	job->list = list;
	field_id(object, "id", &job->id);
	(void) stage_of_name(field_text(object, "stage"), &job->stage);
	(void) stage_of_name(field_text(object, "was"), &job->was);
	(void) role_of_name(field_text(object, "role"), &job->role);
	(void) audience_of_name(field_text(object, "audience"),
				&job->audience);
	job->due_ms = field_num(object, "due_ms");
	job->made_ms = field_num(object, "made_ms");
	job->attempts = (uint32_t)field_num(object, "attempts");
	job->list_addr = g_strdup(field_text(object, "list"));
	job->detail = g_strdup(field_text(object, "detail"));
	job->after = g_strdup(field_text(object, "after"));
	job->until = g_strdup(field_text(object, "until"));
	job->as_of_s = field_num(object, "as_of_s");
	job->addrs = field_texts(object, "addrs");
	job->sent = (uint64_t)field_num(object, "sent");
	job->refused = (uint64_t)field_num(object, "refused");
	job->reason = g_strdup(field_text(object, "reason"));
	job->held_for = g_strdup(field_text(object, "held_for"));
	job->null_sender = field_bool(object, "null_sender");
	job->delivery = DELIVERY_ON;
	(void) delivery_mode_of_name(field_text(object, "delivery"),
				     &job->delivery);
	job->position = (uint64_t)field_num(object, "position");
	job->through_addr = g_strdup(field_text(object, "through"));
	job->elsewhere = (uint64_t)field_num(object, "elsewhere");
	field_id(object, "group", &job->group);
	return job;
}

/* Takes away what the store has of this job, if anything. */
static enum err_code
remove_old_job(struct load_put *put, struct txn *txn, const struct job *job,
	       bool *removed, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	GBytes *old = g_hash_table_lookup(put->jobs, job->id.bytes);
	enum err_code rc;

	job_key(key, job);
	rc = table_remove(txn, job_place(job), bytes_buf(key), removed, err);
	if (rc == ERR_OK && !*removed && old != NULL)
		rc = table_remove(txn, job_place(job), bytes_whole(old),
				  removed, err);
	return rc;
}

static enum err_code
put_job(struct load_put *put, struct txn *txn, const json_t *object,
	struct err *err)
{
	g_autoptr(job_t) job = NULL;
	uint32_t list = 0;
	bool removed;
	enum err_code rc = ERR_OK;

	if (!field_bool(object, "list_gone"))
		rc = list_number(put, txn, field_text(object, "list"), &list,
				 err);
	if (rc != ERR_OK)
		return rc;
	job = job_of(object, list);
	if (job->through_addr[0] != '\0')
		rc = list_number(put, txn, job->through_addr, &job->through,
				 err);
	if (rc != ERR_OK)
		return rc;
	rc = remove_old_job(put, txn, job, &removed, err);
	if (rc == ERR_OK && !removed)
		rc = post_hold(txn, &job->post, 1, err);
	if (rc == ERR_OK)
		rc = queue_put(txn, job, err);
	return rc;
}

static enum err_code
put_seen(struct load_put *put, struct txn *txn, const json_t *object,
	 struct err *err)
{
	g_autoptr(GByteArray) value = g_byte_array_new();
	uint8_t key[SEEN_KEY_LEN];
	struct post_id id;

	(void) put;
	if (!field_hex(object, "key", key, sizeof(key)))
		return field_bad(err, object, "key", "not hexadecimal");
	field_id(object, "post", &id);
	seen_encode(value, &id, field_num(object, "time_s"));
	return table_put(txn, place_shard(TABLE_SEEN, key[0]),
			 bytes_of(key, sizeof(key)), bytes_buf(value), err);
}

static enum err_code
put_trace(struct load_put *put, struct txn *txn, const json_t *object,
	  struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct post_id id;

	(void) put;
	field_id(object, "post", &id);
	trace_key(key, &id, field_num(object, "time_us"),
		  (uint16_t)field_num(object, "number"));
	trace_encode(value, field_text(object, "stage"),
		     field_text(object, "list"), field_text(object, "what"));
	return table_put(txn, post_place(&id), bytes_buf(key),
			 bytes_buf(value), err);
}

static enum err_code
put_ref(struct load_put *put, struct txn *txn, const json_t *object,
	struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	const char *name = field_text(object, "name");
	struct post_id id;
	struct place at;

	(void) put;
	field_id(object, "post", &id);
	at = ref_key(key, name, &id);
	ref_encode(value, field_num(object, "time_us"), name);
	return table_put(txn, at, bytes_buf(key), bytes_buf(value), err);
}

static enum err_code
put_rate(struct load_put *put, struct txn *txn, const json_t *object,
	 struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct rate_view rate = {
		.time_ms = field_num(object, "time_ms"),
	};
	struct place at;
	enum err_code rc;

	if (!field_hex(object, "author", rate.author, sizeof(rate.author)))
		return field_bad(err, object, "author", "not hexadecimal");
	rc = list_number(put, txn, field_text(object, "list"), &rate.list,
			 err);
	if (rc != ERR_OK || rate.list == 0)
		return rc;
	field_id(object, "post", &rate.id);
	at = rate_key(key, &rate);
	rate_encode(value, rate.time_ms);
	return table_put(txn, at, bytes_buf(key), bytes_buf(value), err);
}

static enum err_code
put_token(struct load_put *put, struct txn *txn, const json_t *object,
	  struct err *err)
{
	const char *list = field_text(object, "list");
	uint8_t hash[TOKEN_HASH];
	struct token_view token;
	enum err_code rc = ERR_OK;

	token_of_json(object, hash, &token);
	if (list[0] != '\0')
		rc = list_number(put, txn, list, &token.list, err);
	if (rc != ERR_OK || (list[0] != '\0' && token.list == 0))
		return rc;
	return token_put(txn, hash, &token, err);
}

static enum err_code
put_event(struct load_put *put, struct txn *txn, const json_t *object,
	  struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct event event;
	uint32_t list;
	enum err_code rc;

	rc = list_number(put, txn, field_text(object, "list"), &list, err);
	if (rc != ERR_OK || list == 0)
		return rc;
	event_of_json(object, &event);
	event_key(key, list, event.time_us, event.number);
	event_encode(value, &event);
	return table_put(txn, place_of(TABLE_EVENTS), bytes_buf(key),
			 bytes_buf(value), err);
}

static enum err_code
put_digest(struct load_put *put, struct txn *txn, const json_t *object,
	   struct err *err)
{
	struct digest digest = {
		.issue = (uint32_t)field_num(object, "issue"),
		.number = (uint32_t)field_num(object, "number"),
		.volume = (uint32_t)field_num(object, "volume"),
		.volume_issue = (uint32_t)field_num(object, "volume_issue"),
		.opened_s = field_num(object, "opened_s"),
		.posts = (uint32_t)field_num(object, "posts"),
		.bytes = (uint64_t)field_num(object, "bytes"),
	};
	enum err_code rc = list_number(put, txn, field_text(object, "list"),
				       &digest.list, err);

	(void) g_strlcpy(digest.period, field_text(object, "period"),
			 sizeof(digest.period));
	return rc != ERR_OK || digest.list == 0 ? rc :
		digest_put(txn, &digest, err);
}

static enum err_code
put_digest_post(struct load_put *put, struct txn *txn, const json_t *object,
		struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct post_id post;
	bool added = false;
	uint32_t list;
	enum err_code rc;

	rc = list_number(put, txn, field_text(object, "list"), &list, err);
	if (rc != ERR_OK || list == 0)
		return rc;
	field_id(object, "post", &post);
	digest_post_key(key, list, (uint32_t)field_num(object, "issue"),
			(uint32_t)field_num(object, "number"));
	digest_post_encode(value, &post);
	rc = table_add(txn, place_of(TABLE_DIGESTS), bytes_buf(key),
		       bytes_buf(value), &added, err);
	return rc == ERR_OK && added ? post_hold(txn, &post, 1, err) : rc;
}

static enum err_code
put_way(struct load_put *put, struct txn *txn, const json_t *object,
	struct err *err)
{
	struct way way = {
		.time_us = field_num(object, "time_us"),
		.turn = (uint32_t)field_num(object, "turn"),
		.as_of_s = field_num(object, "as_of_s"),
		.position = (uint64_t)field_num(object, "position"),
	};
	enum err_code rc;

	field_id(object, "group", &way.group);
	field_id(object, "post", &way.post);
	rc = list_number(put, txn, field_text(object, "list"), &way.list,
			 err);
	if (rc == ERR_OK)
		rc = list_number(put, txn, field_text(object, "through"),
				 &way.through, err);
	return rc != ERR_OK || way.list == 0 || way.through == 0 ? rc :
		way_put(txn, &way, err);
}

static enum err_code
put_archive(struct load_put *put, struct txn *txn, const json_t *object,
	    struct err *err)
{
	struct archive archive = {
		.last = (uint32_t)field_num(object, "last"),
		.posts = (uint64_t)field_num(object, "posts"),
		.mbox_size = (uint64_t)field_num(object, "mbox_size"),
	};
	enum err_code rc = list_number(put, txn, field_text(object, "list"),
				       &archive.list, err);

	return rc != ERR_OK || archive.list == 0 ? rc :
		archive_put(txn, &archive, err);
}

static enum err_code
put_archived(struct load_put *put, struct txn *txn, const json_t *object,
	     struct err *err)
{
	struct archived archived;
	enum err_code rc;

	archived_of_json(object, &archived);
	rc = list_number(put, txn, field_text(object, "list"),
			 &archived.list, err);
	return rc != ERR_OK || archived.list == 0 ? rc :
		archived_put(txn, &archived, err);
}

enum err_code
load_put(struct load_put *put, struct txn *txn, const json_t *object,
	 enum dump_type type, struct err *err)
{
	static enum err_code (*const puts[DUMP_TYPES])(
		struct load_put *, struct txn *, const json_t *,
		struct err *) = {
		[DUMP_META] = put_meta,
		[DUMP_SETTING] = put_setting,
		[DUMP_LIST] = put_list,
		[DUMP_MEMBER] = put_member,
		[DUMP_POST] = put_post,
		[DUMP_FORM] = put_form,
		[DUMP_PIECE] = put_piece,
		[DUMP_JOB] = put_job,
		[DUMP_SEEN] = put_seen,
		[DUMP_TRACE] = put_trace,
		[DUMP_REF] = put_ref,
		[DUMP_RATE] = put_rate,
		[DUMP_TOKEN] = put_token,
		[DUMP_EVENT] = put_event,
		[DUMP_DIGEST] = put_digest,
		[DUMP_DIGEST_POST] = put_digest_post,
		[DUMP_WAY] = put_way,
		[DUMP_ARCHIVE] = put_archive,
		[DUMP_ARCHIVED] = put_archived,
	};

	return puts[type](put, txn, object, err);
}
