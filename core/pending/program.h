/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_PROGRAM_H
#define MUSTER_PENDING_PROGRAM_H

#include <stdbool.h>

#include <glib.h>

#include "conf/settings.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * The program of a list: one of the site's own ([program NAME] of the
 * settings), through which each post goes before anything else is made of it.
 *
 * It may take its time, so it runs outside any transaction, and what it has
 * made is given to pending_run(). If we die in between it runs again.
 *
 * It reads the message on its standard input and writes the new one to its
 * standard output, both with LF as the ends of lines (a message whose first
 * line ends in CRLF is taken with CRLF throughout). Its exit status says what
 * is to be done:
 *
 *	0	take what it has written
 *	75	try again later (EX_TEMPFAIL of sysexits.h)
 *	99	the post stays as it is
 *	else	shunt the post; the first line of its standard error is why
 *
 * The environment: MUSTER_LIST, MUSTER_POST (the id of muster trace),
 * MUSTER_MESSAGE_ID, MUSTER_SENDER (of the envelope, "" for the null sender),
 * MUSTER_AUTHOR ("" if nobody is verified).
 */
#define PROGRAM_UNCHANGED 99
#define PROGRAM_LATER 75

struct program_made {
	char *name;		/* of the program, NULL: none was wanted */
	GBytes *message;	/* with CRLF; NULL: as it is */
};

struct program_with {
	struct store *store;
	const struct settings *settings;
	bool (*is_stopped)(void *arg);
	void *arg;
};

/*
 * program_run - of a job of STAGE_PROGRAM. In any case the caller ends with
 * program_made_done().
 *
 * ERR_DOWN: the program asks to try again later. ERR_BUSY: we are to stop, or
 * out of processes. ERR_INVALID: the post is to be shunted, with this reason.
 */
enum err_code program_run(const struct program_with *with,
			  const struct job *job, struct program_made *out,
			  struct err *err);
void program_made_done(struct program_made *made);

/* program_probe - can any be run, and what would hold it? "namespaces,
 * Landlock, seccomp, limits"; the caller frees. */
enum err_code program_probe(const struct settings *settings, char **holds,
			    struct err *err);

#endif
