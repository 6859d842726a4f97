/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_HOP_H
#define MUSTER_OUTBOUND_HOP_H

#include "conf/settings.h"
#include "core/outbound/conn.h"

/*
 * One of the relays: where it is, how many connections it has, and whether it
 * serves us. One that fails is left alone for a while, which doubles with each
 * failure, and is then tried with one connection. The relay's thread only.
 */
struct hop {
	char *host;
	int64_t port;
	int64_t weight;
	guint lines;		/* connections, not those that retire */
	double pass;		/* transactions / weight: least is next */
	bool offers_xverp;	/* when it last greeted us */
	uint64_t sent;		/* copies that it has taken */
	int64_t pause_until_ms;
	int64_t pause_ms;	/* of the last pause, 0: it serves us */
	char *why;		/* of the last failure; one printable line */
};

struct hop *hop_new(const struct relay_addr *addr);
void hop_free(struct hop *hop);

/* hop_failed - the relay as a whole did not do as asked */
void hop_failed(struct hop *hop, int code, const char *text);
/* hop_served - it has greeted us */
void hop_served(struct hop *hop);

/* May connections be opened, transactions be started? */
bool hop_is_ready(const struct hop *hop, int64_t now_ms);
static inline bool
hop_is_down(const struct hop *hop)
{
	return hop->pause_ms != 0;
}

/* hop_connect - NULL: it failed, which is noted already */
struct conn *hop_connect(struct hop *hop, struct settings *settings,
			 const struct conn_events *events);

/* printable_reply - one printable line of UTF-8; the caller frees */
char *printable_reply(int code, const char *text);

#endif
