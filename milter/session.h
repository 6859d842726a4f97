/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MILTER_SESSION_H
#define MUSTER_MILTER_SESSION_H

#include <stdbool.h>

#include "milter/gate.h"

/*
 * The SMTP sessions, as libmilter tells of them. libmilter knows one filter
 * a process, and its callbacks get no argument of ours but a session's.
 */

/* session_register - make the callbacks known; before seat_take() */
bool session_register(void);

/* session_start - from now on for this gate, which must stay; before
 * smfi_main() */
void session_start(struct gate *gate);

#endif
