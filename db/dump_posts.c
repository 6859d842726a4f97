/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mail/addr.h"
#include "db/auto.h"
#include "db/dump_parts.h"
#include "db/fields.h"
#include "db/inside.h"
#include "core/base/banned.h"

/*
 * A dump is no snapshot of Berkeley DB's: a read transaction over all would
 * stop every writer. It is made consistent by its order instead. The jobs
 * are set aside first, in a file; then the posts that they need are written
 * (a post that came later is not in the dump, and neither is its job), and
 * then those jobs whose post was still there. So each job in a dump has its
 * post, whole, and each post a job; in a store at rest that is all of them.
 */
/* Jobs that are set aside: u32 shard, u32 lengths, key, value. */
static bool
set_aside(struct dump *dump, struct place at, struct bytes key,
	  struct bytes value)
{
	uint32_t head[3] = { at.shard, (uint32_t)key.len,
			     (uint32_t)value.len };

	return fwrite(head, sizeof(head), 1, dump->jobs) == 1 &&
		fwrite(key.data, key.len, 1, dump->jobs) == 1 &&
		fwrite(value.data, value.len, 1, dump->jobs) == 1;
}

static enum err_code
open_aside(struct dump *dump, struct err *err)
{
	g_autofree char *path = g_build_filename(store_home(dump->store),
						 "load", "dump-XXXXXX", NULL);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "", "%s", path);
	(void) unlink(path);	/* it goes with the descriptor */
	dump->jobs = fdopen(fd, "w+");
	if (dump->jobs != NULL)
		return ERR_OK;
	(void) close(fd);
	return err_errno(err, "", "%s", path);
}

static int
need_order(const void *left, const void *right)
{
	const struct need *a = left, *b = right;

	return memcmp(a->post.bytes, b->post.bytes, POST_ID_LEN);
}

struct need *
need_find(struct dump *dump, const struct post_id *post)
{
	struct need wanted = { .post = *post };

	if (dump->needs->len == 0)
		return NULL;
	return bsearch(&wanted, dump->needs->data, dump->needs->len,
		       sizeof(struct need), need_order);
}

static void
note_order(struct dump *dump, const struct job *job)
{
	struct digest_order order;
	struct digest_post note = { .list = job->list };

	if (!digest_order_read(job, &order))
		return;
	note.issue = order.issue;
	g_array_append_val(dump->orders, note);
}

enum err_code
jobs_aside(struct dump *dump, struct err *err)
{
	g_autoptr(queue_scan_t) scan = queue_scan_new(dump->txn);
	struct bytes key, value;
	struct place at;
	struct need need;
	enum err_code rc = open_aside(dump, err);

	while (rc == ERR_OK) {
		g_autoptr(job_t) job = NULL;

		rc = queue_scan_next(scan, &at, &key, &value, err);
		if (rc != ERR_OK || key.data == NULL)
			break;
		rc = job_decode(at, key, value, &job, err);
		if (rc != ERR_OK)
			break;
		need = (struct need){ .post = job->post };
		g_array_append_val(dump->needs, need);
		note_order(dump, job);
		if (!set_aside(dump, at, key, value))
			return err_errno(err, "", "setting the jobs aside");
	}
	g_array_sort(dump->needs, need_order);
	return rc;
}

static enum err_code
write_piece(struct dump *dump, const struct post_id *id, const char *list,
	    const char *part, uint32_t number, struct bytes data,
	    struct err *err)
{
	g_autofree char *text = base64_of(data);
	char id_text[POST_ID_TEXT + 1];

	post_id_text(id, id_text);
	return write_object(dump, json_pack("{ss ss ss ss sI ss}",
					    "type", "piece", "post", id_text,
					    "list", list, "part", part,
					    "number", (json_int_t)number,
					    "data", text), err);
}

static enum err_code
write_pieces(struct dump *dump, const struct post_id *id, const char *list,
	     const char *part, GByteArray *key, uint64_t size,
	     struct err *err)
{
	size_t key_len = key->len;
	uint64_t at = 0;
	enum err_code rc;

