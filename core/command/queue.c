/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/verbs.h"
#include "db/post.h"
#include "db/queue.h"
#include "core/base/banned.h"

/* --- show --------------------------------------------------------------- */

static const char *
audience_name(const struct job *job)
{
	switch (job->audience) {
	case TO_MEMBERS:
		return "members";
	case TO_ADDRS:
		return "addresses";
	case TO_NONE:
		return "none";
	}
	return "";
}

static json_t *
job_object(const struct job *job)
{
	g_autofree char *due = time_text(job->due_ms / 1000);
	g_autofree char *made = time_text(job->made_ms / 1000);
	char id[POST_ID_TEXT + 1], post[POST_ID_TEXT + 1];
	json_t *object, *addrs = json_array();

	post_id_text(&job->id, id);
	post_id_text(&job->post, post);
	for (char **addr = job->addrs; *addr != NULL; addr++)
		(void) json_array_append_new(addrs, json_string(*addr));
	object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
			   "id", id, "stage", stage_name(job->stage),
			   "list", job->list_addr, "post", post, "due", due,
			   "made", made, "reason", job->reason);
	(void) json_object_update_new(object, json_pack(
		"{s:s, s:s, s:s, s:o, s:I, s:I, s:I}",
		"role", role_name(job->role), "to", audience_name(job),
		"after", job->after, "addresses", addrs,
		"attempts", (json_int_t)job->attempts,
		"sent", (json_int_t)job->sent,
		"refused", (json_int_t)job->refused));
	if (job->stage == STAGE_SHUNTED)
		(void) json_object_set_new(object, "shunted_from",
					   json_string(stage_name(job->was)));
	return object;
}

struct ls { struct admin *admin; bool json, first; };

static bool
print_job(void *arg, const struct job *job)
{
	struct ls *ls = arg;
	g_autofree char *due = NULL;
	char id[POST_ID_TEXT + 1], post[POST_ID_TEXT + 1];

	if (ls->json) {
		admin_array_add(ls->admin, &ls->first, job_object(job));
		return !ferror(ls->admin->out);
	}
	due = job->due_ms > 0 ? time_text(job->due_ms / 1000)
			      : g_strdup("now");
	post_id_text(&job->id, id);
	post_id_text(&job->post, post);
	(void) fprintf(ls->admin->out, "%s\t%s\t%s\t%s\tpost=%s sent=%llu "
		       "refused=%llu\t%s\n", id, stage_name(job->stage), due,
		       job->list_addr, post, (unsigned long long)job->sent,
		       (unsigned long long)job->refused, job->reason);
	return !ferror(ls->admin->out);
}

int
verb_queue_ls(struct admin *admin, const struct words *words)
{
	struct ls ls = { admin, words->json, true };
	struct err err = ERR_INIT;

	if (words->json)
		admin_array_begin(admin);
	if (queue_walk(admin->store, print_job, &ls, &err) != ERR_OK)
		return admin_fail(admin, &err);
	if (words->json)
		admin_array_end(admin);
	return ADMIN_DONE;
}

static enum err_code
find_job(struct txn *txn, const char *word, struct job **out,
	 struct err *err)
{
	struct post_id id;

	*out = NULL;
	return post_id_parse(word, &id) ? queue_find(txn, &id, out, err)
					: ERR_OK;
}

static int
no_job(struct admin *admin, const char *word)
{
	return admin_refuse(admin, "there is no job %s in the queue (see "
			    "muster queue ls)", word);
}

static void
print_fields(struct admin *admin, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (json_is_string(value))
			(void) fprintf(admin->out, "%s = %s\n", key,
				       json_string_value(value));
		else if (json_is_integer(value))
			(void) fprintf(admin->out, "%s = %lld\n", key,
				       (long long)json_integer_value(value));
		else
			(void) fprintf(admin->out, "%s = %zu\n", key,
				       json_array_size(value));
	}
}

int
verb_queue_show(struct admin *admin, const struct words *words)
{
	struct job *job = NULL;
	struct err err = ERR_INIT;
	json_t *object;

	if (find_job(store_reader(admin->store), words->args[0], &job, &err)
	    != ERR_OK)
		return admin_fail(admin, &err);
	if (job == NULL)
		return no_job(admin, words->args[0]);
	object = job_object(job);
	job_free(job);
	if (words->json) {
		admin_print(admin, object);
		return ADMIN_DONE;
	}
	print_fields(admin, object);
	json_decref(object);
	return ADMIN_DONE;
}

/* --- retry and drop ----------------------------------------------------- */

struct change {
	char **ids;
	const char *missing;	/* an id that is none: nothing was done */
	enum err_code (*apply)(struct txn *txn, const struct job *job,
			       struct err *err);
};

static enum err_code
retry_job(struct txn *txn, const struct job *job, struct err *err)
{
	struct job next = *job;		/* texts are borrowed */
	bool taken;
	enum err_code rc;

	next.stage = job->stage == STAGE_SHUNTED ? job->was : job->stage;
	next.due_ms = 0;
	next.attempts = 0;
	next.reason = (char *)(uintptr_t)"";
	rc = queue_replace(txn, job, &next, &taken, err);
	return rc == ERR_OK ? trace_add(txn, &job->post, "queue",
					job->list_addr, err,
					"tried again by the administrator")
			    : rc;
}

static enum err_code
drop_job(struct txn *txn, const struct job *job, struct err *err)
{
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	if (rc == ERR_OK && taken)
		rc = trace_add(txn, &job->post, "queue", job->list_addr, err,
			       "dropped by the administrator in stage %s",
			       stage_name(job->stage == STAGE_SHUNTED ?
					  job->was : job->stage));
	if (rc == ERR_OK && taken)
		rc = post_release(txn, &job->post, 1, err);
	return rc;
}

static enum err_code
change_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;
	enum err_code rc = ERR_OK;

	change->missing = NULL;
	for (char **id = change->ids; *id != NULL && rc == ERR_OK; id++) {
		struct job *job = NULL;

		rc = find_job(txn, *id, &job, err);
		if (rc == ERR_OK && job == NULL) {
			change->missing = *id;
			/* An error, so that the others are undone. */
			return err_set(err, ERR_INVALID, "",
				       "there is no job %s in the queue",
				       *id);
		}
		if (rc == ERR_OK)
			rc = change->apply(txn, job, err);
		job_free(job);
	}
	return rc;
}

static int
change_jobs(struct admin *admin, const struct words *words,
	    enum err_code (*apply)(struct txn *txn, const struct job *job,
				   struct err *err))
{
	struct change change = { .ids = words->args, .apply = apply };
	struct err err = ERR_INIT;
	enum err_code rc = store_txn(admin->store, TXN_DURABLE, change_body,
				     &change, &err);

	if (change.missing != NULL)
		return no_job(admin, change.missing);
	if (rc != ERR_OK)
		return admin_fail(admin, &err);
	if (admin->wake != NULL)
		admin->wake();
	return ADMIN_DONE;
}

int
verb_queue_retry(struct admin *admin, const struct words *words)
{
	return change_jobs(admin, words, retry_job);
}

int
verb_queue_drop(struct admin *admin, const struct words *words)
{
	return change_jobs(admin, words, drop_job);
}
