/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/base/clock.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/held/held.h"
#include "core/held/view.h"
#include "core/base/banned.h"

/*
 * muster held. The id of a held post is that of its job, since a post may be
 * held for several lists; where it is for one, the post's own id does too.
 */

/* --- what is printed ---------------------------------------------------- */

static json_t *
id_json(const struct post_id *id)
{
	char text[POST_ID_TEXT + 1];

	post_id_text(id, text);
	return json_string(text);
}

static json_t *
held_json(const struct job *job, const struct held_view *view)
{
	return json_pack(
		"{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", id_json(&job->id),
		"kind", held_is_request(job) ? "join" : "post",
		"list", json_text(job->list_addr),
		"held", json_time(job->made_ms / 1000),
		"expires", json_time(job->due_ms / 1000),
		"author", json_text(held_author(job, view)),
		"subject", json_text(view->subject),
		"reason", json_text(job_held_for(job)),
		"post", id_json(&job->post));
}

static void
print_row(FILE *out, const json_t *held)
{
	g_autofree char *author = print_plain(row_text(held, "author"));
	g_autofree char *subject = print_plain(row_text(held, "subject"));
	g_autofree char *reason = print_plain(row_text(held, "reason"));

	(void) fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
		       row_text(held, "id"), row_text(held, "list"),
		       row_text(held, "held"), row_text(held, "expires"),
		       author, subject, reason, row_text(held, "kind"));
}

/* --- ls ----------------------------------------------------------------- */

struct walk {
	const struct call *call;
	const struct list *list;	/* NULL: of all */
	struct print_array array;
	struct err err;
	enum err_code rc;
};

static bool
visit(void *arg, const struct job *job)
{
	struct walk *walk = arg;
	struct admin const *admin = walk->call->admin;
	struct held_view view;
	bool found;

	if (walk->list != NULL && walk->list->id != job->list)
		return true;
	walk->rc = held_view_load(store_reader(admin->store), &job->post,
				  &view, &found, &walk->err);
	/* decided about while we look */
	if (walk->rc == ERR_OK && !found)
		return true;
	if (walk->rc != ERR_OK)
		return false;
	print_array_row(&walk->array, held_json(job, &view), print_row);
	held_view_done(&view);
	return !ferror(admin->out);
}

enum admin_status
held_ls_run(struct call *call)
{
	struct walk walk = { .call = call, .err = ERR_INIT };
	g_autoptr(list_auto) list = NULL;
	enum admin_status status = ADMIN_DONE;
	enum err_code rc;

	if (call->count > 0)
		status = call_list(call, call->args[0], &list);
	if (status != ADMIN_DONE)
		return status;
	walk.list = list;
	print_array_begin(&walk.array, call);
	rc = queue_walk_in(store_reader(call->admin->store), STAGE_HELD,
			   visit, &walk, &walk.err);
	if (rc != ERR_OK || walk.rc != ERR_OK)
		return call_fail(call, &walk.err);
	print_array_end(&walk.array);
	return ADMIN_DONE;
}

/* --- which -------------------------------------------------------------- */

/* Jobs of one post. */
struct search {
	struct post_id post;
	struct post_id job;		/* the first that was met */
	unsigned int count;
};

static bool
visit_search(void *arg, const struct job *job)
{
	struct search *search = arg;

	if (!post_id_equal(&job->post, &search->post))
		return true;
	if (search->count == 0)
		search->job = job->id;
	return ++search->count < 2;
}

/* *several: it is a post that is held for more than one list. */
static enum err_code
find_held(struct txn *txn, const struct post_id *id, struct job **out,
	  bool *several, struct err *err)
{
	struct search search = { .post = *id };
	enum err_code rc = queue_find_in(txn, STAGE_HELD, id->bytes,
					 POST_ID_LEN, out, err);

	*several = false;
	if (rc != ERR_OK || *out != NULL)
		return rc;
	rc = queue_walk_in(txn, STAGE_HELD, visit_search, &search, err);
	*several = search.count > 1;
	if (rc != ERR_OK || search.count != 1)
		return rc;
	return queue_find_in(txn, STAGE_HELD, search.job.bytes, POST_ID_LEN,
			     out, err);
}

static enum admin_status
refuse_id(const struct call *call, const char *id, bool several)
{
	if (several)
		return call_refuse(call, "post %s is held for several lists; "
				   "muster held ls prints an id for each",
				   id);
	return call_refuse(call, "no post is held by the id %s: it has been "
			   "decided about or has expired (muster held ls "
			   "prints all, muster trace tells)", id);
}

static enum admin_status
bad_id(const struct call *call, const char *text)
{
	return call_refuse(call, "\"%s\" is no id; muster held ls prints "
			   "them", text);
}

/* --- show --------------------------------------------------------------- */

const char *
held_show_check(const struct call *call)
{
	return call->json && call->raw ? "--raw is not JSON" : NULL;
}

static json_t *
lines_json(const struct held_view *view)
{
	g_auto(GStrv) lines = held_view_lines(view);
	json_t *array = json_array();

	for (char **line = lines; *line != NULL; line++)
		(void) json_array_append_new(array, json_text(*line));
	return array;
}

static json_t *
header_json(const struct held_view *view)
{
	json_t *array = json_array();

	for (guint i = 0; i < view->header.fields->len; i++) {
		const struct header_field *field = &g_array_index(
			view->header.fields, struct header_field, i);
		g_autofree char *value = header_value(&view->header, (int)i);
		g_autofree char *line = g_strdup_printf(
			"%.*s: %s", (int)field->name_len, field->raw, value);

		(void) json_array_append_new(array, json_text(line));
	}
	return array;
}

