/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/wire.h"
#include "core/outbound/reply.h"
#include "core/base/banned.h"

/*
 * What has been said and is not yet answered stands in `expected`, in order;
 * each reply belongs to the first of them. What is to be written stands in
 * `out` as pieces: commands are owned, the bytes of a post are shared by all
 * its copies and written from where they are.
 *
 * A transaction whose RCPT is refused is still followed by the DATA that was
 * pipelined behind it: most relays refuse that too (503, 554), some say 354
 * and get a lone dot, whose answer means nothing (RFC 2920 section 3.1).
 */

#define WRITE_PIECES 64
#define READ_LEN 16384
#define CONNECT_MS 30000
#define REFUSALS_MAX 8

enum step { GREETING, EHLO, HELO, MAIL, RCPT, DATA, DOT, EMPTY_DOT, RSET };

struct flight {
	struct batch *batch;	/* gone, perhaps, once told */
	guint index;
	bool told;		/* the owner knows how it ended */
};

struct expectation { enum step step; struct flight *flight; };

/* A hostile relay may answer before it has read all, and the post must not
 * go as long as it is being written: hence the reference. */
struct piece {
	const char *bytes;
	size_t len;
	char *own;
	struct composed *post;
};

struct conn {
	int fd;
	struct settings *settings;
	struct conn_events events;
	bool connected, greeted;
	bool pipelining, size, eight_bit, dsn, smtputf8;
	bool needs_reset;	/* before the next MAIL */
	struct flight *current;	/* between MAIL and the answer of DATA */
	unsigned int dots;	/* bodies without an answer */
	unsigned int refusals;
	GQueue expected;	/* of struct expectation */
	GQueue out;		/* of struct piece */
	struct reply_reader replies;
	int64_t heard_ms;
	bool over;
};

/* --- life --------------------------------------------------------------- */

struct conn *
conn_open(const void *addr, unsigned int len, struct settings *settings,
	  const struct conn_events *events)
{
	const struct sockaddr *to = addr;
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK |
			SOCK_CLOEXEC, 0);
	int on = 1;
	struct conn *conn;

	if (fd < 0)
		return NULL;
	(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, to, len) != 0 && errno != EINPROGRESS) {
		int saved = errno;

		(void) close(fd);
		errno = saved;
		return NULL;
	}
	conn = g_new0(struct conn, 1);
	conn->fd = fd;
	conn->settings = settings_ref(settings);
	conn->events = *events;
	conn->heard_ms = wire_now_ms();
	g_queue_init(&conn->expected);
	g_queue_init(&conn->out);
	reply_reader_init(&conn->replies);
	return conn;
}

int
conn_fd(const struct conn *conn)
{
	return conn->fd;
}

short
conn_poll_events(const struct conn *conn)
{
	return !conn->connected || !g_queue_is_empty((GQueue *)&conn->out) ?
		POLLIN | POLLOUT : POLLIN;
}

bool
conn_is_greeted(const struct conn *conn)
{
	return conn->greeted;
}

bool
conn_is_worn(const struct conn *conn)
{
	return conn->refusals >= REFUSALS_MAX;
}

bool
conn_has_room(const struct conn *conn)
{
	return conn->greeted && !conn->over && conn->current == NULL &&
		!conn_is_worn(conn) &&
		conn->dots < (conn->pipelining ? 2 : 1);
}

unsigned int
conn_open_count(const struct conn *conn)
{
	return conn->dots + (conn->current != NULL);
}

int64_t
conn_deadline_ms(const struct conn *conn)
{
	if (!conn->connected)
		return conn->heard_ms + CONNECT_MS;
	return conn->heard_ms + conn->settings->timeout_s * 1000;
}

/* --- what is said ------------------------------------------------------- */

static void
expect(struct conn *conn, enum step step, struct flight *flight)
{
	struct expectation *next = g_new(struct expectation, 1);

	next->step = step;
	next->flight = flight;
	g_queue_push_tail(&conn->expected, next);
}

static void
put(struct conn *conn, const char *bytes, size_t len, char *own,
    struct composed *post)
{
	struct piece *piece = g_new(struct piece, 1);

	piece->bytes = bytes;
	piece->len = len;
	piece->own = own;
	piece->post = post != NULL ? composed_ref(post) : NULL;
	/* A silence is measured from when we began to wait. */
	if (conn_open_count(conn) == 0)
		conn->heard_ms = wire_now_ms();
	g_queue_push_tail(&conn->out, piece);
}

