/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "core/command/completion.h"
#include "core/command/verbs.h"
#include "core/moderate/moderate.h"
#include "db/dump.h"
#include "db/post.h"
#include "db/queue.h"
#include "core/base/banned.h"

#define PROGRESS_US 500000

/* --- policy ------------------------------------------------------------- */

int
verb_policy_show(struct admin *admin, const struct words *words)
{
	int status = ADMIN_DONE;
	struct list *list = find_list(admin, words->args[0], &status);
	g_autofree char *refusal = NULL, *text = NULL;
	struct list_conf *conf = NULL;
	struct err err = ERR_INIT;

	if (list == NULL)
		return status;
	if (list_conf_load(store_reader(admin->store), list->addr, &conf,
			   &err) != ERR_OK) {
		list_free(list);
		return admin_fail(admin, &err);
	}
	refusal = refusal_text(list->addr, conf->refuse_text);
	text = policy_text(conf->policy, refusal);
	if (words->json)
		admin_print(admin, json_pack("{s:s, s:s, s:s}", "list",
					     list->addr, "policy",
					     conf->policy, "rules", text));
	else
		(void) fputs(text, admin->out);
	list_conf_free(conf);
	list_free(list);
	return ADMIN_DONE;
}

/* --- trace -------------------------------------------------------------- */

static char *
stamp_text(int64_t time_us)
{
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(
		time_us / G_USEC_PER_SEC);
	g_autofree char *seconds = when != NULL ?
		g_date_time_format(when, "%Y-%m-%dT%H:%M:%S") :
		g_strdup("");

	return g_strdup_printf("%s.%03dZ", seconds,
			       (int)(time_us / 1000 % 1000));
}

static json_t *
story_object(const char *id, const GPtrArray *entries)
{
	json_t *events = json_array();

	for (guint i = 0; i < entries->len; i++) {
		const struct trace_entry *entry = g_ptr_array_index(entries,
								    i);
		g_autofree char *stamp = stamp_text(entry->time_us);

		(void) json_array_append_new(events, json_pack(
			"{s:s, s:s, s:s, s:s}", "time", stamp, "stage",
			entry->stage, "list", entry->list, "what",
			entry->what));
	}
	return json_pack("{s:s, s:o}", "id", id, "events", events);
}

static void
print_story(struct admin *admin, const char *id, const GPtrArray *entries)
{
	(void) fprintf(admin->out, "post %s\n", id);
	for (guint i = 0; i < entries->len; i++) {
		const struct trace_entry *entry = g_ptr_array_index(entries,
								    i);
		g_autofree char *stamp = stamp_text(entry->time_us);

		(void) fprintf(admin->out, "%s  %-10s  %s%s%s\n", stamp,
			       entry->stage, entry->list,
			       entry->list[0] != '\0' ? "  " : "",
			       entry->what);
	}
}

static enum err_code
tell_story(struct admin *admin, const struct post_id *id, bool json,
	   bool *first, struct err *err)
{
	g_autoptr(GPtrArray) entries = NULL;
	char text[POST_ID_TEXT + 1];
	enum err_code rc;

	rc = trace_get(store_reader(admin->store), id, &entries, err);
	if (rc != ERR_OK)
		return rc;
	post_id_text(id, text);
	if (json) {
		admin_array_add(admin, first, story_object(text, entries));
		return ERR_OK;
	}
	if (!*first)
		(void) fputc('\n', admin->out);
	*first = false;
	print_story(admin, text, entries);
	return ERR_OK;
}

int
verb_trace(struct admin *admin, const struct words *words)
{
	g_autoptr(GArray) ids = NULL;
	struct err err = ERR_INIT;
	enum err_code rc;
	bool first = true;

	rc = trace_find(store_reader(admin->store), words->args[0], &ids,
			&err);
	if (rc == ERR_OK && ids->len == 0)
		return admin_refuse(admin, "nothing is known of %s: give a "
				    "Message-ID, a queue id of the mail "
				    "server, or muster's own id",
				    words->args[0]);
	if (rc == ERR_OK && words->json)
		admin_array_begin(admin);
	for (guint i = 0; rc == ERR_OK && i < ids->len; i++)
		rc = tell_story(admin, &g_array_index(ids, struct post_id, i),
				words->json, &first, &err);
	if (rc == ERR_OK && words->json)
		admin_array_end(admin);
	return rc == ERR_OK ? ADMIN_DONE : admin_fail(admin, &err);
}

/* --- status ------------------------------------------------------------- */

static enum err_code
count_queue(struct admin *admin, json_t *object, struct err *err)
{
	static const enum stage stages[] = {
		STAGE_PENDING, STAGE_OUTBOUND, STAGE_BOUNCE, STAGE_SHUNTED
	};
	json_t *queue = json_object();
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < G_N_ELEMENTS(stages) && rc == ERR_OK; i++) {
		uint64_t count = 0;

		rc = queue_count(admin->store, stages[i], &count, err);
		(void) json_object_set_new(queue, stage_name(stages[i]),
					   json_integer((json_int_t)count));
	}
	(void) json_object_set_new(object, "queue", queue);
	return rc;
}

