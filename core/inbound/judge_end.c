/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One recipient at the end of message: loops, the policy's last word, and
 * what is not for the list itself.
 */
#include <string.h>

#include <glib.h>

#include "core/command/request.h"
#include "core/inbound/state.h"
#include "core/mail/misdirected.h"
#include "core/base/banned.h"

/* --- loops -------------------------------------------------------------- */

/* An address's letters: "dev@a.example" is not in "xdev@a.example". */
static bool
is_whole(const char *text, const char *from, size_t len)
{
	static const char marks[] = ".-_+=@";
	const char *before = from > text ? from - 1 : NULL;

	return (before == NULL || (!g_ascii_isalnum(*before) &&
				   strchr(marks, *before) == NULL)) &&
	       !g_ascii_isalnum(from[len]) && from[len] != '-' &&
	       (from[len] != '.' || !g_ascii_isalnum(from[len + 1]));
}

static bool
holds_whole(const char *text, const char *what)
{
	size_t len = strlen(what);
	const char *at = strstr(text, what);

	while (at != NULL && !is_whole(text, at, len))
		at = strstr(at + 1, what);
	return at != NULL;
}

/* Does some field of this name hold this text? In any case of letters. */
static bool
has_text(const struct header *header, const char *name, const char *text)
{
	bool found = false;

	for (guint i = 0; i < header->fields->len && !found; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);
		g_autofree char *value = NULL, *lower = NULL;

		if (field->name_len != strlen(name) ||
		    g_ascii_strncasecmp(field->raw, name, field->name_len) !=
			    0)
			continue;
		value = header_value(header, (int)i);
		lower = g_ascii_strdown(value, -1);
		found = holds_whole(lower, text);
	}
	return found;
}

/* Our List-Id, or, where another list has put its own in that place, the
 * X-Loop that it left alone, or the note of a program that ran the list
 * before us or a gateway. */
static bool
was_here(const struct header *header, const char *list)
{
	static const char *const notes[] = {
		"X-Loop", "X-BeenThere", "X-Mailing-List", "Mailing-List",
	};
	g_autofree char *id = g_strdup(list);
	bool found;

	*strchr(id, '@') = '.';
	found = has_text(header, "List-Id", id);
	for (size_t i = 0; i < G_N_ELEMENTS(notes) && !found; i++)
		found = has_text(header, notes[i], list);
	return found;
}

/* Mail for the owners is not the list's, and a post of the list may be handed
 * on to them: they have a mark of their own. */
static bool
was_at_owners(const struct header *header, const char *list)
{
	g_autofree char *owner = list_role_addr(list, "-owner");

	return has_text(header, "X-Loop", owner);
}

static bool
is_back(const struct header *header, const struct rcpt_answer *is)
{
	if (is->role == ROLE_OWNER)
		return was_at_owners(header, is->list);
	return is->role == ROLE_POST && was_here(header, is->list);
}

static bool
refuse_loop(const struct inbound *inbound, const struct rcpt_answer *is,
	    struct smtp_reply *reply)
{
	const struct header *header = &inbound->message.header;
	unsigned int hops = header_count(header, "Received");

	if (hops > (uint64_t)inbound->settings->hops_max)
		reply_set(reply, 554, "5.4.6",
			  "Mail loop: this message has passed %u hosts", hops);
	else if (is_back(header, is))
		reply_set(reply, 554, "5.4.6",
			  "Mail loop: this message has been on %s already",
			  is->list);
	else
		return false;
	return true;
}

/* --- verdicts ----------------------------------------------------------- */

static bool
is_command(enum role role)
{
	return role == ROLE_REQUEST || role == ROLE_JOIN ||
	       role == ROLE_LEAVE || role == ROLE_CONFIRM;
}

/* Machines ask for nothing, but for what they were given a token for: to
 * leave. */
static bool
is_unwelcome(struct inbound *inbound, const struct rcpt_answer *is)
{
	enum automatic automatic = AUTOMATIC_NO;

	if (is_command(is->role) &&
	    !(is->role == ROLE_LEAVE && is->detail[0] != '\0'))
		(void)message_automatic(&inbound->message, &automatic);
	return automatic != AUTOMATIC_NO;
}

