/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/banned.h"

static void err_fill(struct err *err, enum err_code code, const char *todo,
		     const char *format, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void
err_fill(struct err *err, enum err_code code, const char *todo,
	 const char *format, va_list ap)
{
	if (err == NULL)
		return;
	err->code = code;
	err->todo = todo != NULL ? todo : "";
	(void) vsnprintf(err->what, sizeof(err->what), format, ap);
}

enum err_code
err_set(struct err *err, enum err_code code, const char *todo,
	const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	err_fill(err, code, todo, format, ap);
	va_end(ap);
	return code;
}

enum err_code
err_errno(struct err *err, const char *todo, const char *format, ...)
{
	int saved = errno;
	enum err_code code = saved == ENOSPC || saved == EDQUOT ?
		ERR_NOSPACE : ERR_IO;
	va_list ap;
	size_t len;

	va_start(ap, format);
	err_fill(err, code, todo, format, ap);
	va_end(ap);
	if (err != NULL) {
		len = strlen(err->what);
		(void) snprintf(err->what + len, sizeof(err->what) - len,
				": %s", strerror(saved));
	}
	return code;
}

enum err_code
err_context(struct err *err, const char *format, ...)
{
	char inner[sizeof(err->what)];
	va_list ap;
	size_t len;

	if (err == NULL)
		return ERR_IO;
	memcpy(inner, err->what, sizeof(inner));
	va_start(ap, format);
	(void) vsnprintf(err->what, sizeof(err->what), format, ap);
	va_end(ap);
	len = strlen(err->what);
	(void) snprintf(err->what + len, sizeof(err->what) - len, ": %s",
			inner);
	return err->code;
}

void
err_print(const char *program, const struct err *err)
{
	if (err->todo != NULL && err->todo[0] != '\0')
		(void) fprintf(stderr, "%s: %s (%s)\n", program, err->what,
			       err->todo);
	else
		(void) fprintf(stderr, "%s: %s\n", program, err->what);
}
