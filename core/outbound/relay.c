/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The thread that keeps the relays busy. A line is a connection to one of
 * them; a round takes what the dispatcher has pushed, gives envelopes to lines
 * that have room, and serves the lines that have something to say.
 */
#include "core/outbound/relay.h"

#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/outbound/conn.h"
#include "core/outbound/hop.h"
#include "core/outbound/turns.h"
#include "core/watch.h"
#include "core/base/banned.h"

#define COPIES_PER_LINE 5	/* waiting, before one more is opened */
#define IDLE_MS 30000		/* an unused connection is kept so long */
#define LOSSES_MAX 5		/* of connections with one and the same copy */
#define SWEEP_MS 250		/* between looks at all lines */
#define EVENTS_MAX 64
#define LEAD 8.0		/* of a relay, transactions / weight */

struct line {
	struct relay *relay;
	struct hop *hop;
	struct conn *conn;
	uint32_t events;	/* that it is polled for */
	int64_t idle_since_ms;	/* 0: in use */
	bool retiring;		/* of old settings: no more copies */
};

struct relay {
	void (*finished)(void *arg, struct batch *batch);
	void *arg;
	pthread_t thread;
	int wake_fd;
	pthread_mutex_t lock;		/* of the next five */
	GQueue incoming;		/* of struct batch */
	struct settings *next_settings;
	bool stopping;
	int64_t stop_by_ms;
	GArray *report;			/* of struct relay_report */
	gint offers_xverp;		/* atomic */

	/* the thread's own */
	struct settings *settings;
	struct turns *turns;
	GHashTable *all;		/* set of batches that are here */
	GPtrArray *hops;
	GPtrArray *old_hops;		/* of old settings, with lines yet */
	GPtrArray *lines;
	int epoll_fd;
	bool draining;			/* has seen that it is to stop */
	bool fresh;			/* lines with room may find work */
	int64_t swept_ms;
};

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

/* What the connection waits for now. */
static void
poll_line(struct line *line)
{
	struct epoll_event event = { .data.ptr = line };
	int how = line->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	event.events = EPOLLIN |
		(conn_wants_write(line->conn) ? (uint32_t)EPOLLOUT : 0);
	if (event.events == line->events)
		return;
	line->events = event.events;
	if (epoll_ctl(line->relay->epoll_fd, how, conn_fd(line->conn),
		      &event) != 0)
		g_error("epoll: %s", g_strerror(errno));
}

static void
open_line(struct relay *relay, struct hop *hop)
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

static void
close_line(struct line *line)
{
	struct relay *relay = line->relay;
	unsigned int open = conn_open_count(line->conn);
	unsigned int unknown;

	if (!conn_is_greeted(line->conn) && !relay->draining)
		hop_failed(line->hop, 0, "the connection ended before it was "
			   "greeted");
	g_ptr_array_remove_fast(relay->lines, line);
	line->hop->lines--;
	unknown = conn_close(line->conn);
	if (open > 0)
		log_warning(NULL, "outbound.lost-connection",
			    kv_str("host", line->hop->host),
			    kv_num("port", line->hop->port),
			    kv_num("unanswered", open),
			    kv_num("may-repeat", unknown));
	g_free(line);
}

/* --- work --------------------------------------------------------------- */

static bool
has_room(const struct relay *relay, const struct line *line)
{
	return !relay->draining && !line->retiring &&
		conn_has_room(line->conn) &&
		!conn_is_stalled(line->conn) &&
		hop_is_ready(line->hop, wire_now_ms());
}

static bool
was_split(struct relay *relay, const struct line *line, struct batch *batch,
	  guint index)
{
	if (batch_envelope(batch, index)->sender != SENDER_XVERP ||
	    conn_offers_xverp(line->conn))
		return false;
	turns_split(relay->turns, batch, index);
	return true;
}

static bool
start_next(struct relay *relay, struct line *line)
{
	struct batch *batch;
	guint index;

	do {
		if (!turns_next(relay->turns, conn_open_count(line->conn) ==
				0, &batch, &index))
			return false;
	} while (was_split(relay, line, batch, index));
	line->hop->pass += 1.0 / (double)line->hop->weight;
	watch_post(&batch->post, batch->list);
	conn_start(line->conn, batch, index);
	return true;
}

