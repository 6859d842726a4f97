/* SPDX-License-Identifier: BSD-2-Clause */

/* Addresses as they stand in a text, with whatever is around them. */
#include <string.h>

#include "core/bounce/words.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

#define URL_MAX 200	/* bytes of it that are looked back over */

static bool
is_local(char c)
{
	return g_ascii_isalnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* Where the local part begins that ends before `at` */
static size_t
local_start(const char *line, size_t at)
{
	size_t start = at;

	if (start > 0 && line[start - 1] == '"') {
		for (start--; start > 0 && line[start - 1] != '"'; start--)
			continue;
		return start > 0 ? start - 1 : at;
	}
	while (start > 0 && is_local(line[start - 1]))
		start--;
	/* What is around an address rather than in it */
	while (start < at && strchr("'*-/=|`{~.!#$%&?", line[start]) != NULL)
		start++;
	/* "/home/ann/.forward" and the like */
	for (size_t i = start; i < at; i++)
		if (line[i] == '/' && i + 1 < at)
			start = i + 1;
	/* X.400 in Exchange: "c=US;a= ;dda:SMTP=ann@example.org;" */
	if (at - start > 5 &&
	    g_ascii_strncasecmp(line + start, "smtp=", 5) == 0)
		start += 5;
	return start;
}

static size_t
domain_end(const char *line, size_t at)
{
	size_t end = at + 1;

	while (g_ascii_isalnum(line[end]) ||
	       (line[end] != '\0' && strchr("-._", line[end]) != NULL))
		end++;
	while (end > at && strchr(".-_", line[end - 1]) != NULL)
		end--;
	return end;
}

/* In "http://example.org/?a=b@c" */
static bool
is_in_url(const char *line, size_t start)
{
	size_t word = start;

	while (word > 0 && start - word < URL_MAX &&
	       strchr(" \t<\"(", line[word - 1]) == NULL)
		word--;
	return g_strstr_len(line + word, (gssize)(start - word), "://") !=
	       NULL;
}

bool
addr_next(const char *line, size_t from, struct addr_span *out)
{
	const char *at = line + from;

	while ((at = strchr(at, '@')) != NULL) {
		size_t here = (size_t)(at - line);
		size_t start = local_start(line, here);
		size_t end = domain_end(line, here);

		if (start >= from && start < here && end > here + 1 &&
		    memchr(at, '.', end - here) != NULL &&
		    !is_in_url(line, start)) {
			*out = (struct addr_span){ start, end };
			return true;
		}
		at++;
	}
	return false;
}

char *
addr_take(const char *line, const struct addr_span *span)
{
	g_autofree char *text = g_strndup(line + span->start,
					  span->end - span->start);

	return addr_canon(text);
}
