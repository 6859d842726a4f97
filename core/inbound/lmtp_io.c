/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/lmtp_io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/wire.h"
#include "core/base/banned.h"

#define IN_LEN 65536
#define OUT_FULL 16384		/* replies leave even while more comes in */

struct lmtp_io {
	int fd, stop_fd, idle_ms;
	bool broken;		/* the peer takes no replies any more */
	GString *out;
	size_t from, to;	/* of what is in `in` and not used */
	char in[IN_LEN];
};

struct lmtp_io *
lmtp_io_new(int fd, int stop_fd, int idle_ms)
{
	struct lmtp_io *io = g_malloc(sizeof(*io));

	io->fd = fd;
	io->stop_fd = stop_fd;
	io->idle_ms = idle_ms;
	io->broken = false;
	io->out = g_string_new(NULL);
	io->from = 0;
	io->to = 0;
	return io;
}

void
lmtp_io_free(struct lmtp_io *io)
{
	if (io == NULL)
		return;
	g_string_free(io->out, TRUE);
	g_free(io);
}

/* --- out ---------------------------------------------------------------- */

static bool
await_room(struct lmtp_io *io)
{
	struct pollfd poll_fd = {.fd = io->fd, .events = POLLOUT};
	int count;

	do
		count = poll(&poll_fd, 1, io->idle_ms);
	while (count < 0 && errno == EINTR);
	return count > 0;
}

bool
lmtp_io_flush(struct lmtp_io *io)
{
	ssize_t sent;

	while (io->out->len > 0 && !io->broken) {
		sent = send(io->fd, io->out->str, io->out->len, MSG_NOSIGNAL);
		if (sent > 0)
			g_string_erase(io->out, 0, sent);
		else if (errno == EAGAIN)
			io->broken = !await_room(io);
		else if (errno != EINTR)
			io->broken = true;
	}
	return !io->broken;
}

void
lmtp_io_say(struct lmtp_io *io, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	g_string_append_vprintf(io->out, format, ap);
	va_end(ap);
	g_string_append(io->out, "\r\n");
	if (io->out->len >= OUT_FULL)
		(void)lmtp_io_flush(io);
}

/* --- in ----------------------------------------------------------------- */

/* A stop counts only when the peer has nothing more to say: what it has
 * sent to the end is worked on. */
static enum lmtp_got
await_peer(struct lmtp_io *io)
{
	struct pollfd poll_fds[] = {
		{.fd = io->fd, .events = POLLIN},
		{.fd = io->stop_fd, .events = POLLIN},
	};
	int count;

	do
		count = poll(poll_fds, G_N_ELEMENTS(poll_fds), io->idle_ms);
	while (count < 0 && errno == EINTR);
	if (count <= 0)
		return count == 0 ? LMTP_IDLE : LMTP_GONE;
	return poll_fds[0].revents != 0 ? LMTP_GOT : LMTP_STOP;
}

/* One more read behind what is there. Room is the caller's care. */
static enum lmtp_got
read_more(struct lmtp_io *io)
{
	enum lmtp_got got;
	ssize_t count;

	if (!lmtp_io_flush(io))
		return LMTP_GONE;
	for (;;) {
		got = await_peer(io);
		if (got != LMTP_GOT)
			return got;
		count = recv(io->fd, io->in + io->to, IN_LEN - io->to, 0);
		if (count > 0)
			break;
		if (count == 0 || (errno != EAGAIN && errno != EINTR))
			return LMTP_GONE;
	}
	io->to += (size_t)count;
	return LMTP_GOT;
}

static void
move_to_front(struct lmtp_io *io)
{
	memmove(io->in, io->in + io->from, io->to - io->from);
	io->to -= io->from;
	io->from = 0;
}

enum lmtp_got
lmtp_io_bytes(struct lmtp_io *io, const char **bytes_out, size_t *len_out)
{
	enum lmtp_got got = LMTP_GOT;

	if (io->from == io->to) {
		io->from = 0;
		io->to = 0;
		got = read_more(io);
	}
	if (got != LMTP_GOT)
		return got;
	*bytes_out = io->in + io->from;
	*len_out = io->to - io->from;
	return LMTP_GOT;
}

void
lmtp_io_used(struct lmtp_io *io, size_t len)
{
	io->from += len;
}

static enum lmtp_got
skip_line(struct lmtp_io *io)
{
	enum lmtp_got got;
	const char *end;

	for (;;) {
		end = memchr(io->in + io->from, '\n', io->to - io->from);
		if (end != NULL)
			break;
		io->from = 0;
		io->to = 0;
		got = read_more(io);
		if (got != LMTP_GOT)
			return got;
	}
	io->from = (size_t)(end + 1 - io->in);
	return LMTP_TOO_LONG;
}

static void
take_line(struct lmtp_io *io, char *end, const char **line_out,
	  size_t *len_out)
{
	*line_out = io->in + io->from;
	io->from = (size_t)(end + 1 - io->in);
	if (end > *line_out && end[-1] == '\r')
		end--;
	*end = '\0';
	*len_out = (size_t)(end - *line_out);
}

enum lmtp_got
lmtp_io_line(struct lmtp_io *io, const char **line_out, size_t *len_out)
{
	enum lmtp_got got;
	size_t len;
	char *end;

	for (;;) {
		len = io->to - io->from;
		end = memchr(io->in + io->from, '\n', len);
		if (end != NULL &&
		    end + 1 - (io->in + io->from) > LMTP_LINE_MAX)
			return skip_line(io);
		if (end != NULL)
			break;
		if (len >= LMTP_LINE_MAX)
			return skip_line(io);
		move_to_front(io);
		got = read_more(io);
		if (got != LMTP_GOT)
			return got;
	}
	take_line(io, end, line_out, len_out);
	return LMTP_GOT;
}
