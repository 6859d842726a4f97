/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The end of message: each list's verdict, the commit, and what the sender
 * is told.
 */
#include <string.h>

#include <glib.h>

#include "core/inbound/state.h"
#include "core/inbound/repeat.h"
#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "core/moderate/moderate.h"
#include "core/base/banned.h"

#define SUBMIT_MS 60000 /* below the 5 min that MTAs wait */

/* --- the end of message ------------------------------------------------- */

/* What the end of message knows. */
struct content {
	int fd;
	uint64_t size;	      /* of all in fd */
	struct header header; /* of what the client sent */
	const char *body;
	size_t body_len;
	char *message_id;
	GPtrArray *authors;
	bool authors_complete;
	char *author_text;
	uint8_t digest[REPEAT_KEY_LEN];
};

static void
content_done(struct content *content)
{
	if (content->header.fields != NULL)
		header_done(&content->header);
	g_free(content->message_id);
	g_free(content->author_text);
	if (content->authors != NULL)
		g_ptr_array_unref(content->authors);
}

static char *
join_authors(const GPtrArray *authors)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < authors->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
				       (char *)g_ptr_array_index(authors, i));
	return g_string_free(text, FALSE);
}

static enum err_code
content_read(struct inbound *inbound, struct content *out, struct err *err)
{
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
	if (!header_parse(sent, len, &out->header, &body_at))
		return err_set(err, ERR_INVALID, "", "too many header fields");
	out->body = sent + body_at;
	out->body_len = len - body_at;
	out->message_id = header_get(&out->header, "Message-ID");
	if (out->message_id == NULL)
		out->message_id = g_strdup("");
	out->authors = mime_authors(&out->header, &out->authors_complete);
	out->author_text = join_authors(out->authors);
	repeat_digest(&out->header, out->body, out->body_len, inbound->peer.qid,
		      out->digest);
	return ERR_OK;
}

/* Does some field of this name hold this text? In any case of letters. */
static bool
has_text(const struct content *content, const char *name, const char *text)
{
	bool found = false;

	for (guint i = 0; i < content->header.fields->len && !found; i++) {
		const struct header_field *field = &g_array_index(
			content->header.fields, struct header_field, i);
		g_autofree char *value = NULL, *lower = NULL;

		if (field->name_len != strlen(name) ||
		    g_ascii_strncasecmp(field->raw, name, field->name_len) !=
			    0)
			continue;
		value = header_value(&content->header, (int)i);
		lower = g_ascii_strdown(value, -1);
		found = strstr(lower, text) != NULL;
	}
	return found;
}

/* Our List-Id, or, where another list has put its own in that place, the
 * X-Loop that it left alone. */
static bool
was_here(const struct content *content, const char *list)
{
	g_autofree char *id = g_strdup_printf("<%s>", list);

	*strchr(id, '@') = '.';
	return has_text(content, "List-Id", id) ||
	       has_text(content, "X-Loop", list);
}

/* RFC 3834 section 5: anything but "no", parameters aside */
static bool
is_automatic(const struct content *content)
{
	g_autofree char *value = header_get(&content->header, "Auto-Submitted");

	if (value == NULL)
		return false;
	value[strcspn(value, " \t;(")] = '\0';
	return g_ascii_strcasecmp(value, "no") != 0;
}

static bool
refuse_loop(const struct inbound *inbound, const struct content *content,
	    const struct rcpt_answer *is, struct smtp_reply *reply)
{
	unsigned int hops = header_count(&content->header, "Received");

	if (hops > (uint64_t)inbound->settings->hops_max)
		reply_set(reply, 554, "5.4.6",
			  "Mail loop: this message has "
			  "passed %u hosts",
			  hops);
	else if (is->role != ROLE_POST)
		return false;
	else if (was_here(content, is->list))
		reply_set(reply, 554, "5.4.6",
			  "Mail loop: this message has "
			  "been on %s already",
			  is->list);
	else if (is_automatic(content))
		reply_set(reply, 550, "5.7.1", "%s takes no automatic mail",
			  is->list);
	else
		return false;
	return true;
}

/* Does the policy need the author, and is he a member? */
static enum err_code
judge_author(const struct inbound *inbound, const struct content *content,
	     const struct rcpt_answer *is, struct verdict *out, struct err *err)
{
	struct facts facts = {
		.sender_member = is->sender_member ? FACT_YES : FACT_NO,
		.author_member = FACT_UNKNOWN,
	};
	bool members = false;
	enum err_code rc;

	moderate(is->policy, &facts, out);
	if (out->kind != VERDICT_NONE)
		return ERR_OK;
	/* All of several authors must be members, and there must be one. */
	if (content->authors->len > 0 && content->authors_complete) {
		rc = ask_members(inbound->ask, is->list, content->authors,
				 &members, err);
		if (rc != ERR_OK)
			return rc;
	}
	facts.author_member = members ? FACT_YES : FACT_NO;
	moderate(is->policy, &facts, out);
	return ERR_OK;
}

static enum err_code
judge_at_end(const struct inbound *inbound, const struct content *content,
	     struct rcpt *rcpt, struct err *err)
{
	struct verdict verdict = {
		.kind = VERDICT_ACCEPT, .rule = 0, .fact = "role"};
	enum err_code rc = ERR_OK;

