/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/print.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/wire.h"
#include "core/base/banned.h"

#define PROGRESS_MS 500

char *
print_plain(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *plain = g_string_new(NULL);

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		/* C1 controls are terminal commands too */
		if (c < ' ' || (c >= 0x7f && c < 0xa0))
			g_string_append_printf(plain, "\\x%02x", c);
		else
			g_string_append_unichar(plain, c);
	}
	return g_string_free(plain, FALSE);
}

char *
time_text_s(int64_t time_s)
{
	time_t clock = (time_t)time_s;
	struct tm tm;
	char text[64];

	if (gmtime_r(&clock, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return g_strdup_printf("@%lld", (long long)time_s);
	return g_strdup(text);
}

char *
time_text_us(int64_t time_us)
{
	g_autofree char *text = time_text_s(time_us / G_USEC_PER_SEC);
	size_t len = strlen(text);

	if (text[len - 1] == 'Z')
		text[len - 1] = '\0';
	return g_strdup_printf("%s.%06dZ", text,
			       (int)(time_us % G_USEC_PER_SEC));
}

json_t *
json_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	return json_string(valid);
}

json_t *
json_text_or_null(const char *text)
{
	return text[0] != '\0' ? json_text(text) : json_null();
}

json_t *
json_time(int64_t time_s)
{
	g_autofree char *text = time_s != 0 ? time_text_s(time_s) : NULL;

	return text != NULL ? json_string(text) : json_null();
}

const char *
row_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && text[0] != '\0' ? text : "-";
}

char *
points_text(uint32_t thousandths)
{
	char *text = g_strdup_printf("%u.%03u", thousandths / 1000,
				     thousandths % 1000);
	char *end = text + strlen(text);

	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
	return text;
}

json_t *
json_points(const struct call *call, uint32_t thousandths)
{
	g_autofree char *text = points_text(thousandths);

	return call->json ? json_real(thousandths / 1000.0) :
		json_string(text);
}

static char *
value_text(const json_t *value)
{
	GString *joined;
	const json_t *item;
	size_t i;

	if (json_is_string(value))
		return print_plain(json_string_value(value));
	if (json_is_integer(value))
		return g_strdup_printf("%lld", (long long)
				       json_integer_value(value));
	if (json_is_real(value))
		return g_strdup_printf("%.1f", json_real_value(value));
	if (json_is_boolean(value))
		return g_strdup(json_is_true(value) ? "yes" : "no");
	if (!json_is_array(value))
		return g_strdup("-");
	joined = g_string_new(NULL);
	json_array_foreach(value, i, item) {
		g_autofree char *text = value_text(item);

		g_string_append_printf(joined, "%s%s", i > 0 ? ", " : "",
				       text);
	}
	return g_string_free(joined, FALSE);
}

static void
print_members(FILE *out, const char *prefix, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		g_autofree char *name = g_strdelimit(
			g_strconcat(prefix, key, NULL), "_", '-');

		if (json_is_object(value)) {
			g_autofree char *inner = g_strconcat(name, "-", NULL);

			print_members(out, inner, value);
		} else {
			g_autofree char *text = value_text(value);

			(void) fprintf(out, "%s = %s\n", name, text);
		}
	}
}

void
print_lines(FILE *out, const json_t *object)
{
	print_members(out, "", object);
}

static void
print_json(FILE *out, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags);

	/* NULL is out of memory only: json_text() makes all text valid */
	if (text != NULL)
		(void) fputs(text, out);
	free(text);
}

void
print_object(const struct call *call, json_t *object)
{
	if (call->json) {
		print_json(call->admin->out, object, JSON_INDENT(2));
		(void) fputc('\n', call->admin->out);
	} else {
		print_lines(call->admin->out, object);
	}
	json_decref(object);
}

void
print_array_begin(struct print_array *array, const struct call *call)
{
	*array = (struct print_array){
		.out = call->admin->out, .json = call->json,
	};
	if (array->json)
		(void) fputc('[', array->out);
}

void
print_array_item(struct print_array *array, json_t *item)
{
	(void) fputs(array->count++ > 0 ? ",\n " : "\n ", array->out);
	print_json(array->out, item, 0);
	json_decref(item);
}

void
print_array_row(struct print_array *array, json_t *item, print_array_text row)
{
	if (array->json) {
		print_array_item(array, item);
		return;
	}
	row(array->out, item);
	json_decref(item);
}

void
print_array_end(struct print_array *array)
{
	if (array->json)
		(void) fputs(array->count > 0 ? "\n]\n" : "]\n", array->out);
}

void
progress_init(struct progress *progress, const struct call *call)
{
	*progress = (struct progress){
		.out = call->admin->errors_tty ? call->admin->errors : NULL,
		.last_ms = wire_now_ms(),
	};
}

void
progress_show(struct progress *progress, const char *format, ...)
{
	int64_t now = wire_now_ms();
	va_list ap;

	if (progress->out == NULL || now - progress->last_ms < PROGRESS_MS)
		return;
	(void) fputc('\r', progress->out);
	va_start(ap, format);
	(void) vfprintf(progress->out, format, ap);
	va_end(ap);
	(void) fputs("\033[K", progress->out);
	(void) fflush(progress->out);
	progress->last_ms = now;
	progress->shown = true;
}

void
progress_clear(struct progress *progress)
{
	if (progress->shown)
		(void) fputs("\r\033[K", progress->out);
	progress->shown = false;
}
