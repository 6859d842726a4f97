/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/member_inside.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/* One member: to another address, out by a click, and where he is. */

/* --- move --------------------------------------------------------------- */

struct moving {
	struct member_work work;
	struct asker asker;
	struct move_options options;
	struct subscription_result result;	/* set by the transaction */
};

static enum err_code
move_body(struct txn *txn, void *arg, struct err *err)
{
	struct moving *moving = arg;
	const struct member_work *work = &moving->work;

	return subscription_move(txn, &work->with, work->list, work->conf,
				 &moving->asker, &moving->options,
				 &moving->result, err);
}

static void
print_moved(const struct call *call, const struct subscription_result *result)
{
	if (call->json)
		print_object(call, json_pack(
			"{s:o, s:o, s:i}", "from", json_text(result->addr),
			"to", json_text(result->other), "lists",
			(int)result->lists));
	else
		(void) fprintf(call->admin->out, "%s is now %s on %u %s\n",
			       result->addr, result->other, result->lists,
			       result->lists == 1 ? "list" : "lists");
}

static enum admin_status
do_move(const struct call *call, struct moving *moving)
{
	const struct subscription_result *result = &moving->result;
	struct err err = ERR_INIT;

	if (store_txn(call->admin->store, TXN_DURABLE, move_body, moving,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	switch (result->outcome) {
	case SUB_DONE:
		print_moved(call, result);
		return ADMIN_DONE;
	case SUB_BANNED:
		return call_refuse(call, "%s is banned", result->other);
	case SUB_ALREADY:
		return call_refuse(call, "this is one address");
	default:
		return call_refuse(call, "%s is not a member of %s",
				   result->addr, call->all ? "any list" :
				   moving->work.list->addr);
	}
}

enum admin_status
member_move_run(struct call *call)
{
	g_autofree char *from = NULL, *to = NULL;
	struct moving moving = { .options = { .all = call->all } };
	enum admin_status status = member_work_begin(&moving.work, call);

	if (status == ADMIN_DONE)
		status = call_member_addr(call, call->args[1], &from);
	if (status == ADMIN_DONE)
		status = call_member_addr(call, call->args[2], &to);
	moving.asker = (struct asker){
		.addr = from, .is_authority = true,
		.who = "the administrator",
	};
	moving.options.to = to;
	moving.options.to_given = call->args[2];
	if (status == ADMIN_DONE)
		status = do_move(call, &moving);
	member_work_done(&moving.work);
	return status;
}

/* --- leave -------------------------------------------------------------- */

struct leaving {
	struct member_work work;
	const char *token;
	struct subscription_result result;	/* set by the transaction */
};

static enum err_code
leave_body(struct txn *txn, void *arg, struct err *err)
{
	struct leaving *leaving = arg;
	const struct member_work *work = &leaving->work;

	return subscription_leave_by_token(txn, &work->with, work->list,
					   work->conf, leaving->token,
					   "by one click", NULL,
					   &leaving->result, err);
}

static enum admin_status
do_leave(const struct call *call, struct leaving *leaving)
{
	const char *list = leaving->work.list->addr;
	struct err err = ERR_INIT;

	if (store_txn(call->admin->store, TXN_DURABLE, leave_body, leaving,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	member_wake(call);
	if (leaving->result.outcome == SUB_BAD_TOKEN)
		return call_refuse(call, "not valid: this is no token to "
				   "leave %s with", list);
	if (leaving->result.outcome == SUB_NOT_MEMBER)
		return call_refuse(call, "already gone: whom this token is "
				   "for is not a member of %s", list);
	if (call->json)
		print_object(call, json_pack("{s:o, s:o}", "list",
					     json_text(list), "address",
					     json_text(leaving->result
						       .addr)));
	else
		(void) fprintf(call->admin->out, "%s: has left %s\n",
			       leaving->result.addr, list);
	return ADMIN_DONE;
}

enum admin_status
member_leave_run(struct call *call)
{
	struct leaving leaving = { .token = call->args[1] };
	enum admin_status status = member_work_begin(&leaving.work, call);

	if (status == ADMIN_DONE)
		status = do_leave(call, &leaving);
	member_work_done(&leaving.work);
	return status;
}

/* --- find --------------------------------------------------------------- */

struct finding {
	const struct call *call;
	const char *addr;
	struct print_array array;
	guint count;
};

static void
print_found(struct finding *finding, const struct list *list,
	    const struct member *member)
{
	const struct call *call = finding->call;
	g_autofree char *addr = print_plain(member->addr);

	if (call->json)
		print_array_item(&finding->array, json_pack(
			"{s:o, s:o, s:s, s:o, s:b, s:o}", "list",
			json_text(list->addr), "address",
			json_text(member->addr), "delivery",
			delivery_mode_name(member->delivery), "off_by",
			member->off_by != OFF_NOT ?
			json_string(off_by_name(member->off_by)) :
			json_null(), "moderated", (int)member->moderated,
			"since", json_time(member->since_s)));
	else
		(void) fprintf(call->admin->out, "%s\t%s\tdelivery=%s%s%s%s\n",
			       list->addr, addr,
			       delivery_mode_name(member->delivery),
			       member->off_by != OFF_NOT ? "\toff-by=" : "",
			       off_by_name(member->off_by),
			       member->moderated ? "\tmoderated=yes" : "");
	finding->count++;
}

/* It may have left since the index was read. */
static enum err_code
look_at(struct finding *finding, uint32_t number, struct err *err)
{
	struct txn *reader = store_reader(finding->call->admin->store);
	g_autoptr(list_auto) list = NULL;
	g_autoptr(member_auto) member = NULL;
	enum err_code rc = list_by_id(reader, number, &list, err);

	if (rc == ERR_OK && list != NULL)
		rc = roster_find(reader, number, finding->addr, &member, err);
	if (rc == ERR_OK && member != NULL)
		print_found(finding, list, member);
	return rc;
}

enum admin_status
member_find_run(struct call *call)
{
	g_autofree char *addr = NULL;
	g_autoptr(GArray) lists = NULL;
	struct finding finding = { .call = call };
	struct err err = ERR_INIT;
	enum admin_status status = call_member_addr(call, call->args[0],
						    &addr);
	enum err_code rc;

	if (status != ADMIN_DONE)
		return status;
	finding.addr = addr;
	rc = roster_lists(store_reader(call->admin->store), addr, &lists,
			  &err);
	if (rc != ERR_OK)
		return call_fail(call, &err);
	print_array_begin(&finding.array, call);
	for (guint i = 0; i < lists->len && rc == ERR_OK; i++)
		rc = look_at(&finding, g_array_index(lists, uint32_t, i),
			     &err);
	if (rc != ERR_OK)
		return call_fail(call, &err);
	print_array_end(&finding.array);
	if (!call->json && finding.count == 0)
		return call_refuse(call, "%s is not a member of any list",
				   addr);
	return ADMIN_DONE;
}