	for (uint32_t number = 0; at < size; number++) {
		g_autoptr(GBytes) piece = NULL;
		size_t want = (size_t)MIN(size - at, PIECE_MAX);

		piece_key(key, key_len, number);
		rc = table_get(dump->txn, post_place(id), bytes_buf(key),
			       &piece, err);
		if (rc != ERR_OK)
			return rc;
		if (bytes_whole(piece).len != want)
			return record_corrupt(post_place(id), bytes_buf(key),
					      err);
		rc = write_piece(dump, id, list, part, number,
				 bytes_whole(piece), err);
		if (rc != ERR_OK)
			return rc;
		at += want;
	}
	return ERR_OK;
}

/* A form is kept under the number of its list; in a dump it comes in the
 * order of addresses. One of a deleted list is of no use to anybody. */
struct form_ref {
	uint32_t number;
	const char *list;
	enum form_use use;
};

static enum err_code
write_form(struct dump *dump, const struct post_id *id,
	   const struct form_ref *form, const struct form_head *head,
	   struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	char text[POST_ID_TEXT + 1];
	enum err_code rc;

	post_id_text(id, text);
	rc = write_object(dump, json_pack(
		"{ss ss ss ss sI sb sI sI}", "type", "form", "post", text,
		"list", form->list, "use", form_use_name(form->use),
		"header_size", (json_int_t)head->header_size,
		"has_body", (int)head->has_body,
		"body_size", (json_int_t)head->body_size,
		"body_at", (json_int_t)head->body_at), err);
	if (rc != ERR_OK)
		return rc;
	form_key(key, id, form->number, form->use, FORM_HEADER);
	rc = write_pieces(dump, id, form->list, form_part_name(
		form->use, FORM_HEADER), key, head->header_size, err);
	if (rc != ERR_OK)
		return rc;
	form_key(key, id, form->number, form->use, FORM_BODY);
	return write_pieces(dump, id, form->list, form_part_name(
		form->use, FORM_BODY), key, head->body_size, err);
}

static int
form_order(const void *left, const void *right)
{
	const struct form_ref *a = left, *b = right;
	int rc = strcmp(a->list, b->list);

	return rc != 0 ? rc : (int)a->use - (int)b->use;
}

static enum err_code
forms_of(struct dump *dump, const struct post_id *id, GArray *forms,
	 struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	g_autoptr(scan_t) scan = NULL;
	struct form_ref form;
	struct bytes key;
	struct cursor in;
	uint8_t kind;
	enum err_code rc;

	post_key(prefix, id, POST_FORM);
	scan = scan_new(dump->txn, post_place(id), bytes_buf(prefix),
			bytes_of(NULL, 0), 16 * 1024, SCAN_KEYS | SCAN_DROP);
	while ((rc = scan_next(scan, &key, NULL, err)) == ERR_OK &&
	       key.data != NULL) {
		cursor_init(&in, key);
		(void) get_raw(&in, POST_ID_LEN + 1);
		form.number = get_u32(&in);
		form.list = g_hash_table_lookup(
			dump->lists, GUINT_TO_POINTER(form.number));
		kind = get_u8(&in);
		form.use = kind > FORM_PARTS ? FORM_BASE : FORM_COPIES;
		if ((kind - 1) % FORM_PARTS + 1 == FORM_META &&
		    cursor_end(&in) && form.list != NULL)
			g_array_append_val(forms, form);
	}
	g_array_sort(forms, form_order);
	return rc;
}

static enum err_code
write_forms(struct dump *dump, const struct post_id *id, struct err *err)
{
	g_autoptr(GArray) forms = g_array_new(FALSE, FALSE,
					      sizeof(struct form_ref));
	g_autoptr(GByteArray) key = g_byte_array_new();
	enum err_code rc = forms_of(dump, id, forms, err);

	for (guint i = 0; rc == ERR_OK && i < forms->len; i++) {
		const struct form_ref *form = &g_array_index(
			forms, struct form_ref, i);
		g_autoptr(GBytes) found = NULL;
		struct form_head head;

		form_key(key, id, form->number, form->use, FORM_META);
		rc = table_get(dump->txn, post_place(id), bytes_buf(key),
			       &found, err);
		if (rc == ERR_OK)
			rc = form_decode(bytes_buf(key), bytes_whole(found),
					 &head, err);
		if (rc == ERR_OK)
			rc = write_form(dump, id, form, &head, err);
	}
	return rc;
}

