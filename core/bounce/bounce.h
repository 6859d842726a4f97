/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_H
#define MUSTER_BOUNCE_H

#include "conf/settings.h"
#include "core/bounce/recognise.h"
#include "core/mail/verp.h"
#include "db/list.h"
#include "db/queue.h"
#include "db/roster.h"
#include "db/store.h"

/*
 * Bounce: what a failure says about a subscriber, and what follows from it.
 *
 * bounce_run - a message that came to dev-bounces+TOKEN: takes the job; a
 * failed delivery that it reports, in whatever form (core/bounce/recognise.h),
 * is recorded against the member that the token names. The token of a shared
 * envelope names none: whom such a report is about is in doubt from then on,
 * and nothing is counted, unless the MTA that delivers to us has made the
 * report (RFC 3464). A complaint (RFC 5965) is followed at once, where it has a
 * token that only his copies have. A job of ROLE_FEEDBACK is a feedback report
 * that came to the site, with the token that it has enclosed as its detail.
 */
enum err_code bounce_run(struct txn *txn, const struct settings *settings,
			 const struct verp *verp, const struct job *job,
			 struct err *err);

/* Of which list, by which rules, and when */
struct bounce_with {
	const struct settings *settings;
	const struct list_conf *conf;
	uint32_t list;
	const char *list_addr;
	int64_t now_s;
};

/* A copy that has proved to have failed */
struct bounce_failure {
	const char *addr;		/* canonical: whose it was */
	const struct post_id *post;
	enum bounce_class class;	/* HARD or SOFT */
	enum bounce_reason why;
	const char *text;		/* for people, of any bytes */
	bool is_forgotten;		/* the post: it is another that the
					 * trace is to be written to */
	bool is_ours;			/* our own relay's fault, and nobody
					 * else's */
};

/*
 * bounce_record - note one failure of a member, with time and reason, write it
 * to the trace of the post, and do what follows: his score rises, a probe goes
 * out, or, where it was the probe that has failed, his delivery is turned off.
 * A member who has left meanwhile is no error.
 */
enum err_code bounce_record(struct txn *txn, const struct bounce_with *with,
			    const struct bounce_failure *failure,
			    struct err *err);

/*
 * bounce_refused - the same of a copy that our relay has refused, with this
 * reply, or that was given up, in the transaction of outbound's progress.
 * is_most: of this post it has refused more than it has taken.
 */
enum err_code bounce_refused(struct txn *txn, const struct bounce_with *with,
			     const char *addr, const struct post_id *post,
			     const char *reply, bool given_up, bool is_most,
			     struct err *err);

/*
 * bounce_reset - what has failed so far does not matter any more: the score is
 * 0, no probe is out, and a member whose delivery bounces had turned off gets
 * posts again. who: for people, "the administrator". *member_out (may be
 * NULL) is false for an address that is not subscribed.
 */
enum err_code bounce_reset(struct txn *txn, const struct bounce_with *with,
			   const char *addr, const char *who,
			   bool *member_out, struct err *err);

/*
 * bounce_sweep - what time brings: warnings, removals, probes that have not
 * come back, and the end of a surge. Of all lists, or (hasty) only of those
 * where much has failed at once. It walks over the rosters without a lock, and
 * does what is to be done in a transaction for each member. *done_out: how
 * many; stop: NULL, or says that there is no more time.
 */
enum err_code bounce_sweep(struct store *store,
			   const struct settings *settings, int64_t now_s,
			   bool hasty, bool (*stop)(void *arg), void *arg,
			   uint64_t *done_out, struct err *err);

/*
 * The owners' digest is a job of STAGE_NOTICE. bounce_is_digest - is this one?
 * bounce_digest_run - then write it
 */
bool bounce_is_digest(const struct job *job);
enum err_code bounce_digest_run(struct txn *txn,
				const struct settings *settings,
				const struct job *job, int64_t now_ms,
				struct err *err);

#endif
