/* SPDX-License-Identifier: BSD-2-Clause */

/* The fields that automatic mail is told by: see automatic.c. */
#include "core/mail/automatic_inside.h"

#include <string.h>

#include <glib.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

/* Behind blanks and comments, which may be nested (RFC 5322 section 3.2.2) */
static const char *
skip_comments(const char *at)
{
	unsigned int depth = 0;

	for (; *at != '\0'; at++) {
		if (*at == '(')
			depth++;
		else if (*at == ')' && depth > 0)
			depth--;
		else if (*at == '\\' && depth > 0 && at[1] != '\0')
			at++;
		else if (depth == 0 && strchr(" \t\r\n", *at) == NULL)
			break;
	}
	return at;
}

/* The first word of a field's value without comments and quotes, in lower
 * case; "" if there is none. */
static char *
word_of(const char *value)
{
	const char *at = skip_comments(value);

	at += *at == '"';
	return g_ascii_strdown(at, (gssize)strcspn(at, " \t\r\n;(\""));
}

char *
automatic_word(const struct header *header, const char *name)
{
	g_autofree char *value = header_get(header, name);

	return word_of(value != NULL ? value : "");
}

#define SUBMITTED_MAX 16

/* Auto-Submitted; of several the first that does not say "no" */
char *
automatic_submitted(const struct header *header)
{
	char *word = g_strdup("");
	int at, nth = 0;

	/* Each search begins at the top: of thousands only the first count. */
	while (nth < SUBMITTED_MAX &&
	       (at = header_find(header, "Auto-Submitted", nth++)) >= 0) {
		g_autofree char *value = header_value(header, at);

		g_free(word);
		word = word_of(value);
		if (word[0] != '\0' && strcmp(word, "no") != 0)
			break;
	}
	return word;
}

char *
automatic_lower(const struct header *header, const char *name)
{
	g_autofree char *value = header_get(header, name);
	g_autofree char *decoded = value != NULL ? mime_decode(value)
						 : g_strdup("");

	return g_strstrip(g_utf8_strdown(decoded, -1));
}

/* The field is there, and what it says is not "no". */
static bool
says_yes(const struct header *header, int index)
{
	static const char *const nos[] = {"no", "false", "none", "0", "off"};
	g_autofree char *value = NULL, *word = NULL;

	if (index < 0)
		return false;
	value = header_value(header, index);
	word = word_of(value);
	for (size_t i = 0; i < G_N_ELEMENTS(nos); i++)
		if (strcmp(word, nos[i]) == 0)
			return false;
	return true;
}

bool
automatic_has_field(const struct header *header, const struct wordlist *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (says_yes(header, header_find(header, names->words[i], 0)))
			return true;
	return false;
}

/* X-Autoreply, X-Auto-Reply-From, X-Mail-Autoresponder, X-AutoResponse,
 * Auto-Replied and however else it is written; but not what asks others not
 * to answer. */
static bool
is_reply_field(const struct header_field *field)
{
	g_autoptr(GString) name = g_string_new(NULL);

	for (size_t i = 0; i < field->name_len; i++)
		if (field->raw[i] != '-' && field->raw[i] != '_')
			g_string_append_c(name, g_ascii_tolower(field->raw[i]));
	return strstr(name->str, "suppress") == NULL &&
	       (strstr(name->str, "autorepl") != NULL ||
		strstr(name->str, "autorespon") != NULL ||
		strstr(name->str, "autoanswer") != NULL);
}

bool
automatic_has_reply_field(const struct header *header)
{
	for (guint i = 0; i < header->fields->len; i++)
		if (is_reply_field(&g_array_index(header->fields,
						  struct header_field, i)) &&
		    says_yes(header, (int)i))
			return true;
	return automatic_has_field(header, &automatic_reply_fields);
}
