/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The end of message: each list's verdict, the commit, and what the sender
 * is told.
 */
#include <string.h>

#include <glib.h>

#include "core/inbound/repeat.h"
#include "core/inbound/state.h"
#include "core/base/banned.h"

#define SUBMIT_MS 60000 /* below the 5 min that MTAs wait */

/* What the end of message has besides the message itself. */
struct content {
	int fd;
	uint64_t size;	/* of all in fd */
	uint8_t digest[REPEAT_KEY_LEN];
};

static enum err_code
content_read(struct inbound *inbound, struct content *out, struct err *err)
{
	struct message *message = &inbound->message;
	const char *bytes, *sent;
	size_t len, body_at;
	enum err_code rc;

	inbound_begin_spool(inbound);
	rc = spool_seal(inbound->spool, &out->fd, &bytes, err);
	if (rc != ERR_OK)
		return rc;
	out->size = spool_size(inbound->spool);
	sent = bytes + inbound->prefix_len;
	len = out->size - inbound->prefix_len;
	judge_header(inbound);
	if (!message_set_header(message, sent, len, &body_at))
		return err_set(err, ERR_INVALID, "", "too many header fields");
	message->body = sent + body_at;
	message->body_len = len - body_at;
	message->size = len;
	message->step = STEP_END;
	repeat_digest(&message->header, message->body, message->body_len,
		      inbound->peer.qid, out->digest);
	return ERR_OK;
}

/* --- before and after a verdict ----------------------------------------- */

static void
key_of(const struct inbound *inbound, const struct content *content,
       const struct rcpt *rcpt, uint8_t out[REPEAT_KEY_LEN])
{
	/* dev and dev+x are the same list. */
	const char *detail = rcpt->is.role == ROLE_POST ? ""
							: rcpt->is.detail;

	repeat_key(content->digest, inbound->sender.text, rcpt->is.list,
		   role_name(rcpt->is.role), detail, out);
}

/*
 * A client whose 250 got lost sends the post again, and the second time it
 * may be a duplicate, one too many, or by somebody who has left, and a
 * confirmation has been used up: it is told 250 again (invariant 3).
 */
static enum err_code
forgive_repeat(struct inbound *inbound, const struct content *content,
	       struct rcpt *rcpt, struct err *err)
{
	uint8_t key[REPEAT_KEY_LEN];

	if (rcpt->taken || (rcpt->is.role != ROLE_POST &&
			    rcpt->is.role != ROLE_CONFIRM))
		return ERR_OK;
	key_of(inbound, content, rcpt, key);
	return ask_taken(inbound->env->ask, key, &rcpt->taken, err);
}

/* Is there a recipient for whom it still matters who wrote it? */
static bool
needs_evidence(const struct inbound *inbound)
{
	for (guint i = 0; i < inbound->rcpts->len; i++) {
		const struct rcpt *rcpt = rcpt_at(inbound, i);

		if (rcpt->is.role != ROLE_BOUNCES &&
		    rcpt->verdict.kind != VERDICT_REJECT &&
		    rcpt->verdict.kind != VERDICT_DEFER)
			return true;
	}
	return false;
}

static void
authenticate(struct inbound *inbound)
{
	struct message *message = &inbound->message;

	if (inbound->auth != NULL && needs_evidence(inbound))
		message->evidence = auth_end(
			inbound->auth, &message->header, message->body,
			message->body_len, message->authors,
			message->authors_complete);
}

/* --- the commit --------------------------------------------------------- */

static bool
same_target(const struct rcpt *a, const struct rcpt *b)
{
	return a->is.role == b->is.role &&
	       strcmp(a->is.list, b->is.list) == 0 &&
	       strcmp(a->is.detail, b->is.detail) == 0;
}

/* Of a repeat that was refused the first verdict counts; nothing is done
 * with the second. */
static enum verdict_kind
verdict_of(const struct rcpt *rcpt)
{
	enum verdict_kind kind = rcpt->verdict.kind;

	return rcpt->policy == NULL || rcpt->misdirected ||
			       kind == VERDICT_REJECT ||
			       kind == VERDICT_DEFER
		       ? VERDICT_ACCEPT
		       : kind;
}