static json_t *
all_json(const struct job *job, const struct held_view *view)
{
	g_autofree char *evidence = evidence_text(view->evidence);
	json_t *object = held_json(job, view);

	(void) json_object_update_new(object, json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}",
		"verified", held_verified_text(view->evidence),
		"evidence", json_text(evidence),
		"sender", json_text(view->post->sender),
		"client", json_text(view->post->client),
		"message_id", json_text(view->post->message_id),
		"received", json_time(view->post->received_s),
		"size", (json_int_t)view->post->size,
		"header", header_json(view), "begins", lines_json(view)));
	return object;
}

static void
print_array_lines(FILE *out, const char *title, const json_t *array)
{
	const json_t *line;
	size_t i;

	(void) fprintf(out, "\n%s:\n", title);
	json_array_foreach(array, i, line) {
		g_autofree char *plain = print_plain(json_string_value(line));

		(void) fprintf(out, "  %s\n", plain);
	}
}

static void
print_all(const struct call *call, json_t *object)
{
	json_t *header, *begins;

	if (call->json) {
		print_object(call, object);
		return;
	}
	header = json_incref(json_object_get(object, "header"));
	begins = json_incref(json_object_get(object, "begins"));
	(void) json_object_del(object, "header");
	(void) json_object_del(object, "begins");
	print_object(call, object);
	print_array_lines(call->admin->out, "header", header);
	print_array_lines(call->admin->out, "begins", begins);
	json_decref(header);
	json_decref(begins);
}

static enum admin_status
print_raw(const struct call *call, const struct job *job)
{
	g_autoptr(GBytes) bytes = NULL;
	struct err err = ERR_INIT;
	gsize len;
	const void *data;

	if (post_bytes(store_reader(call->admin->store), &job->post, &bytes,
		       &err) != ERR_OK)
		return call_fail(call, &err);
	if (bytes == NULL)
		return refuse_id(call, call->args[0], false);
	data = g_bytes_get_data(bytes, &len);
	if (len > 0)	/* admin_run() asks whether all was written */
		(void) fwrite(data, 1, len, call->admin->out);
	return ADMIN_DONE;
}

static enum admin_status
show(const struct call *call, const struct job *job)
{
	struct err err = ERR_INIT;
	struct held_view view;
	bool found;

	if (call->raw)
		return print_raw(call, job);
	if (held_view_load(store_reader(call->admin->store), &job->post,
			   &view, &found, &err) != ERR_OK)
		return call_fail(call, &err);
	if (!found)
		return refuse_id(call, call->args[0], false);
	print_all(call, all_json(job, &view));
	held_view_done(&view);
	return ADMIN_DONE;
}

enum admin_status
held_show_run(struct call *call)
{
	g_autoptr(job_auto) job = NULL;
	struct err err = ERR_INIT;
	struct post_id id;
	bool several;

	if (!post_id_parse(call->args[0], &id))
		return bad_id(call, call->args[0]);
	if (find_held(store_reader(call->admin->store), &id, &job, &several,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	if (job == NULL)
		return refuse_id(call, call->args[0], several);
	return show(call, job);
}

/* --- deciding ----------------------------------------------------------- *
 * Each id is a transaction of its own: one that is gone must not keep the
 * others waiting.
 */

struct decision {
	const struct settings *settings;
	struct held_act act;
	struct post_id id;
	bool several;			/* set by the transaction, as result */
	struct held_result result;
};

static enum err_code
decide_body(struct txn *txn, void *arg, struct err *err)
{
	struct decision *decision = arg;
	g_autoptr(job_auto) job = NULL;
	enum err_code rc = find_held(txn, &decision->id, &job,
				     &decision->several, err);

	decision->result.outcome = HELD_DECIDED;
	if (rc != ERR_OK || job == NULL)
		return rc;
	return held_decide(txn, decision->settings, job, &decision->act,
			   &decision->result, err);
}

static enum admin_status
decide_one(const struct call *call, const char *id,
	   struct decision *decision, const char *done)
{
	struct err err = ERR_INIT;

	if (!post_id_parse(id, &decision->id))
		return bad_id(call, id);
	if (store_txn(call->admin->store, TXN_DURABLE, decide_body, decision,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	switch (decision->result.outcome) {
	case HELD_DONE:
		(void) fprintf(call->admin->out, "%s %s\n", id, done);
		return ADMIN_DONE;
	case HELD_IMPOSSIBLE:
		return call_refuse(call, "%s: %s", id, decision->result.why);
	default:
		return refuse_id(call, id, decision->several);
	}
}

static enum admin_status
decide(struct call *call, enum held_decision what, const char *done)
{
	struct verp *verp = verp_new(store_secret(call->admin->store));
	struct decision decision = {
		.settings = call->admin->settings,
		.act = {
			.decision = what, .who = "the administrator",
			.reason = call->reason != NULL ? call->reason : "",
			.now_ms = clock_ms(), .verp = verp,
		},
	};
	enum admin_status status = ADMIN_DONE, one;

	for (int i = 0; i < call->count; i++) {
		one = decide_one(call, call->args[i], &decision, done);
		status = MAX(status, one);
	}
	verp_free(verp);
	if (call->admin->wake != NULL)
		call->admin->wake();
	return status;
}

enum admin_status
held_approve_run(struct call *call)
{
	return decide(call, HELD_APPROVE, "approved");
}

enum admin_status
held_accept_run(struct call *call)
{
	return decide(call, HELD_ACCEPT, "approved, its author is accepted");
}

enum admin_status
held_reject_run(struct call *call)
{
	return decide(call, HELD_REJECT, "rejected");
}

enum admin_status
held_discard_run(struct call *call)
{
	return decide(call, HELD_DISCARD, "discarded");
}
