/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What time brings. A walk over each roster, in large pieces and without a
 * lock, finds those about whom something is to be done; then each of them has
 * a transaction, which looks again. So it does not matter when it is killed,
 * or how often it runs: what is done is not due any more.
 */
#include <string.h>

#include "core/base/log.h"
#include "core/bounce/inside.h"
#include "db/event.h"
#include "core/base/banned.h"

#define BATCH 5000
#define REASONS_KEPT 1000	/* different ones, of a surge */

struct sweep {
	struct store *store;
	struct bounce_with with;	/* of the list that is walked over */
	bool (*stop)(void *arg);
	void *arg;
	int64_t from_s;			/* of its surge; 0: there is none */
	bool is_open;			/* the surge lasts */
	bool is_new;			/* and has not been seen to */
	uint64_t known;			/* members, as the surge has them */
	struct surge_extent extent;
	uint64_t done;
};

static bool
is_stopped(const struct sweep *sweep)
{
	return sweep->stop != NULL && sweep->stop(sweep->arg);
}

/* --- one member --------------------------------------------------------- */

typedef enum err_code (*step_run)(struct txn *txn,
				  const struct bounce_with *with,
				  const char *addr, struct member *member,
				  struct err *err);

static const step_run steps[] = {
	[STEP_PROBE] = step_probe, [STEP_CLEAR] = step_clear,
	[STEP_WARN] = step_warn, [STEP_REMOVE] = step_remove,
};

/* STEP_NONE: nothing is due. */
static enum bounce_step
due_step(const struct sweep *sweep, enum delivery_mode delivery,
	 enum off_by off_by, int64_t off_s, const struct bounce_state *state)
{
	const int64_t now_s = sweep->with.now_s;
	int64_t when_s;
	enum bounce_step step = bounce_next(sweep->with.conf, delivery,
					    off_by, off_s, state, now_s,
					    &when_s);

	if (step == STEP_NONE || when_s > now_s)
		return STEP_NONE;
	return step == STEP_PROBE && sweep->is_open ? STEP_NONE : step;
}

static bool
is_wanted(const struct sweep *sweep, const struct roster_entry *entry)
{
	if (sweep->from_s != 0 && surge_touches(entry, sweep->from_s))
		return true;
	return due_step(sweep, entry->delivery, entry->off_by, entry->off_s,
			&entry->bounce) != STEP_NONE;
}

struct one {
	const struct sweep *sweep;
	const char *addr;
	bool done;
};

static enum err_code
one_of_list(struct txn *txn, struct one *one, struct member *member,
	    struct err *err)
{
	const struct sweep *sweep = one->sweep;
	enum bounce_step step;
	enum err_code rc = ERR_OK;

	if (sweep->from_s != 0)
		rc = surge_undo(txn, &sweep->with, one->addr, member,
				sweep->from_s, err);
	step = due_step(sweep, member->delivery, member->off_by,
			member->off_s, &member->bounce);
	if (rc == ERR_OK && step != STEP_NONE)
		rc = steps[step](txn, &sweep->with, one->addr, member, err);
	one->done = step != STEP_NONE;
	return rc;
}

static enum err_code
one_body(struct txn *txn, void *arg, struct err *err)
{
	struct one *one = arg;
	const struct bounce_with *with = &one->sweep->with;
	g_autoptr(bounce_list_t) list = NULL;
	g_autoptr(bounce_member_t) member = NULL;
	enum err_code rc = list_by_id(txn, with->list, &list, err);

	one->done = false;
	if (rc == ERR_OK && list != NULL)
		rc = roster_find(txn, with->list, one->addr, &member, err);
	if (rc != ERR_OK || member == NULL)
		return rc;
	return one_of_list(txn, one, member, err);
}

static enum err_code
do_one(struct sweep *sweep, const char *addr, struct err *err)
{
	struct one one = { .sweep = sweep, .addr = addr };
	enum err_code rc = store_txn(sweep->store, TXN_LAZY, one_body, &one,
				     err);

	sweep->done += rc == ERR_OK && one.done ? 1 : 0;
	return rc;
}

/* --- one list ----------------------------------------------------------- */

static void
note_extent(struct sweep *sweep, const struct roster_entry *entry)
{
	GHashTable *reasons = sweep->extent.reasons;
	gpointer count;

	sweep->extent.members++;
	if (sweep->from_s == 0 || entry->bounced_s < sweep->from_s)
		return;
	sweep->extent.failed++;
	count = g_hash_table_lookup(reasons, entry->bounce_reason);
	if (count != NULL || g_hash_table_size(reasons) < REASONS_KEPT)
		g_hash_table_replace(reasons, g_strdup(entry->bounce_reason),
				     GUINT_TO_POINTER(GPOINTER_TO_UINT(count)
						      + 1));
}

/* Those who are wanted of one piece, after which the next begins. */
static enum err_code
read_piece(struct sweep *sweep, char **after, GPtrArray *wanted, bool *end,
	   struct err *err)
{
	struct roster_batch batch;
	enum err_code rc = roster_batch(sweep->store, sweep->with.list, *after,
					BATCH, &batch, err);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < batch.count; i++) {
		note_extent(sweep, &batch.entries[i]);
		if (is_wanted(sweep, &batch.entries[i]))
			g_ptr_array_add(wanted,
					g_strdup(batch.entries[i].key));
	}
	*end = batch.end || batch.count == 0;
	if (!*end) {
		g_free(*after);
		*after = g_strdup(batch.entries[batch.count - 1].key);
	}
	roster_batch_done(&batch);
	return ERR_OK;
}