static void
fill_line(struct relay *relay, struct line *line)
{
	if (!has_room(relay, line))
		return;
	while (conn_has_room(line->conn) && start_next(relay, line))
		;
}

/* The pass of the relay that is furthest behind its share, of those that have
 * a connection which works. */
static double
least_pass(const struct relay *relay)
{
	double least = G_MAXDOUBLE;

	for (guint i = 0; i < relay->lines->len; i++) {
		const struct line *line = g_ptr_array_index(relay->lines, i);

		if (!line->retiring && conn_is_greeted(line->conn) &&
		    !conn_is_stalled(line->conn))
			least = MIN(least, line->hop->pass);
	}
	return least;
}

/* Of the lines with room, one of the relay that is furthest behind its
 * share. None is far ahead of it: weights are kept even where the others have
 * time to spare. */
static struct line *
neediest(struct relay *relay)
{
	double most = least_pass(relay) + LEAD;
	struct line *best = NULL;

	for (guint i = 0; i < relay->lines->len; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		if (line->hop->pass <= most && has_room(relay, line) &&
		    (best == NULL ||
		     line->hop->pass < best->hop->pass ||
		     (line->hop == best->hop && conn_open_count(line->conn) <
		      conn_open_count(best->conn))))
			best = line;
	}
	return best;
}

/* A relay that had no room for a while has no claim for that time. */
static void
level(struct relay *relay, double least)
{
	for (guint i = 0; i < relay->hops->len; i++) {
		struct hop *hop = g_ptr_array_index(relay->hops, i);

		hop->pass = MAX(hop->pass, least - LEAD - 1);
	}
}

static void
fill_by_weight(struct relay *relay)
{
	struct line *line;

	while (turns_waiting(relay->turns, 1) > 0 &&
	       (line = neediest(relay)) != NULL) {
		level(relay, line->hop->pass);
		if (!start_next(relay, line))
			return;
	}
}

static void
fill_lines(struct relay *relay)
{
	if (relay->hops->len > 1) {
		fill_by_weight(relay);
		return;
	}
	/* One each in turn: who waits behind others waits least. */
	for (bool any = true; any;) {
		any = false;
		for (guint i = 0; i < relay->lines->len; i++) {
			struct line *line = g_ptr_array_index(relay->lines,
							      i);

			any |= has_room(relay, line) &&
				start_next(relay, line);
		}
	}
}

/* How many connections of those that are allowed are this relay's. */
static guint
share_of(const struct relay *relay, const struct hop *hop)
{
	int64_t all = 0;

	for (guint i = 0; i < relay->hops->len; i++) {
		const struct hop *other = g_ptr_array_index(relay->hops, i);

		all += hop_is_down(other) && other != hop ? 0 : other->weight;
	}
	return (guint)MAX(relay->settings->connections * hop->weight / all,
			  1);
}

/* One more connection where there is work for it. A relay that has none gets
 * one for any work, and after a failure that one tries how things are. */
static void
open_lines(struct relay *relay)
{
	guint enough = relay->lines->len * COPIES_PER_LINE;
	guint waiting = turns_waiting(relay->turns, enough + 1);
	int64_t now = wire_now_ms();

	if (relay->draining || waiting == 0)
		return;
	for (guint i = 0; i < relay->hops->len; i++) {
		struct hop *hop = g_ptr_array_index(relay->hops, i);
		guint most = hop_is_down(hop) ? 1 : share_of(relay, hop);

		if (hop->lines < most && hop_is_ready(hop, now) &&
		    (hop->lines == 0 || waiting > enough))
			open_line(relay, hop);
	}
}

/* False: it is over. */
static bool
write_line(struct line *line)
{
	if (!conn_write(line->conn))
		return false;
	poll_line(line);
	return true;
}

static void
note_greeted(struct relay *relay, struct line *line)
{
	bool all = true;

	hop_served(line->hop);
	line->hop->offers_xverp = conn_offers_xverp(line->conn);
	for (guint i = 0; i < relay->hops->len; i++) {
		const struct hop *hop = g_ptr_array_index(relay->hops, i);

		all = all && hop->offers_xverp;
	}
	g_atomic_int_set(&relay->offers_xverp, all);
}