/* A report goes to each list of which it encloses a copy, with the token as
 * the detail. */
static void
add_reported(const struct inbound *inbound, const struct content *content,
	     const struct rcpt *rcpt, GArray *to)
{
	for (guint i = 0; i < rcpt->reported->len; i++) {
		const struct rcpt_answer *is = rcpt->reported->pdata[i];
		struct submission_to target = {
			.list = is->list, .role = ROLE_FEEDBACK,
			.detail = is->detail, .verdict = VERDICT_ACCEPT,
			.why = rcpt->why, .reason = "",
		};

		repeat_key(content->digest, inbound->sender.text, is->list,
			   role_name(ROLE_FEEDBACK), is->detail, target.key);
		g_array_append_val(to, target);
	}
}

static GArray *
collect_targets(const struct inbound *inbound, const struct content *content)
{
	GArray *to = g_array_new(FALSE, TRUE, sizeof(struct submission_to));

	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);
		struct submission_to target = {.list = rcpt->is.list};
		bool seen = !rcpt->taken;

		if (!seen && rcpt->reported != NULL) {
			add_reported(inbound, content, rcpt, to);
			continue;
		}
		if (rcpt->is.role == ROLE_POST)
			rcpt->is.detail[0] = '\0';
		for (guint j = 0; j < i && !seen; j++)
			seen = same_target(rcpt_at(inbound, j), rcpt);
		if (seen)
			continue;
		target.role = rcpt->is.role;
		target.detail = rcpt->is.detail;
		target.verdict = verdict_of(rcpt);
		target.why = rcpt->why;
		target.misdirected = rcpt->misdirected;
		target.reason = rcpt->policy != NULL ? rcpt->verdict.text : "";
		key_of(inbound, content, rcpt, target.key);
		g_array_append_val(to, target);
	}
	return to;
}

static const char *
event_of(enum verdict_kind verdict, bool repeat)
{
	if (repeat)
		return "post.repeated";
	if (verdict == VERDICT_HOLD)
		return "post.held";
	return verdict == VERDICT_DISCARD ? "post.discarded"
					  : "post.accepted";
}

struct tick {
	void (*call)(void *arg);
	void *arg;
};

static enum err_code
commit(struct inbound *inbound, const struct content *content, GArray *to,
       const struct tick *tick, struct err *err)
{
	g_autofree char *client = inbound_client_text(inbound);
	struct submission post;
	char id[21];
	bool repeat = false;
	enum err_code rc;

	inbound_fill_submission(inbound, to, &post);
	post.client = client;
	post.message_id = inbound->message.message_id;
	post.author = inbound->message.author_text;
	post.size = content->size;
	rc = ask_submit(inbound->env->ask, &post, content->fd, SUBMIT_MS,
			tick->call, tick->arg, &repeat, id, err);
	if (rc != ERR_OK)
		return rc;
	g_array_set_size(inbound->refused, 0); /* they went along */
	for (guint i = 0; i < to->len; i++) {
		const struct submission_to *target =
			&g_array_index(to, struct submission_to, i);

		inbound_log_end(inbound, event_of(target->verdict, repeat),
				target->list, repeat ? id : target->why);
	}
	(void)g_strlcpy(inbound->id, id, sizeof(inbound->id));
	return ERR_OK;
}

static void
note_end_refusals(struct inbound *inbound)
{
	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);
		g_autofree char *line = NULL;

		if (rcpt->taken)
			continue;
		line = reply_line(&rcpt->reply);
		inbound_note_refusal(inbound, rcpt->is.list, rcpt->path,
				     &rcpt->reply);
		inbound_log_end(inbound, "post.refused", rcpt->is.list, line);
	}
}

