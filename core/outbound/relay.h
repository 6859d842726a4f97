/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_RELAY_H
#define MUSTER_OUTBOUND_RELAY_H

#include "conf/settings.h"
#include "core/outbound/batch.h"
#include "core/outbound/report.h"

/*
 * The thread that keeps up to [outbound] connections busy, to one relay or to
 * several by their weights, with the batches that it is given. It touches no
 * database and blocks on nothing but its poll.
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

/* relay_offers_xverp - did all relays, when they last greeted us? */
bool relay_offers_xverp(struct relay *relay);

/* relay_reports - a struct relay_report each, a moment old; caller unrefs */
GArray *relay_reports(struct relay *relay);

/* relay_stop - starts no more copies, waits for the answers of those on
 * their way (at most drain_s), and gives every batch back through finished,
 * where some copies may be COPY_OPEN. Frees the relay. */
void relay_stop(struct relay *relay);

#endif
