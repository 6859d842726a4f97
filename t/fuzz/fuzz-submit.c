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

#define POST_SIZE 17

static void
nothing(void)
{
}

static void
serve(int fd)
{
	const struct fuzz_store *here = fuzz_store();
	const struct submission_server server = {
		here->store, here->verp, here->held, fuzz_settings, nothing,
	};

	serve_submission(&server, fd);
}

/* A post of POST_SIZE bytes, one of a size that no disk has, or none. */
static int
make_fd(uint8_t how)
{
	static const char post[] = "From: a@b\r\n\r\nxyz\n";
	const int kind = how >> 6;
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

	if (size < 2)
		return 0;
	frames = frames_make(data + 2, size - 2);
	frames_serve(frames, data, make_fd, serve);
	ask(&server);
	return 0;
}
