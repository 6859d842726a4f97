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
 * That one would leave a MAIL open, and what a refused chunk leaves is
 * anybody's guess (RFC 3030 section 2). So a MAIL comes behind an RSET
 * wherever the chunk before it has no answer yet.
 */
#include <string.h>

#include "core/outbound/conn_inside.h"
#include "core/base/banned.h"

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
	const struct envelope *envelope = flight_envelope(flight);

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

void
conn_say_mail(struct conn *conn, const struct flight *flight)
{
	const struct envelope *envelope = flight_envelope(flight);
	GString *said = conn->said;
	char token[VERP_TOKEN_LEN + 1];
	size_t before = said->len;

	prepare_mail(conn, flight->batch->what);
	append_all(said, conn->mail_head);
	if (!flight->batch->what->null_sender) {
		batch_token(flight->batch, envelope, token);
		g_string_append(said, token);
	}
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

void
conn_say_text(struct conn *conn, const char *text)
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
	const struct envelope *envelope = flight_envelope(flight);
	guint end = envelope->first + envelope->count;

	while (from < end &&
	       batch_copy(flight->batch, from)->result != COPY_OPEN)
		from++;
	return from;
}

bool
conn_say_next_rcpt(struct conn *conn, struct flight *flight)
{
	const struct envelope *envelope = flight_envelope(flight);
	guint copy = open_copy(flight, flight->next);

	if (copy >= envelope->first + envelope->count)
		return false;
	say_rcpt(conn, flight, copy);
	flight->next = copy + 1;
	return true;
}

void
conn_say_data(struct conn *conn)
{
	conn_say_text(conn, "DATA\r\n");
	(void) conn_expect(conn, DATA);
}

/* What the copy of this flight has of its own: one envelope, one copy. */
static const struct copy *
own_copy(const struct flight *flight)
{
	return batch_copy(flight->batch, flight_envelope(flight)->first);
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
		conn_say_text(conn, copy->signature);
	batch_values(copy, values);
	for (guint i = 0; i < text->place_count; i++) {
		const struct place *place = &text->places[i];

		if (place->at > from)
			conn_put(conn, text->bytes + from, place->at - from,
				 flight->batch->what);
		conn_say_text(conn, values[place->slot]);
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

void
conn_say_body(struct conn *conn, struct flight *flight)
{
	const struct composed *what = flight->batch->what;

	put_body(conn, flight, what->dotted.bytes != NULL ? &what->dotted :
		 &what->raw);
	conn_say_text(conn, ".\r\n");
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
	conn_say_text(conn, "RSET\r\n");
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
		conn_say_mail(conn, flight);
	conn->is_open = !conn->chunking;
	if (!conn->pipelining)
		return;
	while (conn_say_next_rcpt(conn, flight))
		;
	if (conn->chunking)
		say_chunk(conn, flight);
	else
		conn_say_data(conn);
}
