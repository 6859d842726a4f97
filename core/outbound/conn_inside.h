/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_CONN_INSIDE_H
#define MUSTER_OUTBOUND_CONN_INSIDE_H

#include "core/outbound/conn.h"
#include "core/outbound/fifo.h"
#include "core/outbound/reply.h"

/*
 * Only the conn*.c. What has been said and is not yet answered stands in
 * `expected`, in order; each reply belongs to the first of them, and to the
 * first flight, since transactions are answered in their order. What is to be
 * written stands in `out`: commands in one buffer, and the bytes of a post,
 * which all its copies share, from where they are.
 */

enum step { GREETING, EHLO, HELO, MAIL, RCPT, DATA, DOT, EMPTY_DOT, BDAT,
	    RSET };

struct expectation {
	enum step step;
	guint copy;		/* of RCPT */
	uint64_t end;		/* of what it answers, as put counts */
};

/* A transaction on its way */
struct flight {
	struct batch *batch;	/* gone, perhaps, when open is 0 */
	guint envelope;
	guint open;		/* copies without an answer */
	guint next;		/* copy that RCPT is said for next, lock-step */
	bool has_body;		/* the relay has it, or is getting it */
	bool has_again;		/* some copies are to go in another one */
	guint taken;		/* recipients that the relay has taken */
};

/*
 * bytes NULL: of the buffer of commands. A hostile relay may answer before it
 * has read all, and the post must not go as long as it is being written:
 * hence the reference.
 */
struct piece {
	const char *bytes;
	size_t len;
	struct composed *post;
};

struct conn {
	int fd;
	struct settings *settings;
	struct conn_events events;
	bool connected, greeted, over;
	bool pipelining, chunking, size, eight_bit, dsn, smtputf8, xverp;
	bool needs_reset;	/* before the next MAIL */
	bool is_alone;		/* nothing follows the last flight */
	bool is_open;		/* the last flight may get a body yet */
	unsigned int refusals;
	int64_t pace_us;	/* the relay's time for one transaction */
	int64_t paced_us;	/* when that was last measured */
	guint ended;		/* transactions since then */
	struct fifo flights, expected, out;
	struct composed *prepared;	/* whose MAIL is in these two */
	GString *mail_head, *mail_tail;	/* around the token */
	GString *said;		/* commands, from said_at on not written */
	size_t said_at;
	size_t unwritten;	/* bytes of all of out */
	uint64_t put;		/* bytes that were ever in out */
	struct reply_reader replies;
	int64_t heard_us;	/* when it said something, or when we began
				 * to wait for that */
	bool reading;		/* it has just been heard */
};

/* conn_put - bytes to be written, of a post, or NULL: len more of said */
void conn_put(struct conn *conn, const char *bytes, size_t len,
	      struct composed *post);
/* conn_expect - the answer to what has just been said */
struct expectation *conn_expect(struct conn *conn, enum step step);

static inline const struct envelope *
flight_envelope(const struct flight *flight)
{
	return batch_envelope(flight->batch, flight->envelope);
}

/* conn_say.c: commands, each with what is expected then */
void conn_say_text(struct conn *conn, const char *text);
void conn_say_mail(struct conn *conn, const struct flight *flight);
/* false: there is no recipient left to say */
bool conn_say_next_rcpt(struct conn *conn, struct flight *flight);
void conn_say_data(struct conn *conn);
void conn_say_body(struct conn *conn, struct flight *flight);

/* conn_heard - conn_talk.c: a reply */
void conn_heard(struct conn *conn, const struct reply *reply);

/* conn_note_pace - how fast it works, after what was read */
void conn_note_pace(struct conn *conn, int64_t now_us);

/* conn_abandon - all that has no answer goes back; how many copies of it the
 * relay may have */
unsigned int conn_abandon(struct conn *conn);

#endif