static enum err_code
walk(struct sweep *sweep, bool *whole, struct err *err)
{
	g_autofree char *after = g_strdup("");
	enum err_code rc = ERR_OK;

	*whole = false;
	while (rc == ERR_OK && !*whole && !is_stopped(sweep)) {
		g_autoptr(GPtrArray) wanted = g_ptr_array_new_with_free_func(
			g_free);

		rc = read_piece(sweep, &after, wanted, whole, err);
		for (guint i = 0; rc == ERR_OK && i < wanted->len; i++) {
			if (is_stopped(sweep)) {
				*whole = false;
				return ERR_OK;
			}
			rc = do_one(sweep, g_ptr_array_index(wanted, i), err);
		}
	}
	return rc;
}

struct end { const struct sweep *sweep; bool told; };

static enum err_code
end_body(struct txn *txn, void *arg, struct err *err)
{
	struct end *end = arg;
	const struct bounce_with *with = &end->sweep->with;
	enum err_code rc = surge_end(txn, with, &end->sweep->extent,
				     &end->told, err);

	return rc == ERR_OK && end->told ? digest_note(txn, with, err) : rc;
}

/* A number that has hardly changed is not written each hour. */
static bool
is_worth_noting(const struct sweep *sweep)
{
	uint64_t members = sweep->extent.members, known = sweep->known;
	uint64_t differ = members > known ? members - known : known - members;

	return sweep->is_new ||
		(sweep->with.conf->bounce_breaker > 0 &&
		 differ * 20 > known);
}

static enum err_code
end_list(struct sweep *sweep, struct err *err)
{
	struct end end = { .sweep = sweep };
	struct log_ctx ctx = { .list = sweep->with.list_addr };
	enum err_code rc;

	if (!is_worth_noting(sweep))
		return ERR_OK;
	rc = store_txn(sweep->store, TXN_LAZY, end_body, &end, err);
	if (rc != ERR_OK || !end.told)
		return rc;
	sweep->done++;
	log_warning(&ctx, "bounce.breaker", kv_num("failed",
		    sweep->extent.failed), kv_num("members",
		    sweep->extent.members), kv_str("todo", "look at what the "
		    "mail servers say (muster bounce ls): our own mail may be "
		    "refused; nobody's score rises until an hour has passed "
		    "without so many failures"));
	return ERR_OK;
}

/* A surge that was suspected before anybody knew how many members there are
 * may be none. */
static enum err_code
see_surge(struct sweep *sweep, const struct surge *surge, struct err *err)
{
	uint64_t members = surge->members;
	enum err_code rc = ERR_OK;
	bool is_true;

	sweep->known = surge->members;
	sweep->is_new = surge->from_s != 0;
	sweep->is_open = sweep->with.now_s < surge->until_s;
	sweep->from_s = 0;
	if (!sweep->is_new)
		return ERR_OK;
	rc = roster_count(sweep->store, sweep->with.list, &members, NULL,
			  err);
	is_true = surge_is_true(surge, sweep->with.conf, members,
				surge->until_s - SURGE_WINDOW_S);
	sweep->from_s = is_true ? surge->from_s : 0;
	sweep->is_open = sweep->is_open && is_true;
	return rc;
}

static enum err_code
sweep_list(struct sweep *sweep, const struct list *list, bool hasty,
	   struct err *err)
{
	struct txn *reader = store_reader(sweep->store);
	g_autoptr(bounce_conf_t) conf = NULL;
	struct surge surge;
	bool whole = false;
	enum err_code rc = surge_get(reader, list->id, &surge, err);

	if (rc != ERR_OK || (hasty && surge.from_s == 0))
		return rc;
	rc = list_conf_load(reader, list->addr, &conf, err);
	if (rc != ERR_OK)
		return rc;
	sweep->with.conf = conf;
	sweep->with.list = list->id;
	sweep->with.list_addr = list->addr;
	sweep->extent.members = sweep->extent.failed = 0;
	g_hash_table_remove_all(sweep->extent.reasons);
	rc = see_surge(sweep, &surge, err);
	if (rc == ERR_OK)
		rc = walk(sweep, &whole, err);
	return rc == ERR_OK && whole ? end_list(sweep, err) : rc;
}

enum err_code
bounce_sweep(struct store *store, const struct settings *settings,
	     int64_t now_s, bool hasty, bool (*stop)(void *arg), void *arg,
	     uint64_t *done_out, struct err *err)
{
	g_autoptr(GHashTable) reasons = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, NULL);
	struct sweep sweep = {
		.store = store, .stop = stop, .arg = arg,
		.with = { .settings = settings, .now_s = now_s },
		.extent.reasons = reasons,
	};
	g_autofree char *after = g_strdup("");
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && !is_stopped(&sweep)) {
		g_autoptr(bounce_list_t) list = NULL;

		rc = list_next(store_reader(store), after, &list, err);
		if (rc != ERR_OK || list == NULL)
			break;
		rc = sweep_list(&sweep, list, hasty, err);
		g_free(after);
		after = g_strdup(list->addr);
	}
	*done_out = sweep.done;
	return rc;
}
