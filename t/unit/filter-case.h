/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_UNIT_FILTER_CASE_H
#define MUSTER_T_UNIT_FILTER_CASE_H

#include <string.h>

#include "conf/content.h"
#include "core/mail/filter.h"
#include "core/mail/mime.h"
#include "t/lib/tap.h"

/* A post through a list's content rules. */

struct filtered {
	char *post;		/* NULL: nothing has changed */
	size_t len;
	char *report;
	enum err_code rc;
	struct err err;
	unsigned int items;
};

static inline void
filtered_done(struct filtered *f)
{
	g_free(f->post);
	g_free(f->report);
}

/* rules may begin with words that are other keys: "plain" (alternative),
 * "text" (of HTML), "open" (signed), "pass-empty", "shunt-empty", then ":" */
static inline void
read_policy(const char *rules, struct filter_policy *out)
{
	const char *colon = strchr(rules, ':');
	g_autofree char *words = colon == NULL ? g_strdup("") :
		g_strndup(rules, (gsize)(colon - rules));
	g_auto(GStrv) all = g_strsplit(words, " ", -1);
	struct err err = ERR_INIT;
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	rc = content_parse(colon == NULL ? rules : colon + 1, out, &err);
	g_assert_cmpstr(err.what, ==, "");
	g_assert_cmpint(rc, ==, ERR_OK);
	out->plain_alternative = g_strv_contains(
		(const char *const *)all, "plain");
	out->text_of_html = g_strv_contains((const char *const *)all, "text");
	out->open_signed = g_strv_contains((const char *const *)all, "open");
	if (g_strv_contains((const char *const *)all, "pass-empty"))
		out->empty = FILTER_EMPTY_PASS;
	if (g_strv_contains((const char *const *)all, "shunt-empty"))
		out->empty = FILTER_EMPTY_SHUNT;
}

static inline struct filtered
filter_with(const struct filter_policy *policy, const char *bytes, size_t len)
{
	struct filtered out = { .err = ERR_INIT };
	struct filter_report report;
	struct header header;
	g_autoptr(GBytes) body = NULL;
	g_autoptr(GString) before = g_string_new(NULL);
	g_autoptr(GString) after = g_string_new(NULL);
	size_t body_at, body_len;

	if (!header_parse(bytes, len, &header, &body_at)) {
		out.rc = ERR_INVALID;
		return out;
	}
	header_write(&header, before);
	out.rc = filter_post(policy, &header, bytes + body_at, len - body_at,
			     NULL, NULL, &body, &report, &out.err);
	out.report = filter_report_text(&report);
	out.items = report.items->len;
	header_write(&header, after);
	if (body == NULL) {
		g_assert_cmpmem(after->str, after->len, before->str,
				before->len);
	} else {
		g_string_append(after, "\r\n");
		g_string_append_len(after, g_bytes_get_data(body, &body_len),
				    (gssize)g_bytes_get_size(body));
		out.len = after->len;
		out.post = g_strndup(after->str, after->len);
		memcpy(out.post, after->str, after->len);
	}
	filter_report_done(&report);
	header_done(&header);
	return out;
}

static inline struct filtered
filter_case(const char *rules, const char *post)
{
	struct filter_policy policy;
	struct filtered out;

	read_policy(rules, &policy);
	out = filter_with(&policy, post, strlen(post));
	filter_policy_done(&policy);
	return out;
}

#endif
