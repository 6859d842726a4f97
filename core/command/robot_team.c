/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/robot_inside.h"
#include "db/auto.h"
#include "core/base/banned.h"

/* What owners and moderators ask; whether it is one, robot.c has seen to. */

#define HELD_MOST 50		/* posts that are listed */

/* --- posts that wait ---------------------------------------------------- */

static void
append_lines(GString *out, char *const *lines)
{
	for (; *lines != NULL; lines++)
		g_string_append_printf(out, "    %s\n", *lines);
}

/* The fields as a mail has them: they need no translation. */
static enum err_code
describe(struct robot *robot, const struct job *held, bool full,
	 GString *out, struct err *err)
{
	struct held_view view;
	char id[POST_ID_TEXT + 1];
	bool found;
	enum err_code rc = held_view_load(robot->txn, &held->post, &view,
					  &found, err);

	if (rc != ERR_OK || !found)
		return rc;
	post_id_text(&held->id, id);
	g_string_append_printf(out, "%s\n    From: %s\n    Subject: %s\n"
			       "    (%s)\n", id, held_author(held, &view),
			       view.subject, held->reason);
	if (full) {
		g_auto(GStrv) lines = held_view_lines(&view);

		g_string_append_c(out, '\n');
		append_lines(out, lines);
	}
	held_view_done(&view);
	return ERR_OK;
}

struct held_search {
	const struct robot *robot;
	const struct post_id *post;	/* NULL: all */
	GPtrArray *found;		/* of struct job */
	guint more;
};

static bool
visit_held(void *arg, const struct job *job)
{
	struct held_search *search = arg;

	if (job->list != search->robot->list->id ||
	    (search->post != NULL && !post_id_equal(&job->post, search->post)))
		return true;
	if (search->found->len < HELD_MOST)
		g_ptr_array_add(search->found, job_copy(job));
	else
		search->more++;
	return true;
}

static enum err_code
search_held(const struct robot *robot, const struct post_id *post,
	    struct held_search *out, struct err *err)
{
	*out = (struct held_search){ .robot = robot, .post = post };
	out->found = g_ptr_array_new_with_free_func(
		(GDestroyNotify)job_free);
	return queue_walk_in(robot->txn, STAGE_HELD, visit_held, out, err);
}

enum err_code
robot_held(struct robot *robot, const struct request *request, GString *out,
	   struct err *err)
{
	struct held_search search;
	enum err_code rc = search_held(robot, NULL, &search, err);

	(void) request;
	robot->out->done++;
	if (rc == ERR_OK && search.found->len == 0)
		rc = robot_say(robot, out, "held.none", NULL, NULL, err);
	for (guint i = 0; i < search.found->len && rc == ERR_OK; i++)
		rc = describe(robot, search.found->pdata[i], false, out, err);
	if (search.more > 0)
		g_string_append_printf(out, "... (%u)\n", search.more);
	g_ptr_array_unref(search.found);
	return rc;
}

/* By the job's id, or by the post's; *out NULL: it does not wait here. */
static enum err_code
find_held(const struct robot *robot, const char *text, struct job **out,
	  struct err *err)
{
	struct held_search search;
	struct post_id id;
	enum err_code rc;

	*out = NULL;
	if (!post_id_parse(text, &id))
		return ERR_OK;
	rc = queue_find(robot->txn, &id, out, err);
	if (rc == ERR_OK && *out != NULL && (*out)->stage == STAGE_HELD &&
	    (*out)->list == robot->list->id)
		return ERR_OK;
	job_free(*out);
	*out = NULL;
	if (rc == ERR_OK)
		rc = search_held(robot, &id, &search, err);
	else
		return rc;
	if (rc == ERR_OK && search.found->len > 0) {
		const struct job *found = search.found->pdata[0];

		rc = queue_find(robot->txn, &found->id, out, err);
	}
	g_ptr_array_unref(search.found);
	return rc;
}

static enum err_code
show_one(struct robot *robot, const char *id, GString *out, struct err *err)
{
	struct job *held;
	enum err_code rc = find_held(robot, id, &held, err);

	if (rc == ERR_OK)
		rc = held != NULL ? describe(robot, held, true, out, err) :
			robot_say(robot, out, "held.unknown", id, NULL, err);
	job_free(held);
	return rc;
}

enum err_code
robot_show_held(struct robot *robot, const struct request *request,
		GString *out, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (!robot->is_team)
		return robot_say(robot, out, "not.team", NULL, NULL, err);
	robot->out->done++;
	for (char **id = request->words; *id != NULL && rc == ERR_OK; id++)
		rc = show_one(robot, *id, out, err);
	return rc;
}

/* --- deciding ----------------------------------------------------------- */

static enum held_decision
decision_of(const struct request *request)
{
	switch (request->verb) {
	case REQUEST_APPROVE:
		return HELD_APPROVE;
	case REQUEST_ACCEPT:
		return HELD_ACCEPT;
	case REQUEST_REJECT:
		return HELD_REJECT;
	default:
		return HELD_DISCARD;
	}
}

