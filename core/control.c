/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/control.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

#define ARGS_MAX 20000
#define ASK_MS 10000		/* to connect and to hand the words over */

/* --- musterd's side ----------------------------------------------------- */

static bool
peer_may(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static char **
read_argv(const json_t *request, int *argc)
{
	const json_t *words = json_object_get(request, "argv");
	size_t count = json_array_size(words);
	char **argv;

	if (count == 0 || count > ARGS_MAX)
		return NULL;
	argv = g_new0(char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(words,
								    i));

		argv[i] = g_strdup(word != NULL ? word : "");
	}
	*argc = (int)count;
	return argv;
}

/* What could not be written was not said, and the caller must know. */
static int
close_output(FILE *out, int status)
{
	bool bad = out == NULL || fflush(out) != 0 || ferror(out);

	if (out != NULL)
		bad |= fclose(out) != 0;
	return bad && status == ADMIN_DONE ? ADMIN_REFUSED : status;
}

static int
run_words(const struct control_server *server, int argc, char **argv,
	  const int fds[WIRE_FDS], size_t fd_count)
{
	struct admin admin = {
		.store = server->store, .settings = server->settings(),
		.in = fdopen(fds[0], "r"), .out = fdopen(fds[1], "w"),
		.errors = fdopen(fds[2], "w"),
		.file = fd_count > 3 ? fds[3] : -1,
		.running = true, .wake = server->wake,
	};
	int status = ADMIN_LATER;

	if (admin.in != NULL && admin.out != NULL && admin.errors != NULL)
		status = admin_run(&admin, argc, argv);
	if (admin.in != NULL)
		(void) fclose(admin.in);
	status = close_output(admin.out, status);
	(void) close_output(admin.errors, status);
	if (admin.file >= 0)
		(void) close(admin.file);
	settings_unref(admin.settings);
	return status;
}

static void
answer(int fd, int status)
{
	json_t *reply = json_pack("{s:i}", "status", status);

	(void) wire_send(fd, reply, NULL, 0, wire_now_ms() + ASK_MS, NULL);
	json_decref(reply);
}

void
serve_control(const struct control_server *server, int fd)
{
	json_t *request = NULL;
	struct err err = ERR_INIT;
	int fds[WIRE_FDS], argc = 0;
	size_t count = 0;
	char **argv;

	if (!peer_may(fd)) {
		answer(fd, ADMIN_REFUSED);
		return;
	}
	if (wire_recv(fd, &request, fds, WIRE_FDS, &count,
		      wire_now_ms() + ASK_MS, &err) != ERR_OK)
		return;
	argv = read_argv(request, &argc);
	json_decref(request);
	if (argv == NULL || count < 3) {
		for (size_t i = 0; i < count; i++)
			(void) close(fds[i]);
		answer(fd, ADMIN_USAGE);
	} else {
		answer(fd, run_words(server, argc, argv, fds, count));
	}
	g_strfreev(argv);
}

/* --- muster's side ------------------------------------------------------ */

static json_t *
pack_argv(int argc, char **argv)
{
	json_t *words = json_array();

	for (int i = 0; i < argc; i++) {
		g_autofree char *word = g_utf8_make_valid(argv[i], -1);

		(void) json_array_append_new(words, json_string(word));
	}
	return json_pack("{s:o}", "argv", words);
}

enum err_code
control_ask(const struct settings *settings, int argc, char **argv, int file,
	    int *status_out, struct err *err)
{
	g_autofree char *path = settings_control_path(settings);
	const int fds[WIRE_FDS] = { 0, 1, 2, file };
	json_t *request = NULL, *reply = NULL;
	enum err_code rc;
	int fd;

	rc = wire_connect(path, wire_now_ms() + ASK_MS, &fd, err);
	if (rc != ERR_OK)
		return rc;
	request = pack_argv(argc, argv);
	rc = wire_send(fd, request, fds, file >= 0 ? 4 : 3,
		       wire_now_ms() + ASK_MS, err);
	if (rc == ERR_OK)
		rc = wire_recv(fd, &reply, NULL, 0, NULL, 0, err);
	if (rc == ERR_OK)
		*status_out = (int)wire_int(reply, "status", ADMIN_LATER);
	/* Once the words were handed over, doing them again is wrong. */
	if (rc == ERR_DOWN && reply == NULL)
		rc = err_set(err, ERR_BUSY, "see what was done, then try "
			     "again", "musterd ended before it answered");
	json_decref(request);
	json_decref(reply);
	(void) close(fd);
	return rc;
}
