/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/banned.h"

#define CONNS_MAX 64
#define PATIENCE_S 60

struct conn {
	int fd;
	unsigned int number;
	GString *in, *out;
	bool in_text, closing, stalled;
	bool in_chunk, last_chunk;
	size_t chunk_left;
	char *mail;
	GPtrArray *rcpts;
	GString *text;
};

struct sink {
	int port, listen_fd, wake_fd;
	char **offers;
	GThread *thread;
	GPtrArray *conns;	/* the thread's own */

	pthread_mutex_t lock;
	pthread_cond_t change;
	bool stopping, keep_text;
	GArray *rules;
	GPtrArray *copies;
	unsigned int conn_count, applied, transactions;
	bool go_on;
};

static void
copy_free(void *arg)
{
	struct sink_copy *copy = arg;

	g_free(copy->mail);
	g_free(copy->rcpt);
	g_free(copy->sender);
	g_free(copy->addr);
	g_string_free(copy->text, TRUE);
	g_free(copy);
}

static char *
in_brackets(const char *text)
{
	const char *from = strchr(text, '<'), *to = strrchr(text, '>');

	return from != NULL && to != NULL ?
		g_strndup(from + 1, (gsize)(to - from - 1)) : g_strdup(text);
}

/* --- rules -------------------------------------------------------------- */

static bool
find_rule(struct sink *sink, const char *step, const char *subject,
	  struct sink_rule *out)
{
	bool found = false;

	(void) pthread_mutex_lock(&sink->lock);
	for (guint i = 0; i < sink->rules->len && !found; i++) {
		struct sink_rule *rule = &g_array_index(
			sink->rules, struct sink_rule, i);

		if (rule->times == 0 || strcmp(rule->step, step) != 0 ||
		    (rule->match != NULL &&
		     strstr(subject, rule->match) == NULL))
			continue;
		rule->times -= rule->times > 0;
		*out = *rule;
		found = true;
		sink->applied++;
		(void) pthread_cond_broadcast(&sink->change);
	}
	(void) pthread_mutex_unlock(&sink->lock);
	return found;
}

static void
say(struct conn *conn, const char *line)
{
	g_string_append(conn->out, line);
	g_string_append(conn->out, "\r\n");
}

/* True: the step is not to be done. */
static bool
is_ruled(struct sink *sink, struct conn *conn, const char *step,
	 const char *subject)
{
	struct sink_rule rule;

	if (!find_rule(sink, step, subject, &rule))
		return false;
	if (rule.reply == NULL)
		conn->closing = true;
	else if (rule.reply[0] == '\0')
		conn->stalled = true;
	else
		say(conn, rule.reply);
	if (rule.reply != NULL && g_str_has_prefix(rule.reply, "421"))
		conn->closing = true;
	return !rule.taken;
}

/* --- the dialogue ------------------------------------------------------- */

static void
forget(struct conn *conn)
{
	g_clear_pointer(&conn->mail, g_free);
	g_ptr_array_set_size(conn->rcpts, 0);
	g_string_truncate(conn->text, 0);
}

/* What a rule's match is looked for in. */
static bool
is_body_ruled(struct sink *sink, struct conn *conn, const char *step)
{
	g_autoptr(GString) all = g_string_new(NULL);

	for (guint i = 0; i < conn->rcpts->len; i++)
		g_string_append(all, g_ptr_array_index(conn->rcpts, i));
	return is_ruled(sink, conn, step, all->len > 0 ? all->str : "none");
}

static void
keep_one(struct sink *sink, struct conn *conn, const char *rcpt)
{
	struct sink_copy *copy = g_new0(struct sink_copy, 1);

	copy->mail = g_strdup(conn->mail);
	copy->rcpt = g_strdup(rcpt);
	copy->sender = in_brackets(copy->mail);
	copy->addr = in_brackets(copy->rcpt);
	copy->conn = conn->number;
	copy->transaction = sink->transactions;
	copy->text = g_string_new_len(conn->text->str, sink->keep_text ?
				      (gssize)conn->text->len : 0);
	g_ptr_array_add(sink->copies, copy);
}

static void
keep(struct sink *sink, struct conn *conn)
{
	(void) pthread_mutex_lock(&sink->lock);
	for (guint i = 0; i < conn->rcpts->len; i++)
		keep_one(sink, conn, g_ptr_array_index(conn->rcpts, i));
	sink->transactions++;
	(void) pthread_cond_broadcast(&sink->change);
	(void) pthread_mutex_unlock(&sink->lock);
}

static void
end_of_text(struct sink *sink, struct conn *conn)
{
	size_t out = conn->out->len;

	if (is_body_ruled(sink, conn, "DOT")) {
		forget(conn);
		return;
	}
	keep(sink, conn);
	forget(conn);
	if (conn->out->len == out && !conn->closing && !conn->stalled)
		say(conn, "250 2.0.0 taken");
}