static enum err_code
write_post(struct dump *dump, const struct post *post, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	char id[POST_ID_TEXT + 1];
	enum err_code rc;

	post_id_text(&post->id, id);
	rc = write_object(dump, json_pack(
		"{ss ss sI ss ss ss ss ss ss ss ss ss sI}", "type", "post",
		"id", id, "received_s", (json_int_t)post->received_s,
		"sender", post->sender, "qid", post->qid,
		"message_id", post->message_id, "door", post->door,
		"client", post->client, "helo", post->helo,
		"auth", post->auth, "author", post->author,
		"evidence", post->evidence,
		"size", (json_int_t)post->size), err);
	if (rc == ERR_OK)
		rc = write_forms(dump, &post->id, err);
	if (rc != ERR_OK)
		return rc;
	post_key(key, &post->id, POST_BODY);
	return write_pieces(dump, &post->id, "", "bytes", key, post->size,
			    err);
}

/*
 * A post is read in one transaction, so that it cannot go while its pieces
 * are read, into memory, so that no lock is held while out is written.
 */
struct whole_post {
	struct dump *dump;
	const struct post_id *id;
	char *text;
	size_t size;
	bool found;
};

static enum err_code
read_post(struct whole_post *whole, struct err *err)
{
	g_autoptr(post_t) post = NULL;
	enum err_code rc = post_get(whole->dump->txn, whole->id, &post, err);

	whole->found = post != NULL;
	if (rc != ERR_OK || post == NULL)
		return rc;
	return write_post(whole->dump, post, err);
}

static enum err_code
whole_post_body(struct txn *txn, void *arg, struct err *err)
{
	struct whole_post *whole = arg;
	struct dump outer = *whole->dump;
	enum err_code rc;

	free(whole->text);
	whole->text = NULL;
	whole->dump->txn = txn;
	whole->dump->out = open_memstream(&whole->text, &whole->size);
	if (whole->dump->out == NULL) {
		*whole->dump = outer;
		return err_errno(err, "", "memory for a post");
	}
	rc = read_post(whole, err);
	(void) fclose(whole->dump->out);	/* of memory */
	*whole->dump = outer;
	return rc;
}

static enum err_code
write_whole_post(struct dump *dump, struct need *need, struct err *err)
{
	struct whole_post whole = { .dump = dump, .id = &need->post };
	enum err_code rc = store_txn(dump->store, TXN_LAZY, whole_post_body,
				     &whole, err);

	if (rc == ERR_OK && whole.found &&
	    fwrite(whole.text, 1, whole.size, dump->out) != whole.size)
		rc = err_errno(err, "", "writing the dump");
	need->written = rc == ERR_OK && whole.found;
	free(whole.text);
	return rc;
}

