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
	COPY_AGAIN,	/* too many in its envelope: open, for the next one */
	COPY_LATE,	/* not answered for long: in the batch's `late` now */
	COPY_ELSEWHERE,	/* in a late batch: was answered in the first one */
	COPY_SENT,	/* the relay has taken it */
	COPY_DEFERRED,	/* 4xx */
	COPY_REFUSED,	/* 5xx */
};

struct copy {
	const char *addr;	/* as given, for RCPT */
	const char *key;	/* canonical, for the roster */
	const char *leave;	/* token of SLOT_LEAVE, NULL: no such place */
	const char *member_qp;	/* of SLOT_MEMBER_QP, NULL: the address as it
				 * is */
	const char *signature;	/* DKIM-Signature field of its own, or NULL */
	bool is_utf8;		/* addr is not all ASCII */
	enum copy_result result;
	char *reply;		/* "550 5.1.1 ...", NULL where COPY_SENT */
};

/* The sender of an envelope */
enum sender {
	SENDER_SINGLE,		/* a token of this member and post */
	SENDER_SHARED,		/* a token of the post */
	SENDER_XVERP,		/* the same, the relay adds the member */
};

/* The copies [first, first + count) of a batch, under one sender */
struct envelope {
	guint first, count;	/* count 0: it was split */
	enum sender sender;
	guint answered;		/* copies of it */
	unsigned int losses;	/* connections lost with it */
	const struct domain_limit *limit;	/* or NULL; of settings */
};

struct batch {
	struct composed *what;
	struct settings *settings;
	const struct verp *verp;
	char *list_addr;
	char *through;		/* the list whose post it is, where that is
				 * another, or NULL */
	struct post_id post;
	uint32_t list;		/* that takes turns with others */
	guint weight;		/* of its turns, at least 1 */
	GArray *copies;		/* of struct copy */
	GArray *envelopes;	/* of struct envelope */
	GPtrArray *later;	/* of struct later */
	GStringChunk *texts;	/* of the copies */
	char *last;		/* key up to which the roster is read */
	size_t addrs;		/* of TO_ADDRS, how many were read */
	uint64_t left_out;	/* members up to there who have it from
				 * elsewhere */
	void *owner;		/* the dispatcher's; NULL of a late batch that
				 * it has not seen yet */
	struct batch *late;	/* what it goes on without, or NULL */
	guint elsewhere;	/* copies that are none here */
	bool is_late;		/* made by batch_take_late() */
	gint unwanted;		/* atomic; see batch_give_up() */
	/* of the relay: */
	guint next;		/* first envelope that was not started */
	GQueue again;		/* indices of those to be started again */
	guint answered;		/* copies */
};

/* Recipients of a domain whose time limit does not let them go yet */
struct later {
	const struct domain_limit *limit;
	int64_t due_ms;
	GPtrArray *addrs;	/* borrowed from the batch's texts */
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

/* batch_new - of a post on a list (canonical address); settings is ref'd */
struct batch *batch_new(struct composed *what, struct settings *settings,
			const struct verp *verp, const struct post_id *post,
			const char *list_addr, void *owner);
void batch_free(struct batch *batch);

/* batch_add_copy - in no envelope yet */
void batch_add_copy(struct batch *batch, const char *addr, const char *key);
/* batch_add_later - not now, but at due_ms */
void batch_add_later(struct batch *batch, const char *addr,
		     const struct domain_limit *limit, int64_t due_ms);

/* batch_envelop - the copies from first on, count of them, under one sender;
 * SENDER_SINGLE: one copy */
void batch_envelop(struct batch *batch, guint first, guint count,
		   enum sender sender, const struct domain_limit *limit);

/* batch_token - what stands behind the "+" of its sender, ended by NUL. Made
 * when it is said, by who has time while the relay works. */
void batch_token(const struct batch *batch, const struct envelope *envelope,
		 char token[VERP_TOKEN_LEN + 1]);

/* batch_split - one for a relay that does not do what it needs: its copies
 * that have no answer get envelopes of their own, at the end */
void batch_split(struct batch *batch, guint envelope);

/* batch_take_late - a batch of the copies that have no answer, each under the
 * index that it has here, where it is COPY_LATE then; whoever waits for an
 * answer is to wait for it in that one. The caller's; it is batch->late too,
 * and freed with the batch as long as it stands there. */
struct batch *batch_take_late(struct batch *batch);

/* batch_give_up - the dispatcher, of a batch that the relay or a signer has:
 * of its copies those that were not begun are not sent, and come back open.
 * batch_is_unwanted - was it? Any thread that has the batch. */
static inline void
batch_give_up(struct batch *batch)
{
	g_atomic_int_set(&batch->unwanted, 1);
}

static inline bool
batch_is_unwanted(const struct batch *batch)
{
	return g_atomic_int_get(&batch->unwanted) != 0;
}

/* batch_size - how many copies are on their way in it */
static inline guint
batch_size(const struct batch *batch)
{
	return batch->copies->len - batch->elsewhere;
}

/* batch_values - what goes into the places of a copy */
void batch_values(const struct copy *copy, const char *values[SLOTS]);

/* batch_sign - each copy, where the post's copies are signed each. Any
 * thread that has the batch. */
void batch_sign(struct batch *batch);

#endif
