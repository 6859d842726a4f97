/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "core/archive/link.h"
#include "core/command/archive_inside.h"
#include "core/base/banned.h"

/* muster archive: what is kept of lists. */

enum admin_status
archive_work_begin(struct archive_work *work, const struct call *call)
{
	const struct admin *admin = call->admin;
	struct err err = ERR_INIT;
	enum admin_status status;

	*work = (struct archive_work){ .call = call };
	status = call_list(call, call->args[0], &work->list);
	if (status != ADMIN_DONE)
		return status;
	if (list_conf_load(store_reader(admin->store), work->list->addr,
			   &work->conf, &err) != ERR_OK)
		return call_fail(call, &err);
	archive_place_init(&work->place, admin->settings, work->conf,
			   work->list->addr);
	progress_init(&work->progress, call);
	return ADMIN_DONE;
}

void
archive_work_done(struct archive_work *work)
{
	progress_clear(&work->progress);
	archive_place_done(&work->place);
	list_conf_free(work->conf);
	list_free(work->list);
}

/* --- what is not there -------------------------------------------------- */

void
archive_report_lost(void *arg, const struct archived *entry,
		    enum archive_found found, const char *path)
{
	struct archive_work *work = arg;
	char id[POST_ID_TEXT + 1];

	progress_clear(&work->progress);
	post_id_text(&entry->post, id);
	call_say(work->call, "number %u, %s, %s: %s %s", entry->number, id,
		 entry->message_id[0] != '\0' ? entry->message_id : "-",
		 path, found == ARCHIVE_MISSING ? "does not have it" :
		 "is not what was written");
}

/* --- ls ----------------------------------------------------------------- */

static json_t *
archived_json(const struct archive_work *work, const struct archived *entry)
{
	g_autofree char *link = archive_link(work->conf, work->list->addr,
					     entry->message_id);
	char id[POST_ID_TEXT + 1];

	post_id_text(&entry->post, id);
	return json_pack(
		"{s:I, s:o, s:s, s:o, s:s, s:I, s:o}",
		"number", (json_int_t)entry->number,
		"received", json_time(entry->time_s), "id", id,
		"message_id", json_text_or_null(entry->message_id),
		"format", entry->format == ARCHIVE_MBOX ? "mbox" : "maildir",
		"size", (json_int_t)entry->size,
		"link", json_text_or_null(link != NULL ? link : ""));
}

static void
print_row(FILE *out, const json_t *object)
{
	g_autofree char *name = print_plain(row_text(object, "message_id"));

	(void) fprintf(out, "%lld\t%s\t%s\t%s\n",
		       (long long)json_integer_value(
		       json_object_get(object, "number")),
		       row_text(object, "received"), row_text(object, "id"),
		       name);
}

static enum err_code
print_all(struct archive_work *work, struct err *err)
{
	struct txn *txn = store_reader(work->call->admin->store);
	uint32_t number = 0;
	enum err_code rc;

	for (;;) {
		g_autoptr(archived_t) entry = NULL;

		rc = archive_next(txn, work->list->id, number, &entry, err);
		if (rc != ERR_OK || entry == NULL ||
		    ferror(work->call->admin->out))
			return rc;
		number = entry->number;
		print_array_row(&work->array, archived_json(work, entry),
				print_row);
	}
}

enum admin_status
archive_ls_run(struct call *call)
{
	struct archive_work work;
	struct err err = ERR_INIT;
	enum admin_status status = archive_work_begin(&work, call);

	if (status == ADMIN_DONE) {
		print_array_begin(&work.array, call);
		if (print_all(&work, &err) != ERR_OK)
			status = call_fail(call, &err);
		else
			print_array_end(&work.array);
	}
	archive_work_done(&work);
	return status;
}

/* --- who may read it ---------------------------------------------------- */

static enum err_code
set_modes(const struct call *call, const struct list *list, struct err *err)
{
	struct txn *txn = store_reader(call->admin->store);
	g_autoptr(list_conf_auto) conf = NULL;
	struct place_of_archive place;
	struct archive archive;
	int dir;
	enum err_code rc = archive_get(txn, list->id, &archive, err);

	if (rc != ERR_OK || archive.posts == 0)
		return rc;
	rc = list_conf_load(txn, list->addr, &conf, err);
	if (rc != ERR_OK)
		return rc;
	archive_place_init(&place, call->admin->settings, conf, list->addr);
	rc = archive_place_open(&place, &archive, &dir, err);
	if (rc == ERR_OK)
		(void) close(dir);
	archive_place_done(&place);
	return rc;
}

