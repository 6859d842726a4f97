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

static enum err_code
remove_broken(struct work *work, struct err *err)
{
	struct header came;
	size_t len, body_at, body_len;
	const char *bytes = g_bytes_get_data(work->came, &len);
	const char *body = work_body(work, &body_len);
	unsigned int removed;

	/* It could be read before. */
	if (!header_parse(bytes, len, &came, &body_at))
		return err_set(err, ERR_INVALID, "drop it",
			       "the post has too many header fields");
	removed = signatures_remove_broken(work->evidence, &came,
					   &work->header, work->own_body ?
					   NULL : body, body_len);
	header_done(&came);
	if (removed > 0)
		work_note(work, "%u signature%s that %s not hold removed",
			  removed, removed == 1 ? "" : "s",
			  removed == 1 ? "does" : "do");
	return ERR_OK;
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	if (work->conf->author_signature == AUTHOR_SIGNATURE_REMOVE_BROKEN)
		return remove_broken(work, err);
	if (header_find(&work->header, "DKIM-Signature", 0) >= 0)
		work_note(work, "author's signature removed");
	header_remove(&work->header, "DKIM-Signature");
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) &&
		work->conf->author_signature != AUTHOR_SIGNATURE_KEEP;
}

const struct filter filter_signature = { "author-signature", is_wanted, run };
