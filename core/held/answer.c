/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/held/author.h"
#include "core/held/inside.h"
#include "core/letter/plain.h"
#include "core/mail/automatic.h"
#include "core/mail/content.h"
#include "db/post.h"
#include "core/base/banned.h"

/*
 * Mail of a moderator to one of our signed addresses. The address alone says
 * what is to be done, but for the one that answers to a notice go to: there
 * it must be said in words, since answers are also made without thinking,
 * and by machines.
 */

#define LINES_MAX 40		/* of the text that are looked at */
#define REASON_MAX 1000		/* bytes */

/* --- what it says ------------------------------------------------------- */

/* "Approve!", "reject: we had that before": the word, and what follows. */
static bool
read_word(const char *line, enum held_decision *decision, const char **rest)
{
	for (int i = HELD_APPROVE; i < HELD_ASK; i++) {
		const char *word = held_decision_name((enum held_decision)i);
		size_t len = strlen(word);

		if (g_ascii_strncasecmp(line, word, len) != 0 ||
		    g_ascii_isalnum(line[len]) || line[len] == '-' ||
		    line[len] == '_' || (line[len] & 0x80) != 0)
			continue;
		*decision = (enum held_decision)i;
		*rest = line + len + strspn(line + len, " \t:,.!-");
		return true;
	}
	return false;
}

static bool
ends_text(const char *line)
{
	return line[0] == '>' || strcmp(line, "--") == 0;
}

/* A reason goes to the end of its paragraph: mail readers break lines. */
static void
read_reason(char *const *lines, const char *first, GString *out)
{
	g_string_assign(out, first);
	for (; *lines != NULL && out->len < REASON_MAX; lines++) {
		if (*lines[0] == '\0' || ends_text(*lines))
			break;
		g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "",
				       *lines);
	}
}

/* "Reason: ...", anywhere before what is quoted. */
static void
find_reason(char *const *lines, GString *out)
{
	static const char name[] = "reason:";

	for (; *lines != NULL && !ends_text(*lines); lines++)
		if (g_ascii_strncasecmp(*lines, name, strlen(name)) == 0) {
			g_autofree char *first = g_strstrip(g_strdup(
				*lines + strlen(name)));

			read_reason(lines + 1, first, out);
			return;
		}
}

static char **
lines_of(const char *text)
{
	char **lines = g_strsplit(text, "\n", LINES_MAX);
	guint count = g_strv_length(lines);

	/* the last one holds all the rest */
	if (count == LINES_MAX) {
		g_free(lines[count - 1]);
		lines[count - 1] = NULL;
	}
	for (char **line = lines; *line != NULL; line++)
		g_strstrip(*line);
	return lines;
}

bool
answer_read(enum held_decision token, const char *text, struct answer *out)
{
	g_autoptr(GString) reason = g_string_new(NULL);
	g_auto(GStrv) lines = lines_of(text);
	char **line = lines;
	const char *rest = "";

	out->decision = token;
	while (*line != NULL && *line[0] == '\0')
		line++;
	if (token == HELD_ASK) {
		if (*line == NULL ||
		    !read_word(*line, &out->decision, &rest))
			return false;
		line++;
	}
	if (rest[0] != '\0')
		read_reason(line, rest, reason);
	else
		find_reason(line, reason);
	out->reason = plain_line(reason->str, REASON_MAX);
	return true;
}

/* --- doing it ----------------------------------------------------------- */

struct task {
	struct txn *txn;
	const struct settings *settings;
	const struct held_key *key;
	const struct job *job;
	const struct list *list;
	int64_t now_ms;
	struct held_view mail;		/* the moderator's */
	char *text;
};

static enum err_code
decide(struct task *task, const struct job *held, enum held_decision token,
       struct held_result *out, struct err *err)
{
	g_autofree char *who = g_strdup_printf("%s, by mail",
					       task->mail.evidence->author);
	struct answer answer = { 0 };
	struct held_act act = {
		.who = who, .now_ms = task->now_ms,
		.verp = held_key_verp(task->key),
	};
	enum err_code rc;

	if (!answer_read(token, task->text, &answer)) {
		out->outcome = HELD_NOT_UNDERSTOOD;
		return ERR_OK;
	}
	act.decision = answer.decision;
	act.reason = answer.reason;
	rc = held_decide(task->txn, task->settings, held, &act, out, err);
	g_free(answer.reason);
	return rc;
}

