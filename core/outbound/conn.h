/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_CONN_H
#define MUSTER_OUTBOUND_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/settings.h"
#include "core/outbound/batch.h"

/*
 * One connection to the relay, without blocking. It carries envelopes, a
 * transaction each: with PIPELINING (RFC 2920) the commands of the next go out
 * in the same write as the body of the one before, with CHUNKING (RFC 3030)
 * many follow each other without waiting.
 *
 * How it ends for a copy is told through struct conn_events; the owner
 * polls, reads, gives envelopes where conn_has_room(), and then writes, so
 * that bodies and commands leave together.
 */
struct conn;

struct conn_events {
	/* the relay has answered for good, about a copy of an envelope */
	void (*answered)(void *arg, struct batch *batch, guint envelope,
			 guint copy, enum copy_result result, int code,
			 const char *text);
	/* not answered, and not a copy's fault: start the envelope again, of
	 * which some copies may have an answer; lost: with the connection */
	void (*again)(void *arg, struct batch *batch, guint envelope,
		      bool lost);
	/* the relay refuses service: 421, a refused greeting or MAIL */
	void (*refused)(void *arg, int code, const char *text);
	void *arg;
};

/* conn_open - begins to connect; NULL: not even that (errno). addr is a
 * struct sockaddr of len. settings is ref'd for the connection's life. */
struct conn *conn_open(const void *addr, unsigned int len,
		       struct settings *settings,
		       const struct conn_events *events);

int conn_fd(const struct conn *conn);

/* All that can be done now: what is left makes epoll's edge when it can be.
 * False: it is over, close it. to_end: the relay has hung up, which shows only
 * behind what it has said (epoll(7)). */
bool conn_read(struct conn *conn, bool to_end);
bool conn_write(struct conn *conn);

/* conn_is_greeted - has the relay said it serves us? */
bool conn_is_greeted(const struct conn *conn);
/* conn_has_room - for one more envelope */
bool conn_has_room(const struct conn *conn);
/* conn_is_stalled - has the relay taken far longer over a transaction than
 * over others? What comes behind it would wait with it. */
bool conn_is_stalled(const struct conn *conn);
/* conn_is_worn - it has met so many refusals that the relay may begin to
 * slow it down (Postfix: smtpd_soft_error_limit, 10); end it when idle */
bool conn_is_worn(const struct conn *conn);
/* conn_silent_ms - how long it has said nothing about its first transaction */
int64_t conn_silent_ms(const struct conn *conn);
/* conn_each_open - the copies of each transaction that have no answer */
void conn_each_open(struct conn *conn,
		    void (*see)(void *arg, struct batch *batch, guint open),
		    void *arg);
/* conn_move - answers that are for one batch are for the other from now on */
void conn_move(struct conn *conn, struct batch *from, struct batch *to);
/* conn_offers_xverp - can an envelope of SENDER_XVERP be started on it? */
bool conn_offers_xverp(const struct conn *conn);
/* conn_start - the copies of this envelope that have no answer. One that has
 * seen a connection lost goes alone: it may be the reason. */
void conn_start(struct conn *conn, struct batch *batch, guint envelope);

/* Transactions that have no final answer. */
unsigned int conn_open_count(const struct conn *conn);
/* When, by wire_now_ms(), it is too long without a sign of life */
int64_t conn_deadline_ms(const struct conn *conn);

/* conn_close - with QUIT where it is idle; envelopes without an answer come
 * through events->again; returns how many copies of them the relay may have. */
unsigned int conn_close(struct conn *conn);

#endif