static void
text_line(struct sink *sink, struct conn *conn, const char *line)
{
	if (strcmp(line, ".") != 0) {
		if (is_body_ruled(sink, conn, "TEXT"))
			return;
		g_string_append(conn->text, line[0] == '.' ? line + 1 : line);
		g_string_append(conn->text, "\r\n");
		return;
	}
	conn->in_text = false;
	end_of_text(sink, conn);
}

/* RFC 3030 */
static void
on_bdat(struct conn *conn, const char *line)
{
	char *end;

	conn->chunk_left = (size_t)g_ascii_strtoull(line + strlen("BDAT "),
						    &end, 10);
	conn->last_chunk = strcmp(end, " LAST") == 0;
	conn->in_chunk = true;
}

static void
end_of_chunk(struct sink *sink, struct conn *conn)
{
	conn->in_chunk = false;
	if (conn->rcpts->len == 0)
		say(conn, "503 5.5.1 no valid recipients");
	else if (is_body_ruled(sink, conn, "BDAT"))
		return;
	else if (conn->last_chunk)
		end_of_text(sink, conn);
	else
		say(conn, "250 2.0.0 chunk");
}

/* The bytes of the chunk that are there. */
static size_t
chunk_bytes(struct sink *sink, struct conn *conn, const char *bytes,
	    size_t len)
{
	len = MIN(len, conn->chunk_left);
	if (conn->rcpts->len > 0 && is_body_ruled(sink, conn, "TEXT"))
		return len;
	g_string_append_len(conn->text, bytes, (gssize)len);
	conn->chunk_left -= len;
	if (conn->chunk_left == 0)
		end_of_chunk(sink, conn);
	return len;
}

static void
greet(struct sink *sink, struct conn *conn)
{
	char **offer = sink->offers;

	say(conn, *offer == NULL ? "250 sink" : "250-sink");
	for (; *offer != NULL; offer++) {
		g_autofree char *line = g_strdup_printf("250%c%s",
			offer[1] == NULL ? ' ' : '-', *offer);

		say(conn, line);
	}
}

static void
on_mail(struct sink *sink, struct conn *conn, const char *line)
{
	if (conn->mail != NULL)
		say(conn, "503 5.5.1 nested MAIL");
	else if (!is_ruled(sink, conn, "MAIL", line)) {
		conn->mail = g_strdup(line + strlen("MAIL FROM:"));
		say(conn, "250 2.1.0 ok");
	}
}

static void
on_rcpt(struct sink *sink, struct conn *conn, const char *line)
{
	if (conn->mail == NULL)
		say(conn, "503 5.5.1 need MAIL");
	else if (!is_ruled(sink, conn, "RCPT", line)) {
		g_ptr_array_add(conn->rcpts,
				g_strdup(line + strlen("RCPT TO:")));
		say(conn, "250 2.1.5 ok");
	}
}

static void
on_data(struct sink *sink, struct conn *conn)
{
	if (is_body_ruled(sink, conn, "DATA")) {
		conn->in_text = conn->out->len > 4 && strstr(
			conn->out->str, "354 anyway") != NULL;
		if (conn->in_text && conn->rcpts->len == 0)
			g_ptr_array_add(conn->rcpts, g_strdup("<none>"));
	} else if (conn->rcpts->len == 0) {
		say(conn, "554 5.5.1 no valid recipients");
	} else {
		conn->in_text = true;
		say(conn, "354 go on");
	}
}

static void
command(struct sink *sink, struct conn *conn, const char *line)
{
	if (g_ascii_strncasecmp(line, "EHLO", 4) == 0) {
		if (!is_ruled(sink, conn, "EHLO", line))
			greet(sink, conn);
	} else if (g_ascii_strncasecmp(line, "HELO", 4) == 0) {
		say(conn, "250 sink");
	} else if (g_str_has_prefix(line, "MAIL FROM:")) {
		on_mail(sink, conn, line);
	} else if (g_str_has_prefix(line, "RCPT TO:")) {
		on_rcpt(sink, conn, line);
	} else if (strcmp(line, "DATA") == 0) {
		on_data(sink, conn);
	} else if (g_str_has_prefix(line, "BDAT ")) {
		on_bdat(conn, line);
	} else if (strcmp(line, "RSET") == 0) {
		forget(conn);
		say(conn, "250 2.0.0 ok");
	} else if (strcmp(line, "QUIT") == 0) {
		say(conn, "221 2.0.0 bye");
		conn->closing = true;
	} else {
		say(conn, "500 5.5.2 what?");
	}
}

