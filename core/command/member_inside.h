/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_MEMBER_INSIDE_H
#define MUSTER_COMMAND_MEMBER_INSIDE_H

#include "core/command/addresses.h"
#include "core/command/subscription.h"

/*
 * What the administrator does to members: the functions of subscription.h for
 * many addresses, some of them a transaction.
 */
struct member_work {
	const struct call *call;
	struct list *list;
	struct list_conf *conf;
	struct verp *verp;
	struct subscription_with with;
	const char *language;	/* of who joins; NULL: the list's */
	/* what is done with one address, and how it is counted */
	enum err_code (*act)(const struct member_work *work, struct txn *txn,
			     const struct asker *asker,
			     struct subscription_result *out,
			     struct err *err);
	void (*count)(struct addresses *addresses,
		      const struct member_work *work,
		      const struct address *address,
		      const struct subscription_result *result);
	void *arg;		/* the verb's own */
};

/* member_work_begin - the list that the first argument names; complains if
 * there is none. Then member_work_done() in any case. */
enum admin_status member_work_begin(struct member_work *work,
				    const struct call *call);
void member_work_done(struct member_work *work);

/* member_work_batch - act on some, in one transaction, then count each */
enum err_code member_work_batch(const struct member_work *work,
				struct addresses *addresses,
				const struct address *batch, guint count,
				struct err *err);

/* member_complaint - why nothing was done, for addresses_refuse(); borrowed */
const char *member_complaint(const struct subscription_result *result);

/* member_wake - letters may be on their way */
void member_wake(const struct call *call);

#endif
