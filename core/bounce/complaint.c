/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A member has called a post spam, and his provider says so (RFC 5965). Such a
 * report comes from outside, and anybody can write one: what it says counts
 * only where it has a token that stands in that member's copies alone, in the
 * address that it came to, or in what it returns of the copy (the bounce
 * address in Return-Path or Original-Mail-From, the one to leave with in
 * List-Unsubscribe). Providers cut the member's address out of the report, and
 * nothing that names him is looked at.
 */
#include <string.h>

#include "core/auth/verified.h"
#include "core/bounce/inside.h"
#include "core/letter/letter.h"
#include "core/outbound/slot.h"
#include "db/event.h"
#include "db/post.h"
#include "core/base/banned.h"

typedef bool (*token_reads)(const struct verp *verp, const char *list,
			    const char *token, struct complaint_proof *out);

static bool
read_bounce_token(const struct verp *verp, const char *list,
		  const char *token, struct complaint_proof *out)
{
	out->has_post = verp_open(verp, list, token, out->member, out->post);
	return out->has_post;
}

static bool
read_leave_token(const struct verp *verp, const char *list, const char *token,
		 struct complaint_proof *out)
{
	out->has_post = leave_token_read(verp, list, token, out->member,
					 out->post);
	out->is_leave = out->has_post;
	return out->has_post;
}

/* The first token behind this in the bytes that is one of ours. */
static bool
find_token(const struct verp *verp, const char *list, const char *behind,
	   const char *bytes, size_t len, token_reads reads,
	   struct complaint_proof *out)
{
	const size_t skip = strlen(behind);
	const char *end = bytes + len, *at = bytes;
	char token[VERP_TOKEN_LEN + 1];

	while ((at = memmem(at, (size_t)(end - at), behind, skip)) != NULL) {
		at += skip;
		if (end - at < VERP_TOKEN_LEN)
			return false;
		memcpy(token, at, VERP_TOKEN_LEN);
		token[VERP_TOKEN_LEN] = '\0';
		if (strlen(token) == VERP_TOKEN_LEN &&
		    reads(verp, list, token, out))
			return true;
	}
	return false;
}

static bool
find_proof(const struct verp *verp, const char *list,
	   const struct verp_says *says, const char *bytes, size_t len,
	   struct complaint_proof *out)
{
	memset(out, 0, sizeof(*out));
	if (!says->is_shared) {
		memcpy(out->member, says->member, sizeof(out->member));
		memcpy(out->post, says->post, sizeof(out->post));
		out->has_post = true;
		return true;
	}
	return find_token(verp, list, "-bounces+", bytes, len,
			  read_bounce_token, out) ||
		find_token(verp, list, "-leave+", bytes, len,
			   read_leave_token, out);
}

/* --- what follows ------------------------------------------------------- */

/* One complaint, while it is dealt with. */
struct objection {
	struct txn *txn;
	const struct bounce_with *with;
	const struct job *job;		/* of the report */
	struct post_id post;		/* that is complained of, or the
					 * report's */
	char *addr;			/* canonical, NULL: nobody */
	struct member *member;
};

static enum err_code
find_member(struct objection *c, const struct complaint_proof *proof,
	    struct err *err)
{
	bool found = false;
	enum err_code rc = roster_by_handle(c->txn, c->with->list,
					    proof->member, &c->member,
					    &c->addr, err);

	if (rc == ERR_OK && proof->has_post)
		rc = post_id_by_prefix(c->txn, proof->post, VERP_POST_LEN,
				       &c->post, &found, err);
	if (!found)
		c->post = c->job->post;
	return rc;
}

/* Has he subscribed again since? Where the post is forgotten, he is not taken
 * at his word of long ago either, but for what he could leave with. */
static enum err_code
is_old(const struct objection *c, const struct complaint_proof *proof, bool *old,
       struct err *err)
{
	int64_t began_us = 0;
	enum err_code rc = ERR_OK;

	*old = false;
	if (!proof->has_post)
		return ERR_OK;
	rc = trace_began(c->txn, &c->post, &began_us, err);
	if (post_id_equal(&c->post, &c->job->post))
		*old = !proof->is_leave;
	else
		*old = began_us / G_USEC_PER_SEC < c->member->since_s;
	return rc;
}

/* Providers repeat themselves, and one may hear of a copy by two ways. */
static enum err_code
is_first(const struct objection *c, const struct complaint_proof *proof,
	 bool *first, struct err *err)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	uint8_t key[SEEN_KEY_LEN];
	gsize len = sizeof(key);
	struct post_id earlier;
	static const char what[] = "complaint";

	*first = true;
	if (post_id_equal(&c->post, &c->job->post))
		return ERR_OK;
	g_checksum_update(sum, (const guchar *)what, sizeof(what));
	g_checksum_update(sum, (const guchar *)c->with->list_addr,
			  (gssize)strlen(c->with->list_addr) + 1);
	g_checksum_update(sum, proof->member, sizeof(proof->member));
	g_checksum_update(sum, proof->post, sizeof(proof->post));
	g_checksum_get_digest(sum, key, &len);
	return seen_add(c->txn, key, &c->job->post, c->with->now_s, first,
			&earlier, err);
}

