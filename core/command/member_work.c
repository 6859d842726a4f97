/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/member_inside.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

enum admin_status
member_work_begin(struct member_work *work, const struct call *call)
{
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0],
					     &work->list);

	work->call = call;
	if (status != ADMIN_DONE)
		return status;
	if (list_conf_load(store_reader(call->admin->store),
			   work->list->addr, &work->conf, &err) != ERR_OK)
		return call_fail(call, &err);
	work->verp = verp_new(store_secret(call->admin->store));
	work->with = (struct subscription_with){
		.settings = call->admin->settings, .verp = work->verp,
		.now_ms = clock_ms(),
	};
	return ADMIN_DONE;
}

void
member_work_done(struct member_work *work)
{
	list_free(work->list);
	list_conf_free(work->conf);
	verp_free(work->verp);
}

const char *
member_complaint(const struct subscription_result *result)
{
	switch (result->outcome) {
	case SUB_BANNED:
		return "is banned";
	case SUB_NOT_MEMBER:
		return "is not a member";
	case SUB_ALREADY:
		return "is a member already";
	case SUB_TOO_OFTEN:
		return "was written to lately, and is not asked again";
	case SUB_BAD_VALUE:
		return result->why;
	default:
		return "stays as it was";
	}
}

void
member_wake(const struct call *call)
{
	if (call->admin->wake != NULL)
		call->admin->wake();
}

/* --- a batch ------------------------------------------------------------ */

struct batch {
	const struct member_work *work;
	const struct address *addresses;
	guint count;
	struct subscription_result *results;	/* made by the transaction */
};

/* What mime_mailbox() takes and addr_canon() does not is no address. */
static enum err_code
act_on(const struct batch *batch, guint index, struct txn *txn,
       struct err *err)
{
	const struct address *address = &batch->addresses[index];
	struct subscription_result *result = &batch->results[index];
	g_autofree char *canon = addr_canon(address->addr);
	const struct asker asker = {
		.addr = canon, .given = address->addr, .name = address->name,
		.language = batch->work->language, .is_authority = true,
		.who = "the administrator",
	};

	if (canon != NULL)
		return batch->work->act(batch->work, txn, &asker, result,
					err);
	*result = (struct subscription_result){ .outcome = SUB_BAD_VALUE };
	(void) g_strlcpy(result->why, "is no address",
			 sizeof(result->why));
	return ERR_OK;
}

static enum err_code
batch_body(struct txn *txn, void *arg, struct err *err)
{
	const struct batch *batch = arg;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < batch->count && rc == ERR_OK; i++)
		rc = act_on(batch, i, txn, err);
	return rc;
}

enum err_code
member_work_batch(const struct member_work *work,
		  struct addresses *addresses, const struct address *some,
		  guint count, struct err *err)
{
	g_autofree struct subscription_result *results =
		g_new0(struct subscription_result, count);
	struct batch batch = { work, some, count, results };
	enum err_code rc = store_txn(work->call->admin->store, TXN_DURABLE,
				     batch_body, &batch, err);

	for (guint i = 0; i < count && rc == ERR_OK; i++)
		work->count(addresses, work, &some[i], &results[i]);
	return rc;
}