static enum err_code
count_lists(struct admin *admin, json_t *object, struct err *err)
{
	g_autofree char *after = g_strdup("");
	struct list *list = NULL;
	json_int_t lists = 0;
	enum err_code rc;

	while ((rc = list_next(store_reader(admin->store), after, &list,
			       err)) == ERR_OK && list != NULL) {
		lists++;
		g_free(after);
		after = g_strdup(list->addr);
		list_free(g_steal_pointer(&list));
	}
	(void) json_object_set_new(object, "lists", json_integer(lists));
	return rc;
}

static void
print_status(struct admin *admin, const json_t *object)
{
	const char *key, *stage;
	json_t *value, *count;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (json_is_object(value)) {
			json_object_foreach(value, stage, count)
				(void) fprintf(admin->out,
					       "queue %s = %lld\n", stage,
					       (long long)
					       json_integer_value(count));
		} else if (json_is_string(value)) {
			(void) fprintf(admin->out, "%s = %s\n", key,
				       json_string_value(value));
		} else {
			(void) fprintf(admin->out, "%s = %lld\n", key,
				       (long long)json_integer_value(value));
		}
	}
}

int
verb_status(struct admin *admin, const struct words *words)
{
	json_t *object = json_pack("{s:s, s:s}", "musterd", admin->running ?
				   "running" : "stopped", "home",
				   admin->settings->home);
	struct err err = ERR_INIT;
	int64_t space = 0;
	enum err_code rc;

	rc = store_space(admin->store, &space, &err);
	(void) json_object_set_new(object, "free_bytes", json_integer(space));
	if (rc == ERR_OK)
		rc = count_lists(admin, object, &err);
	if (rc == ERR_OK)
		rc = count_queue(admin, object, &err);
	if (rc == ERR_OK && words->json)
		admin_print(admin, json_incref(object));
	else if (rc == ERR_OK)
		print_status(admin, object);
	json_decref(object);
	return rc == ERR_OK ? ADMIN_DONE : admin_fail(admin, &err);
}

/* --- backup, dump, load ------------------------------------------------- */

int
verb_backup(struct admin *admin, const struct words *words)
{
	struct err err = ERR_INIT;

	/* musterd's directory is not the caller's. */
	if (!g_path_is_absolute(words->args[0])) {
		(void) admin_refuse(admin, "%s: give an absolute path",
				    words->args[0]);
		return ADMIN_USAGE;
	}
	if (store_backup(admin->store, words->args[0], &err) != ERR_OK)
		return admin_fail(admin, &err);
	return ADMIN_DONE;
}

int
verb_dump(struct admin *admin, const struct words *words)
{
	g_auto(GStrv) lists = NULL;
	struct err err = ERR_INIT;

	if (words->count > 0) {
		lists = g_new0(char *, (gsize)words->count + 1);
		for (int i = 0; i < words->count; i++)
			lists[i] = g_ascii_strdown(words->args[i], -1);
	}
	if (dump_write(admin->store, (const char *const *)lists, admin->out,
		       &err) != ERR_OK)
		return admin_fail(admin, &err);
	return ADMIN_DONE;
}

struct load { struct admin *admin; int64_t shown_us; bool show; };

static void
show_load(void *arg, const char *step, uint64_t done, uint64_t total)
{
	struct load *load = arg;
	int64_t now = g_get_monotonic_time();

	if (!load->show || now - load->shown_us < PROGRESS_US)
		return;
	load->shown_us = now;
	(void) fprintf(load->admin->errors, "\r%s: %llu of %llu lines", step,
		       (unsigned long long)done, (unsigned long long)total);
	(void) fflush(load->admin->errors);
}

int
verb_load(struct admin *admin, const struct words *words)
{
	struct load load = { admin, 0, isatty(fileno(admin->errors)) == 1 };
	struct dump_counts counts = { 0 };
	struct err err = ERR_INIT;
	int in = admin->file >= 0 ? admin->file : fileno(admin->in);

	if (dump_load(admin->store, in, words->dry_run, show_load, &load,
		      &counts, &err) != ERR_OK)
		return admin_fail(admin, &err);
	(void) fprintf(admin->out, "%s%llu lines: %llu lists, %llu members, "
		       "%llu posts, %llu jobs\n", words->dry_run ?
		       "good, not loaded: " : "loaded ",
		       (unsigned long long)counts.lines,
		       (unsigned long long)counts.lists,
		       (unsigned long long)counts.members,
		       (unsigned long long)counts.posts,
		       (unsigned long long)counts.jobs);
	if (!words->dry_run && admin->wake != NULL)
		admin->wake();
	return ADMIN_DONE;
}

/* --- what is built in --------------------------------------------------- */

int
verb_settings(struct admin *admin, const struct words *words)
{
	g_autofree char *text = settings_describe();
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	bool first = true;

	if (!words->json) {
		(void) fputs(text, admin->out);
		return ADMIN_DONE;
	}
	admin_array_begin(admin);
	for (char **line = lines; *line != NULL && (*line)[0] != '\0';
	     line++) {
		g_auto(GStrv) parts = g_strsplit(*line, "\t", 5);

		admin_array_add(admin, &first, json_pack(
			"{s:s, s:s, s:s, s:s, s:s}", "section", parts[0],
			"name", parts[1], "type", parts[2], "default",
			parts[3], "help", parts[4]));
	}
	admin_array_end(admin);
	return ADMIN_DONE;
}

int
verb_completion(struct admin *admin, const struct words *words)
{
	if (strcmp(words->args[0], "bash") != 0)
		return admin_refuse(admin, "there is a script for bash only");
	completion_bash(admin->out);
	return ADMIN_DONE;
}
