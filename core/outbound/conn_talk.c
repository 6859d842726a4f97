/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What is said on a connection, and what the answers mean.
 *
 * In lock-step each command waits for the answer to the last. With PIPELINING
 * (RFC 2920) the commands of a transaction go out together, and those of the
 * next one right behind the body. With CHUNKING (RFC 3030) too, whole
 * transactions follow each other, since BDAT waits for no 354.
 *
 * A transaction all of whose RCPTs are refused is still followed by the DATA
 * that was pipelined behind them: most relays refuse that too (503, 554),
 * some say 354 and get a lone dot, whose answer means nothing (RFC 2920
 * section 3.1). The same goes for BDAT.
 *
 * That one would leave a MAIL open, and what a refused chunk leaves is anybody's
 * guess (RFC 3030 section 2). So a MAIL comes behind an RSET wherever the chunk
 * before it has no answer yet.
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

static const struct envelope *
envelope_of(const struct flight *flight)
{
	return batch_envelope(flight->batch, flight->envelope);
}

/* --- what is said ------------------------------------------------------- */

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
append_number(GString *out, size_t number)
{
	char digits[24], *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	g_string_append(out, at);
}

/* The next command, appended to said by write, is on its way. */
static void
say(struct conn *conn, size_t before)
{
	conn_put(conn, NULL, conn->said->len - before, NULL);
}

static bool
has_utf8(const struct flight *flight)
{
	const struct envelope *envelope = envelope_of(flight);

	for (guint i = 0; i < envelope->count; i++)
		if (batch_copy(flight->batch, envelope->first + i)->is_utf8)
			return true;
	return false;
}

/* What follows the sender in MAIL, for all copies of a post alike. */
static void
append_parameters(const struct conn *conn, const struct composed *what,
		  GString *out)
{
	if (conn->size) {
		g_string_append(out, " SIZE=");
		append_number(out, what->raw.len);
	}
	if (conn->eight_bit && what->eight_bit)
		g_string_append(out, " BODY=8BITMIME");
	if (conn->dsn) {
		g_string_append(out, " RET=HDRS ENVID=");
		g_string_append(out, what->post_id);
	}
}

/* Made once, and again when another post is sent. */
static void
prepare_mail(struct conn *conn, struct composed *what)
{
	if (conn->prepared == what)
		return;
	composed_unref(conn->prepared);
	conn->prepared = composed_ref(what);
	g_string_assign(conn->mail_head, "MAIL FROM:<");
	g_string_assign(conn->mail_tail, ">");
	if (!what->null_sender) {
		g_string_append(conn->mail_head, what->sender_local);
		g_string_printf(conn->mail_tail, "@%s>",
				what->sender_domain);
	}
	append_parameters(conn, what, conn->mail_tail);
}

static void
append_all(GString *out, const GString *text)
{
	g_string_append_len(out, text->str, (gssize)text->len);
}

static void
say_mail(struct conn *conn, const struct flight *flight)
{
	const struct envelope *envelope = envelope_of(flight);
	GString *said = conn->said;
	size_t before = said->len;

	prepare_mail(conn, flight->batch->what);
	append_all(said, conn->mail_head);
	if (!flight->batch->what->null_sender)
		g_string_append(said, envelope->token);
	append_all(said, conn->mail_tail);
	if (envelope->sender == SENDER_XVERP)
		g_string_append(said, " XVERP=+=");
	if (conn->smtputf8 && has_utf8(flight))
		g_string_append(said, " SMTPUTF8");
	g_string_append_len(said, "\r\n", 2);
	say(conn, before);
	(void) conn_expect(conn, MAIL);
}

static void
say_rcpt(struct conn *conn, const struct flight *flight, guint index)
{
	const struct copy *copy = batch_copy(flight->batch, index);
	GString *said = conn->said;
	size_t before = said->len;

	g_string_append(said, "RCPT TO:<");
	g_string_append(said, copy->addr);
	g_string_append_c(said, '>');
	if (conn->dsn)
		g_string_append(said, " NOTIFY=FAILURE");
	if (conn->dsn && !copy->is_utf8) {
		g_string_append(said, " ORCPT=rfc822;");
		append_xtext(said, copy->addr);
	}
	g_string_append_len(said, "\r\n", 2);
	say(conn, before);
	conn_expect(conn, RCPT)->copy = index;
}

static void
say_text(struct conn *conn, const char *text)
{
	size_t before = conn->said->len;

	g_string_append(conn->said, text);
	say(conn, before);
}

/* The first copy of the envelope at or behind `from` that has no answer: one
 * that is sent again may have some. Its end: there is none. */
static guint
open_copy(const struct flight *flight, guint from)
{
	const struct envelope *envelope = envelope_of(flight);
	guint end = envelope->first + envelope->count;

	while (from < end &&
	       batch_copy(flight->batch, from)->result != COPY_OPEN)
		from++;
	return from;
}

static bool
say_next_rcpt(struct conn *conn, struct flight *flight)
{
	const struct envelope *envelope = envelope_of(flight);
	guint copy = open_copy(flight, flight->next);

	if (copy >= envelope->first + envelope->count)
		return false;
	say_rcpt(conn, flight, copy);
	flight->next = copy + 1;
	return true;
}

