/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/header_rules_inside.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

void
header_rules_free(struct header_rules *rules)
{
	if (rules == NULL)
		return;
	g_array_unref(rules->all);
	g_free(rules);
}

/* --- what no rule is about ---------------------------------------------- */

/* "*" at the end: all that begin so. */
static const struct { const char *name, *why; } kept[] = {
	{ "From", "each post must have it" },
	{ "Date", "each post must have it" },
	{ "Message-ID", "each post must have it" },
	{ "MIME-Version", "the post cannot be read without it" },
	{ "Content-*", "the post cannot be read without it" },
	{ "List-*", "list-headers says which of them there are" },
	{ "ARC-*", "it is evidence, which holds as a whole or not at all" },
	{ "X-Loop", "it ends loops" },
	{ "DKIM-Signature", "author-signature says what becomes of it" },
};

/* These may go, but the list has keys for what they say, or it would be a
 * lie. */
static const char *const not_added[] = {
	"Authentication-Results", "Bcc", "Cc", "Delivered-To", "In-Reply-To",
	"Received", "References", "Reply-To", "Resent-*", "Return-Path",
	"Sender", "Subject", "To",
};

static bool
fits(const char *pattern, const char *name, size_t len)
{
	const char *star = strchr(pattern, '*');
	size_t pattern_len = star != NULL ? (size_t)(star - pattern) :
		strlen(pattern);

	return (star != NULL ? len >= pattern_len : len == pattern_len) &&
		g_ascii_strncasecmp(pattern, name, pattern_len) == 0;
}

/* NULL: rules may be about it. */
const char *
rule_why_kept(const char *name, size_t len)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		if (fits(kept[i].name, name, len))
			return kept[i].why;
	return NULL;
}

bool
rule_is_not_added(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(not_added); i++)
		if (fits(not_added[i], name, strlen(name)))
			return true;
	return false;
}

/* --- the work ----------------------------------------------------------- */

static bool
is_about(const struct rule *rule, const struct header_field *field)
{
	size_t len = strlen(rule->name);

	return rule->action != ADD &&
		(rule->is_open ? field->name_len >= len :
		 field->name_len == len) &&
		g_ascii_strncasecmp(rule->name, field->raw, len) == 0;
}

/* NULL: none is about it. */
static const struct rule *
rule_for(const struct header_rules *rules, const struct header_field *field)
{
	if (rule_why_kept(field->raw, field->name_len) != NULL)
		return NULL;
	for (guint i = 0; i < rules->all->len; i++) {
		const struct rule *rule = &g_array_index(rules->all,
							 struct rule, i);

		if (is_about(rule, field))
			return rule;
	}
	return NULL;
}

/* Its value keeps its bytes. */
static void
rename_field(struct header *header, struct header_field *field,
	     const struct rule *rule)
{
	size_t kept_len = strlen(rule->name);
	g_autofree char *rest = rule->is_open ?
		g_strndup(field->raw + kept_len, field->name_len - kept_len) :
		g_strdup("");
	g_autofree char *name = g_strconcat(rule->to, rest, NULL);
	g_autoptr(GString) text = g_string_new(name);

	g_string_append_c(text, ':');
	g_string_append_len(text, field->raw + field->value_at,
			    (gssize)(field->raw_len - field->value_at));
	*field = (struct header_field){
		.raw = g_string_chunk_insert_len(header->own, text->str,
						 (gssize)text->len),
		.raw_len = text->len, .name_len = strlen(name),
		.value_at = strlen(name) + 1,
	};
}

/* What has become of a field may be no other rule's, but is to be none that
 * rules may not be about. */
static bool
can_rename(const struct header_field *field, const struct rule *rule)
{
	g_autofree char *name = g_strdup_printf("%s%.*s", rule->to,
		rule->is_open ? (int)(field->name_len - strlen(rule->name)) :
		0, rule->is_open ? field->raw + strlen(rule->name) : "");

	return rule_why_kept(name, strlen(name)) == NULL &&
		!rule_is_not_added(name) &&
		name[0] != '\0';
}

unsigned int
header_rules_run(const struct header_rules *rules, struct header *header)
{
	GArray *fields = header->fields;
	unsigned int changed = 0;
	guint left = 0;

	for (guint i = 0; i < fields->len; i++) {
		struct header_field field = g_array_index(
			fields, struct header_field, i);
		const struct rule *rule = rule_for(rules, &field);

		if (rule != NULL && rule->action != KEEP)
			changed++;
		if (rule != NULL && (rule->action == REMOVE ||
				     rule->action == SET))
			continue;
		if (rule != NULL && rule->action == RENAME &&
		    can_rename(&field, rule))
			rename_field(header, &field, rule);
		g_array_index(fields, struct header_field, left++) = field;
	}
	g_array_set_size(fields, left);
	return changed;
}

unsigned int
header_rules_add(const struct header_rules *rules, struct header *header,
		 const char *list)
{
	unsigned int added = 0;

	for (guint i = 0; i < rules->all->len; i++) {
		const struct rule *rule = &g_array_index(rules->all,
							 struct rule, i);
		g_auto(GStrv) parts = rule->text == NULL ? NULL :
			g_strsplit(rule->text, HEADER_RULE_LIST, -1);
		g_autofree char *text = parts == NULL ? NULL :
			g_strjoinv(list, parts);

		if (text == NULL)
			continue;
		mime_append_text(header, rule->name, text);
		added++;
	}
	return added;
}
