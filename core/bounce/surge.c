/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The rate breaker. Where a great part of a roster fails within an hour, it is
 * our own mail that is refused, or a relay that has gone mad.
 *
 * Nobody counts members for that: each failure adds one to a number of its
 * list, if the member has not failed before in the same window; and how many
 * members there are was noted by the last sweep. Where no sweep has been yet,
 * the least number is enough, and the sweep that follows within a minute
 * counts, and lets the scores rise again if it was nothing.
 *
 * Two windows are kept, and that of the past counts by what is left of it in
 * the last hour, so that no burst is cut in two.
 */
#include <string.h>

#include "core/bounce/inside.h"
#include "core/letter/letter.h"
#include "core/letter/plain.h"
#include "db/event.h"
#include "core/base/banned.h"

#define REASONS_MAX 5

static void
roll(struct surge *surge, int64_t now_s)
{
	int64_t age = now_s - surge->since_s;

	if (age >= 0 && age < SURGE_WINDOW_S)
		return;
	surge->before = age >= 0 && age < 2 * SURGE_WINDOW_S ?
		surge->count : 0;
	surge->since_s = surge->before > 0 ?
		surge->since_s + SURGE_WINDOW_S : now_s;
	surge->count = 0;
}

/* Members who have failed in the last hour */
static uint64_t
in_last_hour(const struct surge *surge, int64_t now_s)
{
	int64_t left = SURGE_WINDOW_S - (now_s - surge->since_s);

	return surge->count + (uint64_t)surge->before *
		(uint64_t)CLAMP(left, 0, SURGE_WINDOW_S) / SURGE_WINDOW_S;
}

bool
surge_is_true(const struct surge *surge, const struct list_conf *conf,
	      uint64_t members, int64_t now_s)
{
	uint64_t failed = in_last_hour(surge, now_s);

	return conf->bounce_breaker > 0 &&
		failed >= (uint64_t)conf->bounce_breaker_least &&
		failed * 100 >= members * (uint64_t)conf->bounce_breaker;
}

enum err_code
surge_note(struct txn *txn, const struct bounce_with *with, int64_t last_s,
	   bool *is_open, struct err *err)
{
	struct surge surge;
	enum err_code rc;

	*is_open = false;
	if (with->conf->bounce_breaker == 0)
		return ERR_OK;
	rc = surge_get(txn, with->list, &surge, err);
	if (rc != ERR_OK)
		return rc;
	roll(&surge, with->now_s);
	*is_open = with->now_s < surge.until_s;
	if (last_s < surge.since_s && surge.count < UINT32_MAX)
		surge.count++;
	else
		return ERR_OK;
	if (surge_is_true(&surge, with->conf, surge.members, with->now_s)) {
		if (!*is_open)
			surge.from_s = with->now_s - SURGE_WINDOW_S;
		surge.until_s = with->now_s + SURGE_WINDOW_S;
		*is_open = true;
	}
	return surge_put(txn, with->list, &surge, err);
}

/* --- taking back -------------------------------------------------------- */

static bool
is_off_since(enum delivery_mode delivery, enum off_by by, int64_t off_s,
	     int64_t from_s)
{
	return delivery == DELIVERY_OFF && by == OFF_BY_BOUNCES &&
		off_s >= from_s;
}

bool
surge_touches(const struct roster_entry *entry, int64_t from_s)
{
	return entry->bounce.scored_s >= from_s ||
		entry->bounce.probe_s >= from_s ||
		is_off_since(entry->delivery, entry->off_by, entry->off_s,
			     from_s);
}

enum err_code
surge_undo(struct txn *txn, const struct bounce_with *with, const char *addr,
	   struct member *member, int64_t from_s, struct err *err)
{
	const bool back = is_off_since(member->delivery, member->off_by,
				       member->off_s, from_s);
	enum err_code rc;

