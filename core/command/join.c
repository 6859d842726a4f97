/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/subscription_inside.h"
#include "core/held/held.h"
#include "core/letter/plain.h"
#include "core/outbound/slot.h"
#include "db/event.h"
#include "core/base/banned.h"

/*
 * Joining. Whoever has not proved that he reads mail to the address gets as
 * far as a letter to it, and whether it brings a token or says that the
 * address is on the list already, only its reader learns.
 */

#define NAME_MAX_CHARS 100	/* 400 bytes: KEY_TEXT_MAX */

/* --- how he joins, as text ---------------------------------------------- */

json_t *
entry_json(const struct entry *entry)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "given", entry->given,
			 "name", entry->name, "language", entry->language,
			 "delivery", delivery_mode_name(entry->delivery));
}

void
entry_read(const json_t *detail, const char *addr, struct entry *out)
{
	const char *given = detail_text(detail, "given");

	*out = (struct entry){
		.given = given[0] != '\0' ? given : addr,
		.name = detail_text(detail, "name"),
		.language = detail_text(detail, "language"),
		.delivery = DELIVERY_ON,
	};
	(void) delivery_mode_of_name(detail_text(detail, "delivery"),
				&out->delivery);	/* else on */
}

/* What a mail says of its author may be anything. */
static struct entry
entry_of(const struct asker *asker, const struct join_options *options,
	 char **name, char **language)
{
	const struct key *key = key_find(member_keys, "language");

	*name = plain_line(asker->name != NULL ? asker->name : "",
			   NAME_MAX_CHARS);
	if (asker->language == NULL ||
	    key_check(key, asker->language, language, NULL) != ERR_OK)
		*language = g_strdup("");
	return (struct entry){
		.given = given_addr(asker->given, asker->addr),
		.name = *name, .language = *language,
		.delivery = options != NULL ? options->delivery :
			DELIVERY_ON,
		.welcome = options != NULL ? options->welcome :
			LETTER_AS_LIST,
	};
}

/* --- he is a member ----------------------------------------------------- */

static char *
leave_addr(const struct request *req, const char *addr)
{
	static const struct post_id none;
	uint8_t handle[MEMBER_HANDLE_LEN];
	char token[VERP_TOKEN_LEN + 1];
	g_autofree char *suffix = NULL;

	member_handle(addr, handle);
	leave_token_make(req->with->verp, req->list->addr, handle,
			 none.bytes, token);
	suffix = g_strconcat("-leave+", token, NULL);
	return list_role_addr(req->list->addr, suffix);
}

static enum err_code
send_welcome(const struct request *req, const char *addr,
	     const struct entry *entry, struct err *err)
{
	g_autofree char *leave = leave_addr(req, addr);
	const bool is_digest = entry->delivery == DELIVERY_DIGEST ||
		entry->delivery == DELIVERY_DIGEST_PLAIN;
	const bool was_added = req->asker->is_authority && !req->is_proven;
	const struct letter_field fields[] = {
		{ "leave.address", leave },
		{ "delivery.off", entry->delivery == DELIVERY_OFF ? "yes" :
		  "" },
		{ "delivery.digest", is_digest ? "yes" : "" },
		{ "by", was_added ? request_by(req) : "" },
		{ NULL, NULL },
	};

	return request_tell(req, was_added ? "member-added" : "join-welcome",
			    addr, entry->language, fields, err);
}

/* Tokens of requests that have come to their end with this. */
static enum err_code
forget_requests(const struct request *req, const char *addr, struct err *err)
{
	enum err_code rc = token_remove_for(req->txn, req->list->id, addr,
					    TOKEN_JOIN, NULL, err);

	return rc != ERR_OK ? rc :
		token_remove_for(req->txn, req->list->id, addr, TOKEN_INVITE,
				 NULL, err);
}

static enum err_code
welcome(const struct request *req, const char *addr,
	const struct entry *entry, const char *how, struct err *err)
{
	bool send = entry->welcome == LETTER_SEND ||
		(entry->welcome == LETTER_AS_LIST && req->conf->welcome);
	enum err_code rc = forget_requests(req, addr, err);

	if (rc == ERR_OK)
		rc = event_add(req->txn, req->list->id, "joined", addr, err,
			       "%s", how);
	return rc == ERR_OK && send ?
		send_welcome(req, addr, entry, err) : rc;
}

/* Nobody who asks to join means that he wants to get nothing; where he does not
 * say what, it is what he had. */
