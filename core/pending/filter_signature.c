/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/holds.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/*
 * What becomes of the author's DKIM-Signature. A verifier takes one that does
 * not hold as if it were not there (RFC 6376 section 6.1), and somebody may
 * still learn from it what has been changed, so by default it stays. ARC sets
 * stay in any case: ours is made over them.
 */

static void
remove_broken(struct work *work)
{
	size_t body_len;
	const char *body = work_body(work, &body_len);
	unsigned int removed;

	removed = signatures_remove_broken(work->evidence, &work->came_header,
					   &work->header, work->own_body ?
					   NULL : body, body_len);
	if (removed > 0)
		work_note(work, "%u signature%s that %s not hold removed",
			  removed, removed == 1 ? "" : "s",
			  removed == 1 ? "does" : "do");
}

static void
remove_all(struct work *work)
{
	if (header_find(&work->header, "DKIM-Signature", 0) >= 0)
		work_note(work, "author's signature removed");
	header_remove(&work->header, "DKIM-Signature");
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	(void) err;
	if (work->conf->author_signature == AUTHOR_SIGNATURE_REMOVE_BROKEN)
		remove_broken(work);
	else
		remove_all(work);
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) &&
		work->conf->author_signature != AUTHOR_SIGNATURE_KEEP;
}

const struct filter filter_signature = { "author-signature", is_wanted, run };
