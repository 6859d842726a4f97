/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/queue.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "db/auto.h"
#include "db/inside.h"
#include "db/table.h"
#include "core/base/banned.h"

#define ADDRS_MAX 100000	/* of one job */
#define SCAN_SIZE (64 * 1024)
#define HASTEN_MAX 256		/* jobs in one transaction */
#define NULL_SENDER 1		/* of the flags */

const char *
stage_name(enum stage stage)
{
	switch (stage) {
	case STAGE_PENDING:
		return "pending";
	case STAGE_OUTBOUND:
		return "outbound";
	case STAGE_BOUNCE:
		return "bounce";
	case STAGE_NOTICE:
		return "notice";
	case STAGE_COMMAND:
		return "command";
	case STAGE_PROGRAM:
		return "program";
	case STAGE_ARCHIVE:
		return "archive";
	case STAGE_HELD:
		return "held";
	case STAGE_SHUNTED:
		return "shunted";
	}
	return "";
}

struct job *
job_new(enum stage stage, const struct post_id *post, uint32_t list,
	const char *list_addr)
{
	struct job *job = g_new0(struct job, 1);

	post_id_new(&job->id);
	job->stage = stage;
	job->made_ms = clock_ms();
	job->delivery = DELIVERY_ON;
	job->post = *post;
	job->list = list;
	job->list_addr = g_strdup(list_addr);
	job->detail = g_strdup("");
	job->after = g_strdup("");
	job->until = g_strdup("");
	job->reason = g_strdup("");
	job->held_for = g_strdup("");
	job->through_addr = g_strdup("");
	job->addrs = g_new0(char *, 1);
	return job;
}

struct job *
job_copy(const struct job *job)
{
	struct job *copy = g_memdup2(job, sizeof(*job));

	copy->list_addr = g_strdup(job->list_addr);
	copy->detail = g_strdup(job->detail);
	copy->after = g_strdup(job->after);
	copy->until = g_strdup(job->until);
	copy->reason = g_strdup(job->reason);
	copy->held_for = g_strdup(job->held_for);
	copy->through_addr = g_strdup(job->through_addr);
	copy->addrs = g_strdupv(job->addrs);
	return copy;
}

void
job_free(struct job *job)
{
	if (job == NULL)
		return;
	g_free(job->list_addr);
	g_free(job->detail);
	g_free(job->after);
	g_free(job->until);
	g_free(job->reason);
	g_free(job->held_for);
	g_free(job->through_addr);
	g_strfreev(job->addrs);
	g_free(job);
}

bool
job_has_group(const struct job *job)
{
	static const struct post_id none;

	return !post_id_equal(&job->group, &none);
}

uint32_t
job_through(const struct job *job)
{
	return job->through != 0 ? job->through : job->list;
}

const char *
job_through_addr(const struct job *job)
{
	return job->through != 0 ? job->through_addr : job->list_addr;
}

void
job_blame(struct job *next, const struct job *job, const char *reason)
{
	if (job->stage == STAGE_HELD && job->held_for[0] == '\0')
		next->held_for = job->reason;
	next->reason = (char *)(uintptr_t)reason;
}

void
job_pardon(struct job *next, const struct job *job)
{
	static char none[] = "";

	next->reason = job->held_for;
	next->held_for = none;
}

const char *
job_held_for(const struct job *job)
{
	return job->held_for[0] != '\0' ? job->held_for : job->reason;
}

struct place
job_place(const struct job *job)
{
	return place_shard(TABLE_QUEUE, job->id.bytes[0]);
}

void
job_key(GByteArray *out, const struct job *job)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, (uint8_t)job->stage);
	put_u64(out, (uint64_t)MAX(job->due_ms, 0));
	put_id(out, &job->id);
}

