/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the answers on a connection mean; conn_say.c has what is said.
 */
#include <string.h>

#include "core/outbound/conn_inside.h"
#include "core/watch.h"
#include "core/base/banned.h"

#define REFUSALS_MAX 8
#define BODIES_MAX 2		/* with DATA: one is answered, one on its way */
#define WINDOW_MOST 50		/* transactions without an answer, with BDAT */
#define WINDOW_US 200000	/* that they take the relay: so long, at most,
				 * an urgent one waits behind others */
#define STALL_US 100000		/* without an answer, at the least */
#define STALL_PACES 4
#define UNWRITTEN_MOST (256 * 1024)	/* bytes that others wait behind */

bool
conn_is_worn(const struct conn *conn)
{
	return conn->refusals >= REFUSALS_MAX;
}

/* As many as the relay works off in WINDOW_US, but always one besides that
 * which it is at. */
static guint
window(const struct conn *conn)
{
	return (guint)CLAMP(WINDOW_US / MAX(conn->pace_us, 1), BODIES_MAX,
			    WINDOW_MOST);
}

void
conn_note_pace(struct conn *conn, int64_t now)
{
	int64_t each;

	if (conn->ended == 0)
		return;
	each = (now - conn->paced_us) / conn->ended;
	conn->pace_us += (each - conn->pace_us) / 4;
	conn->paced_us = now;
	conn->ended = 0;
}

bool
conn_has_room(const struct conn *conn)
{
	guint flights = fifo_len(&conn->flights);

	if (!conn->greeted || conn->over || conn->is_open ||
	    conn_is_worn(conn) || (conn->is_alone && flights > 0))
		return false;
	if (conn->chunking)
		return flights < window(conn) &&
			conn->unwritten < UNWRITTEN_MOST;
	return flights < (conn->pipelining ? BODIES_MAX : 1);
}

bool
conn_is_stalled(const struct conn *conn)
{
	return fifo_len(&conn->flights) > 0 &&
		g_get_monotonic_time() - conn->paced_us >
		MAX(STALL_US, STALL_PACES * conn->pace_us);
}

int64_t
conn_silent_ms(const struct conn *conn)
{
	return fifo_len(&conn->flights) == 0 ? 0 :
		(g_get_monotonic_time() - conn->paced_us) / 1000;
}

void
conn_each_open(struct conn *conn,
	       void (*see)(void *arg, struct batch *batch, guint open),
	       void *arg)
{
	for (guint i = 0; i < fifo_len(&conn->flights); i++) {
		const struct flight *flight = fifo_at(&conn->flights,
						      struct flight, i);

		if (flight->open > 0)
			see(arg, flight->batch, flight->open);
	}
}

void
conn_move(struct conn *conn, struct batch *from, struct batch *to)
{
	for (guint i = 0; i < fifo_len(&conn->flights); i++) {
		struct flight *flight = fifo_at(&conn->flights,
						struct flight, i);

		if (flight->batch == from)
			flight->batch = to;
	}
}

bool
conn_offers_xverp(const struct conn *conn)
{
	return conn->xverp;
}

unsigned int
conn_open_count(const struct conn *conn)
{
	return fifo_len(&conn->flights);
}

static struct flight *
front(const struct conn *conn)
{
	return fifo_at(&conn->flights, struct flight, 0);
}

/* --- what is answered --------------------------------------------------- */

static enum copy_result
result_of(int code)
{
	return code < 300 ? COPY_SENT : code < 500 ? COPY_DEFERRED :
		COPY_REFUSED;
}

/* The same answer for all copies that have none. */
static void
tell_all(struct conn *conn, enum copy_result result,
	 const struct reply *reply)
{
	struct flight *flight = front(conn);
	struct batch *batch = flight->batch;
	const struct envelope envelope = flight->open > 0 ?
		*flight_envelope(flight) : (struct envelope){ 0 };
	guint open = flight->open, index = flight->envelope;

	flight->open = 0;
	for (guint i = envelope.first; open > 0; i++) {
		if (batch_copy(batch, i)->result != COPY_OPEN)
			continue;
		open--;
		conn->events.answered(conn->events.arg, batch, index, i,
				      result, reply->code, reply->text);
	}
}

