/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/subscription_inside.h"
#include "db/event.h"
#include "core/base/banned.h"

/*
 * Moving to another address. Both have to agree: the old one, that it is
 * given up, and the new one, that it wants the mail. One is asked after the
 * other, so that a stranger's address gets nothing before the member has
 * said yes.
 */

struct move {
	const char *from, *to;		/* canonical */
	const char *to_given;
	bool all;
	bool to_proven;
};

/* --- one list ----------------------------------------------------------- */

/* Failures were the old mailbox's. */
static void
forget_bounces(struct member *member, int64_t now_s)
{
	const struct bounce_state none = { 0 };

	if (member->delivery == DELIVERY_OFF &&
	    member->off_by == OFF_BY_BOUNCES)
		member_deliver(member, member_delivery_before(member),
			       OFF_NOT, now_s);
	member->bounce = none;
	member->bounces = 0;
	member->bounced_s = 0;
	g_free(member->bounce_reason);
	member->bounce_reason = g_strdup("");
}

/* Both are members: the new entry stays as its owner has made it. */
static enum err_code
merge(const struct request *req, uint32_t list, const struct member *old,
      struct member *there, struct err *err)
{
	there->since_s = MIN(there->since_s, old->since_s);
	there->posts += old->posts;
	return roster_put(req->txn, list, there, err);
}

static enum err_code
put_new(const struct request *req, uint32_t list, const struct move *move,
	struct member *member, struct err *err)
{
	g_free(member->addr);
	member->addr = g_strdup(move->to_given);
	forget_bounces(member, request_now_s(req));
	return roster_put(req->txn, list, member, err);
}

static enum err_code
change_entries(const struct request *req, uint32_t list,
	       const struct move *move, struct member *member,
	       struct err *err)
{
	g_autoptr(sub_member_t) there = NULL;
	bool removed = false;
	enum err_code rc = roster_find(req->txn, list, move->to, &there, err);

	if (rc == ERR_OK)
		rc = there != NULL ? merge(req, list, member, there, err) :
			put_new(req, list, move, member, err);
	if (rc == ERR_OK)
		rc = roster_remove(req->txn, list, move->from, &removed, err);
	return rc;
}

/* No token of the old address is good for anything any more. */
static enum err_code
note_move(const struct request *req, uint32_t list, const struct move *move,
	  struct err *err)
{
	static const char *const ended[] = { TOKEN_JOIN, TOKEN_INVITE,
					     TOKEN_MOVE_NEW };
	enum err_code rc = token_remove_for(req->txn, list, move->from, NULL,
					    NULL, err);

	for (size_t i = 0; i < G_N_ELEMENTS(ended) && rc == ERR_OK; i++)
		rc = token_remove_for(req->txn, list, move->to, ended[i],
				      NULL, err);
	return rc != ERR_OK ? rc :
		event_add(req->txn, list, "moved", move->from, err,
			  "%s moved to %s", request_who(req), move->to);
}

/* *moved stays as it was where the old address is no member. */
static enum err_code
move_on(const struct request *req, uint32_t list, const struct move *move,
	bool *moved, struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	enum err_code rc = roster_find(req->txn, list, move->from, &member,
				       err);

	if (rc != ERR_OK || member == NULL)
		return rc;
	rc = change_entries(req, list, move, member, err);
	if (rc != ERR_OK)
		return rc;
	*moved = true;
	req->out->lists++;
	return note_move(req, list, move, err);
}

/* --- all lists ---------------------------------------------------------- */

/* A list that has banned the new address keeps the old one. */
static enum err_code
move_on_other(const struct request *req, uint32_t number,
	      const struct move *move, bool *moved, struct err *err)
{
	g_autoptr(sub_list_t) list = NULL;
	g_autoptr(sub_conf_t) conf = NULL;
	struct request there = *req;
	enum err_code rc = list_by_id(req->txn, number, &list, err);

	if (rc == ERR_OK && list != NULL)
		rc = list_conf_load(req->txn, list->addr, &conf, err);
	if (rc != ERR_OK || list == NULL)
		return rc;
	there.list = list;
	there.conf = conf;
	if (!request_banned(&there, move->to))
		return move_on(&there, number, move, moved, err);
	return event_add(req->txn, number, "not-moved", move->from, err,
			 "%s would have moved to %s, which is banned",
			 request_who(req), move->to);
}

static enum err_code
move_on_all(const struct request *req, const struct move *move, bool *moved,
	    struct err *err)
{
	g_autoptr(GArray) lists = NULL;
	enum err_code rc = roster_lists(req->txn, move->from, &lists, err);

	for (guint i = 0; rc == ERR_OK && i < lists->len; i++)
		rc = move_on_other(req, g_array_index(lists, uint32_t, i),
				   move, moved, err);
	return rc;
}

static enum err_code
tell_both(const struct request *req, const struct move *move,
	  struct err *err)
{
	const struct letter_field fields[] = {
		{ "old.address", move->from }, { "new.address", move->to },
		{ "all.lists", move->all ? "yes" : "" }, { NULL, NULL },
	};
	enum err_code rc = request_tell(req, "move-done", move->from, NULL,
					fields, err);

	return rc == ERR_OK ? request_tell(req, "move-done", move->to, NULL,
					   fields, err) : rc;
}