void
job_encode(GByteArray *out, const struct job *job)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, JOB_VERSION);
	put_u8(out, (uint8_t)job->was);
	put_u64(out, (uint64_t)job->made_ms);
	put_u32(out, job->attempts);
	put_id(out, &job->post);
	put_u32(out, job->list);
	put_u8(out, (uint8_t)job->role);
	put_u8(out, (uint8_t)job->audience);
	put_u64(out, (uint64_t)job->as_of_s);
	put_u64(out, job->sent);
	put_u64(out, job->refused);
	put_text(out, job->list_addr);
	put_text(out, job->detail);
	put_text(out, job->after);
	put_text(out, job->until);
	put_text(out, job->reason);
	put_u32(out, (uint32_t)g_strv_length(job->addrs));
	for (char **addr = job->addrs; *addr != NULL; addr++)
		put_text(out, *addr);
	put_u8(out, job->null_sender ? NULL_SENDER : 0);
	put_text(out, job->held_for);
	put_u8(out, (uint8_t)job->delivery);
	put_u64(out, job->position);
	put_u32(out, job->through);
	put_text(out, job->through_addr);
	put_id(out, &job->group);
	put_u64(out, job->elsewhere);
}

static bool
stage_is_right(unsigned int stage)
{
	return stage_name((enum stage)stage)[0] != '\0';
}

static void
decode_addrs(struct cursor *in, struct job *job)
{
	g_autoptr(GStrvBuilder) addrs = g_strv_builder_new();
	uint32_t count = get_u32(in);

	if (count > ADDRS_MAX)
		in->bad = true;
	for (uint32_t i = 0; i < count && !in->bad; i++)
		g_strv_builder_add(addrs, get_text(in));
	job->addrs = g_strv_builder_end(addrs);
}

static void
decode_value(struct cursor *in, uint8_t version, struct job *job)
{
	uint8_t was, role, audience, flags, delivery;

	was = get_u8(in);
	job->made_ms = get_time(in);
	job->attempts = get_u32(in);
	get_id(in, &job->post);
	job->list = get_u32(in);
	role = get_u8(in);
	audience = get_u8(in);
	job->as_of_s = get_time(in);
	job->sent = get_u64(in);
	job->refused = get_u64(in);
	job->list_addr = g_strdup(get_text(in));
	job->detail = g_strdup(get_text(in));
	job->after = g_strdup(get_text(in));
	job->until = g_strdup(get_text(in));
	job->reason = g_strdup(get_text(in));
	decode_addrs(in, job);
	flags = version > 1 ? get_u8(in) : 0;
	job->null_sender = flags == NULL_SENDER;
	job->held_for = g_strdup(version > 2 ? get_text(in) : "");
	delivery = version > 3 ? get_u8(in) : DELIVERY_ON;
	job->position = version > 3 ? get_u64(in) : 0;
	job->through = version > 4 ? get_u32(in) : 0;
	job->through_addr = g_strdup(version > 4 ? get_text(in) : "");
	if (version > 4)
		get_id(in, &job->group);
	job->elsewhere = version > 4 ? get_u64(in) : 0;
	if ((was != 0 && !stage_is_right(was)) || role > ROLE_FEEDBACK ||
	    audience > TO_ADDRS || flags > NULL_SENDER ||
	    delivery > DELIVERY_DIGEST_PLAIN)
		in->bad = true;
	job->was = (enum stage)was;
	job->role = (enum role)role;
	job->audience = (enum audience)audience;
	job->delivery = (enum delivery_mode)delivery;
}

enum err_code
job_decode(struct place at, struct bytes key, struct bytes value,
	   struct job **out, struct err *err)
{
	g_autoptr(job_t) job = g_new0(struct job, 1);
	struct cursor k, v;
	uint8_t stage, version;

	cursor_init(&k, key);
	version = cursor_version(&v, value, JOB_VERSION);
	stage = get_u8(&k);
	job->stage = (enum stage)stage;
	job->due_ms = get_time(&k);
	get_id(&k, &job->id);
	decode_value(&v, version, job);
	if (!cursor_end(&k) || !cursor_end(&v) || !stage_is_right(stage))
		return record_corrupt(at, key, err);
	*out = g_steal_pointer(&job);
	return ERR_OK;
}

