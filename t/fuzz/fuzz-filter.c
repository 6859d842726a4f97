/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A list's content rules and a post: the first line is the rules; what is
 * behind it goes through some that are built in, too. What comes out can be
 * read again, is not changed a second time, and has nothing that had to go.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/content.h"
#include "core/mail/content.h"
#include "core/mail/filter.h"
#include "core/mail/html.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REMOVES_IMAGES "pass type text/plain; remove type image; " \
	"replace name *.exe; replace size > 100"

/* What was made is let through, so that once is enough. */
static const char *const built_in[] = {
	REMOVES_IMAGES,
	"pass type text/plain; remove type application, message/rfc822",
	"pass type text/plain, text/html; default remove",
	"pass type text/plain; default replace",
	"",
};

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
header_out(const struct header *header, GBytes *body, GString *out)
{
	size_t len;
	const char *bytes = g_bytes_get_data(body, &len);

	header_write(header, out);
	g_string_append(out, "\r\n");
	g_string_append_len(out, bytes, (gssize)len);
}

/* NULL: nothing has changed, or it was refused. */
static GString *
filter(const struct filter_policy *policy, const char *bytes, size_t len)
{
	struct filter_report report;
	struct header header;
	GBytes *body = NULL;
	GString *out = NULL;
	size_t body_at;

	if (!header_parse(bytes, len, &header, &body_at))
		return NULL;
	if (filter_post(policy, &header, bytes + body_at, len - body_at, NULL,
			NULL, &body, &report, NULL) != ERR_OK)
		check(body == NULL);
	if (body != NULL) {
		g_autofree char *text = filter_report_text(&report);

		check(text[0] != '\0' && g_utf8_validate(text, -1, NULL));
		out = g_string_new(NULL);
		header_out(&header, body, out);
		g_bytes_unref(body);
	}
	filter_report_done(&report);
	header_done(&header);
	return out;
}

static void
check_gone(const GString *post, const char *type)
{
	struct content_parts parts;
	struct header header;
	size_t body_at;

	check(header_parse(post->str, post->len, &header, &body_at));
	content_parts(&header, post->str + body_at, post->len - body_at,
		      &parts);
	for (guint i = 0; i < parts.types->len; i++)
		check(!g_str_has_prefix(parts.types->pdata[i], type));
	content_parts_done(&parts);
	header_done(&header);
}

static void
run(struct filter_policy *policy, const char *bytes, size_t len,
    bool is_stable)
{
	for (int i = 0; i < 8; i++) {
		g_autoptr(GString) once = NULL, twice = NULL;

		policy->plain_alternative = (i & 1) != 0;
		policy->text_of_html = (i & 2) != 0;
		policy->open_signed = (i & 4) != 0;
		once = filter(policy, bytes, len);
		if (once == NULL || !is_stable)
			continue;
		twice = filter(policy, once->str, once->len);
		check(twice == NULL);
		/* What is encrypted is one part to the filter. */
		if (policy->open_signed && policy->rules->len == 4 &&
		    strcasestr(once->str, "encrypted") == NULL)
			check_gone(once, "image/");
	}
}

static void
run_rules(const char *text, const char *bytes, size_t len, bool is_stable)
{
	struct filter_policy policy = { 0 };

	if (content_parse(text, &policy, NULL) == ERR_OK) {
		g_autofree char *printed = content_print(text);
		g_autofree char *again = content_print(printed);

		check(strcmp(printed, again) == 0);
		run(&policy, bytes, len, is_stable);
	}
	filter_policy_done(&policy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t first = line != NULL ? (size_t)(line - data) + 1 : 0;
	g_autofree char *rules = g_strndup(bytes, first);
	g_autofree char *text = html_to_text(data, size, NULL);

	mime_init();
	check(text == NULL || g_utf8_validate(text, -1, NULL));
	if (g_utf8_validate(rules, -1, NULL))
		run_rules(rules, bytes + first, size - first, false);
	/* One of them is enough for one input. */
	run_rules(built_in[size % G_N_ELEMENTS(built_in)], bytes + first,
		  size - first, true);
	return 0;
}
