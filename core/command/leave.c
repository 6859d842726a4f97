/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/subscription_inside.h"
#include "core/outbound/slot.h"
#include "db/event.h"
#include "db/include.h"
#include "core/base/banned.h"

/*
 * Leaving: one mail, or one click. Only of somebody whom nobody can tell from
 * a stranger a second mail is wanted, since leaving in another's name is a
 * way to silence him.
 */

static enum err_code
say_goodbye(const struct request *req, const char *addr,
	    const struct member *member, bool was_removed, struct err *err)
{
	const struct letter_field fields[] = {
		{ "by", was_removed ? request_by(req) : "" },
		{ NULL, NULL },
	};

	return request_tell(req, was_removed ? "member-removed" :
			    "leave-goodbye", addr, member->language, fields,
			    err);
}

/* Nothing that was sent to him before shall bring him back, or work on him
 * when he has come back. */
static enum err_code
take_out(const struct request *req, const char *addr, struct err *err)
{
	bool removed = false;
	enum err_code rc = roster_remove(req->txn, req->list->id, addr,
					 &removed, err);

	return rc != ERR_OK ? rc :
		token_remove_for(req->txn, req->list->id, addr, NULL, NULL,
				 err);
}

static enum err_code
remove_member(const struct request *req, const char *addr,
	      const struct member *member, const char *how,
	      enum subscription_letter goodbye, struct err *err)
{
	const bool was_removed = req->asker->is_authority && !req->is_proven;
	const bool send = goodbye == LETTER_SEND ||
		(goodbye == LETTER_AS_LIST && req->conf->goodbye);
	enum err_code rc = take_out(req, addr, err);

	req->out->outcome = SUB_DONE;
	if (rc == ERR_OK)
		rc = event_add(req->txn, req->list->id, was_removed ?
			       "removed" : "left", addr, err, "%s", how);
	return rc == ERR_OK && send ?
		say_goodbye(req, addr, member, was_removed, err) : rc;
}

/* --- whether ------------------------------------------------------------ */

static enum err_code
ask(const struct request *req, const struct member *member, struct err *err)
{
	const struct question question = {
		.kind = TOKEN_LEAVE, .template = "leave-confirm",
		.addr = req->asker->addr, .language = member->language,
	};

	return request_ask(req, &question, err);
}

/* To an address that is not on the list goes no letter. That nobody can see
 * from outside: the outcome is the same, and so is what is counted. */
static enum err_code
leave_unproven(const struct request *req, const struct member *member,
	       enum subscription_letter goodbye, struct err *err)
{
	bool allowed;
	enum err_code rc;

	if (!req->conf->leave_confirm)
		return member == NULL ? ERR_OK :
			remove_member(req, req->asker->addr, member,
				      "left, not verified", goodbye, err);
	rc = request_allowed(req, req->asker->addr, &allowed, err);
	if (rc != ERR_OK || !allowed)
		return rc;
	req->out->outcome = SUB_CONFIRM;
	return member != NULL ? ask(req, member, err) : ERR_OK;
}

static char *
how_text(const struct request *req)
{
	if (req->is_confirmed)
		return g_strdup("left, and confirmed it");
	if (req->is_proven)
		return g_strdup("left, verified");
	return g_strdup_printf("removed by %s", request_who(req));
}

static enum err_code
leave(struct request *req, enum subscription_letter goodbye, struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	g_autofree char *how = NULL;
	enum err_code rc;

	if (req->asker->is_automatic) {
		req->out->outcome = SUB_AUTOMATIC;
		return ERR_OK;
	}
	rc = roster_find(req->txn, req->list->id, req->out->addr, &member,
			 err);
	if (rc != ERR_OK)
		return rc;
	if (!request_is_free(req))
		return leave_unproven(req, member, goodbye, err);
	if (member == NULL) {
		req->out->outcome = SUB_NOT_MEMBER;
		return ERR_OK;
	}
	how = how_text(req);
	return remove_member(req, req->out->addr, member, how, goodbye, err);
}