static void
say(struct conn *conn, char *text)
{
	put(conn, text, strlen(text), text, NULL);
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* RFC 3461 section 4 */
static void
append_xtext(GString *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < '!' || *text > '~' || *text == '+' ||
		    *text == '=')
			g_string_append_printf(out, "+%02X",
					       (unsigned char)*text);
		else
			g_string_append_c(out, *text);
}

static void
append_mail(const struct conn *conn, const struct batch *batch,
	    const struct copy *copy, GString *out)
{
	const struct composed *what = batch->what;

	if (what->null_sender)
		g_string_append(out, "MAIL FROM:<>");
	else
		g_string_append_printf(out, "MAIL FROM:<%s%s@%s>",
				       what->sender_local, copy->token,
				       what->sender_domain);
	if (conn->size)
		g_string_append_printf(out, " SIZE=%zu", what->size);
	if (conn->eight_bit && what->eight_bit)
		g_string_append(out, " BODY=8BITMIME");
	if (conn->smtputf8 && !is_ascii(copy->addr))
		g_string_append(out, " SMTPUTF8");
	if (conn->dsn)
		g_string_append_printf(out, " RET=HDRS ENVID=%s",
				       what->post_id);
	g_string_append(out, "\r\n");
}

static void
append_rcpt(const struct conn *conn, const struct copy *copy, GString *out)
{
	g_string_append_printf(out, "RCPT TO:<%s>", copy->addr);
	if (conn->dsn)
		g_string_append(out, " NOTIFY=FAILURE");
	if (conn->dsn && is_ascii(copy->addr)) {
		g_string_append(out, " ORCPT=rfc822;");
		append_xtext(out, copy->addr);
	}
	g_string_append(out, "\r\n");
}

static struct copy *
copy_of(const struct flight *flight)
{
	return &g_array_index(flight->batch->copies, struct copy,
			      flight->index);
}

/* Without PIPELINING one command waits for the answer of the last. */
static void
say_step(struct conn *conn, enum step step)
{
	GString *text = g_string_new(NULL);
	struct flight *flight = conn->current;

	if (step == MAIL)
		append_mail(conn, flight->batch, copy_of(flight), text);
	else if (step == RCPT)
		append_rcpt(conn, copy_of(flight), text);
	else
		g_string_append(text, "DATA\r\n");
	expect(conn, step, flight);
	say(conn, g_string_free(text, FALSE));
}

static void
say_reset(struct conn *conn)
{
	expect(conn, RSET, NULL);
	say(conn, g_strdup("RSET\r\n"));
	conn->needs_reset = false;
}

/* Such an address cannot be said to a relay that does not know of UTF-8 (RFC
 * 6531 section 3.2). */
static bool
cannot_say(const struct conn *conn, const struct batch *batch, guint index)
{
	return !conn->smtputf8 && !is_ascii(g_array_index(
		batch->copies, struct copy, index).addr);
}

void
conn_start(struct conn *conn, struct batch *batch, guint index)
{
	struct flight *flight;
	GString *text;

	if (cannot_say(conn, batch, index)) {
		conn->events.answered(conn->events.arg, batch, index,
				      COPY_REFUSED, 553, "5.6.7 the relay "
				      "does not offer SMTPUTF8");
		return;
	}
	flight = g_new0(struct flight, 1);
	flight->batch = batch;
	flight->index = index;
	if (conn->needs_reset)
		say_reset(conn);
	conn->current = flight;
	if (!conn->pipelining) {
		say_step(conn, MAIL);
		return;
	}
	text = g_string_new(NULL);
	append_mail(conn, batch, copy_of(flight), text);
	append_rcpt(conn, copy_of(flight), text);
	g_string_append(text, "DATA\r\n");
	expect(conn, MAIL, flight);
	expect(conn, RCPT, flight);
	expect(conn, DATA, flight);
	say(conn, g_string_free(text, FALSE));
}

/* --- what is answered --------------------------------------------------- */

static void
tell(struct conn *conn, struct flight *flight, const struct reply *reply)
{
	enum copy_result result = reply->code < 300 ? COPY_SENT :
		reply->code < 500 ? COPY_DEFERRED : COPY_REFUSED;

	if (flight->told)
		return;
	flight->told = true;
	conn->events.answered(conn->events.arg, flight->batch, flight->index,
			      result, reply->code, reply->text);
}