/* Whoever archives with the keys as they were has ended when they were
 * changed: he has them locked. */
enum admin_status
archive_changed(const struct call *call, const char *scope)
{
	const char *at = strchr(scope, '@');
	const bool is_list = at != NULL && at > scope;
	g_autofree char *after = g_strdup("");
	enum admin_status status = ADMIN_DONE;
	struct err err = ERR_INIT;

	for (;;) {
		g_autoptr(list_auto) list = NULL;
		struct txn *txn = store_reader(call->admin->store);

		if ((is_list ? list_find(txn, scope, &list, &err) :
		     list_next(txn, after, &list, &err)) != ERR_OK)
			return call_fail(call, &err);
		if (list == NULL)
			return status;
		if ((is_list || g_str_has_suffix(list->addr, scope)) &&
		    set_modes(call, list, &err) != ERR_OK)
			status = call_fail(call, &err);
		if (is_list)
			return status;
		g_free(after);
		after = g_strdup(list->addr);
	}
}

/* --- verify ------------------------------------------------------------- */

static void
verify_progress(void *arg)
{
	struct archive_work *work = arg;

	progress_show(&work->progress, "%llu posts",
		      (unsigned long long)work->verify.posts);
}

/* What to do about it. */
static void
advise(const struct archive_work *work)
{
	const struct verify *verify = &work->verify;
	const struct call *call = work->call;
	const char *dir = work->place.dir, *list = work->list->addr;

	if (verify->missing + verify->changed > verify->forgotten)
		call_say(call, "put back what is missing from a backup of "
			 "%s, or import it (muster archive import); or run "
			 "muster archive verify --forget %s", dir, list);
	if (verify->shunted > 0)
		call_say(call, "%llu posts could not be archived: see muster "
			 "queue ls", (unsigned long long)verify->shunted);
	if (verify->tail > 0)
		call_say(call, "%s/%s has %llu octets behind its last post, "
			 "which the next post moves to %s.torn", dir,
			 ARCHIVE_MBOX_NAME, (unsigned long long)verify->tail,
			 ARCHIVE_MBOX_NAME);
	if (verify->unknown > 0)
		call_say(call, "%llu files in %s are not of this archive: "
			 "import them (muster archive import %s DIR) from "
			 "another directory",
			 (unsigned long long)verify->unknown, dir, list);
}

static enum admin_status
verify_all(struct archive_work *work)
{
	const struct call *call = work->call;
	struct verify *verify = &work->verify;
	struct err err = ERR_INIT;
	enum err_code rc;

	*verify = (struct verify){
		.store = call->admin->store, .place = &work->place,
		.list = work->list->id, .forget = call->forget,
		.report = archive_report_lost, .progress = verify_progress,
		.arg = work,
	};
	rc = verify_run(verify, &err);
	progress_clear(&work->progress);
	if (rc != ERR_OK)
		return call_fail(call, &err);
	print_object(call, json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"posts", (json_int_t)verify->posts,
		"missing", (json_int_t)verify->missing,
		"changed", (json_int_t)verify->changed,
		"forgotten", (json_int_t)verify->forgotten,
		"waiting", (json_int_t)verify->waiting,
		"shunted", (json_int_t)verify->shunted,
		"behind_mbox", (json_int_t)verify->tail,
		"unknown_files", (json_int_t)verify->unknown));
	advise(work);
	return verify->missing + verify->changed > verify->forgotten ||
		verify->shunted + verify->tail + verify->unknown > 0 ?
		ADMIN_REFUSED : ADMIN_DONE;
}

/* Where nothing was ever archived, all of it is there. */
static enum admin_status
verify_or_nothing(struct archive_work *work)
{
	struct archive archive;
	struct err err = ERR_INIT;

	if (archive_get(store_reader(work->call->admin->store),
			work->list->id, &archive, &err) != ERR_OK)
		return call_fail(work->call, &err);
	if (archive.last == 0)
		return call_refuse(work->call, "%s has nothing in an archive",
				   work->list->addr);
	return verify_all(work);
}

enum admin_status
archive_verify_run(struct call *call)
{
	struct archive_work work;
	enum admin_status status = archive_work_begin(&work, call);

	if (status == ADMIN_DONE)
		status = verify_or_nothing(&work);
	archive_work_done(&work);
	return status;
}
