/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MILTER_SEAT_H
#define MUSTER_MILTER_SEAT_H

#include <sys/socket.h>

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

/* seat_accept - what libmilter finds under the name of accept(2): the same,
 * but with few descriptors left it rests for a moment, tells the log once a
 * minute, and fails with EMFILE */
int seat_accept(int seat, struct sockaddr *addr, socklen_t *len)
	__asm__("accept") __attribute__((visibility("default")));

#endif