static bool
needs_proof(const struct inbound *inbound, const struct rcpt_answer *is)
{
	const struct message *message = &inbound->message;
	struct requests *requests;
	bool needs;

	if (is->role != ROLE_REQUEST)
		return false;
	requests = requests_of_post(is->list, &message->header, message->body,
				    message->body_len,
				    (unsigned int)is->commands_most);
	needs = requests_need_proof(requests);
	requests_free(requests);
	return needs;
}

static const char *
verified_author(const struct inbound *inbound)
{
	const struct evidence *evidence = inbound->message.evidence;

	return evidence != NULL ? evidence->author : "";
}

static enum err_code
judge_command(struct inbound *inbound, const struct rcpt *rcpt,
	      char **refusal, struct err *err)
{
	const struct command_question question = {
		.is = &rcpt->is,
		.sender = inbound->sender.text,
		.client = inbound->peer.addr,
		.author = verified_author(inbound),
		.from = inbound->message.author_text,
		.needs_proof = needs_proof(inbound, &rcpt->is),
	};

	return ask_command(inbound->env->ask, &question, refusal, err);
}

/* What is not for the list itself: owners, commands, bounces. */
static enum err_code
judge_role(struct inbound *inbound, struct rcpt *rcpt, struct err *err)
{
	g_autofree char *refusal = NULL;
	enum err_code rc;

	if (is_unwelcome(inbound, &rcpt->is)) {
		reply_set(&rcpt->reply, 550, "5.7.1",
			  "%s takes no automatic mail at this address",
			  rcpt->is.list);
		return ERR_OK;
	}
	if (is_command(rcpt->is.role)) {
		rc = judge_command(inbound, rcpt, &refusal, err);
		if (rc != ERR_OK)
			return rc;
	}
	if (refusal != NULL)
		reply_of_line(&rcpt->reply, refusal);
	rcpt->taken = refusal == NULL;
	rcpt->why = g_strdup_printf("accepted for the address -%s",
				    role_name(rcpt->is.role));
	return ERR_OK;
}

/*
 * A command that was sent to the list: its members need not read it. Whoever
 * is verified gets a letter that says what to do; anybody else is told here.
 */
static void
judge_misdirected(struct inbound *inbound, struct rcpt *rcpt)
{
	struct message *message = &inbound->message;
	enum automatic automatic = AUTOMATIC_NO;
	enum command_meant meant;

	if (!rcpt->taken || !rcpt->is.misdirected ||
	    rcpt->verdict.kind == VERDICT_DISCARD)
		return;
	(void)message_automatic(message, &automatic);
	if (automatic != AUTOMATIC_NO)
		return;
	meant = misdirected(rcpt->is.list, &message->header,
			    message_own_text(message));
	if (meant == COMMAND_NONE)
		return;
	if (verified_author(inbound)[0] == '\0') {
		rcpt->taken = false;
		reply_misdirected(&rcpt->reply, rcpt->is.list, meant);
		return;
	}
	rcpt->misdirected = true;
	g_free(rcpt->why);
	rcpt->why = g_strdup("a command that was sent to the list: not sent "
			     "on");
}

/* An undecided fact because of an error is a doubt: 451 for all. */
static enum err_code
judge_list(struct inbound *inbound, struct rcpt *rcpt, struct err *err)
{
	const struct err *doubt = facts_error(rcpt->facts);
	bool was_open = rcpt->verdict.kind == VERDICT_NONE;
	enum verdict_kind kind;

	judge_post(inbound, rcpt, true);
	kind = rcpt->verdict.kind;
	if (kind == VERDICT_DEFER && was_open && doubt->code != ERR_OK) {
		*err = *doubt;
		return err->code;
	}
	rcpt->taken = kind != VERDICT_REJECT && kind != VERDICT_DEFER;
	rcpt->why = g_strdup_printf("%s by policy, %s", verdict_name(kind),
				    rcpt->verdict.why);
	judge_misdirected(inbound, rcpt);
	return ERR_OK;
}

enum err_code
judge_at_end(struct inbound *inbound, struct rcpt *rcpt, struct err *err)
{
	if (reply_if_too_large(&rcpt->is, (int64_t)inbound_client_size(inbound),
			       &rcpt->reply) ||
	    refuse_loop(inbound, &rcpt->is, &rcpt->reply))
		return ERR_OK;
	if (rcpt->is.role == ROLE_POST)
		return judge_list(inbound, rcpt, err);
	if (rcpt->is.role == ROLE_FEEDBACK)
		return judge_feedback(inbound, rcpt, err);
	return judge_role(inbound, rcpt, err);
}
