/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/held/author.h"

#include "core/mail/automatic.h"
#include "core/base/banned.h"

#define HOUR_S 3600
#define AUTHOR_MOST 4		/* letters an hour to one address */

const char *
author_why_not(const struct held_view *view)
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
author_tell(struct txn *txn, const struct settings *settings,
	    struct letter *letter, const struct held_view *view,
	    const char *what, int64_t now_ms, const char **why,
	    struct err *err)
{
	bool allowed;
	enum err_code rc;

	*why = author_why_not(view);
	if (*why != NULL)
		return ERR_OK;
	rc = letter_allowed(txn, "author", view->evidence->author,
			    AUTHOR_MOST, HOUR_S, now_ms, &allowed, err);
	if (rc != ERR_OK)
		return rc;
	if (!allowed) {
		*why = "he was written to often enough lately";
		return ERR_OK;
	}
	letter->to = view->evidence->author;
	letter->answers = view->post->message_id;
	return letter_send(txn, settings, letter, what, NULL, err);
}
