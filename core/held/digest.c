/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <openssl/sha.h>

#include "core/base/clock.h"
#include "core/held/inside.h"
#include "db/post.h"
#include "core/base/banned.h"

/*
 * One notice about all held posts of a list: each morning to those who want
 * that, and, when more came than one can be told of one by one, within the
 * hour to all. The job of a digest has an id that follows from the list, so
 * that there is one at a time; its addrs are lines about what has expired
 * since the last, its refused how many these were. It belongs to an empty
 * post of its own.
 */

#define FLOOD_WAIT_MS (30 * 60 * 1000LL)
#define LISTED_MAX 100
#define EXPIRED_MAX 100

static const char daily_name[] = "digest", flood_name[] = "flood";

bool
digest_is(const struct job *job)
{
	return strcmp(job->detail, daily_name) == 0 ||
		strcmp(job->detail, flood_name) == 0;
}

static void
digest_id(const char *list, const char *name, struct post_id *out)
{
	g_autofree char *text = g_strdup_printf("muster %s %s", name, list);
	uint8_t hash[SHA256_DIGEST_LENGTH];

	(void) SHA256((const uint8_t *)text, strlen(text), hash);
	memcpy(out->bytes, hash, POST_ID_LEN);
}

static enum err_code
put_digest(struct txn *txn, const struct post_id *id, uint32_t list,
	   const char *list_addr, const char *name, int64_t due_ms,
	   struct err *err)
{
	char door[] = "muster";
	struct post post = {
		.received_s = clock_s(),
		.door = door, .jobs = 1,
	};
	g_autoptr(held_job_t) job = NULL;
	enum err_code rc;

	post_id_new(&post.id);
	job = job_new(STAGE_NOTICE, &post.id, list, list_addr);
	job->id = *id;
	job->due_ms = due_ms;
	g_free(job->detail);
	job->detail = g_strdup(name);
	rc = post_put(txn, &post, -1, err);
	return rc == ERR_OK ? queue_put(txn, job, err) : rc;
}

enum err_code
digest_ensure(struct txn *txn, uint32_t list, const char *list_addr,
	      bool flood, int64_t now_ms, struct err *err)
{
	const char *name = flood ? flood_name : daily_name;
	g_autoptr(held_job_t) there = NULL;
	struct post_id id;
	enum err_code rc;

	digest_id(list_addr, name, &id);
	rc = queue_find_in(txn, STAGE_NOTICE, id.bytes, POST_ID_LEN, &there,
			   err);
	if (rc != ERR_OK || there != NULL)
		return rc;
	return put_digest(txn, &id, list, list_addr, name, flood ? now_ms +
			  FLOOD_WAIT_MS : clock_morning_ms(now_ms), err);
}

/* --- what has expired --------------------------------------------------- */

static char *
expired_line(const struct job *held, const struct held_view *view)
{
	const char *author = held_author(held, view);

	return g_strdup_printf("%s: %s", author[0] != '\0' ? author :
			       "(none)", held_is_request(held) ?
			       "asked to join" : held_view_subject(view));
}

static enum err_code
add_expired(struct txn *txn, const struct job *digest, const char *line,
	    struct err *err)
{
	guint count = g_strv_length(digest->addrs);
	g_autofree char **addrs = g_new0(char *, count + 2);
	struct job next = *digest;	/* texts are borrowed */
	bool taken;

	memcpy(addrs, digest->addrs, count * sizeof(*addrs));
	if (count < EXPIRED_MAX)
		addrs[count] = (char *)(uintptr_t)line;
	next.addrs = addrs;
	next.refused++;
	return queue_replace(txn, digest, &next, &taken, err);
}

static enum err_code
note_expired(struct txn *txn, const struct job *held, int64_t now_ms,
	     struct err *err)
{
	g_autoptr(held_job_t) digest = NULL;
	g_autofree char *line = NULL;
	struct held_view view;
	struct post_id id;
	bool found;
	enum err_code rc = held_view_load(txn, &held->post, &view, &found,
					  err);

	if (rc != ERR_OK || !found)
		return rc;
	line = expired_line(held, &view);
	held_view_done(&view);
	rc = digest_ensure(txn, held->list, held->list_addr, false, now_ms,
			   err);
	digest_id(held->list_addr, daily_name, &id);
	if (rc == ERR_OK)
		rc = queue_find_in(txn, STAGE_NOTICE, id.bytes, POST_ID_LEN,
				   &digest, err);
	if (rc == ERR_OK && digest != NULL)
		rc = add_expired(txn, digest, line, err);
	return rc;
}

enum err_code
digest_expired(struct txn *txn, const struct job *held, int64_t now_ms,
	       struct err *err)
{
	g_autoptr(held_list_t) list = NULL;
	g_autoptr(held_conf_t) conf = NULL;
	g_autofree char **to = NULL;
	enum err_code rc = list_by_id(txn, held->list, &list, err);

	if (rc == ERR_OK && list != NULL)
		rc = list_conf_load(txn, list->addr, &conf, err);
	if (rc != ERR_OK || list == NULL)
		return rc;
	to = notice_recipients(conf, FOR_DIGEST);
	return to[0] != NULL ? note_expired(txn, held, now_ms, err) : ERR_OK;
}

/* --- making one --------------------------------------------------------- */

struct task {
	struct txn *txn;
	const struct settings *settings;
	const struct held_key *key;
	const struct job *job;		/* the digest */
	const struct list_conf *conf;
	GPtrArray *held;		/* of struct job, the first ones */
	guint count;			/* of all */
};

