/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_STATE_H
#define MUSTER_INBOUND_STATE_H

#include "core/auth/auth.h"
#include "core/base/log.h"
#include "core/inbound/facts.h"
#include "core/inbound/inbound.h"
#include "core/inbound/message.h"
#include "core/inbound/spool.h"
#include "core/moderate/policy.h"

/*
 * Inside core/inbound: a connection and its message, shared by inbound.c
 * (life and bytes), rcpt.c (recipients), judge.c and judge_end.c (verdicts),
 * end.c (end of message) and report.c (what is said to the sender, the log
 * and the trace).
 */

struct rcpt {
	char *path;		/* as it came */
	struct rcpt_answer is;
	/* ROLE_POST only */
	struct policy *policy;
	struct facts *facts;
	struct verdict verdict;	/* NONE as long as it is not decided */

	struct smtp_reply reply;	/* at the end of message */
	char *why;		/* for the trace */
	bool taken;		/* accepted, held or discarded: 250 */
	bool misdirected;	/* taken, but not sent on */
	GPtrArray *reported;	/* ROLE_FEEDBACK: struct rcpt_answer of each
				 * copy of ours, frees them; else NULL */
};

#define ADDRESSED_MAX 1000

struct inbound {
	const struct inbound_env *env;
	struct settings *settings;	/* env's */
	struct questions questions;
	struct inbound_peer peer;

	/* the message */
	struct addr sender;
	bool sender_ok;
	int64_t size_declared;
	char id[21];
	GPtrArray *rcpts;	/* of struct rcpt: ours, welcome at RCPT */
	GArray *refused;	/* of struct refusal, owned texts */
	unsigned int foreign;
	GPtrArray *addressed;	/* char *: paths of those that were not
				 * refused, up to ADDRESSED_MAX */
	struct auth *auth;	/* NULL until there is a recipient of ours */
	struct message message;
	GString *head;		/* the header as the client sent it */
	bool head_done;		/* all of it is there */
	struct spool *spool;
	uint64_t prefix_len;	/* of our Received field in the spool */
	bool too_large;		/* over the limit of every list */
};

/* inbound.c */
struct rcpt *rcpt_at(const struct inbound *inbound, unsigned int index);
uint64_t inbound_client_size(const struct inbound *inbound);
void inbound_begin_spool(struct inbound *inbound);

/* rcpt.c */
void rcpt_free(void *rcpt);

/* judge.c: policies */
/* judge_prepare - fetch the policy of a post's recipient, make its facts */
enum err_code judge_prepare(struct inbound *inbound, struct rcpt *rcpt,
			    struct err *err);
/* judge_post - decide as far as is known (last: for good), and say so in
 * rcpt->reply where that is a refusal. Nothing for other roles. */
void judge_post(struct inbound *inbound, struct rcpt *rcpt, bool last);
/* judge_header - the end of the header: begin the look-ups, judge all */
void judge_header(struct inbound *inbound);

/* judge_end.c: the end of message, once for each recipient. Either rcpt->taken
 * and ->why, or its reply is a refusal; fails where nobody can say (451 for
 * all). */
enum err_code judge_at_end(struct inbound *inbound, struct rcpt *rcpt,
			   struct err *err);

/* feedback.c - a feedback report at its end: whose copies it is about, or
 * rcpt->reply says why it is not taken */
enum err_code judge_feedback(struct inbound *inbound, struct rcpt *rcpt,
			     struct err *err);

/* end.c: reply stays 0 unless each recipient is refused already */
void inbound_refuse_early(struct inbound *inbound, struct smtp_reply *reply);

/* report.c: replies */
void reply_none(struct smtp_reply *reply);
void reply_set(struct smtp_reply *reply, int code, const char *enhanced,
	       const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void reply_of_err(struct smtp_reply *reply, const struct err *err);
void reply_verdict(const struct verdict *verdict, struct smtp_reply *reply);
void reply_misdirected(struct smtp_reply *reply, const char *list,
		       enum command_meant meant);
bool reply_if_too_large(const struct rcpt_answer *is, int64_t size,
			struct smtp_reply *reply);
char *reply_line(const struct smtp_reply *reply);
/* "550 5.7.1 text", as reply_line() makes it */
void reply_of_line(struct smtp_reply *reply, const char *line);

/* report.c: log and trace */
void inbound_log_ctx(const struct inbound *inbound, const char *list,
		     struct log_ctx *out);
void inbound_log_refused(const struct inbound *inbound, const char *list,
			 const char *path, const struct smtp_reply *reply);
void inbound_log_end(const struct inbound *inbound, const char *event,
		     const char *list, const char *text);
void inbound_note_refusal(struct inbound *inbound, const char *list,
			  const char *path, const struct smtp_reply *reply);
void inbound_fill_submission(const struct inbound *inbound, GArray *to,
			     struct submission *out);
char *inbound_client_text(const struct inbound *inbound);
/* what no list took, for `muster trace`; the sender has his answer */
void inbound_tell_refusals(struct inbound *inbound, const char *message_id,
			   const char *author);

#endif