static enum err_code
say_decided(struct robot *robot, const struct held_result *result,
	    const char *id, GString *out, struct err *err)
{
	static const char *const flags[] = {
		[HELD_APPROVE] = "held.approved",
		[HELD_REJECT] = "held.rejected",
		[HELD_DISCARD] = "held.discarded",
		[HELD_ACCEPT] = "held.accepted",
	};

	if (result->outcome == HELD_IMPOSSIBLE)
		return robot_say(robot, out, "held.impossible", id,
				 result->why, err);
	if (result->outcome != HELD_DONE)
		return robot_say(robot, out, "held.unknown", id, NULL, err);
	robot->out->done++;
	return robot_say(robot, out, flags[result->decision], id, NULL, err);
}

static enum err_code
decide_one(struct robot *robot, const struct request *request, const char *id,
	   GString *out, struct err *err)
{
	g_autofree char *who = g_strdup_printf("%s, by mail",
					       robot->verified);
	const struct held_act act = {
		.decision = decision_of(request), .who = who,
		.reason = request->value, .now_ms = robot->with->now_ms,
		.verp = robot->with->verp,
	};
	struct held_result result = { .outcome = HELD_DECIDED };
	struct job *held;
	enum err_code rc = find_held(robot, id, &held, err);

	if (rc == ERR_OK && held != NULL)
		rc = held_decide(robot->txn, robot->with->settings, held,
				 &act, &result, err);
	job_free(held);
	return rc == ERR_OK ? say_decided(robot, &result, id, out, err) : rc;
}

enum err_code
robot_decide(struct robot *robot, const struct request *request, GString *out,
	     struct err *err)
{
	enum err_code rc = ERR_OK;

	for (char **id = request->words; *id != NULL && rc == ERR_OK; id++)
		rc = decide_one(robot, request, *id, out, err);
	return rc;
}

/* --- people ------------------------------------------------------------- */

static enum err_code
act_on(struct robot *robot, const struct request *request,
       const struct asker *asker, struct subscription_result *result,
       struct err *err)
{
	const struct subscription_with with = robot_subscription(robot);
	enum subscription_letter letter = request->quiet ? LETTER_NOT :
		LETTER_AS_LIST;
	const struct join_options options = {
		.delivery = DELIVERY_ON, .welcome = letter,
	};

	if (request->verb == REQUEST_INVITE)
		return subscription_invite(robot->txn, &with, robot->list,
					   robot->conf, asker, result, err);
	if (request->verb == REQUEST_REMOVE)
		return subscription_leave(robot->txn, &with, robot->list,
					  robot->conf, asker, letter, result,
					  err);
	return subscription_join(robot->txn, &with, robot->list, robot->conf,
				 asker, &options, result, err);
}

/* Said of others: "he has been added", not "you have joined" */
static enum err_code
say_person(struct robot *robot, const struct subscription_result *result,
	   const char *addr, GString *out, struct err *err)
{
	const char *flag = result->act == SUB_LEAVE ? "removed" : "added";

	if (result->outcome == SUB_NOT_MEMBER)
		return robot_say(robot, out, "removed.not", addr, NULL, err);
	if (result->outcome == SUB_ALREADY && result->act != SUB_INVITE)
		return robot_say(robot, out, "added.already", addr, NULL,
				 err);
	if (result->outcome != SUB_DONE && result->outcome != SUB_RETURNED)
		return robot_outcome(robot, out, result, err);
	robot->out->done++;
	return robot_say(robot, out, flag, addr, NULL, err);
}

static enum err_code
one_person(struct robot *robot, const struct request *request,
	   const char *given, GString *out, struct err *err)
{
	g_autofree char *addr = addr_canon(given);
	g_autofree char *who = g_strdup_printf("%s, by mail",
					       robot->verified);
	struct subscription_result result;
	struct asker asker;
	enum err_code rc;

	if (addr == NULL)
		return robot_say(robot, out, "wrong", given,
				 request_kind_of(request->verb)->usage, err);
	asker = robot_asker(robot, addr, given);
	asker.name = request->name;
	asker.is_verified = false;
	asker.is_authority = true;
	asker.who = who;
	rc = act_on(robot, request, &asker, &result, err);
	return rc == ERR_OK ? say_person(robot, &result, addr, out, err) : rc;
}

enum err_code
robot_people(struct robot *robot, const struct request *request, GString *out,
	     struct err *err)
{
	enum err_code rc = ERR_OK;

	for (char **addr = request->words; *addr != NULL && rc == ERR_OK;
	     addr++)
		rc = one_person(robot, request, *addr, out, err);
	return rc;
}

/* --- bounces ------------------------------------------------------------ */

enum err_code
robot_bounces(struct robot *robot, const struct request *request,
	      GString *out, struct err *err)
{
	const struct robot_roster *roster = robot->roster;

	(void) request;
	robot->out->done++;
	if (roster == NULL)
		return ERR_OK;	/* nobody is answered */
	g_string_append(out, roster->bouncing->str);
	return roster->bouncing_count > 0 ? ERR_OK :
		robot_say(robot, out, "bounces.none", NULL, NULL, err);
}
