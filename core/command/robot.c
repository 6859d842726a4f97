/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/robot.h"

#include <string.h>

#include "core/command/door.h"
#include "core/command/robot_inside.h"
#include "core/held/author.h"
#include "core/mail/automatic.h"
#include "core/mail/content.h"
#include "db/post.h"
#include "core/base/banned.h"

#define STAGE "command"			/* in the trace */
#define ANSWERS_MOST 20			/* to one author, in */
#define ANSWERS_S 3600
#define IDLE_MOST 6			/* of those that say no more than */
#define IDLE_S 86400			/* what is no command, in */

/* The gate has looked at the same bytes. */
G_STATIC_ASSERT(REQUEST_BYTES_MAX == POST_HEAD_MAX);

bool
robot_takes(const struct job *job)
{
	switch (job->role) {
	case ROLE_REQUEST:
	case ROLE_JOIN:
	case ROLE_LEAVE:
	case ROLE_CONFIRM:
		return true;
	default:
		return job->stage == STAGE_COMMAND;
	}
}

static enum err_code
note(const struct robot *robot, struct err *err, const char *what,
     const char *came)
{
	return trace_add(robot->txn, &robot->job->post, STAGE,
			 robot->list->addr, err, "%s: %s", what, came);
}

/* --- one command -------------------------------------------------------- */

static const robot_fn commands[REQUEST_VERBS] = {
	[REQUEST_HELP] = robot_help,
	[REQUEST_INFO] = robot_info,
	[REQUEST_SUBSCRIBE] = robot_subscribe,
	[REQUEST_UNSUBSCRIBE] = robot_unsubscribe,
	[REQUEST_SET] = robot_set,
	[REQUEST_SHOW] = robot_show,
	[REQUEST_WHICH] = robot_which,
	[REQUEST_WHO] = robot_who,
	[REQUEST_GET] = robot_get,
	[REQUEST_CONFIRM] = robot_confirm,
	[REQUEST_MOVE] = robot_move,
	[REQUEST_PASSWORD] = robot_password,
	[REQUEST_HELD] = robot_held,
	[REQUEST_APPROVE] = robot_decide,
	[REQUEST_ACCEPT] = robot_decide,
	[REQUEST_REJECT] = robot_decide,
	[REQUEST_DISCARD] = robot_decide,
	[REQUEST_INVITE] = robot_people,
	[REQUEST_ADD] = robot_people,
	[REQUEST_REMOVE] = robot_people,
	[REQUEST_BOUNCES] = robot_bounces,
};

static enum err_code
say_fault(struct robot *robot, const struct request *request, GString *out,
	  struct err *err)
{
	const struct request_kind *kind = request_kind_of(request->verb);
	g_autofree char *usage = kind != NULL ?
		g_strdup_printf("%s %s", kind->name, kind->usage) : NULL;

	switch (request->fault) {
	case REQUEST_INCOMPLETE:
		return robot_say(robot, out, "incomplete", usage, NULL, err);
	case REQUEST_WRONG:
		return robot_say(robot, out, "wrong", request->what, usage,
				 err);
	case REQUEST_OTHER_LIST:
		return robot_say(robot, out, "other.list", request->what,
				 NULL, err);
	default:
		return robot_say(robot, out, "unknown", NULL, NULL, err);
	}
}

/* Nothing is told to whom nobody knows, and nothing done for him but what
 * his address confirms. */
static bool
is_for(const struct robot *robot, const struct request *request)
{
	const struct request_kind *kind = request_kind_of(request->verb);

	return kind->whom == REQUEST_FOR_ALL || robot->verified[0] != '\0';
}

static enum err_code
run_one(struct robot *robot, const struct request *request, GString *out,
	struct err *err)
{
	const struct request_kind *kind = request_kind_of(request->verb);

