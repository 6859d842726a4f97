/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_ASK_H
#define MUSTER_INBOUND_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "core/auth/evidence.h"
#include "core/base/err.h"
#include "core/inbound/facts.h"
#include "core/mail/addr.h"
#include "core/moderate/policy.h"

/*
 * What the gate and the LMTP door, which cannot open the database, ask
 * musterd over run/submit.sock. A pool of connections, shared by all
 * threads of a process; safe to use after fork only if made after it.
 *
 * Every question has a deadline (ms). Errors: ERR_DOWN, ERR_BUSY, and those
 * that musterd answers (ERR_NOSPACE, ERR_IO ...): to the sender all are 451.
 * After ERR_DOWN or a deadline, further questions fail at once for half a
 * second, so that a musterd that is stuck does not hold every session up.
 */

struct ask;

struct ask *ask_new(const char *submit_path);
void ask_free(struct ask *ask);

/* What a recipient is. */
enum rcpt_kind {
	RCPT_FOREIGN,	/* not ours: wave it through */
	RCPT_UNKNOWN,	/* in a domain of ours, but nobody: 550 5.1.1 */
	RCPT_LIST,	/* a list or one of its roles */
};

struct rcpt_answer {
	enum rcpt_kind kind;
	enum role role;
	char *list;		/* canonical address */
	char *detail;		/* token, "" if none */
	bool token_ok;		/* ROLE_BOUNCES, ROLE_CONFIRM, ROLE_LEAVE: it
				 * is a token that we made */
	bool has_owner;		/* somebody reads -owner */
	char *refusal;		/* of a command address: "550 5.7.1 ...", ""
				 * if mail is welcome so far */
	bool misdirected;	/* commands sent to the list are not sent on */
	int64_t commands_most;	/* in one mail */
	char *policy_id;	/* of what holds now, policies.h */
	struct person sender;	/* what the list knows about the sender */
	char *parent;		/* the list whose copy this is, which this one
				 * is a member of; "" if it is no such copy */
	bool parent_accepted;	/* that is one of those always to accept */
	bool client_banned;
	bool draining;		/* takes no new posts for a while */
	int64_t size_max;	/* octets, 0: no limit */
};

/* client: its address, "" if unknown */
enum err_code ask_rcpt(struct ask *ask, const char *sender,
		       const char *rcpt, const char *client,
		       struct rcpt_answer *out, struct err *err);
void rcpt_answer_done(struct rcpt_answer *answer);

/* ask_policy - the rules that hold for the list (policy_text_for) and their
 * id; the caller frees both */
enum err_code ask_policy(struct ask *ask, const char *list, char **id,
			 char **text, struct err *err);

/* ask_questions - what facts.h wants to know, asked here; arg is ask */
struct questions ask_questions(struct ask *ask);

/* A mail to a command address at its end */
struct command_question {
	const struct rcpt_answer *is;
	const char *sender;	/* canonical, "" for null */
	const char *client;	/* its address, "" if unknown */
	const char *author;	/* verified, "" if none */
	const char *from;	/* the addresses in From, joined by ", " */
	bool needs_proof;	/* it has nothing for those who are not
				 * verified (core/command/request.h) */
};

/* ask_command - is it taken? *refusal NULL: yes; else the reply that says why
 * not ("550 5.7.1 ..."), which the caller frees. */
enum err_code ask_command(struct ask *ask,
			  const struct command_question *question,
			  char **refusal, struct err *err);

/* ask_taken - has a post with this key (repeat.h) been taken already? */
enum err_code ask_taken(struct ask *ask, const uint8_t key[32], bool *taken,
			struct err *err);

/* A post that a list takes, for musterd to commit. */
struct submission_to {
	const char *list;
	enum role role;
	const char *detail;
	enum verdict_kind verdict;	/* ACCEPT, HOLD or DISCARD */
	const char *why;	/* for the trace: which rule, which fact */
	const char *reason;	/* of HOLD, for the moderators */
	bool misdirected;	/* ROLE_POST, ACCEPT: a command, not to be
				 * sent on */
	uint8_t key[32];	/* repeats are recognised by it */
};

struct submission {
	const char *sender, *qid, *message_id, *door, *client, *helo, *auth,
		   *author;
	const struct evidence *evidence;	/* NULL: nothing was checked */
	char id[21];		/* text of the post's id, made by the door */
	uint64_t size;		/* octets in fd */
	GArray *to;		/* of struct submission_to */
	GArray *refused;	/* of struct refusal: lists of the same message
				 * that did not want it, for the trace */
};

struct refusal {
	const char *list;	/* "" if unknown */
	const char *rcpt;
	const char *reply;	/* the SMTP reply as sent */
};

/*
 * ask_submit - commit it. fd is a memfd sealed against change. On ERR_OK it
 * is on disk; *repeat says that all of it had been accepted before, then
 * id_out is the id of the first. tick (may be NULL) is called about every
 * three seconds while we wait. Nothing is kept if musterd cannot commit by
 * the deadline.
 */
enum err_code ask_submit(struct ask *ask, const struct submission *post,
			 int fd, int64_t deadline_ms,
			 void (*tick)(void *arg), void *arg, bool *repeat,
			 char id_out[21], struct err *err);

/* ask_refused - tell the trace of a message that no list took; no error
 * matters to the sender. */
void ask_refused(struct ask *ask, const struct submission *post);

#endif
