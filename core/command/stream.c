/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/banned.h"

/*
 * The descriptors cannot be made non-blocking: they are shared with the
 * caller's shell. A pipe that poll() calls ready takes this much without
 * waiting (pipe(7)).
 */
#define PIECE PIPE_BUF

static void
stream_failed(struct stream *stream)
{
	if (stream->problem == 0)
		stream->problem = errno;
}

/*
 * True: fd is ready. False: there is no use in waiting, errno is set.
 * Of the connection, POLLHUP says that the caller has gone; POLLRDHUP alone
 * that musterd stops, when what is done should still be told.
 */
static bool
stream_wait(const struct stream *stream, short events)
{
	struct pollfd fds[2] = {
		{ .fd = stream->fd, .events = events },
		{ .fd = stream->peer, .events = POLLRDHUP },
	};
	bool gone, stops;

	/* poll() passes over a descriptor of -1 */
	if (poll(fds, 2, -1) < 0)
		return false;
	gone = (fds[1].revents & (POLLHUP | POLLERR)) != 0;
	stops = fds[1].revents != 0;
	if (!gone && (!stops || (events == POLLOUT && fds[0].revents != 0)))
		return true;
	errno = ECANCELED;
	return false;
}

static ssize_t
stream_read(void *cookie, char *buf, size_t size)
{
	struct stream *stream = cookie;
	ssize_t len;

	do {
		len = stream_wait(stream, POLLIN) ?
			read(stream->fd, buf, size) : -1;
	} while (len < 0 && (errno == EINTR || errno == EAGAIN));
	if (len < 0)
		stream_failed(stream);
	return len;
}

/* Returns what was written; less than size is an error to stdio. */
static ssize_t
stream_write(void *cookie, const char *buf, size_t size)
{
	struct stream *stream = cookie;
	size_t done = 0;
	ssize_t len;

	while (done < size) {
		len = stream_wait(stream, POLLOUT) ?
			write(stream->fd, buf + done,
			      MIN(size - done, PIECE)) : -1;
		if (len < 0 && errno != EINTR && errno != EAGAIN) {
			stream_failed(stream);
			break;
		}
		if (len > 0)
			done += (size_t)len;
	}
	return (ssize_t)done;
}

static int
stream_close(void *cookie)
{
	const struct stream *stream = cookie;

	return close(stream->fd);
}

FILE *
stream_open(struct stream *stream, const char *mode)
{
	static const cookie_io_functions_t calls = {
		.read = stream_read, .write = stream_write,
		.close = stream_close,
	};
	FILE *file = fopencookie(stream, mode, calls);

	if (file == NULL)
		g_error("no memory for a stream");
	return file;
}