enum err_code
subscription_leave(struct txn *txn, const struct subscription_with *with,
		   const struct list *list, const struct list_conf *conf,
		   const struct asker *asker,
		   enum subscription_letter goodbye,
		   struct subscription_result *out, struct err *err)
{
	struct request req;

	request_init(&req, txn, with, list, conf, asker, SUB_LEAVE, out);
	return request_end(&req, leave(&req, goodbye, err), err);
}

enum err_code
leave_confirmed(struct request *req, const struct token *token,
		struct err *err)
{
	(void) token;	/* request->out names him */
	return leave(req, LETTER_AS_LIST, err);
}

/* --- the token in each copy --------------------------------------------- */

/* *found false: nobody of that handle is on the list */
static enum err_code
leave_by_handle(struct request *req, const uint8_t handle[VERP_MEMBER_LEN],
		const char *how, bool *found, struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	g_autofree char *addr = NULL, *text = NULL;
	enum err_code rc = roster_by_handle(req->txn, req->list->id, handle,
					    &member, &addr, err);

	*found = member != NULL;
	if (rc != ERR_OK || member == NULL)
		return rc;
	(void) g_strlcpy(req->out->addr, addr, sizeof(req->out->addr));
	text = g_strdup_printf("left %s", how);
	return remove_member(req, addr, member, text, LETTER_AS_LIST, err);
}

static enum err_code
leave_included(const struct request *req, const struct included *included,
	       const uint8_t handle[VERP_MEMBER_LEN], const char *how,
	       bool *found, struct err *err)
{
	g_autoptr(sub_list_t) list = NULL;
	g_autoptr(sub_conf_t) conf = NULL;
	g_autofree char *where = g_strdup_printf("%s, by a copy of %s", how,
						 req->list->addr);
	struct request there = *req;
	enum err_code rc = list_by_id(req->txn, included->list, &list, err);

	if (rc == ERR_OK && list != NULL)
		rc = list_conf_load(req->txn, list->addr, &conf, err);
	if (rc != ERR_OK || list == NULL)
		return rc;
	there.list = list;
	there.conf = conf;
	return leave_by_handle(&there, handle, where, found, err);
}

/* His copy may have come to him because he is on a list that this one
 * includes: then it is that which he leaves, or all of them. */
static enum err_code
leave_list_or_included(struct request *req,
		       const uint8_t handle[VERP_MEMBER_LEN],
		       const char *how, struct err *err)
{
	g_autoptr(GPtrArray) all = NULL;
	bool found = false, any;
	enum err_code rc = leave_by_handle(req, handle, how, &any, err);

	if (rc == ERR_OK && !any)
		rc = includes_get(req->txn, req->list->addr, &all, err);
	for (guint i = 0; all != NULL && i < all->len && rc == ERR_OK; i++) {
		rc = leave_included(req, g_ptr_array_index(all, i), handle,
				    how, &found, err);
		any |= found;
	}
	if (rc == ERR_OK && !any)
		req->out->outcome = SUB_NOT_MEMBER;
	return rc;
}

enum err_code
subscription_leave_by_token(struct txn *txn,
			    const struct subscription_with *with,
			    const struct list *list,
			    const struct list_conf *conf, const char *token,
			    const char *how, const struct post_id *post,
			    struct subscription_result *out, struct err *err)
{
	const struct asker asker = {
		.addr = "", .is_verified = true, .post = post,
	};
	uint8_t handle[VERP_MEMBER_LEN];
	struct request req;
	enum err_code rc = ERR_OK;

	request_init(&req, txn, with, list, conf, &asker, SUB_LEAVE, out);
	if (leave_token_open(with->verp, list->addr, token, handle))
		rc = leave_list_or_included(&req, handle, how, err);
	else
		out->outcome = SUB_BAD_TOKEN;
	return request_end(&req, rc, err);
}
