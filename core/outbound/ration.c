/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who may have how much in flight: together as much as the relay takes while
 * progress is recorded, so that it need not wait for that, and a slow one
 * repeats few copies when we are killed. That is divided into batches, and the
 * delivery that has least on its way for its weight makes the next one.
 */
#include "core/outbound/outbound_inside.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/watch.h"
#include "core/base/banned.h"

#define RATION_S 0.1			/* of the relay's rate: several times
					 * what recording takes */
#define RATION_LEAST 1000		/* where in-flight is not less */
#define RATE_EACH_US 25000		/* between two looks at the rate */
#define BATCHES_SHARE 8			/* of the ration for one batch: some
					 * are recorded while others are sent */
#define BATCHES_EACH 8			/* of one post */
#define BATCH_MAX 500
#define RESERVED_SHARE 4		/* of the ration, for what begins */
#define SIGN_BATCH_MAX 25		/* of copies that are signed each */
#define SIGN_BATCHES_CORE 4		/* of one post, for each core */

/* In a thread of the pool, for one batch of those that wait to be signed. */
void
outbound_sign_and_push(void *data, void *arg)
{
	struct outbound *outbound = arg;
	struct batch *batch;

	(void) data;
	(void) pthread_mutex_lock(&outbound->lock);
	batch = g_queue_pop_head(&outbound->to_sign);
	(void) pthread_mutex_unlock(&outbound->lock);
	watch_post(&batch->post, batch->list);
	if (!batch_is_unwanted(batch))
		batch_sign(batch);
	watch_end();
	relay_push(outbound->relay, batch);
}

static void
give_out(struct outbound *outbound, struct delivery *delivery,
	 struct batch *batch)
{
	bool signs = delivery_signs(delivery);

	outbound->in_flight += batch->copies->len;
	if (batch->copies->len == 0) {
		delivery_answered(delivery, batch);
		return;
	}
	(void) pthread_mutex_lock(&outbound->lock);
	outbound->out++;
	if (signs)
		g_queue_push_tail(&outbound->to_sign, batch);
	(void) pthread_mutex_unlock(&outbound->lock);
	if (signs)
		(void) g_thread_pool_push(outbound->signers, outbound, NULL);
	else
		relay_push(outbound->relay, batch);
}

static size_t
batches_most(const struct delivery *delivery)
{
	return delivery_signs(delivery) ?
		SIGN_BATCHES_CORE * g_get_num_processors() : BATCHES_EACH;
}

static bool
may_expand(struct outbound *outbound, const struct delivery *delivery)
{
	int64_t wait_ms = delivery_wait_ms(delivery);

	if (wait_ms > clock_ms()) {
		outbound->wait_ms = MIN(outbound->wait_ms, wait_ms);
		return false;
	}
	return !delivery_is_paused(delivery) &&
		!delivery_is_leaving(delivery) &&
		delivery_batches(delivery) < batches_most(delivery);
}

static bool
is_needier(const struct delivery *one, const struct delivery *other)
{
	double load = delivery_load(one), other_load = delivery_load(other);

	return load < other_load || (load <= other_load &&
		delivery_turn(one) < delivery_turn(other));
}

/* Whose turn it is: that which has least on its way for its weight, and of
 * those with the same that which has waited longest. */
static struct delivery *
neediest(struct outbound *outbound, const GHashTable *skip)
{
	struct delivery *best = NULL;

	for (guint i = 0; i < outbound->deliveries->len; i++) {
		struct delivery *delivery = g_ptr_array_index(
			outbound->deliveries, i);

		if (!g_hash_table_contains((GHashTable *)(uintptr_t)skip,
					   delivery) &&
		    may_expand(outbound, delivery) &&
		    (best == NULL || is_needier(delivery, best)))
			best = delivery;
	}
	return best;
}

void
outbound_note_recorded(struct outbound *outbound, guint copies)
{
	int64_t now_us = g_get_monotonic_time();
	int64_t time_us = now_us - outbound->rated_us;

	outbound->unrated += copies;
	if (time_us < RATE_EACH_US)
		return;
	outbound->rate = (double)outbound->unrated * G_USEC_PER_SEC /
		(double)time_us;
	outbound->unrated = 0;
	outbound->rated_us = now_us;
}

/* The time until then says nothing of the rate. */
static void
begin_again(struct outbound *outbound)
{
	outbound->rated_us = g_get_monotonic_time();
	outbound->unrated = 0;
}

static int64_t
ration(const struct outbound *outbound, const struct settings *settings)
{
	int64_t most = settings->in_flight;

	return CLAMP((int64_t)(outbound->rate * RATION_S),
		     MIN(RATION_LEAST, most), most);
}

/* How many copies it may have now. A part of what may be in flight is left to
 * those that have nothing on its way, so that a short post need not wait for
 * long ones. */
static int64_t
room_for(const struct outbound *outbound, int64_t most,
	 const struct delivery *delivery)
{
	int64_t room = most - outbound->in_flight;

	return delivery_batches(delivery) == 0 ? room :
		room - most / RESERVED_SHARE;
}

static bool
push_one(struct outbound *outbound, struct expansion with, int64_t most,
	 struct delivery *delivery)
{
	int64_t room = room_for(outbound, most, delivery);
	struct batch *batch = NULL;
	struct err err = ERR_INIT;

	/* Rather none than many small ones. */
	if (room < 1 || (delivery_batches(delivery) > 0 &&
			 room < (int64_t)with.max / 2))
		return false;
	with.max = MIN(with.max, (size_t)room);
	if (delivery_signs(delivery))
		with.max = MIN(with.max, SIGN_BATCH_MAX);
	watch_job(delivery_job(delivery), false);
	if (delivery_next(delivery, &with, &batch, &err) != ERR_OK)
		outbound_log(delivery_job(delivery), "outbound.failed", &err);
	watch_end();
	if (batch == NULL)
		return false;
	delivery_take_turn(delivery, ++outbound->turns);
	give_out(outbound, delivery, batch);
	return true;
}

/* As long as there is room in flight. */
void
outbound_expand(struct outbound *outbound, struct settings *settings)
{
	g_autoptr(GHashTable) full = g_hash_table_new(NULL, NULL);
	const int64_t most = ration(outbound, settings);
	struct expansion with = {
		.store = outbound->store, .settings = settings,
		.limits = outbound->limits,
		.max = (size_t)CLAMP(most / BATCHES_SHARE, 1, BATCH_MAX),
		.xverp = relay_offers_xverp(outbound->relay),
	};
	struct delivery *delivery;

	if (outbound->in_flight == 0)
		begin_again(outbound);
	outbound->wait_ms = INT64_MAX;
	while ((delivery = neediest(outbound, full)) != NULL)
		if (!push_one(outbound, with, most, delivery))
			g_hash_table_add(full, delivery);
}
