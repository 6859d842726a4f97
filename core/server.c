/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/base/banned.h"

#define REST_US 100000		/* where nobody can be taken */

struct server {
	const char *name;
	int listen_fd;
	unsigned int connections_max;
	void (*handle)(void *arg, int fd);
	void *arg;
	pthread_t acceptor;
	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t changed;
	GHashTable *open;	/* set of fds */
	bool stopping;
};

struct connection { struct server *server; int fd; };

static void *
serve(void *data)
{
	g_autofree struct connection *connection = data;
	struct server *server = connection->server;

	server->handle(server->arg, connection->fd);
	(void) pthread_mutex_lock(&server->lock);
	g_hash_table_remove(server->open, GINT_TO_POINTER(connection->fd));
	/* Closed under the lock: server_stop() must not meet a new owner
	 * of this number. */
	(void) close(connection->fd);
	(void) pthread_cond_broadcast(&server->changed);
	(void) pthread_mutex_unlock(&server->lock);
	return NULL;
}

static void
begin(struct server *server, int fd)
{
	struct connection *connection = g_new(struct connection, 1);
	pthread_attr_t attr;
	pthread_t thread;

	connection->server = server;
	connection->fd = fd;
	g_hash_table_add(server->open, GINT_TO_POINTER(fd));
	(void) pthread_attr_init(&attr);
	(void) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, serve, connection) != 0) {
		log_error(NULL, "server.no-thread", kv_str("socket",
			  server->name), kv_str("todo", "raise the limits on "
			  "processes and memory"));
		g_hash_table_remove(server->open, GINT_TO_POINTER(fd));
		g_free(connection);
		(void) close(fd);
	}
	(void) pthread_attr_destroy(&attr);
}

/* True: one more may come. Waits while there are too many. */
static bool
await_room(struct server *server)
{
	bool going;

	(void) pthread_mutex_lock(&server->lock);
	while (!server->stopping && g_hash_table_size(server->open) >=
	       server->connections_max)
		(void) pthread_cond_wait(&server->changed, &server->lock);
	going = !server->stopping;
	(void) pthread_mutex_unlock(&server->lock);
	return going;
}

/* Not by the peer: it would come at once again. */
static bool
may_last(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
		error == ENOBUFS;
}

static void *
accept_loop(void *data)
{
	struct server *server = data;
	int fd, error;

	while (await_room(server)) {
		fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		error = errno;
		(void) pthread_mutex_lock(&server->lock);
		if (fd >= 0 && !server->stopping)
			begin(server, fd);
		else if (fd >= 0)
			(void) close(fd);
		(void) pthread_mutex_unlock(&server->lock);
		if (fd < 0 && may_last(error)) {
			log_error(NULL, "server.no-descriptor",
				  kv_str("socket", server->name),
				  kv_str("what", g_strerror(error)),
				  kv_str("todo", "raise LimitNOFILE"));
			g_usleep(REST_US);
		}
	}
	return NULL;
}

struct server *
server_start(const char *name, int listen_fd, unsigned int connections_max,
	     void (*handle)(void *arg, int fd), void *arg)
{
	struct server *server = g_new0(struct server, 1);

	server->name = name;
	server->listen_fd = listen_fd;
	server->connections_max = connections_max;
	server->handle = handle;
	server->arg = arg;
	server->open = g_hash_table_new(NULL, NULL);
	(void) pthread_mutex_init(&server->lock, NULL);
	(void) pthread_cond_init(&server->changed, NULL);
	if (pthread_create(&server->acceptor, NULL, accept_loop, server) != 0)
		g_error("cannot start a thread");
	return server;
}

void
server_stop(struct server *server)
{
	GHashTableIter iter;
	gpointer fd;

	if (server == NULL)
		return;
	(void) pthread_mutex_lock(&server->lock);
	server->stopping = true;
	(void) shutdown(server->listen_fd, SHUT_RDWR);
	(void) pthread_cond_broadcast(&server->changed);
	g_hash_table_iter_init(&iter, server->open);
	while (g_hash_table_iter_next(&iter, &fd, NULL))
		(void) shutdown(GPOINTER_TO_INT(fd), SHUT_RD);
	while (g_hash_table_size(server->open) > 0)
		(void) pthread_cond_wait(&server->changed, &server->lock);
	(void) pthread_mutex_unlock(&server->lock);
	(void) pthread_join(server->acceptor, NULL);
	(void) close(server->listen_fd);
	g_hash_table_destroy(server->open);
	(void) pthread_cond_destroy(&server->changed);
	(void) pthread_mutex_destroy(&server->lock);
	g_free(server);
}
