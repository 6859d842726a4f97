/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/auth/sigcore.h"
#include "core/base/banned.h"

/* RFC 6376 section 3.2 */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *
trim(char *text)
{
	size_t len;

	while (is_space(*text))
		text++;
	len = strlen(text);
	while (len > 0 && is_space(text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* tag-name = ALPHA *ALNUMPUNC */
static bool
is_name(const char *name)
{
	if (!g_ascii_isalpha(*name))
		return false;
	for (; *name != '\0'; name++)
		if (!g_ascii_isalnum(*name) && *name != '_')
			return false;
	return true;
}

/* VALCHAR and folding white space; UTF-8 as RFC 8616 allows */
static bool
is_value(const char *value)
{
	for (; *value != '\0'; value++)
		if (((unsigned char)*value < ' ' && !is_space(*value)) ||
		    *value == 0x7f)
			return false;
	return true;
}

static bool
add(struct tags *tags, char *spec)
{
	char *equals = strchr(spec, '=');
	struct tag tag;

	if (equals == NULL || tags->count == TAGS_MAX)
		return false;
	*equals = '\0';
	tag.name = trim(spec);
	tag.value = trim(equals + 1);
	if (!is_name(tag.name) || !is_value(tag.value) ||
	    tags_get(tags, tag.name) != NULL)
		return false;
	tags->list[tags->count++] = tag;
	return true;
}

bool
tags_parse(const char *text, size_t len, struct tags *out)
{
	struct tags tags = {0};
	char *at, *next;
	bool good = memchr(text, '\0', len) == NULL;

	tags.copy = g_strndup(text, len);
	for (at = tags.copy; good && at != NULL; at = next) {
		next = strchr(at, ';');
		if (next != NULL)
			*next++ = '\0';
		/* The last ";" is optional. */
		if (next == NULL && trim(at)[0] == '\0')
			break;
		good = add(&tags, at);
	}
	if (!good || tags.count == 0) {
		g_free(tags.copy);
		return false;
	}
	*out = tags;
	return true;
}

void
tags_done(struct tags *tags)
{
	g_clear_pointer(&tags->copy, g_free);
	tags->count = 0;
}

const char *
tags_get(const struct tags *tags, const char *name)
{
	for (size_t i = 0; i < tags->count; i++)
		if (strcmp(tags->list[i].name, name) == 0)
			return tags->list[i].value;
	return NULL;
}
