/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/control.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/command/stream.h"
#include "core/base/banned.h"

#define STREAMS CONTROL_STREAMS
#define ASK_MS 10000		/* for a frame to come or to go */

/* --- musterd's side ----------------------------------------------------- */

static const char *
check_peer(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return "musterd cannot tell who asks";
	if (peer.uid != 0 && peer.uid != geteuid())
		return "only root and the user that musterd runs as may do "
			"this";
	return NULL;
}

/* The caller's words, borrowed from request; NULL: they are no words. */
static GPtrArray *
read_argv(const json_t *request)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	const json_t *words = json_object_get(request, "argv"), *word;
	size_t i;

	if (!json_is_array(words))
		return NULL;
	json_array_foreach(words, i, word) {
		if (!json_is_string(word))
			return NULL;
		g_ptr_array_add(argv, (char *)(uintptr_t)
				json_string_value(word));
	}
	g_ptr_array_add(argv, NULL);
	return g_steal_pointer(&argv);
}

/* Takes the descriptors over. */
static enum admin_status
run(const struct control_server *server, int fd, const GPtrArray *argv,
    const char *cwd, const int fds[STREAMS])
{
	struct settings *settings = server->settings();
	struct stream streams[STREAMS] = {
		{ fds[0], fd, 0 }, { fds[1], fd, 0 }, { fds[2], fd, 0 }
	};
	FILE *in = stream_open(&streams[0], "r");
	FILE *out = stream_open(&streams[1], "w");
	FILE *errors = stream_open(&streams[2], "w");
	const struct admin admin = {
		.store = server->store, .settings = settings,
		.in = in, .out = out, .errors = errors,
		.out_problem = &streams[1].problem, .in_fd = fds[0],
		.errors_tty = isatty(fds[2]) == 1,
		.cwd = cwd, .running = true, .wake = server->wake,
		.outbound = server->outbound, .peer = fd,
	};
	enum admin_status status;

	(void) setvbuf(errors, NULL, _IOLBF, 0);
	status = admin_run(&admin, (int)argv->len - 1,
			   (char *const *)argv->pdata);
	(void) fclose(in);	/* it was only read */
	(void) fclose(out);	/* admin_run() has flushed it and looked */
	(void) fclose(errors);
	settings_unref(settings);
	return status;
}

static void
answer(int fd, enum admin_status status, const char *error)
{
	json_t *reply = json_pack("{s:i}", "status", (int)status);
	struct err err = ERR_INIT;

	if (error != NULL)
		(void) json_object_set_new(reply, "error",
					   json_string(error));
	if (wire_send(fd, reply, NULL, 0, wire_now_ms() + ASK_MS, &err) !=
	    ERR_OK)
		log_info(NULL, "control.caller-gone",
			 kv_str("what", err.what));
	json_decref(reply);
}

static void
close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void) close(fds[i]);
}

static void
serve_request(const struct control_server *server, int fd,
	      const json_t *request, const int *fds, size_t fd_count)
{
	g_autoptr(GPtrArray) argv = read_argv(request);
	const char *cwd = wire_str(request, "cwd", "");

	if (argv == NULL || cwd[0] != '/' || fd_count != STREAMS) {
		close_all(fds, fd_count);
		answer(fd, ADMIN_USAGE, "musterd does not understand this "
		       "muster; are they of one version?");
		return;
	}
	answer(fd, run(server, fd, argv, cwd, fds), NULL);
}

void
serve_control(const struct control_server *server, int fd)
{
	const char *denied = check_peer(fd);
	struct err err = ERR_INIT;
	json_t *request = NULL;
	int fds[STREAMS];
	size_t fd_count = 0;

	if (denied != NULL) {
		answer(fd, ADMIN_REFUSED, denied);
		return;
	}
	if (wire_recv(fd, &request, fds, STREAMS, &fd_count,
		      wire_now_ms() + ASK_MS, &err) != ERR_OK) {
		if (err.code == ERR_INVALID)
			log_err(NULL, "control.bad-request", &err);
		return;
	}
	serve_request(server, fd, request, fds, fd_count);
	json_decref(request);
}

/* --- muster's side ------------------------------------------------------ */

static json_t *
make_request(int argc, char *const *argv)
{
	g_autofree char *cwd = g_get_current_dir();
	json_t *words = json_array();

	for (int i = 0; i < argc; i++)
		(void) json_array_append_new(words, json_string(argv[i]));
	return json_pack("{s:o, s:o}", "argv", words, "cwd",
			 g_utf8_validate(cwd, -1, NULL) ? json_string(cwd) :
			 json_string("/"));
}

static enum err_code
send_request(int fd, int argc, char *const *argv, const int *streams,
	     struct err *err)
{
	json_t *request = make_request(argc, argv);
	enum err_code rc = wire_send(fd, request, streams, STREAMS,
				     wire_now_ms() + ASK_MS, err);

	json_decref(request);
	if (rc == ERR_INVALID)
		return err_set(err, ERR_INVALID, "give long lists of "
			       "addresses in a file",
			       "the command line is too long");
	return rc;
}

static enum err_code
read_status(int fd, int *status_out, struct err *err)
{
	const char *error;
	json_t *reply = NULL;
	int64_t status;

	if (wire_recv(fd, &reply, NULL, 0, NULL, 0, err) != ERR_OK)
		return err_set(err, ERR_BUSY, "look what was done, and try "
			       "again",
			       "musterd ended while it was at this");
	status = wire_int(reply, "status", ADMIN_REFUSED);
	error = wire_str(reply, "error", NULL);
	if (error != NULL)
		(void) err_set(err, ERR_INVALID, "", "%s", error);
	json_decref(reply);
	if (error != NULL)
		return ERR_INVALID;
	*status_out = (int)status;
	return ERR_OK;
}

/* A socket that we may not use is no sign of a musterd that is down. */
static enum err_code
no_connection(const char *path, enum err_code rc, struct err *err)
{
	if (rc == ERR_DOWN && access(path, R_OK | W_OK) != 0 &&
	    errno == EACCES)
		return err_set(err, ERR_INVALID, "run it as root, or as the "
			       "user that musterd runs as",
			       "you may not use %s", path);
	return rc;
}

enum err_code
control_begin(const struct settings *settings, int argc, char *const *argv,
	      const int streams[STREAMS], int *fd_out, struct err *err)
{
	g_autofree char *path = settings_control_path(settings);
	enum err_code rc;
	int fd;

	rc = wire_connect(path, wire_now_ms() + ASK_MS, &fd, err);
	if (rc != ERR_OK)
		return no_connection(path, rc, err);
	rc = send_request(fd, argc, argv, streams, err);
	/* A server that refuses us may have answered and closed already. */
	if (rc == ERR_OK || rc == ERR_DOWN) {
		*fd_out = fd;
		return ERR_OK;
	}
	(void) close(fd);
	return rc;
}

enum err_code
control_end(int fd, int *status_out, struct err *err)
{
	enum err_code rc = read_status(fd, status_out, err);

	(void) close(fd);
	return rc;
}

enum err_code
control_ask(const struct settings *settings, int argc, char *const *argv,
	    int in, int *status_out, struct err *err)
{
	const int streams[STREAMS] = { in, STDOUT_FILENO, STDERR_FILENO };
	enum err_code rc;
	int fd;

	rc = control_begin(settings, argc, argv, streams, &fd, err);
	return rc == ERR_OK ? control_end(fd, status_out, err) : rc;
}
