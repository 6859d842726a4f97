/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_INSIDE_H
#define MUSTER_BOUNCE_INSIDE_H

#include "core/bounce/bounce.h"
#include "core/bounce/score.h"
#include "db/surge.h"

/* Private to core/bounce. */

#define BOUNCE_STAGE "bounce"		/* in the trace */

/* Kinds of events (db/event.h) */
#define EVENT_FAILED "bounce"		/* a failure that counts */
#define EVENT_PROBE "bounce-probe"
#define EVENT_CLEAR "bounce-clear"	/* the score is 0 again */
#define EVENT_OFF "bounce-off"
#define EVENT_WARNED "bounce-warned"
#define EVENT_REMOVED "bounce-removed"
#define EVENT_BACK "bounce-back"	/* he gets posts again */
#define EVENT_BREAKER "bounce-breaker"
#define EVENT_COMPLAINT "complaint"

typedef struct member bounce_member_t;
typedef struct list bounce_list_t;
typedef struct list_conf bounce_conf_t;
typedef struct job bounce_job_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bounce_member_t, member_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bounce_list_t, list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bounce_conf_t, list_conf_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bounce_job_t, job_free)

/*
 * bounce_doubt - somebody says that this member (canonical address) is one to
 * "have failed" (said), and cannot prove it: from now on he is not proven
 * (core/outbound/expand.c). Nothing is counted. Who is on no list is no error.
 */
enum err_code bounce_doubt(struct txn *txn, const struct job *job,
			   const char *addr, const struct post_id *post,
			   const char *said, const char *reason,
			   struct err *err);

/* --- the steps: letter, record, event ----------------------------------- *
 * addr: the member's canonical address; his record is changed and put. They
 * are in one transaction, so that none is done twice or by half.
 */
enum err_code step_probe(struct txn *txn, const struct bounce_with *with,
			 const char *addr, struct member *member,
			 struct err *err);
enum err_code step_clear(struct txn *txn, const struct bounce_with *with,
			 const char *addr, struct member *member,
			 struct err *err);
enum err_code step_off(struct txn *txn, const struct bounce_with *with,
		       const char *addr, struct member *member,
		       struct err *err);
enum err_code step_warn(struct txn *txn, const struct bounce_with *with,
			const char *addr, struct member *member,
			struct err *err);
enum err_code step_remove(struct txn *txn, const struct bounce_with *with,
			  const char *addr, struct member *member,
			  struct err *err);

/* --- surges ------------------------------------------------------------- */

#define SURGE_WINDOW_S 3600

/*
 * surge_note - a member has failed, whose last failure before this was at
 * last_s. *is_open: so many have within an hour that it is not their fault.
 */
enum err_code surge_note(struct txn *txn, const struct bounce_with *with,
			 int64_t last_s, bool *is_open, struct err *err);

/* surge_is_true - is it one, now that members are counted? Members must not
 * be 0. */
bool surge_is_true(const struct surge *surge, const struct list_conf *conf,
		   uint64_t members, int64_t now_s);

/*
 * surge_undo - what has risen from from_s on is taken back, and who was turned
 * off since then gets posts again; false: nothing to do.
 * surge_touches - would it? surge_end - the owners are told, once.
 */
bool surge_touches(const struct roster_entry *entry, int64_t from_s);
enum err_code surge_undo(struct txn *txn, const struct bounce_with *with,
			 const char *addr, struct member *member,
			 int64_t from_s, struct err *err);

/* What a walk over the roster has found out about a surge */
struct surge_extent {
	uint64_t members;
	uint64_t failed;		/* since then */
	GHashTable *reasons;		/* text -> how often, GUINT_TO_POINTER */
};
enum err_code surge_end(struct txn *txn, const struct bounce_with *with,
			const struct surge_extent *extent, bool *told,
			struct err *err);

/* --- complaints --------------------------------------------------------- */

/* complaint_run - of what came to an address with this token (NULL: none that
 * proves anything) */
enum err_code complaint_run(struct txn *txn, const struct bounce_with *with,
			    const struct verp *verp, const struct job *job,
			    const struct verp_says *says, const char *bytes,
			    size_t len, struct err *err);

/* Whom a token has proved to be the one. */
struct complaint_proof {
	uint8_t member[VERP_MEMBER_LEN];
	uint8_t post[VERP_POST_LEN];
	bool has_post;
	bool is_leave;		/* that he can leave with: good as long as he
				 * is a member, whatever its post */
};

/* complaint_act - a complaint with this proof is followed as the list says;
 * one that has been followed, or is of an earlier subscription, is not */
enum err_code complaint_act(struct txn *txn, const struct bounce_with *with,
			    const struct job *job,
			    const struct complaint_proof *proof,
			    struct err *err);

/* feedback_run - of what came to the site's address of feedback reports
 * (ROLE_FEEDBACK), and has enclosed a copy with the token in job->detail */
enum err_code feedback_run(struct txn *txn, const struct bounce_with *with,
			   const struct verp *verp, const struct job *job,
			   struct err *err);

/* --- owners ------------------------------------------------------------- */

/* digest_note - there is something to tell them, in the next digest */
enum err_code digest_note(struct txn *txn, const struct bounce_with *with,
			  struct err *err);

/* bounce_day - "2026-11-27"; the caller frees */
char *bounce_day(int64_t time_s);

#endif
