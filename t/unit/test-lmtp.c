/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/base/wire.h"
#include "core/inbound/dot.h"
#include "core/inbound/lmtp.h"
#include "core/inbound/lmtp_path.h"
#include "core/inbound/lmtp_session.h"
#include "core/mail/mime.h"
#include "t/lib/answerer.h"
#include "t/lib/tap.h"
#include "core/base/banned.h"

#define DEADLINE_MS 60000

/* --- dots --------------------------------------------------------------- */

static void
collect(void *arg, const char *bytes, size_t len)
{
	g_string_append_len(arg, bytes, (gssize)len);
}

/* Fed in pieces of this size; -1 as *used: no end was seen. */
static char *
undot(const char *text, size_t piece, gssize *used)
{
	GString *out = g_string_new(NULL);
	struct dot dot = {.emit = collect, .arg = out};
	size_t len = strlen(text), at = 0, now;

	while (at < len && dot.state != DOT_END) {
		now = MIN(piece, len - at);
		at += dot_feed(&dot, text + at, now);
	}
	*used = dot.state == DOT_END ? (gssize)at : -1;
	return g_string_free(out, FALSE);
}

static void
test_dots(void)
{
	static const struct {
		const char *in, *out;
		gssize used;
	} rows[] = {
		{".\r\n", "", 3},
		{"a\r\n.\r\nQUIT\r\n", "a\r\n", 6},
		{"..\r\n...a\r\n.\r\n", ".\r\n..a\r\n", 13},
		{".a\r\n.\r\n", "a\r\n", 7},
		{"a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 10},
		{"a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n", 11},
		{"a\r\n.\nb\r\n.\r\n", "a\r\n\r\nb\r\n", 11},
		{"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", 11},
		{"a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", 10},
		{"a\r.\r\n.\r\n", "a\r.\r\n", 8},
		{"a\rb\r\r\n.\r\n", "a\rb\r\r\n", 9},
		{"a\r\n..\r\n", "a\r\n.\r\n", -1},
		{"a.\r\n", "a.\r\n", -1},
		{"a\r\n.", "a\r\n", -1},
		{"a\r\n.\r", "a\r\n", -1},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (size_t piece = 1; piece < 16; piece++) {
			gssize used;
			g_autofree char *out =
				undot(rows[i].in, piece, &used);

			g_assert_cmpstr(out, ==, rows[i].out);
			g_assert_cmpint(used, ==, rows[i].used);
		}
}

/* --- paths -------------------------------------------------------------- */

static void
test_paths(void)
{
	static const struct {
		const char *text, *words; /* joined by | */
	} rows[] = {
		{"FROM:<a@b>", "<a@b>"},
		{"from:<>", "<>"},
		{"FROM: <a@b> SIZE=3  BODY=7BIT ", "<a@b>|SIZE=3|BODY=7BIT"},
		{"FROM:<\"a b\"@c> X", "<\"a b\"@c>|X"},
		{"FROM:<\"a>b\"@c>", "<\"a>b\"@c>"},
		{"FROM:<\"a\\\"> b\"@c>", "<\"a\\\"> b\"@c>"},
		{"FROM:<@x,@y:a@b>", "<@x,@y:a@b>"},
		{"FROM:a@b", NULL},
		{"FROM:<a@b", NULL},
		{"FROM:<\"a>", NULL},
		{"FROM:<a@b>SIZE=3", NULL},
		{"FROM", NULL},
		{"TO:<a@b>", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(GStrv) words = lmtp_path_split(rows[i].text, "FROM:");
		g_autofree char *joined =
			words != NULL ? g_strjoinv("|", words) : NULL;

		g_assert_cmpstr(joined, ==, rows[i].words);
	}
}

/* --- sessions ----------------------------------------------------------- */

struct door {
	char *dir;
	struct settings *settings;
	struct answerer *answerer;
	struct inbound_env env;
	int fd, server_fd, stop_fd;
	GThread *thread;
};

static struct settings *
make_settings(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "muster.conf", NULL);
	g_autofree char *text =
		g_strdup_printf("[muster]\nrun = %s\ndomains = lists.test\n"
				"[milter]\ndrain = 60s\n",
				dir);
	struct settings *settings = NULL;
	struct err err = ERR_INIT;

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	if (settings_load(path, &settings, &err) != ERR_OK)
		g_error("%s", err.what);
	(void)g_unlink(path);
	return settings;
}

static void *
serve(void *data)
{
	struct door *door = data;

	lmtp_session_serve(&door->env, door->server_fd, door->stop_fd);
	(void)close(door->server_fd);
	return NULL;
}

static struct door *
door_open(void)
{
	struct door *door = g_new0(struct door, 1);
	g_autofree char *submit = NULL;
	struct err err = ERR_INIT;
	int fds[2];

	door->dir = g_dir_make_tmp("muster-lmtp-XXXXXX", NULL);
	door->settings = make_settings(door->dir);
	submit = settings_submit_path(door->settings);
	door->answerer = answerer_start(submit);
	if (inbound_env_init(&door->env, door->settings, "lmtp", &err) !=
	    ERR_OK)
		g_error("%s", err.what);
	door->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
			==, 0);
	door->fd = fds[0];
	door->server_fd = fds[1];
	g_assert_cmpint(fcntl(fds[1], F_SETFL, O_NONBLOCK), ==, 0);
	door->thread = g_thread_new("door", serve, door);
	return door;
}

static void
door_close(struct door *door)
{
	g_autofree char *submit = settings_submit_path(door->settings);

	if (door->fd >= 0)
		(void)close(door->fd);
	g_thread_join(door->thread);
	inbound_env_done(&door->env);
	answerer_stop(door->answerer);
	(void)close(door->stop_fd);
	(void)g_unlink(submit);
	(void)g_rmdir(door->dir);
	settings_unref(door->settings);
	g_free(door->dir);
	g_free(door);
}

static void
put(const struct door *door, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(door->fd, bytes, len, MSG_NOSIGNAL);

		g_assert_cmpint(sent, >, 0);
		bytes += sent;
		len -= (size_t)sent;
	}
}

