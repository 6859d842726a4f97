/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/wire.h"
#include "core/control.h"
#include "db/list.h"
#include "t/unit/store-case.h"

/* serve_control() in a thread, and what the caller holds. */
struct line {
	struct store_case store;
	struct control_server server;
	pthread_t thread;
	int ours, theirs;	/* the connection */
	int in, out, errors;	/* our ends of the pipes */
	int fds[3];		/* theirs */
};

static struct settings *settings;	/* of the case that runs */

static struct settings *
current_settings(void)
{
	return settings_ref(settings);
}

static void *
serve(void *arg)
{
	struct line *line = arg;

	serve_control(&line->server, line->theirs);
	(void) close(line->theirs);
	return NULL;
}

static void
make_pipe(int *read_end, int *write_end)
{
	int fds[2];

	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	*read_end = fds[0];
	*write_end = fds[1];
}

static void
line_begin(struct line *line)
{
	g_autofree char *path = NULL, *text = NULL;
	int pair[2];

	*line = (struct line){ 0 };
	case_begin(&line->store);
	path = g_build_filename(line->store.home, "conf", NULL);
	text = g_strdup_printf("[muster]\nhome = %s\n"
			       "domains = lists.example.org\n",
			       line->store.home);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	case_ok(settings_load(path, &settings, &line->store.err),
		&line->store);
	line->server = (struct control_server){
		.store = line->store.store, .settings = current_settings,
	};
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   pair), ==, 0);
	line->ours = pair[0];
	line->theirs = pair[1];
	make_pipe(&line->fds[0], &line->in);
	make_pipe(&line->out, &line->fds[1]);
	make_pipe(&line->errors, &line->fds[2]);
	g_assert_cmpint(pthread_create(&line->thread, NULL, serve, line), ==,
			0);
}

static void
line_end(struct line *line)
{
	(void) pthread_join(line->thread, NULL);
	for (int i = 0; i < 3; i++)
		if (line->fds[i] >= 0)
			(void) close(line->fds[i]);
	(void) close(line->in);
	(void) close(line->out);
	(void) close(line->errors);
	settings_unref(settings);
	case_end(&line->store);
}

static void
send_fds(struct line *line, json_t *request, size_t fd_count)
{
	struct err err = ERR_INIT;

	g_assert_cmpint(wire_send(line->ours, request, line->fds, fd_count,
				  0, &err), ==, ERR_OK);
	json_decref(request);
	for (int i = 0; i < 3; i++) {
		(void) close(line->fds[i]);
		line->fds[i] = -1;
	}
}

/* words separated by blanks */
static void
ask(struct line *line, const char *words)
{
	g_auto(GStrv) argv = g_strsplit(words, " ", -1);
	json_t *array = json_array();

	for (char **word = argv; *word != NULL; word++)
		(void) json_array_append_new(array, json_string(*word));
	send_fds(line, json_pack("{s:o, s:s}", "argv", array, "cwd", "/"),
		 3);
}

static int64_t
answer(struct line *line, bool *error)
{
	struct err err = ERR_INIT;
	json_t *reply = NULL;
	int64_t status;

	g_assert_cmpint(wire_recv(line->ours, &reply, NULL, 0, NULL,
				  wire_now_ms() + 30000, &err), ==, ERR_OK);
	status = wire_int(reply, "status", -1);
	*error = json_object_get(reply, "error") != NULL;
	json_decref(reply);
	(void) close(line->ours);
	return status;
}

static void
want_text(int fd, const char *part)
{
	char buf[8192];
	ssize_t len = read(fd, buf, sizeof(buf) - 1);

	g_assert_cmpint(len, >, 0);
	buf[len] = '\0';
	if (strstr(buf, part) == NULL)
		g_error("\"%s\" is not in \"%s\"", part, buf);
}

