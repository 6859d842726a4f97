/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/dns_bind.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/banned.h"

#define ROOM (4 * 1024 * 1024)
#define TRIES 100

static int
bind_one(int type, int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	g_assert_cmpint(fd, >=, 0);
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof(on));
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int
port_of(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&addr, &len), ==,
			0);
	return ntohs(addr.sin_port);
}

/* False: one of them is taken. */
static bool
bind_both(int *port, int *udp, int *tcp)
{
	int wanted = *port;

	*udp = bind_one(SOCK_DGRAM, wanted);
	if (*udp < 0)
		return false;
	*port = port_of(*udp);
	*tcp = bind_one(SOCK_STREAM, *port);
	if (*tcp >= 0)
		return true;
	(void)close(*udp);
	*port = wanted;
	return false;
}

int
dns_bind(int port, int *udp, int *tcp)
{
	int tries = port == 0 ? TRIES : 1, room = ROOM;

	while (!bind_both(&port, udp, tcp))
		if (--tries == 0)
			return -1;
	(void)setsockopt(*udp, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	g_assert_cmpint(listen(*tcp, 500), ==, 0);
	return port;
}
