/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/* What a message must have (RFC 5322 section 3.6), and what we found out about
 * who sent it (RFC 8601). */

/* Without these the MTA would add its own to each copy, its From being the
 * envelope sender with the token in it. */
static void
complete(struct work *work)
{
	struct header *header = &work->header;
	g_autofree char *value = NULL;

	if (header_find(header, "Date", 0) < 0) {
		g_autofree char *date = mime_date_now();

		header_append(header, "Date", date);
	}
	if (header_find(header, "Message-ID", 0) < 0) {
		g_autofree char *id = mime_message_id(
			work->with->settings->hostname);

		header_append(header, "Message-ID", id);
	}
	if (header_find(header, "From", 0) < 0) {
		value = work->post->sender[0] != '\0' ?
			g_strdup_printf("<%s>", work->post->sender) :
			list_role_addr(work->job->list_addr, "-bounces");
		header_append(header, "From", value);
	}
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	(void) err;
	complete(work);
	seal_results(work->with->settings, work->shown, &work->header);
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	(void) work;
	return true;
}

const struct filter filter_complete = { "complete", is_wanted, run };
