/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/subscription_inside.h"
#include "db/post.h"
#include "core/base/banned.h"

/*
 * A token has come back. It was sent to one address only, and what stands
 * behind it was fixed when it was made: nothing else of the mail that brings
 * it counts, but that a person wrote it.
 */

static const struct confirmation {
	const char *kind;
	enum subscription_act act;
	enum err_code (*done)(struct request *req, const struct token *token,
			      struct err *err);
	bool is_one_of_many;	/* others of its kind ask for something else */
} confirmations[] = {
	{ TOKEN_JOIN, SUB_JOIN, join_confirmed, false },
	{ TOKEN_LEAVE, SUB_LEAVE, leave_confirmed, false },
	{ TOKEN_SET, SUB_SET, set_confirmed, true },
	{ TOKEN_MOVE_OLD, SUB_MOVE, move_confirmed, false },
	{ TOKEN_MOVE_NEW, SUB_MOVE, move_confirmed, false },
	{ TOKEN_INVITE, SUB_INVITE, join_confirmed, false },
};

static const struct confirmation *
find_kind(const char *kind)
{
	for (size_t i = 0; i < G_N_ELEMENTS(confirmations); i++)
		if (strcmp(confirmations[i].kind, kind) == 0)
			return &confirmations[i];
	return NULL;
}

/* *out NULL: it is none that we would act on. */
static enum err_code
look_up(struct txn *txn, int64_t now_s, const struct list *list,
	const char *text, const struct confirmation **out, struct err *err)
{
	g_autoptr(sub_token_t) token = NULL;
	enum err_code rc = token_find(txn, text, now_s, &token, err);

	*out = NULL;
	if (rc == ERR_OK && token != NULL && token->list == list->id)
		*out = find_kind(token->kind);
	return rc;
}

/* --- used up ------------------------------------------------------------ */

static void
spent_key(const struct list *list, const char *text,
	  uint8_t out[SEEN_KEY_LEN])
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	const char *const texts[] = { "spent token", list->addr, text };
	gsize len = SEEN_KEY_LEN;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_checksum_update(sum, (const guchar *)texts[i],
				  (gssize)strlen(texts[i]) + 1);
	g_checksum_get_digest(sum, out, &len);
	g_checksum_free(sum);
}

/* Known as long as the mail that brings it (invariant 3). */
static enum err_code
note_spent(const struct request *req, const char *text, struct err *err)
{
	const struct post_id none = { { 0 } };
	uint8_t key[SEEN_KEY_LEN];
	struct post_id earlier;
	bool first;

	spent_key(req->list, text, key);
	return seen_add(req->txn, key, &none, request_now_s(req), &first,
			&earlier, err);
}

/* --- a token that comes back -------------------------------------------- */

/* The others of the same request have come to their end. */
static enum err_code
take(const struct request *req, const struct confirmation *confirmation,
     const char *text, struct token **out, struct err *err)
{
	enum err_code rc = token_take(req->txn, text, request_now_s(req), out,
				      err);

	if (rc != ERR_OK || *out == NULL || confirmation->is_one_of_many)
		return rc;
	return token_remove_for(req->txn, req->list->id, (*out)->addr,
				(*out)->kind, NULL, err);
}

static enum err_code
confirm(struct request *req, const char *text, struct err *err)
{
	const struct confirmation *confirmation;
	g_autoptr(sub_token_t) token = NULL;
	enum err_code rc;

	if (req->asker->is_automatic) {
		req->out->outcome = SUB_AUTOMATIC;
		return ERR_OK;
	}
	req->out->outcome = SUB_BAD_TOKEN;
	rc = look_up(req->txn, request_now_s(req), req->list, text,
		     &confirmation, err);
	if (rc == ERR_OK && confirmation != NULL)
		rc = take(req, confirmation, text, &token, err);
	if (rc == ERR_OK && token != NULL)
		rc = note_spent(req, text, err);
	if (rc != ERR_OK || token == NULL)
		return rc;
	req->out->outcome = SUB_DONE;
	req->out->act = confirmation->act;
	(void) g_strlcpy(req->out->addr, token->addr, sizeof(req->out->addr));
	req->is_proven = req->is_confirmed = true;
	return confirmation->done(req, token, err);
}

enum err_code
subscription_confirm(struct txn *txn, const struct subscription_with *with,
		     const struct list *list, const struct list_conf *conf,
		     const struct asker *asker, const char *token,
		     struct subscription_result *out, struct err *err)
{
	/* Who brings it has no rights of his own here. */
	struct asker bearer = *asker;
	struct request req;

	bearer.is_authority = false;
	request_init(&req, txn, with, list, conf, &bearer, SUB_NONE, out);
	out->addr[0] = '\0';
	return request_end(&req, confirm(&req, token, err), err);
}

enum err_code
subscription_token(struct txn *txn, int64_t now_ms, const struct list *list,
		   const char *token, enum token_state *out, struct err *err)
{
	const struct confirmation *confirmation;
	uint8_t key[SEEN_KEY_LEN];
	bool spent = false;
	enum err_code rc = look_up(txn, now_ms / 1000, list, token,
				   &confirmation, err);

	spent_key(list, token, key);
	if (rc == ERR_OK && confirmation == NULL)
		rc = seen_has(txn, key, &spent, err);
	*out = confirmation != NULL ? TOKEN_GOOD :
		spent ? TOKEN_SPENT : TOKEN_NONE;
	return rc;
}
