/* SPDX-License-Identifier: BSD-2-Clause */

/* A member who wants it so is told that a post of his has been accepted. */
#include "core/base/clock.h"
#include "core/letter/letter.h"
#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "db/roster.h"
#include "core/base/banned.h"

#define DAY_S 86400
#define LETTERS_MOST 50		/* a day to one address */

static char *
subject_of(const struct header *header)
{
	int at = header_find(header, "Subject", 0);
	g_autofree char *raw = at < 0 ? g_strdup("") :
		header_value(header, at);

	return mime_decode(raw);
}

static enum err_code
send_letter(struct txn *txn, const struct work *work,
	    const struct member *member, struct err *err)
{
	g_autofree char *subject = subject_of(&work->came_header);
	const struct letter_field fields[] = {
		{ "subject", subject }, { NULL, NULL },
	};
	const struct letter letter = {
		.list = work->job->list, .list_addr = work->job->list_addr,
		.conf = work->conf, .to = member->addr,
		.template = "post-acknowledged",
		.language = member->language, .fields = fields,
		.answers = work->post->message_id,
		.sender = LETTER_NULL,
	};

	return letter_send(txn, work->with->settings, &letter,
			   "acknowledgement of a post", NULL, err);
}

/* The header as it came: work->header has become the list's. */
static enum err_code
tell(struct txn *txn, const struct work *work, const struct member *member,
     struct err *err)
{
	struct letter_cause cause = { .verified = work->evidence->author,
				      .sender = work->post->sender };
	bool allowed = false;
	enum err_code rc = ERR_OK;
	size_t len;
	const char *bytes = g_bytes_get_data(work->came, &len);

	cause.header = &work->came_header;
	cause.body = bytes + work->came_body_at;
	cause.body_len = len - work->came_body_at;
	if (letter_why_not(&cause) == NULL)
		rc = letter_allowed(txn, "acknowledgement", cause.verified,
				    LETTERS_MOST, DAY_S, clock_ms(), &allowed,
				    err);
	if (rc == ERR_OK && allowed)
		rc = send_letter(txn, work, member, err);
	return rc;
}

enum err_code
acknowledge(struct txn *txn, const struct work *work, struct err *err)
{
	const char *author = work->evidence->author;
	struct member *member = NULL;
	enum err_code rc;

	if (author[0] == '\0')
		return ERR_OK;
	rc = roster_find(txn, work->job->list, author, &member, err);
	if (rc == ERR_OK && member != NULL && member->ack)
		rc = tell(txn, work, member, err);
	member_free(member);
	return rc;
}
