/* SPDX-License-Identifier: BSD-2-Clause */

/* One connection, step by step: this test is the relay, and decides when
 * what it says is read. */
#include "core/outbound/conn.h"

#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/banned.h"

#define PATIENCE_MS 60000
#define COPIES 2
#define LIST_ADDR "dev@lists.example.org"

struct conn_case {
	struct settings *settings;
	struct verp *verp;
	struct batch *batch;
	struct conn *conn;
	int relay;		/* its end of the connection */
	GString *heard;		/* that it has read */
	guint answered, again;
};

static void
on_answered(void *arg, struct batch *batch, guint envelope, guint copy,
	    enum copy_result result, int code, const char *text)
{
	struct conn_case *c = arg;

	(void) envelope;
	(void) code;
	(void) text;
	batch_copy(batch, copy)->result = result;
	c->answered++;
}

static void
on_again(void *arg, struct batch *batch, guint envelope, bool lost)
{
	struct conn_case *c = arg;

	(void) batch;
	(void) envelope;
	(void) lost;
	c->again++;
}

static void
on_refused(void *arg, int code, const char *text)
{
	(void) arg;
	(void) code;
	(void) text;
}

static struct settings *
some_settings(void)
{
	struct settings *settings = NULL;
	struct err err = ERR_INIT;
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("muster-conn-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	(void) close(fd);
	g_assert_true(g_file_set_contents(path, "[muster]\n"
		"domains=lists.example.org\n", -1, NULL));
	g_assert_cmpint(settings_load(path, &settings, &err), ==, ERR_OK);
	g_assert_cmpint(g_unlink(path), ==, 0);
	return settings;
}

static struct batch *
some_copies(struct conn_case *c)
{
	static const char *const members[COPIES] = {
		"ann@example.net", "ben@example.net" };
	g_autoptr(GBytes) header = g_bytes_new_static("Subject: hi\r\n", 13);
	g_autoptr(GBytes) body = g_bytes_new_static("Hello\r\n", 7);
	struct post_id id = { { 1 } };
	struct composed *what = compose(c->verp, &id, LIST_ADDR, header,
					body);
	struct batch *batch = batch_new(what, c->settings, c->verp, &id,
					LIST_ADDR, NULL);

	for (guint i = 0; i < COPIES; i++) {
		batch_add_copy(batch, members[i], members[i]);
		batch_envelop(batch, i, 1, SENDER_SINGLE, NULL);
	}
	composed_unref(what);
	return batch;
}

static void
conn_begin(struct conn_case *c)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct conn_events events = { on_answered, on_again, on_refused, c };
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(addr);
	int on = 1;

	memset(c, 0, sizeof(*c));
	c->settings = some_settings();
	c->verp = verp_new((const uint8_t[VERP_SECRET_LEN]){ 1 });
	c->heard = g_string_new(NULL);
	c->batch = some_copies(c);
	g_assert_cmpint(bind(door, (void *)&addr, len), ==, 0);
	g_assert_cmpint(listen(door, 1), ==, 0);
	g_assert_cmpint(getsockname(door, (void *)&addr, &len), ==, 0);
	c->conn = conn_open(&addr, len, c->settings, &events);
	g_assert_nonnull(c->conn);
	c->relay = accept(door, NULL, NULL);
	g_assert_cmpint(c->relay, >=, 0);
	(void) setsockopt(c->relay, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void) close(door);
}

static void
conn_end(struct conn_case *c)
{
	if (c->conn != NULL)
		(void) conn_close(c->conn);
	if (c->relay >= 0)
		(void) close(c->relay);
	batch_free(c->batch);
	g_string_free(c->heard, TRUE);
	verp_free(c->verp);
	settings_unref(c->settings);
}

/* The relay says it, and we read it. */
static void
say(struct conn_case *c, const char *text)
{
	struct pollfd there = { .fd = conn_fd(c->conn), .events = POLLIN };

	g_assert_cmpint(send(c->relay, text, strlen(text), 0), ==,
			(ssize_t)strlen(text));
	g_assert_cmpint(poll(&there, 1, PATIENCE_MS), ==, 1);
	g_assert_true(conn_read(c->conn, false));
}

/* We write, and the relay reads until there is that. */
static void
hear(struct conn_case *c, const char *text)
{
	char bytes[16];		/* the rest stays unread */
	ssize_t count;

	while (strstr(c->heard->str, text) == NULL) {
		g_assert_true(conn_write(c->conn));
		count = recv(c->relay, bytes, sizeof(bytes), 0);
		g_assert_cmpint(count, >, 0);
		g_string_append_len(c->heard, bytes, count);
	}
}

