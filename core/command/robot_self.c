/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/robot_inside.h"
#include "core/letter/plain.h"
#include "core/outbound/slot.h"
#include "db/auto.h"
#include "core/base/banned.h"

/* What people ask for themselves. */

struct subscription_with
robot_subscription(const struct robot *robot)
{
	return (struct subscription_with){
		.settings = robot->with->settings,
		.verp = robot->with->verp,
		.now_ms = robot->with->now_ms,
	};
}

struct asker
robot_asker(const struct robot *robot, const char *addr, const char *given)
{
	bool self = strcmp(addr, robot->asker) == 0;

	return (struct asker){
		.addr = addr,
		.given = given,
		.name = self ? robot->name : NULL,
		.is_verified = addr[0] != '\0' &&
			       strcmp(addr, robot->verified) == 0,
		.client = robot->mail.evidence->client,
		.message_id = robot->mail.post->message_id,
		.post = &robot->job->post,
	};
}

char *
robot_leave_addr(const struct robot *robot)
{
	uint8_t handle[MEMBER_HANDLE_LEN];
	char token[VERP_TOKEN_LEN + 1];
	g_autofree char *suffix = NULL;

	if (robot->member == NULL)
		return list_role_addr(robot->list->addr, "-leave");
	member_handle(robot->verified, handle);
	leave_token_make(robot->with->verp, robot->list->addr, handle,
			 robot->job->post.bytes, token);
	suffix = g_strconcat("-leave+", token, NULL);
	return list_role_addr(robot->list->addr, suffix);
}

/* The address that is named, or his own */
static struct asker
asker_of(const struct robot *robot, const struct request *request)
{
	if (request->addr[0] != '\0')
		return robot_asker(robot, request->addr, request->given);
	return robot_asker(robot, robot->asker, NULL);
}

enum err_code
robot_subscribe(struct robot *robot, const struct request *request,
		GString *out, struct err *err)
{
	const struct subscription_with with = robot_subscription(robot);
	struct asker asker = asker_of(robot, request);
	struct join_options options = { .delivery = DELIVERY_ON };
	struct subscription_result result;
	enum err_code rc;

	if (request->value[0] != '\0')
		(void) delivery_mode_of_name(request->value,
					     &options.delivery);
	if (request->name[0] != '\0')
		asker.name = request->name;
	rc = subscription_join(robot->txn, &with, robot->list, robot->conf,
			       &asker, &options, &result, err);
	return rc == ERR_OK ? robot_outcome(robot, out, &result, err) : rc;
}

enum err_code
robot_unsubscribe(struct robot *robot, const struct request *request,
		  GString *out, struct err *err)
{
	const struct subscription_with with = robot_subscription(robot);
	const struct asker asker = asker_of(robot, request);
	struct subscription_result result;
	enum err_code rc = subscription_leave(
		robot->txn, &with, robot->list, robot->conf, &asker,
		LETTER_AS_LIST, &result, err);

	return rc == ERR_OK ? robot_outcome(robot, out, &result, err) : rc;
}

/* --- settings ----------------------------------------------------------- */

enum err_code
robot_set(struct robot *robot, const struct request *request, GString *out,
	  struct err *err)
{
	const struct subscription_with with = robot_subscription(robot);
	const struct asker asker = asker_of(robot, request);
	const struct key *key = key_find(member_keys, request->key);
	struct subscription_result result = { .outcome = SUB_BAD_VALUE };
	g_autofree char *value = NULL;
	struct preference preference = { .key = key };
	struct err wrong = ERR_INIT;
	enum err_code rc;

	g_assert(key != NULL);
	if (key_check(key, request->value, &value, &wrong) != ERR_OK)
		return robot_say(robot, out, "bad.value", wrong.what, NULL,
				 err);
	preference.value = value;
	rc = subscription_set(robot->txn, &with, robot->list, robot->conf,
			      &asker, &preference, 1, &result, err);
	if (rc != ERR_OK)
		return rc;
	if (result.outcome != SUB_DONE)
		return robot_outcome(robot, out, &result, err);
	robot->out->done++;
	return robot_say(robot, out, "set", request->key, value, err);
}

static const char *
on_off(bool on)
{
	return on ? "on" : "off";
}

