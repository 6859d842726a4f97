/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_BATCH_H
#define MUSTER_OUTBOUND_BATCH_H

#include <stdbool.h>

#include <glib.h>

#include "conf/settings.h"
#include "core/mail/verp.h"
#include "core/outbound/compose.h"

/*
 * Some copies of one post, on their way from the dispatcher through the
 * relay and back, in envelopes: an SMTP transaction each. Only one of the two
 * threads has it at a time.
 */
enum copy_result {
	COPY_OPEN,	/* not answered (yet) */
	COPY_SENT,	/* the relay has taken it */
	COPY_DEFERRED,	/* 4xx */
	COPY_REFUSED,	/* 5xx */
};

struct copy {
	const char *addr;	/* as given, for RCPT */
	const char *key;	/* canonical, for the roster */
	enum copy_result result;
	char *reply;		/* "550 5.1.1 ...", NULL where COPY_SENT */
};

/* The copies [first, first + count) of a batch, under one sender */
struct envelope {
	guint first, count;
	char token[VERP_TOKEN_LEN + 1];
	guint answered;		/* copies of it */
	unsigned int losses;	/* connections lost with it */
	const struct domain_limit *limit;	/* or NULL; of settings */
};

struct batch {
	struct composed *what;
	struct settings *settings;
	uint32_t list;		/* that takes turns with others */
	guint weight;		/* of its turns, at least 1 */
	GArray *copies;		/* of struct copy */
	GArray *envelopes;	/* of struct envelope */
	GStringChunk *texts;	/* of the copies */
	char *last;		/* key up to which the roster is read */
	void *owner;		/* the dispatcher's */
	/* of the relay: */
	guint next;		/* first envelope that was not started */
	GQueue again;		/* indices of those to be started again */
	guint answered;		/* copies */
};

static inline struct copy *
batch_copy(const struct batch *batch, guint index)
{
	return &g_array_index(batch->copies, struct copy, index);
}

static inline struct envelope *
batch_envelope(const struct batch *batch, guint index)
{
	return &g_array_index(batch->envelopes, struct envelope, index);
}

/* batch_new - settings is ref'd */
struct batch *batch_new(struct composed *what, struct settings *settings,
			void *owner);
/* batch_add - a copy in an envelope of its own */
void batch_add(struct batch *batch, const char *addr, const char *key,
	       const char *token, const struct domain_limit *limit);
void batch_free(struct batch *batch);

#endif
