/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Expansion: from the distribution list of a job to copies in envelopes.
 *
 * A copy goes under a sender of its own (SENDER_SINGLE) unless the list lets
 * it share an envelope, its member is proven, and the address can be said so
 * that it comes back the same. `verp` of a list says which (muster(1)).
 */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/base/clock.h"
#include "core/mail/addr.h"
#include "core/outbound/delivery_inside.h"
#include "db/digest.h"
#include "db/roster.h"
#include "core/base/banned.h"

#define SHARED_MOST 50		/* recipients under one shared sender */

/* Where a batch is being made */
struct making {
	struct delivery *delivery;
	const struct expansion *with;
	struct batch *batch;
	int64_t now_ms;
	enum sender share;	/* how those who can do, SENDER_SINGLE: none */
	GPtrArray *shared;	/* of struct shared */
};

/* One who can share an envelope; borrowed from the roster's batch */
struct shared { const char *addr, *key; };

static enum sender
share_mode(const struct delivery *delivery, const struct expansion *with)
{
	if (composed_is_personal(delivery->what) ||
	    delivery->what->null_sender)
		return SENDER_SINGLE;
	switch (delivery->conf->verp) {
	case VERP_AUTO:
		return with->xverp ? SENDER_XVERP : SENDER_SINGLE;
	case VERP_XVERP:
		return SENDER_XVERP;
	case VERP_ADAPTIVE:
		return SENDER_SHARED;
	case VERP_SINGLE:
		return SENDER_SINGLE;
	}
	g_assert_not_reached();
}

/* No failure for so long, which an unproven report is too. */
static bool
is_proven(const struct making *making, const struct roster_entry *entry)
{
	int64_t since = making->now_ms / 1000 -
		making->delivery->conf->verp_proven_s;

	if (entry->bounced_s > since)
		return false;
	return making->share == SENDER_XVERP || entry->since_s <= since;
}

/* Of so many posts one goes to him under his own sender: another one for
 * each member, so that no post is all of that kind. */
static bool
is_his_turn(const struct making *making, const char *key)
{
	int64_t every = making->delivery->conf->verp_every;
	const uint8_t *post = making->delivery->job->post.bytes;
	uint32_t mix = g_str_hash(key) ^ ((uint32_t)post[0] << 24 |
		(uint32_t)post[1] << 16 | (uint32_t)post[2] << 8 | post[3]);

	return making->share == SENDER_SHARED && every > 0 &&
		mix % (uint32_t)every == 0;
}

/* It knows its copies by their sender, which others must not see. */
static bool
may_be_a_list(const struct making *making, const char *key)
{
	const char *domain = strrchr(key, '@') + 1;

	return settings_has_domain(making->with->settings, domain) ||
		settings_shares_domain(making->with->settings, domain);
}

static bool
can_share(const struct making *making, const struct roster_entry *entry,
	  const struct domain_limit *limit)
{
	return making->share != SENDER_SINGLE && limit == NULL &&
		is_proven(making, entry) &&
		!is_his_turn(making, entry->key) &&
		!may_be_a_list(making, entry->key) &&
		verp_can_share(making->delivery->job->list_addr, entry->key);
}

static void
add_single(struct making *making, const char *addr, const char *key,
	   const struct domain_limit *limit)
{
	batch_add_copy(making->batch, addr, key);
	batch_envelop(making->batch, making->batch->copies->len - 1, 1,
		      SENDER_SINGLE, limit);
}

static void
add_member(struct making *making, const struct roster_entry *entry)
{
	const struct domain_limit *limit = limits_of(making->with->settings,
						     entry->key);

	if (!limits_take(making->with->limits, limit, making->now_ms)) {
		batch_add_later(making->batch, entry->addr, limit, limits_date(
			making->with->limits, limit, making->now_ms));
	} else if (can_share(making, entry, limit)) {
		struct shared *one = g_new(struct shared, 1);

		one->addr = entry->addr;
		one->key = entry->key;
		g_ptr_array_add(making->shared, one);
	} else {
		add_single(making, entry->addr, entry->key, limit);
	}
}

