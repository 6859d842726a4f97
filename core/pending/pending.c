/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/pending.h"

#include <string.h>

#include <glib.h>

#include "core/archive/archive.h"
#include "core/base/clock.h"
#include "core/pending/digest.h"
#include "core/pending/inside.h"
#include "core/pending/ways.h"
#include "db/list.h"
#include "db/post.h"
#include "db/roster.h"
#include "core/base/banned.h"

/* --- the next job ------------------------------------------------------- */

static struct job *
outbound_job(const struct work *work, uint64_t position)
{
	struct job *next = job_new(STAGE_OUTBOUND, &work->job->post,
				   work->job->list, work->job->list_addr);

	next->role = work->job->role;
	next->as_of_s = clock_s();
	next->position = position;
	if (work->job->role == ROLE_POST) {
		next->audience = TO_MEMBERS;
	} else {
		next->audience = TO_ADDRS;
		g_strfreev(next->addrs);
		next->addrs = g_strdupv(work->conf->owners);
	}
	return next;
}

/* Here and not where the post was taken, so that the posts of one author do
 * not wait for each other there. */
static enum err_code
count_post(struct txn *txn, const struct work *work, struct err *err)
{
	g_auto(GStrv) authors = g_strsplit(work->post->author, ", ", -1);
	enum err_code rc = ERR_OK;

	for (char **author = authors; *author != NULL && rc == ERR_OK;
	     author++)
		rc = roster_count_post(txn, work->job->list, *author, err);
	return rc;
}

/* With the outbound job, which does not wait for it. */
static enum err_code
put_archive_job(struct txn *txn, const struct work *work, struct err *err)
{
	struct job *next = archive_job(work->job);
	enum err_code rc = queue_put(txn, next, err);

	job_free(next);
	if (rc == ERR_OK)
		rc = post_hold(txn, &work->job->post, 1, err);
	if (rc == ERR_OK && work->next != NULL)
		work->next->archive = true;
	return rc;
}

/* In the archive, and in digests for those who want them: both are made of the
 * base. */
static enum err_code
collect(struct txn *txn, const struct work *work, const struct form *base,
	uint64_t *position, char **said_out, struct err *err)
{
	g_autofree char *said = NULL;
	const char *not_archived = "";
	const bool archived = work_is_archived(work, &not_archived);
	bool collected = false;
	enum err_code rc = digest_collect(txn, &(struct digest_with){
		work->with->settings, work->conf, work->job->list,
		work->job->list_addr, clock_s() }, work->post, position,
		&collected, &said, err);

	if (rc == ERR_OK && (collected || archived))
		rc = form_put(txn, &work->job->post, work->job->list,
			      FORM_BASE, base, err);
	if (rc == ERR_OK && archived)
		rc = put_archive_job(txn, work, err);
	if (rc == ERR_OK)
		*said_out = g_strconcat(said != NULL ? said : "",
					not_archived, NULL);
	return rc;
}

/* Everything that follows from the post on the list: in the archive, in
 * digests, and copies for the members who want each post by itself, over all
 * its ways. */
static enum err_code
distribute(struct txn *txn, const struct work *work, const struct form *base,
	   struct job **next_out, char **said_out, struct err *err)
{
	g_autofree char *digest = NULL, *ways = NULL;
	uint64_t position = 0;
	enum err_code rc = collect(txn, work, base, &position, &digest, err);

	if (rc != ERR_OK)
		return rc;
	*next_out = outbound_job(work, position);
	rc = ways_open(txn, work, *next_out, &ways, err);
	if (rc == ERR_OK)
		*said_out = g_strconcat(ways, digest, NULL);
	if (rc == ERR_OK)
		rc = count_post(txn, work, err);
	return rc == ERR_OK ? acknowledge(txn, work, err) : rc;
}

/* The post had one job, this one, and has one again. */
static enum err_code
hand_over(struct txn *txn, struct work *work, const struct form *base,
	  struct err *err)
{
	g_autofree char *said = NULL;
	struct job *next = NULL;
	bool taken = false;
	enum err_code rc = queue_take(txn, work->job, &taken, err);

	if (rc != ERR_OK || !taken)
		return rc;
	if (is_post(work))
		rc = distribute(txn, work, base, &next, &said, err);
	else
		next = outbound_job(work, 0);
	if (rc == ERR_OK)
		rc = queue_put(txn, next, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &work->job->post, "pending",
			       work->job->list_addr, err, "%s; on its way to "
			       "%s%s", work->done->str, is_post(work) ?
			       "the members" : "the owners", said != NULL ?
			       said : "");
	job_free(next);
	return rc;
}

