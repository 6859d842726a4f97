/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "core/held/inside.h"
#include "core/mail/verp.h"
#include "core/base/banned.h"

/*
 * A VERP token has room for nine bytes that are ours: here one says what is
 * to be done, and eight are the beginning of the job's id. That the two
 * kinds cannot be taken for each other is due to the key alone.
 */
struct held_key { struct verp *verp, *copies; };

G_STATIC_ASSERT(HELD_TOKEN_LEN == VERP_TOKEN_LEN);
G_STATIC_ASSERT(1 + HELD_PREFIX_LEN == VERP_MEMBER_LEN + VERP_POST_LEN);

struct held_key *
held_key_new(const uint8_t *secret)
{
	g_autoptr(GString) text = g_string_new("muster held ");
	struct held_key *key = g_new0(struct held_key, 1);
	uint8_t derived[SHA256_DIGEST_LENGTH];

	G_STATIC_ASSERT(VERP_SECRET_LEN == SHA256_DIGEST_LENGTH);
	g_string_append_len(text, (const char *)secret, VERP_SECRET_LEN);
	(void) SHA256((const uint8_t *)text->str, text->len, derived);
	key->verp = verp_new(derived);
	key->copies = verp_new(secret);
	OPENSSL_cleanse(text->str, text->len);
	OPENSSL_cleanse(derived, sizeof(derived));
	return key;
}

void
held_key_free(struct held_key *key)
{
	if (key == NULL)
		return;
	verp_free(key->verp);
	verp_free(key->copies);
	g_free(key);
}

const struct verp *
held_key_verp(const struct held_key *key)
{
	return key->copies;
}

static const char *const decisions[] = {
	[HELD_APPROVE] = "approve",
	[HELD_REJECT] = "reject",
	[HELD_DISCARD] = "discard",
	[HELD_ACCEPT] = "accept",
	[HELD_ASK] = "ask",
};

const char *
held_decision_name(enum held_decision decision)
{
	return decisions[decision];
}

void
held_token_make(const struct held_key *key, const char *list,
		enum held_decision decision, const struct post_id *job,
		char token[HELD_TOKEN_LEN + 1])
{
	uint8_t payload[1 + HELD_PREFIX_LEN];

	payload[0] = (uint8_t)decision;
	memcpy(payload + 1, job->bytes, HELD_PREFIX_LEN);
	verp_make(key->verp, list, payload, payload + VERP_MEMBER_LEN, token);
}

bool
held_token_open(const struct held_key *key, const char *list,
		const char *token, enum held_decision *decision,
		uint8_t prefix[HELD_PREFIX_LEN])
{
	uint8_t payload[1 + HELD_PREFIX_LEN];

	if (!verp_open(key->verp, list, token, payload,
		       payload + VERP_MEMBER_LEN))
		return false;
	if (payload[0] < HELD_APPROVE || payload[0] > HELD_ASK)
		return false;
	*decision = (enum held_decision)payload[0];
	memcpy(prefix, payload + 1, HELD_PREFIX_LEN);
	return true;
}

bool
held_is_answer(const struct held_key *key, const struct job *job)
{
	uint8_t prefix[HELD_PREFIX_LEN];
	enum held_decision decision;

	return job->role == ROLE_CONFIRM &&
		held_token_open(key, job->list_addr, job->detail, &decision,
				prefix);
}

/* --- who may ------------------------------------------------------------ */

static bool
is_in(char *const *addrs, const char *addr)
{
	return g_strv_contains((const char *const *)addrs, addr);
}

/* An owner who has named others as moderators has not locked himself out. */
static enum err_code
judge_person(struct txn *txn, const char *list, const char *verified,
	     enum held_outcome *out, struct err *err)
{
	struct list_conf *conf = NULL;
	enum err_code rc;

	if (verified[0] == '\0') {
		*out = HELD_NOT_VERIFIED;
		return ERR_OK;
	}
	rc = list_conf_load(txn, list, &conf, err);
	if (rc != ERR_OK)
		return rc;
	*out = is_in(conf->moderators, verified) ||
		is_in(conf->owners, verified) ? HELD_DONE :
		HELD_NOT_MODERATOR;
	list_conf_free(conf);
	return ERR_OK;
}

enum err_code
held_authorise(struct txn *txn, const struct held_key *key,
	       const struct list *list, const char *token,
	       const char *verified, struct authority *out, struct err *err)
{
	uint8_t prefix[HELD_PREFIX_LEN];
	enum err_code rc;

	out->held = NULL;
	if (!held_token_open(key, list->addr, token, &out->decision, prefix)) {
		out->outcome = HELD_NO_TOKEN;
		return ERR_OK;
	}
	/* A stranger does not learn what became of a post. */
	rc = judge_person(txn, list->addr, verified, &out->outcome, err);
	if (rc != ERR_OK || out->outcome != HELD_DONE)
		return rc;
	rc = queue_find_in(txn, STAGE_HELD, prefix, HELD_PREFIX_LEN,
			   &out->held, err);
	if (rc == ERR_OK && out->held != NULL && out->held->list != list->id) {
		job_free(out->held);
		out->held = NULL;
	}
	if (rc == ERR_OK && out->held == NULL)
		out->outcome = HELD_DECIDED;
	return rc;
}

enum err_code
held_may_act(struct txn *txn, const struct held_key *key,
	     const struct list *list, const char *token,
	     const char *verified, enum held_outcome *out, struct err *err)
{
	struct authority authority;
	enum err_code rc = held_authorise(txn, key, list, token, verified,
					  &authority, err);

	if (rc != ERR_OK)
		return rc;
	*out = authority.outcome;
	job_free(authority.held);
	return ERR_OK;
}

char *
held_refusal(enum held_outcome outcome, const char *list)
{
	switch (outcome) {
	case HELD_DONE:
		return NULL;
	case HELD_DECIDED:
		/* RFC 3463 section 3.3, X.2.1: accepts no more */
		return g_strdup_printf("550 5.2.1 This post to %s has been "
				       "decided about already, or has expired; "
				       "nothing was changed", list);
	case HELD_NOT_VERIFIED:
		return g_strdup_printf("550 5.7.1 Only a moderator of %s may "
				       "decide, and nothing in this mail "
				       "proves who it is from (DKIM or SPF "
				       "with DMARC, or a login); nothing was "
				       "changed", list);
	case HELD_NOT_MODERATOR:
		return g_strdup_printf("550 5.7.1 Only a moderator of %s may "
				       "decide, writing from the address that "
				       "got the notice; nothing was changed",
				       list);
	case HELD_NOT_UNDERSTOOD:
		return g_strdup("550 5.6.0 The first line must be approve, "
				"reject, discard or accept; nothing was "
				"changed");
	case HELD_AUTOMATIC:
		return g_strdup("550 5.7.1 An automatic answer decides "
				"nothing; nothing was changed");
	case HELD_IMPOSSIBLE:
	case HELD_NO_TOKEN:
		break;
	}
	return g_strdup_printf("550 5.1.1 There is no such address of %s",
			       list);
}
