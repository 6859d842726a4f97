/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "db/dump.h"
#include "core/base/banned.h"

/* --- backup, dump ------------------------------------------------------- */

enum admin_status
backup_run(struct call *call)
{
	g_autofree char *dir = g_canonicalize_filename(call->args[0],
						       call->admin->cwd);
	struct err err = ERR_INIT;

	if (store_backup(call->admin->store, dir, &err) != ERR_OK)
		return call_fail(call, &err);
	(void) fprintf(call->admin->out, "%s: backed up; it can serve as "
		       "home\n", dir);
	return ADMIN_DONE;
}

enum admin_status
dump_run(struct call *call)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	struct err err = ERR_INIT;
	enum err_code rc;

	for (int i = 0; i < call->count; i++) {
		g_autoptr(list_auto) list = NULL;
		enum admin_status status = call_list(call, call->args[i],
						     &list);

		if (status != ADMIN_DONE)
			return status;
		g_ptr_array_add(names, g_strdup(list->addr));
	}
	g_ptr_array_add(names, NULL);
	rc = dump_write(call->admin->store, call->count > 0 ?
			(const char *const *)names->pdata : NULL,
			call->admin->out, &err);
	if (rc == ERR_OK)
		return ADMIN_DONE;
	/* admin_run() complains of the stream */
	return ferror(call->admin->out) ? ADMIN_REFUSED :
		call_fail(call, &err);
}

/* --- load --------------------------------------------------------------- */

static enum err_code
copy_error(int problem, const char *what, struct err *err)
{
	if (problem == ECANCELED)
		return err_set(err, ERR_BUSY, "nothing was changed; load it "
			       "again when musterd is up",
			       "musterd stops");
	errno = problem;
	return err_errno(err, "nothing was changed", "%s", what);
}

static enum err_code
copy_input(FILE *in, FILE *out, struct err *err)
{
	char buf[64 * 1024];
	size_t len;

	errno = 0;
	while ((len = fread(buf, 1, sizeof(buf), in)) > 0) {
		if (ferror(in))
			break;
		if (fwrite(buf, 1, len, out) != len)
			return copy_error(errno, "copying the dump", err);
		errno = 0;
	}
	if (ferror(in))
		return copy_error(errno, "reading the dump", err);
	if (fflush(out) != 0)
		return copy_error(errno, "copying the dump", err);
	rewind(out);
	return ERR_OK;
}

/*
 * A pipe or a terminal may keep musterd waiting, and ends in the middle when
 * the caller is interrupted, which must not look like the end of the dump.
 * The stream knows both, its descriptor does not.
 */
static enum err_code
spool(const struct admin *admin, FILE **out, struct err *err)
{
	const char *home = admin->settings->home;
	int fd = open(home, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	FILE *copy = fd >= 0 ? fdopen(fd, "r+") : NULL;
	enum err_code rc;

	if (copy == NULL) {
		if (fd >= 0)
			(void) close(fd);
		return err_errno(err, "", "a temporary file in %s", home);
	}
	rc = copy_input(admin->in, copy, err);
	if (rc != ERR_OK) {
		(void) fclose(copy);	/* it is of no use */
		return rc;
	}
	*out = copy;
	return ERR_OK;
}

static bool
needs_spool(const struct admin *admin)
{
	struct stat st;

	return admin->running && (fstat(admin->in_fd, &st) != 0 ||
				  !S_ISREG(st.st_mode));
}

static void
show_progress(void *arg, const char *step, uint64_t done, uint64_t total)
{
	progress_show(arg, "%s: %llu of %llu lines", step,
		      (unsigned long long)done, (unsigned long long)total);
}

static enum err_code
load_input(const struct call *call, struct dump_counts *out,
	   struct err *err)
{
	const struct admin *admin = call->admin;
	struct progress progress;
	FILE *copy = NULL;
	enum err_code rc = ERR_OK;

	progress_init(&progress, call);
	if (needs_spool(admin))
		rc = spool(admin, &copy, err);
	if (rc == ERR_OK)
		rc = dump_load(admin->store, copy != NULL ? fileno(copy) :
			       admin->in_fd, call->dry_run, show_progress,
			       &progress, out, err);
	progress_clear(&progress);
	if (copy != NULL)
		(void) fclose(copy);	/* it was only read last */
	return rc;
}

enum admin_status
load_run(struct call *call)
{
	struct dump_counts counts = { 0 };
	struct err err = ERR_INIT;
	enum admin_status status = ADMIN_DONE;

	if (load_input(call, &counts, &err) != ERR_OK)
		return call_fail(call, &err);
	/* It may have resumed lists; and there may be jobs to wake for. */
	if (!call->dry_run)
		status = outgoing_changed(call, NULL);
	if (status != ADMIN_DONE)
		return status;
	print_object(call, json_pack(
		"{s:b, s:I, s:I, s:I, s:I, s:I}", "loaded", !call->dry_run,
		"lines", (json_int_t)counts.lines,
		"lists", (json_int_t)counts.lists,
		"members", (json_int_t)counts.members,
		"posts", (json_int_t)counts.posts,
		"jobs", (json_int_t)counts.jobs));
	return ADMIN_DONE;
}
