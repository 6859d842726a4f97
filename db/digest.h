/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_DIGEST_H
#define MUSTER_DB_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "db/post.h"
#include "db/queue.h"
#include "db/roster.h"
#include "db/store.h"

/*
 * Digests: the posts of a list are collected in its open issue until that is
 * closed, and a job of STAGE_PENDING whose delivery is DELIVERY_DIGEST makes
 * a digest of it and goes on to the members (core/pending/digest.h). Each
 * record holds its post (post_hold).
 *
 * A list whose members all want single copies has no issue, and is asked for
 * no more than that: whoever wants digests stands in an index ("readers",
 * kept by Berkeley DB).
 *
 * Who gets what: all that happens to a list's digests has a position, which
 * only grows: each post that is put into an issue, and each change of a
 * member's delivery. An outbound job says as of which position it is, and
 * each member keeps from which position on he has which delivery
 * (delivery_at). So a job that is late, or is sent in pieces, goes to those
 * who had that delivery when it was made, whatever they have changed since,
 * and nothing is lost or comes twice:
 *
 * - to digests: posts come one by one until the open issue is closed, and
 *   in digests from the next one on; at once where the issue is empty.
 * - from digests to single copies: those posts of the open issue that there
 *   are come one by one at once, and so do all later ones.
 * - between the two kinds of digest: at once.
 * - off: nothing from now on, neither of the open issue nor what is on its
 *   way. Back from off is a change like any other.
 * - a new member gets the digest of the issue that he came in as a whole.
 */

/* The issues of a list. */
struct digest {
	uint32_t list;
	uint32_t issue;		/* the open one, from 1 on */
	uint32_t number;	/* the last that was given in it */
	uint32_t volume;	/* 0: there was none yet */
	uint32_t volume_issue;	/* of the volume: what readers count */
	char period[16];	/* that the volume is of: "2026", "" any */
	int64_t opened_s;	/* when its first post came; 0: it is empty */
	uint32_t posts;
	uint64_t bytes;		/* of these, as they came */
};

uint64_t digest_position(const struct digest *digest);

/* delivery_at - what a member gets as of a position */
enum delivery_mode delivery_at(const struct roster_entry *entry,
			       uint64_t position);

/* digest_readers - are there members who want these, mime_out and plain_out
 * each? May be in vain for a moment (see above), never wrong by a no. */
enum err_code digest_readers(struct txn *txn, uint32_t list, bool *mime_out,
			     bool *plain_out, struct err *err);

/* digest_get - *found false: the list has never had any, and *out is that of
 * one that begins. digest_lock - the same, to be changed. */
enum err_code digest_get(struct txn *txn, uint32_t list, struct digest *out,
			 bool *found, struct err *err);
enum err_code digest_lock(struct txn *txn, uint32_t list,
			  struct digest *out, bool *found, struct err *err);
enum err_code digest_put(struct txn *txn, const struct digest *digest,
			 struct err *err);

/* digest_next - the issues of the list whose number follows `after`; *found
 * false at the end */
enum err_code digest_next(struct txn *txn, uint32_t after,
			  struct digest *out, bool *found, struct err *err);

/* digest_add - a post more in the open issue, which is locked; changes digest
 * and stores it */
enum err_code digest_add(struct txn *txn, struct digest *digest,
			 const struct post_id *post, uint64_t size,
			 int64_t now_s, struct err *err);

/* digest_turn - the next issue is open, and empty; changes digest and stores
 * it. The posts of the old one stay until digest_remove(). */
enum err_code digest_turn(struct txn *txn, struct digest *digest,
			  struct err *err);

/* digest_posts - ids of the posts of an issue, in their order: array of
 * struct post_id */
enum err_code digest_posts(struct txn *txn, uint32_t list, uint32_t issue,
			   GArray **out, struct err *err);
/* digest_remove - forget them, and release them */
enum err_code digest_remove(struct txn *txn, uint32_t list, uint32_t issue,
			    struct err *err);

/*
 * A job that makes a digest of a closed issue: its delivery, its position (as
 * of the end of the issue), and in detail what there was to know.
 */
struct digest_order {
	uint32_t issue, volume, volume_issue;
	bool mime, plain;	/* which are wanted */
};
bool digest_is_order(const struct job *job);
char *digest_order_text(const struct digest_order *order); /* job->detail */
/* false: the job is none, or says nothing of use */
bool digest_order_read(const struct job *job, struct digest_order *out);
/* digest_forget - the job is dropped; nothing if it is none of these */
enum err_code digest_forget(struct txn *txn, const struct job *job,
			    struct err *err);

#endif
