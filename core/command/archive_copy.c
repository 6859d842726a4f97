/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <sys/stat.h>

#include "core/command/archive_inside.h"
#include "core/base/banned.h"

/* muster archive export, import. */

/* A file or directory of the caller's, as musterd sees it. */
static char *
path_of(const struct call *call, const char *name)
{
	return g_canonicalize_filename(name, call->admin->cwd);
}

/* --- export ------------------------------------------------------------- */

static bool
is_maildir(const struct call *call)
{
	return call->format != NULL && strcmp(call->format, "maildir") == 0;
}

const char *
archive_export_check(const struct call *call)
{
	if (call->format != NULL && !is_maildir(call) &&
	    strcmp(call->format, "mbox") != 0)
		return "--format: maildir or mbox is expected";
	if (strcmp(call->args[1], "-") != 0)
		return NULL;
	if (is_maildir(call))
		return "a Maildir needs a directory";
	return call->json ? "with - the output is the mbox; --json excludes "
		"it" : NULL;
}

static void
export_progress(void *arg)
{
	struct archive_work *work = arg;

	progress_show(&work->progress, "%llu posts",
		      (unsigned long long)work->export.posts);
}

static enum err_code
export_to(struct archive_work *work, const char *name, struct err *err)
{
	g_autofree char *path = NULL;

	if (strcmp(name, "-") == 0)
		return export_stream(&work->export, work->call->admin->out,
				     err);
	path = path_of(work->call, name);
	return is_maildir(work->call) ?
		export_maildir(&work->export, path, err) :
		export_mbox(&work->export, path, err);
}

static enum admin_status
export_run(struct archive_work *work)
{
	const struct call *call = work->call;
	const char *name = call->args[1];
	struct err err = ERR_INIT;
	enum err_code rc;

	work->export = (struct export){
		.store = call->admin->store, .place = &work->place,
		.list = work->list->id, .report = archive_report_lost,
		.progress = export_progress, .arg = work,
	};
	rc = export_to(work, name, &err);
	progress_clear(&work->progress);
	/* admin_run() complains of the stream */
	if (rc != ERR_OK)
		return ferror(call->admin->out) ? ADMIN_REFUSED :
			call_fail(call, &err);
	if (strcmp(name, "-") != 0)
		print_object(call, json_pack("{s:I, s:I}",
			"exported", (json_int_t)work->export.posts,
			"lost", (json_int_t)work->export.lost));
	return work->export.lost > 0 ? ADMIN_REFUSED : ADMIN_DONE;
}

enum admin_status
archive_export_run(struct call *call)
{
	struct archive_work work;
	enum admin_status status = archive_work_begin(&work, call);

	if (status == ADMIN_DONE)
		status = export_run(&work);
	archive_work_done(&work);
	return status;
}

/* --- import ------------------------------------------------------------- */

static bool
form_of(const struct call *call, enum source_form *out)
{
	*out = SOURCE_ANY;
	if (call->format == NULL || strcmp(call->format, "mbox") == 0)
		return true;
	for (int i = 0; i < SOURCE_FORMS; i++)
		if (strcmp(source_forms[i], call->format) == 0) {
			*out = (enum source_form)i;
			return true;
		}
	return false;
}

const char *
archive_import_check(const struct call *call)
{
	enum source_form form;

	return is_maildir(call) || form_of(call, &form) ? NULL :
		"--format: maildir, mbox, mboxrd, mboxo, mboxcl, mboxcl2 or "
		"pipermail is expected";
}

static void
report_bad(void *arg, const char *where, const char *what)
{
	struct archive_work *work = arg;
	g_autofree char *line = g_strdup_printf("%s: %s", where, what);
	g_autofree char *plain = print_plain(line);

	progress_clear(&work->progress);
	(void) fprintf(work->call->admin->errors, "%s\n", plain);
}

static void
import_progress(void *arg)
{
	struct archive_work *work = arg;

	progress_show(&work->progress, "%llu imported, %llu there already, "
		      "%.1f MB read",
		      (unsigned long long)work->import.imported,
		      (unsigned long long)work->import.duplicates,
		      (double)source_octets(work->source) / 1e6);
}

/* What the words name: a directory is a Maildir. */
static struct source *
open_source(const struct call *call, struct err *err)
{
	const struct admin *admin = call->admin;
	const char *name = call_text_name(call->args[1]);
	enum source_form form = SOURCE_ANY;
	struct stat st;

	if (fstat(admin->in_fd, &st) == 0 && S_ISDIR(st.st_mode))
		return source_maildir(admin->in_fd, name);
	if (is_maildir(call)) {
		(void) err_set(err, ERR_INVALID, "", "%s is no directory",
			       name);
		return NULL;
	}
	(void) form_of(call, &form);
	return source_mbox(admin->in, name, form);
}

static enum admin_status
import_from(struct archive_work *work, struct source *source)
{
	const struct call *call = work->call;
	const struct admin *admin = call->admin;
	struct err err = ERR_INIT;
	enum err_code rc;

	work->source = source;
	work->import = (struct import){
		.store = admin->store, .settings = admin->settings,
		.list_addr = work->list->addr, .list = work->list->id,
		.report = report_bad, .progress = import_progress,
		.arg = work,
	};
	rc = import_run(&work->import, source, &err);
	progress_clear(&work->progress);
	print_object(call, json_pack(
		"{s:I, s:I, s:I, s:I}",
		"imported", (json_int_t)work->import.imported,
		"there_already", (json_int_t)work->import.duplicates,
		"not_wanted", (json_int_t)work->import.refused,
		"bad", (json_int_t)work->import.bad));
	if (rc != ERR_OK)
		return call_fail(call, &err);
	return work->import.bad > 0 ? ADMIN_REFUSED : ADMIN_DONE;
}

enum admin_status
archive_import_run(struct call *call)
{
	g_autoptr(source_t) source = NULL;
	struct archive_work work;
	struct err err = ERR_INIT;
	enum admin_status status = archive_work_begin(&work, call);

	if (status == ADMIN_DONE) {
		source = open_source(call, &err);
		status = source != NULL ? import_from(&work, source) :
			call_fail(call, &err);
	}
	archive_work_done(&work);
	return status;
}
