/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/dns_conn.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/banned.h"

struct conn {
	int fd;
	unsigned int serial;
	GByteArray *in, *out;
};

struct dns_conns {
	int fd;
	GPtrArray *list;
	unsigned int serials;
	guint polled;		/* of the list, by dns_conns_fds() */
};

static void
conn_free(gpointer data)
{
	struct conn *conn = data;

	(void)close(conn->fd);
	g_byte_array_unref(conn->in);
	g_byte_array_unref(conn->out);
	g_free(conn);
}

struct dns_conns *
dns_conns_new(int fd)
{
	struct dns_conns *conns = g_new0(struct dns_conns, 1);

	conns->fd = fd;
	conns->list = g_ptr_array_new_with_free_func(conn_free);
	return conns;
}

void
dns_conns_free(struct dns_conns *conns)
{
	(void)close(conns->fd);
	g_ptr_array_unref(conns->list);
	g_free(conns);
}

nfds_t
dns_conns_fds(struct dns_conns *conns, struct pollfd *fds)
{
	conns->polled = conns->list->len;
	for (guint i = 0; i < conns->polled; i++) {
		const struct conn *conn = g_ptr_array_index(conns->list, i);
		short out = conn->out->len > 0 ? POLLOUT : 0;

		fds[i] = (struct pollfd){ conn->fd, (short)(POLLIN | out), 0 };
	}
	fds[conns->polled] = (struct pollfd){ conns->fd, POLLIN, 0 };
	return conns->polled + 1;
}

static void
flush(struct conn *conn)
{
	ssize_t sent;

	if (conn->out->len == 0)
		return;
	sent = send(conn->fd, conn->out->data, conn->out->len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent > 0)
		g_byte_array_remove_range(conn->out, 0, (guint)sent);
}

void
dns_conns_send(struct dns_conns *conns, unsigned int serial,
	       const GByteArray *packet)
{
	uint8_t len[] = { (uint8_t)(packet->len >> 8), (uint8_t)packet->len };

	for (guint i = 0; i < conns->list->len; i++) {
		struct conn *conn = g_ptr_array_index(conns->list, i);

		if (conn->serial != serial)
			continue;
		g_byte_array_append(conn->out, len, sizeof(len));
		g_byte_array_append(conn->out, packet->data, packet->len);
		flush(conn);
	}
}

static void
accept_one(struct dns_conns *conns)
{
	int fd = accept4(conns->fd, NULL, NULL, SOCK_CLOEXEC);
	struct conn *conn;

	if (fd < 0)
		return;
	conn = g_new0(struct conn, 1);
	conn->fd = fd;
	conn->serial = ++conns->serials;
	conn->in = g_byte_array_new();
	conn->out = g_byte_array_new();
	g_ptr_array_add(conns->list, conn);
	if (conns->list->len > DNS_CONNS_MAX)
		g_ptr_array_remove_index(conns->list, 0);
}

/* False: it is over. */
static bool
read_one(struct conn *conn, dns_on_packet *on_packet, void *arg)
{
	uint8_t bytes[4096];
	ssize_t got = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	guint len;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	g_byte_array_append(conn->in, bytes, (guint)got);
	while (conn->in->len >= 2) {
		len = (guint)(conn->in->data[0] << 8 | conn->in->data[1]);
		if (conn->in->len < len + 2)
			break;
		on_packet(arg, conn->in->data + 2, len, conn->serial);
		g_byte_array_remove_range(conn->in, 0, len + 2);
	}
	return true;
}

void
dns_conns_serve(struct dns_conns *conns, const struct pollfd *fds,
		dns_on_packet *on_packet, void *arg)
{
	for (guint i = conns->polled; i-- > 0;) {
		struct conn *conn = g_ptr_array_index(conns->list, i);

		flush(conn);
		if (fds[i].revents != 0 && !read_one(conn, on_packet, arg))
			g_ptr_array_remove_index(conns->list, i);
	}
	if (fds[conns->polled].revents != 0)
		accept_one(conns);
}
