/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_STAGES_H
#define MUSTER_STAGES_H

#include "conf/settings.h"
#include "core/mail/verp.h"
#include "db/store.h"

/*
 * The threads that work off pending, bounce, notice and held, one claimer
 * each, and the timers (expiry of repeats and trace, purge of deleted
 * lists). A job of held is due when it expires.
 *
 * A job's attempt is counted before it begins (TXN_LAZY: it survives our
 * death). A job that has taken the process down, or failed, more than
 * settings->attempts times is shunted with the reason.
 */
struct stages;

struct stages *stages_start(struct store *store,
			    struct settings *(*settings)(void),
			    const struct verp *verp,
			    void (*wake_outbound)(void));
void stages_wake(struct stages *stages);
void stages_stop(struct stages *stages);	/* finishes what is begun */

#endif
