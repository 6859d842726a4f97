/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/pending.h"

#include <string.h>

#include <glib.h>

#include "core/base/clock.h"
#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "core/pending/digest.h"
#include "core/pending/footer.h"
#include "core/pending/inside.h"
#include "core/pending/seal.h"
#include "db/list.h"
#include "db/post.h"
#include "db/roster.h"
#include "core/base/banned.h"

/* --- the form ----------------------------------------------------------- */

static const char *
form_body(const struct work *work, const struct form *form, gsize *len)
{
	if (form->body != NULL)
		return g_bytes_get_data(form->body, len);
	*len = work->len - form->body_at;
	return work->bytes + form->body_at;
}

/* What the copies have each of their own. */
static enum seal_own
add_footer(struct work *work, struct form *form)
{
	enum seal_own own = is_personal(work->conf) ? SEAL_OWN_FIELDS :
		SEAL_OWN_NOTHING;
	bool is_ascii;
	g_autofree char *text = footer_text(work->conf, work->job->list_addr,
					    &work->marks, &is_ascii);
	gsize len;
	const char *body = form_body(work, form, &len);

	if (text[0] == '\0')
		return own;
	work->has_footer = footer_add(text, is_ascii, body, len, form);
	for (int i = 0; i < SLOTS && work->has_footer; i++)
		if (strstr(text, work->marks.text[i]) != NULL)
			own = SEAL_OWN_BODY;
	return own;
}

/* Behind this nothing changes. Owners get what came in, not what the list
 * made of it. */
static enum err_code
finish_form(struct work *work, struct form *form, struct err *err)
{
	struct seal_with with = {
		.settings = work->with->settings, .keys = work->with->keys,
		.conf = work->conf, .list = work->job->list_addr,
		.evidence = work->evidence,
	};
	const char *body;
	gsize len;

	if (work->job->role != ROLE_POST)
		return ERR_OK;
	with.own = add_footer(work, form);
	body = form_body(work, form, &len);
	return seal_form(&with, body, len, form, &work->sealed, err);
}

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

/* For the trace; the caller frees. */
static char *
what_was_done(const struct work *work, const char *digest)
{
	bool is_post = work->job->role == ROLE_POST;

	return g_strdup_printf("%s%s%s%s%s; on its way to %s%s", is_post ?
			       "list fields added" : "passed on as it is",
			       work->recoded ? ", re-encoded for its long "
			       "lines" : "",
			       work->has_footer ? ", footer added" : "",
			       work->sealed.is_signed ? ", signed (DKIM)" :
			       "",
			       work->sealed.has_set ? ", sealed (ARC)" : "",
			       is_post ? "the members" : "the owners",
			       digest);
}

static enum err_code
hand_over(struct txn *txn, struct work *work, struct err *err)
{
	g_autofree char *digest = g_strdup(""), *done = NULL;
	uint64_t position = 0;
	struct job *next;
	bool taken = false;
	enum err_code rc = ERR_OK;

	if (work->job->role == ROLE_POST)
		rc = digest_collect(txn, &(struct digest_with){
			work->with->settings, work->conf, work->job->list,
			work->job->list_addr, clock_s() }, work->post,
			&position, &digest, err);
	if (rc != ERR_OK)
		return rc;
	next = outbound_job(work, position);
	done = what_was_done(work, digest);

	/* The post had one job, this one, and has one again. */
	rc = queue_replace(txn, work->job, next, &taken, err);
	if (rc == ERR_OK && taken && work->job->role == ROLE_POST)
		rc = count_post(txn, work, err);
	if (rc == ERR_OK && taken && work->job->role == ROLE_POST)
		rc = acknowledge(txn, work, err);
	if (rc == ERR_OK && taken)
		rc = trace_add(txn, &work->job->post, "pending",
			       work->job->list_addr, err, "%s", done);
	job_free(next);
	return rc;
}

static enum err_code
process(struct txn *txn, struct work *work, struct err *err)
{
	struct form form = { 0 };
	enum err_code rc = form_make(work, &form, err);

	if (rc == ERR_OK)
		rc = finish_form(work, &form, err);
	if (rc == ERR_OK)
		rc = form_put(txn, &work->job->post, work->job->list, &form,
			      err);
	form_done(work, &form);
	return rc == ERR_OK ? hand_over(txn, work, err) : rc;
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

static struct evidence *
post_evidence(const struct post *post)
{
	json_t *json = json_loads(post->evidence, 0, NULL);
	struct evidence *evidence = evidence_of_json(json);

	json_decref(json);
	return evidence;
}

enum err_code
work_begin(struct txn *txn, struct work *work, GBytes **bytes_out,
	   struct err *err)
{
	enum err_code rc;
	gsize len;

	rc = post_get(txn, &work->job->post, &work->post, err);
	if (rc == ERR_OK && work->post != NULL)
		rc = post_bytes(txn, &work->job->post, bytes_out, err);
	if (rc != ERR_OK)
		return rc;
	if (*bytes_out == NULL)
		return err_set(err, ERR_CORRUPT, "drop the job; run muster "
			       "check", "the post's bytes are gone");
	work->bytes = g_bytes_get_data(*bytes_out, &len);
	work->len = len;
	work->evidence = post_evidence(work->post);
	for (int i = 0; i < SLOTS; i++)
		slot_mark(work->with->verp, work->job->list_addr,
			  &work->job->post, (enum slot)i,
			  work->marks.text[i]);
	return ERR_OK;
}

void
work_done(struct work *work)
{
	post_free(work->post);
	evidence_free(work->evidence);
}

static enum err_code
run_with(struct txn *txn, struct work *work, struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	enum err_code rc;

	if (digest_is_order(work->job))
		return digest_make(txn, work->with, work->conf, work->job,
				   err);
	rc = work_begin(txn, work, &bytes, err);
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
	struct work work = { .with = with, .job = job };
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