static enum err_code
decide_and_commit(struct inbound *inbound, const struct content *content,
		  const struct tick *tick, struct err *err)
{
	g_autoptr(GArray) to = NULL;
	enum err_code rc = ERR_OK;

	authenticate(inbound);
	for (guint i = 0; i < inbound->rcpts->len && rc == ERR_OK; i++) {
		rc = judge_at_end(inbound, rcpt_at(inbound, i), err);
		if (rc == ERR_OK)
			rc = forgive_repeat(inbound, content,
					    rcpt_at(inbound, i), err);
	}
	if (rc != ERR_OK)
		return rc;
	note_end_refusals(inbound);
	to = collect_targets(inbound, content);
	if (to->len > 0)
		return commit(inbound, content, to, tick, err);
	inbound_tell_refusals(inbound, inbound->message.message_id,
			      inbound->message.author_text);
	return ERR_OK;
}

/* --- what cannot be judged ---------------------------------------------- */

/* Over the limit of every list: no content was kept to look at. */
static void
refuse_too_large(struct inbound *inbound)
{
	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);

		reply_set(&rcpt->reply, 552, "5.3.4",
			  "%s takes messages of at most %lld octets",
			  rcpt->is.list, (long long)rcpt->is.size_max);
	}
	note_end_refusals(inbound);
	inbound_tell_refusals(inbound, "", "");
}

static void
defer_all(struct inbound *inbound, const struct err *err)
{
	struct log_ctx ctx;

	inbound_log_ctx(inbound, NULL, &ctx);
	log_err(&ctx, "post.deferred", err);
	/* Whatever else was going to be said, 451 is what is said. */
	g_array_set_size(inbound->refused, 0);
	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);

		rcpt->taken = false;
		reply_of_err(&rcpt->reply, err);
	}
}

/* Content that cannot be read as a message will not be later either. */
static void
refuse_malformed(struct inbound *inbound, const struct err *err)
{
	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);

		reply_set(&rcpt->reply, 554, "5.6.0",
			  "This message cannot be read: %s", err->what);
	}
	note_end_refusals(inbound);
	inbound_tell_refusals(inbound, "", "");
}

static void
judge_message(struct inbound *inbound, const struct tick *tick)
{
	struct content content = {.fd = -1};
	struct err err = ERR_INIT;
	enum err_code rc = content_read(inbound, &content, &err);

	if (rc == ERR_INVALID)
		refuse_malformed(inbound, &err);
	else if (rc != ERR_OK ||
		 decide_and_commit(inbound, &content, tick, &err) != ERR_OK)
		defer_all(inbound, &err);
}

/* --- the answer --------------------------------------------------------- */

/* 4xx before 250 before 5xx: a list that wants it later is asked again, and
 * those that took it know it then. */
static bool
outweighs(const struct smtp_reply *a, const struct smtp_reply *b)
{
	static const int rank[] = {0, 0, 2, 0, 3, 1};

	return rank[a->code / 100] > rank[b->code / 100];
}

static void
summarize(const struct inbound *inbound, struct smtp_reply *all)
{
	reply_none(all);
	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);

		if (rcpt->taken)
			reply_set(&rcpt->reply, 250, "2.6.0", "%s for %s",
				  inbound->id, rcpt->is.list);
		if (outweighs(&rcpt->reply, all))
			*all = rcpt->reply;
	}
}

void
inbound_end(struct inbound *inbound, inbound_rcpt_reply rcpt,
	    void (*tick)(void *arg), void *arg, struct smtp_reply *all)
{
	struct tick every = {tick, arg};

	if (inbound->too_large)
		refuse_too_large(inbound);
	else
		judge_message(inbound, &every);
	summarize(inbound, all);
	for (guint i = 0; rcpt != NULL && i < inbound->rcpts->len; i++)
		rcpt(arg, rcpt_at(inbound, i)->path,
		     &rcpt_at(inbound, i)->reply);
}

void
inbound_refuse_early(struct inbound *inbound, struct smtp_reply *reply)
{
	for (guint i = 0; i < inbound->rcpts->len; i++)
		if (rcpt_at(inbound, i)->reply.code < 400)
			return;
	note_end_refusals(inbound);
	inbound_tell_refusals(inbound, inbound->message.message_id,
			      inbound->message.author_text);
	summarize(inbound, reply);
}