static void
reopen(const struct flight *flight)
{
	const struct envelope *envelope = flight_envelope(flight);

	for (guint i = 0; i < envelope->count; i++) {
		struct copy *copy = batch_copy(flight->batch,
					       envelope->first + i);

		if (copy->result == COPY_AGAIN)
			copy->result = COPY_OPEN;
	}
}

/* Those that have no answer, and those that were too many. */
static void
tell_again(struct conn *conn, struct flight *flight, bool lost)
{
	if (flight->open == 0 && !flight->has_again)
		return;
	if (flight->has_again)
		reopen(flight);
	flight->open = 0;
	flight->has_again = false;
	conn->events.again(conn->events.arg, flight->batch, flight->envelope,
			   lost);
}

static void
end_flight(struct conn *conn)
{
	tell_again(conn, front(conn), false);
	fifo_pop(&conn->flights);
	conn->ended++;
}

/* The transaction is over before its body. */
static void
end_without_body(struct conn *conn)
{
	conn->needs_reset = true;
	conn->is_open = false;
	end_flight(conn);
}

/* In lock-step: what comes behind the answer to MAIL or RCPT. */
static void
next_step(struct conn *conn)
{
	struct flight *flight = front(conn);

	if (conn->pipelining)
		return;
	if (flight->open == 0)
		end_without_body(conn);
	else if (!conn_say_next_rcpt(conn, flight))
		conn_say_data(conn);
}

/*
 * MAIL names only us and the post, so nobody on the list is to be blamed for
 * a refusal. 4xx is the relay's state, and all wait; 5xx is about this post
 * (its size, say), and its copies wait.
 */
static void
on_mail(struct conn *conn, const struct reply *reply)
{
	if (reply->code >= 300 && reply->code < 400) {
		tell_again(conn, front(conn), true);
	} else if (reply->code >= 500) {
		tell_all(conn, COPY_DEFERRED, reply);
	} else if (reply->code >= 400) {
		tell_again(conn, front(conn), false);
		conn->events.refused(conn->events.arg, reply->code,
				     reply->text);
	}
	next_step(conn);
}

/* "Too many recipients" (RFC 5321 section 4.5.3.1.10): the rest of them go in
 * a transaction of their own. */
static bool
is_too_many(const struct flight *flight, const struct reply *reply)
{
	return flight->taken > 0 && (reply->code == 452 ||
				     reply->code == 552);
}

static void
on_rcpt(struct conn *conn, guint copy, const struct reply *reply)
{
	struct flight *flight = front(conn);

	if (reply->code < 300) {
		flight->taken++;
	} else if (flight->open > 0 && is_too_many(flight, reply)) {
		flight->open--;
		flight->has_again = true;
		batch_copy(flight->batch, copy)->result = COPY_AGAIN;
	} else if (flight->open > 0) {
		flight->open--;
		conn->events.answered(conn->events.arg, flight->batch,
				      flight->envelope, copy,
				      result_of(reply->code), reply->code,
				      reply->text);
	}
	next_step(conn);
}

static void
on_data(struct conn *conn, const struct reply *reply)
{
	struct flight *flight = front(conn);

	if (reply->code != 354) {
		/* 2xx to DATA is nonsense; try again rather than guess. */
		if (reply->code < 400)
			tell_again(conn, flight, true);
		else
			tell_all(conn, result_of(reply->code), reply);
		end_without_body(conn);
		return;
	}
	conn->is_open = false;
	if (flight->open > 0) {
		conn_say_body(conn, flight);
		return;
	}
	conn_say_text(conn, ".\r\n");
	(void) conn_expect(conn, EMPTY_DOT);
}

static void
on_body(struct conn *conn, const struct reply *reply)
{
	if (reply->code >= 300 && reply->code < 400)
		tell_again(conn, front(conn), true);
	else
		tell_all(conn, result_of(reply->code), reply);
	end_flight(conn);
}

