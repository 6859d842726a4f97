/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/held/author.h"
#include "core/held/inside.h"
#include "core/letter/plain.h"
#include "db/post.h"
#include "core/base/banned.h"

/*
 * Notices to moderators, one for each held post. An answer to one goes to an
 * address that wants the decision in words, so that neither a machine nor a
 * person in a hurry lets a post pass by just answering; the addresses that
 * act by themselves stand in the text.
 */

#define HOUR_S 3600
#define NOTICES_MOST 20		/* an hour for one list; then digests */

char **
notice_recipients(const struct list_conf *conf, enum notice_for which)
{
	GPtrArray *out = g_ptr_array_new();

	for (char **one = conf->moderators; *one != NULL; one++) {
		bool digest = g_strv_contains((const char *const *)
					      conf->digest_moderators, *one);

		if (which == FOR_ALL || digest == (which == FOR_DIGEST))
			g_ptr_array_add(out, *one);
	}
	g_ptr_array_add(out, NULL);
	return (char **)g_ptr_array_free(out, FALSE);
}

char *
notice_addr(const struct held_key *key, const struct job *held,
	    enum held_decision decision)
{
	char token[HELD_TOKEN_LEN + 1];
	g_autofree char *suffix = NULL;

	held_token_make(key, held->list_addr, decision, &held->id, token);
	suffix = g_strconcat("-confirm+", token, NULL);
	return list_role_addr(held->list_addr, suffix);
}

/* --- its text ----------------------------------------------------------- */

static void
take(GPtrArray *fields, const char *name, char *value)
{
	struct letter_field *field = g_new(struct letter_field, 1);

	field->name = name;
	field->value = value;
	g_ptr_array_add(fields, field);
}

static void
set(GPtrArray *fields, const char *name, const char *value)
{
	take(fields, name, g_strdup(value));
}

static void
field_free(void *data)
{
	struct letter_field *field = data;

	g_free((char *)(uintptr_t)field->value);
	g_free(field);
}

/* Who vouches for the author. */
static void
set_verified(GPtrArray *fields, const struct evidence *evidence)
{
	static const char *const names[] = {
		[BY_DMARC] = "verified.dmarc", [BY_LOGIN] = "verified.login",
		[BY_NETWORK] = "verified.network",
		[BY_SEALER] = "verified.sealer",
	};

	if (evidence->by != BY_NONE)
		set(fields, names[evidence->by], "yes");
	else
		set(fields, evidence->verifiable ? "forged" : "unverified",
		    "yes");
}

GPtrArray *
notice_fields(const struct held_key *key, const struct job *held,
	      const struct held_view *view)
{
	GPtrArray *fields = g_ptr_array_new_with_free_func(field_free);
	char id[POST_ID_TEXT + 1];

	post_id_text(&held->id, id);
	set(fields, "author", held_author(held, view));
	if (!held_is_request(held)) {	/* else it has confirmed that */
		set_verified(fields, view->evidence);
		set(fields, "subject", view->subject);
	}
	set(fields, "reason", job_held_for(held));
	take(fields, "size", g_format_size_full(view->post->size,
						G_FORMAT_SIZE_IEC_UNITS));
	take(fields, "expires", plain_time(held->due_ms / 1000));
	set(fields, "id", id);
	for (int i = HELD_APPROVE; i < HELD_ASK; i++) {
		static const char *const names[] = {
			[HELD_APPROVE] = "approve.address",
			[HELD_REJECT] = "reject.address",
			[HELD_DISCARD] = "discard.address",
			[HELD_ACCEPT] = "accept.address",
		};

		take(fields, names[i], notice_addr(key, held,
						   (enum held_decision)i));
	}
	return fields;
}

struct letter_field *
notice_fields_of(const GPtrArray *fields, const char *name, const char *value)
{
	struct letter_field *all = g_new0(struct letter_field,
					  fields->len + 2);

	for (guint i = 0; i < fields->len; i++)
		all[i] = *(const struct letter_field *)fields->pdata[i];
	all[fields->len] = (struct letter_field){ name, value };
	return all;
}

/* --- to moderators ------------------------------------------------------ */

struct task {
	struct txn *txn;
	const struct settings *settings;
	const struct held_key *key;
	const struct job *held;
	const struct list_conf *conf;
	const struct held_view *view;
	int64_t now_ms;
};

static struct letter
letter_of(const struct task *task, const char *name,
	  const struct letter_field *fields)
{
	return (struct letter){
		.list = task->held->list,
		.list_addr = task->held->list_addr, .conf = task->conf,
		.template = name, .fields = fields,
	};
}

static enum err_code
send_notices(const struct task *task, char *const *to, struct err *err)
{
	g_auto(GStrv) lines = held_view_lines(task->view);
	g_autofree char *beginning = g_strjoinv("\n", lines);
	g_autofree char *reply_to = notice_addr(task->key, task->held,
						HELD_ASK);
	g_autoptr(GPtrArray) all = notice_fields(task->key, task->held,
						 task->view);
	g_autofree struct letter_field *fields = notice_fields_of(
		all, "beginning", beginning);
	struct letter_about about = held_view_about(task->view);
	struct letter letter = letter_of(task, "held-notice", fields);
	g_autofree char *what = NULL;
	char post[POST_ID_TEXT + 1];
	enum err_code rc = ERR_OK;

	post_id_text(&task->held->post, post);
	what = g_strdup_printf("notice of held post %s", post);
	letter.reply_to = reply_to;
	letter.about = &about;
	for (; *to != NULL && rc == ERR_OK; to++) {
		letter.to = *to;
		rc = letter_send(task->txn, task->settings, &letter, what,
				 NULL, err);
	}
	return rc;
}

