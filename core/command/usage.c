/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

#define HELP_COLUMN 24

/* "muster list create" */
static char *
verb_words(const struct verb *verb)
{
	return g_strdup_printf("muster %s%s%s", verb->noun,
			       verb->name != NULL ? " " : "",
			       verb->name != NULL ? verb->name : "");
}

/* Options of this verb alone, as in "[--owner ADDR]... " */
static char *
option_words(const struct verb *verb)
{
	static const struct { unsigned int bit; const char *text; } all[] = {
		{ OPTION_OWNER, "[--owner ADDR]... " },
		{ OPTION_UNSET, "[--unset KEY]... " },
		{ OPTION_FILE, "[--file FILE] " },
		{ OPTION_DRY_RUN, "[--dry-run] " },
		{ OPTION_REASON, "[--reason TEXT] " },
		{ OPTION_RAW, "[--raw] " },
		{ OPTION_EVIDENCE, "[--from ADDR] [--client IP] "
		  "[--helo NAME] [--login NAME] "
		  "[--evidence KEY=VALUE]... " },
		{ OPTION_WAIT, "[--wait [--timeout TIME]] " },
		{ OPTION_LIVE, "[--once] [--interval SECONDS] " },
		{ OPTION_MODE, "[--delivery DELIVERY] " },
		{ OPTION_WELCOME, "[--welcome|--no-welcome] " },
		{ OPTION_CONFIRM, "[--confirm] " },
		{ OPTION_GOODBYE, "[--goodbye|--no-goodbye] " },
		{ OPTION_ALL, "[--all] " },
		{ OPTION_LANGUAGE, "[--language LANGUAGE] " },
		{ OPTION_PREVIEW, "[--preview] " },
		{ OPTION_NAME, "[--name NAME] " },
		{ OPTION_FORMAT, "[--format FORMAT] " },
		{ OPTION_FORGET, "[--forget] " },
		{ OPTION_JSON, "[--json] " },
	};
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if ((verb->options & all[i].bit) != 0)
			g_string_append(text, all[i].text);
	return g_string_free(text, FALSE);
}

static char *
synopsis(const struct verb *verb)
{
	g_autofree char *words = verb_words(verb);
	g_autofree char *options = option_words(verb);
	char *text = g_strdup_printf("%s %s%s", words, options,
				     verb->synopsis);

	return g_strchomp(text);
}

static void
help_options(FILE *out, const struct verb *verb)
{
	struct call call = { 0 };
	g_autofree GOptionEntry *entries = call_option_entries(verb, &call);

	(void) fputs("\nOptions:\n", out);
	for (const GOptionEntry *entry = entries; entry->long_name != NULL;
	     entry++) {
		g_autofree char *left = g_strdup_printf("%s--%s%s%s",
			entry->short_name == 'c' ? "-c, " :
			entry->short_name == 'h' ? "-h, " : "",
			entry->long_name,
			entry->arg_description != NULL ? " " : "",
			entry->arg_description != NULL ?
			entry->arg_description : "");

		if ((entry->flags & G_OPTION_FLAG_HIDDEN) == 0)
			(void) fprintf(out, "  %-*s %s\n", HELP_COLUMN, left,
				       entry->description);
	}
}

static void
help_verb(FILE *out, const struct verb *verb)
{
	g_autofree char *usage = synopsis(verb);

	(void) fprintf(out, "Usage: %s\n\n%s\n", usage, verb->help);
	if (verb->more != NULL)
		(void) fprintf(out, "%s\n", verb->more);
	help_options(out, verb);
}

/* The verbs of one noun, or of all. */
static void
help_noun(FILE *out, const char *noun)
{
	(void) fprintf(out, "Usage: muster [-c FILE] %s VERB ...\n\nVerbs:\n",
		       noun != NULL ? noun : "NOUN");
	for (const struct verb *verb = verbs; verb->noun != NULL; verb++) {
		g_autofree char *left = verb_words(verb);

		if (noun == NULL || strcmp(verb->noun, noun) == 0)
			(void) fprintf(out, "  %-*s %s\n", HELP_COLUMN, left,
				       verb->help);
	}
	help_options(out, NULL);
	(void) fputs("\nEach verb has --help. Exit status: 0 done, 1 refused "
		     "or not found, 2 usage,\n75 try again. "
		     "See muster(1).\n", out);
}

void
usage_help(FILE *out, const char *noun, const struct verb *verb)
{
	if (verb != NULL)
		help_verb(out, verb);
	else
		help_noun(out, noun);
}

enum admin_status
usage_fail(FILE *errors, const struct verb *verb, const char *format, ...)
{
	g_autofree char *what = NULL, *safe = NULL, *usage = NULL;
	va_list ap;

	va_start(ap, format);
	what = g_strdup_vprintf(format, ap);
	va_end(ap);
	safe = print_plain(what);
	if (verb == NULL) {
		(void) fprintf(errors, "muster: %s (see muster --help)\n",
			       safe);
		return ADMIN_USAGE;
	}
	usage = synopsis(verb);
	(void) fprintf(errors, "muster: %s (usage: %s)\n", safe, usage);
	return ADMIN_USAGE;
}

/* Nouns, or the verbs of a noun, each once. */
static GPtrArray *
known_names(const char *noun)
{
	GPtrArray *names = g_ptr_array_new();
	const char *last = "";

	for (const struct verb *verb = verbs; verb->noun != NULL; verb++) {
		const char *name = noun == NULL ? verb->noun : verb->name;

		if (noun != NULL && strcmp(verb->noun, noun) != 0)
			continue;
		if (strcmp(name, last) != 0)
			g_ptr_array_add(names, (char *)(uintptr_t)name);
		last = name;
	}
	g_ptr_array_add(names, NULL);
	return names;
}

static enum admin_status
unknown(FILE *errors, const char *kind, const char *noun, const char *given)
{
	g_autoptr(GPtrArray) names = known_names(noun);
	g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
	const char *nearest = NULL;

	if (given == NULL)
		return usage_fail(errors, NULL, "%s%swhat? There %s %s",
				  noun != NULL ? noun : "",
				  noun != NULL ? " " : "",
				  names->len > 2 ? "are" : "is", all);
	nearest = key_nearest((const char *const *)names->pdata, given);
	if (nearest != NULL)
		return usage_fail(errors, NULL, "unknown %s \"%s\"; did you "
				  "mean \"%s\"? There are %s", kind, given,
				  nearest, all);
	return usage_fail(errors, NULL, "unknown %s \"%s\"; there are %s",
			  kind, given, all);
}

enum admin_status
usage_unknown_noun(FILE *errors, const char *noun)
{
	return unknown(errors, "command", NULL, noun);
}

enum admin_status
usage_unknown_verb(FILE *errors, const char *noun, const char *name)
{
	g_autofree char *kind = g_strdup_printf("verb of \"%s\"", noun);

	return unknown(errors, kind, noun, name);
}
