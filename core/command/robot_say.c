/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/robot_inside.h"
#include "core/base/banned.h"

/*
 * What is said: in the language of the one who asked, so all of it stands in
 * templates, and what came of a command is a flag of one of them.
 */

static struct letter
letter_of(const struct robot *robot, const char *template,
	  const struct letter_field *fields)
{
	return (struct letter){
		.list = robot->list->id,
		.list_addr = robot->list->addr,
		.conf = robot->conf,
		.to = robot->verified,
		.template = template,
		.language = robot->member != NULL ? robot->member->language :
			NULL,
		.fields = fields,
		.answers = robot->mail.post->message_id,
		.sender = LETTER_NULL,
	};
}

static enum err_code
fill(const struct robot *robot, const char *template,
     const struct letter_field *fields, GString *out, struct err *err)
{
	struct letter letter = letter_of(robot, template, fields);
	g_autofree char *subject = NULL, *body = NULL;
	enum err_code rc = letter_fill(robot->txn, &letter, &subject, &body,
				       NULL, err);

	if (rc == ERR_OK)
		g_string_append(out, body);
	return rc;
}

enum err_code
robot_say(struct robot *robot, GString *out, const char *flag,
	  const char *value, const char *other, struct err *err)
{
	const struct letter_field fields[] = {
		{ flag, "yes" }, { "value", value }, { "other", other },
		{ NULL, NULL },
	};

	if (!robot->may_answer)
		return ERR_OK;
	return fill(robot, "command-outcome", fields, out, err);
}

enum err_code
robot_answer(struct robot *robot, const char *template,
	     const struct letter_field *fields, struct err *err)
{
	struct letter letter = letter_of(robot, template, fields);
	enum err_code rc;

	if (!robot->may_answer)
		return ERR_OK;
	rc = letter_send(robot->txn, robot->with->settings, &letter,
			 "answer to a command", NULL, err);
	if (rc == ERR_OK)
		robot->sent = robot->out->answered = true;
	return rc;
}

enum err_code
robot_text(struct robot *robot, GString *out, const char *template,
	   const struct letter_field *fields, struct err *err)
{
	if (!robot->may_answer)
		return ERR_OK;
	if (robot->is_single)
		return robot_answer(robot, template, fields, err);
	return fill(robot, template, fields, out, err);
}

/* --- what became of a subscription -------------------------------------- */

static const char *
done_flag(enum subscription_act act)
{
	switch (act) {
	case SUB_LEAVE:
		return "left";
	case SUB_SET:
		return "set";
	case SUB_MOVE:
		return "moved";
	case SUB_INVITE:
	case SUB_JOIN:
	case SUB_NONE:
		break;
	}
	return "joined";
}

static const char *
already_flag(enum subscription_act act)
{
	if (act == SUB_SET)
		return "set.already";
	return act == SUB_INVITE ? "invited.already" : "member.already";
}

static const char *
outcome_flag(const struct subscription_result *result)
{
	switch (result->outcome) {
	case SUB_DONE:
		return done_flag(result->act);
	case SUB_RETURNED:
		return "returned";
	case SUB_CONFIRM:
		return result->act == SUB_INVITE ? "invited" : "confirm";
	case SUB_HELD:
		return "held";
	case SUB_ALREADY:
		return already_flag(result->act);
	case SUB_NOT_MEMBER:
		return "not.member";
	case SUB_BANNED:
		return "banned";
	case SUB_CLOSED:
		return "closed";
	case SUB_INVITE_ONLY:
		return "invite.only";
	case SUB_TOO_OFTEN:
		return "too.often";
	case SUB_BAD_TOKEN:
		return "bad.token";
	case SUB_NOT_ALLOWED:
		return "not.allowed";
	case SUB_BAD_VALUE:
		return "bad.value";
	case SUB_AUTOMATIC:
		break;
	}
	return "nothing";
}

/* Whom it is about; of a move the new one, and of what is to be confirmed
 * whoever was asked */
static const char *
outcome_addr(const struct subscription_result *result)
{
	if (result->outcome == SUB_CONFIRM && result->asked[0] != '\0')
		return result->asked;
	return result->act == SUB_MOVE && result->other[0] != '\0'
		       ? result->other
		       : result->addr;
}

enum err_code
robot_outcome(struct robot *robot, GString *out,
	      const struct subscription_result *result, struct err *err)
{
	const char *value = result->why[0] != '\0' ? result->why
						    : outcome_addr(result);

	if (result->outcome == SUB_DONE || result->outcome == SUB_RETURNED ||
	    result->outcome == SUB_CONFIRM || result->outcome == SUB_HELD)
		robot->out->done++;
	return robot_say(robot, out, outcome_flag(result), value, NULL, err);
}
