/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/held/held.h"

#include <string.h>

#include "conf/keys.h"
#include "core/held/author.h"
#include "core/held/inside.h"
#include "core/held/view.h"
#include "core/letter/plain.h"
#include "db/post.h"
#include "core/base/banned.h"

#define REASON_CHARS 1000	/* of what is said to people */

/* --- coming ------------------------------------------------------------- */

static void
set_text(char **at, const char *text)
{
	g_free(*at);
	*at = g_strdup(text);
}

/* The notice is for this job: its id stands in the notice's detail. */
static enum err_code
put_notice(struct txn *txn, const struct job *held, struct err *err)
{
	struct job *notice = job_new(STAGE_NOTICE, &held->post, held->list,
				     held->list_addr);
	char id[POST_ID_TEXT + 1];
	enum err_code rc;

	post_id_text(&held->id, id);
	set_text(&notice->detail, id);
	rc = queue_put(txn, notice, err);
	job_free(notice);
	return rc;
}

enum err_code
held_put(struct txn *txn, const struct held_offer *offer, struct err *err)
{
	const struct list *list = offer->list;
	g_autoptr(held_job_t) held = job_new(STAGE_HELD, offer->post,
					     list->id, list->addr);
	g_autoptr(held_conf_t) conf = NULL;
	enum err_code rc = list_conf_load(txn, list->addr, &conf, err);

	if (rc != ERR_OK)
		return rc;
	if (offer->id != NULL)
		held->id = *offer->id;
	if (offer->addrs != NULL) {
		g_strfreev(held->addrs);
		held->addrs = g_strdupv((char **)(uintptr_t)offer->addrs);
	}
	held->role = offer->role;
	held->made_ms = offer->now_ms;
	held->due_ms = offer->now_ms + conf->held_keep_s * 1000;
	set_text(&held->detail, offer->detail);
	g_free(held->reason);
	held->reason = plain_line(offer->reason, REASON_CHARS);
	rc = queue_put(txn, held, err);
	return rc == ERR_OK ? put_notice(txn, held, err) : rc;
}

/* --- approve ------------------------------------------------------------ */

static enum err_code
approve(struct txn *txn, const struct job *held, const struct held_act *act,
	struct held_result *out, struct err *err)
{
	g_autoptr(held_job_t) next = job_new(STAGE_PENDING, &held->post,
					     held->list, held->list_addr);
	bool taken = false;
	enum err_code rc;

	next->role = held->role;
	set_text(&next->detail, held->detail);
	rc = queue_replace(txn, held, next, &taken, err);
	if (rc == ERR_OK && !taken)
		out->outcome = HELD_DECIDED;
	if (rc != ERR_OK || !taken)
		return rc;
	return trace_add(txn, &held->post, HELD_STAGE, held->list_addr, err,
			 "approved by %s%s", act->who, act->decision ==
			 HELD_ACCEPT ? "; the author is always accepted from "
			 "now on" : "");
}

static void
impossible(struct held_result *out, const char *why)
{
	out->outcome = HELD_IMPOSSIBLE;
	(void) g_strlcpy(out->why, why, sizeof(out->why));
}

/* Of several authors none can be meant. NULL: *out says why. */
static char *
author_to_accept(const struct held_view *view, struct held_result *out)
{
	const char *author = view->evidence->author;

	if (author[0] == '\0')
		author = view->post->author;
	if (author[0] == '\0')
		impossible(out, "nobody knows who wrote this post; approve "
			   "it instead");
	else if (strstr(author, ", ") != NULL)
		impossible(out, "this post has several authors; approve it "
			   "instead");
	return out->outcome == HELD_DONE ? g_strdup(author) : NULL;
}

/* What the list inherits holds for it no more once it has its own value, so
 * that is where its own begins. */
static enum err_code
add_accepted(struct txn *txn, const char *list, const char *author,
	     struct held_result *out, struct err *err)
{
	g_autoptr(held_conf_t) conf = NULL;
	g_autofree char *value = NULL;
	const char *old;
	enum err_code rc = list_conf_load(txn, list, &conf, err);

	if (rc != ERR_OK)
		return rc;
	old = g_hash_table_lookup(conf->text, "accepted");
	value = key_words_add(old != NULL ? old : "", author);
	if (value == NULL) {
		impossible(out, "the list's key \"accepted\" is full, or "
			   "cannot hold this address; approve the post "
			   "instead");
		return ERR_OK;
	}
	return g_strcmp0(value, old) == 0 ? ERR_OK :
		setting_put(txn, list, "accepted", value, err);
}

static enum err_code
accept_author(struct txn *txn, const struct job *held,
	      const struct held_act *act, struct held_result *out,
	      struct err *err)
{
	g_autofree char *author = NULL;
	struct held_view view;
	bool found;
	enum err_code rc = held_view_load(txn, &held->post, &view, &found,
					  err);

