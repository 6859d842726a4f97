/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/subscription_inside.h"
#include "core/letter/plain.h"
#include "db/event.h"
#include "core/base/banned.h"

/*
 * Invitations: an owner's wish, and a letter to somebody who knows nothing of
 * it. So there is one at a time: who has not answered is not asked again
 * before it has expired, whoever would like that.
 */

struct search { int64_t now_s; bool found; };

static enum err_code
look_at(void *arg, const uint8_t hash[TOKEN_HASH], const struct token *token,
	struct err *err)
{
	struct search *search = arg;

	(void) hash;
	(void) err;
	if (strcmp(token->kind, TOKEN_INVITE) == 0 &&
	    token->expires_s > search->now_s)
		search->found = true;
	return ERR_OK;
}

enum err_code
invite_pending(const struct request *req, const char *addr, bool *pending,
	       struct err *err)
{
	struct search search = { .now_s = request_now_s(req) };
	enum err_code rc = token_walk(req->txn, req->list->id, addr, look_at,
				      &search, err);

	*pending = search.found;
	return rc;
}

static enum err_code
send_invitation(const struct request *req, struct err *err)
{
	const struct asker *asker = req->asker;
	g_autofree char *name = plain_line(asker->name != NULL ?
					   asker->name : "", 100);
	const struct entry entry = {
		.given = given_addr(asker->given, asker->addr), .name = name,
		.language = asker->language != NULL ? asker->language : "",
		.delivery = DELIVERY_ON,
	};
	const struct letter_field fields[] = {
		{ "by", request_by(req) }, { NULL, NULL },
	};
	json_t *detail = entry_json(&entry);
	const struct question question = {
		.kind = TOKEN_INVITE, .template = "invite",
		.addr = asker->addr, .language = entry.language,
		.detail = detail, .fields = fields,
	};
	enum err_code rc = request_ask(req, &question, err);

	json_decref(detail);
	return rc != ERR_OK ? rc :
		event_add(req->txn, req->list->id, "invited", asker->addr,
			  err, "%s invited %s", request_who(req),
			  asker->addr);
}

static enum err_code
invite(const struct request *req, struct err *err)
{
	const char *addr = req->asker->addr;
	g_autoptr(sub_member_t) member = NULL;
	bool pending = false, allowed;
	enum err_code rc = roster_find(req->txn, req->list->id, addr, &member,
				       err);

	if (rc != ERR_OK)
		return rc;
	if (member != NULL) {
		req->out->outcome = SUB_ALREADY;
		return ERR_OK;
	}
	rc = invite_pending(req, addr, &pending, err);
	if (rc != ERR_OK)
		return rc;
	if (pending) {
		req->out->outcome = SUB_TOO_OFTEN;
		return ERR_OK;
	}
	rc = request_allowed(req, addr, &allowed, err);
	return rc == ERR_OK && allowed ? send_invitation(req, err) : rc;
}

enum err_code
subscription_invite(struct txn *txn, const struct subscription_with *with,
		    const struct list *list, const struct list_conf *conf,
		    const struct asker *asker,
		    struct subscription_result *out, struct err *err)
{
	struct request req;
	enum err_code rc = ERR_OK;

	request_init(&req, txn, with, list, conf, asker, SUB_INVITE, out);
	if (asker->is_automatic)
		out->outcome = SUB_AUTOMATIC;
	else if (!asker->is_authority)
		out->outcome = SUB_NOT_ALLOWED;
	else if (request_banned(&req, asker->addr))
		out->outcome = SUB_BANNED;
	else
		rc = invite(&req, err);
	return request_end(&req, rc, err);
}
