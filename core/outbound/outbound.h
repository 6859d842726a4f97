/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_H
#define MUSTER_OUTBOUND_H

#include <glib.h>

#include "conf/settings.h"
#include "core/mail/verp.h"
#include "core/outbound/report.h"
#include "db/store.h"

/*
 * Outbound: who gets it, under which envelope. A thread walks the rosters
 * and commits progress; another keeps the connections to the relay busy.
 * See outbound.c for how a copy travels.
 */

struct outbound;

/* outbound_start - begin to work off STAGE_OUTBOUND. store, settings (ref'd)
 * and verp outlive it. */
enum err_code outbound_start(struct store *store, struct settings *settings,
			     const struct verp *verp, struct outbound **out,
			     struct err *err);

/* outbound_wake - there may be new jobs; a hint, from any thread */
void outbound_wake(struct outbound *outbound);

/* outbound_dropped - jobs were taken out of the queue; those that are being
 * sent end with the copies that are under way. From any thread. */
void outbound_dropped(struct outbound *outbound);

/* outbound_reload - new settings for connections and jobs from now on */
void outbound_reload(struct outbound *outbound, struct settings *settings);

/* outbound_stop - no new transactions, wait for the replies of those in
 * flight (up to the settings' drain), commit their progress, QUIT; frees. */
void outbound_stop(struct outbound *outbound);

/* The reason of a job that waits because its list is paused */
#define OUTBOUND_PAUSED "outgoing=paused"

/* outbound_reports, outbound_relays - a struct outbound_report each, a struct
 * relay_report each; a moment old; the caller unrefs */
GArray *outbound_reports(struct outbound *outbound);
GArray *outbound_relays(struct outbound *outbound);

/*
 * outbound_probe - EHLO to a relay, for `muster check`: *greeting and
 * *extensions (the EHLO reply), each on one line, are the caller's.
 */
enum err_code outbound_probe(const struct settings *settings,
			     const struct relay_addr *relay,
			     char **greeting, char **extensions,
			     struct err *err);

#endif
