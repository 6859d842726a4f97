/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

#define PIECE 65536

/* The caller's file or stdin, whole. */

static enum err_code
read_failed(const char *name, int problem, struct err *err)
{
	if (problem == ECANCELED)
		return err_set(err, ERR_BUSY, "run it again when musterd is "
			       "up", "musterd stops, and %s was not read",
			       name);
	errno = problem;
	return err_errno(err, "", "%s cannot be read", name);
}

enum err_code
call_input(const struct call *call, const char *name, size_t max, char **out,
	   size_t *len_out, struct err *err)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree guint8 *piece = g_malloc(PIECE);
	FILE *in = call->admin->in;
	size_t n;

	errno = 0;
	while (bytes->len <= max && (n = fread(piece, 1, PIECE, in)) > 0) {
		g_byte_array_append(bytes, piece, (guint)n);
		errno = 0;
	}
	if (ferror(in))
		return read_failed(name, errno, err);
	if (bytes->len > max)
		return err_set(err, ERR_INVALID, "", "%s has more than %zu "
			       "bytes", name, max);
	*len_out = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	*out = (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
	return ERR_OK;
}

/* --- a text ------------------------------------------------------------- */

const char *
call_text_name(const char *file)
{
	return file == NULL || strcmp(file, "-") == 0 ? "stdin" : file;
}

/* Twice what a text may have, so that what is too long only by its line ends
 * is not refused. */
enum admin_status
call_text(const struct call *call, const char *file, size_t max, char **out)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct err err = ERR_INIT;
	size_t len;

	if (call_input(call, file, 2 * max, &text, &len, &err) != ERR_OK)
		return call_fail(call, &err);
	if (strlen(text) != len || !g_utf8_validate(text, -1, NULL))
		return call_refuse(call, "%s is no text in UTF-8", file);
	lines = g_strsplit(text, "\r\n", -1);
	*out = g_strjoinv("\n", lines);
	return ADMIN_DONE;
}

enum admin_status
call_mistake(const struct call *call, const struct err *err)
{
	g_autofree char *what = print_plain(err->what);

	(void) fprintf(call->admin->errors, "%s\n", what);
	return ADMIN_REFUSED;
}