static void
say(const struct door *door, const char *text)
{
	put(door, text, strlen(text));
}

/* One line without its CRLF; "" when the peer has closed. */
static char *
hear_line(const struct door *door)
{
	GString *line = g_string_new(NULL);
	struct pollfd poll_fd = {.fd = door->fd, .events = POLLIN};
	char byte;

	for (;;) {
		g_assert_cmpint(poll(&poll_fd, 1, DEADLINE_MS), ==, 1);
		if (recv(door->fd, &byte, 1, 0) != 1 || byte == '\n')
			break;
		g_string_append_c(line, byte);
	}
	if (line->len > 0 && line->str[line->len - 1] == '\r')
		g_string_truncate(line, line->len - 1);
	return g_string_free(line, FALSE);
}

/* The last line of a reply must begin like this. */
static void
hear(const struct door *door, const char *begin)
{
	g_autofree char *line = NULL;

	do {
		g_free(line);
		line = hear_line(door);
	} while (strlen(line) > 3 && line[3] == '-');
	if (!g_str_has_prefix(line, begin) ||
	    (begin[0] == '\0' && line[0] != '\0'))
		g_error("got \"%s\", wanted \"%s\"", line, begin);
}

static struct door *
door_greeted(void)
{
	struct door *door = door_open();

	hear(door, "220 lists.test LMTP");
	say(door, "LHLO mx.test\r\n");
	hear(door, "250 SIZE");
	return door;
}

static const char *
content_of(GBytes *post)
{
	const char *text = g_bytes_get_data(post, NULL);

	return strstr(text, "Subject:");
}

/* --- the cases ---------------------------------------------------------- */

