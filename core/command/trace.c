/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

/* The story of a post: what came in, and what each stage did with it. */

static json_t *
entries_json(const GPtrArray *entries)
{
	json_t *array = json_array();

	for (guint i = 0; i < entries->len; i++) {
		const struct trace_entry *entry = entries->pdata[i];
		g_autofree char *time = time_text_us(entry->time_us);

		(void) json_array_append_new(array, json_pack(
			"{s:s, s:o, s:o, s:o}", "time", time,
			"stage", json_text(entry->stage),
			"list", json_text(entry->list),
			"what", json_text(entry->what)));
	}
	return array;
}

/* Of a post that is gone only the id and the story are left. */
static json_t *
head_json(const char *id, const struct post *post)
{
	json_t *head = json_pack("{s:s, s:b}", "id", id, "kept",
				 post != NULL);

	if (post == NULL)
		return head;
	(void) json_object_update_new(head, json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
		"received", json_time(post->received_s),
		"message_id", json_text(post->message_id),
		"sender", json_text(post->sender),
		"author", json_text(post->author),
		"qid", json_text(post->qid), "door", json_text(post->door),
		"client", json_text(post->client),
		"helo", json_text(post->helo), "auth", json_text(post->auth),
		"size", (json_int_t)post->size));
	return head;
}

static void
print_entries(FILE *out, const json_t *entries)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry) {
		const char *list = json_string_value(json_object_get(entry,
								     "list"));
		g_autofree char *what = print_plain(json_string_value(
			json_object_get(entry, "what")));

		(void) fprintf(out, "%s  %-10s  %s  %s\n",
			       json_string_value(json_object_get(entry,
								 "time")),
			       json_string_value(json_object_get(entry,
								 "stage")),
			       list[0] != '\0' ? list : "-", what);
	}
}

static enum err_code
post_json(struct txn *txn, const struct post_id *id, json_t **out,
	  struct err *err)
{
	g_autoptr(post_auto) post = NULL;
	g_autoptr(GPtrArray) entries = NULL;
	char text[POST_ID_TEXT + 1];
	enum err_code rc = post_get(txn, id, &post, err);

	if (rc == ERR_OK)
		rc = trace_get(txn, id, &entries, err);
	if (rc != ERR_OK)
		return rc;
	post_id_text(id, text);
	*out = head_json(text, post);
	(void) json_object_set_new(*out, "trace", entries_json(entries));
	return ERR_OK;
}

static enum err_code
print_post(const struct call *call, const struct post_id *id,
	   struct print_array *array, struct err *err)
{
	FILE *out = call->admin->out;
	json_t *object = NULL, *entries;
	enum err_code rc = post_json(store_reader(call->admin->store), id,
				     &object, err);

	if (rc != ERR_OK)
		return rc;
	if (call->json) {
		print_array_item(array, object);
		return ERR_OK;
	}
	if (array->count++ > 0)
		(void) fputc('\n', out);
	entries = json_incref(json_object_get(object, "trace"));
	(void) json_object_del(object, "trace");
	print_lines(out, object);
	print_entries(out, entries);
	json_decref(entries);
	json_decref(object);
	return ERR_OK;
}

/* A job's id leads to its post, besides what the trace itself knows. */
static enum err_code
find_posts(struct txn *txn, const char *name, GArray **out, struct err *err)
{
	g_autoptr(job_auto) job = NULL;
	struct post_id id;
	enum err_code rc = trace_find(txn, name, out, err);

	if (rc != ERR_OK || (*out)->len > 0 || !post_id_parse(name, &id))
		return rc;
	rc = queue_find(txn, &id, &job, err);
	if (rc == ERR_OK && job != NULL)
		g_array_append_val(*out, job->post);
	return rc;
}

enum admin_status
trace_run(struct call *call)
{
	struct txn *reader = store_reader(call->admin->store);
	g_autoptr(GArray) posts = NULL;
	struct print_array array = { 0 };
	struct err err = ERR_INIT;
	enum err_code rc = find_posts(reader, call->args[0], &posts, &err);

	if (rc != ERR_OK)
		return call_fail(call, &err);
	if (posts->len == 0)
		return call_refuse(call, "nothing is known of %s; the story "
				   "of a post is kept for trace-keep "
				   "(muster.conf)", call->args[0]);
	print_array_begin(&array, call);
	for (guint i = 0; i < posts->len && rc == ERR_OK; i++)
		rc = print_post(call, &g_array_index(posts, struct post_id,
						     i), &array, &err);
	if (rc != ERR_OK)
		return call_fail(call, &err);
	print_array_end(&array);
	return ADMIN_DONE;
}
