/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/base/clock.h"
#include "core/command/flow.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "db/digest.h"
#include "db/way.h"
#include "core/base/banned.h"

/* --- what is printed ---------------------------------------------------- */

static json_t *
id_json(const struct post_id *id)
{
	char text[POST_ID_TEXT + 1];

	post_id_text(id, text);
	return json_string(text);
}

/* Who is to get it, as far as he has not got it yet. */
static char *
audience(const struct job *job)
{
	const bool digest = job->delivery == DELIVERY_DIGEST ||
		job->delivery == DELIVERY_DIGEST_PLAIN;

	if (job->audience == TO_ADDRS)
		return g_strdup_printf("%u addresses",
				       g_strv_length(job->addrs));
	if (job->audience == TO_NONE)
		return g_strdup("-");
	return g_strconcat(digest ? "members with digests" : "members",
			   job->through != 0 ? ", included by " : "",
			   job->through_addr,
			   job->after[0] != '\0' ? " after " : "",
			   job->after, job->until[0] != '\0' ? " until " : "",
			   job->until, NULL);
}

json_t *
job_json(const struct job *job, const struct flow *flow)
{
	g_autofree char *to = audience(job);
	json_t *object = json_pack(
		"{s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I}",
		"id", id_json(&job->id), "stage", stage_name(job->stage),
		"due", job->due_ms == 0 ? json_string("now") :
		json_time(job->due_ms / 1000),
		"made", json_time(job->made_ms / 1000),
		"list", json_text(job->list_addr), "post", id_json(&job->post),
		"attempts", (json_int_t)job->attempts,
		"sent", (json_int_t)job->sent,
		"refused", (json_int_t)job->refused);

	flow_json(flow, job, object);
	(void) json_object_set_new(object, "audience", json_text(to));
	(void) json_object_set_new(object, "reason",
				   json_text_or_null(job->reason));
	return object;
}

