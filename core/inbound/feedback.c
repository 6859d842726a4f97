/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Mail to the site's address of feedback reports. What it is about is said by
 * a token in the copy that it encloses, and everybody who has that copy can
 * send it: the member, and those whom he has forwarded it to, who could as
 * well leave for him with one click. So that it is not done from nowhere, the
 * report must come from a domain that can be asked about it, as
 * SPF or DKIM say, or from one of those that the site names. All else is
 * refused while its sender is connected: nobody reads this address.
 */
#include <string.h>

#include <glib.h>

#include "core/auth/verified.h"
#include "core/inbound/state.h"
#include "core/mail/feedback.h"
#include "core/mail/verp.h"
#include "core/base/banned.h"

/* --- who says so -------------------------------------------------------- */

/* Did a look-up fail that may not fail the next time? */
static bool
is_in_doubt(const struct evidence *evidence)
{
	bool doubt = evidence->spf.result == AUTH_TEMPERROR;

	for (guint i = 0; i < evidence->dkim->len && !doubt; i++) {
		const struct dkim_evidence *one = evidence->dkim->pdata[i];

		doubt = one->result == AUTH_TEMPERROR;
	}
	return doubt;
}

static void
refuse_reporter(const struct inbound *inbound, struct smtp_reply *reply)
{
	const struct evidence *evidence = inbound->message.evidence;

	if (evidence != NULL && is_in_doubt(evidence))
		reply_set(reply, 451, "4.7.0",
			  "It could not be checked who has sent this report; "
			  "please try again");
	else if (inbound->settings->feedback_from[0] != NULL)
		reply_set(reply, 550, "5.7.1",
			  "This address takes feedback reports of some "
			  "providers only, and this one comes from none of "
			  "them, as far as SPF and DKIM can tell");
	else
		reply_set(reply, 550, "5.7.1",
			  "This address takes only feedback reports whose "
			  "domain SPF or DKIM verifies");
}

/* NULL: nobody whom we believe, and the reply says so */
static const char *
find_reporter(const struct inbound *inbound, struct smtp_reply *reply)
{
	const struct message *message = &inbound->message;
	const char *domain = message->evidence == NULL ? NULL :
		verified_domain(message->evidence,
				inbound->settings->feedback_from,
				message->author_text);

	if (domain == NULL)
		refuse_reporter(inbound, reply);
	return domain;
}

/* --- whose copies ------------------------------------------------------- */

static void
answer_free(void *data)
{
	rcpt_answer_done(data);
	g_free(data);
}

/* "bounces+TOKEN", "leave+TOKEN": what the stage wants to know */
static void
name_token(struct rcpt_answer *is)
{
	char *detail = g_strconcat(role_name(is->role), "+", is->detail, NULL);

	g_free(is->detail);
	is->detail = detail;
}

static bool
is_known(const GPtrArray *all, const struct rcpt_answer *is)
{
	for (guint i = 0; i < all->len; i++) {
		const struct rcpt_answer *one = all->pdata[i];

		if (strcmp(one->list, is->list) == 0 &&
		    strcmp(one->detail, is->detail) == 0)
			return true;
	}
	return false;
}

/* Takes *is. */
static void
keep(GPtrArray *all, struct rcpt_answer *is)
{
	name_token(is);
	if (is_known(all, is))
		rcpt_answer_done(is);
	else
		g_ptr_array_add(all, g_memdup2(is, sizeof(*is)));
	memset(is, 0, sizeof(*is));
}

static bool
is_personal(const struct rcpt_answer *is)
{
	return strlen(is->detail) == VERP_TOKEN_LEN;
}

/* The token of the member's own copies goes before the one that all copies of
 * the post share. */
static enum err_code
find_copy(struct inbound *inbound, const struct feedback_copy *copy,
	  GPtrArray *found, struct err *err)
{
	struct rcpt_answer shared = {0};
	enum err_code rc = ERR_OK;
	bool personal = false;

	for (guint i = 0; i < copy->addrs->len && rc == ERR_OK && !personal;
	     i++) {
		struct rcpt_answer is = {0};

		rc = ask_rcpt(inbound->env->ask, "", copy->addrs->pdata[i],
			      inbound->peer.addr, &is, err);
		if (rc == ERR_OK && is.kind == RCPT_LIST && is.token_ok) {
			personal = is_personal(&is);
			if (personal)
				keep(found, &is);
			else if (shared.list == NULL) {
				shared = is;
				memset(&is, 0, sizeof(is));
			}
		}
		rcpt_answer_done(&is);
	}
	if (rc == ERR_OK && !personal && shared.list != NULL)
		keep(found, &shared);
	rcpt_answer_done(&shared);
	return rc;
}

static enum err_code
find_copies(struct inbound *inbound, const struct feedback *feedback,
	    struct rcpt *rcpt, struct err *err)
{
	enum err_code rc = ERR_OK;

	rcpt->reported = g_ptr_array_new_with_free_func(answer_free);
	for (guint i = 0; i < feedback->copies->len && rc == ERR_OK; i++)
		rc = find_copy(inbound, feedback->copies->pdata[i],
			       rcpt->reported, err);
	return rc;
}

/* --- the end of message ------------------------------------------------- */

static bool
read_report(const struct inbound *inbound, struct feedback *out)
{
	uint64_t size = inbound_client_size(inbound);
	const char *end = inbound->message.body + inbound->message.body_len;

	return feedback_read(end - size, size, out);
}

enum err_code
judge_feedback(struct inbound *inbound, struct rcpt *rcpt, struct err *err)
{
	const char *reporter = find_reporter(inbound, &rcpt->reply);
	struct feedback feedback;
	enum err_code rc;

	if (reporter == NULL)
		return ERR_OK;
	if (!read_report(inbound, &feedback)) {
		reply_set(&rcpt->reply, 550, "5.7.1",
			  "This address takes only feedback reports (RFC "
			  "5965), and nobody reads it");
		return ERR_OK;
	}
	rc = find_copies(inbound, &feedback, rcpt, err);
	feedback_done(&feedback);
	if (rc != ERR_OK)
		return rc;
	rcpt->taken = rcpt->reported->len > 0;
	if (!rcpt->taken)
		reply_set(&rcpt->reply, 550, "5.7.1",
			  "This report encloses no copy that shows which of "
			  "our members it went to: Return-Path and "
			  "List-Unsubscribe must be left in it");
	rcpt->why = g_strdup_printf("a feedback report, verified for %s",
				    reporter);
	return ERR_OK;
}
