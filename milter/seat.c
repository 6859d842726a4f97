/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * libmilter insists on opening its socket itself, and on more than that:
 * it takes over the socket of a running instance, and (8.17, when not root)
 * removes the socket's file when one process ends, whoever else listens
 * there. So it is given a socket of its own that nobody knows, and then ours
 * is put under the descriptor's number. The same trick gets a process out of
 * the seat again: libmilter's own way to stop would stop its sessions too.
 *
 * Several processes accept from one non-blocking socket; libmilter takes
 * EAGAIN, which all but one of them get, for no error.
 */
#include "milter/seat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>
#include <libmilter/mfapi.h>

#include "core/base/wire.h"
#include "core/base/banned.h"

#define ORPHANS_MS 5000
#define ORPHANS_STEP_US 50000

/*
 * We hold the lock, so a live socket is one of workers whose parent was
 * killed a moment ago: they leave as soon as they notice.
 */
enum err_code
seat_listen(const struct settings *settings, int *fd_out, struct err *err)
{
	const int64_t deadline = wire_now_ms() + ORPHANS_MS;
	enum err_code rc;
	int fd;

	while ((rc = wire_listen(settings->milter_listen, 0666, &fd, err)) ==
		       ERR_BUSY &&
	       wire_now_ms() < deadline)
		g_usleep(ORPHANS_STEP_US);
	if (rc != ERR_OK)
		return err_context(err, "[milter] listen");
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		(void)close(fd);
		return err_errno(err, "", "cannot set up a socket");
	}
	*fd_out = fd;
	return ERR_OK;
}

/* libmilter compares the family of those who connect with its own's. */
static char *
stand_in(const struct settings *settings, int listen_fd)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr);

	(void)getsockname(listen_fd, (struct sockaddr *)&addr, &len);
	if (addr.ss_family == AF_INET)
		return g_strdup("inet:0@127.0.0.1");
	if (addr.ss_family == AF_INET6)
		return g_strdup("inet6:0@::1");
	return g_strdup_printf("unix:%s/muster-milter.seat", settings->run);
}

static bool
is_listening(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 &&
	       on != 0;
}

/* A new descriptor gets the lowest free number (POSIX). */
static int
next_number(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)close(fd);
	return fd;
}

enum err_code
seat_take(const struct settings *settings, int listen_fd, int *seat_out,
	  struct err *err)
{
	g_autofree char *name = stand_in(settings, listen_fd);
	int seat = next_number();

	if (smfi_setconn(name) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS)
		return err_set(err, ERR_IO,
			       "see that [muster] run can be written",
			       "libmilter cannot open %s", name);
	if (g_str_has_prefix(name, "unix:"))
		(void)unlink(name + strlen("unix:"));
	if (seat < 0 || !is_listening(seat) ||
	    dup3(listen_fd, seat, O_CLOEXEC) != seat)
		return err_set(err, ERR_IO, "",
			       "libmilter's socket is not where it was "
			       "expected");
	*seat_out = seat;
	return ERR_OK;
}

/* Something to accept from, or libmilter would complain: a socket with a
 * name that the kernel makes up (unix(7), autobind). */
void
seat_leave(int seat)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(sa_family_t)) == 0 &&
	    listen(fd, 0) == 0)
		(void)dup3(fd, seat, O_CLOEXEC);
	(void)close(fd);
}
