/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/filter_inside.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/banned.h"

/* What is said of parts that went: to readers, and for the trace. */

#define NAMED_MAX 5		/* in one clause of the trace */
#define NOTED_MAX 50		/* in one note */
#define NAME_MAX_LEN 200	/* bytes of a name that is shown */

/* "34 kB" */
static char *
size_text(uint64_t size)
{
	if (size < 1024)
		return g_strdup_printf("%" PRIu64 " byte%s", size,
				       size == 1 ? "" : "s");
	if (size < 1024 * 1024)
		return g_strdup_printf("%" PRIu64 " kB", (size + 512) / 1024);
	return g_strdup_printf("%" PRIu64 ".%" PRIu64 " MB", size >> 20,
			       (size & 0xfffff) * 10 >> 20);
}

/* Names come from outside: no letter that cannot be seen or turns the line
 * around, and not too many. */
static char *
shown(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (out->len >= NAME_MAX_LEN) {
			g_string_append(out, "...");
			break;
		}
		if (g_unichar_type(c) != G_UNICODE_FORMAT &&
		    g_unichar_type(c) != G_UNICODE_LINE_SEPARATOR &&
		    g_unichar_type(c) != G_UNICODE_PARAGRAPH_SEPARATOR &&
		    !g_unichar_iscntrl(c))
			g_string_append_unichar(out, c);
	}
	return g_string_free(out, FALSE);
}

void
filter_item_free(void *data)
{
	struct filter_item *item = data;

	g_free(item->type);
	g_free(item->name);
	g_free(item);
}

static void
put_item(GString *out, const struct filter_item *item)
{
	g_autofree char *size = size_text(item->size);
	g_autofree char *type = shown(item->type);
	g_autofree char *name = shown(item->name);

	g_string_append_printf(out, "%s (%s%s%s)", type, name,
			       name[0] != '\0' ? ", " : "", size);
}

char *
filter_items_text(const struct filter_item *const *items, size_t count)
{
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < count && i < NOTED_MAX; i++) {
		g_string_append(out, i > 0 ? "\n* " : "* ");
		put_item(out, items[i]);
	}
	if (count > NOTED_MAX)
		g_string_append_printf(out, "\n* ... (%zu)",
				       count - NOTED_MAX);
	return g_string_free(out, FALSE);
}

char *
filter_note(void *arg, const struct filter_item *const *items, size_t count)
{
	g_autofree char *parts = filter_items_text(items, count);

	(void) arg;
	return g_strconcat("The mailing list has removed what was attached "
			   "here:\n\n", parts, NULL);
}

/* --- the trace ---------------------------------------------------------- */

static void
begin_clause(GString *out)
{
	if (out->len > 0)
		g_string_append(out, ", ");
}

static void
put_action(GString *out, const GPtrArray *items, enum filter_action action,
	   const char *verb, const char *behind)
{
	unsigned int count = 0;

	for (guint i = 0; i < items->len; i++) {
		const struct filter_item *item = items->pdata[i];

		if (item->action != action || ++count > NAMED_MAX)
			continue;
		begin_clause(out);
		if (count == 1)
			g_string_append_printf(out, "%s ", verb);
		put_item(out, item);
	}
	if (count > NAMED_MAX)
		g_string_append_printf(out, " and %u more",
				       count - NAMED_MAX);
	if (count > 0)
		g_string_append(out, behind);
}

static void
put_count(GString *out, unsigned int count, const char *one,
	  const char *many)
{
	if (count == 0)
		return;
	begin_clause(out);
	if (count == 1)
		g_string_append(out, one);
	else
		g_string_append_printf(out, "%u %s", count, many);
}

char *
filter_report_text(const struct filter_report *report)
{
	GString *out = g_string_new(NULL);

	put_action(out, report->items, FILTER_REMOVE, "removed", "");
	put_action(out, report->items, FILTER_REPLACE, "replaced",
		   " with a note");
	put_count(out, report->reduced, "reduced to its plain text",
		  "alternatives reduced to their plain text");
	put_count(out, report->converted, "HTML made text",
		  "HTML parts made text");
	put_count(out, report->signatures,
		  "a signature dropped whose content was changed",
		  "signatures dropped whose content was changed");
	if (report->was_empty)
		put_count(out, 1, report->items->len == 0 ? "passed as it is, "
			  "since the list lets nothing of it through" :
			  "nothing else was in it", "");
	return g_string_free(out, FALSE);
}

void
filter_report_done(struct filter_report *report)
{
	g_clear_pointer(&report->items, g_ptr_array_unref);
	memset(report, 0, sizeof(*report));
}