static enum err_code
process(struct txn *txn, struct work *work, struct err *err)
{
	struct form base = { 0 }, copies = { 0 };
	enum err_code rc = chain_base(txn, work, err);

	if (rc != ERR_OK)
		return rc;
	work_form(work, &base);
	rc = chain_copies(txn, work, err);
	if (rc == ERR_OK) {
		work_form(work, &copies);
		rc = form_put(txn, &work->job->post, work->job->list,
			      FORM_COPIES, &copies, err);
	}
	if (rc == ERR_OK)
		rc = hand_over(txn, work, &base, err);
	form_done(&base);
	form_done(&copies);
	return rc;
}

/* Nobody to send it to: the list is gone. */
static enum err_code
end_here(struct txn *txn, const struct job *job, const char *why,
	 struct err *err)
{
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	if (rc == ERR_OK && taken)
		rc = trace_add(txn, &job->post, "pending", job->list_addr,
			       err, "%s", why);
	if (rc == ERR_OK && taken)
		rc = post_release(txn, &job->post, 1, err);
	return rc;
}

/* --- the program that comes first --------------------------------------- */

/* It is not run within a transaction. */
static enum err_code
wait_for_program(struct txn *txn, const struct work *work, struct err *err)
{
	struct job next = *work->job;	/* texts are borrowed */
	bool taken = false;
	enum err_code rc;

	next.stage = STAGE_PROGRAM;
	next.attempts = 0;
	rc = queue_replace(txn, work->job, &next, &taken, err);
	if (rc == ERR_OK && work->next != NULL)
		work->next->program = taken;
	return rc;
}

/* An administrator may have dropped the job while the program ran. */
static enum err_code
is_still_there(struct txn *txn, const struct work *work, bool *out,
	       struct err *err)
{
	struct job *now = NULL;
	enum err_code rc = ERR_OK;

	if (work->job->stage == STAGE_PROGRAM)
		rc = queue_again(txn, work->job, &now, err);
	*out = work->job->stage != STAGE_PROGRAM || now != NULL;
	job_free(now);
	return rc;
}

/* Is what has run what the list wants? */
static bool
has_run(const struct work *work)
{
	const struct program_made *made = work->made;

	return work->conf->program[0] == '\0' ||
		(made != NULL && made->name != NULL &&
		 strcmp(made->name, work->conf->program) == 0);
}

static enum err_code
run_with(struct txn *txn, struct work *work, struct err *err)
{
	bool is_there, waits = false;
	enum err_code rc = is_still_there(txn, work, &is_there, err);

	if (rc != ERR_OK || !is_there)
		return rc;
	if (digest_is_order(work->job))
		return digest_make(txn, work->with, work->conf, work->job,
				   err);
	/* behind its program a post has waited */
	if (work->job->stage == STAGE_PENDING)
		rc = ways_wait(txn, work->job, work->conf, &waits, err);
	if (rc != ERR_OK || waits)
		return rc;
	if (is_post(work) && !has_run(work))
		return work->job->stage == STAGE_PENDING ?
			wait_for_program(txn, work, err) :
			err_set(err, ERR_BUSY, "nothing: it is tried again",
				"the list's program was changed meanwhile");
	rc = work_begin(txn, work, err);
	if (rc != ERR_OK)
		return rc;
	if (work->job->role != ROLE_POST && work->conf->owners[0] == NULL)
		return err_set(err, ERR_INVALID, "set owner, then muster "
			       "queue retry", "list %s has no owner who could "
			       "read it", work->job->list_addr);
	return process(txn, work, err);
}

enum err_code
pending_run(struct txn *txn, const struct pending_with *with,
	    const struct job *job, struct err *err)
{
	return pending_run_made(txn, with, NULL, NULL, job, err);
}

enum err_code
pending_run_made(struct txn *txn, const struct pending_with *with,
		 const struct program_made *made, struct pending_next *next,
		 const struct job *job, struct err *err)
{
	struct work work = {
		.with = with, .job = job, .made = made, .next = next,
	};
	struct list *list = NULL;
	enum err_code rc;

	rc = list_by_id(txn, job->list, &list, err);
	if (rc != ERR_OK)
		return rc;
	if (list == NULL)
		return end_here(txn, job, "the list has been deleted; sent "
				"to nobody", err);
	list_free(list);
	rc = list_conf_load(txn, job->list_addr, &work.conf, err);
	if (rc == ERR_OK)
		rc = run_with(txn, &work, err);
	list_conf_free(work.conf);
	work_done(&work);
	return rc;
}
