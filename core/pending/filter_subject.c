/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/* The list's name in front of a subject, where each reader sees it at once. */

static void
set_subject(struct work *work)
{
	g_autofree char *old = NULL, *subject = NULL, *folded = NULL;

	old = header_get(&work->header, "Subject");
	subject = mime_subject_prefix(old, work->conf->subject_prefix);
	if (old != NULL && strcmp(old, subject) == 0)
		return;
	folded = header_fold(subject, strlen("Subject: "));
	header_set(&work->header, "Subject", folded);
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	(void) err;
	set_subject(work);
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && work->conf->subject_prefix[0] != '\0';
}

const struct filter filter_subject = { "subject", is_wanted, run };
