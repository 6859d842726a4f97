/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A recipient: whose address it is, and what can be said at RCPT. With the
 * first that is ours authentication begins, so that mail for no list costs
 * nothing.
 */
#include <string.h>

#include <glib.h>

#include "core/inbound/state.h"
#include "core/base/banned.h"

#define RCPT_MAX 1000 /* of ours in one message */

void
rcpt_free(void *data)
{
	struct rcpt *rcpt = data;

	verdict_done(&rcpt->verdict);
	facts_free(rcpt->facts);
	if (rcpt->policy != NULL)
		policy_unref(rcpt->policy);
	rcpt_answer_done(&rcpt->is);
	if (rcpt->reported != NULL)
		g_ptr_array_unref(rcpt->reported);
	g_free(rcpt->path);
	g_free(rcpt->why);
	g_free(rcpt);
}

static void
judge_role(const struct rcpt_answer *is, struct smtp_reply *reply)
{
	if (is->role == ROLE_BOUNCES && !is->token_ok)
		reply_set(reply, 550, "5.1.1",
			  "This address takes only delivery reports about "
			  "copies that %s has sent", is->list);
	else if (is->role == ROLE_OWNER && !is->has_owner)
		reply_set(reply, 550, "5.1.1",
			  "Nobody reads this address of %s; please ask the "
			  "postmaster", is->list);
	else if (is->refusal[0] != '\0')
		reply_of_line(reply, is->refusal);
}

/*
 * Last: who is refused for good need not come again. It is no verdict about
 * the sender, and his mail server keeps the post for us meanwhile.
 */
static void
put_off(struct rcpt *rcpt)
{
	if (rcpt->is.draining && rcpt->reply.code == 250)
		reply_set(&rcpt->reply, 451, "4.3.2",
			  "%s takes no new posts for a while, because of work "
			  "on the list server; your mail server will try "
			  "again", rcpt->is.list);
}

/* rcpt->reply becomes 250, or the refusal. */
static enum err_code
judge(struct inbound *inbound, struct rcpt *rcpt, struct err *err)
{
	const struct rcpt_answer *is = &rcpt->is;
	enum err_code rc;

	reply_set(&rcpt->reply, 250, "2.1.5", "%s", "Ok");
	if (!inbound->sender_ok) {
		reply_set(&rcpt->reply, 553, "5.1.7",
			  "%s takes no mail from a sender address that cannot "
			  "be understood", is->list);
		return ERR_OK;
	}
	if (reply_if_too_large(is, inbound->size_declared, &rcpt->reply))
		return ERR_OK;
	if (is->role != ROLE_POST) {
		judge_role(is, &rcpt->reply);
		return ERR_OK;
	}
	rc = judge_prepare(inbound, rcpt, err);
	if (rc == ERR_OK)
		judge_post(inbound, rcpt, false);
	if (rc == ERR_OK)
		put_off(rcpt);
	return rc;
}

static bool
domain_is_ours(const struct inbound *inbound, const char *path)
{
	struct addr addr = {0};
	bool ours;

	if (!addr_parse(path, &addr))
		return false;
	ours = addr.domain[0] == '\0'
		       ? addr.local[0] != '\0'
		       : settings_has_domain(inbound->settings, addr.domain) ||
				 settings_shares_domain(inbound->settings,
							addr.domain);
	addr_done(&addr);
	return ours;
}

/* For the facts: what the MTA takes, whoever it is for */
static void
note_addressed(struct inbound *inbound, const char *path)
{
	if (inbound->addressed->len < ADDRESSED_MAX)
		g_ptr_array_add(inbound->addressed, g_strdup(path));
}

static void
add_foreign(struct inbound *inbound, const char *path)
{
	inbound->foreign++;
	note_addressed(inbound, path);
}

static void
begin_auth(struct inbound *inbound)
{
	const struct auth_client client = {
		.addr = inbound->peer.addr,
		.helo = inbound->peer.helo,
		.login = inbound->peer.auth,
		.sender = inbound->sender.text,
	};

	if (inbound->auth == NULL && inbound->sender_ok)
		inbound->auth = auth_begin(inbound->env->auth, &client);
}

static void
say_451(struct inbound *inbound, const struct err *err,
	struct smtp_reply *reply)
{
	struct log_ctx ctx;

	inbound_log_ctx(inbound, NULL, &ctx);
	log_err(&ctx, "rcpt.deferred", err);
	reply_of_err(reply, err);
}

/* It is a list of ours: keep the recipient, or refuse it. Takes rcpt. */
static void
answer_list(struct inbound *inbound, struct rcpt *rcpt,
	    struct smtp_reply *reply)
{
	struct err err = ERR_INIT;

	if (judge(inbound, rcpt, &err) != ERR_OK) {
		say_451(inbound, &err, reply);
		rcpt_free(rcpt);
		return;
	}
	*reply = rcpt->reply;
	if (reply->code == 250) {
		begin_auth(inbound);
		g_ptr_array_add(inbound->rcpts, rcpt);
		note_addressed(inbound, rcpt->path);
		return;
	}
	inbound_log_refused(inbound, rcpt->is.list, rcpt->path, reply);
	inbound_note_refusal(inbound, rcpt->is.list, rcpt->path, reply);
	rcpt_free(rcpt);
}

static struct rcpt *
rcpt_new(const char *path, struct rcpt_answer *is)
{
	struct rcpt *rcpt = g_new0(struct rcpt, 1);

	rcpt->path = g_strdup(path);
	rcpt->is = *is;
	memset(is, 0, sizeof(*is));
	return rcpt;
}

static void
answer_rcpt(struct inbound *inbound, const char *path, struct rcpt_answer *is,
	    struct smtp_reply *reply)
{
	if (is->kind == RCPT_LIST) {
		answer_list(inbound, rcpt_new(path, is), reply);
	} else if (is->kind == RCPT_FOREIGN) {
		add_foreign(inbound, path);
	} else {
		reply_set(reply, 550, "5.1.1",
			  "There is no list and no address of that name here");
		inbound_log_refused(inbound, NULL, path, reply);
	}
}

void
inbound_rcpt(struct inbound *inbound, const char *path,
	     struct smtp_reply *reply)
{
	struct rcpt_answer is = {0};
	struct err err = ERR_INIT;

	reply_none(reply);
	if (!domain_is_ours(inbound, path)) {
		add_foreign(inbound, path);
		return;
	}
	if (inbound->rcpts->len >= RCPT_MAX ||
	    inbound->refused->len >= RCPT_MAX) {
		reply_set(reply, 452, "4.5.3",
			  "Too many recipients in one message");
		return;
	}
	if (ask_rcpt(inbound->env->ask,
		     inbound->sender_ok ? inbound->sender.text : "", path,
		     inbound->peer.addr, &is, &err) != ERR_OK) {
		say_451(inbound, &err, reply);
		return;
	}
	answer_rcpt(inbound, path, &is, reply);
	rcpt_answer_done(&is);
}
