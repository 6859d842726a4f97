/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * accept(2), as libmilter calls it. Its main loop (8.17) takes no descriptor
 * left (EMFILE, ENFILE, ENOMEM) for a reason to ask again at once, while the
 * connection that waits is reported as there: so the thread spins until a
 * session ends. It has no hook there, so the name that it looks up in libc is
 * found here first: a rest, and a limit that comes before the last descriptor
 * is gone.
 *
 * A new descriptor gets the lowest free number (POSIX). A connection is taken
 * only where that number is in the lower half of those that there are, so the
 * upper half stays for what the sessions need: the post in a file, their
 * questions to musterd, the resolver. Who is not taken waits in the queue of
 * the socket, or is another worker's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "milter/seat.h"
#include "core/base/banned.h"

#define REST_US 100000
#define TELL_MS 60000

/* Of the last time that it was told; 0: never. libmilter gives accept() no
 * argument of ours. */
static _Atomic int64_t told_ms;

static void
tell(rlim_t limit)
{
	const int64_t now_ms = wire_now_ms();
	const int64_t last_ms = atomic_load(&told_ms);

	if (last_ms != 0 && now_ms - last_ms < TELL_MS)
		return;
	atomic_store(&told_ms, now_ms);
	log_error(NULL, "worker.no-descriptor",
		  kv_num("limit", (int64_t)limit),
		  kv_str("todo", "raise LimitNOFILE; connections wait until "
			 "others have left"));
}

/* Where it cannot be told, accept() fails for the same reason. */
static bool
is_room(int seat, rlim_t limit)
{
	const int lowest = fcntl(seat, F_DUPFD_CLOEXEC, 0);

	if (lowest < 0)
		return false;
	(void)close(lowest);
	return (rlim_t)lowest < limit / 2;
}

static bool
may_last(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ENOBUFS;
}

int
seat_accept(int seat, struct sockaddr *addr, socklen_t *len)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
	int fd = -1, error = EMFILE;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (is_room(seat, limit.rlim_cur)) {
		fd = accept4(seat, addr, len, SOCK_CLOEXEC);
		error = errno;
	}
	if (fd < 0 && may_last(error)) {
		tell(limit.rlim_cur);
		g_usleep(REST_US);
	}
	errno = error;
	return fd;
}
