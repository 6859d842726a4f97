/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The thread that keeps the relays busy. A line is a connection to one of
 * them; a round takes what the dispatcher has pushed, gives envelopes to lines
 * that have room, and serves the lines that have something to say.
 */
#include "core/outbound/relay_inside.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/watch.h"
#include "core/base/banned.h"

#define IDLE_MS 30000		/* an unused connection is kept so long */
#define SWEEP_MS 250		/* between looks at all lines */
#define EVENTS_MAX 64
#define HUNG_UP (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

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
exchange(struct relay *relay, struct line *line, uint32_t events)
{
	bool greeted = conn_is_greeted(line->conn);

	if (!conn_read(line->conn, (events & HUNG_UP) != 0)) {
		line_close(line);
		return;
	}
	if (!greeted && conn_is_greeted(line->conn))
		note_greeted(relay, line);
	if (relay->hops->len > 1)
		relay->fresh = true;
	else
		relay_fill_line(relay, line);
	if (!conn_write(line->conn))
		line_close(line);
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
			exchange(relay, events[i].data.ptr,
				 events[i].events);
		else if (read(relay->wake_fd, &hints, sizeof(hints)) < 0)
			continue;
}

/* --- now and then ------------------------------------------------------- */

/* We may have been held up ourselves, and the answer is there. */
static void
end_wait(struct line *line)
{
	struct pollfd there = { .fd = conn_fd(line->conn), .events = POLLIN };

	if (poll(&there, 1, 0) > 0) {
		exchange(line->relay, line, EPOLLIN);
		return;
	}
	hop_failed(line->hop, 0, "no answer in time");
	line_close(line);
}

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
		     now - line->idle_since_ms > IDLE_MS))
		line_close(line);
	else if (!idle && now > conn_deadline_ms(line->conn))
		end_wait(line);
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
		(void) g_strlcpy(row.why, row.down ? hop->why : "",
				 sizeof(row.why));
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

	/* Without connections it may be long until the next round. */
	if (now - relay->swept_ms < SWEEP_MS && !relay->draining &&
	    relay->lines->len > 0)
		return;
	relay->swept_ms = now;
	for (guint i = relay->lines->len; i > 0; i--)
		sweep_line(g_ptr_array_index(relay->lines, i - 1), now);
	relay_let_late_go(relay);
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
		line_close(g_ptr_array_index(relay->lines, 0));
	take_incoming(relay);
	g_hash_table_iter_init(&iter, relay->all);
	while (g_hash_table_iter_next(&iter, &batch, NULL))
		relay->finished(relay->arg, batch);
}

static void
give_work(struct relay *relay)
{
	relay->fresh = false;
	relay_open_lines(relay);
	relay_fill_lines(relay);
	for (guint i = relay->lines->len; i > 0; i--) {
		struct line *line = g_ptr_array_index(relay->lines, i - 1);

		if (!conn_write(line->conn))
			line_close(line);
	}
}

static void *
run(void *data)
{
	struct relay *relay = data;

	(void) pthread_setname_np(pthread_self(), "relay");
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