static const char *
domain_of(const char *key)
{
	return strrchr(key, '@') + 1;
}

static int
by_domain(const void *a, const void *b)
{
	const struct shared *left = *(struct shared *const *)a;
	const struct shared *right = *(struct shared *const *)b;
	int rc = strcmp(domain_of(left->key), domain_of(right->key));

	return rc != 0 ? rc : strcmp(left->key, right->key);
}

/* Those of one domain stand together, so that the relay's own envelopes
 * stay whole. */
static void
add_shared(struct making *making)
{
	GPtrArray *shared = making->shared;
	guint most = making->share == SENDER_SHARED ? SHARED_MOST :
		shared->len;

	if (making->share == SENDER_SHARED)
		g_ptr_array_sort(shared, by_domain);
	for (guint from = 0; from < shared->len; from += most) {
		guint first = making->batch->copies->len;
		guint count = MIN(most, shared->len - from);

		for (guint i = from; i < from + count; i++) {
			const struct shared *one = g_ptr_array_index(shared,
								     i);

			batch_add_copy(making->batch, one->addr, one->key);
		}
		batch_envelop(making->batch, first, count, count > 1 ?
			      making->share : SENDER_SINGLE, NULL);
	}
	g_ptr_array_set_size(shared, 0);
}

/* --- members ------------------------------------------------------------ */

/* Subscribed after the post came? A date that is still to come says nothing:
 * the clock has been set back since. */
static bool
came_later(const struct delivery *delivery, const struct roster_entry *entry)
{
	return entry->since_s > delivery->job->as_of_s &&
		entry->since_s <= clock_s();
}

/* A list that is a member of itself, or of one that it includes: its own post
 * would only come back to it. */
static bool
is_the_list(const struct job *job, const char *key)
{
	return strcmp(key, job->list_addr) == 0 ||
		strcmp(key, job_through_addr(job)) == 0;
}

/* What comes through another list is in no digest of this one, so whoever
 * wants digests gets it as well. */
static bool
wants_kind(const struct job *job, const struct roster_entry *entry)
{
	enum delivery_mode delivery = delivery_at(entry, job->position);

	return job->through != 0 ? delivery != DELIVERY_OFF :
		delivery == job->delivery;
}

static bool
wants_copy(struct delivery *delivery, const struct roster_entry *entry)
{
	const struct elsewhere_post post = delivery_post(delivery);

	return wants_kind(delivery->job, entry) &&
		!came_later(delivery, entry) &&
		member_takes(entry, &post) &&
		!is_the_list(delivery->job, entry->key);
}

/* Unless he has it from elsewhere. */
static enum err_code
expand_member(struct making *making, const struct roster_entry *entry,
	      struct err *err)
{
	struct delivery *delivery = making->delivery;
	bool has = false;
	enum err_code rc = ERR_OK;

	if (!wants_copy(delivery, entry))
		return ERR_OK;
	if (delivery->elsewhere != NULL)
		rc = elsewhere_has(delivery->elsewhere, entry->key, &has,
				   err);
	if (rc == ERR_OK && has)
		making->batch->left_out++;
	else if (rc == ERR_OK)
		add_member(making, entry);
	return rc;
}

static void
set_last(struct delivery *delivery, struct batch *batch, const char *key)
{
	g_free(delivery->read_after);
	delivery->read_after = g_strdup(key);
	batch->last = g_strdup(key);
}