/* One line, or the bytes of a chunk: how many bytes; 0: more are needed. */
static size_t
take_input(struct sink *sink, struct conn *conn, char *bytes, size_t len)
{
	char *lf;

	if (conn->in_chunk)
		return chunk_bytes(sink, conn, bytes, len);
	lf = memchr(bytes, '\n', len);
	if (lf == NULL)
		return 0;
	*lf = '\0';
	if (lf > bytes && lf[-1] == '\r')
		lf[-1] = '\0';
	if (conn->in_text)
		text_line(sink, conn, bytes);
	else
		command(sink, conn, bytes);
	return (size_t)(lf - bytes) + 1;
}

static void
handle_input(struct sink *sink, struct conn *conn)
{
	size_t at = 0, count = 1;

	while (!conn->closing && !conn->stalled && count > 0 &&
	       at < conn->in->len) {
		count = take_input(sink, conn, conn->in->str + at,
				   conn->in->len - at);
		at += count;
	}
	g_string_erase(conn->in, 0, (gssize)at);
}

/* --- sockets ------------------------------------------------------------ */

static void
conn_free(void *arg)
{
	struct conn *conn = arg;

	(void) close(conn->fd);
	g_string_free(conn->in, TRUE);
	g_string_free(conn->out, TRUE);
	g_string_free(conn->text, TRUE);
	g_free(conn->mail);
	g_ptr_array_free(conn->rcpts, TRUE);
	g_free(conn);
}

static void
accept_conn(struct sink *sink)
{
	int fd = accept4(sink->listen_fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct conn *conn;

	if (fd < 0)
		return;
	conn = g_new0(struct conn, 1);
	conn->fd = fd;
	conn->in = g_string_new(NULL);
	conn->out = g_string_new(NULL);
	conn->text = g_string_new(NULL);
	conn->rcpts = g_ptr_array_new_with_free_func(g_free);
	(void) pthread_mutex_lock(&sink->lock);
	conn->number = sink->conn_count++;
	(void) pthread_mutex_unlock(&sink->lock);
	if (!is_ruled(sink, conn, "GREETING", ""))
		say(conn, "220 sink ESMTP");
	g_ptr_array_add(sink->conns, conn);
}

/* False: it is over. */
static bool
serve_conn(struct sink *sink, struct conn *conn, short events)
{
	char buffer[16384];
	ssize_t len;

	if (events & (POLLIN | POLLHUP | POLLERR)) {
		len = recv(conn->fd, buffer, sizeof(buffer), 0);
		if (len == 0 || (len < 0 && errno != EAGAIN))
			return false;
		if (len > 0)
			g_string_append_len(conn->in, buffer, len);
		handle_input(sink, conn);
	}
	if (conn->out->len > 0) {
		len = send(conn->fd, conn->out->str, conn->out->len,
			   MSG_NOSIGNAL);
		if (len < 0 && errno != EAGAIN)
			return false;
		if (len > 0)
			g_string_erase(conn->out, 0, len);
	}
	return !conn->closing || conn->out->len > 0;
}

static void
serve_round(struct sink *sink)
{
	struct pollfd fds[CONNS_MAX + 2];
	guint count = sink->conns->len;
	uint64_t hints;

	fds[0] = (struct pollfd){ .fd = sink->wake_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = sink->listen_fd,
				  .events = count < CONNS_MAX ? POLLIN : 0 };
	for (guint i = 0; i < count; i++) {
		const struct conn *conn = g_ptr_array_index(sink->conns, i);

		fds[i + 2] = (struct pollfd){ .fd = conn->fd, .events =
			POLLIN | (conn->out->len > 0 ? POLLOUT : 0) };
	}
	(void) poll(fds, count + 2, -1);
	if (fds[0].revents != 0 && read(sink->wake_fd, &hints,
					sizeof(hints)) < 0)
		return;
	for (guint i = count; i > 0; i--)
		if (fds[i + 1].revents != 0 && !serve_conn(
			sink, g_ptr_array_index(sink->conns, i - 1),
			fds[i + 1].revents))
			g_ptr_array_remove_index(sink->conns, i - 1);
	if (fds[1].revents != 0)
		accept_conn(sink);
}

/* Those that say nothing any more do, and begin with this. */
static void
end_silence(struct sink *sink)
{
	for (guint i = 0; i < sink->conns->len; i++) {
		struct conn *conn = g_ptr_array_index(sink->conns, i);

		if (!conn->stalled)
			continue;
		conn->stalled = false;
		say(conn, "250 2.0.0 at last");
		handle_input(sink, conn);
	}
}

static void *
sink_thread(void *arg)
{
	struct sink *sink = arg;
	bool stopping = false, go_on;

	while (!stopping) {
		serve_round(sink);
		(void) pthread_mutex_lock(&sink->lock);
		go_on = sink->go_on;
		sink->go_on = false;
		(void) pthread_mutex_unlock(&sink->lock);
		if (go_on)
			end_silence(sink);
		(void) pthread_mutex_lock(&sink->lock);
		stopping = sink->stopping;
		(void) pthread_mutex_unlock(&sink->lock);
	}
	g_ptr_array_set_size(sink->conns, 0);
	return NULL;
}

static void
listen_at(struct sink *sink, int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int on = 1;

	sink->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void) setsockopt(sink->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on,
			  sizeof(on));
	if (bind(sink->listen_fd, (struct sockaddr *)&addr, len) != 0 ||
	    listen(sink->listen_fd, 64) != 0 ||
	    getsockname(sink->listen_fd, (struct sockaddr *)&addr, &len) != 0)
		g_error("sink: port %d: %s", port, g_strerror(errno));
	sink->port = ntohs(addr.sin_port);
}