static enum err_code
send_notice(const struct task *task, char *const *to, struct err *err)
{
	struct letter letter = letter_of(task, "", NULL);

	return held_is_request(task->held) ?
		request_notice(task->txn, task->settings, task->key,
			       task->held, task->view, &letter, to, err) :
		send_notices(task, to, err);
}

static enum err_code
trace(const struct task *task, struct err *err, const char *what,
      const char *whom)
{
	return trace_add(task->txn, &task->held->post, HELD_STAGE,
			 task->held->list_addr, err, "%s%s", what, whom);
}

static enum err_code
tell_each(const struct task *task, char *const *to, struct err *err)
{
	g_autofree char *all = g_strjoinv(", ", (char **)(uintptr_t)to);
	bool allowed = false;
	enum err_code rc;

	if (*to == NULL)
		return ERR_OK;
	rc = letter_allowed(task->txn, "notice", task->held->list_addr,
			    NOTICES_MOST, HOUR_S, task->now_ms, &allowed,
			    err);
	if (rc == ERR_OK && !allowed)
		rc = digest_ensure(task->txn, task->held->list,
				   task->held->list_addr, true, task->now_ms,
				   err);
	if (rc == ERR_OK && !allowed)
		return trace(task, err, "too many are held for a notice "
			     "each; one about all follows", "");
	if (rc == ERR_OK)
		rc = send_notice(task, to, err);
	return rc == ERR_OK ? trace(task, err, "notice to ", all) : rc;
}

static enum err_code
tell_moderators(const struct task *task, struct err *err)
{
	g_autofree char **each = notice_recipients(task->conf,
						   FOR_EACH_POST);
	g_autofree char **digest = notice_recipients(task->conf, FOR_DIGEST);
	g_autofree char *all = g_strjoinv(", ", digest);
	enum err_code rc;

	if (each[0] == NULL && digest[0] == NULL)
		return trace(task, err, "the list has neither moderator nor "
			     "owner to tell", "");
	rc = tell_each(task, each, err);
	if (rc != ERR_OK || digest[0] == NULL)
		return rc;
	rc = digest_ensure(task->txn, task->held->list,
			   task->held->list_addr, false, task->now_ms, err);
	return rc == ERR_OK ? trace(task, err, "in the next digest to ", all)
		: rc;
}

/* --- to the author ------------------------------------------------------ */

static enum err_code
tell_author(const struct task *task, struct err *err)
{
	g_autofree char *expires = plain_time(task->held->due_ms / 1000);
	const struct letter_field fields[] = {
		{ "subject", task->view->subject },
		{ "expires", expires },
		{ 0 },
	};
	struct letter letter = letter_of(task, "held-waiting", fields);
	const char *why = NULL;
	enum err_code rc;

	/* who asks to join has been told */
	if (!task->conf->held_notice || held_is_request(task->held))
		return ERR_OK;
	rc = author_tell(task->txn, task->settings, &letter, task->view,
			 "that a post is held", task->now_ms, &why, err);
	if (rc != ERR_OK)
		return rc;
	return trace(task, err, why == NULL ? "the author was told that it "
		     "waits" : "the author was not told that it waits: ",
		     why != NULL ? why : "");
}

/* --- the stage ---------------------------------------------------------- */

static enum err_code
tell(struct task *task, struct err *err)
{
	g_autoptr(held_list_t) list = NULL;
	g_autoptr(held_conf_t) conf = NULL;
	struct held_view view;
	bool found = false;
	enum err_code rc = list_by_id(task->txn, task->held->list, &list,
				      err);

	if (rc != ERR_OK || list == NULL)
		return rc;
	rc = list_conf_load(task->txn, list->addr, &conf, err);
	if (rc == ERR_OK)
		rc = held_view_load(task->txn, &task->held->post, &view,
				    &found, err);
	if (rc != ERR_OK || !found)
		return rc;
	task->conf = conf;
	task->view = &view;
	rc = tell_moderators(task, err);
	if (rc == ERR_OK)
		rc = tell_author(task, err);
	held_view_done(&view);
	return rc;
}

enum err_code
held_notice_run(struct txn *txn, const struct settings *settings,
		const struct held_key *key, const struct job *job,
		int64_t now_ms, struct err *err)
{
	g_autoptr(held_job_t) held = NULL;
	struct task task = {
		.txn = txn, .settings = settings, .key = key,
		.now_ms = now_ms,
	};
	struct post_id id;
	bool taken = false;
	enum err_code rc;

	if (digest_is(job))
		return digest_run(txn, settings, key, job, now_ms, err);
	rc = queue_take(txn, job, &taken, err);
	if (rc != ERR_OK || !taken)
		return rc;
	if (post_id_parse(job->detail, &id))
		rc = queue_find_in(txn, STAGE_HELD, id.bytes, POST_ID_LEN,
				   &held, err);
	task.held = held;
	/* Else it has been decided about before anybody was told. */
	if (rc == ERR_OK && held != NULL)
		rc = tell(&task, err);
	return rc == ERR_OK ? post_release(txn, &job->post, 1, err) : rc;
}