static enum err_code
do_move(const struct request *req, const struct move *move, struct err *err)
{
	bool moved = false;
	enum err_code rc = move->all ? move_on_all(req, move, &moved, err) :
		move_on(req, req->list->id, move, &moved, err);

	if (rc != ERR_OK)
		return rc;
	req->out->outcome = moved ? SUB_DONE : SUB_NOT_MEMBER;
	/* An administrator says so himself, or need not. */
	return moved && !req->asker->is_authority ?
		tell_both(req, move, err) : ERR_OK;
}

/* --- asking ------------------------------------------------------------- */

static enum err_code
ask(const struct request *req, const struct move *move, bool is_old,
    struct err *err)
{
	json_t *detail = json_pack("{s:s, s:b, s:b}", "given", move->to_given,
				   "all", (int)move->all, "proven",
				   (int)move->to_proven);
	const struct letter_field fields[] = {
		{ "old.address", move->from }, { "new.address", move->to },
		{ "all.lists", move->all ? "yes" : "" }, { NULL, NULL },
	};
	const struct question question = {
		.kind = is_old ? TOKEN_MOVE_OLD : TOKEN_MOVE_NEW,
		.template = is_old ? "move-confirm-old" : "move-confirm-new",
		.addr = is_old ? move->from : move->to,
		.other = is_old ? move->to : move->from,
		.detail = detail, .fields = fields,
	};
	enum err_code rc = request_ask(req, &question, err);

	json_decref(detail);
	return rc;
}

static enum err_code
ask_new(const struct request *req, const struct move *move, struct err *err)
{
	bool allowed;
	enum err_code rc = request_allowed(req, move->to, &allowed, err);

	return rc == ERR_OK && allowed ? ask(req, move, false, err) : rc;
}

/* *is_member: of this list, or of any */
static enum err_code
find_old(const struct request *req, const struct move *move,
	 bool *is_member, struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	g_autoptr(GArray) lists = NULL;
	enum err_code rc;

	if (move->all) {
		rc = roster_lists(req->txn, move->from, &lists, err);
		*is_member = rc == ERR_OK && lists->len > 0;
		return rc;
	}
	rc = roster_find(req->txn, req->list->id, move->from, &member, err);
	*is_member = member != NULL;
	return rc;
}

/* As for leaving: what is said and counted does not depend on the roster. */
static enum err_code
ask_old(const struct request *req, const struct move *move, bool is_member,
	struct err *err)
{
	bool allowed;
	enum err_code rc = request_allowed(req, move->from, &allowed, err);

	if (rc != ERR_OK || !allowed)
		return rc;
	req->out->outcome = SUB_CONFIRM;
	return is_member ? ask(req, move, true, err) : ERR_OK;
}

static enum err_code
go_on(const struct request *req, const struct move *move, struct err *err)
{
	const bool old_agrees = req->asker->is_authority ||
		req->is_confirmed ||
		(req->is_proven && req->conf->self_service);
	bool is_member = false;
	enum err_code rc = find_old(req, move, &is_member, err);

	if (rc != ERR_OK)
		return rc;
	if (!is_member && request_is_free(req)) {
		req->out->outcome = SUB_NOT_MEMBER;
		return ERR_OK;
	}
	if (!old_agrees)
		return ask_old(req, move, is_member, err);
	if (req->asker->is_authority || move->to_proven)
		return do_move(req, move, err);
	return ask_new(req, move, err);
}

/* --- the rules ---------------------------------------------------------- */

/* Who is banned does not come back under another name. */
static bool
is_banned(const struct request *req, const struct move *move)
{
	return request_banned(req, move->to) ||
		(!req->asker->is_authority && request_banned(req,
							     move->from));
}

static enum err_code
move_rules(const struct request *req, const struct move *move,
	   struct err *err)
{
	(void) g_strlcpy(req->out->other, move->to, sizeof(req->out->other));
	if (req->asker->is_automatic)
		req->out->outcome = SUB_AUTOMATIC;
	else if (is_banned(req, move))
		req->out->outcome = SUB_BANNED;
	else if (strcmp(move->from, move->to) == 0)
		req->out->outcome = SUB_ALREADY;
	else
		return go_on(req, move, err);
	return ERR_OK;
}

enum err_code
subscription_move(struct txn *txn, const struct subscription_with *with,
		  const struct list *list, const struct list_conf *conf,
		  const struct asker *asker,
		  const struct move_options *options,
		  struct subscription_result *out, struct err *err)
{
	const struct move move = {
		.from = asker->addr, .to = options->to,
		.to_given = given_addr(options->to_given, options->to),
		.all = options->all, .to_proven = options->to_verified,
	};
	struct request req;

	request_init(&req, txn, with, list, conf, asker, SUB_MOVE, out);
	return request_end(&req, move_rules(&req, &move, err), err);
}

/* The token of one address is back. That of the new one was only made when
 * the old one had agreed. */
enum err_code
move_confirmed(struct request *req, const struct token *token,
	       struct err *err)
{
	const bool is_old = strcmp(token->kind, TOKEN_MOVE_OLD) == 0;
	json_t *detail = detail_read(token->detail);
	const struct move move = {
		.from = is_old ? token->addr : token->other,
		.to = is_old ? token->other : token->addr,
		.to_given = given_addr(detail_text(detail, "given"), is_old ?
				       token->other : token->addr),
		.all = detail_flag(detail, "all"),
		.to_proven = !is_old || detail_flag(detail, "proven"),
	};
	enum err_code rc;

	(void) g_strlcpy(req->out->addr, move.from, sizeof(req->out->addr));
	rc = move_rules(req, &move, err);
	json_decref(detail);
	return rc;
}
