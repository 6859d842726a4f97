/* SPDX-License-Identifier: BSD-2-Clause */

/* A connection to a relay, and what its answers mean for a batch. */
#include "core/outbound/relay_inside.h"

#include <errno.h>
#include <sys/epoll.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

#define LOSSES_MAX 5		/* of connections with one and the same copy */

/* --- answers ------------------------------------------------------------ */

static void
settle(struct relay *relay, struct batch *batch, guint index)
{
	struct envelope *envelope = batch_envelope(batch, index);

	if (++envelope->answered == envelope->count) {
		turns_ended(relay->turns, batch, index);
		relay->fresh |= envelope->limit != NULL;
	}
	if (++batch->answered < batch->copies->len)
		return;
	g_hash_table_remove(relay->all, batch);
	relay->finished(relay->arg, batch);
}

static void
on_answered(void *arg, struct batch *batch, guint envelope, guint index,
	    enum copy_result result, int code, const char *text)
{
	struct line *line = arg;
	struct copy *copy = batch_copy(batch, index);

	copy->result = result;
	if (result == COPY_SENT)
		line->hop->sent++;
	else
		copy->reply = printable_reply(code, text);
	settle(line->relay, batch, envelope);
}

/* For what has taken down each connection that it was on. */
static void
give_up(struct relay *relay, struct batch *batch, guint index)
{
	const struct envelope envelope = *batch_envelope(batch, index);
	guint open = envelope.count - envelope.answered;

	for (guint i = envelope.first; open > 0; i++) {
		struct copy *copy = batch_copy(batch, i);

		if (copy->result != COPY_OPEN)
			continue;
		open--;
		copy->result = COPY_DEFERRED;
		copy->reply = g_strdup("no answer: the connection to the "
				       "relay was lost each time");
		settle(relay, batch, index);
	}
}

/* As it is: nobody is told anything of it. */
void
relay_skip(struct relay *relay, struct batch *batch, guint index)
{
	const struct envelope envelope = *batch_envelope(batch, index);

	for (guint open = envelope.count - envelope.answered; open > 0; open--)
		settle(relay, batch, index);
}

static void
on_again(void *arg, struct batch *batch, guint index, bool lost)
{
	struct line *line = arg;
	struct envelope *envelope = batch_envelope(batch, index);

	line->relay->fresh = true;
	envelope->losses += lost;
	if (envelope->losses >= LOSSES_MAX)
		give_up(line->relay, batch, index);
	else
		turns_again(line->relay->turns, batch, index);
}

static void
on_refused(void *arg, int code, const char *text)
{
	struct line *line = arg;

	hop_failed(line->hop, code, text);
}

/* --- lines -------------------------------------------------------------- */

/* Edges are told, once for all: a connection reads and writes until nothing
 * more can be. */
static void
poll_line(struct line *line)
{
	struct epoll_event event = { .data.ptr = line };

	event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	if (epoll_ctl(line->relay->epoll_fd, EPOLL_CTL_ADD,
		      conn_fd(line->conn), &event) != 0)
		g_error("epoll: %s", g_strerror(errno));
}

void
line_open(struct relay *relay, struct hop *hop)
{
	struct line *line = g_new0(struct line, 1);
	struct conn_events events = { on_answered, on_again, on_refused,
				      line };

	line->relay = relay;
	line->hop = hop;
	line->conn = hop_connect(hop, relay->settings, &events);
	if (line->conn == NULL) {
		g_free(line);
		return;
	}
	hop->lines++;
	g_ptr_array_add(relay->lines, line);
	poll_line(line);
}

void
line_close(struct line *line)
{
	struct relay *relay = line->relay;
	unsigned int open = conn_open_count(line->conn);
	unsigned int unknown;

	if (!conn_is_greeted(line->conn) && !relay->draining)
		hop_failed(line->hop, 0, "the connection ended before it was "
			   "greeted");
	g_ptr_array_remove_fast(relay->lines, line);
	line->hop->lines--;
	/* Closing does not do that where a process that is just being
	 * started has the descriptor too: then there would be events for who
	 * is gone. */
	(void) epoll_ctl(relay->epoll_fd, EPOLL_CTL_DEL, conn_fd(line->conn),
			 NULL);
	unknown = conn_close(line->conn);
	if (open > 0)
		log_warning(NULL, "outbound.lost-connection",
			    kv_str("host", line->hop->host),
			    kv_num("port", line->hop->port),
			    kv_num("unanswered", open),
			    kv_num("may-repeat", unknown));
	g_free(line);
}
