/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/subscription_inside.h"
#include "core/base/banned.h"

/* A moderator has decided about somebody who asked to join (core/held). */

char *
subscription_request_name(const struct job *held)
{
	json_t *detail = detail_read(held->detail);
	char *name = g_strdup(detail_text(detail, "name"));

	json_decref(detail);
	return name;
}

struct decision {
	const struct job *held;
	json_t *detail;
	struct list *list;
	struct list_conf *conf;
	struct asker asker;
	struct entry entry;
};

/* list NULL: it has been deleted. Then decision_done() in any case. */
static enum err_code
decision_read(struct decision *decision, struct txn *txn,
	      const struct job *held, const char *who, struct err *err)
{
	enum err_code rc = list_by_id(txn, held->list, &decision->list, err);

	if (rc == ERR_OK && decision->list != NULL)
		rc = list_conf_load(txn, decision->list->addr,
				    &decision->conf, err);
	decision->held = held;
	decision->detail = detail_read(held->detail);
	decision->asker = (struct asker){
		.addr = held->addrs[0], .is_verified = true, .who = who,
		.post = &held->post,
	};
	entry_read(decision->detail, held->addrs[0], &decision->entry);
	return rc;
}

static void
decision_done(struct decision *decision)
{
	json_decref(decision->detail);
	list_free(decision->list);
	list_conf_free(decision->conf);
}

static enum err_code
approve(struct request *req, const struct decision *decision,
	struct err *err)
{
	g_autofree char *how = g_strdup_printf("joined, approved by %s",
					       request_who(req));

	if (!request_banned(req, decision->asker.addr))
		return join_admit(req, decision->asker.addr,
				  &decision->entry, how, err);
	req->out->outcome = SUB_BANNED;
	return ERR_OK;
}

enum err_code
subscription_approve(struct txn *txn, const struct subscription_with *with,
		     const struct job *held, const char *who,
		     struct subscription_result *out, struct err *err)
{
	struct decision decision = { 0 };
	struct request req;
	enum err_code rc = decision_read(&decision, txn, held, who, err);

	*out = (struct subscription_result){
		.outcome = SUB_BAD_VALUE, .act = SUB_JOIN,
	};
	if (rc == ERR_OK && decision.list != NULL) {
		request_init(&req, txn, with, decision.list, decision.conf,
			     &decision.asker, SUB_JOIN, out);
		rc = request_end(&req, approve(&req, &decision, err), err);
	}
	decision_done(&decision);
	return rc;
}

enum err_code
subscription_reject(struct txn *txn, const struct subscription_with *with,
		    const struct job *held, const char *reason,
		    const char **why, struct err *err)
{
	const struct letter_field fields[] = {
		{ "reason", reason }, { NULL, NULL },
	};
	struct decision decision = { 0 };
	struct subscription_result out;
	struct request req;
	enum err_code rc = decision_read(&decision, txn, held, NULL, err);

	*why = "the list has been deleted";
	if (rc == ERR_OK && decision.list != NULL) {
		request_init(&req, txn, with, decision.list, decision.conf,
			     &decision.asker, SUB_JOIN, &out);
		rc = request_tell(&req, "join-refused", decision.asker.addr,
				  decision.entry.language, fields, err);
		*why = out.untold ? "he was written to often enough lately" :
			NULL;
	}
	decision_done(&decision);
	return rc;
}
