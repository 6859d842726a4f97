/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * muster, the administrator's command. Where musterd runs it does the work;
 * where it does not, the same code runs here, under the home's lock.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "conf/settings.h"
#include "config.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/command/admin.h"
#include "core/control.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define PROGRAM "muster"
#define PATIENCE_MS 3000	/* for a musterd that is just starting */

static int
fail(const struct err *err, int status)
{
	err_print(PROGRAM, err);
	return status;
}

/* Signals wait while we own the store: a cut-off command is no harm, but
 * the next start would have to recover. */
static void
block_signals(void)
{
	sigset_t signals;

	(void) sigemptyset(&signals);
	(void) sigaddset(&signals, SIGINT);
	(void) sigaddset(&signals, SIGTERM);
	(void) sigaddset(&signals, SIGHUP);
	(void) sigprocmask(SIG_BLOCK, &signals, NULL);
	(void) signal(SIGPIPE, SIG_IGN);
}

static int
run_here(struct settings *settings, struct store *store, int argc,
	 char **argv, int file)
{
	struct admin admin = {
		.store = store, .settings = settings, .in = stdin,
		.out = stdout, .errors = stderr, .file = file,
	};
	int status = admin_run(&admin, argc, argv);

	if (fflush(stdout) != 0 && status == ADMIN_DONE)
		status = ADMIN_REFUSED;
	return status;
}

/* musterd, or the store itself; where both are taken, somebody is about to
 * start or to stop. */
static int
run(struct settings *settings, int argc, char **argv, int file)
{
	const int64_t deadline = wire_now_ms() + PATIENCE_MS;
	struct err err = ERR_INIT;
	struct store *store = NULL;
	enum err_code rc;
	int status = ADMIN_LATER;

	for (;;) {
		rc = control_ask(settings, argc, argv, file, &status, &err);
		if (rc == ERR_OK)
			return status;
		if (rc != ERR_DOWN)
			return fail(&err, ADMIN_LATER);
		block_signals();
		rc = store_open(settings->home, &store, &err);
		if (rc == ERR_OK)
			break;
		if (rc != ERR_BUSY)
			return fail(&err, ADMIN_REFUSED);
		if (wire_now_ms() > deadline)
			return fail(&err, ADMIN_LATER);
		g_usleep(50000);
	}
	status = run_here(settings, store, argc, argv, file);
	store_close(store);
	return status;
}

static int
open_file(const char *name, int *fd_out)
{
	struct err err = ERR_INIT;

	*fd_out = -1;
	if (name == NULL || strcmp(name, "-") == 0)
		return 0;
	*fd_out = open(name, O_RDONLY | O_CLOEXEC);
	if (*fd_out >= 0)
		return 0;
	(void) err_errno(&err, "name a file that can be read",
			 "cannot open %s", name);
	return fail(&err, ADMIN_REFUSED);
}

/* -c FILE and --version may stand before the noun; the rest is the verb's. */
static int
take_globals(int argc, char **argv, const char **path)
{
	int at = 1;

	while (at < argc && argv[at][0] == '-') {
		if (strcmp(argv[at], "--version") == 0) {
			(void) puts(PROGRAM " " PACKAGE_VERSION);
			exit(ADMIN_DONE);
		}
		if (strcmp(argv[at], "-c") != 0 &&
		    strcmp(argv[at], "--config") != 0)
			break;
		if (at + 1 >= argc) {
			(void) fprintf(stderr, PROGRAM ": -c needs a file\n");
			exit(ADMIN_USAGE);
		}
		*path = argv[at + 1];
		at += 2;
	}
	return at;
}

/* musterd has another working directory than the caller. */
static void
make_absolute(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[0], "backup") == 0 && argv[1][0] != '-')
		argv[1] = g_canonicalize_filename(argv[1], NULL);
}

int
main(int argc, char **argv)
{
	const char *path = settings_default_path(), *file_name = NULL;
	struct settings *settings = NULL;
	struct err err = ERR_INIT;
	int status = ADMIN_DONE, file = -1, at;

	(void) setlocale(LC_CTYPE, "C.UTF-8");
	mime_init();
	log_open(PROGRAM, 1);
	at = take_globals(argc, argv, &path);
	if (!admin_prepare(argc - at, argv + at, &file_name, &path, &status))
		return status;
	make_absolute(argc - at, argv + at);
	if (settings_load(path, &settings, &err) != ERR_OK)
		return fail(&err, ADMIN_REFUSED);
	status = open_file(file_name, &file);
	if (status == ADMIN_DONE)
		status = run(settings, argc - at, argv + at, file);
	settings_unref(settings);
	return status;
}
