/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_SUBSCRIPTION_H
#define MUSTER_COMMAND_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/keys.h"
#include "conf/settings.h"
#include "core/mail/addr.h"
#include "core/mail/verp.h"
#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/roster.h"
#include "db/store.h"

/*
 * The subscriber's life: who joins a list, leaves it, changes how he gets it,
 * and moves to another address. The same rules for what comes by mail, from
 * the administrator, from a moderator who decides, and from a click.
 *
 * Each function is called in the transaction of whoever asks. In it are the
 * roster's change, the token, the letters, the events and the trace, so that
 * all of it happens or nothing. None of them logs.
 *
 * What the rules rest on is who has proved what. Somebody who has not proved
 * that he reads mail to an address (asker.is_verified) can cause a letter to
 * that address, at a set rate, and no more: the roster is as it was, nothing
 * is held for a moderator, and what he is told is the same whether the address
 * is on the list or not.
 */

/* What the process shares */
struct subscription_with {
	const struct settings *settings;
	const struct verp *verp;	/* of the tokens to leave with */
	int64_t now_ms;			/* unix time */
};

struct asker {
	const char *addr;	/* canonical: whom it is about */
	const char *given;	/* that address as it was written; NULL: addr */
	const char *name;	/* UTF-8; NULL or "": none */
	const char *language;	/* a tag; NULL or "": the list's */
	bool is_verified;	/* the verified author of the mail is addr */
	bool is_authority;	/* an administrator, or an owner of the list:
				 * there is nothing to confirm */
	bool is_automatic;	/* a machine wrote the mail (automatic_kind):
				 * it asks and confirms nothing */
	const char *who;	/* who asks, for people: "the administrator",
				 * or the verified author where that is
				 * another; NULL: addr, or nobody knows */
	const char *client;	/* IP of the SMTP client, NULL or "": none */
	const char *message_id;	/* of the mail that asks, for the letters
				 * that answer it; NULL: none */
	const struct post_id *post;	/* that mail; NULL: none. It goes with
					 * a request that waits for a
					 * moderator (post_hold() is called) */
};

enum subscription_outcome {
	SUB_DONE,
	SUB_RETURNED,		/* a member whose delivery was off, and is on
				 * again */
	SUB_CONFIRM,		/* a letter is on its way to the address, and
				 * has to be answered. An asker who has not
				 * proved that he is that address is told no
				 * more, be it a member or not */
	SUB_HELD,		/* waits for a moderator, maybe already before
				 * this */
	SUB_ALREADY,		/* a member already; invited already; set so
				 * already */
	SUB_NOT_MEMBER,
	SUB_BANNED,
	SUB_CLOSED,		/* nobody joins this list by himself */
	SUB_INVITE_ONLY,
	SUB_TOO_OFTEN,		/* a letter was sent lately, or too many were:
				 * nothing is sent */
	SUB_BAD_TOKEN,		/* not one of ours, used, or too old */
	SUB_NOT_ALLOWED,	/* only an authority may */
	SUB_BAD_VALUE,		/* why says what is wrong */
	SUB_AUTOMATIC,		/* a machine asks: nothing is done */
};

/* subscription_outcome_name - "done" "returned" "confirm" "held" "already"
 * "not-member" "banned" "closed" "invite-only" "too-often" "bad-token"
 * "not-allowed" "bad-value" "automatic"; for the log and JSON */
const char *subscription_outcome_name(enum subscription_outcome outcome);

/* What was asked, or of subscription_confirm() what was confirmed */
enum subscription_act {
	SUB_NONE,
	SUB_JOIN,
	SUB_LEAVE,
	SUB_SET,
	SUB_MOVE,
	SUB_INVITE,		/* of confirm: an invitation was accepted */
};
const char *subscription_act_name(enum subscription_act act);	/* "join" */

struct subscription_result {
	enum subscription_outcome outcome;
	enum subscription_act act;
	char addr[ADDR_MAX + 1];	/* canonical: whom it is about */
	char other[ADDR_MAX + 1];	/* SUB_MOVE: the new address; else "" */
	char asked[ADDR_MAX + 1];	/* SUB_CONFIRM: who is to confirm */
	unsigned int lists;		/* SUB_MOVE: of how many lists */
	bool untold;			/* a letter was due, and enough were
					 * sent to that address lately */
	char why[200];			/* UTF-8; "" but for SUB_BAD_VALUE and
					 * SUB_NOT_ALLOWED */
};

/* --- joining ------------------------------------------------------------ */

/* Of an authority: whether the letter that belongs to it (welcome, goodbye)
 * goes out. The list's: as its keys say. */
enum subscription_letter { LETTER_AS_LIST, LETTER_SEND, LETTER_NOT };

struct join_options {
	enum delivery_mode delivery;		/* DELIVERY_ON if not said */
	enum subscription_letter welcome;
	bool confirm;			/* of an authority: the address is
					 * asked first nevertheless */
};

/*
 * subscription_join - by the list's key subscription: open, confirm, moderated,
 * confirm+moderated, closed, invite. options NULL: all as it is if nothing is
 * said.
 *
 * asker.is_authority: the member is there with SUB_DONE, whatever the key
 * says, unless he is banned.
 *
 * A repeated request leaves the letters valid that went out before: who asks
 * in somebody's name must not be able to spoil what that one was sent.
 */
enum err_code subscription_join(struct txn *txn,
				const struct subscription_with *with,
				const struct list *list,
				const struct list_conf *conf,
				const struct asker *asker,
				const struct join_options *options,
				struct subscription_result *out,
				struct err *err);