	if (request->fault != REQUEST_FINE)
		return say_fault(robot, request, out, err);
	robot->out->commands++;
	if (!is_for(robot, request))
		return ERR_OK;
	if (kind->whom == REQUEST_FOR_TEAM && !robot->is_team)
		return robot_say(robot, out, "not.team", NULL, NULL, err);
	return commands[request->verb](robot, request, out, err);
}

/* The line as it was written, and below it what came of it */
static enum err_code
run_line(struct robot *robot, const struct request *request, GString *results,
	 struct err *err)
{
	const struct request_kind *kind = request_kind_of(request->verb);
	unsigned int done = robot->out->done;
	enum err_code rc;

	g_string_append_printf(results, "%s> %s\n", results->len > 0 ? "\n" :
			       "", request->line);
	rc = run_one(robot, request, results, err);
	if (rc != ERR_OK)
		return rc;
	return note(robot, err, kind != NULL ? kind->name : "not a command",
		    request->fault != REQUEST_FINE ? "not understood" :
		    robot->out->done > done ? "done" :
		    is_for(robot, request) ? "not done" :
		    "not done: nobody is verified");
}

/* --- a mail to LIST-request --------------------------------------------- */

/*
 * A mail of which nothing was understood may be of a machine that answers all
 * that it gets, and does not say so. A person learns from the first answer.
 */
static enum err_code
judge_idle(struct robot *robot, struct err *err)
{
	bool allowed = false;
	enum err_code rc;

	if (!robot->may_answer || robot->sent)
		return ERR_OK;
	rc = letter_allowed(robot->txn, "command idle", robot->verified,
			    IDLE_MOST, IDLE_S, robot->with->now_ms, &allowed,
			    err);
	if (rc != ERR_OK || allowed)
		return rc;
	robot->may_answer = false;
	return note(robot, err, "not answered", "its author has been told "
		    "often enough what a command is");
}

static enum err_code
send_results(struct robot *robot, const struct requests *requests,
	     GString *results, struct err *err)
{
	g_autofree char *ignored = requests->more == 0 ? g_strdup("") :
		g_strdup_printf("%u", requests->more);
	enum err_code rc = ERR_OK;

	if (robot->out->commands == 0)
		rc = judge_idle(robot, err);
	if (rc != ERR_OK || robot->sent || !robot->may_answer)
		return rc;
	if (requests->has_rest) {
		g_string_append_c(results, '\n');
		rc = robot_say(robot, results, "rest", NULL, NULL, err);
	}
	if (rc != ERR_OK)
		return rc;
	return robot_answer(robot, "command-results",
			    (const struct letter_field[]){
				{ "results", results->str },
				{ "ignored", ignored }, { NULL, NULL } },
			    err);
}

static bool
asks_roster(const struct requests *requests)
{
	for (guint i = 0; i < requests->all->len; i++) {
		const struct request *request = requests->all->pdata[i];

		if (request->verb == REQUEST_WHO ||
		    request->verb == REQUEST_INFO ||
		    request->verb == REQUEST_BOUNCES)
			return true;
	}
	return false;
}

static enum err_code
run_all(struct robot *robot, const struct requests *requests, struct err *err)
{
	g_autoptr(GString) results = g_string_new(NULL);
	enum err_code rc = ERR_OK;

	if (robot->may_answer && asks_roster(requests))
		rc = robot_roster_read(robot, err);

	robot->is_single = requests->all->len == 1 && requests->more == 0 &&
		!requests->has_rest;
	for (guint i = 0; i < requests->all->len && rc == ERR_OK; i++)
		rc = run_line(robot, requests->all->pdata[i], results, err);
	return rc == ERR_OK ? send_results(robot, requests, results, err) :
		rc;
}

/* Nothing asked, everything told. */
static enum err_code
run_empty(struct robot *robot, struct err *err)
{
	g_autoptr(GString) out = g_string_new(NULL);
	enum err_code rc = judge_idle(robot, err);

	robot->is_single = true;
	if (rc == ERR_OK)
		rc = robot_help(robot, NULL, out, err);
	return rc == ERR_OK ? note(robot, err, "no command", "help") : rc;
}

