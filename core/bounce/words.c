/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/words.h"

#include <string.h>

#include "core/bounce/phrases.h"
#include "core/base/banned.h"

/* --- lines -------------------------------------------------------------- */

static void
line_free(void *data)
{
	struct words_line *line = data;

	g_free(line->text);
	g_free(line->plain);
	g_free(line);
}

void
words_init(struct words *words)
{
	memset(words, 0, sizeof(*words));
	words->lines = g_ptr_array_new_with_free_func(line_free);
	words->others = g_ptr_array_new_with_free_func(g_free);
	words->domain = g_strdup("");
}

void
words_done(struct words *words)
{
	g_clear_pointer(&words->lines, g_ptr_array_unref);
	g_clear_pointer(&words->others, g_ptr_array_unref);
	g_clear_pointer(&words->text, g_free);
	g_clear_pointer(&words->plain, g_free);
	g_clear_pointer(&words->rest, g_free);
	g_clear_pointer(&words->domain, g_free);
}

/* Where a header begins that nobody has introduced: fields that every message
 * has that has come over SMTP, and that no server writes for people. Whoever
 * tells of them indents them. */
static bool
begins_header(const char *line)
{
	static const char *const fields[] = {
		"return-path:", "dkim-signature:", "x-received:",
		"delivered-to:", "domainkey-signature:", "arc-seal:",
		"received: from ", "received: by ", "received: (",
		"message-id: <", "x-originating-ip:", "x-google-smtp-source:",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (g_ascii_strncasecmp(line, fields[i],
					strlen(fields[i])) == 0)
			return true;
	return false;
}

static bool
has_rule(const char *text)
{
	static const char *const rules[] = { "---", "===", "***", "___",
					     "+++", "~~~", "###" };

	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
		if (g_str_has_prefix(text, rules[i]) ||
		    g_str_has_suffix(text, rules[i]))
			return true;
	return false;
}

/*
 * "--- Below this line is a copy of the message.", "Original message headers:".
 * The words alone may stand in any sentence ("The original message was
 * received at ..."), so they must also look like a heading.
 */
static bool
begins_message(const struct words_line *line)
{
	static const char *const verbs[] = { "follow", "below", "attached:",
					     "enclosed" };

	if (!phrase_returns(line->plain) ||
	    strstr(line->plain, "mts-id") != NULL ||
	    strstr(line->plain, "transcript") != NULL)
		return false;
	if (has_rule(line->plain))
		return true;
	if (phrase_names(line->plain))
		return false;
	if (g_str_has_suffix(line->plain, ":"))
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (strstr(line->plain, verbs[i]) != NULL &&
		    strlen(line->plain) < 60 &&
		    strstr(line->plain, "delete your") == NULL)
			return true;
	return false;
}

static struct words_line *
line_new(const char *text, size_t len)
{
	struct words_line *line = g_new0(struct words_line, 1);
	g_autofree char *copy = g_strndup(text, MIN(len, WORDS_LINE_MAX));

	for (const char *p = copy; *p == ' ' || *p == '\t'; p++)
		line->indent = *p == '\t' ? (line->indent | 7) + 1
					  : line->indent + 1;
	line->text = g_strstrip(g_utf8_make_valid(copy, -1));
	line->plain = phrase_plain(line->text, strlen(line->text));
	return line;
}

void
words_add(struct words *words, const char *text)
{
	while (*text != '\0' && words->lines->len < WORDS_LINES_MAX) {
		size_t len = strcspn(text, "\r\n");
		struct words_line *line = line_new(text, len);

		if (begins_header(text) || begins_message(line)) {
			line_free(line);
			if (words->rest == NULL)
				words->rest = g_strdup(text);
			return;
		}
		g_ptr_array_add(words->lines, line);
		text += len;
		text += *text == '\r';
		text += *text == '\n';
	}
}

void
words_end(struct words *words)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < words->lines->len &&
			  text->len < WORDS_TEXT_MAX; i++) {
		const struct words_line *line = words->lines->pdata[i];

		if (line->text[0] != '\0')
			g_string_append_printf(text, "%s%s",
					       text->len > 0 ? " " : "",
					       line->text);
	}
	words->plain = phrase_plain(text->str, text->len);
	words->text = g_string_free(text, FALSE);
}

bool
words_is_other(const struct words *words, const char *addr)
{
	for (guint i = 0; i < words->others->len; i++)
		if (g_ascii_strcasecmp(words->others->pdata[i], addr) == 0)
			return true;
	return false;
}

/* --- what is said about one of them ------------------------------------- */

#define ABOUT_LINES_MAX 12
#define ABOUT_MAX 1500

static void
about_add(GString *out, const struct words *words, guint index)
{
	const struct words_line *line = words->lines->pdata[index];

	if (line->text[0] != '\0' && out->len < ABOUT_MAX)
		g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "",
				       line->text);
}

/* The line behind which another of them is spoken of */
static guint
about_end(const struct words *words, const GPtrArray *addrs, guint index)
{
	const struct words_addr *one = addrs->pdata[index];
	guint end = MIN(one->line + ABOUT_LINES_MAX, words->lines->len);

	for (guint i = 0; i < addrs->len; i++) {
		const struct words_addr *other = addrs->pdata[i];

		if (other->line > one->line)
			end = MIN(end, other->line);
	}
	return end;
}

char *
words_about(const struct words *words, const GPtrArray *addrs, guint index)
{
	const struct words_addr *one = addrs->pdata[index];
	guint end = about_end(words, addrs, index);
	g_autofree char *plain = g_utf8_strdown(one->addr, -1);
	GString *out = g_string_new(NULL);

	for (guint i = one->line; i < end; i++)
		about_add(out, words, i);
	for (guint i = 0; i < words->lines->len && out->len < ABOUT_MAX; i++) {
		const struct words_line *line = words->lines->pdata[i];

		if ((i < one->line || i >= end) &&
		    strstr(line->plain, plain) != NULL)
			about_add(out, words, i);
	}
	return g_string_free(out, FALSE);
}
