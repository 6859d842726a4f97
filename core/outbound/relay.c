/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/relay.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/outbound/conn.h"
#include "core/base/banned.h"

#define COPIES_PER_CONN 5	/* waiting, before one more is opened */
#define IDLE_MS 30000		/* an unused connection is kept so long */
#define PAUSE_FIRST_MS 1000
#define PAUSE_MOST_MS 60000
#define LOSSES_MAX 5		/* of connections with one and the same copy */
#define POLL_MS 1000

struct line {			/* a connection and since when it is unused */
	struct relay *relay;
	struct conn *conn;
	int64_t idle_since_ms;	/* 0: in use */
	bool retiring;		/* of old settings: no more copies */
};

struct relay {
	void (*finished)(void *arg, struct batch *batch);
	void *arg;
	pthread_t thread;
	int wake_fd;
	pthread_mutex_t lock;		/* of the next four */
	GQueue incoming;		/* of struct batch */
	struct settings *next_settings;
	bool stopping;
	int64_t stop_by_ms;

	/* the thread's own */
	struct settings *settings;
	GQueue waiting;			/* batches with copies to start */
	GHashTable *all;		/* set of batches that are here */
	GPtrArray *lines;
	bool draining;			/* has seen that it is to stop */
	int64_t pause_until_ms;
	int64_t pause_ms;		/* of the last pause, 0: service is up */
};

/* --- answers ------------------------------------------------------------ */

static void
settle(struct relay *relay, struct batch *batch)
{
	if (++batch->answered < batch->copies->len)
		return;
	g_hash_table_remove(relay->all, batch);
	relay->finished(relay->arg, batch);
}

/* Replies may hold anything; what is kept is one line of UTF-8. */
static char *
reply_line(int code, const char *text)
{
	g_autofree char *line = g_strdup_printf("%d %.800s", code, text);
	char *valid = g_utf8_make_valid(line, -1);

	for (char *p = valid; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return valid;
}

static void
on_answered(void *arg, struct batch *batch, guint index,
	    enum copy_result result, int code, const char *text)
{
	struct line *line = arg;
	struct copy *copy = batch_copy(batch, index);

	copy->result = result;
	if (result != COPY_SENT)
		copy->reply = reply_line(code, text);
	settle(line->relay, batch);
}

/* For what has taken down each connection that it was on. */
static void
give_up(struct relay *relay, struct batch *batch,
	const struct envelope *envelope)
{
	guint first = envelope->first, end = first + envelope->count, open = 0;

	for (guint i = first; i < end; i++)
		open += batch_copy(batch, i)->result == COPY_OPEN;
	for (guint i = first; open > 0; i++) {
		struct copy *copy = batch_copy(batch, i);

		if (copy->result != COPY_OPEN)
			continue;
		open--;
		copy->result = COPY_DEFERRED;
		copy->reply = g_strdup("no answer: the connection to the "
				       "relay was lost each time");
		settle(relay, batch);
	}
}

static bool
has_more(const struct batch *batch)
{
	return batch->next < batch->envelopes->len ||
		!g_queue_is_empty((GQueue *)(uintptr_t)&batch->again);
}

static void
on_again(void *arg, struct batch *batch, guint index, bool lost)
{
	struct line *line = arg;
	struct envelope *envelope = batch_envelope(batch, index);
	bool was_idle = !has_more(batch);

	envelope->losses += lost;
	if (envelope->losses >= LOSSES_MAX) {
		give_up(line->relay, batch, envelope);
		return;
	}
	g_queue_push_tail(&batch->again, GUINT_TO_POINTER(index));
	if (was_idle)
		g_queue_push_tail(&line->relay->waiting, batch);
}

static void
pause_relay(struct relay *relay, int code, const char *text)
{
	g_autofree char *why = reply_line(code, text);
	bool was_up = relay->pause_ms == 0;

	if (wire_now_ms() < relay->pause_until_ms)
		return;
	relay->pause_ms = was_up ? PAUSE_FIRST_MS :
		MIN(relay->pause_ms * 2, PAUSE_MOST_MS);
	relay->pause_until_ms = wire_now_ms() + relay->pause_ms;
	if (was_up)
		log_warning(NULL, "outbound.relay-down",
			    kv_str("host", relay->settings->relay_host),
			    kv_num("port", relay->settings->relay_port),
			    kv_str("why", why),
			    kv_str("todo", "see that the relay runs; muster "
				   "goes on by itself"));
}

static void
on_refused(void *arg, int code, const char *text)
{
	struct line *line = arg;

	pause_relay(line->relay, code, text);
}

static void
note_up(struct relay *relay)
{
	if (relay->pause_ms == 0 || wire_now_ms() < relay->pause_until_ms)
		return;
	relay->pause_ms = 0;
	log_info(NULL, "outbound.relay-up",
		 kv_str("host", relay->settings->relay_host),
		 kv_num("port", relay->settings->relay_port));
}

/* --- connections -------------------------------------------------------- */

static struct conn *
connect_any(struct relay *relay, const struct conn_events *events)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	struct conn *conn = NULL;
	char port[16];
	int rc;

	(void) g_snprintf(port, sizeof(port), "%d",
			  (int)relay->settings->relay_port);
	rc = getaddrinfo(relay->settings->relay_host, port, &hints, &found);
	if (rc != 0) {
		pause_relay(relay, 0, gai_strerror(rc));
		return NULL;
	}
	for (struct addrinfo *at = found; at != NULL && conn == NULL;
	     at = at->ai_next)
		conn = conn_open(at->ai_addr, at->ai_addrlen,
				 relay->settings, events);
	if (conn == NULL)
		pause_relay(relay, 0, g_strerror(errno));
	freeaddrinfo(found);
	return conn;
}

