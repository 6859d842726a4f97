/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/subscription.h"

#include <string.h>

#include "core/command/subscription_inside.h"
#include "core/mail/pattern.h"
#include "core/base/banned.h"

/*
 * What all that a subscriber asks for have in common: who asks, and what
 * became of it. The rules are in join.c, leave.c, preferences.c, move.c and
 * invite.c; confirm.c is where a token comes back.
 */

static const char *const outcome_names[] = {
	[SUB_DONE] = "done",
	[SUB_RETURNED] = "returned",
	[SUB_CONFIRM] = "confirm",
	[SUB_HELD] = "held",
	[SUB_ALREADY] = "already",
	[SUB_NOT_MEMBER] = "not-member",
	[SUB_BANNED] = "banned",
	[SUB_CLOSED] = "closed",
	[SUB_INVITE_ONLY] = "invite-only",
	[SUB_TOO_OFTEN] = "too-often",
	[SUB_BAD_TOKEN] = "bad-token",
	[SUB_NOT_ALLOWED] = "not-allowed",
	[SUB_BAD_VALUE] = "bad-value",
	[SUB_AUTOMATIC] = "automatic",
};

static const char *const act_names[] = {
	[SUB_NONE] = "none",
	[SUB_JOIN] = "join",
	[SUB_LEAVE] = "leave",
	[SUB_SET] = "set",
	[SUB_MOVE] = "move",
	[SUB_INVITE] = "invite",
};

/* For the trace, which only the administrator sees */
static const char *const outcome_texts[] = {
	[SUB_DONE] = "done",
	[SUB_RETURNED] = "delivery is on again",
	[SUB_CONFIRM] = "has to be confirmed",
	[SUB_HELD] = "waits for a moderator",
	[SUB_ALREADY] = "it is so already",
	[SUB_NOT_MEMBER] = "not a member",
	[SUB_BANNED] = "banned",
	[SUB_CLOSED] = "nobody joins this list by himself",
	[SUB_INVITE_ONLY] = "only who is invited joins this list",
	[SUB_TOO_OFTEN] = "nothing is sent, since enough was sent lately",
	[SUB_BAD_TOKEN] = "the token is unknown, used, or too old",
	[SUB_NOT_ALLOWED] = "not allowed",
	[SUB_BAD_VALUE] = "not possible",
	[SUB_AUTOMATIC] = "nothing, a machine asks",
};

const char *
subscription_outcome_name(enum subscription_outcome outcome)
{
	return outcome_names[outcome];
}

const char *
subscription_act_name(enum subscription_act act)
{
	return act_names[act];
}

/* --- one request -------------------------------------------------------- */

void
request_init(struct request *req, struct txn *txn,
	     const struct subscription_with *with, const struct list *list,
	     const struct list_conf *conf, const struct asker *asker,
	     enum subscription_act act, struct subscription_result *out)
{
	*out = (struct subscription_result){
		.outcome = SUB_DONE, .act = act,
	};
	(void) g_strlcpy(out->addr, asker->addr, sizeof(out->addr));
	*req = (struct request){
		.txn = txn, .with = with, .list = list, .conf = conf,
		.asker = asker, .is_proven = asker->is_verified, .out = out,
	};
}

/* The edge that called says it in the log; the mail's trace is ours. */
enum err_code
request_end(const struct request *req, enum err_code rc, struct err *err)
{
	const struct subscription_result *out = req->out;

	if (rc != ERR_OK)
		return err_context(err, "%s of %s on %s",
				   subscription_act_name(out->act), out->addr,
				   req->list->addr);
	if (req->asker->post == NULL)
		return ERR_OK;
	return trace_add(req->txn, req->asker->post, SUBSCRIPTION_STAGE,
			 req->list->addr, err, "%s%s%s%s%s: %s%s%s",
			 subscription_act_name(out->act),
			 out->addr[0] != '\0' ? " " : "", out->addr,
			 out->other[0] != '\0' ? " to " : "", out->other,
			 outcome_texts[out->outcome],
			 out->why[0] != '\0' ? ": " : "", out->why);
}

bool
request_is_free(const struct request *req)
{
	return req->is_proven || req->asker->is_authority;
}

const char *
request_who(const struct request *req)
{
	if (req->asker->who != NULL && req->asker->who[0] != '\0')
		return req->asker->who;
	return req->asker->is_authority ? "the administrator" :
		"the member";
}

const char *
request_by(const struct request *req)
{
	const char *who = req->asker->who;

	return who != NULL && strchr(who, '@') != NULL ? who : "";
}

const char *
given_addr(const char *given, const char *addr)
{
	g_autofree char *canon = given != NULL && strlen(given) <= ADDR_MAX ?
		addr_canon(given) : NULL;

	return g_strcmp0(canon, addr) == 0 ? given : addr;
}

int64_t
request_now_s(const struct request *req)
{
	return req->with->now_ms / 1000;
}

/* A list would be sent its own posts. */
bool
request_banned(const struct request *req, const char *addr)
{
	const char *client = req->asker->client;

	if (strcmp(addr, req->list->addr) == 0)
		return true;
	for (char **one = req->conf->banned; *one != NULL; one++)
		if (address_matches(*one, addr) ||
		    (client != NULL && client[0] != '\0' &&
		     pattern_is_network(*one) &&
		     address_matches(*one, client)))
			return true;
	return false;
}

/* --- details ------------------------------------------------------------ */

json_t *
detail_read(const char *text)
{
	json_t *detail = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(detail))
		return detail;
	json_decref(detail);
	return json_object();
}

const char *
detail_text(const json_t *detail, const char *key)
{
	const char *text = json_string_value(json_object_get(detail, key));

	return text != NULL ? text : "";
}

bool
detail_flag(const json_t *detail, const char *key)
{
	return json_is_true(json_object_get(detail, key));
}

char *
detail_write(const json_t *detail)
{
	char *text = json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS);
	char *out = g_strdup(text != NULL ? text : "");

	free(text);
	return out;
}