	if (reply_if_too_large(&rcpt->is, (int64_t)inbound_client_size(inbound),
			       &rcpt->reply) ||
	    refuse_loop(inbound, content, &rcpt->is, &rcpt->reply))
		return ERR_OK;
	if (rcpt->is.role == ROLE_POST)
		rc = judge_author(inbound, content, &rcpt->is, &verdict, err);
	if (rc != ERR_OK)
		return rc;
	if (verdict.kind == VERDICT_REJECT) {
		reply_not_welcome(&rcpt->is, &rcpt->reply);
		return ERR_OK;
	}
	rcpt->accepted = true;
	rcpt->why =
		rcpt->is.role != ROLE_POST
			? g_strdup_printf("accepted for the address -%s",
					  role_name(rcpt->is.role))
			: g_strdup_printf("accepted by policy %s, rule %d (%s)",
					  rcpt->is.policy, verdict.rule,
					  verdict.fact);
	return ERR_OK;
}

static bool
same_target(const struct rcpt *a, const struct rcpt *b)
{
	return a->is.role == b->is.role &&
	       strcmp(a->is.list, b->is.list) == 0 &&
	       strcmp(a->is.detail, b->is.detail) == 0;
}

static GArray *
collect_targets(const struct inbound *inbound, const struct content *content)
{
	GArray *to = g_array_new(FALSE, TRUE, sizeof(struct submission_to));

	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);
		struct submission_to target = {.list = rcpt->is.list};
		bool seen = !rcpt->accepted;

		/* dev and dev+x are the same list. */
		if (rcpt->is.role == ROLE_POST)
			rcpt->is.detail[0] = '\0';
		for (guint j = 0; j < i && !seen; j++)
			seen = same_target(rcpt_at(inbound, j), rcpt);
		if (seen)
			continue;
		target.role = rcpt->is.role;
		target.detail = rcpt->is.detail;
		target.why = rcpt->why;
		repeat_key(content->digest, inbound->sender.text, target.list,
			   role_name(target.role), target.detail, target.key);
		g_array_append_val(to, target);
	}
	return to;
}

static void
log_end(const struct inbound *inbound, const struct content *content,
	const char *event, const char *list, const char *text)
{
	struct log_ctx ctx;

	inbound_log_ctx(inbound, list, &ctx);
	log_info(&ctx, event, kv_str("from", inbound->sender.text),
		 kv_str("author", content->author_text),
		 kv_str("message-id", content->message_id),
		 kv_str("client", inbound->peer.addr),
		 kv_num("size", inbound_client_size(inbound)),
		 kv_str("text", text));
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
	post.message_id = content->message_id;
	post.author = content->author_text;
	post.size = content->size;
	rc = ask_submit(inbound->ask, &post, content->fd, SUBMIT_MS, tick->call,
			tick->arg, &repeat, id, err);
	if (rc != ERR_OK)
		return rc;
	g_array_set_size(inbound->refused, 0); /* they went along */
	for (guint i = 0; i < to->len; i++) {
		const struct submission_to *target =
			&g_array_index(to, struct submission_to, i);

		log_end(inbound, content,
			repeat ? "post.repeated" : "post.accepted",
			target->list, repeat ? id : target->why);
	}
	(void)g_strlcpy(inbound->id, id, sizeof(inbound->id));
	return ERR_OK;
}

static void
note_end_refusals(struct inbound *inbound, const struct content *content)
{
	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);
		g_autofree char *line = NULL;

		if (rcpt->accepted)
			continue;
		line = reply_line(&rcpt->reply);
		inbound_note_refusal(inbound, rcpt->is.list, rcpt->path,
				     &rcpt->reply);
		log_end(inbound, content, "post.refused", rcpt->is.list, line);
	}
}

static enum err_code
decide_and_commit(struct inbound *inbound, const struct content *content,
		  const struct tick *tick, struct err *err)
{
	g_autoptr(GArray) to = NULL;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < inbound->rcpts->len && rc == ERR_OK; i++)
		rc = judge_at_end(inbound, content, rcpt_at(inbound, i), err);
	if (rc != ERR_OK)
		return rc;
	note_end_refusals(inbound, content);
	to = collect_targets(inbound, content);
	if (to->len > 0)
		return commit(inbound, content, to, tick, err);
	inbound_tell_refusals(inbound, content->message_id,
			      content->author_text);
	return ERR_OK;
}

/* Over the limit of every list: no content was kept to look at. */
static void
refuse_too_large(struct inbound *inbound)
{
	struct content none = {.message_id = (char *)(uintptr_t) "",
			       .author_text = (char *)(uintptr_t) ""};

	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);

		reply_set(&rcpt->reply, 552, "5.3.4",
			  "%s takes messages of "
			  "at most %lld octets",
			  rcpt->is.list, (long long)rcpt->is.size_max);
	}
	note_end_refusals(inbound, &none);
	inbound_tell_refusals(inbound, "", "");
}

static void
summarize(const struct inbound *inbound, struct smtp_reply *all)
{
	reply_none(all);
	for (guint i = 0; i < inbound->rcpts->len; i++) {
		struct rcpt *rcpt = rcpt_at(inbound, i);

		if (rcpt->accepted)
			reply_set(&rcpt->reply, 250, "2.6.0", "%s for %s",
				  inbound->id, rcpt->is.list);
		if (all->code == 0 || (all->code != 250 && rcpt->accepted))
			*all = rcpt->reply;
	}
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

		rcpt->accepted = false;
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
			  "This message cannot "
			  "be read: %s",
			  err->what);
		inbound_note_refusal(inbound, rcpt->is.list, rcpt->path,
				     &rcpt->reply);
		inbound_log_refused(inbound, rcpt->is.list, rcpt->path,
				    &rcpt->reply);
	}
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
	content_done(&content);
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
