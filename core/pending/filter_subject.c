/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/subject.h"
#include "core/pending/inside.h"
#include "db/number.h"
#include "core/base/banned.h"

/* The list's name in front of a subject, where each reader sees it at once;
 * with the number of the post, where the list counts. */

static void
set_subject(struct work *work, uint64_t number)
{
	g_autofree char *old = NULL, *subject = NULL, *folded = NULL;

	old = header_get(&work->header, "Subject");
	subject = subject_prefixed(old, work->conf->subject_prefix, number);
	if (old != NULL && strcmp(old, subject) == 0)
		return;
	folded = header_fold(subject, strlen("Subject: "));
	header_set(&work->header, "Subject", folded);
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	uint64_t number = 0;
	enum err_code rc = ERR_OK;

	if (subject_is_numbered(work->conf->subject_prefix))
		rc = number_next(txn, work->job->list, &number, err);
	if (rc != ERR_OK)
		return rc;
	set_subject(work, number);
	if (number > 0)
		work_note(work, "number %" G_GUINT64_FORMAT, number);
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && work->conf->subject_prefix[0] != '\0';
}

const struct filter filter_subject = { "subject", is_wanted, run };
