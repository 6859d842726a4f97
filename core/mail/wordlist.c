/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/wordlist.h"

#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

bool
wordlist_begins(const struct wordlist *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (g_str_has_prefix(text, list->words[i]))
			return true;
	return false;
}

bool
wordlist_ends(const struct wordlist *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (g_str_has_suffix(text, list->words[i]))
			return true;
	return false;
}

bool
wordlist_within(const struct wordlist *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strstr(text, list->words[i]) != NULL)
			return true;
	return false;
}
