/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/frames.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/banned.h"

#define FDS_MAX 8
#define FDS_MOST 6		/* that are sent */

GByteArray *
frames_make(const uint8_t *bytes, size_t len)
{
	GByteArray *out = g_byte_array_new();
	const uint8_t *lf;
	uint32_t head;
	size_t line;

	for (; len > 0; bytes += line, len -= line) {
		lf = memchr(bytes, '\n', len);
		line = lf != NULL ? (size_t)(lf - bytes) : len;
		head = htonl((uint32_t)line);
		if (line > 0 && bytes[0] == '!')
			g_byte_array_append(out, bytes + 1, (guint)line - 1);
		else
			g_byte_array_append(out, (const guint8 *)&head, 4);
		if (line > 0 && bytes[0] != '!')
			g_byte_array_append(out, bytes, (guint)line);
		line += lf != NULL;
	}
	return out;
}

static ssize_t
send_some(int fd, const uint8_t *bytes, size_t len, const int *fds,
	  size_t fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr packet = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		packet.msg_control = control.bytes;
		packet.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		cmsg = CMSG_FIRSTHDR(&packet);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	return sendmsg(fd, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* False: it has closed. */
static bool
swallow(int fd)
{
	char bytes[4096];
	ssize_t count;

	do {
		count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	} while (count > 0);
	return count < 0;
}

void
frames_send(int fd, const GByteArray *frames, size_t piece, const int *fds,
	    size_t fd_count)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN | POLLOUT };
	size_t at = 0;
	ssize_t sent;

	while (at < frames->len) {
		(void)poll(&ready, 1, -1);
		if ((ready.revents & POLLIN) != 0 && !swallow(fd))
			return;
		sent = send_some(fd, frames->data + at, MIN(
			piece > 0 ? piece : frames->len, frames->len - at),
			fds, at == 0 ? fd_count : 0);
		if (sent < 0 && (ready.revents & (POLLHUP | POLLERR)) != 0)
			return;
		at += sent > 0 ? (size_t)sent : 0;
	}
	(void)shutdown(fd, SHUT_WR);
	ready.events = POLLIN;
	while (poll(&ready, 1, -1) > 0 && swallow(fd))
		;
}

struct server {
	void (*serve)(int fd);
	int fd;
};

static void *
serve(void *data)
{
	const struct server *server = data;

	server->serve(server->fd);
	(void)shutdown(server->fd, SHUT_RDWR);
	return NULL;
}

void
frames_serve(const GByteArray *frames, const uint8_t *data,
	     int (*make_fd)(uint8_t how), void (*serve_fd)(int fd))
{
	struct server server = { .serve = serve_fd };
	size_t fd_count = MIN(data[1] & 7, FDS_MOST);
	int pair[2], fds[FDS_MOST];
	GThread *thread;

	for (size_t i = 0; i < fd_count; i++)
		fds[i] = make_fd(data[1]);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	server.fd = pair[1];
	thread = g_thread_new("musterd", serve, &server);
	frames_send(pair[0], frames, data[0], fds, fd_count);
	(void)close(pair[0]);
	(void)g_thread_join(thread);
	(void)close(pair[1]);
	for (size_t i = 0; i < fd_count; i++)
		(void)close(fds[i]);
}
