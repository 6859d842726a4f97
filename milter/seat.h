/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MILTER_SEAT_H
#define MUSTER_MILTER_SEAT_H

#include "conf/settings.h"
#include "core/base/err.h"

/*
 * The seat is the descriptor that libmilter accepts connections on. It is
 * taken once, before the fork, so that all workers sit at one socket; a
 * worker leaves it when it is to accept no more.
 */

/* seat_listen - the socket of [milter] listen, non-blocking */
enum err_code seat_listen(const struct settings *settings, int *fd_out,
			  struct err *err);

/* seat_take - put listen_fd in libmilter's seat. After session_register(). */
enum err_code seat_take(const struct settings *settings, int listen_fd,
			int *seat_out, struct err *err);

/* seat_leave - this process accepts no more; what it has goes on. While
 * libmilter runs, from any thread. */
void seat_leave(int seat);

#endif