static const char *
field(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static long long
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
print_number(FILE *out, const json_t *job, const char *key)
{
	if (json_is_integer(json_object_get(job, key)))
		(void) fprintf(out, " %s=%lld", key, number(job, key));
	else
		(void) fprintf(out, " %s=-", key);
}

static void
print_flow(FILE *out, const json_t *job)
{
	const json_t *rate = json_object_get(job, "rate_per_s");
	const json_t *eta = json_object_get(job, "eta_s");

	(void) fprintf(out, " %s", field(job, "state"));
	print_number(out, job, "sent");
	print_number(out, job, "refused");
	print_number(out, job, "remaining");
	if (json_is_number(rate))
		(void) fprintf(out, " rate=%.1f/s", json_number_value(rate));
	if (json_is_integer(eta)) {
		g_autofree char *left = duration_text(
			json_integer_value(eta));

		(void) fprintf(out, " left=%s ends=%s", left,
			       field(job, "ends"));
	}
}

static void
print_row(FILE *out, const json_t *job)
{
	g_autofree char *reason = print_plain(field(job, "reason"));

	(void) fprintf(out, "%-20s %-8s %-20s %s %s", field(job, "id"),
		       field(job, "stage"), field(job, "due"),
		       field(job, "list"), field(job, "post"));
	if (strcmp(field(job, "stage"), "outbound") == 0)
		print_flow(out, job);
	if (number(job, "attempts") > 0)
		print_number(out, job, "attempts");
	if (json_is_string(json_object_get(job, "reason")))
		(void) fprintf(out, " reason=\"%s\"", reason);
	(void) fputc('\n', out);
}

/* --- ls, show ----------------------------------------------------------- */

struct walk {
	const struct flow *flow;
	struct print_array array;
};

static bool
visit_job(void *arg, const struct job *job)
{
	struct walk *walk = arg;

	print_array_row(&walk->array, job_json(job, walk->flow), print_row);
	return !ferror(walk->array.out);
}

enum admin_status
queue_ls_run(struct call *call)
{
	g_auto(flow_auto) flow = { 0 };
	struct walk walk = { .flow = &flow };
	struct err err = ERR_INIT;

	if (flow_read(call->admin, true, &flow, &err) != ERR_OK)
		return call_fail(call, &err);
	print_array_begin(&walk.array, call);
	if (queue_walk(call->admin->store, visit_job, &walk, &err) != ERR_OK)
		return call_fail(call, &err);
	print_array_end(&walk.array);
	return ADMIN_DONE;
}

static enum admin_status
read_id(const struct call *call, const char *text, struct post_id *out)
{
	if (!post_id_parse(text, out))
		return call_refuse(call, "\"%s\" is no id of a job; muster "
				   "queue ls prints them", text);
	return ADMIN_DONE;
}

static enum admin_status
no_job(const struct call *call, const char *id)
{
	return call_refuse(call, "there is no job %s (muster queue ls prints "
			   "all)", id);
}

static void
add_details(json_t *object, const struct job *job)
{
	json_t *addrs = json_array();

	for (char **addr = job->addrs; *addr != NULL; addr++)
		(void) json_array_append_new(addrs, json_text(*addr));
	(void) json_object_set_new(object, "role",
				   json_string(role_name(job->role)));
	(void) json_object_set_new(object, "shunted_from",
				   job->stage == STAGE_SHUNTED ?
				   json_string(stage_name(job->was)) :
				   json_null());
	if (job->held_for[0] != '\0')
		(void) json_object_set_new(object, "held_for",
					   json_text(job->held_for));
	(void) json_object_set_new(object, "as_of",
				   json_time(job->as_of_s));
	(void) json_object_set_new(object, "included_by",
				   json_text_or_null(job->through_addr));
	(void) json_object_set_new(object, "elsewhere",
				   json_integer((json_int_t)job->elsewhere));
	(void) json_object_set_new(object, "addresses", addrs);
}

enum admin_status
queue_show_run(struct call *call)
{
	g_autoptr(job_auto) job = NULL;
	g_auto(flow_auto) flow = { 0 };
	struct err err = ERR_INIT;
	struct post_id id;
	enum admin_status status = read_id(call, call->args[0], &id);
	json_t *object;

	if (status != ADMIN_DONE)
		return status;
	if (queue_find(store_reader(call->admin->store), &id, &job, &err) !=
	    ERR_OK)
		return call_fail(call, &err);
	if (job == NULL)
		return no_job(call, call->args[0]);
	if (flow_read(call->admin, job->stage == STAGE_OUTBOUND, &flow,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	object = job_json(job, &flow);
	add_details(object, job);
	print_object(call, object);
	return ADMIN_DONE;
}

/* --- retry, drop -------------------------------------------------------- *
 * All ids of a verb are one transaction: with one that is wrong, nothing is
 * changed.
 */

struct work {
	const struct post_id *ids;
	guint count;
	const char *missing;	/* an id that was not found, else NULL */
	const char *const *names;	/* the ids as they were given */
	enum err_code (*change)(struct txn *txn, const struct job *job,
				bool *taken, struct err *err);
};

static enum err_code
retry_job(struct txn *txn, const struct job *job, bool *taken,
	  struct err *err)
{
	struct job next = *job;
	enum err_code rc;

	/* Its due time is when it expires, and the reason why it is held. */
	if (job->stage == STAGE_HELD)
		return err_set(err, ERR_INVALID, "muster held approve or "
			       "reject", "a job is a post that waits for a "
			       "moderator, and is not to be tried again");
	if (job->stage == STAGE_SHUNTED)
		next.stage = job->was;
	/* What is due may be under way: its record is to stay where who is
	 * at it will look for it. */
	if (job->stage == STAGE_SHUNTED ||
	    job->due_ms > clock_ms())
		next.due_ms = 0;
	next.attempts = 0;
	job_pardon(&next, job);
	rc = queue_replace(txn, job, &next, taken, err);
	if (rc == ERR_OK && *taken)
		rc = trace_add(txn, &job->post, "queue", job->list_addr, err,
			       "made due by the administrator");
	return rc;
}

static enum err_code
drop_job(struct txn *txn, const struct job *job, bool *taken,
	 struct err *err)
{
	enum err_code rc = queue_take(txn, job, taken, err);

	if (rc == ERR_OK && *taken)
		rc = digest_forget(txn, job, err);
	if (rc == ERR_OK && *taken)
		rc = job_close_way(txn, job, err);
	if (rc == ERR_OK && *taken)
		rc = post_release(txn, &job->post, 1, err);
	if (rc == ERR_OK && *taken)
		rc = trace_add(txn, &job->post, "queue", job->list_addr, err,
			       "dropped by the administrator");
	return rc;
}

static enum err_code
work_on(struct txn *txn, struct work *work, guint index, struct err *err)
{
	g_autoptr(job_auto) job = NULL;
	bool taken = false;
	enum err_code rc = queue_find(txn, &work->ids[index], &job, err);

	if (rc == ERR_OK && job != NULL)
		rc = work->change(txn, job, &taken, err);
	if (rc == ERR_OK && !taken) {
		work->missing = work->names[index];
		/* undoes the others; the caller tells */
		rc = err_set(err, ERR_INVALID, "", "no job %s",
			     work->missing);
	}
	return rc;
}

static enum err_code
work_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;
	enum err_code rc = ERR_OK;

	work->missing = NULL;
	for (guint i = 0; i < work->count && rc == ERR_OK; i++)
		rc = work_on(txn, work, i, err);
	return rc;
}

/* Each id once, in the order given. */
static enum admin_status
read_ids(const struct call *call, GArray *ids, GPtrArray *names)
{
	for (int i = 0; i < call->count; i++) {
		struct post_id id;
		bool known = false;
		enum admin_status status = read_id(call, call->args[i], &id);

		if (status != ADMIN_DONE)
			return status;
		for (guint j = 0; j < ids->len; j++)
			known |= memcmp(&g_array_index(ids, struct post_id,
						       j), &id,
					sizeof(id)) == 0;
		if (known)
			continue;
		g_array_append_val(ids, id);
		g_ptr_array_add(names, call->args[i]);
	}
	return ADMIN_DONE;
}

static enum admin_status
change_jobs(const struct call *call, struct work *work, const char *done)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE,
					    sizeof(struct post_id));
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	struct err err = ERR_INIT;
	enum admin_status status = read_ids(call, ids, names);
	enum err_code rc;

	if (status != ADMIN_DONE)
		return status;
	work->ids = (const struct post_id *)(const void *)ids->data;
	work->names = (const char *const *)names->pdata;
	work->count = ids->len;
	rc = store_txn(call->admin->store, TXN_DURABLE, work_body, work,
		       &err);
	if (work->missing != NULL)
		return no_job(call, work->missing);
	if (rc != ERR_OK)
		return call_fail(call, &err);
	(void) fprintf(call->admin->out, "%u %s\n", work->count, done);
	if (call->admin->wake != NULL)
		call->admin->wake();
	return ADMIN_DONE;
}

enum admin_status
queue_retry_run(struct call *call)
{
	struct work work = { .change = retry_job };

	return change_jobs(call, &work, "made due");
}

enum admin_status
queue_drop_run(struct call *call)
{
	struct work work = { .change = drop_job };
	enum admin_status status = change_jobs(call, &work, "dropped");

	/* One may be being sent just now. */
	if (status == ADMIN_DONE && call->admin->outbound != NULL)
		outbound_dropped(call->admin->outbound);
	return status;
}
