/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_BATCH_H
#define MUSTER_OUTBOUND_BATCH_H

#include <glib.h>

#include "core/mail/verp.h"
#include "core/outbound/compose.h"

/*
 * Some copies of one post, on their way from the dispatcher through the
 * relay and back. Only one of the two threads has it at a time.
 */
enum copy_result {
	COPY_OPEN,	/* not answered (yet) */
	COPY_SENT,	/* the relay has taken it */
	COPY_DEFERRED,	/* 4xx */
	COPY_REFUSED,	/* 5xx */
};

struct copy {
	char *addr;		/* as given, for RCPT */
	char *key;		/* canonical, for the roster */
	char token[VERP_TOKEN_LEN + 1];
	enum copy_result result;
	char *reply;		/* "550 5.1.1 ...", NULL where COPY_SENT */
	unsigned int losses;	/* connections lost with it */
};

struct batch {
	struct composed *what;
	GArray *copies;		/* of struct copy */
	char *last;		/* key up to which the roster is read */
	void *owner;		/* the dispatcher's */
	/* of the relay: */
	guint next;		/* first that has not been started */
	GQueue again;		/* indices that must be started again */
	guint answered;
};

struct batch *batch_new(struct composed *what, void *owner);
void batch_add(struct batch *batch, const char *addr, const char *key,
	       const char *token);
void batch_free(struct batch *batch);

#endif