/* The answer to one connection goes out before the next one is looked at, so
 * that the relay works on it meanwhile. */
static void
exchange(struct relay *relay, struct line *line)
{
	bool greeted = conn_is_greeted(line->conn);

	if (!conn_read(line->conn)) {
		close_line(line);
		return;
	}
	if (!greeted && conn_is_greeted(line->conn))
		note_greeted(relay, line);
	if (relay->hops->len > 1)
		relay->fresh = true;
	else
		fill_line(relay, line);
	if (!write_line(line))
		close_line(line);
}

static void
wait_and_serve(struct relay *relay)
{
	struct epoll_event events[EVENTS_MAX];
	bool nothing = relay->lines->len == 0 &&
		turns_waiting(relay->turns, 1) == 0;
	int count;
	uint64_t hints;

	watch_end();
	count = epoll_wait(relay->epoll_fd, events, EVENTS_MAX,
			   nothing ? -1 : SWEEP_MS);

	for (int i = 0; i < count; i++)
		if (events[i].data.ptr != NULL)
			exchange(relay, events[i].data.ptr);
		else if (read(relay->wake_fd, &hints, sizeof(hints)) < 0)
			continue;
}

/* --- now and then ------------------------------------------------------- */

static void
sweep_line(struct line *line, int64_t now)
{
	bool idle = conn_open_count(line->conn) == 0 &&
		conn_is_greeted(line->conn);

	if (!idle)
		line->idle_since_ms = 0;
	else if (line->idle_since_ms == 0)
		line->idle_since_ms = now;
	if (idle && (line->retiring || conn_is_worn(line->conn) ||
		     now - line->idle_since_ms > IDLE_MS)) {
		close_line(line);
	} else if (!idle && now > conn_deadline_ms(line->conn)) {
		hop_failed(line->hop, 0, "no answer in time");
		close_line(line);
	}
}

static guint
stalled_lines(const struct relay *relay, const struct hop *hop)
{
	guint count = 0;

	for (guint i = 0; i < relay->lines->len; i++) {
		const struct line *line = g_ptr_array_index(relay->lines, i);

		count += line->hop == hop && conn_is_stalled(line->conn);
	}
	return count;
}

static void
report(struct relay *relay)
{
	(void) pthread_mutex_lock(&relay->lock);
	g_array_set_size(relay->report, 0);
	for (guint i = 0; i < relay->hops->len; i++) {
		const struct hop *hop = g_ptr_array_index(relay->hops, i);
		struct relay_report row = { .port = hop->port,
			.connections = hop->lines, .sent = hop->sent,
			.stalled = stalled_lines(relay, hop),
			.down = hop_is_down(hop) };

		(void) g_strlcpy(row.host, hop->host, sizeof(row.host));
		g_array_append_val(relay->report, row);
	}
	(void) pthread_mutex_unlock(&relay->lock);
}

static void
drop_old_hops(struct relay *relay)
{
	for (guint i = relay->old_hops->len; i > 0; i--) {
		struct hop *hop = g_ptr_array_index(relay->old_hops, i - 1);

		if (hop->lines == 0)
			hop_free(g_ptr_array_remove_index_fast(
				relay->old_hops, i - 1));
	}
}

static void
sweep(struct relay *relay)
{
	int64_t now = wire_now_ms();

	if (now - relay->swept_ms < SWEEP_MS && !relay->draining)
		return;
	relay->swept_ms = now;
	for (guint i = relay->lines->len; i > 0; i--)
		sweep_line(g_ptr_array_index(relay->lines, i - 1), now);
	drop_old_hops(relay);
	report(relay);
	relay->fresh = true;	/* a pause may be over */
}

/* --- from outside, in the thread ---------------------------------------- */

static void
make_hops(struct relay *relay)
{
	for (size_t i = 0; i < relay->settings->relay_count; i++)
		g_ptr_array_add(relay->hops, hop_new(
			&relay->settings->relays[i]));
}

