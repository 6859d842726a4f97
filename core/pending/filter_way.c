/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/inside.h"
#include "core/base/banned.h"

/* Fields of the way here, which would lead astray on the next one. */

/* Delivered-To would look like a loop to the MTA of
 * the next hop, and receipts are not the list's to ask for. */
static void
remove_routing(struct header *header)
{
	static const char *const names[] = {
		"Delivered-To", "X-Original-To", "Return-Path", "Errors-To",
		"Return-Receipt-To", "Disposition-Notification-To",
		"X-Confirm-Reading-To",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		header_remove(header, names[i]);
}

/* An owner may be another list's -owner address, whose owner is ours, and
 * with two of them on each side each turn would double the mail. */
static void
mark_owners(struct work *work)
{
	g_autofree char *addr = list_role_addr(work->job->list_addr,
					       "-owner");

	header_append(&work->header, "X-Loop", addr);
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	(void) err;
	remove_routing(&work->header);
	if (is_post(work))
		return ERR_OK;
	mark_owners(work);
	work_note(work, "passed on as it is");
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	(void) work;
	return true;
}

const struct filter filter_way = { "way", is_wanted, run };
