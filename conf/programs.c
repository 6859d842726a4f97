/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/programs.h"

#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

#define PROGRAMS_MAX 100
#define NAME_MAX_LEN 40
#define PATHS_MAX 32
#define WORDS_MAX 100

struct program *
programs_add(struct settings *settings, const char *name)
{
	struct program *program;

	if (settings->program_count == PROGRAMS_MAX)
		return NULL;
	settings->programs = g_renew(struct program, settings->programs,
				     settings->program_count + 1);
	program = &settings->programs[settings->program_count++];
	memset(program, 0, sizeof(*program));
	program->name = g_strdup(name);
	return program;
}

void
programs_free(struct settings *settings)
{
	for (size_t i = 0; i < settings->program_count; i++) {
		g_free(settings->programs[i].name);
		g_strfreev(settings->programs[i].command);
		g_strfreev(settings->programs[i].paths);
	}
	g_clear_pointer(&settings->programs, g_free);
	settings->program_count = 0;
}

const struct program *
settings_program(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->program_count; i++)
		if (strcmp(settings->programs[i].name, name) == 0)
			return &settings->programs[i];
	return NULL;
}

bool
program_name_is_right(const char *name)
{
	size_t len = 0;

	for (; name[len] != '\0'; len++)
		if (!g_ascii_isalnum(name[len]) && name[len] != '-' &&
		    name[len] != '_')
			return false;
	return len > 0 && len <= NAME_MAX_LEN;
}

const char *
program_command_read(const char *value, char ***out)
{
	static const char accepted[] = "a command whose first word is an "
		"absolute path";
	g_auto(GStrv) words = NULL;
	int count;

	if (!g_shell_parse_argv(value, &count, &words, NULL) ||
	    count > WORDS_MAX || words[0][0] != '/')
		return accepted;
	*out = g_steal_pointer(&words);
	return NULL;
}

const char *
program_paths_read(const char *value, char ***out)
{
	g_auto(GStrv) all = g_strsplit_set(value, " \t,", -1);
	g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
	unsigned int count = 0;

	for (char **path = all; *path != NULL; path++) {
		g_autofree char *clean = NULL;

		if ((*path)[0] == '\0')
			continue;
		if ((*path)[0] != '/' || ++count > PATHS_MAX)
			return "absolute paths, at most 32, separated by "
				"blanks";
		clean = g_canonicalize_filename(*path, "/");
		if (clean[1] == '\0')
			return "paths below /, not / itself";
		g_strv_builder_add(paths, clean);
	}
	*out = g_strv_builder_end(paths);
	return NULL;
}
