/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/pending.h"

#include <string.h>

#include <glib.h>

#include "core/base/clock.h"
#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "core/pending/footer.h"
#include "core/pending/seal.h"
#include "db/list.h"
#include "db/post.h"
#include "db/roster.h"
#include "core/base/banned.h"

/*
 * A post gets the fields that a list must add and loses those that would
 * lead astray on the next way; everything else keeps its bytes, so that the
 * author's DKIM signature holds. Where a signature covers a field that we
 * would set without need (Sender, Precedence), the field stays as it is.
 */

struct work {
	const struct pending_with *with;
	const struct job *job;
	struct list_conf *conf;
	struct post *post;
	struct evidence *evidence;
	struct header header;
	const char *bytes;
	size_t len, body_at;
	struct marks marks;
	bool recoded, has_footer;
	struct sealed sealed;
};

/* --- fields ------------------------------------------------------------- */

/* Tracks of the way here. Delivered-To would look like a loop to the MTA of
 * the next hop, and receipts are not the list's to ask for. */
static void
remove_routing(struct header *header)
{
	static const char *const names[] = {
		"Delivered-To", "X-Original-To", "Return-Path", "Errors-To",
		"Return-Receipt-To", "Disposition-Notification-To",
		"X-Confirm-Reading-To",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		header_remove(header, names[i]);
}

/* Another list's: the post is ours now (RFC 2369 section 4, RFC 2919
 * section 5). */
static void
remove_list_fields(struct header *header)
{
	static const char *const names[] = {
		"List-Id", "List-Post", "List-Help", "List-Subscribe",
		"List-Unsubscribe", "List-Unsubscribe-Post", "List-Owner",
		"List-Archive",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		header_remove(header, names[i]);
}

static void
add_mailto(struct header *header, const char *name, const char *list,
	   const char *suffix, const char *query)
{
	g_autofree char *addr = list_role_addr(list, suffix);
	g_autofree char *value = g_strdup_printf("<mailto:%s%s>", addr,
						 query);

	header_append(header, name, value);
}

static void
add_list_id(struct work *work)
{
	g_autofree char *id = g_strdup(work->job->list_addr);
	g_autofree char *phrase = NULL, *value = NULL, *folded = NULL;
	char *at = strrchr(id, '@');

	*at = '.';
	if (work->conf->description[0] != '\0')
		phrase = mime_encode_phrase(work->conf->description);
	value = g_strdup_printf("%s%s<%s>", phrase != NULL ? phrase : "",
				phrase != NULL ? " " : "", id);
	folded = header_fold(value, strlen("List-Id: "));
	header_append(&work->header, "List-Id", folded);
}

/* By one step where the list has a place for that (RFC 8058 section 3.1),
 * and by mail, which in a personal copy names its reader by a token. */
static void
add_unsubscribe(struct work *work)
{
	g_autofree char *mailto = leave_mailto(work->conf,
					       work->job->list_addr,
					       &work->marks);
	const bool one_click = work->conf->unsubscribe_url[0] != '\0';
	g_autofree char *url = NULL, *value = NULL, *folded = NULL;

	if (one_click)
		url = unsubscribe_url(work->conf, &work->marks);
	value = g_strdup_printf("%s%s%s<%s>", one_click ? "<" : "",
				one_click ? url : "", one_click ? ">, " : "",
				mailto);
	folded = header_fold(value, strlen("List-Unsubscribe: "));
	header_append(&work->header, "List-Unsubscribe", folded);
	if (one_click)
		header_append(&work->header, "List-Unsubscribe-Post",
			      "List-Unsubscribe=One-Click");
}

static void
add_list_fields(struct work *work)
{
	const char *list = work->job->list_addr;
	struct header *header = &work->header;

	add_list_id(work);
	add_mailto(header, "List-Post", list, "", "");
	add_mailto(header, "List-Help", list, "-request", "?subject=help");
	add_mailto(header, "List-Subscribe", list, "-join", "");
	add_unsubscribe(work);
	if (work->conf->owners[0] != NULL)
		add_mailto(header, "List-Owner", list, "-owner", "");
	/* Another list takes our List-Id away, but not this, so that a loop
	 * through it ends when the post comes back (core/inbound/end.c). */
	header_append(header, "X-Loop", list);
}

static void
set_unsigned(struct header *header, const char *name, const char *value)
{
	if (!header_is_signed(header, name))
		header_set(header, name, value);
}

static void
set_sender(struct work *work)
{
	g_autofree char *addr = list_role_addr(work->job->list_addr,
					       "-bounces");
	g_autofree char *value = g_strdup_printf("<%s>", addr);

	set_unsigned(&work->header, "Sender", value);
	set_unsigned(&work->header, "Precedence", "list");
}

static void
set_subject(struct work *work)
{
	g_autofree char *old = NULL, *subject = NULL, *folded = NULL;

	if (work->conf->subject_prefix[0] == '\0')
		return;
	old = header_get(&work->header, "Subject");
	subject = mime_subject_prefix(old, work->conf->subject_prefix);
	if (old != NULL && strcmp(old, subject) == 0)
		return;
	folded = header_fold(subject, strlen("Subject: "));
	header_set(&work->header, "Subject", folded);
}

/* Without these the MTA would add its own to each copy, its From being the
 * envelope sender with the token in it. */
static void
complete(struct work *work)
{
	struct header *header = &work->header;
	g_autofree char *value = NULL;

	if (header_find(header, "Date", 0) < 0) {
		g_autofree char *date = mime_date_now();

		header_append(header, "Date", date);
	}
	if (header_find(header, "Message-ID", 0) < 0) {
		g_autofree char *id = mime_message_id(
			work->with->settings->hostname);

		header_append(header, "Message-ID", id);
	}
	if (header_find(header, "From", 0) < 0) {
		value = work->post->sender[0] != '\0' ?
			g_strdup_printf("<%s>", work->post->sender) :
			list_role_addr(work->job->list_addr, "-bounces");
		header_append(header, "From", value);
	}
}

static void
make_header(struct work *work)
{
	remove_routing(&work->header);
	if (work->job->role == ROLE_POST) {
		remove_list_fields(&work->header);
		set_subject(work);
		set_sender(work);
		add_list_fields(work);
	}
	complete(work);
	seal_results(work->with->settings, work->evidence, &work->header);
}

/* --- the form ----------------------------------------------------------- */

/* The whole made anew where a line is too long for SMTP. */
static enum err_code
recode(struct work *work, GString *header, struct form *out, struct err *err)
{
	g_autoptr(GString) whole = g_string_new(header->str);
	g_autoptr(GString) made = g_string_new(NULL);
	struct header parsed;
	size_t body_at;

	g_string_append(whole, "\r\n");
	g_string_append_len(whole, work->bytes + work->body_at,
			    (gssize)(work->len - work->body_at));
	if (!mime_recode(whole->str, whole->len, made) ||
	    !header_parse(made->str, made->len, &parsed, &body_at))
		return err_set(err, ERR_INVALID, "look at it with muster "
			       "queue show, then drop it",
			       "the post has lines over 998 octets that "
			       "cannot be re-encoded");
	header_done(&parsed);
	/* The form's header is without the empty line. */
	out->header = g_bytes_new(made->str, body_at >= 2 ? body_at - 2 : 0);
	out->body = g_bytes_new(made->str + body_at, made->len - body_at);
	out->body_at = 0;
	return ERR_OK;
}

static enum err_code
make_form(struct work *work, struct form *out, struct err *err)
{
	GString *header = g_string_new(NULL);
	enum err_code rc;

	header_write(&work->header, header);
	work->recoded = mime_needs_recode(header->str, header->len) ||
		mime_needs_recode(work->bytes + work->body_at,
				  work->len - work->body_at);
	if (work->recoded) {
		rc = recode(work, header, out, err);
		g_string_free(header, TRUE);
		return rc;
	}
	out->header = g_string_free_to_bytes(header);
	out->body = NULL;
	out->body_at = work->body_at;
	return ERR_OK;
}

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

static void
form_clear(struct form *form)
{
	g_clear_pointer(&form->header, g_bytes_unref);
	g_clear_pointer(&form->body, g_bytes_unref);
}

/* --- the next job ------------------------------------------------------- */

static struct job *
outbound_job(const struct work *work)
{
	struct job *next = job_new(STAGE_OUTBOUND, &work->job->post,
				   work->job->list, work->job->list_addr);

	next->role = work->job->role;
	next->as_of_s = clock_s();
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
what_was_done(const struct work *work)
{
	bool is_post = work->job->role == ROLE_POST;

	return g_strdup_printf("%s%s%s%s%s; on its way to %s", is_post ?
			       "list fields added" : "passed on as it is",
			       work->recoded ? ", re-encoded for its long "
			       "lines" : "",
			       work->has_footer ? ", footer added" : "",
			       work->sealed.is_signed ? ", signed (DKIM)" :
			       "",
			       work->sealed.has_set ? ", sealed (ARC)" : "",
			       is_post ? "the members" : "the owners");
}

static enum err_code
hand_over(struct txn *txn, struct work *work, struct err *err)
{
	struct job *next = outbound_job(work);
	g_autofree char *done = what_was_done(work);
	bool taken = false;
	enum err_code rc;

	/* The post had one job, this one, and has one again. */
	rc = queue_replace(txn, work->job, next, &taken, err);
	if (rc == ERR_OK && taken && work->job->role == ROLE_POST)
		rc = count_post(txn, work, err);
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
	enum err_code rc;

	if (!header_parse(work->bytes, work->len, &work->header,
			  &work->body_at))
		return err_set(err, ERR_INVALID, "drop it",
			       "the post has too many header fields");
	make_header(work);
	rc = make_form(work, &form, err);
	if (rc == ERR_OK)
		rc = finish_form(work, &form, err);
	if (rc == ERR_OK)
		rc = form_put(txn, &work->job->post, work->job->list, &form,
			      err);
	form_clear(&form);
	header_done(&work->header);
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

static enum err_code
run_with(struct txn *txn, struct work *work, struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	enum err_code rc;
	gsize len;

	rc = post_get(txn, &work->job->post, &work->post, err);
	if (rc == ERR_OK && work->post != NULL)
		rc = post_bytes(txn, &work->job->post, &bytes, err);
	if (rc == ERR_OK)
		rc = list_conf_load(txn, work->job->list_addr, &work->conf,
				    err);
	if (rc != ERR_OK)
		return rc;
	if (bytes == NULL)
		return err_set(err, ERR_CORRUPT, "drop the job; run muster "
			       "check", "the post's bytes are gone");
	if (work->job->role != ROLE_POST && work->conf->owners[0] == NULL)
		return err_set(err, ERR_INVALID, "set owner, then muster "
			       "queue retry", "list %s has no owner who could "
			       "read it", work->job->list_addr);
	work->bytes = g_bytes_get_data(bytes, &len);
	work->len = len;
	work->evidence = post_evidence(work->post);
	for (int i = 0; i < SLOTS; i++)
		slot_mark(work->with->verp, work->job->list_addr,
			  &work->job->post, (enum slot)i,
			  work->marks.text[i]);
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
	rc = run_with(txn, &work, err);
	list_conf_free(work.conf);
	post_free(work.post);
	evidence_free(work.evidence);
	return rc;
}
