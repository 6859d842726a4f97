/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_LOGINS_H
#define MUSTER_AUTH_LOGINS_H

#include <stdbool.h>

#include "core/base/err.h"

/*
 * Which addresses an SMTP AUTH login may write as: a file with a login and
 * its patterns (core/mail/pattern.h) a line, "#" begins a comment. A login
 * that is an address itself may always write as that. Read once; any thread.
 */
struct logins;

/* logins_read - path "" : no file. ERR_INVALID names file and line. */
enum err_code logins_read(const char *path, struct logins **out,
			  struct err *err);
void logins_free(struct logins *logins);
bool logins_allow(const struct logins *logins, const char *login,
		  const char *author);

#endif
