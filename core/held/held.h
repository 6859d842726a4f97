/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_HELD_H
#define MUSTER_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/settings.h"
#include "core/mail/addr.h"
#include "core/mail/verp.h"
#include "db/list.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * Held posts: a post that a list's policy wants a person to look at waits as
 * a job of STAGE_HELD, with its evidence in the post and the reason in the
 * job, until a moderator decides or it expires. The moderators are told by
 * jobs of STAGE_NOTICE, and decide with `muster held` or by mail to signed
 * addresses that stand in the notices.
 *
 * Each step is one transaction, and whoever takes the job of STAGE_HELD out
 * of the queue has decided: there are no two decisions.
 */

/*
 * The key of the signed addresses, LIST-confirm+TOKEN@domain. A token is made
 * as VERP's are (core/mail/verp.h), under a secret of its own that is derived
 * from the store's: it says what to do and with which job, is good for one
 * list, and as long as the post is held. Immutable: any thread may use it.
 */
struct held_key;
#define HELD_TOKEN_LEN 24	/* with a list's name of 31 and "-confirm+" a
				 * local part of 64 */
#define HELD_PREFIX_LEN 8	/* bytes of the job's id in a token */

struct held_key *held_key_new(const uint8_t *secret);	/* store_secret() */
const struct verp *held_key_verp(const struct held_key *key);	/* of copies */
void held_key_free(struct held_key *key);

enum held_decision {
	HELD_APPROVE = 1,	/* send it on, as if it had been accepted */
	HELD_REJECT,		/* and tell the author, if that is allowed */
	HELD_DISCARD,		/* and tell nobody */
	HELD_ACCEPT,		/* approve, and always accept this author */
	HELD_ASK,		/* of tokens only: what is to be done stands
				 * in the first line of the mail */
};

/* held_decision_name - "approve" "reject" "discard" "accept" "ask" */
const char *held_decision_name(enum held_decision decision);

void held_token_make(const struct held_key *key, const char *list,
		     enum held_decision decision, const struct post_id *job,
		     char token[HELD_TOKEN_LEN + 1]);
/* held_token_open - false: not one that we made for this list */
bool held_token_open(const struct held_key *key, const char *list,
		     const char *token, enum held_decision *decision,
		     uint8_t prefix[HELD_PREFIX_LEN]);

/* --- coming and going --------------------------------------------------- */

struct held_offer {
	const struct post_id *post;
	const struct list *list;
	enum role role;		/* as for the job of an accepted post */
	const char *detail;
	const char *reason;	/* why: the rule and its text; UTF-8 */
	int64_t now_ms;		/* unix time */
	const struct post_id *id;	/* of the job; NULL: a new one */
	char *const *addrs;		/* of the job; NULL: none */
};

/*
 * held_put - in the transaction of a post: its job of STAGE_HELD, which
 * expires after the list's held-keep, and one of STAGE_NOTICE. The caller
 * counts HELD_JOBS jobs in post->jobs, and writes the verdict into the trace.
 */
#define HELD_JOBS 2
enum err_code held_put(struct txn *txn, const struct held_offer *offer,
		       struct err *err);

/*
 * Requests to join wait too: jobs with ROLE_JOIN, about the post that asked,
 * or an empty one. What approving, rejecting and discarding them means is said
 * in core/command/subscription.h.
 */
struct held_request {
	const struct list *list;
	const char *addr;		/* canonical: who wants to join */
	const char *detail;		/* how, as core/command writes it */
	const struct post_id *post;	/* what asked; its jobs are counted
					 * here. NULL: none */
	int64_t now_ms;
};
/* held_put_request - *is_new false: this address waits already, and nothing
 * was done */
enum err_code held_put_request(struct txn *txn,
			       const struct held_request *request,
			       bool *is_new, struct err *err);
bool held_is_request(const struct job *held);

enum held_outcome {
	HELD_DONE,
	HELD_DECIDED,		/* somebody else has, or it has expired */
	HELD_IMPOSSIBLE,	/* why says what is in the way; it stays held */
	HELD_NO_TOKEN,		/* not a token of ours */
	HELD_NOT_VERIFIED,	/* nobody knows who asks */
	HELD_NOT_MODERATOR,
	HELD_NOT_UNDERSTOOD,	/* a mail does not say what is to be done */
	HELD_AUTOMATIC,		/* a mail was written by a machine */
};

struct held_result {
	enum held_outcome outcome;
	enum held_decision decision;
	struct post_id post;	/* that was decided about, where DONE */
	char why[300];		/* "" but for HELD_IMPOSSIBLE */
};

struct held_act {
	enum held_decision decision;
	const char *who;	/* for the trace: "the administrator" */
	const char *reason;	/* for the author, UTF-8, "" if none */
	int64_t now_ms;
	const struct verp *verp;	/* for whom a request lets in: the
					 * token to leave with */
};

/* held_decide - do this, but for HELD_ASK, with a job of STAGE_HELD as it was
 * read. Nothing is changed unless the outcome is HELD_DONE. */
enum err_code held_decide(struct txn *txn, const struct settings *settings,
			  const struct job *held, const struct held_act *act,
			  struct held_result *out, struct err *err);

/* --- the stages --------------------------------------------------------- */

/* held_expire_run - a job of STAGE_HELD that is due: nobody has decided, and
 * it is discarded. *expired false: somebody just has. */
enum err_code held_expire_run(struct txn *txn, const struct job *job,
			      int64_t now_ms, bool *expired,
			      struct err *err);

/* held_notice_run - a job of STAGE_NOTICE: tell those who decide */
enum err_code held_notice_run(struct txn *txn,
			      const struct settings *settings,
			      const struct held_key *key,
			      const struct job *job, int64_t now_ms,
			      struct err *err);

/*
 * held_is_answer - is this job (STAGE_PENDING, ROLE_CONFIRM) mail to one of
 * our signed addresses? held_answer_run - then do what it says, if its author
 * may: a moderator, whose mail has proved that it is his.
 */
bool held_is_answer(const struct held_key *key, const struct job *job);
enum err_code held_answer_run(struct txn *txn,
			      const struct settings *settings,
			      const struct held_key *key,
			      const struct job *job, int64_t now_ms,
			      struct held_result *out, struct err *err);

/* --- at the door -------------------------------------------------------- */

/*
 * held_may_act - may this author use this token of the list? Asked at the
 * end of an SMTP transaction, so that a refusal is said there; the stage asks
 * again. verified: the verified author of the mail's evidence, "" if there is
 * none. HELD_DONE: yes. Writes nothing.
 */
enum err_code held_may_act(struct txn *txn, const struct held_key *key,
			   const struct list *list, const char *token,
			   const char *verified, enum held_outcome *out,
			   struct err *err);

/* held_refusal - "550 5.7.1 ..." for that outcome, one line of ASCII if the
 * list's address is; NULL for HELD_DONE. The caller frees. */
char *held_refusal(enum held_outcome outcome, const char *list);

#endif
