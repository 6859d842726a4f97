/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/archive.h"
#include "core/archive/link.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/*
 * Where the post will be found in the archive, for all who read it, and in
 * the archive itself.
 */

/* The author's wish is in what he sent, and a list may have it by a rule. */
bool
work_is_archived(const struct work *work, const char **why_out)
{
	return archive_is_wanted(work->conf, &work->header, why_out) &&
		archive_is_wanted(work->conf, &work->came_header, why_out);
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	(void) err;
	archive_add_fields(work->conf, work->job->list_addr, &work->header);
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && work->conf->archive_url[0] != '\0';
}

const struct filter filter_archive = { "archive", is_wanted, run };