static enum err_code
act(struct task *task, struct held_result *out, struct err *err)
{
	const struct held_view *mail = &task->mail;
	struct authority authority = { 0 };
	gsize len;
	const char *bytes = g_bytes_get_data(mail->head, &len);
	enum err_code rc;

	if (bytes == NULL ||
	    automatic_kind(mail->post->sender, &mail->header,
			   bytes + mail->body_at, len - mail->body_at) !=
	    AUTOMATIC_NO) {
		out->outcome = HELD_AUTOMATIC;
		return ERR_OK;
	}
	rc = held_authorise(task->txn, task->key, task->list,
			    task->job->detail, mail->evidence->author,
			    &authority, err);
	if (rc != ERR_OK)
		return rc;
	out->outcome = authority.outcome;
	task->text = content_text(&mail->header, bytes + mail->body_at,
				  len - mail->body_at);
	if (authority.outcome == HELD_DONE)
		rc = decide(task, authority.held, authority.decision, out,
			    err);
	job_free(authority.held);
	return rc;
}

/* --- and what is said about it ------------------------------------------ */

static const char *
flag(bool holds)
{
	return holds ? "yes" : "";
}

/* The rest was said in the SMTP reply, or to nobody. */
static bool
is_worth_a_letter(enum held_outcome outcome)
{
	return outcome == HELD_DECIDED || outcome == HELD_NOT_UNDERSTOOD ||
		outcome == HELD_IMPOSSIBLE;
}

static enum err_code
complain(struct task *task, const struct held_result *result,
	 struct err *err)
{
	const enum held_outcome outcome = result->outcome;
	const struct letter_field fields[] = {
		{ "subject", task->mail.subject },
		{ "decided", flag(outcome == HELD_DECIDED) },
		{ "not.understood", flag(outcome == HELD_NOT_UNDERSTOOD) },
		{ "reason", outcome == HELD_IMPOSSIBLE ? result->why : "" },
		{ 0 },
	};
	g_autoptr(held_conf_t) conf = NULL;
	struct letter letter = {
		.list = task->job->list, .list_addr = task->job->list_addr,
		.template = "held-not-done", .fields = fields,
	};
	const char *why;
	enum err_code rc;

	if (!is_worth_a_letter(outcome))
		return ERR_OK;
	rc = list_conf_load(task->txn, task->job->list_addr, &conf, err);
	if (rc != ERR_OK)
		return rc;
	letter.conf = conf;
	return author_tell(task->txn, task->settings, &letter, &task->mail,
			   "answer to a moderator", task->now_ms, &why, err);
}

static enum err_code
tell(struct task *task, const struct held_result *result, struct err *err)
{
	static const char *const words[] = {
		[HELD_DECIDED] = "that post has been decided about already, "
			"or has expired",
		[HELD_IMPOSSIBLE] = "not possible",
		[HELD_NO_TOKEN] = "the address is not one of ours",
		[HELD_NOT_VERIFIED] = "it is not verified who wrote this",
		[HELD_NOT_MODERATOR] = "not by a moderator",
		[HELD_NOT_UNDERSTOOD] = "its first line does not say what is "
			"to be done",
		[HELD_AUTOMATIC] = "automatic mail decides nothing",
	};
	char post[POST_ID_TEXT + 1];

	if (result->outcome != HELD_DONE)
		return trace_add(task->txn, &task->job->post, HELD_STAGE,
				 task->job->list_addr, err, "about a held "
				 "post, nothing done: %s",
				 words[result->outcome]);
	post_id_text(&result->post, post);
	return trace_add(task->txn, &task->job->post, HELD_STAGE,
			 task->job->list_addr, err, "%s held post %s: done",
			 held_decision_name(result->decision), post);
}

static enum err_code
run_answer(struct task *task, struct held_result *out, struct err *err)
{
	bool found;
	enum err_code rc = held_view_load(task->txn, &task->job->post,
					  &task->mail, &found, err);

	if (rc != ERR_OK || !found)
		return rc;
	rc = act(task, out, err);
	if (rc == ERR_OK)
		rc = complain(task, out, err);
	if (rc == ERR_OK)
		rc = tell(task, out, err);
	held_view_done(&task->mail);
	g_free(task->text);
	return rc;
}

enum err_code
held_answer_run(struct txn *txn, const struct settings *settings,
		const struct held_key *key, const struct job *job,
		int64_t now_ms, struct held_result *out, struct err *err)
{
	g_autoptr(held_list_t) list = NULL;
	struct task task = {
		.txn = txn, .settings = settings, .key = key, .job = job,
		.now_ms = now_ms,
	};
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	*out = (struct held_result){ .outcome = HELD_DECIDED };
	if (rc != ERR_OK || !taken)
		return rc;
	rc = list_by_id(txn, job->list, &list, err);
	task.list = list;
	if (rc == ERR_OK && list != NULL)
		rc = run_answer(&task, out, err);
	return rc == ERR_OK ? post_release(txn, &job->post, 1, err) : rc;
}