static enum err_code
come_back(const struct request *req, struct member *member,
	  const struct entry *entry, struct err *err)
{
	enum delivery_mode delivery = entry->delivery == DELIVERY_DIGEST ||
		entry->delivery == DELIVERY_DIGEST_PLAIN ? entry->delivery :
		member_delivery_before(member);
	enum err_code rc;

	member_deliver(member, delivery, OFF_NOT, request_now_s(req));
	rc = roster_put(req->txn, req->list->id, member, err);
	if (rc != ERR_OK)
		return rc;
	req->out->outcome = SUB_RETURNED;
	return event_add(req->txn, req->list->id, "returned", req->out->addr,
			 err, "asked to join, and gets posts again");
}

static enum err_code
meet_member(const struct request *req, const char *addr,
	    struct member *member, const struct entry *entry,
	    struct err *err)
{
	enum err_code rc = forget_requests(req, addr, err);

	req->out->outcome = SUB_ALREADY;
	if (rc != ERR_OK || member->delivery != DELIVERY_OFF ||
	    !req->is_proven)
		return rc;
	return come_back(req, member, entry, err);
}

enum err_code
join_admit(struct request *req, const char *addr, const struct entry *entry,
	   const char *how, struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	bool added = false;
	enum err_code rc = roster_find(req->txn, req->list->id, addr, &member,
				       err);

	if (rc != ERR_OK)
		return rc;
	if (member != NULL)
		return meet_member(req, addr, member, entry, err);
	member = member_new(entry->given, request_now_s(req));
	g_free(member->name);
	member->name = g_strdup(entry->name);
	g_free(member->language);
	member->language = g_strdup(entry->language);
	member_deliver(member, entry->delivery, OFF_BY_SELF,
		       request_now_s(req));
	rc = roster_add(req->txn, req->list->id, member, &added, err);
	return rc == ERR_OK ? welcome(req, addr, entry, how, err) : rc;
}

/* --- he has proved himself ---------------------------------------------- */

static enum err_code
ask_to_confirm(const struct request *req, const struct entry *entry,
	       bool admit, struct err *err)
{
	json_t *detail = entry_json(entry);
	const struct question question = {
		.kind = TOKEN_JOIN, .template = "join-confirm",
		.addr = req->asker->addr, .language = entry->language,
		.detail = detail,
	};
	enum err_code rc;

	if (admit)
		(void) json_object_set_new(detail, "admit", json_true());
	rc = request_ask(req, &question, err);
	json_decref(detail);
	return rc;
}

/* A letter, if the rates allow one. */
static enum err_code
ask(const struct request *req, const struct entry *entry, bool admit,
    struct err *err)
{
	bool allowed;
	enum err_code rc = request_allowed(req, req->asker->addr, &allowed,
					   err);

	return rc == ERR_OK && allowed ?
		ask_to_confirm(req, entry, admit, err) : rc;
}

static enum err_code
hold(const struct request *req, const char *addr, const struct entry *entry,
     struct err *err)
{
	json_t *detail = entry_json(entry);
	g_autofree char *text = detail_write(detail);
	const struct held_request request = {
		.list = req->list, .addr = addr, .detail = text,
		.post = req->asker->post, .now_ms = req->with->now_ms,
	};
	bool is_new = false;
	enum err_code rc;

	json_decref(detail);
	req->out->outcome = SUB_HELD;
	rc = held_put_request(req->txn, &request, &is_new, err);
	if (rc != ERR_OK || !is_new)
		return rc;
	return request_tell(req, "join-held", addr, entry->language,
			    NULL, err);
}

/* He is no member, and it is he who asks: what the list's key says. */
static enum err_code
let_in(struct request *req, const char *addr, const struct entry *entry,
       struct err *err)
{
	const bool is_free = req->is_confirmed || req->conf->self_service;
	bool invited = false;
	enum err_code rc = invite_pending(req, addr, &invited, err);

	if (rc != ERR_OK)
		return rc;
	if (invited)
		return join_admit(req, addr, entry, "was invited, and joined",
				  err);
	switch (req->conf->subscription) {
	case SUBSCRIPTION_OPEN:
		break;
	case SUBSCRIPTION_CONFIRM:
		if (!is_free)
			return ask(req, entry, false, err);
		break;
	case SUBSCRIPTION_BOTH:
		if (!is_free)
			return ask(req, entry, false, err);
		return hold(req, addr, entry, err);
	case SUBSCRIPTION_MODERATED:
		return hold(req, addr, entry, err);
	case SUBSCRIPTION_CLOSED:
		req->out->outcome = SUB_CLOSED;
		return ERR_OK;
	case SUBSCRIPTION_INVITE:
		req->out->outcome = SUB_INVITE_ONLY;
		return ERR_OK;
	}
	return join_admit(req, addr, entry, req->is_confirmed ?
			  "joined, and confirmed it" : "joined, verified",
			  err);
}

