/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdlib.h>

#include "core/command/verbs.h"
#include "core/base/banned.h"

int
admin_fail(struct admin *admin, const struct err *err)
{
	bool todo = err->todo != NULL && err->todo[0] != '\0';

	(void) fprintf(admin->errors, "muster: %s%s%s%s\n", err->what,
		       todo ? " (" : "", todo ? err->todo : "",
		       todo ? ")" : "");
	switch (err->code) {
	case ERR_BUSY:
	case ERR_DOWN:
	case ERR_NOSPACE:
		return ADMIN_LATER;
	default:
		return ADMIN_REFUSED;
	}
}

int
admin_refuse(struct admin *admin, const char *format, ...)
{
	va_list ap;

	(void) fputs("muster: ", admin->errors);
	va_start(ap, format);
	(void) vfprintf(admin->errors, format, ap);
	va_end(ap);
	(void) fputc('\n', admin->errors);
	return ADMIN_REFUSED;
}

static void
print_compact(struct admin *admin, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

	if (text != NULL)
		(void) fputs(text, admin->out);
	free(text);
	json_decref(object);
}

void
admin_print(struct admin *admin, json_t *object)
{
	print_compact(admin, object);
	(void) fputc('\n', admin->out);
}

void
admin_array_begin(struct admin *admin)
{
	(void) fputs("[", admin->out);
}

void
admin_array_add(struct admin *admin, bool *first, json_t *object)
{
	(void) fputs(*first ? "\n" : ",\n", admin->out);
	*first = false;
	print_compact(admin, object);
}

void
admin_array_end(struct admin *admin)
{
	(void) fputs("\n]\n", admin->out);
}

char *
time_text(int64_t time_s)
{
	g_autoptr(GDateTime) when = NULL;

	if (time_s == 0)
		return g_strdup("");
	when = g_date_time_new_from_unix_utc(time_s);
	return when != NULL ? g_date_time_format(when, "%Y-%m-%dT%H:%M:%SZ")
			    : g_strdup("");
}
