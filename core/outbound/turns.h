/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_TURNS_H
#define MUSTER_OUTBOUND_TURNS_H

#include <stdbool.h>

#include "core/outbound/batch.h"

/*
 * Whose envelope is next. The lists take turns, and in each turn a list may
 * start so many envelopes as its weight allows (deficit round robin), so that
 * a small list need not wait for a large one. A domain with a limit has no
 * more envelopes under way than that; the others of it wait aside.
 */
struct turns;

struct turns *turns_new(void);
void turns_free(struct turns *turns);

/* turns_add - a batch that has envelopes which were not started */
void turns_add(struct turns *turns, struct batch *batch);
/* turns_again - this one, which had been started, is to be started again */
void turns_again(struct turns *turns, struct batch *batch, guint envelope);

/* turns_split - this one, which had been started, as batch_split() does */
void turns_split(struct turns *turns, struct batch *batch, guint envelope);

/*
 * turns_next - the next envelope, which is then under way until turns_ended()
 * or turns_again(). idle: the connection that it is for has nothing else to
 * do; one that has seen a connection lost waits for such a one. False: none.
 */
bool turns_next(struct turns *turns, bool idle, struct batch **batch_out,
		guint *envelope_out);
void turns_ended(struct turns *turns, const struct batch *batch,
		 guint envelope);

/* turns_waiting - how many there are to be started now, counted to enough */
guint turns_waiting(const struct turns *turns, guint enough);

#endif
