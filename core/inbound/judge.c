/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Policies: each recipient's is asked at every step, until it has decided. A
 * verdict stands; what could be known later would not change it.
 */
#include <string.h>

#include <glib.h>

#include "core/inbound/state.h"
#include "core/base/banned.h"

enum err_code
judge_prepare(struct inbound *inbound, struct rcpt *rcpt, struct err *err)
{
	const struct rcpt_answer *is = &rcpt->is;
	enum err_code rc;

	rc = policies_get(inbound->env->policies, is->list, is->policy_id,
			  &rcpt->policy, err);
	if (rc != ERR_OK)
		return rc;
	rcpt->facts = facts_new(&inbound->message, is->list,
				&inbound->questions, inbound->env->sets);
	facts_know_person(rcpt->facts, inbound->sender.text, &is->sender);
	facts_know_client(rcpt->facts, is->client_banned);
	facts_know_parent(rcpt->facts, is->parent, is->parent_accepted);
	return ERR_OK;
}

void
judge_post(struct inbound *inbound, struct rcpt *rcpt, bool last)
{
	if (rcpt->policy == NULL || rcpt->verdict.kind != VERDICT_NONE)
		return;
	if (inbound->auth != NULL && inbound->message.spf == NULL)
		inbound->message.spf = auth_spf(inbound->auth);
	verdict_done(&rcpt->verdict);
	memset(&rcpt->verdict, 0, sizeof(rcpt->verdict));
	policy_decide(rcpt->policy, facts_source(rcpt->facts), last,
		      &rcpt->verdict);
	if (rcpt->verdict.kind == VERDICT_REJECT ||
	    rcpt->verdict.kind == VERDICT_DEFER)
		reply_verdict(&rcpt->verdict, &rcpt->reply);
}

void
judge_header(struct inbound *inbound)
{
	struct message *message = &inbound->message;
	size_t body_at;

	if (inbound->head_done || inbound->rcpts->len == 0)
		return;
	inbound->head_done = true;
	/* What cannot be read is refused at the end of message. */
	if (!message_set_header(message, inbound->head->str,
				inbound->head->len, &body_at))
		return;
	message->step = STEP_HEADERS;
	message->recipients = inbound->foreign + inbound->rcpts->len;
	message->addressed = inbound->addressed;
	if (inbound->auth != NULL)
		auth_header(inbound->auth, &message->header);
	for (guint i = 0; i < inbound->rcpts->len; i++)
		judge_post(inbound, rcpt_at(inbound, i), false);
}
