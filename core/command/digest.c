/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/clock.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/pending/digest.h"
#include "core/base/banned.h"

/* muster digest: the open issues of lists. */

struct issue {
	const struct call *call;
	const struct list *list;
	struct digest digest;
	struct list_conf *conf;
	bool mime, plain;	/* who wants it */
};

static enum err_code
load(struct txn *txn, uint32_t list, struct issue *issue, struct err *err)
{
	bool found;
	enum err_code rc = list_conf_load(txn, issue->list->addr,
					  &issue->conf, err);

	if (rc == ERR_OK)
		rc = digest_get(txn, list, &issue->digest, &found, err);
	return rc == ERR_OK ? digest_readers(txn, list, &issue->mime,
					     &issue->plain, err) : rc;
}

/* --- ls ----------------------------------------------------------------- */

static json_t *
issue_json(const struct issue *issue)
{
	const struct digest *digest = &issue->digest;
	const bool empty = digest->posts == 0;

	return json_pack(
		"{s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:b, s:b}",
		"list", json_text(issue->list->addr),
		"volume", empty ? json_null() :
		json_integer(digest->volume),
		"issue", empty ? json_null() :
		json_integer(digest->volume_issue),
		"posts", (json_int_t)digest->posts,
		"bytes", (json_int_t)digest->bytes,
		"opened", empty ? json_null() : json_time(digest->opened_s),
		"due", empty ? json_null() :
		json_time(digest_due_s(digest, issue->conf)),
		"mime", (int)issue->mime, "plain", (int)issue->plain);
}

static void
print_row(FILE *out, const json_t *object)
{
	const json_t *volume = json_object_get(object, "volume");
	g_autofree char *numbers = json_is_null(volume) ? g_strdup("-") :
		g_strdup_printf("V%lld #%lld",
				(long long)json_integer_value(volume),
				(long long)json_integer_value(
				json_object_get(object, "issue")));

	(void) fprintf(out, "%s\t%s\t%lld\t%lld\t%s\t%s\n",
		       row_text(object, "list"), numbers,
		       (long long)json_integer_value(
		       json_object_get(object, "posts")),
		       (long long)json_integer_value(
		       json_object_get(object, "bytes")),
		       row_text(object, "opened"), row_text(object, "due"));
}

static enum err_code
print_issue(struct issue *issue, struct print_array *array, struct err *err)
{
	enum err_code rc = load(store_reader(issue->call->admin->store),
				issue->list->id, issue, err);

	if (rc == ERR_OK)
		print_array_row(array, issue_json(issue), print_row);
	list_conf_free(issue->conf);
	return rc;
}

/* Of all lists those that have an open issue with posts. */
static enum err_code
print_all(const struct call *call, struct print_array *array,
	  struct err *err)
{
	struct txn *reader = store_reader(call->admin->store);
	struct digest digest = { .list = 0 };
	bool found;
	enum err_code rc;

	while ((rc = digest_next(reader, digest.list, &digest, &found, err))
	       == ERR_OK && found) {
		g_autoptr(list_auto) list = NULL;
		struct issue issue = { .call = call };

		if (digest.posts == 0)
			continue;
		rc = list_by_id(reader, digest.list, &list, err);
		issue.list = list;
		if (rc == ERR_OK && list != NULL)
			rc = print_issue(&issue, array, err);
		if (rc != ERR_OK)
			break;
	}
	return rc;
}

enum admin_status
digest_ls_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	struct issue issue = { .call = call };
	struct print_array array;
	struct err err = ERR_INIT;
	enum admin_status status = ADMIN_DONE;
	enum err_code rc;

	if (call->count > 0)
		status = call_list(call, call->args[0], &list);
	if (status != ADMIN_DONE)
		return status;
	issue.list = list;
	print_array_begin(&array, call);
	rc = list != NULL ? print_issue(&issue, &array, &err) :
		print_all(call, &array, &err);
	if (rc != ERR_OK)
		return call_fail(call, &err);
	print_array_end(&array);
	return ADMIN_DONE;
}

/* --- send --------------------------------------------------------------- */

struct sending {
	const struct call *call;
	const struct list *list;
	struct digest closed;	/* as it was */
};

static enum err_code
send_body(struct txn *txn, void *arg, struct err *err)
{
	struct sending *sending = arg;
	struct list_conf *conf = NULL;
	struct digest digest;
	bool found;
	enum err_code rc = list_conf_load(txn, sending->list->addr, &conf,
					  err);
	const struct digest_with with = {
		sending->call->admin->settings, conf, sending->list->id,
		sending->list->addr, clock_s(),
	};

	if (rc == ERR_OK)
		rc = digest_lock(txn, sending->list->id, &digest, &found,
				 err);
	if (rc == ERR_OK) {
		sending->closed = digest;
		if (digest.posts > 0)
			rc = digest_close(txn, &with, &digest, err);
	}
	list_conf_free(conf);
	return rc;
}

enum admin_status
digest_send_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	struct sending sending = { .call = call };
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	sending.list = list;
	if (store_txn(call->admin->store, TXN_DURABLE, send_body, &sending,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	if (sending.closed.posts == 0)
		return call_refuse(call, "the digest of %s has no posts yet",
				   list->addr);
	if (call->admin->wake != NULL)
		call->admin->wake();
	(void) fprintf(call->admin->out, "%s: digest V%u #%u, %u posts\n",
		       list->addr, sending.closed.volume,
		       sending.closed.volume_issue, sending.closed.posts);
	return ADMIN_DONE;
}