/* needs is sorted and may name a post several times, for several jobs */
static enum err_code
write_posts(struct dump *dump, struct err *err)
{
	struct need *needs = (struct need *)(void *)dump->needs->data;
	guint count = dump->needs->len;
	enum err_code rc;

	for (guint i = 0; i < count; i++) {
		if (i > 0 && need_order(&needs[i - 1], &needs[i]) == 0) {
			needs[i].written = needs[i - 1].written;
			continue;
		}
		rc = write_whole_post(dump, &needs[i], err);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static json_t *
json_of_job(struct dump *dump, const struct job *job)
{
	const char *list = g_hash_table_lookup(dump->lists,
					       GUINT_TO_POINTER(job->list));
	bool gone = job->list_addr[0] != '\0' &&
		g_strcmp0(list, job->list_addr) != 0;
	char id[POST_ID_TEXT + 1], post[POST_ID_TEXT + 1];
	char group[POST_ID_TEXT + 1];
	json_t *addrs = json_array();

	post_id_text(&job->id, id);
	post_id_text(&job->group, group);
	post_id_text(&job->post, post);
	for (char **addr = job->addrs; *addr != NULL; addr++)
		(void) json_array_append_new(addrs, json_string(*addr));
	return json_pack(
		"{ss ss ss ss sI sI sI ss ss sb ss ss ss ss ss sI sI sI ss"
		" ss so sb ss sI ss ss sI}", "type", "job", "id", id,
		"stage", stage_name(job->stage),
		"was", job->was != 0 ? stage_name(job->was) : "",
		"due_ms", (json_int_t)job->due_ms,
		"made_ms", (json_int_t)job->made_ms,
		"attempts", (json_int_t)job->attempts,
		"post", post, "list", job->list_addr, "list_gone", (int)gone,
		"role", role_name(job->role), "detail", job->detail,
		"audience", audience_name(job->audience),
		"after", job->after, "until", job->until,
		"as_of_s", (json_int_t)job->as_of_s,
		"sent", (json_int_t)job->sent,
		"refused", (json_int_t)job->refused,
		"reason", job->reason, "held_for", job->held_for,
		"addrs", addrs,
		"null_sender", (int)job->null_sender,
		"delivery", delivery_mode_name(job->delivery),
		"position", (json_int_t)job->position,
		"through", job->through_addr, "group", group,
		"elsewhere", (json_int_t)job->elsewhere);
}

static enum err_code
write_job(struct dump *dump, struct place at, struct bytes key,
	  struct bytes value, struct err *err)
{
	g_autoptr(job_t) job = NULL;
	const struct need *need;
	enum err_code rc = job_decode(at, key, value, &job, err);

	if (rc != ERR_OK)
		return rc;
	need = need_find(dump, &job->post);
	if (need == NULL || !need->written)
		return ERR_OK;	/* done in the meantime, with its post */
	return write_object(dump, json_of_job(dump, job), err);
}

static enum err_code
write_jobs(struct dump *dump, struct err *err)
{
	g_autofree uint8_t *buf = g_malloc(KEY_MAX + JOB_LONGEST);
	uint32_t head[3];
	enum err_code rc = ERR_OK;

	rewind(dump->jobs);
	while (rc == ERR_OK && fread(head, sizeof(head), 1, dump->jobs) == 1)
	{
		if (head[1] > KEY_MAX || head[2] > JOB_LONGEST ||
		    fread(buf, head[1] + head[2], 1, dump->jobs) != 1)
			return err_errno(err, "", "reading the jobs back");
		rc = write_job(dump, (struct place){ TABLE_QUEUE, head[0] },
			       bytes_of(buf, head[1]),
			       bytes_of(buf + head[1], head[2]), err);
	}
	if (rc == ERR_OK && ferror(dump->jobs))
		return err_errno(err, "", "reading the jobs back");
	return rc;
}

/* Calls one for each record of a family, file by file. */
typedef enum err_code (*write_record)(struct dump *dump, struct place at,
				      struct bytes key, struct bytes value,
				      struct err *err);

static enum err_code
write_family(struct dump *dump, enum table table, write_record one,
	     struct err *err)
{
	struct bytes key, value;
	enum err_code rc = ERR_OK;

	for (unsigned int i = 0; rc == ERR_OK && i < SHARDS; i++) {
		struct place at = { table, i };
		g_autoptr(scan_t) scan = scan_new(dump->txn, at,
						  bytes_of(NULL, 0),
						  bytes_of(NULL, 0),
						  DUMP_SCAN, SCAN_DROP);

		while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
		       key.data != NULL) {
			rc = one(dump, at, key, value, err);
			if (rc != ERR_OK)
				return rc;
		}
	}
	return rc;
}

static enum err_code
write_seen(struct dump *dump, struct place at, struct bytes key,
	   struct bytes value, struct err *err)
{
	g_autoptr(GString) hex = g_string_new(NULL);
	char text[POST_ID_TEXT + 1];
	struct post_id id;
	int64_t time_s;
	enum err_code rc = seen_decode(at, key, value, &id, &time_s, err);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < key.len; i++)
		g_string_append_printf(hex, "%02x",
				       ((const uint8_t *)key.data)[i]);
	post_id_text(&id, text);
	return write_object(dump, json_pack("{ss ss ss sI}", "type", "seen",
					    "key", hex->str, "post", text,
					    "time_s", (json_int_t)time_s),
			    err);
}

