/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A relay may take minutes to answer about one copy, or never. Its post does
 * not wait for that: when all copies of a batch that have no answer are on
 * connections that have been silent for a while, the batch goes back without
 * them, and what is late becomes a batch of its own, which the dispatcher
 * makes a job of its own. Nothing is sent again for that.
 */
#include "core/outbound/relay_inside.h"

#include "core/base/banned.h"

#define LATE_MS 2000

static void
count_open(void *arg, struct batch *batch, guint open)
{
	GHashTable *late = arg;
	guint sum = GPOINTER_TO_UINT(g_hash_table_lookup(late, batch));

	g_hash_table_insert(late, batch, GUINT_TO_POINTER(sum + open));
}

static bool
is_late(const struct line *line)
{
	return conn_is_stalled(line->conn) &&
		conn_silent_ms(line->conn) >= LATE_MS;
}

/* Each batch that has copies on silent connections -> how many. */
static GHashTable *
late_batches(struct relay *relay)
{
	GHashTable *late = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < relay->lines->len; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		if (is_late(line))
			conn_each_open(line->conn, count_open, late);
	}
	return late;
}

static void
let_go(struct relay *relay, struct batch *batch)
{
	struct batch *late = batch_take_late(batch);

	for (guint i = 0; i < relay->lines->len; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		conn_move(line->conn, batch, late);
	}
	g_hash_table_remove(relay->all, batch);
	g_hash_table_add(relay->all, late);
	relay->finished(relay->arg, batch);
}

void
relay_let_late_go(struct relay *relay)
{
	g_autoptr(GHashTable) late = late_batches(relay);
	GHashTableIter iter;
	gpointer key, count;

	g_hash_table_iter_init(&iter, late);
	while (g_hash_table_iter_next(&iter, &key, &count)) {
		struct batch *batch = key;
		guint open = GPOINTER_TO_UINT(count);

		if (!batch->is_late &&
		    batch->answered + open == batch->copies->len)
			let_go(relay, batch);
	}
}
