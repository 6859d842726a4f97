/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_SERVER_H
#define MUSTER_SERVER_H

/*
 * A listening socket with a thread per connection: the submission and the
 * control socket of musterd.
 */
struct server;

/* server_start - handle(arg, fd) runs in a thread of its own for each
 * connection; it does not close fd. Above connections_max the next ones
 * wait in the backlog. Takes over listen_fd. name: static, for the log. */
struct server *server_start(const char *name, int listen_fd,
			    unsigned int connections_max,
			    void (*handle)(void *arg, int fd), void *arg);

/* server_stop - no new connections; the peers' next requests meet a closed
 * connection, those that are being worked on are finished; frees. */
void server_stop(struct server *server);

#endif