static void
on_chunk(struct conn *conn, const struct reply *reply)
{
	conn->needs_reset |= reply->code >= 300;
	on_body(conn, reply);
}

/* In lock-step a MAIL waits for it. */
static void
on_reset(struct conn *conn, const struct reply *reply)
{
	conn->over |= reply->code >= 300;
	if (!conn->pipelining && !conn->over)
		conn_say_mail(conn, front(conn));
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
no_service(struct conn *conn, const struct reply *reply)
{
	conn->events.refused(conn->events.arg, reply->code, reply->text);
	conn->over = true;
}

static void
say_hello(struct conn *conn, const char *verb, enum step step)
{
	g_autofree char *text = g_strdup_printf("%s %s\r\n", verb,
						conn->settings->hostname);

	conn_say_text(conn, text);
	(void) conn_expect(conn, step);
}

static void
on_hello(struct conn *conn, enum step step, const struct reply *reply)
{
	if (reply->code >= 300 && step == EHLO) {
		say_hello(conn, "HELO", HELO);
		return;
	}
	if (reply->code >= 300) {
		no_service(conn, reply);
		return;
	}
	conn->greeted = true;
	if (step != EHLO)
		return;
	conn->pipelining = has_extension(reply->text, "PIPELINING");
	conn->chunking = conn->pipelining &&
		has_extension(reply->text, "CHUNKING");
	conn->size = has_extension(reply->text, "SIZE");
	conn->eight_bit = has_extension(reply->text, "8BITMIME");
	conn->dsn = has_extension(reply->text, "DSN");
	conn->smtputf8 = has_extension(reply->text, "SMTPUTF8");
	conn->xverp = has_extension(reply->text, "XVERP");
}

static void
on_greeting(struct conn *conn, const struct reply *reply)
{
	if (reply->code >= 300)
		no_service(conn, reply);
	else
		say_hello(conn, "EHLO", EHLO);
}

/* A refusal may come before all has been said, but who agrees to what he has
 * not got yet is out of step, and his "taken" means some other copy. */
static bool
is_out_of_turn(const struct conn *conn, const struct reply *reply)
{
	return fifo_len(&conn->expected) == 0 || (reply->code < 400 &&
		fifo_at(&conn->expected, struct expectation, 0)->end >
		conn->put - conn->unwritten);
}

/* Where all of it is answered, the batch may be gone. */
static void
note_post(const struct conn *conn)
{
	const struct flight *flight;

	if (fifo_len(&conn->flights) == 0)
		return;
	flight = front(conn);
	if (flight->open > 0 || flight->has_again)
		watch_post(&flight->batch->post, flight->batch->list);
}

void
conn_heard(struct conn *conn, const struct reply *reply)
{
	struct expectation first;

	if (reply->code == 421 || is_out_of_turn(conn, reply)) {
		no_service(conn, reply);
		return;
	}
	first = *fifo_at(&conn->expected, struct expectation, 0);
	fifo_pop(&conn->expected);
	conn->refusals += reply->code >= 400;
	note_post(conn);
	switch (first.step) {
	case GREETING:
		on_greeting(conn, reply);
		break;
	case EHLO:
	case HELO:
		on_hello(conn, first.step, reply);
		break;
	case MAIL:
		on_mail(conn, reply);
		break;
	case RCPT:
		on_rcpt(conn, first.copy, reply);
		break;
	case DATA:
		on_data(conn, reply);
		break;
	case DOT:
	case EMPTY_DOT:
		on_body(conn, reply);
		break;
	case BDAT:
		on_chunk(conn, reply);
		break;
	case RSET:
		on_reset(conn, reply);
		break;
	}
}

unsigned int
conn_abandon(struct conn *conn)
{
	unsigned int unknown = 0;

	for (; fifo_len(&conn->flights) > 0; end_flight(conn)) {
		struct flight *flight = front(conn);

		if (flight->has_body)
			unknown += flight->open;
		tell_again(conn, flight, true);
	}
	return unknown;
}