static enum err_code
join_proven(struct request *req, const char *addr, const struct entry *entry,
	    struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	enum err_code rc = roster_find(req->txn, req->list->id, addr, &member,
				       err);

	if (rc != ERR_OK)
		return rc;
	return member != NULL ?
		meet_member(req, addr, member, entry, err) :
		let_in(req, addr, entry, err);
}

/* --- nobody knows who asks ---------------------------------------------- */

/* Whoever reads mail there learns that he is a member; a member whose
 * delivery is off is asked whether he wants it on. */
static enum err_code
write_to_addr(const struct request *req, const struct entry *entry,
	      struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	enum err_code rc = roster_find(req->txn, req->list->id,
				       req->asker->addr, &member, err);

	if (rc != ERR_OK)
		return rc;
	if (member == NULL || member->delivery == DELIVERY_OFF)
		return ask_to_confirm(req, entry, false, err);
	req->out->outcome = SUB_CONFIRM;
	return request_tell(req, "already-member", req->asker->addr,
			    member->language, NULL, err);
}

static enum err_code
join_unproven(const struct request *req, const struct entry *entry,
	      struct err *err)
{
	bool allowed;
	enum err_code rc;

	if (req->conf->subscription == SUBSCRIPTION_CLOSED ||
	    req->conf->subscription == SUBSCRIPTION_INVITE) {
		req->out->outcome = req->conf->subscription ==
			SUBSCRIPTION_CLOSED ? SUB_CLOSED : SUB_INVITE_ONLY;
		return ERR_OK;
	}
	rc = request_allowed(req, req->asker->addr, &allowed, err);
	return rc == ERR_OK && allowed ? write_to_addr(req, entry, err) : rc;
}

/* --- the rules ---------------------------------------------------------- */

static enum err_code
join_by_authority(struct request *req, const struct entry *entry,
		  bool confirm, struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	g_autofree char *how = NULL;
	enum err_code rc = roster_find(req->txn, req->list->id,
				       req->asker->addr, &member, err);

	if (rc == ERR_OK && confirm && member == NULL)
		return ask(req, entry, true, err);
	how = g_strdup_printf("added by %s", request_who(req));
	return rc == ERR_OK ?
		join_admit(req, req->asker->addr, entry, how, err) : rc;
}

static enum err_code
join(struct request *req, const struct join_options *options,
     struct err *err)
{
	const struct asker *asker = req->asker;
	g_autofree char *name = NULL, *language = NULL;
	const struct entry entry = entry_of(asker, options, &name, &language);

	if (asker->is_automatic)
		req->out->outcome = SUB_AUTOMATIC;
	else if (request_banned(req, asker->addr))
		req->out->outcome = SUB_BANNED;
	else if (asker->is_authority)
		return join_by_authority(req, &entry, options != NULL &&
					 options->confirm, err);
	else if (asker->is_verified)
		return join_proven(req, asker->addr, &entry, err);
	else
		return join_unproven(req, &entry, err);
	return ERR_OK;
}

enum err_code
subscription_join(struct txn *txn, const struct subscription_with *with,
		  const struct list *list, const struct list_conf *conf,
		  const struct asker *asker,
		  const struct join_options *options,
		  struct subscription_result *out, struct err *err)
{
	struct request req;

	request_init(&req, txn, with, list, conf, asker, SUB_JOIN, out);
	return request_end(&req, join(&req, options, err), err);
}

/* --- what comes back ---------------------------------------------------- */

/* Whom an owner or an administrator has let in already: in which words; only
 * who was banned since stays out. NULL: nobody has. */
static const char *
was_let_in(const struct token *token, const json_t *detail)
{
	if (strcmp(token->kind, TOKEN_INVITE) == 0)
		return "was invited, and joined";
	return detail_flag(detail, "admit") ?
		"was asked by an administrator, and joined" : NULL;
}

enum err_code
join_confirmed(struct request *req, const struct token *token,
	       struct err *err)
{
	json_t *detail = detail_read(token->detail);
	const char *how = was_let_in(token, detail);
	struct entry entry;
	enum err_code rc = ERR_OK;

	entry_read(detail, token->addr, &entry);
	if (request_banned(req, token->addr))
		req->out->outcome = SUB_BANNED;
	else if (how != NULL)
		rc = join_admit(req, token->addr, &entry, how, err);
	else
		rc = join_proven(req, token->addr, &entry, err);
	json_decref(detail);
	return rc;
}
