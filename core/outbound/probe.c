/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/outbound.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/wire.h"
#include "core/outbound/reply.h"
#include "core/base/banned.h"

/* One EHLO to the relay, waiting for each answer: for `muster check`. */

#define PROBE_MS 10000

static enum err_code
await_reply(int fd, struct reply_reader *reader, int64_t deadline,
	    struct reply *out, struct err *err)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char bytes[4096];
	ssize_t count;

	while (!reply_next(reader, out)) {
		int64_t left = deadline - wire_now_ms();

		if (reader->broken)
			return err_set(err, ERR_INVALID, "is that an SMTP "
				       "server?", "the relay's answer is no "
				       "SMTP");
		if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
			return err_set(err, ERR_BUSY, "look at the relay",
				       "the relay does not answer");
		count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (count <= 0)
			return err_set(err, ERR_DOWN, "look at the relay",
				       "the relay ended the connection");
		reply_feed(reader, bytes, (size_t)count);
	}
	return ERR_OK;
}

static enum err_code
converse(int fd, const struct settings *settings, char **greeting,
	 char **extensions, struct err *err)
{
	const int64_t deadline = wire_now_ms() + PROBE_MS;
	g_autofree char *hello = g_strdup_printf("EHLO %s\r\n",
						 settings->hostname);
	g_autofree char *first = NULL;
	struct reply_reader reader;
	struct reply reply;
	enum err_code rc;

	reply_reader_init(&reader);
	rc = await_reply(fd, &reader, deadline, &reply, err);
	if (rc == ERR_OK)
		first = g_strdup_printf("%d %s", reply.code, reply.text);
	if (rc == ERR_OK && send(fd, hello, strlen(hello), MSG_NOSIGNAL) < 0)
		rc = err_errno(err, "", "cannot write to the relay");
	if (rc == ERR_OK)
		rc = await_reply(fd, &reader, deadline, &reply, err);
	if (rc == ERR_OK) {
		*greeting = g_steal_pointer(&first);
		*extensions = g_strdelimit(g_strdup(reply.text), "\n", ' ');
		(void) send(fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	}
	reply_reader_done(&reader);
	return rc;
}

enum err_code
outbound_probe(const struct settings *settings,
	       const struct relay_addr *relay, char **greeting,
	       char **extensions, struct err *err)
{
	g_autofree char *address = g_strdup_printf(
		"inet:%d@%s", (int)relay->port, relay->host);
	enum err_code rc;
	int fd;

	rc = wire_connect(address, wire_now_ms() + PROBE_MS, &fd, err);
	if (rc == ERR_OK) {
		rc = converse(fd, settings, greeting, extensions, err);
		(void) close(fd);
	}
	if (rc != ERR_OK)
		(void) err_context(err, "relay %s:%d", relay->host,
				   (int)relay->port);
	return rc;
}
