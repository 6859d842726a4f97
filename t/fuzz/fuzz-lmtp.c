/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a peer may say to the LMTP door. The first byte is the size of the
 * pieces in which it comes; dev@lists.test is there.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/inbound/lmtp_session.h"
#include "core/mail/mime.h"
#include "t/lib/answerer.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Set by the first input; the process lives for all of them. */
static struct {
	struct inbound_env env;
	int stop_fd;
	char *dir;
} world;

static void
clean_up(void)
{
	g_autofree char *path = g_build_filename(world.dir, "muster.conf",
						 NULL);
	g_autofree char *submit = g_build_filename(world.dir, "submit.sock",
						   NULL);

	(void)g_unlink(path);
	(void)g_unlink(submit);
	(void)g_rmdir(world.dir);
	g_free(world.dir);
}

static void
make_world(void)
{
	char *dir = g_dir_make_tmp("muster-fuzz-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "muster.conf", NULL);
	g_autofree char *submit = NULL;
	g_autofree char *text = g_strdup_printf(
		"[muster]\nrun = %s\ndomains = lists.test\n"
		"[dns]\nservers = 127.0.0.1@9\ntimeout = 1\n", dir);
	struct settings *settings;
	struct err err = ERR_INIT;

	mime_init();
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	if (settings_load(path, &settings, &err) != ERR_OK)
		g_error("%s", err.what);
	submit = settings_submit_path(settings);
	(void)answerer_start(submit);
	if (inbound_env_init(&world.env, settings, "lmtp", &err) != ERR_OK)
		g_error("%s", err.what);
	world.stop_fd = eventfd(0, EFD_CLOEXEC);
	world.dir = dir;
	(void)atexit(clean_up);
}

struct peer {
	int fd;
	const uint8_t *bytes;
	size_t len, piece;
};

/* Replies are read and thrown away, or the door would wait for room. */
static void *
swallow(void *data)
{
	struct peer *peer = data;
	char reply[4096];

	while (recv(peer->fd, reply, sizeof(reply), 0) > 0)
		;
	return NULL;
}

static void *
talk(void *data)
{
	struct peer *peer = data;
	GThread *reader = g_thread_new("swallow", swallow, peer);
	size_t at = 0, now;
	ssize_t sent = 0;

	while (at < peer->len && sent >= 0) {
		now = MIN(peer->piece, peer->len - at);
		sent = send(peer->fd, peer->bytes + at, now, MSG_NOSIGNAL);
		at += now;
	}
	(void)shutdown(peer->fd, SHUT_WR);
	(void)g_thread_join(reader);
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct peer peer = {.bytes = bytes + 1, .len = len - 1};
	GThread *thread;
	int fds[2];

	if (len == 0)
		return 0;
	if (world.env.settings == NULL)
		make_world();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 ||
	    fcntl(fds[1], F_SETFL, O_NONBLOCK) != 0)
		g_error("no socket pair");
	peer.fd = fds[0];
	peer.piece = bytes[0] == 0 ? len : bytes[0];
	thread = g_thread_new("peer", talk, &peer);
	lmtp_session_serve(&world.env, fds[1], world.stop_fd);
	(void)close(fds[1]);
	(void)g_thread_join(thread);
	(void)close(fds[0]);
	return 0;
}
