/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/walker.h"

#include <string.h>

#include "core/base/banned.h"

#define WALK_LEAST 16		/* entries read at once */
#define WALK_MOST 1000

void
walker_done(struct walker *walker)
{
	if (walker->is_read)
		roster_batch_done(&walker->batch);
	walker->is_read = false;
}

/* Where ours has few members between two of theirs, or theirs between two of
 * ours, most of a large batch would be read in vain. */
static enum err_code
walker_read(struct walker *walker, struct store *store, uint32_t list,
	    const char *key, struct err *err)
{
	const bool was_read = walker->is_read;
	const size_t asked = walker->asked, had = walker->batch.count;
	enum err_code rc;

	if (was_read)
		walker->want = asked >= had / 8 ? walker->want * 4 :
			walker->want / 2;
	walker->want = CLAMP(walker->want, WALK_LEAST, WALK_MOST);
	walker_done(walker);
	rc = roster_batch_from(store, list, key, walker->want, &walker->batch,
			       err);
	walker->is_read = rc == ERR_OK;
	walker->at = walker->asked = 0;
	return rc;
}

static bool
is_behind(const struct walker *walker, const char *key)
{
	const struct roster_batch *batch = &walker->batch;

	return walker->is_read && (batch->end || (batch->count > 0 &&
		strcmp(batch->entries[batch->count - 1].key, key) >= 0));
}

enum err_code
walker_find(struct walker *walker, struct store *store, uint32_t list,
	    const char *key, const struct roster_entry **out,
	    struct err *err)
{
	const struct roster_batch *batch = &walker->batch;
	enum err_code rc = ERR_OK;

	*out = NULL;
	if (!is_behind(walker, key))
		rc = walker_read(walker, store, list, key, err);
	if (rc != ERR_OK)
		return rc;
	walker->asked++;
	while (walker->at < batch->count &&
	       strcmp(batch->entries[walker->at].key, key) < 0)
		walker->at++;
	if (walker->at < batch->count &&
	    strcmp(batch->entries[walker->at].key, key) == 0)
		*out = &batch->entries[walker->at];
	return ERR_OK;
}