/* As "set" takes them */
static char *
settings_text(const struct member *member)
{
	static const char *const ways[] = {
		[DELIVERY_OFF] = "off", [DELIVERY_ON] = "on",
		[DELIVERY_DIGEST] = "digest", [DELIVERY_DIGEST_PLAIN] =
		"plain",
	};

	return g_strdup_printf(
		"address      %s\nname         %s\nlanguage     %s\n"
		"delivery     %s\nown-posts    %s\nack          %s\n"
		"duplicates   %s\nhide         %s", member->addr,
		member->name[0] != '\0' ? member->name : "-",
		member->language[0] != '\0' ? member->language : "-",
		ways[member->delivery], on_off(member->own_posts),
		on_off(member->ack), on_off(member->duplicates),
		on_off(member->hidden));
}

enum err_code
robot_show(struct robot *robot, const struct request *request, GString *out,
	   struct err *err)
{
	g_autofree char *settings = NULL, *since = NULL;
	struct member *member = NULL;
	bool by_bounces;
	enum err_code rc;

	if (request->words[0] != NULL)
		return robot_show_held(robot, request, out, err);
	/* again: a line above may have changed it */
	rc = roster_find(robot->txn, robot->list->id, robot->verified,
			 &member, err);
	if (rc != ERR_OK)
		return rc;
	if (member == NULL)
		return robot_say(robot, out, "not.member", robot->verified,
				 NULL, err);
	settings = settings_text(member);
	since = plain_time(member->since_s);
	by_bounces = member->delivery == DELIVERY_OFF &&
		member->off_by == OFF_BY_BOUNCES;
	robot->out->done++;
	rc = robot_text(robot, out, "command-show",
			(const struct letter_field[]){
				{ "settings", settings },
				{ "member.name", member->name },
				{ "since", since },
				{ "off.by.bounces", by_bounces ? "yes" : "" },
				{ NULL, NULL } }, err);
	member_free(member);
	return rc;
}

static enum err_code
add_list(struct robot *robot, uint32_t id, GString *out, struct err *err)
{
	struct list *list = NULL;
	enum err_code rc = list_by_id(robot->txn, id, &list, err);

	/* deleted, and not yet purged */
	if (rc == ERR_OK && list != NULL)
		g_string_append_printf(out, "%s%s", out->len > 0 ? "\n" : "",
				       list->addr);
	list_free(list);
	return rc;
}

enum err_code
robot_which(struct robot *robot, const struct request *request, GString *out,
	    struct err *err)
{
	g_autoptr(GString) lists = g_string_new(NULL);
	g_autoptr(GArray) ids = NULL;
	enum err_code rc = roster_lists(robot->txn, robot->verified, &ids,
					err);

	(void) request;
	for (guint i = 0; rc == ERR_OK && i < ids->len; i++)
		rc = add_list(robot, g_array_index(ids, uint32_t, i), lists,
			      err);
	if (rc != ERR_OK)
		return rc;
	robot->out->done++;
	if (lists->len == 0)
		return robot_say(robot, out, "no.lists", robot->verified,
				 NULL, err);
	return robot_text(robot, out, "command-which",
			  (const struct letter_field[]){
				{ "lists", lists->str }, { NULL, NULL } },
			  err);
}

/* --- another address, and tokens ---------------------------------------- */

/* "move OLD NEW" may be written from either of them. */
enum err_code
robot_move(struct robot *robot, const struct request *request, GString *out,
	   struct err *err)
{
	const struct subscription_with with = robot_subscription(robot);
	g_autofree char *old = request->words[0] != NULL ?
		addr_canon(request->words[0]) : g_strdup(robot->asker);
	struct move_options options = {
		.to = request->addr,
		.to_given = request->given,
		.to_verified = strcmp(request->addr, robot->verified) == 0,
		.all = request->value[0] != '\0',
	};
	struct subscription_result result;
	struct asker asker;
	enum err_code rc;

	if (old == NULL)
		return robot_say(robot, out, "wrong", request->words[0],
				 "move NEW-ADDRESS", err);
	asker = robot_asker(robot, old, NULL);
	rc = subscription_move(robot->txn, &with, robot->list, robot->conf,
			       &asker, &options, &result, err);
	return rc == ERR_OK ? robot_outcome(robot, out, &result, err) : rc;
}

enum err_code
robot_confirm(struct robot *robot, const struct request *request,
	      GString *out, struct err *err)
{
	const struct subscription_with with = robot_subscription(robot);
	const struct asker asker = robot_asker(robot, robot->verified, NULL);
	struct subscription_result result;
	enum err_code rc = subscription_confirm(
		robot->txn, &with, robot->list, robot->conf, &asker,
		request->value, &result, err);

	return rc == ERR_OK ? robot_outcome(robot, out, &result, err) : rc;
}