static void
open_line(struct relay *relay)
{
	struct line *line = g_new0(struct line, 1);
	struct conn_events events = { on_answered, on_again, on_refused,
				      line };

	line->relay = relay;
	line->conn = connect_any(relay, &events);
	if (line->conn != NULL)
		g_ptr_array_add(relay->lines, line);
	else
		g_free(line);
}

static void
close_line(struct relay *relay, guint index)
{
	struct line *line = g_ptr_array_index(relay->lines, index);
	unsigned int open = conn_open_count(line->conn);
	unsigned int unknown;

	if (!conn_is_greeted(line->conn) && !relay->draining)
		pause_relay(relay, 0, "the connection ended before it was "
			    "greeted");
	g_ptr_array_remove_index_fast(relay->lines, index);
	unknown = conn_close(line->conn);
	if (open > 0)
		log_warning(NULL, "outbound.lost-connection",
			    kv_num("unanswered", open),
			    kv_num("may-repeat", unknown));
	g_free(line);
}

/* --- work --------------------------------------------------------------- */

static guint
envelopes_waiting(const struct relay *relay, guint enough)
{
	guint count = 0;

	for (GList *at = relay->waiting.head; at != NULL && count < enough;
	     at = at->next) {
		const struct batch *batch = at->data;

		count += batch->envelopes->len - batch->next +
			batch->again.length;
	}
	return count;
}

/* The next envelope of the batch whose turn it is. */
static bool
next_envelope(struct relay *relay, struct batch **batch_out,
	      guint *index_out)
{
	struct batch *batch = g_queue_peek_head(&relay->waiting);

	if (batch == NULL)
		return false;
	if (!g_queue_is_empty(&batch->again))
		*index_out = GPOINTER_TO_UINT(
			g_queue_pop_head(&batch->again));
	else
		*index_out = batch->next++;
	if (!has_more(batch))
		(void) g_queue_pop_head(&relay->waiting);
	else if (relay->waiting.length > 1)
		g_queue_push_tail_link(&relay->waiting,
				       g_queue_pop_head_link(&relay->waiting));
	*batch_out = batch;
	return true;
}

/* It goes alone, on a connection on which nothing else is under way. */
static bool
next_is_suspect(const struct relay *relay)
{
	const struct batch *batch = g_queue_peek_head(
		(GQueue *)(uintptr_t)&relay->waiting);

	return batch != NULL && batch->again.length > 0 && batch_envelope(
		batch, GPOINTER_TO_UINT(batch->again.head->data))->losses > 0;
}