static void
test_replies_per_rcpt(void)
{
	struct door *door = door_greeted();

	say(door, "MAIL FROM:<a@b.test> BODY=8BITMIME SIZE=100\r\n");
	hear(door, "250 2.1.0");
	say(door, "RCPT TO:<dev@lists.test>\r\n");
	hear(door, "250 2.1.5");
	say(door, "RCPT TO:<nobody@lists.test>\r\n");
	hear(door, "550 5.1.1");
	say(door, "RCPT TO:<strict@lists.test>\r\n");
	hear(door, "550 5.7.1");
	say(door, "RCPT TO:<someone@else.test>\r\n");
	hear(door, "550 5.1.1");
	say(door, "RCPT TO:<small@lists.test>\r\n");
	hear(door, "250 2.1.5");
	say(door, "RCPT TO:<DEV+x@Lists.Test>\r\n");
	hear(door, "250 2.1.5");
	say(door, "DATA\r\n");
	hear(door, "354");
	say(door, "Subject: x\r\n\r\n");
	for (int i = 0; i < 20; i++)
		say(door, "a line of text\r\n");
	say(door, ".\r\n");
	hear(door, "250 2.6.0");
	hear(door, "552 5.3.4");
	hear(door, "250 2.6.0");
	say(door, "QUIT\r\n");
	hear(door, "221");
	hear(door, "");
	g_assert_cmpuint(answerer_count(door->answerer), ==, 1);
	door_close(door);
}

static void
test_bytes_as_sent(void)
{
	static const char content[] =
		"Subject:  two  blanks \r\nX:none\r\n\r\n..dot\r\nbare\nlf\r\n"
		"nul \0 here\r\n\xe4\r\n";
	static const char kept[] =
		"Subject:  two  blanks \r\nX:none\r\n\r\n.dot\r\nbare\r\nlf\r\n"
		"nul \0 here\r\n\xe4\r\n";
	struct door *door = door_greeted();
	g_autoptr(GBytes) last = NULL;
	const char *from;
	gsize len;

	say(door, "MAIL FROM:<a@b>\r\nRCPT TO:<dev@lists.test>\r\nDATA\r\n");
	put(door, content, sizeof(content) - 1);
	say(door, ".\r\n");
	hear(door, "250 2.1.0");
	hear(door, "250 2.1.5");
	hear(door, "354");
	hear(door, "250 2.6.0");
	last = answerer_last(door->answerer);
	from = content_of(last);
	len = g_bytes_get_size(last) -
	      (gsize)(from - (const char *)g_bytes_get_data(last, NULL));
	g_assert_cmpmem(from, len, kept, sizeof(kept) - 1);
	g_assert_true(g_str_has_prefix(g_bytes_get_data(last, NULL),
				       "Received: from mx.test\r\n\tby "
				       "lists.test (muster) with LMTP id "));
	door_close(door);
}

/* All of it in one write, and the next message behind it. */
static void
test_pipelined(void)
{
	struct door *door = door_open();

	say(door, "LHLO x\r\nMAIL FROM:<>\r\n"
		  "RCPT TO:<dev-bounces+token@lists.test>\r\nDATA\r\n"
		  "Subject: dsn\r\n\r\nb\r\n.\r\n"
		  "MAIL FROM:<a@b>\r\nRCPT TO:<dev@lists.test>\r\nDATA\r\n"
		  "Subject: two\r\n\r\nb\r\n.\r\nNOOP\r\nQUIT\r\n");
	hear(door, "220");
	hear(door, "250 SIZE");
	for (int i = 0; i < 2; i++) {
		hear(door, "250 2.1.0");
		hear(door, "250 2.1.5");
		hear(door, "354");
		hear(door, "250 2.6.0");
	}
	hear(door, "250 2.0.0");
	hear(door, "221");
	hear(door, "");
	g_assert_cmpuint(answerer_count(door->answerer), ==, 2);
	door_close(door);
}

static void
test_order(void)
{
	static const char *const steps[][2] = {
		{"MAIL FROM:<a@b>\r\n", "503"},
		{"RCPT TO:<dev@lists.test>\r\n", "503"},
		{"DATA\r\n", "503"},
		{"EHLO x\r\n", "500"},
		{"HELO x\r\n", "500"},
		{"LHLO\r\n", "501"},
		{"lhlo x\r\n", "250 SIZE"},
		{"BDAT 3 LAST\r\n", "500"},
		{"MAIL FROM:a@b\r\n", "501"},
		{"MAIL FROM:<a@b> RET=HDRS\r\n", "555"},
		{"MAIL FROM:<a@b> SMTPUTF8\r\n", "250"},
		{"MAIL FROM:<a@b>\r\n", "503"},
		{"RCPT TO:<dev@lists.test> NOTIFY=NEVER\r\n", "555"},
		{"RCPT TO: dev\r\n", "501"},
		{"DATA\r\n", "554"},
		{"RSET\r\n", "250"},
		{"RCPT TO:<dev@lists.test>\r\n", "503"},
		{"VRFY dev\r\n", "252"},
		{"NOOP with words\r\n", "250"},
		{"MAIL FROM:<a@b>\r\n", "250"},
		{"RCPT TO:<dev@lists.test>\n", "250"},
		{"LHLO again\r\n", "250 SIZE"},
		{"DATA\r\n", "503"},
		{"QUIT\r\n", "221"},
	};
	struct door *door = door_open();

	hear(door, "220");
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		say(door, steps[i][0]);
		hear(door, steps[i][1]);
	}
	door_close(door);
}

