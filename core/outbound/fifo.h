/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_FIFO_H
#define MUSTER_OUTBOUND_FIFO_H

#include <glib.h>

/*
 * A queue of values in one array: put in at the end, taken from the front,
 * without an allocation for each. Pointers into it hold until the next push
 * or pop.
 */
struct fifo {
	GArray *items;
	guint head;		/* of what is left */
};

void fifo_init(struct fifo *fifo, guint item_size);
void fifo_done(struct fifo *fifo);

/* fifo_push - a new last item, zeroed */
void *fifo_push_new(struct fifo *fifo);
void fifo_pop(struct fifo *fifo);

static inline guint
fifo_len(const struct fifo *fifo)
{
	return fifo->items->len - fifo->head;
}

#define fifo_at(fifo, type, index) \
	(&g_array_index((fifo)->items, type, (fifo)->head + (index)))
#define fifo_last(fifo, type) \
	(fifo_at(fifo, type, fifo_len(fifo) - 1))

#endif