static void
fill_line(struct relay *relay, struct line *line)
{
	struct batch *batch;
	guint index;

	while (!line->retiring && conn_has_room(line->conn) &&
	       (conn_open_count(line->conn) == 0 || !next_is_suspect(relay)) &&
	       next_envelope(relay, &batch, &index))
		conn_start(line->conn, batch, index);
}

static bool
may_start(const struct relay *relay)
{
	return !relay->draining && wire_now_ms() >= relay->pause_until_ms;
}

static void
fill_lines(struct relay *relay)
{
	if (!may_start(relay))
		return;
	for (guint i = 0; i < relay->lines->len; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		if (conn_is_greeted(line->conn))
			note_up(relay);
		fill_line(relay, line);
	}
}

static void
open_lines(struct relay *relay)
{
	guint lines = relay->lines->len;
	guint most = (guint)relay->settings->connections;

	if (relay->draining || lines >= most ||
	    wire_now_ms() < relay->pause_until_ms)
		return;
	/* After a pause one connection tries how things are. */
	if (relay->pause_ms != 0 && lines > 0)
		return;
	if (envelopes_waiting(relay, lines * COPIES_PER_CONN + 1) >
	    lines * COPIES_PER_CONN)
		open_line(relay);
}

/* The answer to one connection goes out before the next one is looked at, so
 * that the relay works on it meanwhile. False: it is over. */
static bool
exchange(struct relay *relay, struct line *line)
{
	if (!conn_read(line->conn))
		return false;
	if (may_start(relay))
		fill_line(relay, line);
	return conn_write(line->conn);
}

static void
note_idle(struct line *line, int64_t now)
{
	if (conn_open_count(line->conn) > 0 || !conn_is_greeted(line->conn))
		line->idle_since_ms = 0;
	else if (line->idle_since_ms == 0)
		line->idle_since_ms = now;
}

static void
serve_line(struct relay *relay, guint index, int64_t now, bool is_ready)
{
	struct line *line = g_ptr_array_index(relay->lines, index);

	if (is_ready && !exchange(relay, line)) {
		close_line(relay, index);
		return;
	}
	note_idle(line, now);
	if (line->idle_since_ms != 0) {
		if (line->retiring || conn_is_worn(line->conn) ||
		    now - line->idle_since_ms > IDLE_MS)
			close_line(relay, index);
	} else if (now > conn_deadline_ms(line->conn)) {
		pause_relay(relay, 0, "no answer in time");
		close_line(relay, index);
	}
}

/* Open connections end what they are at under the old ones. */
static void
change_settings(struct relay *relay, struct settings *settings)
{
	for (guint i = 0; i < relay->lines->len; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		line->retiring = true;
	}
	settings_unref(relay->settings);
	relay->settings = settings;
	relay->pause_until_ms = 0;
}

static void
take_incoming(struct relay *relay)
{
	struct batch *batch;

	(void) pthread_mutex_lock(&relay->lock);
	while ((batch = g_queue_pop_head(&relay->incoming)) != NULL) {
		g_hash_table_add(relay->all, batch);
		g_queue_push_tail(&relay->waiting, batch);
	}
	if (relay->next_settings != NULL)
		change_settings(relay, g_steal_pointer(&relay->next_settings));
	(void) pthread_mutex_unlock(&relay->lock);
}

static void
wait_and_serve(struct relay *relay)
{
	guint lines = relay->lines->len;
	g_autofree struct pollfd *polls = g_new0(struct pollfd, lines + 1);
	bool nothing = lines == 0 && g_queue_is_empty(&relay->waiting);
	uint64_t hints;
	int64_t now;

	polls[lines].fd = relay->wake_fd;
	polls[lines].events = POLLIN;
	for (guint i = 0; i < lines; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		polls[i].fd = conn_fd(line->conn);
		polls[i].events = conn_poll_events(line->conn);
	}
	(void) poll(polls, lines + 1, nothing ? -1 : POLL_MS);
	if (polls[lines].revents != 0 &&
	    read(relay->wake_fd, &hints, sizeof(hints)) < 0)
		return;
	now = wire_now_ms();
	for (guint i = lines; i > 0; i--)
		serve_line(relay, i - 1, now, polls[i - 1].revents != 0);
}

