/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/held/author.h"

#include "core/base/banned.h"

#define HOUR_S 3600
#define AUTHOR_MOST 4		/* letters an hour to one address */

const char *
author_why_not(const struct held_view *view)
{
	gsize len;
	const char *bytes = g_bytes_get_data(view->head, &len);
	const struct letter_cause cause = {
		.verified = view->evidence->author,
		.sender = view->post->sender,
		.header = &view->header,
		.body = bytes != NULL ? bytes + view->body_at : NULL,
		.body_len = len - view->body_at,
	};

	return letter_why_not(&cause);
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
