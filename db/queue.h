/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_QUEUE_H
#define MUSTER_DB_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "core/mail/addr.h"	/* enum role */
#include "db/list.h"
#include "db/post.h"
#include "db/roster.h"
#include "db/store.h"

/*
 * The staged queue, keyed by (stage, due time, id) and spread over 16 files
 * by the job's id. A stage takes a job, does its effects and puts its next
 * jobs in one transaction (invariant 2). A file of a stage has one claimer, a
 * thread of musterd that remembers in memory which jobs it is at; a crash
 * forgets that, and the job is done again.
 */

enum stage {
	STAGE_PENDING = 1,
	STAGE_OUTBOUND = 2,
	STAGE_BOUNCE = 3,
	STAGE_NOTICE = 4,	/* makes moderators' notices */
	STAGE_COMMAND = 6,	/* does what mail asks of a list */
	STAGE_PROGRAM = 7,	/* pending, with a program of the site's */
	STAGE_ARCHIVE = 8,	/* puts it into the list's archive */
	STAGE_HELD = 5,		/* waits for a moderator; due: when it
				 * expires, reason: why it is held */
	STAGE_SHUNTED = 9,	/* waits for an administrator */
};

const char *stage_name(enum stage stage);

/* Who is to get it: the distribution list of the job. */
enum audience {
	TO_NONE,
	TO_MEMBERS,	/* members of list whose delivery was `delivery` as of
			 * `position` and is not off now, subscribed up to
			 * as_of_s, whose key follows `after`, up to and with
			 * `until` ("" : the end) */
	TO_ADDRS,	/* exactly addrs */
};

struct job {
	struct post_id id;	/* of the job; random as a post's */
	enum stage stage;
	enum stage was;		/* where it failed, when stage is SHUNTED */
	int64_t due_ms;		/* unix time; 0: at once */
	int64_t made_ms;
	uint32_t attempts;	/* begun and not finished */
	struct post_id post;
	uint32_t list;
	char *list_addr;
	enum role role;		/* which address of the list it came to */
	char *detail;		/* VERP or other token, "" if none */
	enum audience audience;
	char *after;
	char *until;
	int64_t as_of_s;
	enum delivery_mode delivery;	/* DELIVERY_ON: single copies */
	uint64_t position;	/* in the list's digests (db/digest.h); 0: from
				 * before there were any */
	char **addrs;		/* NULL-ended; never NULL */
	uint64_t sent, refused;	/* so far, for queue ls and the trace */
	char *reason;		/* why it waits or was shunted, "" if not */
	char *held_for;		/* of a post that is held, and whose reason
				 * says what went wrong with it since; "" */
	/* of outbound (db/way.h): */
	uint32_t through;	/* the list whose post it is, with its form,
				 * where that is another; else 0 */
	char *through_addr;	/* "" if through is 0 */
	struct post_id group;	/* of its ways; all 0: there is only this */
	uint64_t elsewhere;	/* members who get it by another way, so far */
	bool null_sender;	/* an automatic post of ours: MAIL FROM:<>
				 * (RFC 3834 section 3.3) */
};

/* job_new - zeroed, with a new id, made now, empty texts, DELIVERY_ON */
struct job *job_new(enum stage stage, const struct post_id *post,
		    uint32_t list, const char *list_addr);
/* job_copy - the same record, with texts of its own */
struct job *job_copy(const struct job *job);
void job_free(struct job *job);
/* job_has_group - may others of the message's ways have a say? */
bool job_has_group(const struct job *job);
/* job_through, job_through_addr - the list whose post it is */
uint32_t job_through(const struct job *job);
const char *job_through_addr(const struct job *job);

/*
 * job_blame - next gets a reason that says what went wrong with job, whose
 * texts it borrows; what job is held for stays. job_pardon: next goes on
 * where job was, without that. All texts are borrowed.
 * job_held_for - why it is held, whatever has gone wrong since
 */
void job_blame(struct job *next, const struct job *job, const char *reason);
void job_pardon(struct job *next, const struct job *job);
const char *job_held_for(const struct job *job);

/* queue_put - ERR_INVALID when the job takes more than 150 KB (addrs of some
 * 4,000 addresses): cut it into several */
enum err_code queue_put(struct txn *txn, const struct job *job,
			struct err *err);
/* queue_take - remove the very record that was read (stage, due, id);
 * *taken false: somebody (an administrator) was faster */
enum err_code queue_take(struct txn *txn, const struct job *job, bool *taken,
			 struct err *err);
/* queue_take_conf - take a job that means nothing without its list. *conf_out
 * is that list's, to be freed; NULL: there is nothing to do, as somebody was
 * faster, or the list is gone and the post has been released. */
enum err_code queue_take_conf(struct txn *txn, const struct job *job,
			      struct list_conf **conf_out, struct err *err);
/* queue_replace - take old and put next in its place, same id or not */
enum err_code queue_replace(struct txn *txn, const struct job *old,
			    const struct job *next, bool *taken,
			    struct err *err);

/*
 * A turn goes through the due jobs of a stage, or of those files of the queue
 * that are part `part` of `parts` (SHARDS can be divided by that): each call
 * of queue_due() goes on where the last one ended, and begins again behind
 * the last job. So none waits for ever behind those that come later and stand
 * before it: ids are random, and most jobs are due at once.
 */
struct queue_turn;
struct queue_turn *queue_turn_new(enum stage stage, unsigned int part,
				  unsigned int parts);
void queue_turn_free(struct queue_turn *turn);

/*
 * queue_due - the next up to max jobs of the turn that are due at now_ms, by
 * due time and id. *next_out: when there will be more: now_ms if there may be
 * some already, else the due time of the first that is not yet due
 * (INT64_MAX: none). Array of struct job *, frees them.
 */
enum err_code queue_due(struct store *store, struct queue_turn *turn,
			int64_t now_ms, size_t max, GPtrArray **out,
			int64_t *next_out, struct err *err);

/*
 * queue_hasten - what is due later than latest_ms becomes due now (0): no
 * wait of this stage is so long, so the clock has been set back. *count: how
 * many.
 */
enum err_code queue_hasten(struct store *store, enum stage stage,
			   int64_t latest_ms, uint64_t *count,
			   struct err *err);

/* queue_again - this very record (stage, due, id) as it is now, locked until
 * the transaction ends; *out NULL: it has gone */
enum err_code queue_again(struct txn *txn, const struct job *job,
			  struct job **out, struct err *err);

/* queue_find - by the job's id; *out NULL if there is none */
enum err_code queue_find(struct txn *txn, const struct post_id *id,
			 struct job **out, struct err *err);

/* queue_find_in - of one stage, by the first len bytes of the job's id; *out
 * NULL if there is none, or more than one */
enum err_code queue_find_in(struct txn *txn, enum stage stage,
			    const uint8_t *id, size_t len, struct job **out,
			    struct err *err);

/* queue_walk - every job, by stage, due time, id; ends when visit returns
 * false. No lock is held while visit runs. */
typedef bool (*queue_visit)(void *arg, const struct job *job);
enum err_code queue_walk(struct store *store, queue_visit visit, void *arg,
			 struct err *err);

/* queue_walk_in - the same for one stage; through store_reader() no lock is
 * held while visit runs */
enum err_code queue_walk_in(struct txn *txn, enum stage stage,
			    queue_visit visit, void *arg, struct err *err);

/* queue_count - jobs per stage */
enum err_code queue_count(struct store *store, enum stage stage,
			  uint64_t *out, struct err *err);

#endif
