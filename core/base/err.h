/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BASE_ERR_H
#define MUSTER_BASE_ERR_H

/*
 * An error is a code to branch on, a sentence that says what happened, and
 * a sentence that says what the reader can do. The function that finds it
 * fills it with err_set(); those above may put a context in front with
 * err_context(); the edge (an SMTP reply, a log line, stderr) shows it once.
 *
 * "Not found", "not allowed" and "duplicate" are answers, not errors.
 */

enum err_code {
	ERR_OK = 0,
	ERR_BUSY,	/* a lock, a limit or a deadline: the same call may
			 * succeed later */
	ERR_NOSPACE,	/* the disk is full, or below its floor */
	ERR_DOWN,	/* the other process is away */
	ERR_IO,		/* a system call failed */
	ERR_CORRUPT,	/* stored data is not what was written */
	ERR_INVALID,	/* what the user or the peer gave is wrong */
};

struct err {
	enum err_code code;
	char what[1024];	/* UTF-8, no newline */
	const char *todo;	/* static text, "" when there is nothing */
};

#define ERR_INIT { .code = ERR_OK, .what = "", .todo = "" }

/*
 * err_set - fill err (which may be NULL) and return code, so that a failing
 * function ends with "return err_set(...)". todo must be static text.
 */
enum err_code err_set(struct err *err, enum err_code code, const char *todo,
		      const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* err_errno - the same with ": strerror(errno)" behind the sentence; ENOSPC
 * and EDQUOT become ERR_NOSPACE, everything else ERR_IO. */
enum err_code err_errno(struct err *err, const char *todo,
			const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* err_context - put "format: " in front of err->what; returns err->code. */
enum err_code err_context(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* err_print - "PROGRAM: what (todo)" on stderr, the form of every program's
 * complaint. */
void err_print(const char *program, const struct err *err);

#endif
