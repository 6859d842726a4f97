/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/base/clock.h"
#include "core/command/addresses.h"
#include "core/command/member_inside.h"
#include "core/mail/addr.h"
#include "core/mail/pattern.h"
#include "db/event.h"
#include "core/base/banned.h"

/*
 * Addresses into the roster. A file of which nobody is told is imported, in
 * the fastest way there is; else each address joins, in one transaction with
 * its letter.
 */
#define IMPORT_BATCH 5000
#define JOIN_BATCH 50

struct adding {
	struct member_work work;
	struct join_options options;
	enum delivery_mode delivery;
	const char *language;
	uint64_t there, asked;
};

/* --- options ------------------------------------------------------------ */

const char *
member_add_check(const struct call *call)
{
	enum delivery_mode delivery;

	if (call->welcome && call->no_welcome)
		return "--welcome or --no-welcome?";
	if (call->confirm && call->welcome)
		return "who confirms is welcomed as the list says; --welcome "
			"and --confirm exclude each other";
	if (call->delivery != NULL &&
	    !delivery_mode_of_name(call->delivery, &delivery))
		return "--delivery: on, off, digest or plain is expected";
	return addresses_check(call);
}

static enum admin_status
read_language(const struct call *call, char **out)
{
	struct err err = ERR_INIT;

	if (call->language == NULL) {
		*out = g_strdup("");
		return ADMIN_DONE;
	}
	if (key_check(key_find(member_keys, "language"), call->language, out,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	return ADMIN_DONE;
}

/* --- importing ---------------------------------------------------------- */

static struct member *
member_of(const struct adding *adding, const struct address *address)
{
	const int64_t now_s = clock_s();
	struct member *member = member_new(address->addr, now_s);

	g_free(member->name);
	member->name = g_strdup(address->name);
	g_free(member->language);
	member->language = g_strdup(adding->language);
	member_deliver(member, adding->delivery, OFF_BY_ADMIN, now_s);
	return member;
}

static void
free_member(void *member)
{
	member_free(member);
}

/* Of a line that cannot be imported it is said why. */
static bool
is_good(struct addresses *addresses, const struct adding *adding,
	const struct address *address)
{
	g_autofree char *canon = addr_canon(address->addr);
	const char *wrong = NULL;

	if (canon == NULL)
		wrong = "is no address";
	else if (addresses_match(adding->work.conf->banned, canon))
		wrong = "is banned";
	else if (strcmp(canon, adding->work.list->addr) == 0)
		wrong = "is the list itself";
	if (wrong != NULL)
		addresses_refuse(addresses, address, wrong);
	return wrong == NULL;
}

static enum err_code
import(struct addresses *addresses, const struct address *batch, guint count,
       struct err *err)
{
	struct adding *adding = addresses->arg;
	g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(
		free_member);
	g_autofree bool *added = g_new0(bool, count);
	enum err_code rc;

	for (guint i = 0; i < count; i++)
		if (is_good(addresses, adding, &batch[i]))
			g_ptr_array_add(members, member_of(adding,
							   &batch[i]));
	if (members->len == 0)
		return ERR_OK;
	rc = roster_import(addresses->call->admin->store,
			   adding->work.list->id,
			   (struct member *const *)members->pdata,
			   members->len, added, err);
	for (guint i = 0; i < members->len && rc == ERR_OK; i++)
		if (added[i])
			addresses->done++;
		else
			adding->there++;
	return rc;
}

/* One event for all: a digest of a million lines helps nobody. */
static enum err_code
note_body(struct txn *txn, void *arg, struct err *err)
{
	const struct addresses *addresses = arg;
	const struct adding *adding = addresses->arg;

	return event_add(txn, adding->work.list->id, "added", "", err,
			 "%llu members were added from a file by the "
			 "administrator",
			 (unsigned long long)addresses->done);
}

/* --- joining ------------------------------------------------------------ */

static enum err_code
join_one(const struct member_work *work, struct txn *txn,
	 const struct asker *asker, struct subscription_result *out,
	 struct err *err)
{
	const struct adding *adding = work->arg;

	return subscription_join(txn, &work->with, work->list, work->conf,
				 asker, &adding->options, out, err);
}

static void
count_joined(struct addresses *addresses, const struct member_work *work,
	     const struct address *address,
	     const struct subscription_result *result)
{
	struct adding *adding = work->arg;

	switch (result->outcome) {
	case SUB_DONE:
		addresses->done++;
		break;
	case SUB_CONFIRM:
		adding->asked++;
		break;
	case SUB_ALREADY:
	case SUB_RETURNED:
		adding->there++;
		break;
	default:
		addresses_refuse(addresses, address,
				 member_complaint(result));
	}
}

static enum err_code
join(struct addresses *addresses, const struct address *batch, guint count,
     struct err *err)
{
	struct adding *adding = addresses->arg;

	return member_work_batch(&adding->work, addresses, batch, count, err);
}

/* --- the verb ----------------------------------------------------------- */

static void
print_summary(const struct addresses *addresses, const struct adding *adding)
{
	const struct call *call = addresses->call;
	json_t *object;

	if (call->json) {
		object = json_pack("{s:I, s:I, s:I}", "added",
				   (json_int_t)addresses->done,
				   "already_there", (json_int_t)adding->there,
				   "bad", (json_int_t)addresses->bad);
		if (call->confirm)
			(void) json_object_set_new(object, "asked",
				json_integer((json_int_t)adding->asked));
		print_object(call, object);
		return;
	}
	if (call->confirm)
		(void) fprintf(call->admin->out, "%llu asked to confirm, ",
			       (unsigned long long)adding->asked);
	(void) fprintf(call->admin->out, "%llu added, %llu were already "
		       "there, %llu bad %s\n",
		       (unsigned long long)addresses->done,
		       (unsigned long long)adding->there,
		       (unsigned long long)addresses->bad,
		       addresses_unit(addresses));
}

static bool
is_import(const struct call *call)
{
	return !call->welcome && !call->confirm &&
		(call->file != NULL || strcmp(call->args[1], "-") == 0);
}

static enum err_code
add_all(struct addresses *addresses, struct err *err)
{
	const struct admin *admin = addresses->call->admin;
	enum err_code rc = addresses_run(addresses, err);
	struct err second = ERR_INIT;

	if (is_import(addresses->call) && addresses->done > 0 &&
	    store_txn(admin->store, TXN_DURABLE, note_body, addresses,
		      &second) != ERR_OK && rc == ERR_OK) {
		rc = second.code;
		*err = second;
	}
	return rc;
}

static enum admin_status
add(struct call *call, struct adding *adding)
{
	const bool imports = is_import(call);
	struct addresses addresses = {
		.call = call, .arg = adding, .doing = "added",
		.batch = imports ? import : join,
		.batch_max = imports ? IMPORT_BATCH : JOIN_BATCH,
	};
	struct err err = ERR_INIT;
	enum admin_status status = ADMIN_DONE;

	if (add_all(&addresses, &err) != ERR_OK)
		status = call_fail(call, &err);
	print_summary(&addresses, adding);
	if (!imports)
		member_wake(call);
	if (status == ADMIN_DONE && addresses.bad > 0)
		status = ADMIN_REFUSED;
	return status;
}

enum admin_status
member_add_run(struct call *call)
{
	struct adding adding = {
		.options = {
			.delivery = DELIVERY_ON,
			.welcome = call->welcome ? LETTER_SEND : LETTER_NOT,
			.confirm = call->confirm,
		},
		.delivery = DELIVERY_ON,
	};
	g_autofree char *language = NULL;
	enum admin_status status = member_work_begin(&adding.work, call);

	if (status == ADMIN_DONE)
		status = read_language(call, &language);
	if (call->delivery != NULL)	/* member_add_check() has seen it */
		(void) delivery_mode_of_name(call->delivery,
					     &adding.delivery);
	adding.options.delivery = adding.delivery;
	adding.language = language;
	adding.work.language = language;
	adding.work.arg = &adding;
	adding.work.act = join_one;
	adding.work.count = count_joined;
	if (status == ADMIN_DONE)
		status = add(call, &adding);
	member_work_done(&adding.work);
	return status;
}
