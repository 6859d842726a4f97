/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <openssl/sha.h>

#include "core/base/clock.h"
#include "core/command/subscription.h"
#include "core/held/inside.h"
#include "core/letter/plain.h"
#include "db/post.h"
#include "core/base/banned.h"

/*
 * Requests to join that wait for a moderator: held jobs like those of posts,
 * but with ROLE_JOIN, the address in addrs and how it wants to join in
 * detail. They are listed, expire and are decided about as posts are; what
 * approving and rejecting mean is core/command's.
 *
 * There is one for an address. So the job's id begins with what follows from
 * list and address, and the rest is random: a moderator's notice of an
 * earlier request decides nothing about this one.
 */

#define MARK_LEN 6		/* of the HELD_PREFIX_LEN that tokens have */

bool
held_is_request(const struct job *held)
{
	return held->role == ROLE_JOIN && held->addrs[0] != NULL;
}

/* --- coming ------------------------------------------------------------- */

static void
request_id(const struct held_request *request, struct post_id *out)
{
	g_autofree char *text = g_strdup_printf("muster join %s %s",
						request->list->addr,
						request->addr);
	uint8_t hash[SHA256_DIGEST_LENGTH];

	(void) SHA256((const uint8_t *)text, strlen(text), hash);
	post_id_new(out);
	memcpy(out->bytes, hash, MARK_LEN);
}

static enum err_code
is_waiting(struct txn *txn, const struct held_request *request,
	   const struct post_id *id, bool *waits, struct err *err)
{
	g_autoptr(held_job_t) there = NULL;
	enum err_code rc = queue_find_in(txn, STAGE_HELD, id->bytes, MARK_LEN,
					 &there, err);

	*waits = there != NULL && held_is_request(there) &&
		there->list == request->list->id &&
		strcmp(there->addrs[0], request->addr) == 0;
	return rc;
}

/* Every job belongs to a post; where no mail asked, to an empty one. */
static enum err_code
put_empty_post(struct txn *txn, struct post_id *id, struct err *err)
{
	char door[] = "muster";
	struct post post = {
		.received_s = clock_s(), .door = door, .jobs = HELD_JOBS,
	};

	post_id_new(&post.id);
	*id = post.id;
	return post_put(txn, &post, -1, err);
}

static enum err_code
put(struct txn *txn, const struct held_request *request,
    const struct post_id *id, struct err *err)
{
	g_autofree char *reason = g_strdup_printf("%s asks to join",
						  request->addr);
	char *addrs[] = { (char *)(uintptr_t)request->addr, NULL };
	struct post_id post;
	struct held_offer offer = {
		.post = &post, .list = request->list, .role = ROLE_JOIN,
		.detail = request->detail, .reason = reason, .id = id,
		.addrs = addrs, .now_ms = request->now_ms,
	};
	enum err_code rc;

	if (request->post != NULL) {
		post = *request->post;
		rc = post_hold(txn, &post, HELD_JOBS, err);
	} else {
		rc = put_empty_post(txn, &post, err);
	}
	return rc == ERR_OK ? held_put(txn, &offer, err) : rc;
}

enum err_code
held_put_request(struct txn *txn, const struct held_request *request,
		 bool *is_new, struct err *err)
{
	struct post_id id;
	bool waits = false;
	enum err_code rc;

	request_id(request, &id);
	rc = is_waiting(txn, request, &id, &waits, err);
	*is_new = !waits;
	return rc == ERR_OK && !waits ? put(txn, request, &id, err) : rc;
}

/* --- what moderators are told ------------------------------------------- */

/* Of "host [192.0.2.7]" */
static char *
network_of(const struct post *post)
{
	const char *open = strrchr(post->client, '[');
	g_autofree char *client = open != NULL ?
		g_strndup(open + 1, strcspn(open + 1, "]")) : g_strdup("");

	return letter_network(client);
}