static enum err_code
run_request(struct robot *robot, struct err *err)
{
	const struct held_view *mail = &robot->mail;
	gsize len;
	const char *bytes = g_bytes_get_data(mail->head, &len);
	struct requests *requests;
	enum err_code rc;

	if (bytes == NULL)
		return ERR_OK;
	requests = requests_of_post(robot->list->addr, &mail->header,
				    bytes + mail->body_at,
				    len - mail->body_at,
				    (unsigned int)robot->conf->commands_most);
	rc = requests->all->len == 0 ? run_empty(robot, err) :
		run_all(robot, requests, err);
	requests_free(requests);
	return rc;
}

/* --- mail to the other addresses ---------------------------------------- */

static enum err_code
run_leave_token(struct robot *robot, struct err *err)
{
	const struct subscription_with with = robot_subscription(robot);
	struct subscription_result result;
	enum err_code rc = subscription_leave_by_token(
		robot->txn, &with, robot->list, robot->conf,
		robot->job->detail, "by mail to the address in a post",
		&robot->job->post, &result, err);

	if (rc != ERR_OK)
		return rc;
	robot->out->commands++;
	robot->out->done += result.outcome == SUB_DONE;
	return note(robot, err, "leave by token",
		    subscription_outcome_name(result.outcome));
}

/* Where somebody joins, leaves or confirms there is a letter about it; it is
 * when nothing happens that he must be told here. */
static enum err_code
run_word(struct robot *robot, enum request_verb verb, const char *value,
	 struct err *err)
{
	g_autoptr(GString) results = g_string_new(NULL);
	const struct request_kind *kind = request_kind_of(verb);
	char empty[] = "", *none[] = { NULL };
	struct request request = {
		.verb = verb, .line = (char *)(uintptr_t)kind->name,
		.value = (char *)(uintptr_t)value, .addr = empty,
		.given = empty, .name = empty, .words = none,
		.what = empty,
	};
	enum err_code rc = run_line(robot, &request, results, err);

	if (rc != ERR_OK || robot->out->done > 0 || !robot->may_answer)
		return rc;
	return robot_answer(robot, "command-results",
			    (const struct letter_field[]){
				{ "results", results->str }, { NULL, NULL } },
			    err);
}

static enum err_code
run_misdirected(struct robot *robot, struct err *err)
{
	g_autofree char *leave = robot_leave_addr(robot);
	enum err_code rc = robot_answer(robot, "misdirected",
			(const struct letter_field[]){
				{ "subject", robot->mail.subject },
				{ "leave.address", leave }, { NULL, NULL } },
			err);

	return rc == ERR_OK ? note(robot, err, "a command that was sent to "
				   "the list", robot->sent ? "its author is "
				   "told what to do" : "its author is not "
				   "told") : rc;
}

static enum err_code
run_role(struct robot *robot, struct err *err)
{
	switch (robot->job->role) {
	case ROLE_REQUEST:
		return run_request(robot, err);
	case ROLE_JOIN:
		return run_word(robot, REQUEST_SUBSCRIBE, "", err);
	case ROLE_LEAVE:
		return robot->job->detail[0] != '\0' ?
			run_leave_token(robot, err) :
			run_word(robot, REQUEST_UNSUBSCRIBE, "", err);
	case ROLE_CONFIRM:
		return run_word(robot, REQUEST_CONFIRM, robot->job->detail,
				err);
	default:
		return run_misdirected(robot, err);
	}
}

/* --- who asks ----------------------------------------------------------- */

static bool
is_automatic(const struct held_view *mail)
{
	gsize len;
	const char *bytes = g_bytes_get_data(mail->head, &len);

	return bytes == NULL || mail->post->sender[0] == '\0' ||
		automatic_kind(mail->post->sender, &mail->header,
			       bytes + mail->body_at, len - mail->body_at) !=
		AUTOMATIC_NO;
}

