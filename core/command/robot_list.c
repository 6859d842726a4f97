/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/answers.h"
#include "core/command/robot_inside.h"
#include "core/base/banned.h"

/* What people ask about the list. */

enum err_code
robot_help(struct robot *robot, const struct request *request, GString *out,
	   struct err *err)
{
	(void) request;
	robot->out->done++;
	return robot_text(robot, out, "command-help",
			  (const struct letter_field[]){
				{ "moderator", robot->is_team ? "yes" : "" },
				{ NULL, NULL } }, err);
}

enum err_code
robot_password(struct robot *robot, const struct request *request,
	       GString *out, struct err *err)
{
	(void) request;
	robot->out->done++;
	return robot_say(robot, out, "no.password", NULL, NULL, err);
}

static bool
may_see_members(const struct robot *robot)
{
	switch (robot->conf->who) {
	case WHO_ALL:
		return true;
	case WHO_MEMBERS:
		return robot->is_team || robot->member != NULL;
	case WHO_OWNERS:
		break;
	}
	return robot->is_team;
}

static const char *
join_flag(const struct list_conf *conf)
{
	switch (conf->subscription) {
	case SUBSCRIPTION_OPEN:
		return "join.open";
	case SUBSCRIPTION_CONFIRM:
		return "join.confirm";
	case SUBSCRIPTION_MODERATED:
	case SUBSCRIPTION_BOTH:
		return "join.moderated";
	case SUBSCRIPTION_CLOSED:
		return "join.closed";
	case SUBSCRIPTION_INVITE:
		break;
	}
	return "join.invite";
}

enum err_code
robot_info(struct robot *robot, const struct request *request, GString *out,
	   struct err *err)
{
	g_autofree char *members = g_strdup("");

	(void) request;
	if (robot->roster != NULL && may_see_members(robot)) {
		g_free(members);
		members = g_strdup_printf("%" G_GUINT64_FORMAT,
					  robot->roster->count);
	}
	robot->out->done++;
	return robot_text(robot, out, "command-info",
			  (const struct letter_field[]){
				{ join_flag(robot->conf), "yes" },
				{ "members", members }, { NULL, NULL } },
			  err);
}

/* --- who ---------------------------------------------------------------- */

enum err_code
robot_who(struct robot *robot, const struct request *request, GString *out,
	  struct err *err)
{
	const struct robot_roster *roster = robot->roster;
	g_autofree char *count = NULL, *hidden = g_strdup("");

	(void) request;
	if (!may_see_members(robot))
		return robot_say(robot, out, robot->conf->who == WHO_MEMBERS ?
				 "who.members" : "who.owners", NULL, NULL,
				 err);
	robot->out->done++;
	if (roster == NULL)
		return ERR_OK;	/* nobody is answered */
	count = g_strdup_printf("%" G_GUINT64_FORMAT, roster->count);
	if (roster->hidden > 0) {
		g_free(hidden);
		hidden = g_strdup_printf("%" G_GUINT64_FORMAT,
					 roster->hidden);
	}
	if (roster->members->len == 0)
		return robot_say(robot, out, "nobody", hidden, NULL, err);
	return robot_text(robot, out, "command-who",
			  (const struct letter_field[]){
				{ "members", roster->members->str },
				{ "count", count }, { "hidden", hidden },
				{ NULL, NULL } }, err);
}

/* --- get ---------------------------------------------------------------- */

static enum err_code
get_policy(struct robot *robot, GString *out, struct err *err)
{
	g_autofree char *text = list_policy_text(robot->list->addr,
						 robot->conf);
	enum err_code rc = robot_say(robot, out, "policy", NULL, NULL, err);

	if (rc == ERR_OK && robot->may_answer)
		g_string_append_printf(out, "\n%s", text);
	return rc;
}

static enum err_code
get_welcome(struct robot *robot, GString *out, struct err *err)
{
	g_autofree char *leave = robot_leave_addr(robot);
	const struct member *member = robot->member;
	bool off = member != NULL && member->delivery == DELIVERY_OFF;
	bool digest = member != NULL &&
		(member->delivery == DELIVERY_DIGEST ||
		 member->delivery == DELIVERY_DIGEST_PLAIN);

	if (member == NULL)
		return robot_say(robot, out, "not.member", robot->verified,
				 NULL, err);
	return robot_text(robot, out, "join-welcome",
			  (const struct letter_field[]){
				{ "leave.address", leave },
				{ "delivery.off", off ? "yes" : "" },
				{ "delivery.digest", digest ? "yes" : "" },
				{ NULL, NULL } }, err);
}

enum err_code
robot_get(struct robot *robot, const struct request *request, GString *out,
	  struct err *err)
{
	robot->out->done++;
	if (strcmp(request->value, "policy") == 0)
		return get_policy(robot, out, err);
	if (strcmp(request->value, "welcome") == 0)
		return get_welcome(robot, out, err);
	return robot_archive(robot, request, out, err);
}