/* The domain that is verified, or else that From names; NULL: neither */
static char *
reporter_of(const struct post *report)
{
	struct evidence *evidence = evidence_of_text(report->evidence);
	static char *const any[] = { NULL };
	char *by = g_strdup(verified_domain(evidence, any, report->author));

	if (by == NULL && strchr(report->author, '@') != NULL)
		by = letter_domain(report->author);
	evidence_free(evidence);
	return by;
}

static enum err_code
tell_owners(const struct objection *c, struct err *err)
{
	struct post *report = NULL;
	g_autofree char *by = NULL;
	struct letter_field fields[] = {
		{ "member.address", c->addr }, { "reported.by", NULL },
		{ NULL, NULL },
	};
	struct letter letter = {
		.list = c->with->list, .list_addr = c->with->list_addr,
		.conf = c->with->conf, .template = "complaint-removed",
		.fields = fields,
	};
	enum err_code rc = post_get(c->txn, &c->job->post, &report, err);

	if (rc == ERR_OK && report != NULL)
		by = reporter_of(report);
	fields[1].value = by;
	post_free(report);
	for (char **to = c->with->conf->owners; *to != NULL && rc == ERR_OK;
	     to++) {
		letter.to = *to;
		rc = letter_send(c->txn, c->with->settings, &letter,
				 "notice of a complaint", NULL, err);
	}
	return rc;
}

static enum err_code
follow(const struct objection *c, const char **what, struct err *err)
{
	bool removed;
	enum err_code rc = ERR_OK;

	switch (c->with->conf->complaint) {
	case COMPLAINT_REMOVE:
		*what = "called a post spam, and was removed";
		rc = roster_remove(c->txn, c->with->list, c->addr, &removed,
				   err);
		return rc == ERR_OK ? tell_owners(c, err) : rc;
	case COMPLAINT_OFF:
		*what = "called a post spam, and gets no more posts";
		member_deliver(c->member, DELIVERY_OFF, OFF_BY_SELF,
			       c->with->now_s);
		return roster_put(c->txn, c->with->list, c->member, err);
	case COMPLAINT_IGNORE:
		break;
	}
	*what = "called a post spam; the list ignores complaints";
	return ERR_OK;
}

/* Nothing follows: why, in the trace of the report */
static enum err_code
leave_it(const struct objection *c, const char *why, struct err *err)
{
	return trace_add(c->txn, &c->job->post, BOUNCE_STAGE,
			 c->with->list_addr, err, "a complaint of %s %s; "
			 "nothing done", c->addr, why);
}

static enum err_code
note(const struct objection *c, const char *what, struct err *err)
{
	enum err_code rc = event_add(c->txn, c->with->list, EVENT_COMPLAINT,
				     c->addr, err, "%s", what);

	if (rc == ERR_OK)
		rc = trace_add(c->txn, &c->post, BOUNCE_STAGE,
			       c->with->list_addr, err, "%s %s", c->addr,
			       what);
	if (rc == ERR_OK && !post_id_equal(&c->post, &c->job->post))
		rc = trace_add(c->txn, &c->job->post, BOUNCE_STAGE,
			       c->with->list_addr, err, "a complaint: %s %s",
			       c->addr, what);
	return rc == ERR_OK ? digest_note(c->txn, c->with, err) : rc;
}

static enum err_code
act(struct objection *c, const struct complaint_proof *proof,
    struct err *err)
{
	const char *what = NULL;
	bool old = false, first = false;
	enum err_code rc = find_member(c, proof, err);

	if (rc != ERR_OK || c->member == NULL)
		return rc != ERR_OK ? rc :
			trace_add(c->txn, &c->job->post, BOUNCE_STAGE,
				  c->with->list_addr, err, "a complaint of "
				  "somebody who is not subscribed any more");
	rc = is_old(c, proof, &old, err);
	if (rc == ERR_OK && old)
		return leave_it(c, "about a post that is older than his "
				"subscription, or forgotten", err);
	if (rc == ERR_OK)
		rc = is_first(c, proof, &first, err);
	if (rc == ERR_OK && !first)
		return leave_it(c, "that has been followed already", err);
	if (rc == ERR_OK)
		rc = follow(c, &what, err);
	if (rc == ERR_OK)
		rc = note(c, what, err);
	return rc;
}

enum err_code
complaint_act(struct txn *txn, const struct bounce_with *with,
	      const struct job *job, const struct complaint_proof *proof,
	      struct err *err)
{
	struct objection c = { .txn = txn, .with = with, .job = job };
	enum err_code rc = act(&c, proof, err);

	member_free(c.member);
	g_free(c.addr);
	return rc;
}

enum err_code
complaint_run(struct txn *txn, const struct bounce_with *with,
	      const struct verp *verp, const struct job *job,
	      const struct verp_says *says, const char *bytes, size_t len,
	      struct err *err)
{
	struct complaint_proof proof;

	if (!find_proof(verp, with->list_addr, says, bytes, len, &proof))
		return trace_add(txn, &job->post, BOUNCE_STAGE,
				 with->list_addr, err, "a complaint that "
				 "does not prove whose it is; nothing done");
	return complaint_act(txn, with, job, &proof, err);
}
