/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_FIFO_H
#define MUSTER_OUTBOUND_FIFO_H

#include <glib.h>

/*
 * A queue of values in a ring: put in at the end, taken from the front,
 * without an allocation for each. Pointers into it hold until the next push
 * or pop.
 */
struct fifo {
	char *items;
	gsize item_size;
	guint room;		/* items, a power of two */
	guint head, len;
};

void fifo_init(struct fifo *fifo, gsize item_size);
void fifo_done(struct fifo *fifo);

/* fifo_push_new - a new last item, zeroed */
void *fifo_push_new(struct fifo *fifo);
/* fifo_pop - the first goes; there is one */
void fifo_pop(struct fifo *fifo);

static inline guint
fifo_len(const struct fifo *fifo)
{
	return fifo->len;
}

#define fifo_at(fifo, type, index) \
	(&((type *)(void *)(fifo)->items)[((fifo)->head + (index)) & \
					  ((fifo)->room - 1)])
#define fifo_last(fifo, type) \
	(fifo_at(fifo, type, fifo_len(fifo) - 1))

#endif
