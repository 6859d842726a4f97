/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/held/inside.h"
#include "core/held/letter.h"
#include "db/post.h"
#include "core/base/banned.h"

/*
 * Notices to moderators, one for each held post. An answer to one goes to an
 * address that wants the decision in words, so that neither a machine nor a
 * person in a hurry lets a post pass by just answering; the addresses that
 * act by themselves stand in the text.
 */

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
list_name(const char *list_addr)
{
	return g_strndup(list_addr, (gsize)(strrchr(list_addr, '@') -
					    list_addr));
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
fact(GString *out, int indent, const char *name, const char *value)
{
	g_string_append_printf(out, "%*s%-10s %s\n", indent, "", name, value);
}

void
notice_facts(GString *out, int indent, const struct job *held,
	     const struct held_view *view)
{
	g_autofree char *reason = held_one_line(job_held_for(held), 1000);
	g_autofree char *size = g_format_size_full(view->post->size,
						   G_FORMAT_SIZE_IEC_UNITS);
	g_autofree char *expires = held_time_text(held->due_ms / 1000);
	char id[POST_ID_TEXT + 1];

	post_id_text(&held->id, id);
	fact(out, indent, "Author:", view->author[0] != '\0' ? view->author :
	     "(none)");
	fact(out, indent, "", held_verified_text(view->evidence));
	fact(out, indent, "Subject:", held_view_subject(view));
	fact(out, indent, "Held for:", reason[0] != '\0' ? reason :
	     "(no reason was given)");
	fact(out, indent, "Size:", size);
	fact(out, indent, "Expires:", expires);
	fact(out, indent, "Id:", id);
}

static void
add_beginning(GString *out, const struct held_view *view)
{
	g_auto(GStrv) lines = held_view_lines(view);

	if (lines[0] == NULL)
		return;
	g_string_append(out, "\nIt begins:\n\n");
	for (char **line = lines; *line != NULL; line++)
		g_string_append_printf(out, "  | %s\n", *line);
}

static void
add_way(GString *out, const struct held_key *key, const struct job *held,
	enum held_decision decision, const char *what, const char *query)
{
	g_autofree char *addr = notice_addr(key, held, decision);

	g_string_append_printf(out, "%s:\n  %s\n  <mailto:%s?subject=%s%s>\n"
			       "\n", what, addr, addr,
			       held_decision_name(decision), query);
}

static char *
notice_text(const struct held_key *key, const struct job *held,
	    const struct held_view *view)
{
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "A post to %s waits for your decision.\n"
			       "\n", held->list_addr);
	notice_facts(out, 0, held, view);
	add_beginning(out, view);
	g_string_append(out, "\nIf no moderator decides before it expires, "
			"it is discarded.\n\n"
			"To decide, send a mail from the address that got "
			"this notice to one of\nthese addresses. What the "
			"mail says does not matter.\n\n");
	add_way(out, key, held, HELD_APPROVE,
		"Approve: the post is sent to the list", "");
	add_way(out, key, held, HELD_REJECT, "Reject: the author is told, if "
		"it is verified who that is; a line\n\"Reason: ...\" in your "
		"mail tells why", "&body=Reason:%20");
	add_way(out, key, held, HELD_DISCARD,
		"Discard: nobody is told", "");
	add_way(out, key, held, HELD_ACCEPT, "Accept: approve it, and never "
		"hold posts of this author again", "");
	g_string_append(out, "Or answer this notice, with one of these four "
			"words as the first line:\napprove, reject, discard, "
			"accept. What follows \"reject\" is the reason.\n");
	return g_string_free(out, FALSE);
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
letter_of(const struct task *task)
{
	return (struct letter){
		.list = task->held->list,
		.list_addr = task->held->list_addr, .conf = task->conf,
	};
}

static enum err_code
send_notices(const struct task *task, char *const *to, struct err *err)
{
	g_autofree char *text = notice_text(task->key, task->held,
					    task->view);
	g_autofree char *reply_to = notice_addr(task->key, task->held,
						HELD_ASK);
	g_autofree char *name = list_name(task->held->list_addr);
	g_autofree char *subject = NULL, *what = NULL;
	struct letter letter = letter_of(task);
	char post[POST_ID_TEXT + 1];
	enum err_code rc = ERR_OK;

	subject = g_strdup_printf("Held for %s: %s", name,
				  held_view_subject(task->view));
	post_id_text(&task->held->post, post);
	what = g_strdup_printf("notice of held post %s", post);
	letter.subject = subject;
	letter.text = text;
	letter.reply_to = reply_to;
	letter.about = task->view;
	for (; *to != NULL && rc == ERR_OK; to++) {
		letter.to = *to;
		rc = letter_send(task->txn, task->settings, &letter, what,
				 err);
	}
	return rc;
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
			    NOTICES_MOST, task->now_ms, &allowed, err);
	if (rc == ERR_OK && !allowed)
		rc = digest_ensure(task->txn, task->held->list,
				   task->held->list_addr, true, task->now_ms,
				   err);
	if (rc == ERR_OK && !allowed)
		return trace(task, err, "too many are held for a notice "
			     "each; one about all follows", "");
	if (rc == ERR_OK)
		rc = send_notices(task, to, err);
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

static char *
waiting_text(const struct task *task)
{
	g_autofree char *expires = held_time_text(task->held->due_ms / 1000);

	return g_strdup_printf(
		"Your post to %s waits for a moderator.\n\n"
		"Subject:   %s\n\n"
		"You need not do anything. If nobody has decided by %s,\n"
		"it is discarded.\n", task->held->list_addr,
		held_view_subject(task->view), expires);
}

static enum err_code
tell_author(const struct task *task, struct err *err)
{
	g_autofree char *subject = NULL, *text = NULL;
	struct letter letter = letter_of(task);
	const char *why = NULL;
	enum err_code rc;

	if (!task->conf->held_notice)
		return ERR_OK;
	subject = g_strdup_printf("Your post to %s waits for a moderator: "
				  "%s", task->held->list_addr,
				  held_view_subject(task->view));
	text = waiting_text(task);
	letter.subject = subject;
	letter.text = text;
	rc = letter_to_author(task->txn, task->settings, &letter, task->view,
			      "that a post is held", task->now_ms, &why,
			      err);
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
