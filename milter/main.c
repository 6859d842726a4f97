/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * muster-milter, the gate: a small parent that opens the socket and keeps
 * the worker processes, which serve the sessions.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <glib.h>

#include "conf/settings.h"
#include "config.h"
#include "core/base/daemon.h"
#include "core/auth/auth.h"
#include "core/base/log.h"
#include "milter/crew.h"
#include "milter/seat.h"
#include "milter/session.h"
#include "core/base/banned.h"

#define PROGRAM "muster-milter"
#define DESCRIPTORS_LEAST 64	/* of a worker; half of them for connections */

struct options {
	char *path;
	gboolean foreground, version;
};

/* --- start -------------------------------------------------------------- */

/* One gate for each run directory. The file stays; the lock is what counts. */
static enum err_code
take_lock(const struct settings *settings, int *fd_out, struct err *err)
{
	g_autofree char *path =
		g_build_filename(settings->run, PROGRAM ".lock", NULL);
	int fd;

	if (daemon_make_run(settings->run, err) != ERR_OK)
		return err->code;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_errno(err, "see that its directory can be written",
				 "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*fd_out = fd;
		return ERR_OK;
	}
	(void)close(fd);
	if (errno != EWOULDBLOCK)
		return err_errno(err, "", "cannot lock %s", path);
	return err_set(err, ERR_BUSY, "stop it first, or set [muster] run",
		       "another " PROGRAM " runs, it holds %s", path);
}

/* --- run ---------------------------------------------------------------- */

static bool
needs_restart(const struct settings *old, const struct settings *fresh)
{
	return strcmp(old->run, fresh->run) != 0 ||
	       strcmp(old->milter_listen, fresh->milter_listen) != 0;
}

/* The lock, the socket and the way to musterd are those of the start. */
static void
reload(const struct options *options, struct settings **settings,
       struct crew *crew)
{
	struct settings *fresh = NULL;
	struct err err = ERR_INIT;

	if (settings_load(options->path, &fresh, &err) == ERR_OK &&
	    auth_check(fresh, &err) == ERR_OK &&
	    needs_restart(*settings, fresh))
		(void)err_set(&err, ERR_INVALID, "restart " PROGRAM,
			      "[muster] run or [milter] listen has changed");
	if (err.code != ERR_OK) {
		log_err(NULL, "settings.kept", &err);
		settings_unref(fresh);
		return;
	}
	settings_unref(*settings);
	*settings = fresh;
	crew_retire(crew);
	log_info(NULL, "settings.reloaded", kv_str("file", options->path));
}

static int
await_signal(const sigset_t *signals, int64_t wait_ms)
{
	const struct timespec wait = {
		.tv_sec = wait_ms / 1000,
		.tv_nsec = wait_ms % 1000 * 1000000,
	};

	return wait_ms < 0 ? sigwaitinfo(signals, NULL)
			   : sigtimedwait(signals, NULL, &wait);
}

static void
run_until_term(const struct options *options, struct settings **settings,
	       struct crew *crew, const sigset_t *signals)
{
	for (;;) {
		switch (await_signal(signals, crew_fill(crew, *settings))) {
		case SIGTERM:
		case SIGINT:
			return;
		case SIGUSR1:
			reload(options, settings, crew);
			break;
		case SIGCHLD:
			crew_reap(crew);
			break;
		}
	}
}

static void
serve(const struct options *options, struct settings **settings, int seat,
      int lock, int ready, const sigset_t *signals)
{
	struct crew *crew = crew_new(seat, lock);

	(void)crew_fill(crew, *settings);
	log_info(NULL, PROGRAM ".started", kv_str("version", PACKAGE_VERSION),
		 kv_str("listen", (*settings)->milter_listen));
	daemon_ready(ready);
	run_until_term(options, settings, crew, signals);
	log_info(NULL, PROGRAM ".stopping", kv_str("why", "signal"));
	crew_stop(crew, *settings);
	crew_free(crew);
	log_info(NULL, PROGRAM ".stopped", kv_num("pid", getpid()));
}

static enum err_code
open_seat(const struct settings *settings, int *seat_out, struct err *err)
{
	enum err_code rc;
	int listen_fd;

	if (!session_register())
		return err_set(err, ERR_IO, "", "libmilter takes no filter");
	rc = seat_listen(settings, &listen_fd, err);
	if (rc != ERR_OK)
		return rc;
	rc = seat_take(settings, listen_fd, seat_out, err);
	(void)close(listen_fd);
	return rc;
}

static enum err_code
run(const struct options *options, const sigset_t *signals, struct err *err)
{
	struct settings *settings = NULL;
	int ready = -1, lock = -1, seat = -1;
	enum err_code rc;

	rc = settings_load(options->path, &settings, err);
	if (rc == ERR_OK)
		rc = auth_check(settings, err);
	if (rc == ERR_OK && !options->foreground)
		rc = daemon_fork(&ready, err);
	if (rc == ERR_OK)
		rc = daemon_raise_descriptors(DESCRIPTORS_LEAST, err);
	if (rc == ERR_OK)
		rc = take_lock(settings, &lock, err);
	if (rc == ERR_OK)
		rc = open_seat(settings, &seat, err);
	if (rc == ERR_OK)
		serve(options, &settings, seat, lock, ready, signals);
	settings_unref(settings);
	return rc;
}

/* --- the command line --------------------------------------------------- */

static bool
read_options(int argc, char **argv, struct options *out)
{
	GOptionEntry entries[] = {
		{"config", 'c', 0, G_OPTION_ARG_FILENAME, &out->path,
		 "Settings file", "FILE"},
		{"foreground", 'F', 0, G_OPTION_ARG_NONE, &out->foreground,
		 "Stay in the foreground and log to stderr", NULL},
		{"version", 0, 0, G_OPTION_ARG_NONE, &out->version,
		 "Print the version", NULL},
		{0}};

	return daemon_options(PROGRAM, "- the gate of muster", entries, argc,
			      argv);
}

int
main(int argc, char **argv)
{
	struct options options = {0};
	struct err err = ERR_INIT;
	g_autofree char *given = NULL;
	g_autofree char *absolute = NULL;
	sigset_t signals;

	daemon_block_signals(&signals);
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (!read_options(argc, argv, &options))
		return 2;
	given = options.path;
	if (options.version) {
		(void)puts(PROGRAM " " PACKAGE_VERSION);
		return 0;
	}
	absolute = g_canonicalize_filename(
		given != NULL ? given : settings_default_path(), NULL);
	/* We change the directory, and SIGUSR1 reads it again. */
	options.path = absolute;
	log_open(PROGRAM, options.foreground);
	if (run(&options, &signals, &err) != ERR_OK) {
		err_print(PROGRAM, &err);
		if (!options.foreground)
			log_err(NULL, PROGRAM ".failed", &err);
		return err.code == ERR_BUSY ? 75 : 1;
	}
	return 0;
}
