/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/turns.h"

#include "core/base/banned.h"

#define TURN_ENVELOPES 4	/* in a row, times the list's weight */

struct turn {			/* of a list */
	uint32_t list;
	guint left;		/* envelopes that may be started in this one */
	GQueue batches;
};

struct spot {			/* of an envelope that waits aside */
	struct batch *batch;
	guint envelope;
};

struct lane {			/* of a domain with a limit */
	guint open;
	GQueue waiting;		/* of struct spot */
};

struct turns {
	GQueue order;		/* of struct turn that have batches */
	GHashTable *lists;	/* id -> struct turn, the same */
	GHashTable *lanes;	/* domain -> struct lane */
	GQueue ready;		/* of struct spot: out of their lane */
};

static void
turn_free(void *data)
{
	struct turn *turn = data;

	g_queue_clear(&turn->batches);
	g_free(turn);
}

static void
lane_free(void *data)
{
	struct lane *lane = data;

	g_queue_clear_full(&lane->waiting, g_free);
	g_free(lane);
}

struct turns *
turns_new(void)
{
	struct turns *turns = g_new0(struct turns, 1);

	g_queue_init(&turns->order);
	g_queue_init(&turns->ready);
	turns->lists = g_hash_table_new_full(NULL, NULL, NULL, turn_free);
	turns->lanes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					     lane_free);
	return turns;
}

void
turns_free(struct turns *turns)
{
	g_queue_clear(&turns->order);
	g_queue_clear_full(&turns->ready, g_free);
	g_hash_table_destroy(turns->lists);
	g_hash_table_destroy(turns->lanes);
	g_free(turns);
}

static bool
has_more(const struct batch *batch)
{
	return batch->next < batch->envelopes->len ||
		batch->again.length > 0;
}

void
turns_add(struct turns *turns, struct batch *batch)
{
	struct turn *turn = g_hash_table_lookup(
		turns->lists, GUINT_TO_POINTER(batch->list));

	if (turn == NULL) {
		turn = g_new0(struct turn, 1);
		turn->list = batch->list;
		g_queue_init(&turn->batches);
		g_hash_table_insert(turns->lists,
				    GUINT_TO_POINTER(batch->list), turn);
		g_queue_push_tail(&turns->order, turn);
	}
	g_queue_push_tail(&turn->batches, batch);
}

/* --- domains with a limit ----------------------------------------------- */

static struct lane *
lane_of(struct turns *turns, const struct domain_limit *limit)
{
	struct lane *lane = g_hash_table_lookup(turns->lanes, limit->domain);

	if (lane == NULL) {
		lane = g_new0(struct lane, 1);
		g_queue_init(&lane->waiting);
		g_hash_table_insert(turns->lanes, g_strdup(limit->domain),
				    lane);
	}
	return lane;
}

static const struct domain_limit *
limit_of(const struct batch *batch, guint index)
{
	const struct domain_limit *limit = batch_envelope(batch,
							  index)->limit;

	return limit != NULL && limit->connections > 0 ? limit : NULL;
}

static struct spot *
spot_new(struct batch *batch, guint index)
{
	struct spot *spot = g_new(struct spot, 1);

	spot->batch = batch;
	spot->envelope = index;
	return spot;
}

/* May it start? If not it waits in its lane. */
static bool
enter_lane(struct turns *turns, struct batch *batch, guint index)
{
	const struct domain_limit *limit = limit_of(batch, index);
	struct lane *lane;

	if (limit == NULL)
		return true;
	lane = lane_of(turns, limit);
	if (lane->open >= limit->connections) {
		g_queue_push_tail(&lane->waiting, spot_new(batch, index));
		return false;
	}
	lane->open++;
	return true;
}

void
turns_ended(struct turns *turns, const struct batch *batch, guint index)
{
	const struct domain_limit *limit = limit_of(batch, index);
	struct lane *lane;

	if (limit == NULL)
		return;
	lane = lane_of(turns, limit);
	lane->open--;
	/* Its limit may have changed meanwhile. */
	if (lane->open >= limit->connections ||
	    g_queue_is_empty(&lane->waiting))
		return;
	lane->open++;
	g_queue_push_tail(&turns->ready, g_queue_pop_head(&lane->waiting));
}

/* --- turns -------------------------------------------------------------- */

void
turns_again(struct turns *turns, struct batch *batch, guint index)
{
	bool was_idle = !has_more(batch);

	turns_ended(turns, batch, index);
	g_queue_push_tail(&batch->again, GUINT_TO_POINTER(index));
	if (was_idle)
		turns_add(turns, batch);
}

void
turns_split(struct turns *turns, struct batch *batch, guint index)
{
	bool was_idle = !has_more(batch);

	turns_ended(turns, batch, index);
	batch_split(batch, index);
	if (was_idle && has_more(batch))
		turns_add(turns, batch);
}

static bool
is_suspect(const struct batch *batch)
{
	return batch->again.length > 0 && batch_envelope(batch,
		GPOINTER_TO_UINT(batch->again.head->data))->losses > 0;
}

static void
to_the_end(GQueue *queue)
{
	g_queue_push_tail_link(queue, g_queue_pop_head_link(queue));
}

/* An envelope of this batch, whose turn it was, is started: with the turn's
 * last one the next list follows, and in this list the next batch. One that
 * has nothing left leaves. */
static void
turn_round(struct turns *turns, struct turn *turn, struct batch *batch)
{
	const bool over = --turn->left == 0;

	if (!has_more(batch))
		(void) g_queue_pop_head(&turn->batches);
	else if (over)
		to_the_end(&turn->batches);
	if (turn->batches.length == 0) {
		(void) g_queue_pop_head(&turns->order);
		g_hash_table_remove(turns->lists,
				    GUINT_TO_POINTER(turn->list));
	} else if (over) {
		to_the_end(&turns->order);
	}
}

static bool
take_ready(struct turns *turns, bool idle, struct batch **batch_out,
	   guint *index_out)
{
	g_autofree struct spot *spot = g_queue_pop_head(&turns->ready);

	if (spot == NULL)
		return false;
	if (!idle && batch_envelope(spot->batch, spot->envelope)->losses >
	    0) {
		g_queue_push_head(&turns->ready, g_steal_pointer(&spot));
		return false;
	}
	*batch_out = spot->batch;
	*index_out = spot->envelope;
	return true;
}

bool
turns_next(struct turns *turns, bool idle, struct batch **batch_out,
	   guint *index_out)
{
	if (take_ready(turns, idle, batch_out, index_out))
		return true;
	while (turns->order.length > 0) {
		struct turn *turn = turns->order.head->data;
		struct batch *batch = turn->batches.head->data;
		guint index;

		if (is_suspect(batch) && !idle)
			return false;
		if (turn->left == 0)
			turn->left = TURN_ENVELOPES * batch->weight;
		index = batch->again.length > 0 ? GPOINTER_TO_UINT(
			g_queue_pop_head(&batch->again)) : batch->next++;
		turn_round(turns, turn, batch);
		if (!enter_lane(turns, batch, index))
			continue;
		*batch_out = batch;
		*index_out = index;
		return true;
	}
	return false;
}

guint
turns_waiting(const struct turns *turns, guint enough)
{
	guint count = turns->ready.length;

	for (GList *at = turns->order.head; at != NULL && count < enough;
	     at = at->next) {
		const struct turn *turn = at->data;

		for (GList *b = turn->batches.head; b != NULL &&
		     count < enough; b = b->next) {
			const struct batch *batch = b->data;

			count += batch->envelopes->len - batch->next +
				batch->again.length;
		}
	}
	return count;
}