	if (member->bounce.scored_s >= from_s)
		score_undo(&member->bounce);
	if (member->bounce.probe_s >= from_s)
		member->bounce.probe_s = 0;
	if (back)
		member_deliver(member, member_delivery_before(member),
			       OFF_NOT, with->now_s);
	rc = roster_put(txn, with->list, member, err);
	return rc != ERR_OK || !back ? rc :
		event_add(txn, with->list, EVENT_BACK, addr, err,
			  "gets posts again: so much failed at once that it "
			  "was not his fault");
}

/* --- telling ------------------------------------------------------------ */

static gint
by_count(gconstpointer a, gconstpointer b, gpointer data)
{
	GHashTable *reasons = data;
	const char *const *x = a, *const *y = b;
	guint m = GPOINTER_TO_UINT(g_hash_table_lookup(reasons, *x));
	guint n = GPOINTER_TO_UINT(g_hash_table_lookup(reasons, *y));

	return m != n ? (m < n ? 1 : -1) : strcmp(*x, *y);
}

/* "398  550 5.7.1 blocked", the most frequent first; the caller frees */
static char *
reasons_text(GHashTable *reasons)
{
	g_autofree gpointer *keys = g_hash_table_get_keys_as_array(reasons,
								   NULL);
	guint count = g_hash_table_size(reasons);
	GString *out = g_string_new(NULL);

	g_qsort_with_data(keys, (gint)count, sizeof(*keys), by_count,
			  reasons);
	for (guint i = 0; i < MIN(count, REASONS_MAX); i++)
		g_string_append_printf(out, "%s%4u  %s", i > 0 ? "\n" : "",
				       GPOINTER_TO_UINT(g_hash_table_lookup(
					       reasons, keys[i])),
				       (const char *)keys[i]);
	return g_string_free(out, FALSE);
}

static enum err_code
tell_owners(struct txn *txn, const struct bounce_with *with,
	    const struct surge *surge, const struct surge_extent *extent,
	    struct err *err)
{
	g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT,
						 extent->failed);
	g_autofree char *members = g_strdup_printf("%" G_GUINT64_FORMAT,
						   extent->members);
	g_autofree char *since = plain_time(surge->from_s);
	g_autofree char *until = plain_time(surge->until_s);
	g_autofree char *reasons = reasons_text(extent->reasons);
	const struct letter_field fields[] = {
		{ "count", count }, { "members", members },
		{ "since", since }, { "until", until },
		{ "reasons", reasons }, { NULL, NULL },
	};
	struct letter letter = {
		.list = with->list, .list_addr = with->list_addr,
		.conf = with->conf, .template = "bounce-breaker",
		.fields = fields,
	};
	enum err_code rc = ERR_OK;

	for (char **to = with->conf->owners; *to != NULL && rc == ERR_OK;
	     to++) {
		letter.to = *to;
		rc = letter_send(txn, with->settings, &letter, "notice of "
				 "much mail that comes back", NULL, err);
	}
	return rc;
}

enum err_code
surge_end(struct txn *txn, const struct bounce_with *with,
	  const struct surge_extent *extent, bool *told, struct err *err)
{
	struct surge surge;
	enum err_code rc = surge_get(txn, with->list, &surge, err);

	*told = false;
	if (rc != ERR_OK)
		return rc;
	if (surge.from_s != 0 &&
	    surge_is_true(&surge, with->conf, extent->members,
			  surge.until_s - SURGE_WINDOW_S)) {
		*told = true;
		rc = tell_owners(txn, with, &surge, extent, err);
		if (rc == ERR_OK)
			rc = event_add(txn, with->list, EVENT_BREAKER, "",
				       err, "mail to %" G_GUINT64_FORMAT
				       " of %" G_GUINT64_FORMAT " members "
				       "failed within an hour; nothing is "
				       "counted", extent->failed,
				       extent->members);
	} else if (surge.from_s != 0) {
		surge.until_s = 0;
	}
	surge.from_s = 0;
	surge.members = extent->members;
	return rc == ERR_OK ? surge_put(txn, with->list, &surge, err) : rc;
}
