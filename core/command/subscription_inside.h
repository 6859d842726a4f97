/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_SUBSCRIPTION_INSIDE_H
#define MUSTER_COMMAND_SUBSCRIPTION_INSIDE_H

#include <glib.h>
#include <jansson.h>

#include "core/command/subscription.h"
#include "core/letter/letter.h"
#include "db/token.h"

/* Private to the files of subscription.h in core/command. */

#define SUBSCRIPTION_STAGE "command"	/* in the trace */

/* The kinds of tokens */
#define TOKEN_JOIN "join"
#define TOKEN_LEAVE "leave"
#define TOKEN_SET "set"
#define TOKEN_MOVE_OLD "move-old"	/* to the old address; other: the new */
#define TOKEN_MOVE_NEW "move-new"	/* to the new address; other: the old */
#define TOKEN_INVITE "invite"

typedef struct list sub_list_t;
typedef struct list_conf sub_conf_t;
typedef struct member sub_member_t;
typedef struct token sub_token_t;
typedef struct job sub_job_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sub_list_t, list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sub_conf_t, list_conf_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sub_member_t, member_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sub_token_t, token_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sub_job_t, job_free)

/* One call of a function of subscription.h */
struct request {
	struct txn *txn;
	const struct subscription_with *with;
	const struct list *list;
	const struct list_conf *conf;
	const struct asker *asker;
	bool is_proven;		/* the mail is the address's own, or the token
				 * was */
	bool is_confirmed;	/* the token was */
	struct subscription_result *out;
};

/* request_init - *out is made anew */
void request_init(struct request *req, struct txn *txn,
		  const struct subscription_with *with,
		  const struct list *list, const struct list_conf *conf,
		  const struct asker *asker, enum subscription_act act,
		  struct subscription_result *out);
/* request_end - what every function ends with: the outcome in the trace of
 * the mail that asks */
enum err_code request_end(const struct request *req, enum err_code rc,
			  struct err *err);
/* request_is_free - he may, without any question: an authority, or proven */
bool request_is_free(const struct request *req);
/* request_who - for people: the administrator, or the address itself */
const char *request_who(const struct request *req);
/* request_by - who asks, if that is known and an address; else "" */
const char *request_by(const struct request *req);
/* given_addr - an address as it was written, where that is the same address;
 * else as it is */
const char *given_addr(const char *given, const char *addr);
int64_t request_now_s(const struct request *req);
/* request_banned - is this address, or the client that asks? */
bool request_banned(const struct request *req, const char *addr);

/*
 * request_allowed - may a letter go to this address that it has not asked for
 * itself, as far as we know? By address, by domain and by the network of the
 * client. Else the outcome is SUB_TOO_OFTEN.
 */
enum err_code request_allowed(const struct request *req, const char *addr,
			      bool *allowed, struct err *err);

/* A question to an address: a token, and the letter that brings it. */
struct question {
	const char *kind;
	const char *template;
	const char *addr;	/* canonical: who is asked */
	const char *other;	/* NULL: none */
	const char *language;	/* NULL: the list's */
	const json_t *detail;	/* borrowed; NULL: none */
	const struct letter_field *fields;	/* besides those that all
						 * questions have; NULL: none */
};
/* request_ask - sends it; the outcome is SUB_CONFIRM */
enum err_code request_ask(const struct request *req,
			  const struct question *question, struct err *err);

/* request_tell - a letter without a question. fields: ended by name NULL. */
enum err_code request_tell(const struct request *req, const char *template,
			   const char *to, const char *language,
			   const struct letter_field *fields,
			   struct err *err);

/*
 * The detail of a token or a job is a JSON object. detail_read - never NULL;
 * detail_text - the string of a key, "" if there is none; borrowed.
 * detail_write - the caller frees
 */
json_t *detail_read(const char *text);
const char *detail_text(const json_t *detail, const char *key);
bool detail_flag(const json_t *detail, const char *key);
char *detail_write(const json_t *detail);

/* --- of each act, for subscription_confirm() ---------------------------- */

/* also of an invitation */
enum err_code join_confirmed(struct request *req, const struct token *token,
			     struct err *err);
enum err_code leave_confirmed(struct request *req, const struct token *token,
			      struct err *err);
enum err_code set_confirmed(struct request *req, const struct token *token,
			    struct err *err);
enum err_code move_confirmed(struct request *req, const struct token *token,
			     struct err *err);

/* Whom to make a member, and how */
struct entry {
	const char *given;	/* as it was written */
	const char *name, *language;
	enum delivery_mode delivery;
	enum subscription_letter welcome;
};
/* join_admit - there is nothing more to ask. SUB_DONE, SUB_RETURNED or
 * SUB_ALREADY. addr: canonical */
enum err_code join_admit(struct request *req, const char *addr,
			 const struct entry *entry, const char *how,
			 struct err *err);
/* entry_json, entry_read - as the detail of a token or a job; the entry's
 * texts are borrowed from detail */
json_t *entry_json(const struct entry *entry);
void entry_read(const json_t *detail, const char *addr, struct entry *out);

/* preference_apply - to a member; by: who would turn delivery off. False: it
 * was so already */
bool preference_apply(struct member *member,
		      const struct preference *preference, enum off_by by,
		      int64_t now_s);

/* invite_pending - has this address an invitation that holds? */
enum err_code invite_pending(const struct request *req, const char *addr,
			     bool *pending, struct err *err);

#endif