enum err_code
queue_put(struct txn *txn, const struct job *job, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = g_byte_array_new();

	job_key(key, job);
	job_encode(value, job);
	if (value->len > JOB_LONGEST)
		return err_set(err, ERR_INVALID, "cut it into smaller jobs",
			       "a job of %s has %u bytes; %d are the most",
			       job->list_addr, value->len, JOB_LONGEST);
	return table_put(txn, job_place(job), bytes_buf(key),
			 bytes_buf(value), err);
}

enum err_code
queue_take(struct txn *txn, const struct job *job, bool *taken,
	   struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();

	job_key(key, job);
	return table_remove(txn, job_place(job), bytes_buf(key), taken, err);
}

enum err_code
queue_take_conf(struct txn *txn, const struct job *job,
		struct list_conf **conf_out, struct err *err)
{
	g_autoptr(list_t) list = NULL;
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	*conf_out = NULL;
	if (rc != ERR_OK || !taken)
		return rc;
	rc = list_by_id(txn, job->list, &list, err);
	if (rc == ERR_OK && list == NULL)
		return post_release(txn, &job->post, 1, err);
	return rc == ERR_OK ? list_conf_load(txn, list->addr, conf_out, err) :
		rc;
}

enum err_code
queue_replace(struct txn *txn, const struct job *old, const struct job *next,
	      bool *taken, struct err *err)
{
	bool there;
	enum err_code rc = queue_take(txn, old, &there, err);

	if (rc == ERR_OK && there)
		rc = queue_put(txn, next, err);
	if (rc == ERR_OK)
		*taken = there;
	return rc;
}

enum err_code
queue_again(struct txn *txn, const struct job *job, struct job **out,
	    struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) value = NULL;
	enum err_code rc;

	job_key(key, job);
	*out = NULL;
	rc = table_lock(txn, job_place(job), bytes_buf(key), &value, err);
	if (rc != ERR_OK || value == NULL)
		return rc;
	return job_decode(job_place(job), bytes_buf(key), bytes_whole(value),
			  out, err);
}

static void
free_job(void *job)
{
	job_free(job);
}

static int
job_order(const void *left, const void *right)
{
	const struct job *a = *(struct job *const *)left;
	const struct job *b = *(struct job *const *)right;

	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms ? -1 : 1;
	return memcmp(a->id.bytes, b->id.bytes, POST_ID_LEN);
}

static int
key_order(struct bytes a, struct bytes b)
{
	int rc = memcmp(a.data, b.data, MIN(a.len, b.len));

	return rc != 0 ? rc : (a.len > b.len) - (a.len < b.len);
}

static void
due_key(GByteArray *out, enum stage stage, int64_t due_ms)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, (uint8_t)stage);
	put_u64(out, (uint64_t)MAX(due_ms, 0));
}

struct queue_turn {
	enum stage stage;
	unsigned int first, files;	/* of the queue */
	unsigned int file;		/* where it goes on */
	GByteArray *after;		/* this key of it; empty: at its start */
};

struct queue_turn *
queue_turn_new(enum stage stage, unsigned int part, unsigned int parts)
{
	struct queue_turn *turn = g_new0(struct queue_turn, 1);

	turn->stage = stage;
	turn->files = SHARDS / parts;
	turn->first = turn->file = part * turn->files;
	turn->after = g_byte_array_new();
	return turn;
}

void
queue_turn_free(struct queue_turn *turn)
{
	if (turn == NULL)
		return;
	g_byte_array_unref(turn->after);
	g_free(turn);
}

/* What is due in one file behind a key (empty: from its start), up to and
 * with another (NULL: to its end), until there are max. */
static enum err_code
due_in_file(struct txn *txn, struct place at, enum stage stage,
	    int64_t now_ms, size_t max, const GByteArray *after,
	    const GByteArray *until, GPtrArray *jobs, struct err *err)
{
	uint8_t prefix = (uint8_t)stage;
	g_autoptr(GByteArray) from = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	enum err_code rc;

	if (after->len > 0) {
		put_raw(from, after->data, after->len);
		put_u8(from, 0);
	}
	scan = scan_new(txn, at, bytes_of(&prefix, 1), bytes_buf(from),
			SCAN_SIZE, SCAN_DROP);
	while (jobs->len < max) {
		g_autoptr(job_t) job = NULL;

		rc = scan_next(scan, &key, &value, err);
		if (rc != ERR_OK || key.data == NULL)
			return rc;
		if (until != NULL && key_order(key, bytes_buf(until)) > 0)
			return ERR_OK;
		rc = job_decode(at, key, value, &job, err);
		if (rc != ERR_OK || job->due_ms > now_ms)
			return rc;
		g_ptr_array_add(jobs, g_steal_pointer(&job));
	}
	return ERR_OK;
}

