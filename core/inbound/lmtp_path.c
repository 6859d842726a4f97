/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/lmtp_path.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

/* Behind the closing bracket, or NULL. */
static const char *
path_end(const char *path)
{
	bool quoted = false;

	for (; *path != '\0'; path++) {
		if (quoted && *path == '\\' && path[1] != '\0')
			path++;
		else if (*path == '"')
			quoted = !quoted;
		else if (*path == '>' && !quoted)
			return path + 1;
	}
	return NULL;
}

char **
lmtp_path_split(const char *text, const char *keyword)
{
	const char *path, *end;
	GPtrArray *words;
	char **params;

	if (g_ascii_strncasecmp(text, keyword, strlen(keyword)) != 0)
		return NULL;
	path = text + strlen(keyword);
	path += strspn(path, " ");
	end = *path == '<' ? path_end(path) : NULL;
	if (end == NULL || (*end != '\0' && *end != ' '))
		return NULL;
	words = g_ptr_array_new();
	g_ptr_array_add(words, g_strndup(path, (gsize)(end - path)));
	params = g_strsplit(end, " ", -1);
	for (char **param = params; *param != NULL; param++)
		if (**param != '\0')
			g_ptr_array_add(words, g_strdup(*param));
	g_strfreev(params);
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}