/* Up to max members, of whom some may get nothing. */
static enum err_code
expand_members(struct making *making, struct err *err)
{
	struct delivery *delivery = making->delivery;
	const char *until = delivery->job->until, *key = NULL;
	struct roster_batch members;
	enum err_code rc;

	rc = roster_batch(making->with->store, delivery->job->list,
			  delivery->read_after, making->with->max, &members,
			  err);
	if (rc != ERR_OK)
		return rc;
	delivery->read_all = members.end;
	if (delivery->elsewhere != NULL)
		elsewhere_begin(delivery->elsewhere);
	for (size_t i = 0; i < members.count && rc == ERR_OK; i++) {
		const struct roster_entry *entry = &members.entries[i];

		if (until[0] != '\0' && strcmp(entry->key, until) > 0) {
			delivery->read_all = true;
			break;
		}
		rc = expand_member(making, entry, err);
		key = entry->key;
	}
	if (rc == ERR_OK)
		add_shared(making);
	else
		delivery->read_all = false;
	if (rc == ERR_OK && key != NULL)
		set_last(delivery, making->batch, key);
	roster_batch_done(&members);
	return rc;
}

/* --- explicit addresses ------------------------------------------------- */

/* In their order: where one has to wait, those behind it do. */
static void
expand_addrs(struct making *making)
{
	struct delivery *delivery = making->delivery;
	char **addrs = delivery->job->addrs;

	while (making->batch->copies->len < making->with->max &&
	       addrs[delivery->addrs_read] != NULL) {
		const char *addr = addrs[delivery->addrs_read];
		g_autofree char *key = addr_canon(addr);
		const struct domain_limit *limit;

		if (key == NULL)
			key = g_strdup(addr);
		limit = limits_of(making->with->settings, key);
		if (!limits_take(making->with->limits, limit,
				 making->now_ms)) {
			delivery->wait_ms = limits_when(making->with->limits,
							limit,
							making->now_ms);
			return;
		}
		add_single(making, addr, key, limit);
		delivery->addrs_read++;
		making->batch->addrs++;
	}
	delivery->read_all = addrs[delivery->addrs_read] == NULL;
}

/* ------------------------------------------------------------------------ */

static struct batch *
new_batch(struct delivery *delivery, const struct expansion *with)
{
	struct batch *batch = batch_new(delivery->what, with->settings,
					delivery->verp, &delivery->job->post,
					delivery->job->list_addr, delivery);

	batch->list = delivery->job->list;
	if (delivery->job->through != 0)
		batch->through = g_strdup(delivery->job->through_addr);
	batch->weight = delivery->conf->weight;
	return batch;
}

static bool
is_empty(const struct batch *batch)
{
	return batch->copies->len == 0 && batch->later->len == 0;
}

enum err_code
delivery_next(struct delivery *delivery, const struct expansion *with,
	      struct batch **out, struct err *err)
{
	g_autoptr(GPtrArray) shared = g_ptr_array_new_with_free_func(g_free);
	struct making making = {
		.delivery = delivery, .with = with, .shared = shared,
		.now_ms = clock_ms(),
	};
	enum err_code rc = ERR_OK;

	*out = NULL;
	if (delivery->read_all)
		return ERR_OK;
	making.share = share_mode(delivery, with);
	delivery->wait_ms = 0;
	while (!delivery->read_all && rc == ERR_OK &&
	       delivery->wait_ms == 0 && *out == NULL) {
		making.batch = new_batch(delivery, with);
		if (delivery->job->audience == TO_MEMBERS)
			rc = expand_members(&making, err);
		else
			expand_addrs(&making);
		if (rc == ERR_OK)
			delivery->left_out += making.batch->left_out;
		if (rc == ERR_OK && !is_empty(making.batch))
			*out = making.batch;
		else
			batch_free(making.batch);
	}
	if (*out != NULL) {
		(*out)->left_out = delivery->left_out;
		delivery->left_out = 0;
		g_queue_push_tail(&delivery->batches, *out);
		delivery->copies += (*out)->copies->len;
	}
	return rc;
}

int64_t
delivery_wait_ms(const struct delivery *delivery)
{
	return delivery->wait_ms;
}