struct sink *
sink_start(int port, const char *offers)
{
	struct sink *sink = g_new0(struct sink, 1);

	listen_at(sink, port);
	sink->wake_fd = eventfd(0, EFD_CLOEXEC);
	sink->offers = g_strsplit(offers, ",", -1);
	sink->conns = g_ptr_array_new_with_free_func(conn_free);
	sink->copies = g_ptr_array_new_with_free_func(copy_free);
	sink->rules = g_array_new(FALSE, FALSE, sizeof(struct sink_rule));
	sink->keep_text = true;
	(void) pthread_mutex_init(&sink->lock, NULL);
	(void) pthread_cond_init(&sink->change, NULL);
	sink->thread = g_thread_new("sink", sink_thread, sink);
	return sink;
}

int
sink_port(const struct sink *sink)
{
	return sink->port;
}

void
sink_rule(struct sink *sink, struct sink_rule rule)
{
	(void) pthread_mutex_lock(&sink->lock);
	g_array_append_val(sink->rules, rule);
	(void) pthread_mutex_unlock(&sink->lock);
}

void
sink_clear_rules(struct sink *sink)
{
	(void) pthread_mutex_lock(&sink->lock);
	g_array_set_size(sink->rules, 0);
	(void) pthread_mutex_unlock(&sink->lock);
}

void
sink_keep_text(struct sink *sink, bool keep_text)
{
	sink->keep_text = keep_text;
}

static bool
wait_for(struct sink *sink, const guint *number, guint least)
{
	struct timespec until;
	bool there;

	(void) clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	(void) pthread_mutex_lock(&sink->lock);
	while (*number < least &&
	       pthread_cond_timedwait(&sink->change, &sink->lock,
				      &until) == 0)
		;
	there = *number >= least;
	(void) pthread_mutex_unlock(&sink->lock);
	return there;
}

bool
sink_wait(struct sink *sink, unsigned int copies)
{
	return wait_for(sink, &sink->copies->len, copies);
}

bool
sink_wait_rule(struct sink *sink, unsigned int times)
{
	return wait_for(sink, &sink->applied, times);
}

unsigned int
sink_count(struct sink *sink)
{
	unsigned int count;

	(void) pthread_mutex_lock(&sink->lock);
	count = sink->copies->len;
	(void) pthread_mutex_unlock(&sink->lock);
	return count;
}

unsigned int
sink_conns(struct sink *sink)
{
	unsigned int count;

	(void) pthread_mutex_lock(&sink->lock);
	count = sink->conn_count;
	(void) pthread_mutex_unlock(&sink->lock);
	return count;
}

const GPtrArray *
sink_copies(struct sink *sink)
{
	return sink->copies;
}

void
sink_go_on(struct sink *sink)
{
	uint64_t one = 1;

	(void) pthread_mutex_lock(&sink->lock);
	sink->go_on = true;
	(void) pthread_mutex_unlock(&sink->lock);
	if (write(sink->wake_fd, &one, sizeof(one)) < 0)
		return;		/* full: it is awake anyway */
}

void
sink_stop(struct sink *sink)
{
	const uint64_t one = 1;

	if (sink->thread == NULL)
		return;
	(void) pthread_mutex_lock(&sink->lock);
	sink->stopping = true;
	(void) pthread_mutex_unlock(&sink->lock);
	(void) !write(sink->wake_fd, &one, sizeof(one));
	(void) g_thread_join(g_steal_pointer(&sink->thread));
	(void) close(sink->listen_fd);
}

void
sink_free(struct sink *sink)
{
	sink_stop(sink);
	(void) close(sink->wake_fd);
	g_strfreev(sink->offers);
	g_ptr_array_free(sink->conns, TRUE);
	g_ptr_array_free(sink->copies, TRUE);
	g_array_free(sink->rules, TRUE);
	(void) pthread_mutex_destroy(&sink->lock);
	(void) pthread_cond_destroy(&sink->change);
	g_free(sink);
}