enum err_code
request_notice(struct txn *txn, const struct settings *settings,
	       const struct held_key *key, const struct job *held,
	       const struct held_view *view, struct letter *letter,
	       char *const *to, struct err *err)
{
	g_autofree char *approve = notice_addr(key, held, HELD_APPROVE);
	g_autofree char *reject = notice_addr(key, held, HELD_REJECT);
	g_autofree char *reply_to = notice_addr(key, held, HELD_ASK);
	g_autofree char *asked = plain_time(held->made_ms / 1000);
	g_autofree char *expires = plain_time(held->due_ms / 1000);
	g_autofree char *network = network_of(view->post);
	g_autofree char *name = subscription_request_name(held);
	g_auto(GStrv) lines = held_view_lines(view);
	g_autofree char *note = g_strjoinv("\n", lines);
	const struct letter_field fields[] = {
		{ "member.address", held->addrs[0] },
		{ "member.name", name }, { "asked.at", asked },
		{ "client.network", network }, { "expires", expires },
		{ "note", note }, { "approve.address", approve },
		{ "reject.address", reject }, { NULL, NULL },
	};
	enum err_code rc = ERR_OK;

	letter->template = "join-moderate";
	letter->fields = fields;
	letter->reply_to = reply_to;
	for (; *to != NULL && rc == ERR_OK; to++) {
		letter->to = *to;
		rc = letter_send(txn, settings, letter, "notice of a request "
				 "to join", NULL, err);
	}
	return rc;
}

/* --- deciding ----------------------------------------------------------- */

static enum err_code
approve(struct txn *txn, const struct subscription_with *with,
	const struct job *held, const struct held_act *act,
	struct held_result *out, struct err *err)
{
	struct subscription_result result;
	enum err_code rc = subscription_approve(txn, with, held, act->who,
						&result, err);

	if (rc != ERR_OK)
		return rc;
	if (result.outcome == SUB_BANNED) {
		out->outcome = HELD_IMPOSSIBLE;
		(void) g_strlcpy(out->why, "the address is banned; reject or "
				 "discard the request", sizeof(out->why));
		return ERR_OK;
	}
	return trace_add(txn, &held->post, HELD_STAGE, held->list_addr, err,
			 "the request of %s was approved by %s",
			 held->addrs[0], act->who);
}

static enum err_code
reject(struct txn *txn, const struct subscription_with *with,
       const struct job *held, const struct held_act *act, struct err *err)
{
	const char *why = NULL;
	enum err_code rc = subscription_reject(txn, with, held, act->reason,
					       &why, err);

	if (rc != ERR_OK)
		return rc;
	return trace_add(txn, &held->post, HELD_STAGE, held->list_addr, err,
			 "the request of %s was rejected by %s%s%s; who asked "
			 "was %stold%s%s", held->addrs[0], act->who,
			 act->reason[0] != '\0' ? ": " : "", act->reason,
			 why != NULL ? "not " : "", why != NULL ? ": " : "",
			 why != NULL ? why : "");
}

static enum err_code
decide(struct txn *txn, const struct subscription_with *with,
       const struct job *held, const struct held_act *act,
       struct held_result *out, struct err *err)
{
	switch (act->decision) {
	case HELD_APPROVE:
	case HELD_ACCEPT:	/* there is nothing more to accept */
		return approve(txn, with, held, act, out, err);
	case HELD_REJECT:
		return reject(txn, with, held, act, err);
	default:
		return trace_add(txn, &held->post, HELD_STAGE,
				 held->list_addr, err, "the request of %s "
				 "was discarded by %s", held->addrs[0],
				 act->who);
	}
}

enum err_code
request_decide(struct txn *txn, const struct settings *settings,
	       const struct job *held, const struct held_act *act,
	       struct held_result *out, struct err *err)
{
	const struct subscription_with with = {
		settings, act->verp, act->now_ms,
	};
	g_autoptr(held_job_t) there = NULL;
	bool taken = false;
	enum err_code rc = queue_again(txn, held, &there, err);

	if (rc == ERR_OK && there == NULL)
		out->outcome = HELD_DECIDED;
	if (rc != ERR_OK || there == NULL)
		return rc;
	rc = decide(txn, &with, held, act, out, err);
	if (rc == ERR_OK && out->outcome == HELD_DONE)
		rc = queue_take(txn, held, &taken, err);
	return rc == ERR_OK && taken ?
		post_release(txn, &held->post, 1, err) : rc;
}