static void
test_answers(void)
{
	struct line line;
	bool error;

	line_begin(&line);
	ask(&line, "list create dev@lists.example.org");
	g_assert_cmpint(answer(&line, &error), ==, ADMIN_DONE);
	g_assert_false(error);
	want_text(line.out, "dev@lists.example.org: created\n");
	line_end(&line);
	line_begin(&line);
	ask(&line, "list show nobody@lists.example.org");
	g_assert_cmpint(answer(&line, &error), ==, ADMIN_REFUSED);
	want_text(line.errors, "there is no list");
	line_end(&line);
}

static void
test_hostile(void)
{
	static const char *const requests[] = {
		"{}", "{\"argv\":3}", "{\"argv\":[3],\"cwd\":\"/\"}",
		"{\"argv\":[\"status\"],\"cwd\":\"x\"}",
	};
	struct line line;
	bool error;

	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
		line_begin(&line);
		send_fds(&line, json_loads(requests[i], 0, NULL), 3);
		g_assert_cmpint(answer(&line, &error), ==, ADMIN_USAGE);
		g_assert_true(error);
		line_end(&line);
	}
	line_begin(&line);
	send_fds(&line, json_pack("{s:[s], s:s}", "argv", "status", "cwd",
				  "/"), 2);
	g_assert_cmpint(answer(&line, &error), ==, ADMIN_USAGE);
	line_end(&line);
}

/* The pipe stays open: only the connection says that he is gone. */
static void
test_dead_reader(void)
{
	struct line line;

	line_begin(&line);
	ask(&line, "load");
	g_assert_cmpint(write(line.in, "{\"format\"", 9), ==, 9);
	(void) close(line.ours);
	line_end(&line);	/* the server does not wait for the rest */
}

static void
test_dead_writer(void)
{
	struct line line;

	line_begin(&line);
	(void) close(line.out);
	ask(&line, "settings");
	line.out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void) close(line.ours);
	line_end(&line);
}

static enum err_code
add_many(struct txn *txn, void *arg, struct err *err)
{
	const char *domain = arg;
	enum err_code rc = ERR_OK;
	bool created;

	for (int i = 0; i < 4000 && rc == ERR_OK; i++) {
		g_autofree char *addr = g_strdup_printf("list%d@%s", i,
							domain);

		rc = list_create(txn, addr, 1, &created, err);
	}
	return rc;
}

/* More than the pipe takes, and nobody reads; then musterd stops, which
 * shuts the reading side of the connection (server_stop). */
static void
test_stop(void)
{
	char domain[] = "lists.example.org";
	struct pollfd full;
	struct line line;
	bool error;

	line_begin(&line);
	case_txn(&line.store, add_many, domain);
	ask(&line, "list ls");
	full = (struct pollfd){ .fd = line.out, .events = POLLIN };
	g_assert_cmpint(poll(&full, 1, 30000), ==, 1);
	g_assert_cmpint(shutdown(line.theirs, SHUT_RD), ==, 0);
	g_assert_cmpint(answer(&line, &error), ==, ADMIN_LATER);
	want_text(line.errors, "musterd stops");
	line_end(&line);
}

static void
test_down(void)
{
	g_autofree char *dir = g_dir_make_tmp("muster-control-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "conf", NULL);
	g_autofree char *text = g_strdup_printf(
		"[muster]\ndomains = x.org\nrun = %s\n", dir);
	static char status_word[] = "status";
	char *const argv[] = { status_word, NULL };
	struct settings *down = NULL;
	struct err err = ERR_INIT;
	int status = -1;

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_cmpint(settings_load(path, &down, &err), ==, ERR_OK);
	g_assert_cmpint(control_ask(down, 1, argv, 0, &status, &err), ==,
			ERR_DOWN);
	g_assert_cmpint(status, ==, -1);
	settings_unref(down);
	case_remove(dir);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a command is run, and its status comes back",
		  test_answers },
		{ "what is no command is refused", test_hostile },
		{ "a caller who dies while we read holds up nobody",
		  test_dead_reader },
		{ "a caller who dies while we write holds up nobody",
		  test_dead_writer },
		{ "musterd stops though nobody reads what is printed",
		  test_stop },
		{ "no socket means that musterd is down", test_down },
		{ NULL, NULL },
	};

	(void) signal(SIGPIPE, SIG_IGN);
	return tap_run("control", cases);
}