static void
tell_again(struct conn *conn, struct flight *flight)
{
	if (flight->told)
		return;
	flight->told = true;
	conn->events.again(conn->events.arg, flight->batch, flight->index);
}

/* The transaction is over before its body. */
static void
end_without_body(struct conn *conn)
{
	conn->needs_reset = true;
	g_free(conn->current);
	conn->current = NULL;
}

static void
next_step(struct conn *conn, enum step done, bool good)
{
	if (conn->pipelining)
		return;
	if (good)
		say_step(conn, done == MAIL ? RCPT : DATA);
	else
		end_without_body(conn);
}

/*
 * MAIL names only us and the post, so nobody on the list is to be blamed for
 * a refusal. 4xx is the relay's state, and all wait; 5xx is about this post
 * (its size, say), and its copies wait.
 */
static void
on_mail(struct conn *conn, struct flight *flight, const struct reply *reply)
{
	bool good = reply->code < 300;

	if (reply->code >= 500 && !flight->told) {
		flight->told = true;
		conn->events.answered(conn->events.arg, flight->batch,
				      flight->index, COPY_DEFERRED,
				      reply->code, reply->text);
	} else if (!good) {
		tell_again(conn, flight);
		conn->events.refused(conn->events.arg, reply->code,
				     reply->text);
	}
	next_step(conn, MAIL, good);
}

static void
on_rcpt(struct conn *conn, struct flight *flight, const struct reply *reply)
{
	bool good = reply->code < 300;

	if (!good)
		tell(conn, flight, reply);
	next_step(conn, RCPT, good);
}

static void
on_data(struct conn *conn, struct flight *flight, const struct reply *reply)
{
	struct composed *what;

	if (reply->code != 354) {
		/* 2xx to DATA is nonsense; try again rather than guess. */
		if (reply->code < 400)
			tell_again(conn, flight);
		else
			tell(conn, flight, reply);
		end_without_body(conn);
		return;
	}
	conn->dots++;
	conn->current = NULL;
	if (flight->told) {
		expect(conn, EMPTY_DOT, flight);
		put(conn, ".\r\n", 3, NULL, NULL);
		return;
	}
	what = flight->batch->what;
	expect(conn, DOT, flight);
	put(conn, what->wire, what->len, NULL, what);
}

static void
on_dot(struct conn *conn, struct flight *flight, const struct reply *reply)
{
	conn->dots--;
	if (reply->code >= 300 && reply->code < 400)
		tell_again(conn, flight);
	else
		tell(conn, flight, reply);
	g_free(flight);
}

static bool
has_extension(const char *text, const char *keyword)
{
	size_t len = strlen(keyword);

	/* The first line is the host's name. */
	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		if (g_ascii_strncasecmp(text, keyword, len) == 0 &&
		    (text[len] == '\0' || text[len] == '\n' ||
		     text[len] == ' ' || text[len] == '='))
			return true;
	}
	return false;
}

static void
on_hello(struct conn *conn, enum step step, const struct reply *reply)
{
	if (reply->code >= 300 && step == EHLO) {
		expect(conn, HELO, NULL);
		say(conn, g_strdup_printf("HELO %s\r\n",
					  conn->settings->hostname));
		return;
	}
	if (reply->code >= 300) {
		conn->events.refused(conn->events.arg, reply->code,
				     reply->text);
		conn->over = true;
		return;
	}
	conn->greeted = true;
	if (step != EHLO)
		return;
	conn->pipelining = has_extension(reply->text, "PIPELINING");
	conn->size = has_extension(reply->text, "SIZE");
	conn->eight_bit = has_extension(reply->text, "8BITMIME");
	conn->dsn = has_extension(reply->text, "DSN");
	conn->smtputf8 = has_extension(reply->text, "SMTPUTF8");
}

static void
on_greeting(struct conn *conn, const struct reply *reply)
{
	if (reply->code >= 300) {
		conn->events.refused(conn->events.arg, reply->code,
				     reply->text);
		conn->over = true;
		return;
	}
	expect(conn, EHLO, NULL);
	say(conn, g_strdup_printf("EHLO %s\r\n", conn->settings->hostname));
}

