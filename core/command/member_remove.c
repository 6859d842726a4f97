/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/member_inside.h"
#include "core/base/banned.h"

/* Addresses out of the roster, and addresses that are invited into it. */

#define BATCH 50

/* --- a verb over many addresses ----------------------------------------- */

struct summary { const char *done, *json; };

static void
count_done(struct addresses *addresses, const struct member_work *work,
	   const struct address *address,
	   const struct subscription_result *result)
{
	(void) work;
	if (result->outcome == SUB_DONE || result->outcome == SUB_CONFIRM)
		addresses->done++;
	else
		addresses_refuse(addresses, address,
				 member_complaint(result));
}

static enum err_code
run_batch(struct addresses *addresses, const struct address *batch,
	  guint count, struct err *err)
{
	return member_work_batch(addresses->arg, addresses, batch, count,
				 err);
}

static void
print_summary(const struct addresses *addresses,
	      const struct summary *summary)
{
	const struct call *call = addresses->call;

	if (call->json)
		print_object(call, json_pack(
			"{s:I, s:I}", summary->json,
			(json_int_t)addresses->done, "bad",
			(json_int_t)addresses->bad));
	else if (addresses->source != NULL)
		(void) fprintf(call->admin->out, "%llu %s, %llu bad %s\n",
			       (unsigned long long)addresses->done,
			       summary->done,
			       (unsigned long long)addresses->bad,
			       addresses_unit(addresses));
	else
		(void) fprintf(call->admin->out, "%llu %s\n",
			       (unsigned long long)addresses->done,
			       summary->done);
}

static enum admin_status
run_all(struct member_work *work, const struct summary *summary)
{
	struct addresses addresses = {
		.call = work->call, .batch = run_batch, .batch_max = BATCH,
		.arg = work, .doing = summary->done,
	};
	struct err err = ERR_INIT;
	enum admin_status status = ADMIN_DONE;

	if (addresses_run(&addresses, &err) != ERR_OK)
		status = call_fail(work->call, &err);
	print_summary(&addresses, summary);
	member_wake(work->call);
	return status == ADMIN_DONE && addresses.bad > 0 ? ADMIN_REFUSED :
		status;
}

/* --- remove ------------------------------------------------------------- */

const char *
member_remove_check(const struct call *call)
{
	if (call->goodbye && call->no_goodbye)
		return "--goodbye or --no-goodbye?";
	return addresses_check(call);
}

static enum err_code
remove_one(const struct member_work *work, struct txn *txn,
	   const struct asker *asker, struct subscription_result *out,
	   struct err *err)
{
	return subscription_leave(txn, &work->with, work->list, work->conf,
				  asker, work->call->goodbye ? LETTER_SEND :
				  LETTER_NOT, out, err);
}

/* Of words of the command line one that is no address is a slip, and nobody
 * is removed. */
static enum admin_status
check_words(const struct call *call)
{
	enum admin_status status = ADMIN_DONE;

	for (int i = 1; i < call->count && status == ADMIN_DONE; i++) {
		g_autofree char *canon = NULL;

		if (strcmp(call->args[i], "-") != 0)
			status = call_member_addr(call, call->args[i],
						  &canon);
	}
	return status;
}

enum admin_status
member_remove_run(struct call *call)
{
	static const struct summary summary = { "removed", "removed" };
	struct member_work work = { .act = remove_one, .count = count_done };
	enum admin_status status = member_work_begin(&work, call);

	if (status == ADMIN_DONE)
		status = check_words(call);
	if (status == ADMIN_DONE)
		status = run_all(&work, &summary);
	member_work_done(&work);
	return status;
}

/* --- invite ------------------------------------------------------------- */

static enum err_code
invite_one(const struct member_work *work, struct txn *txn,
	   const struct asker *asker, struct subscription_result *out,
	   struct err *err)
{
	return subscription_invite(txn, &work->with, work->list, work->conf,
				   asker, out, err);
}

enum admin_status
member_invite_run(struct call *call)
{
	static const struct summary summary = { "invited", "invited" };
	struct member_work work = {
		.act = invite_one, .count = count_done,
		.language = call->language,
	};
	enum admin_status status = member_work_begin(&work, call);

	if (status == ADMIN_DONE)
		status = run_all(&work, &summary);
	member_work_done(&work);
	return status;
}
