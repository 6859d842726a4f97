/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/fifo.h"

#include <string.h>

#include "core/base/banned.h"

#define ROOM_FIRST 16

void
fifo_init(struct fifo *fifo, gsize item_size)
{
	*fifo = (struct fifo){ .item_size = item_size, .room = ROOM_FIRST };
	fifo->items = g_malloc_n(fifo->room, item_size);
}

void
fifo_done(struct fifo *fifo)
{
	g_free(fifo->items);
}

/* Twice the room, with what was wrapped around in one piece. */
static void
grow(struct fifo *fifo)
{
	char *items = g_malloc_n(fifo->room * 2, fifo->item_size);
	gsize behind = (fifo->room - fifo->head) * fifo->item_size;

	memcpy(items, fifo->items + fifo->head * fifo->item_size, behind);
	memcpy(items + behind, fifo->items, fifo->head * fifo->item_size);
	g_free(fifo->items);
	fifo->items = items;
	fifo->head = 0;
	fifo->room *= 2;
}

void *
fifo_push_new(struct fifo *fifo)
{
	char *item;

	if (fifo->len == fifo->room)
		grow(fifo);
	item = fifo->items + ((fifo->head + fifo->len++) &
			      (fifo->room - 1)) * fifo->item_size;
	memset(item, 0, fifo->item_size);
	return item;
}

void
fifo_pop(struct fifo *fifo)
{
	fifo->head = (fifo->head + 1) & (fifo->room - 1);
	fifo->len--;
}
