/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The process of the LMTP door: a thread for each connection, few of which
 * the MTA makes. Several such processes may hold the listening socket, while
 * an old one finishes what it has begun.
 */
#include "core/inbound/lmtp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/inbound/lmtp_session.h"
#include "core/base/banned.h"

#define CONNECTIONS_MAX 200
#define STACK_BYTES (1024 * 1024)
#define NO_ROOM_US 100000

struct door {
	struct inbound_env env;
	int listen_fd, signal_fd;
	int stop_fd;		/* readable once we stop */
	pthread_attr_t attr;
	pthread_mutex_t lock;	/* of open */
	pthread_cond_t left;
	unsigned int open;
};

struct visitor {
	struct door *door;
	int fd;
};

/* --- connections -------------------------------------------------------- */

static void
leave(struct door *door, int fd)
{
	(void)close(fd);
	(void)pthread_mutex_lock(&door->lock);
	door->open--;
	(void)pthread_cond_signal(&door->left);
	(void)pthread_mutex_unlock(&door->lock);
}

static void *
serve(void *data)
{
	g_autofree struct visitor *visitor = data;
	struct door *door = visitor->door;

	lmtp_session_serve(&door->env, visitor->fd, door->stop_fd);
	leave(door, visitor->fd);
	return NULL;
}

static bool
enter(struct door *door)
{
	bool room;

	(void)pthread_mutex_lock(&door->lock);
	room = door->open < CONNECTIONS_MAX;
	if (room)
		door->open++;
	(void)pthread_mutex_unlock(&door->lock);
	return room;
}

static void
say_busy(int fd, const char *why)
{
	static const char reply[] = "421 4.3.2 Too busy, try later\r\n";

	log_warning(NULL, "lmtp.busy", kv_str("why", why));
	(void)send(fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
admit(struct door *door, int fd)
{
	struct visitor *visitor;
	pthread_t thread;

	if (!enter(door)) {
		say_busy(fd, "too many connections");
		(void)close(fd);
		return;
	}
	visitor = g_new(struct visitor, 1);
	visitor->door = door;
	visitor->fd = fd;
	if (pthread_create(&thread, &door->attr, serve, visitor) == 0)
		return;
	g_free(visitor);
	say_busy(fd, "no thread");
	leave(door, fd);
}

static void
accept_one(struct door *door)
{
	int fd = accept4(door->listen_fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		admit(door, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
		log_error(NULL, "lmtp.no-descriptor",
			  kv_str("what", g_strerror(errno)),
			  kv_str("todo", "raise LimitNOFILE"));
		g_usleep(NO_ROOM_US);
	}
}

/* --- the process -------------------------------------------------------- */

static bool
is_stop_signal(int signal_fd)
{
	struct signalfd_siginfo info;

	return read(signal_fd, &info, sizeof(info)) == sizeof(info) &&
	       info.ssi_signo != SIGUSR1;
}

static void
accept_until_stop(struct door *door)
{
	struct pollfd poll_fds[] = {
		{.fd = door->signal_fd, .events = POLLIN},
		{.fd = door->listen_fd, .events = POLLIN},
	};

	for (;;) {
		if (poll(poll_fds, G_N_ELEMENTS(poll_fds), -1) < 0)
			continue;
		if (poll_fds[0].revents != 0 &&
		    is_stop_signal(door->signal_fd))
			return;
		if (poll_fds[1].revents != 0)
			accept_one(door);
	}
}

/* Those who are in finish; true if they have all left. */
static bool
drain(struct door *door)
{
	int64_t until_ms = wire_now_ms() +
		door->env.settings->drain_s * 1000;
	int rc = 0;
	bool empty;

	(void)pthread_mutex_lock(&door->lock);
	while (door->open > 0 && rc == 0)
		rc = clock_cond_until(&door->left, &door->lock, until_ms);
	empty = door->open == 0;
	(void)pthread_mutex_unlock(&door->lock);
	return empty;
}

static bool
door_init(struct door *door, int listen_fd)
{
	sigset_t signals;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	door->listen_fd = listen_fd;
	door->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	door->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)pthread_attr_init(&door->attr);
	(void)pthread_attr_setdetachstate(&door->attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&door->attr, STACK_BYTES);
	(void)pthread_mutex_init(&door->lock, NULL);
	clock_cond_init(&door->left);
	return door->signal_fd >= 0 && door->stop_fd >= 0 &&
	       fcntl(listen_fd, F_SETFL, O_NONBLOCK) == 0;
}

int
lmtp_run(struct settings *settings, int listen_fd)
{
	struct door door = {0};
	struct err err = ERR_INIT;
	const uint64_t one = 1;

	if (inbound_env_init(&door.env, settings, "lmtp", &err) != ERR_OK) {
		log_err(NULL, "lmtp.not-started", &err);
		return 1;
	}
	if (!door_init(&door, listen_fd)) {
		log_error(NULL, "lmtp.not-started",
			  kv_str("what", g_strerror(errno)));
		return 1;
	}
	log_info(NULL, "lmtp.started", kv_str("listen", settings->lmtp_listen));
	accept_until_stop(&door);
	(void)close(listen_fd);
	if (write(door.stop_fd, &one, sizeof(one)) != sizeof(one))
		return 1;
	/* Threads that have not left still use what is here: exit, with
	 * no return to a caller that would free it. */
	if (!drain(&door)) {
		log_warning(NULL, "lmtp.cut", kv_num("connections", door.open));
		_exit(0);
	}
	log_info(NULL, "lmtp.stopped", kv_str("listen", settings->lmtp_listen));
	inbound_env_done(&door.env);
	return 0;
}
