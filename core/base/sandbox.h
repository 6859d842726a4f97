/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BASE_SANDBOX_H
#define MUSTER_BASE_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "core/base/err.h"

/*
 * A program of somebody else's, which reads bytes from its standard input and
 * writes bytes to its standard output, and can do nothing but that: bytes in,
 * bytes out, within limits.
 *
 * A helper, muster-sandbox (core/sandbox/), puts up the fences and runs it:
 *
 *	namespaces	a root with nothing in it but what the system's own
 *			programs need and what `paths` name, all of it
 *			read-only, and an empty /tmp; no network; no process
 *			of anybody else's. With the first process ends
 *			whatever else it has started.
 *	Landlock	the same for files, a second time
 *	seccomp		no socket, no ptrace, no mount, nor what else a
 *			filter does not need
 *	limits		CPU time, memory, processes, files, space; no core
 *	user		where we are root, somebody who is not
 *
 * No descriptor of ours reaches it but the three, nor any variable but those
 * that the order names, and PATH, HOME, TMPDIR and LANG.
 *
 * Namespaces and Landlock need no privilege, but a kernel, or what confines
 * our own process, may refuse one or both. Without namespaces it is found by
 * its parents what the program leaves behind. The program is not run where
 * what is left would not keep it from our files and sockets; result->holds
 * says what there was.
 *
 * SIGPIPE has to be ignored in this process. May be called from any thread,
 * which waits until all is over.
 */

struct sandbox_limits {
	int64_t time_ms;	/* from the beginning to the end */
	int64_t output;		/* octets that it may write to its output */
	int64_t cpu_s;		/* the rest is each process's: CPU time, */
	int64_t memory;		/* address space, */
	int64_t files;		/* open at a time; */
	int64_t processes;	/* and all together: at a time, */
	int64_t space;		/* octets in its /tmp and in one file */
};

/* What does for a filter of text: 30 s, 64 MB of output, 256 MB a process */
extern const struct sandbox_limits sandbox_limits_usual;

/* All texts and arrays are borrowed. */
struct sandbox_order {
	const char *helper;	/* path of muster-sandbox; NULL: where it was
				 * installed */
	const char *user;	/* whom to become where we are root */
	char *const *argv;	/* NULL-ended; the first is absolute */
	char *const *env;	/* NAME=VALUE, NULL-ended; NULL: none */
	char *const *paths;	/* read-only too, NULL-ended; NULL: none */
	const char *const *without;	/* for tests: "namespaces",
				 * "landlock"; NULL: none */
	GBytes *input;
	struct sandbox_limits limits;
	/* asked a few times a second: true ends the run; may be NULL */
	bool (*is_stopped)(void *arg);
	void *arg;
};

/* How much longer than time_ms a run may take, until all has ended */
#define SANDBOX_END_MS 15000

enum sandbox_end {
	SANDBOX_EXITED,		/* status: what it gave to exit() */
	SANDBOX_SIGNALLED,	/* status: the signal that ended it */
	SANDBOX_LATE,		/* ended by us: time_ms */
	SANDBOX_FLOOD,		/* ended by us: output */
	SANDBOX_STOPPED,	/* ended by us: is_stopped */
};

struct sandbox_result {
	enum sandbox_end end;
	int status;
	GBytes *output;		/* what it wrote, within the limit */
	char *complaint;	/* the first line that it wrote to its
				 * standard error, UTF-8 without control
				 * characters, "" if none */
	char *holds;		/* "namespaces, Landlock, seccomp, limits" */
};

/*
 * sandbox_run - *out is filled when a program was run, however it ended, and
 * is the caller's, for sandbox_result_done().
 *
 * ERR_INVALID: the program cannot be started, or what there is would not hold
 * it. ERR_IO: we are out of processes or descriptors, or there is no helper.
 */
enum err_code sandbox_run(const struct sandbox_order *order,
			  struct sandbox_result *out, struct err *err);
void sandbox_result_done(struct sandbox_result *result);

/* sandbox_end_text - "exit status 2", "killed by signal 11 (Segmentation
 * fault)", "took longer than 30 s", ...; the caller frees */
char *sandbox_end_text(const struct sandbox_result *result,
		       const struct sandbox_limits *limits);

#endif
