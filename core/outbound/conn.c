/* SPDX-License-Identifier: BSD-2-Clause */

/* A connection's life and bytes. conn_talk.c has what is said on it. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <glib.h>

#include "core/outbound/conn_inside.h"
#include "core/base/banned.h"

#define WRITE_PIECES 256
#define READ_LEN 16384
#define CONNECT_MS 30000
#define PACE_FIRST_US 100000
#define SAID_GONE_MOST 65536	/* written bytes in front of said */

struct conn *
conn_open(const void *addr, unsigned int len, struct settings *settings,
	  const struct conn_events *events)
{
	const struct sockaddr *to = addr;
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK |
			SOCK_CLOEXEC, 0);
	int on = 1;
	struct conn *conn;

	if (fd < 0)
		return NULL;
	(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, to, len) != 0 && errno != EINPROGRESS) {
		int saved = errno;

		(void) close(fd);
		errno = saved;
		return NULL;
	}
	conn = g_new0(struct conn, 1);
	conn->fd = fd;
	conn->settings = settings_ref(settings);
	conn->events = *events;
	conn->heard_us = g_get_monotonic_time();
	conn->said = g_string_new(NULL);
	conn->mail_head = g_string_new(NULL);
	conn->mail_tail = g_string_new(NULL);
	conn->pace_us = PACE_FIRST_US;
	fifo_init(&conn->flights, sizeof(struct flight));
	fifo_init(&conn->expected, sizeof(struct expectation));
	fifo_init(&conn->out, sizeof(struct piece));
	reply_reader_init(&conn->replies);
	return conn;
}

int
conn_fd(const struct conn *conn)
{
	return conn->fd;
}

bool
conn_is_greeted(const struct conn *conn)
{
	return conn->greeted;
}

int64_t
conn_deadline_ms(const struct conn *conn)
{
	if (!conn->connected)
		return conn->heard_us / 1000 + CONNECT_MS;
	return conn->heard_us / 1000 + conn->settings->timeout_s * 1000;
}

/* --- what is written ---------------------------------------------------- */

void
conn_put(struct conn *conn, const char *bytes, size_t len,
	 struct composed *post)
{
	struct piece *piece;

	conn->unwritten += len;
	conn->put += len;
	if (bytes == NULL && fifo_len(&conn->out) > 0 &&
	    fifo_last(&conn->out, struct piece)->bytes == NULL) {
		fifo_last(&conn->out, struct piece)->len += len;
		return;
	}
	piece = fifo_push_new(&conn->out);
	piece->bytes = bytes;
	piece->len = len;
	piece->post = post != NULL ? composed_ref(post) : NULL;
}

static void
piece_pop(struct conn *conn)
{
	composed_unref(fifo_at(&conn->out, struct piece, 0)->post);
	fifo_pop(&conn->out);
}

static void
drop_said(struct conn *conn, size_t count)
{
	conn->said_at += count;
	if (conn->said_at == conn->said->len) {
		g_string_truncate(conn->said, 0);
		conn->said_at = 0;
	} else if (conn->said_at > SAID_GONE_MOST) {
		g_string_erase(conn->said, 0, (gssize)conn->said_at);
		conn->said_at = 0;
	}
}

static void
drop_written(struct conn *conn, size_t count)
{
	size_t said = 0;

	conn->unwritten -= count;
	while (count > 0) {
		struct piece *piece = fifo_at(&conn->out, struct piece, 0);
		size_t part = MIN(count, piece->len);

		if (piece->bytes == NULL)
			said += part;
		else
			piece->bytes += part;
		piece->len -= part;
		count -= part;
		if (piece->len == 0)
			piece_pop(conn);
	}
	drop_said(conn, said);
}

