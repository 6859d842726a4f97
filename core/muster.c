/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * muster, the administrator's command. Its words go to musterd; where that
 * does not run, it takes the home's lock and does the same work with the
 * same code.
 *
 * Signals keep their default: a store whose owner dies at any instant comes
 * back with what was committed, that is what it is made for. So an
 * interrupted verb is done or it is not, but for member add --file and load:
 * what was added before stays, and a load that has begun is finished by the
 * next that opens the store.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "conf/settings.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/command/admin.h"
#include "core/command/stream.h"
#include "core/control.h"
#include "core/live.h"
#include "core/mail/mime.h"
#include "db/store.h"
#include "core/base/banned.h"

#define PROGRAM "muster"
#define LOCK_MS 3000		/* how long we wait for another's lock */
#define LOCK_REST_US 50000

/* A descriptor below 3 that the caller has closed would be given to the next
 * file that is opened. */
static void
hold_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void) close(fd);
}

/*
 * The files of the store belong to the user that musterd runs as, and those
 * that root would add could not be opened by him. So root becomes who owns
 * the home.
 */
static enum err_code
become_owner(const char *home, struct err *err)
{
	struct stat st;

	if (geteuid() != 0 || stat(home, &st) != 0 || st.st_uid == 0)
		return ERR_OK;
	if (setgroups(0, NULL) != 0 || setgid(st.st_gid) != 0 ||
	    setuid(st.st_uid) != 0)
		return err_errno(err, "run it as the owner of that directory",
				 "cannot become the owner of %s", home);
	return ERR_OK;
}

static int
run_here(const struct settings *settings, struct store *store, FILE *in,
	 int argc, char *const *argv)
{
	g_autofree char *cwd = g_get_current_dir();
	struct stream stream = { .fd = STDOUT_FILENO, .peer = -1 };
	FILE *out = stream_open(&stream, "w");
	const struct admin admin = {
		.store = store, .settings = settings,
		.in = in, .out = out, .errors = stderr,
		.out_problem = &stream.problem, .in_fd = fileno(in),
		.errors_tty = isatty(STDERR_FILENO) == 1,
		.cwd = cwd,
	};
	int status = admin_run(&admin, argc, argv);

	(void) fclose(out);	/* admin_run() has flushed it and looked */
	return status;
}

static enum err_code
do_it_ourselves(const struct settings *settings, FILE *in, int argc,
		char *const *argv, int *status_out, struct err *err)
{
	struct store *store = NULL;
	enum err_code rc = become_owner(settings->home, err);

	if (rc == ERR_OK)
		rc = store_open(settings->home, &store, err);
	if (rc != ERR_OK)
		return rc;
	*status_out = run_here(settings, store, in, argc, argv);
	store_close(store);
	return ERR_OK;
}

/* ERR_BUSY of the store: musterd is about to start, or another muster is at
 * work. */
static enum err_code
ask_or_do(const struct settings *settings, FILE *in, int argc,
	  char *const *argv, int *status_out, struct err *err)
{
	const int64_t deadline = wire_now_ms() + LOCK_MS;
	enum err_code rc;

	for (;;) {
		rc = control_ask(settings, argc, argv, fileno(in),
				 status_out, err);
		if (rc != ERR_DOWN)
			return rc;
		rc = do_it_ourselves(settings, in, argc, argv, status_out,
				     err);
		if (rc != ERR_BUSY || wire_now_ms() >= deadline)
			return rc;
		g_usleep(LOCK_REST_US);
	}
}

static enum err_code
show_live(const struct settings *settings, int interval_s, int *status_out,
	  struct err *err)
{
	enum err_code rc = live_top(settings, interval_s, status_out, err);

	if (rc != ERR_DOWN)
		return rc;
	return err_set(err, ERR_BUSY, "start it; muster top --once looks at "
		       "the queue", "musterd does not run, and nothing is "
		       "sent");
}

static enum err_code
open_input(const char *file, FILE **out, struct err *err)
{
	if (file == NULL) {
		*out = stdin;
		return ERR_OK;
	}
	*out = fopen(file, "re");
	if (*out == NULL)
		return err_errno(err, "", "%s", file);
	return ERR_OK;
}

static enum err_code
run_with_store(const struct admin_needs *needs, int argc, char *const *argv,
	       int *status_out, struct err *err)
{
	struct settings *settings = NULL;
	FILE *in = NULL;
	enum err_code rc;

	rc = settings_load(needs->config != NULL ? needs->config :
			   settings_default_path(), &settings, err);
	if (rc == ERR_OK)
		rc = open_input(needs->file, &in, err);
	if (rc == ERR_OK && needs->live && isatty(STDOUT_FILENO) == 1)
		rc = show_live(settings, needs->interval_s, status_out, err);
	else if (rc == ERR_OK)
		rc = ask_or_do(settings, in, argc, argv, status_out, err);
	if (in != NULL)
		(void) fclose(in);	/* it was only read */
	settings_unref(settings);
	return rc;
}

static enum err_code
run_without_store(const struct admin_needs *needs, int argc,
		  char *const *argv, int *status_out, struct err *err)
{
	FILE *in;
	enum err_code rc = open_input(needs->file, &in, err);

	if (rc != ERR_OK)
		return rc;
	*status_out = run_here(NULL, NULL, in, argc, argv);
	(void) fclose(in);	/* it was only read */
	return ERR_OK;
}

int
main(int argc, char **argv)
{
	struct admin_needs needs;
	struct err err = ERR_INIT;
	enum admin_status checked;
	enum err_code rc = ERR_OK;
	int status = 0;

	(void) setlocale(LC_CTYPE, "C.UTF-8");
	hold_standard_descriptors();
	/* "| head" is an ordinary way to end; the verb sees EPIPE. */
	(void) signal(SIGPIPE, SIG_IGN);
	if (!admin_prepare(argc - 1, argv + 1, &needs, &checked))
		return (int)checked;
	log_open(PROGRAM, true);
	mime_init();
	if (needs.store)
		rc = run_with_store(&needs, argc - 1, argv + 1, &status,
				    &err);
	else
		rc = run_without_store(&needs, argc - 1, argv + 1, &status,
				       &err);
	admin_needs_done(&needs);
	if (rc == ERR_OK)
		return status;
	err_print(PROGRAM, &err);
	return rc == ERR_BUSY || rc == ERR_NOSPACE ? ADMIN_LATER :
		ADMIN_REFUSED;
}