/* Due time of the first of one file that is not yet due. */
static enum err_code
next_in_file(struct txn *txn, struct place at, enum stage stage,
	     int64_t now_ms, int64_t *next, struct err *err)
{
	uint8_t prefix = (uint8_t)stage;
	g_autoptr(GByteArray) from = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key;
	struct cursor in;
	int64_t due_ms;
	enum err_code rc;

	if (now_ms == INT64_MAX)
		return ERR_OK;
	due_key(from, stage, now_ms < 0 ? 0 : now_ms + 1);
	scan = scan_new(txn, at, bytes_of(&prefix, 1), bytes_buf(from),
			4096, SCAN_KEYS);
	rc = scan_next(scan, &key, NULL, err);
	if (rc != ERR_OK || key.data == NULL)
		return rc;
	cursor_init(&in, key);
	(void) get_u8(&in);
	due_ms = get_time(&in);
	if (in.bad)
		return record_corrupt(at, key, err);
	*next = MIN(*next, due_ms);
	return ERR_OK;
}

/* Once around: the file where the last call ended comes first, from there
 * on, and last, up to there. */
static enum err_code
go_around(struct store *store, struct queue_turn *turn, int64_t now_ms,
	  size_t max, GPtrArray *jobs, struct err *err)
{
	g_autoptr(GByteArray) begun = g_byte_array_new();
	unsigned int rounds = turn->files;
	enum err_code rc = ERR_OK;

	put_raw(begun, turn->after->data, turn->after->len);
	rounds += begun->len > 0;
	for (unsigned int i = 0; i < rounds && rc == ERR_OK; i++) {
		struct place at = { TABLE_QUEUE, turn->file };

		rc = due_in_file(store_reader(store), at, turn->stage, now_ms,
				 max, turn->after, i == turn->files ? begun :
				 NULL, jobs, err);
		if (jobs->len == max)
			break;
		g_byte_array_set_size(turn->after, 0);
		if (++turn->file == turn->first + turn->files)
			turn->file = turn->first;
	}
	return rc;
}

static enum err_code
next_due(struct store *store, const struct queue_turn *turn, int64_t now_ms,
	 int64_t *next, struct err *err)
{
	enum err_code rc = ERR_OK;

	*next = INT64_MAX;
	for (unsigned int i = 0; i < turn->files && rc == ERR_OK; i++)
		rc = next_in_file(store_reader(store), (struct place){
			TABLE_QUEUE, turn->first + i }, turn->stage, now_ms,
			next, err);
	return rc;
}

enum err_code
queue_due(struct store *store, struct queue_turn *turn, int64_t now_ms,
	  size_t max, GPtrArray **out, int64_t *next_out, struct err *err)
{
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(free_job);
	int64_t next = now_ms;
	enum err_code rc = go_around(store, turn, now_ms, max, jobs, err);

	if (rc == ERR_OK && jobs->len == max)
		job_key(turn->after, g_ptr_array_index(jobs, max - 1));
	else if (rc == ERR_OK)
		rc = next_due(store, turn, now_ms, &next, err);
	if (rc != ERR_OK)
		return rc;
	g_ptr_array_sort(jobs, job_order);
	*out = g_steal_pointer(&jobs);
	*next_out = next;
	return ERR_OK;
}

/* --- a clock that was set back ------------------------------------------ */

