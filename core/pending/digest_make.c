/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/pending/digest_inside.h"
#include "core/base/banned.h"

/*
 * A closed issue becomes a message of each kind, of its posts as the chain has
 * made them for all (FORM_BASE): without footer and each copy's own marks.
 *
 * What is read here nobody changes, so no locks are kept on it
 * (txn_relax): a long digest does not keep others from their posts while it
 * is made.
 */

/* --- posts -------------------------------------------------------------- */

static enum err_code
open_excerpt(const char *header, size_t header_len, struct excerpt *excerpt,
	     struct making *making, use_excerpt use, void *arg,
	     struct err *err)
{
	size_t body_at;
	enum err_code rc;

	if (!header_parse(header, header_len, &excerpt->header, &body_at))
		return err_set(err, ERR_INVALID, "drop it",
			       "the post has too many header fields");
	digest_fields(&excerpt->header);
	rc = use(making, excerpt, arg, err);
	header_done(&excerpt->header);
	return rc;
}

/* bytes: of the post, NULL where the form has all. Of a post that was
 * collected by an earlier version there is no form. */
static enum err_code
open_form(const struct form *form, GBytes *bytes, struct making *making,
	  use_excerpt use, void *arg, struct err *err)
{
	GBytes *header = form != NULL ? form->header : bytes;
	struct excerpt excerpt = { 0 };
	struct header parsed;
	size_t body_at = form != NULL ? (size_t)form->body_at : 0;
	gsize header_len, len;
	const char *text = g_bytes_get_data(header, &header_len);
	const char *body = g_bytes_get_data(bytes != NULL ? bytes :
					    form->body, &len);

	if (form == NULL && header_parse(text, header_len, &parsed, &body_at))
		header_done(&parsed);
	excerpt.body = body + MIN(body_at, len);
	excerpt.body_len = len - MIN(body_at, len);
	return open_excerpt(text, header_len, &excerpt, making, use, arg,
			    err);
}

static enum err_code
read_post(struct making *making, const struct post_id *id,
	  struct form **form_out, GBytes **bytes_out, struct err *err)
{
	enum err_code rc = form_get(making->txn, id, making->job->list,
				    FORM_BASE, form_out, err);

	if (rc == ERR_OK && (*form_out == NULL || (*form_out)->body == NULL))
		rc = post_bytes(making->txn, id, bytes_out, err);
	if (rc == ERR_OK && *bytes_out == NULL &&
	    (*form_out == NULL || (*form_out)->body == NULL))
		rc = err_set(err, ERR_CORRUPT, "drop the job; run muster "
			     "check", "the post's bytes are gone");
	return rc;
}

static enum err_code
with_post(struct making *making, guint index, use_excerpt use, void *arg,
	  struct err *err)
{
	const struct post_id *id = &g_array_index(making->posts,
						  struct post_id, index);
	g_autoptr(GBytes) bytes = NULL;
	struct form *form = NULL;
	char text[POST_ID_TEXT + 1];
	enum err_code rc = read_post(making, id, &form, &bytes, err);

	if (rc == ERR_OK)
		rc = open_form(form, bytes, making, use, arg, err);
	form_free(form);
	post_id_text(id, text);
	return rc == ERR_OK ? rc : err_context(err, "post %s", text);
}

enum err_code
making_each(struct making *making, use_excerpt use, void *arg,
	    struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; rc == ERR_OK && i < making->posts->len; i++)
		rc = with_post(making, i, use, arg, err);
	return rc;
}

/* --- the contents ------------------------------------------------------- */

struct contents { GString *lines; guint number; };

static enum err_code
add_title(struct making *making, const struct excerpt *excerpt, void *arg,
	  struct err *err)
{
	struct contents *contents = arg;
	g_autofree char *title = digest_title(&excerpt->header);

	(void) making;
	(void) err;
	g_string_append_printf(contents->lines, "%4u. %s\n",
			       ++contents->number, title);
	return ERR_OK;
}

static enum err_code
read_contents(struct making *making, struct err *err)
{
	struct contents contents = { g_string_new(NULL), 0 };
	enum err_code rc = making_each(making, add_title, &contents, err);

	making->contents = g_string_free(contents.lines, FALSE);
	return rc;
}

/* --- a message ---------------------------------------------------------- */