/* Open connections end what they are at under the old ones. */
static void
change_settings(struct relay *relay, struct settings *settings)
{
	for (guint i = 0; i < relay->lines->len; i++) {
		struct line *line = g_ptr_array_index(relay->lines, i);

		line->retiring = true;
	}
	g_ptr_array_extend_and_steal(relay->old_hops, relay->hops);
	relay->hops = g_ptr_array_new();
	settings_unref(relay->settings);
	relay->settings = settings;
	make_hops(relay);
}

static void
take_incoming(struct relay *relay)
{
	struct settings *settings;
	struct batch *batch;

	(void) pthread_mutex_lock(&relay->lock);
	relay->draining = relay->stopping;
	while ((batch = g_queue_pop_head(&relay->incoming)) != NULL) {
		g_hash_table_add(relay->all, batch);
		turns_add(relay->turns, batch);
		relay->fresh = true;
	}
	settings = g_steal_pointer(&relay->next_settings);
	(void) pthread_mutex_unlock(&relay->lock);
	if (settings != NULL)
		change_settings(relay, settings);
}

static bool
has_open_copies(const struct relay *relay)
{
	for (guint i = 0; i < relay->lines->len; i++) {
		const struct line *line = g_ptr_array_index(relay->lines, i);

		if (conn_open_count(line->conn) > 0)
			return wire_now_ms() < relay->stop_by_ms;
	}
	return false;
}

static void
give_all_back(struct relay *relay)
{
	GHashTableIter iter;
	gpointer batch;

	while (relay->lines->len > 0)
		close_line(g_ptr_array_index(relay->lines, 0));
	take_incoming(relay);
	g_hash_table_iter_init(&iter, relay->all);
	while (g_hash_table_iter_next(&iter, &batch, NULL))
		relay->finished(relay->arg, batch);
}

static void
give_work(struct relay *relay)
{
	relay->fresh = false;
	open_lines(relay);
	fill_lines(relay);
	for (guint i = relay->lines->len; i > 0; i--) {
		struct line *line = g_ptr_array_index(relay->lines, i - 1);

		if (!write_line(line))
			close_line(line);
	}
}

static void *
run(void *data)
{
	struct relay *relay = data;

	for (;;) {
		take_incoming(relay);
		if (relay->draining && !has_open_copies(relay))
			break;
		sweep(relay);
		if (relay->fresh)
			give_work(relay);
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
	struct epoll_event hint = { .events = EPOLLIN };

	relay->finished = finished;
	relay->arg = arg;
	relay->settings = settings_ref(settings);
	relay->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	relay->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	relay->turns = turns_new();
	relay->all = g_hash_table_new(NULL, NULL);
	relay->lines = g_ptr_array_new();
	relay->hops = g_ptr_array_new();
	relay->old_hops = g_ptr_array_new();
	relay->report = g_array_new(FALSE, TRUE, sizeof(struct relay_report));
	make_hops(relay);
	g_queue_init(&relay->incoming);
	(void) pthread_mutex_init(&relay->lock, NULL);
	if (relay->wake_fd < 0 || relay->epoll_fd < 0 ||
	    epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, relay->wake_fd,
		      &hint) != 0 ||
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

GArray *
relay_reports(struct relay *relay)
{
	GArray *copy;

	(void) pthread_mutex_lock(&relay->lock);
	copy = g_array_copy(relay->report);
	(void) pthread_mutex_unlock(&relay->lock);
	return copy;
}

bool
relay_offers_xverp(struct relay *relay)
{
	return g_atomic_int_get(&relay->offers_xverp);
}

static void
free_hops(GPtrArray *hops)
{
	g_ptr_array_foreach(hops, (GFunc)(void (*)(void))hop_free, NULL);
	g_ptr_array_free(hops, TRUE);
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
	turns_free(relay->turns);
	g_ptr_array_free(relay->lines, TRUE);
	free_hops(relay->hops);
	free_hops(relay->old_hops);
	g_array_free(relay->report, TRUE);
	(void) close(relay->wake_fd);
	(void) close(relay->epoll_fd);
	(void) pthread_mutex_destroy(&relay->lock);
	settings_unref(relay->next_settings);
	settings_unref(relay->settings);
	g_free(relay);
}
