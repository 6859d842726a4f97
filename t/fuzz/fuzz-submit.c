/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A gate that was taken over, on the socket where it asks musterd. The first
 * byte is the size of the pieces in which its frames come, the second what
 * descriptors ride on the first of them; frames_make() says what the rest
 * is. Afterwards the list is there, and a good question has its answer.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/wire.h"
#include "core/submission.h"
#include "t/lib/frames.h"
#include "t/lib/fuzz_store.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FDS_MOST 6
#define POST_SIZE 17

static void
nothing(void)
{
}

static void *
serve(void *data)
{
	const struct fuzz_store *here = fuzz_store();
	const struct submission_server server = {
		here->store, here->verp, here->held, fuzz_settings, nothing,
	};
	const int *fd = data;

	serve_submission(&server, *fd);
	(void)shutdown(*fd, SHUT_RDWR);
	return NULL;
}

/* A post of POST_SIZE bytes, one of a size that no disk has, or none. */
static int
make_fd(uint8_t kind)
{
	static const char post[] = "From: a@b\r\n\r\nxyz\n";
	int fd;

	if (kind == 2)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	fd = memfd_create("post", MFD_CLOEXEC);
	g_assert_cmpint(write(fd, post, POST_SIZE), ==, POST_SIZE);
	if (kind == 1)
		g_assert_cmpint(ftruncate(fd, INT64_MAX), ==, 0);
	return fd;
}

static void
ask(struct submission_server *server)
{
	json_t *question = json_pack("{s:s,s:s,s:s,s:s}", "op", "rcpt",
				     "sender", "a@far.test", "rcpt",
				     "dev@lists.test", "client", "");
	json_t *answer = NULL;
	struct err err = ERR_INIT;
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	g_assert_cmpint(wire_send(fds[0], question, NULL, 0, 0, &err), ==,
			ERR_OK);
	(void)shutdown(fds[0], SHUT_WR);
	serve_submission(server, fds[1]);
	g_assert_cmpint(wire_recv(fds[0], &answer, NULL, 0, NULL, 0, &err),
			==, ERR_OK);
	g_assert_cmpint(wire_int(answer, "rc", -1), ==, ERR_OK);
	g_assert_cmpstr(wire_str(answer, "kind", ""), ==, "list");
	json_decref(question);
	json_decref(answer);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_store *here = fuzz_store();
	struct submission_server server = {
		here->store, here->verp, here->held, fuzz_settings, nothing,
	};
	g_autoptr(GByteArray) frames = NULL;
	int pair[2], fds[FDS_MOST];
	size_t fd_count;
	GThread *thread;

	if (size < 2)
		return 0;
	frames = frames_make(data + 2, size - 2);
	fd_count = MIN(data[1] & 7, FDS_MOST);
	for (size_t i = 0; i < fd_count; i++)
		fds[i] = make_fd(data[1] >> 6);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	thread = g_thread_new("musterd", serve, &pair[1]);
	frames_send(pair[0], frames, data[0], fds, fd_count);
	(void)close(pair[0]);
	(void)g_thread_join(thread);
	(void)close(pair[1]);
	for (size_t i = 0; i < fd_count; i++)
		(void)close(fds[i]);
	ask(&server);
	return 0;
}