static struct job *
next_job(const struct making *making)
{
	const struct job *job = making->job;
	struct job *next = job_new(STAGE_OUTBOUND, &making->id, job->list,
				   job->list_addr);

	next->role = ROLE_POST;
	next->audience = TO_MEMBERS;
	next->as_of_s = job->as_of_s;
	next->position = job->position;
	next->delivery = making->plain ? DELIVERY_DIGEST_PLAIN :
		DELIVERY_DIGEST;
	return next;
}

/* The job's own post is that of the first message. */
static enum err_code
second_post(struct making *making, struct err *err)
{
	g_autofree char *author = list_role_addr(making->job->list_addr,
						 "-request");
	char door[] = "muster";
	struct post post = {
		.received_s = making->job->as_of_s, .author = author,
		.door = door, .jobs = 1,
	};
	enum err_code rc;

	g_free(making->message_id);
	making->message_id = mime_message_id(
		making->with->settings->hostname);
	post.message_id = making->message_id;
	post_id_new(&post.id);
	making->id = post.id;
	rc = post_put(making->txn, &post, -1, err);
	return rc == ERR_OK ? trace_ref(making->txn, &post.id,
					making->message_id, err) : rc;
}

static enum err_code
make_one(struct making *making, bool plain, bool first, struct err *err)
{
	enum err_code rc = first ? ERR_OK : second_post(making, err);
	struct job *next;

	making->plain = plain;
	if (rc == ERR_OK)
		rc = digest_write(making, err);
	if (rc != ERR_OK)
		return rc;
	next = next_job(making);
	rc = queue_put(making->txn, next, err);
	job_free(next);
	return rc == ERR_OK ?
		trace_add(making->txn, &making->id, "pending",
			  making->job->list_addr, err, "%s digest vol %u no "
			  "%u made of %u posts; on its way to the members "
			  "who get such", plain ? "plain" : "MIME",
			  making->order.volume, making->order.volume_issue,
			  making->posts->len) : rc;
}

static enum err_code
make_all(struct making *making, struct err *err)
{
	const struct digest_order *order = &making->order;
	enum err_code rc = read_contents(making, err);

	if (rc == ERR_OK)
		rc = digest_texts(making, err);
	if (rc == ERR_OK && order->mime)
		rc = make_one(making, false, true, err);
	if (rc == ERR_OK && order->plain)
		rc = make_one(making, true, !order->mime, err);
	return rc;
}

/* Nothing is left of the issue: it was dropped. */
static enum err_code
end_empty(struct making *making, struct err *err)
{
	const struct job *job = making->job;
	enum err_code rc = trace_add(making->txn, &job->post, "pending",
				     job->list_addr, err, "the digest has no "
				     "posts any more; sent to nobody");

	return rc == ERR_OK ? post_release(making->txn, &job->post, 1, err) :
		rc;
}

static enum err_code
run(struct making *making, struct err *err)
{
	const struct job *job = making->job;
	struct post *post = NULL;
	bool taken = false;
	enum err_code rc = queue_take(making->txn, job, &taken, err);

	if (rc != ERR_OK || !taken)
		return rc;
	rc = post_get(making->txn, &job->post, &post, err);
	if (rc == ERR_OK && post == NULL)
		rc = err_set(err, ERR_CORRUPT, "drop the job; run muster "
			     "check", "the digest's post is gone");
	if (rc == ERR_OK)
		making->message_id = g_strdup(post->message_id);
	post_free(post);
	if (rc == ERR_OK)
		rc = digest_posts(making->txn, job->list,
				  making->order.issue, &making->posts, err);
	if (rc == ERR_OK)
		rc = making->posts->len > 0 ? make_all(making, err) :
			end_empty(making, err);
	return rc == ERR_OK ? digest_remove(making->txn, job->list,
					    making->order.issue, err) : rc;
}

enum err_code
digest_make(struct txn *txn, const struct pending_with *with,
	    const struct list_conf *conf, const struct job *job,
	    struct err *err)
{
	struct making making = {
		.txn = txn, .with = with,
		.conf = conf, .job = job, .id = job->post,
	};
	enum err_code rc;

	if (!digest_order_read(job, &making.order))
		return err_set(err, ERR_INVALID, "drop it",
			       "a digest is to be made, and the job does not "
			       "say of which issue");
	txn_relax(txn, true);
	rc = run(&making, err);
	txn_relax(txn, false);
	if (making.posts != NULL)
		g_array_unref(making.posts);
	g_free(making.contents);
	g_free(making.message_id);
	g_free(making.subject);
	g_free(making.masthead);
	g_free(making.language);
	g_free(making.end);
	return rc;
}
