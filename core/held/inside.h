/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_HELD_INSIDE_H
#define MUSTER_HELD_INSIDE_H

#include <glib.h>

#include "core/held/held.h"
#include "core/held/view.h"

/* Private to core/held. */

#define HELD_STAGE "moderation"		/* in the trace */

/* g_autoptr() for what the store gives */
typedef struct job held_job_t;
typedef struct list held_list_t;
typedef struct list_conf held_conf_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(held_job_t, job_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(held_list_t, list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(held_conf_t, list_conf_free)

/* What a token and a person allow: outcome HELD_DONE, and the job (to be
 * freed), or the reason why not. */
struct authority {
	enum held_outcome outcome;
	enum held_decision decision;
	struct job *held;
};
enum err_code held_authorise(struct txn *txn, const struct held_key *key,
			     const struct list *list, const char *token,
			     const char *verified, struct authority *out,
			     struct err *err);

/* What a moderator wrote. */
struct answer {
	enum held_decision decision;
	char *reason;		/* "" if none */
};
/* answer_read - what the text of a mail says; token: of the address. False:
 * not understood. */
bool answer_read(enum held_decision token, const char *text,
		 struct answer *out);

/* notice_fields - what a moderator must know about a held post, as HELD_POST
 * of core/letter/kinds.c: an array of struct letter_field, which it owns.
 * notice_fields_of - the same and one more, for a letter; g_free() it before
 * they go. */
GPtrArray *notice_fields(const struct held_key *key, const struct job *held,
			 const struct held_view *view);
struct letter_field *notice_fields_of(const GPtrArray *fields,
				      const char *name, const char *value);
/* request_notice - tell these of a request to join; request_decide - as
 * held_decide() */
enum err_code request_notice(struct txn *txn,
			     const struct settings *settings,
			     const struct held_key *key,
			     const struct job *held,
			     const struct held_view *view,
			     struct letter *letter, char *const *to,
			     struct err *err);
enum err_code request_decide(struct txn *txn, const struct settings *settings,
			     const struct job *held,
			     const struct held_act *act,
			     struct held_result *out, struct err *err);
/* notice_addr - the address that does this; the caller frees */
char *notice_addr(const struct held_key *key, const struct job *held,
		  enum held_decision decision);
/* notice_recipients - moderators, of one kind or all; borrowed from conf,
 * NULL-ended, g_free() it */
enum notice_for { FOR_EACH_POST, FOR_DIGEST, FOR_ALL };
char **notice_recipients(const struct list_conf *conf, enum notice_for which);

/* digest_expired - the next digest of the job's list shall say that this held
 * post has expired; nothing where nobody gets one */
enum err_code digest_expired(struct txn *txn, const struct job *held,
			     int64_t now_ms, struct err *err);
/* digest_run - a job of STAGE_NOTICE that is a digest; digest_is - is it? */
bool digest_is(const struct job *job);
enum err_code digest_run(struct txn *txn, const struct settings *settings,
			 const struct held_key *key, const struct job *job,
			 int64_t now_ms, struct err *err);
/* digest_ensure - one will come: once a day to those who want it so, or,
 * flood, within the hour to all, since there are too many for a notice each */
enum err_code digest_ensure(struct txn *txn, uint32_t list,
			    const char *list_addr, bool flood,
			    int64_t now_ms, struct err *err);

#endif