/* The first of what is to be written; how many pieces that is. */
static guint
gather(const struct conn *conn, struct iovec iov[WRITE_PIECES])
{
	const char *said = conn->said->str + conn->said_at;
	guint pieces = MIN(fifo_len(&conn->out), WRITE_PIECES);

	for (guint i = 0; i < pieces; i++) {
		const struct piece *piece = fifo_at(&conn->out, struct piece,
						    i);
		const char *bytes = piece->bytes;

		if (bytes == NULL) {
			bytes = said;
			said += piece->len;
		}
		iov[i].iov_base = (void *)(uintptr_t)bytes;
		iov[i].iov_len = piece->len;
	}
	return pieces;
}

bool
conn_write(struct conn *conn)
{
	struct iovec iov[WRITE_PIECES];
	struct msghdr packet = { .msg_iov = iov };
	ssize_t count;

	while (conn->connected && fifo_len(&conn->out) > 0) {
		packet.msg_iovlen = gather(conn, iov);
		count = sendmsg(conn->fd, &packet, MSG_NOSIGNAL);
		if (count >= 0) {
			drop_written(conn, (size_t)count);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			/* It has hung up; what it said before counts. */
			(void) conn_read(conn, true);
			return false;
		}
	}
	return true;
}

/* --- what is read ------------------------------------------------------- */

struct expectation *
conn_expect(struct conn *conn, enum step step)
{
	struct expectation *next;

	/* A silence is measured from when we began to wait. */
	if (fifo_len(&conn->expected) == 0 && !conn->reading)
		conn->heard_us = g_get_monotonic_time();
	next = fifo_push_new(&conn->expected);
	next->step = step;
	next->end = conn->put;
	return next;
}

static bool
finish_connect(struct conn *conn)
{
	struct pollfd ready = { .fd = conn->fd, .events = POLLOUT };
	int problem = 0;
	socklen_t len = sizeof(problem);

	if (poll(&ready, 1, 0) == 0)
		return true;
	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0 ||
	    problem != 0) {
		conn->events.refused(conn->events.arg, 0,
				     g_strerror(problem));
		return false;
	}
	conn->connected = true;
	(void) conn_expect(conn, GREETING);
	return true;
}

static bool
hear(struct conn *conn, const char *bytes, size_t len)
{
	struct reply reply;

	conn->heard_us = g_get_monotonic_time();
	conn->reading = true;
	reply_feed(&conn->replies, bytes, len);
	while (!conn->over && reply_next(&conn->replies, &reply))
		conn_heard(conn, &reply);
	conn->reading = false;
	conn_note_pace(conn, conn->heard_us);
	return !conn->over && !conn->replies.broken;
}

bool
conn_read(struct conn *conn, bool to_end)
{
	char bytes[READ_LEN];
	ssize_t count;

	if (!conn->connected && !finish_connect(conn))
		return false;
	if (!conn->connected)
		return true;
	for (;;) {
		count = recv(conn->fd, bytes, sizeof(bytes), 0);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return errno == EAGAIN;
		if (count == 0 || !hear(conn, bytes, (size_t)count))
			return false;
		if ((size_t)count < sizeof(bytes) && !to_end)
			return true;
	}
}

/* --- the end ------------------------------------------------------------ */

unsigned int
conn_close(struct conn *conn)
{
	bool idle = conn->greeted && !conn->over &&
		fifo_len(&conn->expected) == 0 && fifo_len(&conn->out) == 0;
	unsigned int unknown = conn_abandon(conn);

	if (idle)
		(void) send(conn->fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	(void) close(conn->fd);
	while (fifo_len(&conn->out) > 0)
		piece_pop(conn);
	fifo_done(&conn->flights);
	fifo_done(&conn->expected);
	fifo_done(&conn->out);
	g_string_free(conn->said, TRUE);
	g_string_free(conn->mail_head, TRUE);
	g_string_free(conn->mail_tail, TRUE);
	composed_unref(conn->prepared);
	reply_reader_done(&conn->replies);
	settings_unref(conn->settings);
	g_free(conn);
	return unknown;
}
