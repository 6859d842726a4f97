/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_RELAY_H
#define MUSTER_OUTBOUND_RELAY_H

#include "conf/settings.h"
#include "core/outbound/batch.h"

/*
 * The relay: a thread that keeps up to [outbound] connections of them busy
 * with the batches it is given, one envelope of each in turn, so that a big
 * list does not hold up a small one. It touches no database and blocks on
 * nothing but its poll.
 */
struct relay;

/* relay_start - finished(arg, batch) is called in the relay's thread for
 * each batch whose copies are all answered; the batch is then the
 * callback's. */
struct relay *relay_start(struct settings *settings,
			  void (*finished)(void *arg, struct batch *batch),
			  void *arg);

/* relay_push - from any thread; the batch is the relay's until it comes
 * back. It has at least one copy. */
void relay_push(struct relay *relay, struct batch *batch);

/* relay_reload - new connections follow the new settings */
void relay_reload(struct relay *relay, struct settings *settings);

/* relay_stop - starts no more copies, waits for the answers of those on
 * their way (at most drain_s), and gives every batch back through finished,
 * where some copies may be COPY_OPEN. Frees the relay. */
void relay_stop(struct relay *relay);

#endif
