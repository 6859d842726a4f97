/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_ADMIN_H
#define MUSTER_COMMAND_ADMIN_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/settings.h"
#include "db/store.h"

/*
 * The administrator's verbs: `muster list create ...` and so on. The same
 * code runs in musterd (asked over run/control.sock, with the caller's own
 * stdin, stdout and stderr as descriptors) and in muster itself where
 * musterd does not run, so results do not differ.
 */

enum admin_status {
	ADMIN_DONE = 0,
	ADMIN_REFUSED = 1,	/* refused, or not found */
	ADMIN_USAGE = 2,
	ADMIN_LATER = 75,	/* try again */
};

struct admin {
	struct store *store;
	struct settings *settings;
	FILE *in, *out, *errors;	/* the caller's */
	int file;		/* --file F as opened by the caller, or -1 */
	bool running;		/* inside musterd */
	void (*wake)(void);	/* tell the stages that there is work; may be
				 * NULL */
};

/*
 * admin_run - argv[0] is the noun ("list"). Usage is checked before the
 * store is touched. Everything printed goes to admin->out and ->errors;
 * the result is the exit status.
 */
int admin_run(struct admin *admin, int argc, char **argv);

/*
 * What the muster program needs before there is a store. Checks the usage;
 * *file_out is what it must open for --file or load (NULL: nothing, "-":
 * stdin), *path_out is set where -c stands among the words. Prints help,
 * usage errors and all that needs no store itself: then false, with *status.
 */
bool admin_prepare(int argc, char **argv, const char **file_out,
		   const char **path_out, int *status);

#endif
