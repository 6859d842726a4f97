/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/member_inside.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

/* --- show --------------------------------------------------------------- */

static enum admin_status
no_member(const struct call *call, const char *addr, const char *list)
{
	return call_refuse(call, "%s is not a member of %s", addr, list);
}

static json_t *
member_json(const struct call *call, const struct list *list,
	    const struct member *member)
{
	const struct bounce_state *bounce = &member->bounce;

	return json_pack(
		"{s:o, s:o, s:o, s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o,"
		" s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
		"list", json_text(list->addr),
		"address", json_text(member->addr),
		"name", json_text(member->name),
		"delivery", delivery_mode_name(member->delivery),
		"own_posts", (int)member->own_posts,
		"moderated", (int)member->moderated,
		"duplicates", (int)member->duplicates,
		"ack", (int)member->ack, "hidden", (int)member->hidden,
		"language", json_text_or_null(member->language),
		"off_by", json_text_or_null(off_by_name(member->off_by)),
		"off_since", json_time(member->off_s),
		"since", json_time(member->since_s),
		"posts", (json_int_t)member->posts,
		"bounces", (json_int_t)member->bounces,
		"last_bounce", json_time(member->bounced_s),
		"bounce_reason", json_text_or_null(member->bounce_reason),
		"score", json_points(call, bounce->score),
		"scored", json_time(bounce->score_s),
		"probe", json_time(bounce->probe_s),
		"warnings", (json_int_t)bounce->warnings,
		"last_warning", json_time(bounce->warned_s));
}

enum admin_status
member_show_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	g_autoptr(member_auto) member = NULL;
	g_autofree char *canon = NULL;
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status == ADMIN_DONE)
		status = call_member_addr(call, call->args[1], &canon);
	if (status != ADMIN_DONE)
		return status;
	if (roster_find(store_reader(call->admin->store), list->id, canon,
			&member, &err) != ERR_OK)
		return call_fail(call, &err);
	if (member == NULL)
		return no_member(call, canon, list->addr);
	print_object(call, member_json(call, list, member));
	return ADMIN_DONE;
}

/* --- set ---------------------------------------------------------------- */

struct change {
	struct member_work work;
	struct asker asker;
	GArray *preferences;	/* of struct preference */
	struct subscription_result result;	/* set by the transaction */
};

static enum err_code
set_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;
	const struct member_work *work = &change->work;

	return subscription_set(txn, &work->with, work->list, work->conf,
				&change->asker, (const struct preference *)
				(void *)change->preferences->data,
				change->preferences->len, &change->result,
				err);
}

static enum admin_status
do_set(const struct call *call, struct change *change)
{
	const char *addr = change->asker.addr;
	struct err err = ERR_INIT;

	if (store_txn(call->admin->store, TXN_DURABLE, set_body, change,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	if (change->result.outcome == SUB_NOT_MEMBER)
		return no_member(call, addr, change->work.list->addr);
	(void) fprintf(call->admin->out, "%s: %s\n", addr,
		       change->result.outcome == SUB_ALREADY ?
		       "it is so already" : "changed");
	return ADMIN_DONE;
}

enum admin_status
member_set_run(struct call *call)
{
	g_autoptr(GPtrArray) pairs = pairs_new();
	g_autoptr(GArray) preferences = g_array_new(FALSE, FALSE,
					sizeof(struct preference));
	g_autofree char *canon = NULL;
	struct change change = { .preferences = preferences };
	enum admin_status status = member_work_begin(&change.work, call);

	if (status == ADMIN_DONE)
		status = call_member_addr(call, call->args[1], &canon);
	if (status == ADMIN_DONE)
		status = pairs_read(call, pairs, member_keys, 2);
	for (guint i = 0; i < pairs->len; i++) {
		const struct pair *pair = pairs->pdata[i];
		struct preference one = { pair->key, pair->value };

		g_array_append_val(preferences, one);
	}
	change.asker = (struct asker){
		.addr = canon, .is_authority = true,
		.who = "the administrator",
	};
	if (status == ADMIN_DONE)
		status = do_set(call, &change);
	member_work_done(&change.work);
	return status;
}