static enum err_code
judge_answer(struct robot *robot, struct err *err)
{
	const char *why = author_why_not(&robot->mail);
	bool allowed = false;
	enum err_code rc = ERR_OK;

	if (why == NULL)
		rc = letter_allowed(robot->txn, "command", robot->verified,
				    ANSWERS_MOST, ANSWERS_S,
				    robot->with->now_ms, &allowed, err);
	if (rc != ERR_OK)
		return rc;
	robot->may_answer = allowed;
	if (why == NULL && !allowed)
		why = "its author was answered often enough lately";
	return why == NULL ? ERR_OK : note(robot, err, "not answered", why);
}

static char *
author_name(const struct held_view *mail)
{
	g_autoptr(GPtrArray) names = content_author_names(&mail->header);

	return g_strdup(names->len > 0 ? names->pdata[0] : "");
}

static enum err_code
know_author(struct robot *robot, struct err *err)
{
	const struct held_view *mail = &robot->mail;
	const struct door_author author = {
		.verified = mail->evidence->author,
		.from = mail->post->author,
	};
	const char *asker = door_asker(&author);
	enum err_code rc = ERR_OK;

	robot->verified = author.verified;
	robot->asker = asker != NULL ? asker : "";
	robot->name = author_name(mail);
	if (robot->verified[0] != '\0')
		rc = roster_find(robot->txn, robot->list->id, robot->verified,
				 &robot->member, err);
	robot->is_team = robot->verified[0] != '\0' &&
		(g_strv_contains((const char *const *)robot->conf->owners,
				 robot->verified) ||
		 g_strv_contains((const char *const *)robot->conf->moderators,
				 robot->verified));
	return rc;
}

/* --- the stage ---------------------------------------------------------- */

static enum err_code
run_known(struct robot *robot, struct err *err)
{
	enum err_code rc = know_author(robot, err);

	if (rc == ERR_OK)
		rc = judge_answer(robot, err);
	/* a token that somebody was given proves itself, by whatever hand */
	if (rc == ERR_OK && is_automatic(&robot->mail) &&
	    !(robot->job->role == ROLE_LEAVE &&
	      robot->job->detail[0] != '\0'))
		return note(robot, err, "nothing done", "it is automatic "
			    "mail");
	return rc == ERR_OK ? run_role(robot, err) : rc;
}

static enum err_code
run_mail(struct robot *robot, struct err *err)
{
	bool found;
	enum err_code rc = held_view_load(robot->txn, &robot->job->post,
					  &robot->mail, &found, err);

	if (rc != ERR_OK || !found)
		return rc;
	rc = run_known(robot, err);
	robot_roster_free(robot->roster);
	member_free(robot->member);
	g_free(robot->name);
	held_view_done(&robot->mail);
	return rc;
}

static enum err_code
run_list(struct robot *robot, struct err *err)
{
	struct list_conf *conf = NULL;
	enum err_code rc = list_conf_load(robot->txn, robot->list->addr,
					  &conf, err);

	robot->conf = conf;
	if (rc == ERR_OK)
		rc = run_mail(robot, err);
	list_conf_free(conf);
	return rc;
}

enum err_code
robot_run(struct txn *txn, const struct robot_with *with,
	  const struct job *job, struct robot_result *out, struct err *err)
{
	struct robot robot = {
		.txn = txn, .with = with, .job = job, .out = out,
	};
	struct list *list = NULL;
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	*out = (struct robot_result){ 0 };
	if (rc != ERR_OK || !taken)
		return rc;
	rc = list_by_id(txn, job->list, &list, err);
	robot.list = list;
	if (rc == ERR_OK && list != NULL)
		rc = run_list(&robot, err);
	else if (rc == ERR_OK)
		rc = trace_add(txn, &job->post, STAGE, job->list_addr, err,
			       "the list has been deleted; nothing done");
	list_free(list);
	return rc == ERR_OK ? post_release(txn, &job->post, 1, err) : rc;
}
