/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/base/wire.h"
#include "t/lib/tap.h"

static void
pair(int fds[2])
{
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   fds), ==, 0);
}

static void
test_round_trip(void)
{
	json_t *object = json_pack("{s:s, s:i, s:b}", "text", "über", "n", 7,
				   "yes", 1);
	json_t *got = NULL;
	struct err err = ERR_INIT;
	int fds[2];

	pair(fds);
	g_assert_cmpint(wire_send(fds[0], object, NULL, 0, 0, &err), ==,
			ERR_OK);
	g_assert_cmpint(wire_recv(fds[1], &got, NULL, 0, NULL, 0, &err), ==,
			ERR_OK);
	g_assert_cmpstr(wire_str(got, "text", ""), ==, "über");
	g_assert_cmpint(wire_int(got, "n", 0), ==, 7);
	g_assert_cmpint(wire_int(got, "text", -1), ==, -1);
	g_assert_true(wire_bool(got, "yes", 0));
	g_assert_cmpstr(wire_str(got, "absent", "other"), ==, "other");
	json_decref(object);
	json_decref(got);
	(void) close(fds[0]);
	(void) close(fds[1]);
}

static void
test_descriptors(void)
{
	json_t *object = json_pack("{}"), *got = NULL;
	struct err err = ERR_INIT;
	int fds[2], pipes[2], received[1];
	size_t count = 0;
	char byte = 0;

	pair(fds);
	g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
	g_assert_cmpint(wire_send(fds[0], object, &pipes[1], 1, 0, &err), ==,
			ERR_OK);
	g_assert_cmpint(wire_recv(fds[1], &got, received, 1, &count, 0,
				  &err), ==, ERR_OK);
	g_assert_cmpuint(count, ==, 1);
	g_assert_true(fcntl(received[0], F_GETFD) & FD_CLOEXEC);
	g_assert_cmpint(write(received[0], "x", 1), ==, 1);
	g_assert_cmpint(read(pipes[0], &byte, 1), ==, 1);
	json_decref(got);
	/* One that nobody expects is refused, and does not leak. */
	g_assert_cmpint(wire_send(fds[0], object, &pipes[1], 1, 0, &err), ==,
			ERR_OK);
	g_assert_cmpint(wire_recv(fds[1], &got, NULL, 0, NULL, 0, &err), ==,
			ERR_INVALID);
	json_decref(object);
	(void) close(received[0]);
	(void) close(pipes[0]);
	(void) close(pipes[1]);
	(void) close(fds[0]);
	(void) close(fds[1]);
}

static void
send_raw(const char *bytes, size_t len, enum err_code wanted)
{
	json_t *got = NULL;
	struct err err = ERR_INIT;
	int fds[2];

	pair(fds);
	g_assert_cmpint(write(fds[0], bytes, len), ==, (ssize_t)len);
	(void) close(fds[0]);
	g_assert_cmpint(wire_recv(fds[1], &got, NULL, 0, NULL, 0, &err), ==,
			wanted);
	g_assert_null(got);
	(void) close(fds[1]);
}

static void
test_hostile(void)
{
	send_raw("\377\377\377\377", 4, ERR_INVALID);
	send_raw("\0\0\0\0", 4, ERR_INVALID);
	send_raw("\0\0\0\2[]", 6, ERR_INVALID);
	send_raw("\0\0\0\2{]", 6, ERR_INVALID);
	send_raw("\0\0\0\4{}", 6, ERR_DOWN);
	send_raw("\0\0", 2, ERR_DOWN);
	send_raw("", 0, ERR_DOWN);
}

static void
test_deadline(void)
{
	json_t *got = NULL;
	struct err err = ERR_INIT;
	int fds[2];

	pair(fds);
	g_assert_cmpint(wire_recv(fds[1], &got, NULL, 0, NULL,
				  wire_now_ms() + 20, &err), ==, ERR_BUSY);
	(void) close(fds[0]);
	(void) close(fds[1]);
}

static void
test_listen(void)
{
	g_autofree char *dir = g_dir_make_tmp("muster-wire-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "sock", NULL);
	g_autofree char *url = g_strconcat("unix:", path, NULL);
	struct err err = ERR_INIT;
	int first = -1, second = -1, client = -1;

	g_assert_cmpint(wire_connect(path, 0, &client, &err), ==, ERR_DOWN);
	g_assert_cmpint(wire_listen(url, 0600, &first, &err), ==, ERR_OK);
	g_assert_cmpint(wire_connect(path, 0, &client, &err), ==, ERR_OK);
	g_assert_cmpint(wire_listen(path, 0600, &second, &err), ==,
			ERR_BUSY);
	(void) close(client);
	(void) close(first);
	g_assert_cmpint(wire_listen(path, 0600, &second, &err), ==, ERR_OK);
	(void) close(second);
	(void) g_unlink(path);
	g_assert_true(g_file_set_contents(path, "x", 1, NULL));
	g_assert_cmpint(wire_listen(path, 0600, &second, &err), ==,
			ERR_INVALID);
	(void) g_unlink(path);
	(void) g_rmdir(dir);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "an object comes as it was sent", test_round_trip },
		{ "descriptors ride along, only where expected",
		  test_descriptors },
		{ "hostile frames are refused", test_hostile },
		{ "a deadline ends the wait", test_deadline },
		{ "a stale socket is replaced, a live one is not",
		  test_listen },
		{ NULL, NULL },
	};

	return tap_run("wire", cases);
}