/* --- leaving ------------------------------------------------------------ */

/*
 * subscription_leave - at once for a verified member and an authority; anyone
 * else is sent a token, but where the list's key leave-confirm says that it
 * needs none: then SUB_DONE says no more than that he is not a member now
 */
enum err_code subscription_leave(struct txn *txn,
				 const struct subscription_with *with,
				 const struct list *list,
				 const struct list_conf *conf,
				 const struct asker *asker,
				 enum subscription_letter goodbye,
				 struct subscription_result *out,
				 struct err *err);

/*
 * subscription_leave_by_token - a token of leave_token_make(), as it stands in
 * List-Unsubscribe: by mail to LIST-leave+TOKEN, or by a POST (RFC 8058). It
 * is proof enough, and needs no other.
 *
 * SUB_DONE; SUB_NOT_MEMBER: the token is ours, and he has left already;
 * SUB_BAD_TOKEN. how: for people, "by one click".
 */
enum err_code subscription_leave_by_token(
	struct txn *txn, const struct subscription_with *with,
	const struct list *list, const struct list_conf *conf,
	const char *token, const char *how, const struct post_id *post,
	struct subscription_result *out, struct err *err);

/* --- preferences -------------------------------------------------------- */

struct preference {
	const struct key *key;		/* of member_keys (key_find) */
	const char *value;		/* as key_check() gives it */
};

/*
 * subscription_set - all of them or none. "moderated" is for an authority
 * (SUB_NOT_ALLOWED). Who is not verified is sent a token for the whole.
 */
enum err_code subscription_set(struct txn *txn,
			       const struct subscription_with *with,
			       const struct list *list,
			       const struct list_conf *conf,
			       const struct asker *asker,
			       const struct preference *preferences,
			       size_t count, struct subscription_result *out,
			       struct err *err);

/* --- moving to another address ------------------------------------------ */

struct move_options {
	const char *to;		/* canonical */
	const char *to_given;	/* as it was written; NULL: to */
	bool to_verified;	/* the verified author of the mail is `to` */
	bool all;		/* on all lists of the site, not on this one */
};

/*
 * subscription_move - asker.addr is the old address. First the old one
 * confirms, unless the asker is verified as it, then the new one, unless the
 * asker was verified as that. Keeps all that is known about the member. Where
 * the new address is a member already, that entry stays as it is, with the
 * posts of both and the earlier date.
 */
enum err_code subscription_move(struct txn *txn,
				const struct subscription_with *with,
				const struct list *list,
				const struct list_conf *conf,
				const struct asker *asker,
				const struct move_options *options,
				struct subscription_result *out,
				struct err *err);

/* --- inviting ----------------------------------------------------------- */

/*
 * subscription_invite - asker.addr is who is invited, asker.is_authority must
 * be true (SUB_NOT_ALLOWED). SUB_CONFIRM: the letter is on its way;
 * SUB_ALREADY: he is a member; SUB_TOO_OFTEN: he has an invitation that he has
 * not answered, or too many were sent.
 */
enum err_code subscription_invite(struct txn *txn,
				  const struct subscription_with *with,
				  const struct list *list,
				  const struct list_conf *conf,
				  const struct asker *asker,
				  struct subscription_result *out,
				  struct err *err);

/* --- confirming --------------------------------------------------------- */

/*
 * subscription_confirm - what a token of this list stands for is done; it
 * proves its address, so asker.addr and is_verified do not matter (addr may
 * be ""). Other tokens for the same request go with it. The outcome is that of
 * the act: a request may be held now (SUB_HELD), or the other address of a
 * move has to confirm too (SUB_CONFIRM).
 */
enum err_code subscription_confirm(struct txn *txn,
				   const struct subscription_with *with,
				   const struct list *list,
				   const struct list_conf *conf,
				   const struct asker *asker,
				   const char *token,
				   struct subscription_result *out,
				   struct err *err);

enum token_state {
	TOKEN_NONE,	/* none of ours, or too old */
	TOKEN_SPENT,	/* has been used; known for some days, so that the
			 * mail that used it can be repeated */
	TOKEN_GOOD,
};

/* subscription_token - would subscription_confirm() know this token now, or
 * has it some days ago? For the door, before the mail is taken. Writes
 * nothing. */
enum err_code subscription_token(struct txn *txn, int64_t now_ms,
				 const struct list *list, const char *token,
				 enum token_state *out, struct err *err);

/* --- requests that wait for a moderator --------------------------------- *
 * A held job (core/held) with ROLE_JOIN: addrs[0] is the canonical address,
 * detail the options. core/held calls these.
 */

/* subscription_request_name - of who asks, UTF-8, "" if none; the caller
 * frees */
char *subscription_request_name(const struct job *held);

/* subscription_approve - of an approved request. SUB_DONE; SUB_ALREADY: he
 * has come in meanwhile; SUB_BANNED; SUB_BAD_VALUE: the list is gone */
enum err_code subscription_approve(struct txn *txn,
				   const struct subscription_with *with,
				   const struct job *held, const char *who,
				   struct subscription_result *out,
				   struct err *err);

/* subscription_reject - tell who asked. *why: NULL if he was told, else why
 * not; static */
enum err_code subscription_reject(struct txn *txn,
				  const struct subscription_with *with,
				  const struct job *held, const char *reason,
				  const char **why, struct err *err);

#endif