/* Up to SCAN_SIZE bytes of one file that are due after latest_ms. */
static enum err_code
late_in_file(struct txn *txn, struct place at, enum stage stage,
	     int64_t latest_ms, GPtrArray *jobs, struct err *err)
{
	uint8_t prefix = (uint8_t)stage;
	g_autoptr(GByteArray) from = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct bytes key, value;
	enum err_code rc;

	due_key(from, stage, latest_ms + 1);
	scan = scan_new(txn, at, bytes_of(&prefix, 1), bytes_buf(from),
			SCAN_SIZE, SCAN_DROP);
	while (jobs->len < HASTEN_MAX) {
		job_t *job = NULL;

		rc = scan_next(scan, &key, &value, err);
		if (rc == ERR_OK && key.data != NULL)
			rc = job_decode(at, key, value, &job, err);
		if (rc != ERR_OK || key.data == NULL)
			return rc;
		g_ptr_array_add(jobs, job);
	}
	return ERR_OK;
}

static enum err_code
hasten_body(struct txn *txn, void *arg, struct err *err)
{
	const GPtrArray *jobs = arg;
	enum err_code rc = ERR_OK;
	bool taken;

	for (guint i = 0; i < jobs->len && rc == ERR_OK; i++) {
		const struct job *job = g_ptr_array_index(jobs, i);
		struct job next = *job;		/* texts are borrowed */

		next.due_ms = 0;
		rc = queue_replace(txn, job, &next, &taken, err);
	}
	return rc;
}

static enum err_code
hasten_file(struct store *store, struct place at, enum stage stage,
	    int64_t latest_ms, uint64_t *count, struct err *err)
{
	guint moved = HASTEN_MAX;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && moved == HASTEN_MAX) {
		g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(
			free_job);

		rc = late_in_file(store_reader(store), at, stage, latest_ms,
				  jobs, err);
		if (rc == ERR_OK && jobs->len > 0)
			rc = store_txn(store, TXN_LAZY, hasten_body, jobs,
				       err);
		moved = jobs->len;
		*count += rc == ERR_OK ? moved : 0;
	}
	return rc;
}

enum err_code
queue_hasten(struct store *store, enum stage stage, int64_t latest_ms,
	     uint64_t *count, struct err *err)
{
	enum err_code rc = ERR_OK;

	*count = 0;
	for (unsigned int i = 0; i < SHARDS && rc == ERR_OK; i++)
		rc = hasten_file(store, (struct place){ TABLE_QUEUE, i },
				 stage, latest_ms, count, err);
	return rc;
}

/* The due time is not known, so the keys of one file are looked through. */
enum err_code
queue_find(struct txn *txn, const struct post_id *id, struct job **out,
	   struct err *err)
{
	struct place at = place_shard(TABLE_QUEUE, id->bytes[0]);
	g_autoptr(scan_t) scan = scan_new(txn, at, bytes_of(NULL, 0),
					bytes_of(NULL, 0), SCAN_SIZE,
					SCAN_DROP);
	struct bytes key, value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL)
		if (key.len >= POST_ID_LEN &&
		    memcmp((const uint8_t *)key.data + key.len - POST_ID_LEN,
			   id->bytes, POST_ID_LEN) == 0)
			return job_decode(at, key, value, out, err);
	if (rc == ERR_OK)
		*out = NULL;
	return rc;
}

enum err_code
queue_find_in(struct txn *txn, enum stage stage, const uint8_t *id,
	      size_t len, struct job **out, struct err *err)
{
	struct place at = place_shard(TABLE_QUEUE, id[0]);
	uint8_t prefix = (uint8_t)stage;
	g_autoptr(scan_t) scan = scan_new(txn, at, bytes_of(&prefix, 1),
					  bytes_of(NULL, 0), SCAN_SIZE,
					  SCAN_DROP);
	g_autoptr(job_t) found = NULL;
	struct bytes key, value;
	enum err_code rc;

	*out = NULL;
	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		if (key.len < POST_ID_LEN ||
		    memcmp((const uint8_t *)key.data + key.len - POST_ID_LEN,
			   id, len) != 0)
			continue;
		if (found != NULL)
			return ERR_OK;
		rc = job_decode(at, key, value, &found, err);
		if (rc != ERR_OK)
			return rc;
	}
	if (rc == ERR_OK)
		*out = g_steal_pointer(&found);
	return rc;
}

