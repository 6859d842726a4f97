/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_RELAY_INSIDE_H
#define MUSTER_OUTBOUND_RELAY_INSIDE_H

#include <pthread.h>

#include "core/outbound/conn.h"
#include "core/outbound/hop.h"
#include "core/outbound/relay.h"
#include "core/outbound/turns.h"

/* Only relay.c, line.c, deal.c and late.c: all in the relay's thread. */

struct line {
	struct relay *relay;
	struct hop *hop;
	struct conn *conn;
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

/* line.c: a connection, and what its answers mean for a batch */
void line_open(struct relay *relay, struct hop *hop);
void line_close(struct line *line);
/* relay_skip - an envelope that is under way and on no connection is not to
 * be sent: its copies go back as they are */
void relay_skip(struct relay *relay, struct batch *batch, guint index);

/* deal.c: who gets the next envelope */
void relay_open_lines(struct relay *relay);
void relay_fill_lines(struct relay *relay);
void relay_fill_line(struct relay *relay, struct line *line);

/* late.c: a post does not wait for its last copies */
void relay_let_late_go(struct relay *relay);

#endif