static void
test_hostile_lines(void)
{
	struct door *door = door_greeted();
	g_autofree char *line = g_strnfill(100000, 'x');

	say(door, line);
	say(door, "\r\n");
	hear(door, "500 5.5.2");
	g_assert_cmpint(send(door->fd, "NO\0OP\r\n", 7, 0), ==, 7);
	hear(door, "500 5.5.2");
	line[4095] = '\n';
	line[4096] = '\0';
	memcpy(line, "NOOP ", 5);
	say(door, line);
	hear(door, "250");
	line[4095] = 'x';
	say(door, line);
	say(door, "\n");
	hear(door, "500 5.5.2");
	for (int i = 3; i < 20; i++) {
		say(door, "\r\n");
		hear(door, "500");
	}
	hear(door, "421 4.7.0");
	hear(door, "");
	door_close(door);
}

static void
test_half_closed(void)
{
	struct door *door = door_open();

	say(door, "LHLO x\r\nMAIL FROM:<a@b>\r\n"
		  "RCPT TO:<dev@lists.test>\r\nDATA\r\n"
		  "Subject: x\r\n\r\n.\r\n");
	(void)shutdown(door->fd, SHUT_WR);
	hear(door, "220");
	hear(door, "250 SIZE");
	hear(door, "250 2.1.0");
	hear(door, "250 2.1.5");
	hear(door, "354");
	hear(door, "250 2.6.0");
	hear(door, "");
	door_close(door);
}

static void
test_cut_in_data(void)
{
	struct door *door = door_greeted();

	say(door, "MAIL FROM:<a@b>\r\nRCPT TO:<dev@lists.test>\r\nDATA\r\n"
		  "Subject: x\r\n\r\n.\r");
	(void)shutdown(door->fd, SHUT_WR);
	hear(door, "250");
	hear(door, "250");
	hear(door, "354");
	hear(door, "");
	g_assert_cmpuint(answerer_count(door->answerer), ==, 0);
	door_close(door);
}

static void
test_commit_fails(void)
{
	struct door *door = door_greeted();

	for (int i = 0; i < 2; i++) {
		answerer_fail(door->answerer, i == 0);
		say(door, "MAIL FROM:<a@b>\r\nRCPT TO:<dev@lists.test>\r\n"
			  "DATA\r\n");
		hear(door, "250");
		hear(door, "250");
		hear(door, "354");
		say(door, "Subject: x\r\n\r\n.\r\n");
		hear(door, i == 0 ? "451 4.3.1" : "250 2.6.0");
	}
	g_assert_cmpuint(answerer_count(door->answerer), ==, 1);
	door_close(door);
}

static void
stop(const struct door *door)
{
	const uint64_t one = 1;

	g_assert_cmpint(write(door->stop_fd, &one, sizeof(one)), ==,
			sizeof(one));
}

static void
test_stop_between(void)
{
	struct door *door = door_greeted();

	stop(door);
	hear(door, "421 4.3.2");
	hear(door, "");
	door_close(door);
}

static void
test_stop_in_data(void)
{
	struct door *door = door_greeted();

	say(door, "MAIL FROM:<a@b>\r\nRCPT TO:<dev@lists.test>\r\nDATA\r\n");
	hear(door, "250");
	hear(door, "250");
	hear(door, "354");
	say(door, "Subject: x\r\n");
	stop(door);
	hear(door, "421 4.3.2");
	hear(door, "");
	g_assert_cmpuint(answerer_count(door->answerer), ==, 0);
	door_close(door);
}

