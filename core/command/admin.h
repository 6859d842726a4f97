/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_ADMIN_H
#define MUSTER_COMMAND_ADMIN_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/settings.h"
#include "core/outbound/outbound.h"
#include "db/store.h"

/*
 * The administrator's verbs: `muster list create ...` and so on. The same
 * code runs in musterd (asked over run/control.sock, with the caller's own
 * input, stdout and stderr as descriptors) and in muster itself where
 * musterd does not run, so results do not differ.
 */

enum admin_status {
	ADMIN_DONE = 0,
	ADMIN_REFUSED = 1,	/* refused, or not found */
	ADMIN_USAGE = 2,
	ADMIN_LATER = 75,	/* try again */
};

struct admin {
	struct store *store;	/* NULL where the verb needs none */
	const struct settings *settings;	/* also NULL then */
	FILE *in, *out, *errors;	/* the caller's; in is the file
					 * that admin_prepare() named */
	int in_fd;		/* below in */
	const int *out_problem;	/* errno of the write to out that failed, 0 if
				 * none; may be NULL (stream.h) */
	bool errors_tty;	/* progress is welcome there */
	const char *cwd;	/* the caller's directory, absolute */
	bool running;		/* inside musterd */
	struct outbound *outbound;	/* what is under way; NULL: nothing,
					 * musterd does not run */
	int peer;		/* the caller's connection, 0: none */
	void (*wake)(void);	/* tell the stages that there is work; may be
				 * NULL */
};

/*
 * admin_run - argv is what stood behind "muster". Usage is checked before
 * the store is touched. Everything printed goes to admin->out and ->errors;
 * the result is the exit status. A write that fails is ADMIN_REFUSED; the
 * streams are flushed, not closed. No transaction is open while something
 * is read or printed, so that a slow caller holds up nobody.
 */
enum admin_status admin_run(const struct admin *admin, int argc,
			    char *const *argv);

/* What the muster program must find before it can run the verb. */
struct admin_needs {
	bool store;	/* and the settings; else the verb needs neither */
	char *config;	/* of -c, NULL if not given */
	char *file;	/* to be opened as admin->in; NULL: stdin */
	bool live;	/* to be shown again and again on a terminal */
	int interval_s;	/* so often; 0 if not given */
};

/*
 * admin_prepare - check usage. Prints help to stdout and usage errors to
 * stderr itself and then returns false with *status. needs is to be freed
 * with admin_needs_done().
 */
bool admin_prepare(int argc, char *const *argv, struct admin_needs *needs,
		   enum admin_status *status);
void admin_needs_done(struct admin_needs *needs);

#endif
