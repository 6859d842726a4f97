/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who gets the next envelope: turns.c says which it is, and this file which
 * connection it goes out on, and when one more is opened.
 */
#include "core/outbound/relay_inside.h"

#include "core/base/wire.h"
#include "core/watch.h"
#include "core/base/banned.h"

#define COPIES_PER_LINE 5	/* waiting, before one more is opened */
#define LEAD 8.0		/* of a relay, transactions / weight */

static bool
may_take(const struct relay *relay, const struct line *line)
{
	return !relay->draining && !line->retiring &&
		conn_has_room(line->conn) &&
		(line->hop->pause_until_ms == 0 ||
		 hop_is_ready(line->hop, wire_now_ms()));
}

static bool
has_room(const struct relay *relay, const struct line *line)
{
	return may_take(relay, line) && !conn_is_stalled(line->conn);
}

static bool
was_split(struct relay *relay, const struct line *line, struct batch *batch,
	  guint index)
{
	if (batch_envelope(batch, index)->sender != SENDER_XVERP ||
	    conn_offers_xverp(line->conn))
		return false;
	turns_split(relay->turns, batch, index);
	return true;
}

static bool
was_skipped(struct relay *relay, struct batch *batch, guint index)
{
	if (!batch_is_unwanted(batch))
		return false;
	relay_skip(relay, batch, index);
	return true;
}

static bool
start_next(struct relay *relay, struct line *line)
{
	struct batch *batch;
	guint index;

	do {
		if (!turns_next(relay->turns, conn_open_count(line->conn) ==
				0, &batch, &index))
			return false;
	} while (was_skipped(relay, batch, index) ||
		 was_split(relay, line, batch, index));
	line->hop->pass += 1.0 / (double)line->hop->weight;
	watch_post(&batch->post, batch->list);
	conn_start(line->conn, batch, index);
	return true;
}

/* It has just said something, so it is not stalled. */
void
relay_fill_line(struct relay *relay, struct line *line)
{
	if (!may_take(relay, line))
		return;
	while (conn_has_room(line->conn) && start_next(relay, line))
		;
}

/* The pass of the relay that is furthest behind its share, of those that have
 * a connection which works. */
static double
least_pass(const struct relay *relay)
{
	double least = G_MAXDOUBLE;

	for (guint i = 0; i < relay->lines->len; i++) {
		const struct line *line = g_ptr_array_index(relay->lines, i);

		if (!line->retiring && conn_is_greeted(line->conn) &&
		    !conn_is_stalled(line->conn))
			least = MIN(least, line->hop->pass);
	}
	return least;
}

/* Of the lines with room, one of the relay that is furthest behind its
 * share. None is far ahead of it: weights are kept even where the others have
 * time to spare. */
static struct line *
neediest(struct relay *relay)
{
	double most = least_pass(relay) + LEAD;
	struct line *best = NULL;

	for (guint i = 0; i < relay->lines->len; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		if (line->hop->pass <= most && has_room(relay, line) &&
		    (best == NULL ||
		     line->hop->pass < best->hop->pass ||
		     (line->hop == best->hop && conn_open_count(line->conn) <
		      conn_open_count(best->conn))))
			best = line;
	}
	return best;
}

/* A relay that had no room for a while has no claim for that time. */
static void
level(struct relay *relay, double least)
{
	for (guint i = 0; i < relay->hops->len; i++) {
		struct hop *hop = g_ptr_array_index(relay->hops, i);

		hop->pass = MAX(hop->pass, least - LEAD - 1);
	}
}

static void
fill_by_weight(struct relay *relay)
{
	struct line *line;

	while (turns_waiting(relay->turns, 1) > 0 &&
	       (line = neediest(relay)) != NULL) {
		level(relay, line->hop->pass);
		if (!start_next(relay, line))
			return;
	}
}

void
relay_fill_lines(struct relay *relay)
{
	if (relay->hops->len > 1) {
		fill_by_weight(relay);
		return;
	}
	/* One each in turn: who waits behind others waits least. */
	for (bool any = true; any;) {
		any = false;
		for (guint i = 0; i < relay->lines->len; i++) {
			struct line *line = g_ptr_array_index(relay->lines,
							      i);

			any |= has_room(relay, line) &&
				start_next(relay, line);
		}
	}
}

/* How many connections of those that are allowed are this relay's. */
static guint
share_of(const struct relay *relay, const struct hop *hop)
{
	int64_t all = 0;

	for (guint i = 0; i < relay->hops->len; i++) {
		const struct hop *other = g_ptr_array_index(relay->hops, i);

		all += hop_is_down(other) && other != hop ? 0 : other->weight;
	}
	return (guint)MAX(relay->settings->connections * hop->weight / all,
			  1);
}

/* One more connection to each relay, where there is work for it. A relay that
 * has none gets one for any work, and after a failure that one tries how
 * things are. */
static bool
open_more(struct relay *relay)
{
	guint enough = relay->lines->len * COPIES_PER_LINE;
	guint waiting = turns_waiting(relay->turns, enough + 1);
	int64_t now = wire_now_ms();
	bool opened = false;

	if (waiting == 0)
		return false;
	for (guint i = 0; i < relay->hops->len; i++) {
		struct hop *hop = g_ptr_array_index(relay->hops, i);
		guint most = hop_is_down(hop) ? 1 : share_of(relay, hop);

		if (hop->lines < most && hop_is_ready(hop, now) &&
		    (hop->lines == 0 || waiting > enough)) {
			line_open(relay, hop);
			opened = true;
		}
	}
	return opened;
}

/* As many as the work that waits now is worth: the next look may be late. */
void
relay_open_lines(struct relay *relay)
{
	while (!relay->draining && open_more(relay))
		;
}