	if (rc != ERR_OK)
		return rc;
	if (found)
		author = author_to_accept(&view, out);
	held_view_done(&view);
	if (author == NULL)
		return ERR_OK;
	rc = add_accepted(txn, held->list_addr, author, out, err);
	if (rc != ERR_OK || out->outcome != HELD_DONE)
		return rc;
	return approve(txn, held, act, out, err);
}

/* --- reject, discard ---------------------------------------------------- */

static enum err_code
send_rejection(struct txn *txn, const struct settings *settings,
	       const struct job *held, const struct held_view *view,
	       const struct held_act *act, const char **why, struct err *err)
{
	g_autofree char *time = plain_time(view->post->received_s);
	g_autoptr(held_conf_t) conf = NULL;
	const struct letter_field fields[] = {
		{ "subject", view->subject },
		{ "received", time },
		{ "reason", act->reason },
		{ 0 },
	};
	struct letter letter = {
		.list = held->list, .list_addr = held->list_addr,
		.template = "held-rejected", .fields = fields,
	};
	enum err_code rc = list_conf_load(txn, held->list_addr, &conf, err);

	if (rc != ERR_OK)
		return rc;
	letter.conf = conf;
	return author_tell(txn, settings, &letter, view,
			   "rejection of a held post", act->now_ms, why, err);
}

static enum err_code
tell_rejected(struct txn *txn, const struct settings *settings,
	      const struct job *held, const struct held_act *act,
	      const char **why, struct err *err)
{
	g_autoptr(held_list_t) list = NULL;
	struct held_view view;
	bool found;
	enum err_code rc;

	*why = "the list has been deleted";
	rc = list_by_id(txn, held->list, &list, err);
	if (rc != ERR_OK || list == NULL)
		return rc;
	rc = held_view_load(txn, &held->post, &view, &found, err);
	if (rc != ERR_OK || !found)
		return rc;
	rc = send_rejection(txn, settings, held, &view, act, why, err);
	held_view_done(&view);
	return rc;
}

static enum err_code
reject(struct txn *txn, const struct settings *settings,
       const struct job *held, const struct held_act *act, struct err *err)
{
	const char *why = NULL;
	enum err_code rc = tell_rejected(txn, settings, held, act, &why, err);

	if (rc != ERR_OK)
		return rc;
	return trace_add(txn, &held->post, HELD_STAGE, held->list_addr, err,
			 "rejected by %s%s%s; the author was %stold%s%s",
			 act->who, act->reason[0] != '\0' ? ": " : "",
			 act->reason, why != NULL ? "not " : "", why != NULL ?
			 ": " : "", why != NULL ? why : "");
}

/* The post goes with its last job. */
static enum err_code
end_here(struct txn *txn, const struct settings *settings,
	 const struct job *held, const struct held_act *act,
	 struct held_result *out, struct err *err)
{
	bool taken = false;
	enum err_code rc = queue_take(txn, held, &taken, err);

	if (rc == ERR_OK && !taken)
		out->outcome = HELD_DECIDED;
	if (rc != ERR_OK || !taken)
		return rc;
	if (act->decision == HELD_REJECT)
		rc = reject(txn, settings, held, act, err);
	else
		rc = trace_add(txn, &held->post, HELD_STAGE, held->list_addr,
			       err, "discarded by %s", act->who);
	return rc == ERR_OK ? post_release(txn, &held->post, 1, err) : rc;
}

/* --- deciding ----------------------------------------------------------- */

enum err_code
held_decide(struct txn *txn, const struct settings *settings,
	    const struct job *held, const struct held_act *act,
	    struct held_result *out, struct err *err)
{
	g_autoptr(held_list_t) list = NULL;
	enum err_code rc;

	g_assert(act->decision != HELD_ASK);
	*out = (struct held_result){
		.outcome = HELD_DONE, .decision = act->decision,
		.post = held->post,
	};
	if (held_is_request(held))
		return request_decide(txn, settings, held, act, out, err);
	if (act->decision == HELD_REJECT || act->decision == HELD_DISCARD)
		return end_here(txn, settings, held, act, out, err);
	rc = list_by_id(txn, held->list, &list, err);
	if (rc != ERR_OK)
		return rc;
	if (list == NULL) {
		impossible(out, "the list has been deleted; discard the post");
		return ERR_OK;
	}
	return act->decision == HELD_ACCEPT ?
		accept_author(txn, held, act, out, err) :
		approve(txn, held, act, out, err);
}

enum err_code
held_expire_run(struct txn *txn, const struct job *job, int64_t now_ms,
		bool *expired, struct err *err)
{
	enum err_code rc;

	*expired = false;
	rc = queue_take(txn, job, expired, err);
	if (rc != ERR_OK || !*expired)
		return rc;
	rc = digest_expired(txn, job, now_ms, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &job->post, HELD_STAGE, job->list_addr,
			       err, "expired: no moderator has decided; "
			       "discarded");
	return rc == ERR_OK ? post_release(txn, &job->post, 1, err) : rc;
}