static enum err_code
write_ref(struct dump *dump, struct place at, struct bytes key,
	  struct bytes value, struct err *err)
{
	char text[POST_ID_TEXT + 1];
	struct ref_view view;
	enum err_code rc = ref_decode(at, key, value, &view, err);

	if (rc != ERR_OK)
		return rc;
	post_id_text(&view.id, text);
	return write_object(dump, json_pack("{ss ss ss sI}", "type", "ref",
					    "name", view.name, "post", text,
					    "time_us",
					    (json_int_t)view.time_us), err);
}

static enum err_code
write_trace(struct dump *dump, struct bytes key, struct bytes value,
	    struct err *err)
{
	char text[POST_ID_TEXT + 1];
	struct trace_view view;
	enum err_code rc = trace_decode(key, value, &view, err);

	if (rc != ERR_OK)
		return rc;
	post_id_text(&view.id, text);
	return write_object(dump, json_pack(
		"{ss ss sI sI ss ss ss}", "type", "trace", "post", text,
		"time_us", (json_int_t)view.time_us,
		"number", (json_int_t)view.number, "stage", view.stage,
		"list", view.list, "what", view.what), err);
}

/* Of lists that are there; those of a deleted one are of no use to anybody. */
static enum err_code
write_way(struct dump *dump, struct bytes key, struct bytes value,
	  struct err *err)
{
	char group[POST_ID_TEXT + 1], post[POST_ID_TEXT + 1];
	const char *list, *through;
	struct way way;
	enum err_code rc = way_decode(key, value, &way, err);

	if (rc != ERR_OK)
		return rc;
	list = g_hash_table_lookup(dump->lists, GUINT_TO_POINTER(way.list));
	through = g_hash_table_lookup(dump->lists,
				      GUINT_TO_POINTER(way.through));
	if (list == NULL || through == NULL)
		return ERR_OK;
	post_id_text(&way.group, group);
	post_id_text(&way.post, post);
	return write_object(dump, json_pack(
		"{ss ss ss sI ss ss sI sI sI}", "type", "way",
		"group", group, "post", post,
		"time_us", (json_int_t)way.time_us,
		"list", list, "through", through,
		"turn", (json_int_t)way.turn,
		"as_of_s", (json_int_t)way.as_of_s,
		"position", (json_int_t)way.position), err);
}

/* The keys of a file tell where traces are; so bodies are not read. */
static enum err_code
write_kind(struct dump *dump, struct place at, enum post_kind kind,
	   enum err_code (*one)(struct dump *, struct bytes, struct bytes,
				struct err *), struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(dump->txn, at, bytes_of(NULL, 0),
					  bytes_of(NULL, 0), DUMP_SCAN,
					  SCAN_KEYS | SCAN_DROP);
	struct bytes key;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, NULL, err)) == ERR_OK &&
	       key.data != NULL) {
		g_autoptr(GBytes) value = NULL;

		if (key.len <= POST_ID_LEN ||
		    ((const uint8_t *)key.data)[POST_ID_LEN] != kind)
			continue;
		rc = table_get(dump->txn, at, key, &value, err);
		if (rc == ERR_OK && value != NULL)
			rc = one(dump, key, bytes_whole(value), err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

enum err_code
write_queue(struct dump *dump, struct err *err)
{
	enum err_code rc = write_posts(dump, err);

	if (rc == ERR_OK)
		rc = write_jobs(dump, err);
	if (rc == ERR_OK)
		rc = write_family(dump, TABLE_SEEN, write_seen, err);
	for (unsigned int i = 0; rc == ERR_OK && i < SHARDS; i++)
		rc = write_kind(dump, (struct place){ TABLE_POSTS, i },
				POST_TRACE, write_trace, err);
	for (unsigned int i = 0; rc == ERR_OK && i < SHARDS; i++)
		rc = write_kind(dump, (struct place){ TABLE_POSTS, i },
				POST_WAY, write_way, err);
	if (rc == ERR_OK)
		rc = write_family(dump, TABLE_REFS, write_ref, err);
	return rc;
}