static void
say_data(struct conn *conn)
{
	say_text(conn, "DATA\r\n");
	(void) conn_expect(conn, DATA);
}

/* What the copy of this flight has of its own: one envelope, one copy. */
static const struct copy *
own_copy(const struct flight *flight)
{
	return batch_copy(flight->batch, envelope_of(flight)->first);
}

static size_t
body_len(const struct flight *flight, const struct text *text)
{
	const struct copy *copy = own_copy(flight);
	const char *values[SLOTS];
	size_t len = text->len;

	if (copy->signature != NULL)
		len += strlen(copy->signature);
	batch_values(copy, values);
	for (guint i = 0; i < text->place_count; i++)
		len += strlen(values[text->places[i].slot]);
	return len;
}

/* The parts that all copies share go out from where they are. */
static void
put_body(struct conn *conn, const struct flight *flight,
	 const struct text *text)
{
	const struct copy *copy = own_copy(flight);
	const char *values[SLOTS];
	size_t from = 0;

	if (copy->signature != NULL)
		say_text(conn, copy->signature);
	batch_values(copy, values);
	for (guint i = 0; i < text->place_count; i++) {
		const struct place *place = &text->places[i];

		if (place->at > from)
			conn_put(conn, text->bytes + from, place->at - from,
				 flight->batch->what);
		say_text(conn, values[place->slot]);
		from = place->at;
	}
	if (text->len > from)
		conn_put(conn, text->bytes + from, text->len - from,
			 flight->batch->what);
}

static void
say_chunk(struct conn *conn, struct flight *flight)
{
	const struct text *text = &flight->batch->what->raw;
	size_t before = conn->said->len;

	g_string_append(conn->said, "BDAT ");
	append_number(conn->said, body_len(flight, text));
	g_string_append(conn->said, " LAST\r\n");
	say(conn, before);
	put_body(conn, flight, text);
	flight->has_body = true;
	(void) conn_expect(conn, BDAT);
}

static void
say_body(struct conn *conn, struct flight *flight)
{
	const struct composed *what = flight->batch->what;

	put_body(conn, flight, what->dotted.bytes != NULL ? &what->dotted :
		 &what->raw);
	say_text(conn, ".\r\n");
	flight->has_body = true;
	(void) conn_expect(conn, DOT);
}

/* Such an address cannot be said to a relay that does not know of UTF-8 (RFC
 * 6531 section 3.2). How many are left; with 0 the batch may be gone. */
static guint
refuse_unsayable(struct conn *conn, struct batch *batch, guint index)
{
	const struct envelope envelope = *batch_envelope(batch, index);
	guint open = 0, unsayable = 0;

	for (guint i = 0; i < envelope.count; i++) {
		const struct copy *copy = batch_copy(batch,
						     envelope.first + i);

		if (copy->result != COPY_OPEN)
			continue;
		if (conn->smtputf8 || !copy->is_utf8)
			open++;
		else
			unsayable++;
	}
	for (guint i = 0; i < envelope.count && unsayable > 0; i++) {
		const struct copy *copy = batch_copy(batch,
						     envelope.first + i);

		if (copy->result != COPY_OPEN || !copy->is_utf8)
			continue;
		unsayable--;
		conn->events.answered(conn->events.arg, batch, index,
				      envelope.first + i, COPY_REFUSED, 553,
				      "5.6.7 the relay does not offer "
				      "SMTPUTF8");
	}
	return open;
}

/* False: there is no need to. */
static bool
say_reset(struct conn *conn)
{
	if (!conn->needs_reset &&
	    (!conn->chunking || fifo_len(&conn->flights) == 0))
		return false;
	say_text(conn, "RSET\r\n");
	(void) conn_expect(conn, RSET);
	conn->needs_reset = false;
	return true;
}

void
conn_start(struct conn *conn, struct batch *batch, guint index)
{
	guint open = refuse_unsayable(conn, batch, index);
	struct flight *flight;
	bool reset;

	if (open == 0)
		return;
	if (fifo_len(&conn->flights) == 0)
		conn->paced_us = g_get_monotonic_time();
	reset = say_reset(conn);
	conn->is_alone = batch_envelope(batch, index)->losses > 0;
	flight = fifo_push_new(&conn->flights);
	flight->batch = batch;
	flight->envelope = index;
	flight->open = open;
	flight->next = batch_envelope(batch, index)->first;
	if (conn->pipelining || !reset)
		say_mail(conn, flight);
	conn->is_open = !conn->chunking;
	if (!conn->pipelining)
		return;
	while (say_next_rcpt(conn, flight))
		;
	if (conn->chunking)
		say_chunk(conn, flight);
	else
		say_data(conn);
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
		*envelope_of(flight) : (struct envelope){ 0 };
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
	const struct envelope *envelope = envelope_of(flight);

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
	else if (!say_next_rcpt(conn, flight))
		say_data(conn);
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
		say_body(conn, flight);
		return;
	}
	say_text(conn, ".\r\n");
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
		say_mail(conn, front(conn));
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

	say_text(conn, text);
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