/* Up to our EHLO. */
static void
meet(struct conn_case *c)
{
	g_assert_true(conn_read(c->conn, false));	/* connected */
	say(c, "220 relay\r\n");
	hear(c, "EHLO");
}

static void
greet(struct conn_case *c, const char *extensions)
{
	g_autofree char *reply = g_strdup_printf("250-relay\r\n%s250 HELP\r\n",
						 extensions);

	meet(c);
	say(c, reply);
	g_assert_true(conn_is_greeted(c->conn));
	g_string_truncate(c->heard, 0);
}

/* The first transaction: the relay has heard so much of it, and takes MAIL. */
static void
begin_first(struct conn_case *c, const char *extensions, const char *heard)
{
	conn_begin(c);
	greet(c, extensions);
	conn_start(c->conn, c->batch, 0);
	hear(c, heard);
	say(c, "250 mail\r\n");
}

/* The relay answers and hangs up, and we have more to say: we may learn of the
 * end before we have read. What it has answered is answered. */
static void
test_answered_and_gone(void)
{
	struct conn_case c;

	begin_first(&c, "250-PIPELINING\r\n250-CHUNKING\r\n",
		    "<ann@example.net>");
	g_assert_cmpint(send(c.relay, "250 rcpt\r\n250 taken\r\n", 21, 0),
			==, 21);
	(void) close(c.relay);		/* with something unread: a reset */
	c.relay = -1;
	conn_start(c.conn, c.batch, 1);
	g_assert_false(conn_write(c.conn));
	(void) conn_close(g_steal_pointer(&c.conn));
	g_assert_cmpuint(c.answered, ==, 1);
	g_assert_cmpint(batch_copy(c.batch, 0)->result, ==, COPY_SENT);
	g_assert_cmpuint(c.again, ==, 1);
	conn_end(&c);
}

/* RFC 2920: nothing comes before the answer, RSET and MAIL neither. */
static void
test_lock_step_reset(void)
{
	struct conn_case c;

	begin_first(&c, "", "MAIL FROM");
	hear(&c, "<ann@example.net>\r\n");
	say(&c, "550 5.1.1 no\r\n");
	g_assert_cmpuint(c.answered, ==, 1);
	g_string_truncate(c.heard, 0);
	conn_start(c.conn, c.batch, 1);
	hear(&c, "RSET\r\n");
	g_assert_cmpstr(c.heard->str, ==, "RSET\r\n");
	say(&c, "250 reset\r\n");
	hear(&c, "MAIL FROM");
	conn_end(&c);
}

/* epoll tells of what has come once: all of it is read then. */
static void
test_long_answer(void)
{
	g_autoptr(GString) reply = g_string_new(NULL);
	g_autofree char *line = g_strnfill(1000, 'x');
	struct conn_case c;
	int there = 0;

	for (int i = 0; i < 90; i++)
		g_string_append_printf(reply, "250-%s\r\n", line);
	g_string_append(reply, "250 PIPELINING\r\n");
	conn_begin(&c);
	meet(&c);
	g_assert_cmpint(send(c.relay, reply->str, reply->len, 0), ==,
			(ssize_t)reply->len);
	while (there < (int)reply->len) {
		g_assert_cmpint(ioctl(conn_fd(c.conn), FIONREAD, &there),
				==, 0);
		g_thread_yield();
	}
	g_assert_true(conn_read(c.conn, false));
	g_assert_true(conn_is_greeted(c.conn));
	conn_end(&c);
}

/* It answers, hangs up, and we learn of both at once. */
static void
test_last_words(void)
{
	struct pollfd end = { .events = POLLRDHUP };
	struct conn_case c;

	begin_first(&c, "250-PIPELINING\r\n", "DATA\r\n");
	g_assert_cmpint(send(c.relay, "550 5.1.1 no\r\n", 14, 0), ==, 14);
	g_assert_cmpint(shutdown(c.relay, SHUT_WR), ==, 0);
	end.fd = conn_fd(c.conn);
	g_assert_cmpint(poll(&end, 1, PATIENCE_MS), ==, 1);
	g_assert_false(conn_read(c.conn, true));
	g_assert_cmpuint(c.answered, ==, 1);
	g_assert_cmpint(batch_copy(c.batch, 0)->result, ==, COPY_REFUSED);
	conn_end(&c);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/conn/answered-and-gone", test_answered_and_gone);
	g_test_add_func("/conn/lock-step-reset", test_lock_step_reset);
	g_test_add_func("/conn/long-answer", test_long_answer);
	g_test_add_func("/conn/last-words", test_last_words);
	return g_test_run();
}
