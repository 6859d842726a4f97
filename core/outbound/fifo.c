/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/fifo.h"

#include "core/base/banned.h"

#define GONE_MOST 1024		/* items in front that are gone, then moved */

void
fifo_init(struct fifo *fifo, guint item_size)
{
	fifo->items = g_array_new(FALSE, TRUE, item_size);
	fifo->head = 0;
}

void
fifo_done(struct fifo *fifo)
{
	g_array_free(fifo->items, TRUE);
}

void *
fifo_push_new(struct fifo *fifo)
{
	GArray *items = fifo->items;

	g_array_set_size(items, items->len + 1);
	return items->data + (gsize)(items->len - 1) *
		g_array_get_element_size(items);
}

void
fifo_pop(struct fifo *fifo)
{
	fifo->head++;
	if (fifo->head == fifo->items->len) {
		g_array_set_size(fifo->items, 0);
		fifo->head = 0;
	} else if (fifo->head >= GONE_MOST &&
		   fifo->head * 2 >= fifo->items->len) {
		g_array_remove_range(fifo->items, 0, fifo->head);
		fifo->head = 0;
	}
}
