/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <openssl/sha.h>

#include "core/held/letter.h"
#include "core/mail/automatic.h"
#include "core/base/banned.h"

/* Who may be written to by a machine, and how often (invariant 4). */

#define HOUR_S 3600
#define AUTHOR_MOST 4		/* letters an hour to one address */

/*
 * A kind and a name have `most` places, each of which rests for an hour
 * after it was used: so no hour, wherever it begins, sees more.
 */
enum err_code
letter_allowed(struct txn *txn, const char *kind, const char *name,
	       unsigned int most, int64_t now_ms, bool *allowed,
	       struct err *err)
{
	struct post_id none = { { 0 } };
	uint8_t key[SHA256_DIGEST_LENGTH];
	bool rested = false;
	enum err_code rc = ERR_OK;

	G_STATIC_ASSERT(SHA256_DIGEST_LENGTH == SEEN_KEY_LEN);
	for (unsigned int i = 0; i < most && rc == ERR_OK && !rested; i++) {
		g_autofree char *text = g_strdup_printf(
			"muster letter %s %u %s", kind, i, name);

		(void) SHA256((const uint8_t *)text, strlen(text), key);
		rc = seen_rested(txn, key, &none, now_ms / 1000, HOUR_S,
				 &rested, err);
	}
	if (rc == ERR_OK)
		*allowed = rested;
	return rc;
}

static const char *
why_not(const struct held_view *view)
{
	gsize len;
	const char *bytes = g_bytes_get_data(view->head, &len);

	if (view->evidence->author[0] == '\0')
		return "it is not verified who wrote it";
	if (view->post->sender[0] == '\0')
		return "its envelope sender is null";
	if (bytes == NULL ||
	    automatic_kind(view->post->sender, &view->header,
			   bytes + view->body_at, len - view->body_at) !=
	    AUTOMATIC_NO)
		return "it is automatic mail";
	if (automatic_unwelcome(&view->header))
		return "it asks for no automatic answer, or came over a list";
	return NULL;
}

enum err_code
letter_to_author(struct txn *txn, const struct settings *settings,
		 struct letter *letter, const struct held_view *view,
		 const char *what, int64_t now_ms, const char **why,
		 struct err *err)
{
	bool allowed;
	enum err_code rc;

	*why = why_not(view);
	if (*why != NULL)
		return ERR_OK;
	rc = letter_allowed(txn, "author", view->evidence->author,
			    AUTHOR_MOST, now_ms, &allowed, err);
	if (rc != ERR_OK)
		return rc;
	if (!allowed) {
		*why = "he was written to often enough lately";
		return ERR_OK;
	}
	letter->to = view->evidence->author;
	letter->answers = view->post->message_id;
	return letter_send(txn, settings, letter, what, err);
}