static bool
collect(void *arg, const struct job *job)
{
	struct task *task = arg;
	struct job *copy;

	if (job->list != task->job->list)
		return true;
	if (task->count++ >= LISTED_MAX)
		return true;
	copy = job_copy(job);
	g_free(copy->reason);
	copy->reason = g_strdup(job_held_for(job));
	g_ptr_array_add(task->held, copy);
	return true;
}

static struct letter
letter_of(const struct task *task, const char *name,
	  const struct letter_field *fields)
{
	return (struct letter){
		.list = task->job->list, .list_addr = task->job->list_addr,
		.conf = task->conf, .template = name, .fields = fields,
		.to = "",
	};
}

static enum err_code
add_post(GString *out, const struct task *task, const struct job *held,
	 const struct held_view *view, guint number, struct err *err)
{
	g_autofree char *count = g_strdup_printf("%u", number);
	g_autoptr(GPtrArray) all = notice_fields(task->key, held, view);
	g_autofree struct letter_field *fields = notice_fields_of(
		all, "number", count);
	struct letter letter = letter_of(task, "held-digest-post", fields);
	g_autofree char *subject = NULL, *text = NULL;
	enum err_code rc = letter_fill(task->txn, &letter, &subject, &text,
				       NULL, err);

	if (rc == ERR_OK)
		g_string_append_printf(out, "%s%s", out->len > 0 ? "\n" : "",
				       text);
	return rc;
}

static enum err_code
add_held(GString *out, const struct task *task, guint index, struct err *err)
{
	const struct job *held = g_ptr_array_index(task->held, index);
	struct held_view view;
	bool found;
	enum err_code rc = held_view_load(task->txn, &held->post, &view,
					  &found, err);

	if (rc != ERR_OK || !found)
		return rc;
	rc = add_post(out, task, held, &view, index + 1, err);
	held_view_done(&view);
	return rc;
}

static char *
number_if(bool given, uint64_t number)
{
	return given ? g_strdup_printf("%" G_GUINT64_FORMAT, number) :
		g_strdup("");
}

static enum err_code
send_letters(const struct task *task, const char *posts, char *const *to,
	     struct err *err)
{
	const struct job *job = task->job;
	const guint listed = g_strv_length(job->addrs);
	g_autofree char *count = number_if(true, task->count);
	g_autofree char *shown = number_if(task->count > task->held->len,
					   task->held->len);
	g_autofree char *expired = g_strjoinv("\n", job->addrs);
	g_autofree char *more = number_if(job->refused > listed,
					  job->refused - listed);
	const struct letter_field fields[] = {
		{ "count", count }, { "shown", shown }, { "posts", posts },
		{ "expired", expired }, { "expired.more", more }, { 0 },
	};
	struct letter letter = letter_of(task, "held-digest", fields);
	enum err_code rc = ERR_OK;

	for (; *to != NULL && rc == ERR_OK; to++) {
		letter.to = *to;
		rc = letter_send(task->txn, task->settings, &letter,
				 "digest of held posts", NULL, err);
	}
	return rc;
}

static enum err_code
send_digest(const struct task *task, char *const *to, struct err *err)
{
	g_autoptr(GString) posts = g_string_new(NULL);
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < task->held->len && rc == ERR_OK; i++)
		rc = add_held(posts, task, i, err);
	return rc == ERR_OK ? send_letters(task, posts->str, to, err) : rc;
}

/* While any are held, there is a digest each morning. */
static enum err_code
end_or_again(struct task *task, int64_t now_ms, struct err *err)
{
	g_autofree char **none = g_new0(char *, 1);
	struct job next = *task->job;	/* texts are borrowed */

	if (task->count == 0 || strcmp(next.detail, flood_name) == 0)
		return post_release(task->txn, &task->job->post, 1, err);
	next.due_ms = clock_morning_ms(now_ms);
	next.attempts = 0;
	next.refused = 0;
	next.addrs = none;
	return queue_put(task->txn, &next, err);
}

static enum err_code
run(struct task *task, int64_t now_ms, struct err *err)
{
	g_autofree char **to = notice_recipients(task->conf, strcmp(
		task->job->detail, flood_name) == 0 ? FOR_ALL : FOR_DIGEST);
	enum err_code rc;

	/* Nobody wants one any more. */
	if (to[0] == NULL)
		return post_release(task->txn, &task->job->post, 1, err);
	rc = queue_walk_in(task->txn, STAGE_HELD, collect, task, err);
	if (rc == ERR_OK && (task->count > 0 || task->job->refused > 0))
		rc = send_digest(task, to, err);
	return rc == ERR_OK ? end_or_again(task, now_ms, err) : rc;
}

static void
free_job(void *job)
{
	job_free(job);
}

enum err_code
digest_run(struct txn *txn, const struct settings *settings,
	   const struct held_key *key, const struct job *job, int64_t now_ms,
	   struct err *err)
{
	g_autoptr(GPtrArray) held = g_ptr_array_new_with_free_func(free_job);
	g_autoptr(held_conf_t) conf = NULL;
	struct task task = {
		.txn = txn, .settings = settings, .key = key, .job = job,
		.held = held,
	};
	enum err_code rc = queue_take_conf(txn, job, &conf, err);

	task.conf = conf;
	return rc == ERR_OK && conf != NULL ? run(&task, now_ms, err) : rc;
}