static void
on_reply(struct conn *conn, const struct reply *reply)
{
	g_autofree struct expectation *first =
		g_queue_pop_head(&conn->expected);

	if (first == NULL || reply->code == 421) {
		conn->over = true;	/* out of turn, or leaving */
		conn->events.refused(conn->events.arg, reply->code,
				     reply->text);
		if (first != NULL)
			g_queue_push_head(&conn->expected,
					  g_steal_pointer(&first));
		return;
	}
	conn->refusals += reply->code >= 400;
	switch (first->step) {
	case GREETING:
		on_greeting(conn, reply);
		break;
	case EHLO:
	case HELO:
		on_hello(conn, first->step, reply);
		break;
	case MAIL:
		on_mail(conn, first->flight, reply);
		break;
	case RCPT:
		on_rcpt(conn, first->flight, reply);
		break;
	case DATA:
		on_data(conn, first->flight, reply);
		break;
	case DOT:
	case EMPTY_DOT:
		on_dot(conn, first->flight, reply);
		break;
	case RSET:
		conn->over |= reply->code >= 300;
		break;
	}
}

/* --- bytes -------------------------------------------------------------- */

static bool
finish_connect(struct conn *conn)
{
	struct pollfd ready = { .fd = conn->fd, .events = POLLOUT };
	int problem = 0;
	socklen_t len = sizeof(problem);

	if (conn->connected)
		return true;
	if (poll(&ready, 1, 0) == 0)
		return true;
	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0 ||
	    problem != 0) {
		conn->events.refused(conn->events.arg, 0,
				     g_strerror(problem));
		return false;
	}
	conn->connected = true;
	conn->heard_ms = wire_now_ms();
	expect(conn, GREETING, NULL);
	return true;
}

bool
conn_read(struct conn *conn)
{
	char bytes[READ_LEN];
	struct reply reply;
	ssize_t count;

	if (!finish_connect(conn))
		return false;
	if (!conn->connected)
		return true;
	count = recv(conn->fd, bytes, sizeof(bytes), 0);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR;
	if (count == 0)
		return false;
	conn->heard_ms = wire_now_ms();
	reply_feed(&conn->replies, bytes, (size_t)count);
	while (!conn->over && reply_next(&conn->replies, &reply))
		on_reply(conn, &reply);
	return !conn->over && !conn->replies.broken;
}

static void
piece_free(struct piece *piece)
{
	g_free(piece->own);
	composed_unref(piece->post);
	g_free(piece);
}

static void
drop_written(struct conn *conn, size_t count)
{
	while (count > 0) {
		struct piece *piece = g_queue_peek_head(&conn->out);

		if (count < piece->len) {
			piece->bytes += count;
			piece->len -= count;
			return;
		}
		count -= piece->len;
		piece_free(g_queue_pop_head(&conn->out));
	}
}

bool
conn_write(struct conn *conn)
{
	struct iovec iov[WRITE_PIECES];
	struct msghdr packet = { .msg_iov = iov };
	ssize_t count;

	for (GList *at = conn->out.head; at != NULL &&
	     packet.msg_iovlen < WRITE_PIECES; at = at->next) {
		const struct piece *piece = at->data;

		iov[packet.msg_iovlen].iov_base =
			(void *)(uintptr_t)piece->bytes;
		iov[packet.msg_iovlen++].iov_len = piece->len;
	}
	if (packet.msg_iovlen == 0)
		return true;
	count = sendmsg(conn->fd, &packet, MSG_NOSIGNAL);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR;
	drop_written(conn, (size_t)count);
	return true;
}

/* --- the end ------------------------------------------------------------ */

/* A flight stands in several expectations; it is freed with its last. */
static unsigned int
give_back(struct conn *conn)
{
	struct expectation *next;
	unsigned int unknown = 0;

	while ((next = g_queue_pop_head(&conn->expected)) != NULL) {
		if (next->flight != NULL)
			tell_again(conn, next->flight);
		if (next->step == DOT || next->step == EMPTY_DOT) {
			unknown += next->step == DOT;
			g_free(next->flight);
		}
		g_free(next);
	}
	if (conn->current != NULL)
		tell_again(conn, conn->current);
	g_free(conn->current);
	return unknown;
}

unsigned int
conn_close(struct conn *conn)
{
	bool idle = conn->greeted && !conn->over &&
		g_queue_is_empty(&conn->expected) &&
		g_queue_is_empty(&conn->out);
	unsigned int unknown = give_back(conn);
	struct piece *piece;

	if (idle)
		(void) send(conn->fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	(void) close(conn->fd);
	while ((piece = g_queue_pop_head(&conn->out)) != NULL)
		piece_free(piece);
	reply_reader_done(&conn->replies);
	settings_unref(conn->settings);
	g_free(conn);
	return unknown;
}