static void
test_stop_at_end(void)
{
	struct door *door = door_greeted();

	answerer_hold(door->answerer);
	say(door, "MAIL FROM:<a@b>\r\nRCPT TO:<dev@lists.test>\r\nDATA\r\n"
		  "Subject: x\r\n\r\n.\r\nNOOP\r\n");
	answerer_await(door->answerer);
	stop(door);
	answerer_release(door->answerer);
	hear(door, "250");
	hear(door, "250");
	hear(door, "354");
	hear(door, "250 2.6.0");
	hear(door, "421 4.3.2");
	hear(door, "");
	g_assert_cmpuint(answerer_count(door->answerer), ==, 1);
	door_close(door);
}

/* 64 MiB through one connection, replies unread until the end. */
static void
test_large(void)
{
	struct door *door = door_greeted();
	g_autofree char *line = g_strnfill(65536, 'x');
	g_autoptr(GBytes) last = NULL;

	say(door, "MAIL FROM:<a@b>\r\nRCPT TO:<dev@lists.test>\r\nDATA\r\n"
		  "Subject: x\r\n\r\n");
	for (int i = 0; i < 1024; i++)
		put(door, line, 65536);
	say(door, "\r\n.\r\n");
	hear(door, "250");
	hear(door, "250");
	hear(door, "354");
	hear(door, "250 2.6.0");
	last = answerer_last(door->answerer);
	g_assert_cmpuint(g_bytes_get_size(last), >, 1024 * 65536);
	door_close(door);
}

/* --- the process -------------------------------------------------------- */

static int
connect_to(const char *path)
{
	struct err err = ERR_INIT;
	int fd = -1;

	if (wire_connect(path, wire_now_ms() + DEADLINE_MS, &fd, &err) !=
	    ERR_OK)
		g_error("%s", err.what);
	return fd;
}

static pid_t
start_process(const char *dir, const char *path)
{
	struct settings *settings = make_settings(dir);
	struct err err = ERR_INIT;
	int listen_fd = -1;
	pid_t pid;

	g_assert_cmpint(wire_listen(path, 0600, &listen_fd, &err), ==, ERR_OK);
	pid = fork();
	if (pid == 0)
		_exit(lmtp_run(settings, listen_fd));
	(void)close(listen_fd);
	settings_unref(settings);
	return pid;
}

static void
test_process(void)
{
	g_autofree char *dir = g_dir_make_tmp("muster-lmtp-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "lmtp.sock", NULL);
	pid_t pid = start_process(dir, path);
	struct door at[201];
	int status;

	for (int i = 0; i < 201; i++) {
		at[i].fd = connect_to(path);
		hear(&at[i], i < 200 ? "220" : "421 4.3.2");
	}
	hear(&at[200], "");
	(void)kill(pid, SIGUSR1);
	say(&at[0], "NOOP\r\n");
	hear(&at[0], "250");
	(void)kill(pid, SIGTERM);
	for (int i = 0; i < 200; i++)
		hear(&at[i], "421 4.3.2");
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	for (int i = 0; i < 201; i++)
		(void)close(at[i].fd);
	(void)g_unlink(path);
	(void)g_rmdir(dir);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"dots go, only CRLF dot CRLF ends", test_dots},
		{"path and parameters apart", test_paths},
		{"a reply for each recipient", test_replies_per_rcpt},
		{"bytes kept as sent", test_bytes_as_sent},
		{"pipelined in one write", test_pipelined},
		{"commands out of order are refused", test_order},
		{"hostile lines end the session", test_hostile_lines},
		{"half-closed peer gets its replies", test_half_closed},
		{"cut in DATA keeps nothing", test_cut_in_data},
		{"no commit, 451 and then again", test_commit_fails},
		{"stop between messages", test_stop_between},
		{"stop in DATA keeps nothing", test_stop_in_data},
		{"stop lets the end finish", test_stop_at_end},
		{"a large post", test_large},
		{"room for 200; SIGTERM says 421", test_process},
		{NULL, NULL},
	};

	mime_init();
	return tap_run("lmtp", cases);
}