/* All files at once: the one whose head has the least key gives the next. */
struct queue_scan {
	struct scan *files[SHARDS];
	struct bytes keys[SHARDS], values[SHARDS];
	int given;		/* that file's head is used up; -1: none */
};

static struct queue_scan *
scan_of(struct txn *txn, struct bytes prefix)
{
	struct queue_scan *scan = g_new0(struct queue_scan, 1);

	for (unsigned int i = 0; i < SHARDS; i++)
		scan->files[i] = scan_new(txn, (struct place){ TABLE_QUEUE,
					  i }, prefix, bytes_of(NULL, 0),
					  SCAN_SIZE, SCAN_DROP);
	scan->given = -1;
	return scan;
}

struct queue_scan *
queue_scan_new(struct txn *txn)
{
	return scan_of(txn, bytes_of(NULL, 0));
}

void
queue_scan_free(struct queue_scan *scan)
{
	if (scan == NULL)
		return;
	for (unsigned int i = 0; i < SHARDS; i++)
		scan_free(scan->files[i]);
	g_free(scan);
}

static bool
key_less(struct bytes a, struct bytes b)
{
	int rc = memcmp(a.data, b.data, MIN(a.len, b.len));

	return rc != 0 ? rc < 0 : a.len < b.len;
}

enum err_code
queue_scan_next(struct queue_scan *scan, struct place *at,
		struct bytes *key, struct bytes *value, struct err *err)
{
	bool first = scan->keys[0].data == NULL && scan->given < 0;
	int best = -1;
	enum err_code rc;

	for (int i = 0; i < SHARDS; i++) {
		if (first || i == scan->given) {
			rc = scan_next(scan->files[i], &scan->keys[i],
				       &scan->values[i], err);
			if (rc != ERR_OK)
				return rc;
		}
		if (scan->keys[i].data != NULL &&
		    (best < 0 || key_less(scan->keys[i], scan->keys[best])))
			best = i;
	}
	*key = bytes_of(NULL, 0);
	if (best >= 0) {
		*at = (struct place){ TABLE_QUEUE, (unsigned int)best };
		*key = scan->keys[best];
		*value = scan->values[best];
		scan->given = best;
	}
	return ERR_OK;
}

static enum err_code
walk(struct txn *txn, struct bytes prefix, queue_visit visit, void *arg,
     struct err *err)
{
	g_autoptr(queue_scan_t) scan = scan_of(txn, prefix);
	struct bytes key, value;
	struct place at;
	bool more = true;
	enum err_code rc = ERR_OK;

	while (more) {
		g_autoptr(job_t) job = NULL;

		rc = queue_scan_next(scan, &at, &key, &value, err);
		if (rc != ERR_OK || key.data == NULL)
			break;
		rc = job_decode(at, key, value, &job, err);
		if (rc != ERR_OK)
			break;
		more = visit(arg, job);
	}
	return rc;
}

enum err_code
queue_walk(struct store *store, queue_visit visit, void *arg,
	   struct err *err)
{
	return walk(store_reader(store), bytes_of(NULL, 0), visit, arg, err);
}

enum err_code
queue_walk_in(struct txn *txn, enum stage stage, queue_visit visit,
	      void *arg, struct err *err)
{
	uint8_t prefix = (uint8_t)stage;

	return walk(txn, bytes_of(&prefix, 1), visit, arg, err);
}

enum err_code
queue_count(struct store *store, enum stage stage, uint64_t *out,
	    struct err *err)
{
	uint8_t prefix = (uint8_t)stage;
	uint64_t count = 0;
	struct bytes key;
	enum err_code rc;

	for (unsigned int i = 0; i < SHARDS; i++) {
		g_autoptr(scan_t) scan = scan_new(store_reader(store),
						(struct place){ TABLE_QUEUE,
						i }, bytes_of(&prefix, 1),
						bytes_of(NULL, 0),
						256 * 1024,
						SCAN_KEYS | SCAN_DROP);

		while ((rc = scan_next(scan, &key, NULL, err)) == ERR_OK &&
		       key.data != NULL)
			count++;
		if (rc != ERR_OK)
			return rc;
	}
	*out = count;
	return ERR_OK;
}
