/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/attempt.h"

#include <glib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "db/post.h"
#include "db/way.h"
#include "core/base/banned.h"

#define REST_FIRST_MS 1000

struct change {
	const struct job *old;
	struct job *next;
	bool taken;
};

static enum err_code
change_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;
	enum err_code rc;

	rc = queue_replace(txn, change->old, change->next, &change->taken,
			   err);
	if (rc != ERR_OK || !change->taken ||
	    change->next->stage != STAGE_SHUNTED)
		return rc;
	/* Nobody shall wait for a copy that is in doubt. */
	rc = job_close_way(txn, change->old, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &change->next->post, "queue",
			       change->next->list_addr, err,
			       "shunted from %s: %s; see muster queue",
			       stage_name(change->next->was),
			       change->next->reason);
	return rc;
}

static enum err_code
change(struct store *store, const struct job *old, struct job *next,
       bool *taken, struct err *err)
{
	struct change change = { .old = old, .next = next };
	enum err_code rc = store_txn(store, TXN_LAZY, change_body, &change,
				     err);

	*taken = rc == ERR_OK && change.taken;
	return rc;
}

static enum err_code
shunt(struct store *store, const struct job *job, const char *reason,
      struct err *err)
{
	struct log_ctx ctx = { .list = job->list_addr };
	struct job next = *job;	/* texts are borrowed */
	char id[POST_ID_TEXT + 1], post[POST_ID_TEXT + 1];
	enum err_code rc;
	bool taken;

	next.stage = STAGE_SHUNTED;
	next.was = job->stage;
	if (reason != job->reason)
		job_blame(&next, job, reason);
	rc = change(store, job, &next, &taken, err);
	if (rc != ERR_OK || !taken)
		return rc;
	post_id_text(&job->id, id);
	post_id_text(&job->post, post);
	ctx.id = post;
	log_error(&ctx, "job.shunted", kv_str("job", id),
		  kv_str("stage", stage_name(job->stage)),
		  kv_num("attempts", job->attempts),
		  kv_str("reason", reason),
		  kv_str("todo", "muster queue show, then retry or drop"));
	return ERR_OK;
}

enum err_code
attempt_begin(struct store *store, struct job *job, int64_t attempts_max,
	      bool *go, struct err *err)
{
	struct job next = *job;	/* texts are borrowed */
	enum err_code rc;

	*go = false;
	if (job->attempts >= attempts_max)
		return shunt(store, job, job->reason[0] != '\0' ? job->reason
			     : "musterd ended while at this job, each time",
			     err);
	next.attempts++;
	rc = change(store, job, &next, go, err);
	if (rc == ERR_OK && *go)
		job->attempts++;
	return rc;
}

/* By the attempts; of what only waits for a disk, and does not count them, by
 * how long it has waited. */
static int64_t
rest_ms(const struct job *job)
{
	int64_t first = (int64_t)REST_FIRST_MS << MIN(job->attempts, 10);

	return job->stage != STAGE_ARCHIVE ? first :
		MAX(first, (clock_ms() - job->made_ms) / 2);
}

enum err_code
attempt_failed(struct store *store, const struct job *job,
	       const struct err *why, struct err *err)
{
	int64_t rest = rest_ms(job);
	struct job next = *job;	/* texts are borrowed */
	bool taken;

	if (why->code == ERR_INVALID)
		return shunt(store, job, why->what, err);
	/* The machine's state is not the job's fault. */
	if (why->code == ERR_NOSPACE || why->code == ERR_BUSY ||
	    why->code == ERR_DOWN)
		next.attempts -= next.attempts > 0;
	next.due_ms = clock_ms() + MIN(rest, ATTEMPT_REST_MOST_MS);
	job_blame(&next, job, why->what);
	return change(store, job, &next, &taken, err);
}

enum err_code
attempt_later(struct store *store, const struct job *job,
	      const struct err *why, int64_t rest_most_ms,
	      int64_t age_most_ms, struct err *err)
{
	const int64_t age_ms = clock_ms() - job->made_ms;
	struct job next = *job;	/* texts are borrowed */
	bool taken;

	if (age_ms > age_most_ms)
		return shunt(store, job, why->what, err);
	next.attempts -= next.attempts > 0;
	next.due_ms = clock_ms() + MIN(MAX(age_ms, REST_FIRST_MS),
				       rest_most_ms);
	job_blame(&next, job, why->what);
	return change(store, job, &next, &taken, err);
}