static void
write_lines(struct relay *relay)
{
	for (guint i = relay->lines->len; i > 0; i--) {
		struct line *line = g_ptr_array_index(relay->lines, i - 1);

		if (!conn_write(line->conn))
			close_line(relay, i - 1);
	}
}

static bool
has_open_copies(struct relay *relay)
{
	unsigned int open = 0;

	for (guint i = 0; i < relay->lines->len; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		open += conn_open_count(line->conn);
	}
	return open > 0 && wire_now_ms() < relay->stop_by_ms;
}

static void
give_all_back(struct relay *relay)
{
	GHashTableIter iter;
	gpointer batch;

	for (guint i = relay->lines->len; i > 0; i--)
		close_line(relay, i - 1);
	take_incoming(relay);
	g_hash_table_iter_init(&iter, relay->all);
	while (g_hash_table_iter_next(&iter, &batch, NULL))
		relay->finished(relay->arg, batch);
}

static bool
goes_on(struct relay *relay)
{
	(void) pthread_mutex_lock(&relay->lock);
	relay->draining = relay->stopping;
	(void) pthread_mutex_unlock(&relay->lock);
	return !relay->draining || has_open_copies(relay);
}

static void *
run(void *data)
{
	struct relay *relay = data;

	while (goes_on(relay)) {
		take_incoming(relay);
		fill_lines(relay);
		open_lines(relay);
		write_lines(relay);
		wait_and_serve(relay);
	}
	give_all_back(relay);
	return NULL;
}

/* --- from outside ------------------------------------------------------- */

struct relay *
relay_start(struct settings *settings,
	    void (*finished)(void *arg, struct batch *batch), void *arg)
{
	struct relay *relay = g_new0(struct relay, 1);

	relay->finished = finished;
	relay->arg = arg;
	relay->settings = settings_ref(settings);
	relay->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	relay->all = g_hash_table_new(NULL, NULL);
	relay->lines = g_ptr_array_new();
	g_queue_init(&relay->incoming);
	g_queue_init(&relay->waiting);
	(void) pthread_mutex_init(&relay->lock, NULL);
	if (relay->wake_fd < 0 ||
	    pthread_create(&relay->thread, NULL, run, relay) != 0)
		g_error("cannot start the relay's thread");
	(void) pthread_setname_np(relay->thread, "relay");
	return relay;
}

static void
wake(struct relay *relay)
{
	uint64_t one = 1;

	if (write(relay->wake_fd, &one, sizeof(one)) < 0)
		return;		/* full: it is awake anyway */
}

void
relay_push(struct relay *relay, struct batch *batch)
{
	(void) pthread_mutex_lock(&relay->lock);
	g_queue_push_tail(&relay->incoming, batch);
	(void) pthread_mutex_unlock(&relay->lock);
	wake(relay);
}

void
relay_reload(struct relay *relay, struct settings *settings)
{
	(void) pthread_mutex_lock(&relay->lock);
	settings_unref(relay->next_settings);
	relay->next_settings = settings_ref(settings);
	(void) pthread_mutex_unlock(&relay->lock);
	wake(relay);
}

void
relay_stop(struct relay *relay)
{
	(void) pthread_mutex_lock(&relay->lock);
	relay->stop_by_ms = wire_now_ms() + relay->settings->drain_s * 1000;
	relay->stopping = true;
	(void) pthread_mutex_unlock(&relay->lock);
	wake(relay);
	(void) pthread_join(relay->thread, NULL);
	g_hash_table_destroy(relay->all);
	g_ptr_array_free(relay->lines, TRUE);
	g_queue_clear(&relay->waiting);
	(void) close(relay->wake_fd);
	(void) pthread_mutex_destroy(&relay->lock);
	settings_unref(relay->next_settings);
	settings_unref(relay->settings);
	g_free(relay);
}
