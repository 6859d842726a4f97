/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/admin.h"

#include <string.h>

#include "core/command/verbs.h"
#include "core/base/banned.h"

/*
 * The table of verbs drives everything: what is parsed, what --help prints,
 * and what the tests compare manual page and completion with.
 */
const struct verb verbs[] = {
	{ "list", "create", "NAME@DOMAIN [--owner ADDR]... [KEY=VALUE...]",
	  "make a list", TAKES_OWNER, 1, -1, verb_list_create, false },
	{ "list", "ls", "", "all lists", TAKES_JSON, 0, 0, verb_list_ls,
	  false },
	{ "list", "show", "LIST|@DOMAIN|site",
	  "every key, its value and where it comes from", TAKES_JSON, 1, 1,
	  verb_list_show, false },
	{ "list", "set", "LIST|@DOMAIN|site [KEY=VALUE...] [--unset KEY]...",
	  "change keys; --unset falls back to what is inherited",
	  TAKES_UNSET, 1, -1, verb_list_set, false },
	{ "list", "delete", "LIST", "remove a list with its members", 0, 1,
	  1, verb_list_delete, false },
	{ "list", "keys", "", "the keys of lists and members", TAKES_JSON, 0,
	  0, verb_list_keys, true },
	{ "member", "add", "LIST [ADDR...|--file F|-]",
	  "subscribe: ADDR or \"Name <ADDR>\"; a file has one a line",
	  TAKES_FILE, 1, -1, verb_member_add, false },
	{ "member", "ls", "LIST", "all members", TAKES_JSON, 1, 1,
	  verb_member_ls, false },
	{ "member", "show", "LIST ADDR", "one member, with bounces",
	  TAKES_JSON, 2, 2, verb_member_show, false },
	{ "member", "set", "LIST ADDR KEY=VALUE...", "change keys", 0, 3, -1,
	  verb_member_set, false },
	{ "member", "remove", "LIST ADDR...", "unsubscribe", 0, 2, -1,
	  verb_member_remove, false },
	{ "queue", "ls", "", "all jobs", TAKES_JSON, 0, 0, verb_queue_ls,
	  false },
	{ "queue", "show", "ID", "one job", TAKES_JSON, 1, 1,
	  verb_queue_show, false },
	{ "queue", "retry", "ID...", "try now; shunted jobs too", 0, 1, -1,
	  verb_queue_retry, false },
	{ "queue", "drop", "ID...", "give up", 0, 1, -1, verb_queue_drop,
	  false },
	{ "policy", "show", "LIST", "the list's policy as rules", TAKES_JSON,
	  1, 1, verb_policy_show, false },
	{ "trace", NULL, "MESSAGE-ID|ID", "the story of a post", TAKES_JSON,
	  1, 1, verb_trace, false },
	{ "status", NULL, "", "what there is and what waits", TAKES_JSON, 0,
	  0, verb_status, false },
	{ "check", NULL, "", "look for what is wrong", TAKES_JSON, 0, 0,
	  verb_check, false },
	{ "backup", NULL, "DIR", "a copy that can be used as home", 0, 1, 1,
	  verb_backup, false },
	{ "dump", NULL, "[LIST...]", "everything, or lists, as JSON Lines",
	  0, 0, -1, verb_dump, false },
	{ "load", NULL, "[--dry-run] [FILE]", "a dump, or stdin",
	  TAKES_DRY_RUN, 0, 1, verb_load, false },
	{ "settings", NULL, "", "the keys of the settings file", TAKES_JSON,
	  0, 0, verb_settings, true },
	{ "completion", NULL, "bash", "the script for the shell", 0, 1, 1,
	  verb_completion, true },
	{ NULL, NULL, NULL, NULL, 0, 0, 0, NULL, false },
};

/* --- finding the verb --------------------------------------------------- */

static const struct verb *
find_verb(const char *noun, const char *verb)
{
	for (const struct verb *at = verbs; at->noun != NULL; at++)
		if (strcmp(at->noun, noun) == 0 &&
		    (at->verb == NULL ||
		     (verb != NULL && strcmp(at->verb, verb) == 0)))
			return at;
	return NULL;
}

static bool
is_noun(const char *noun)
{
	for (const struct verb *at = verbs; at->noun != NULL; at++)
		if (strcmp(at->noun, noun) == 0)
			return true;
	return false;
}

/* Nouns, or the verbs of one. */
static const char *
nearest(const char *noun, const char *word)
{
	const char *names[G_N_ELEMENTS(verbs) + 1];
	size_t count = 0;

	for (const struct verb *at = verbs; at->noun != NULL; at++)
		if (noun == NULL)
			names[count++] = at->noun;
		else if (strcmp(at->noun, noun) == 0 && at->verb != NULL)
			names[count++] = at->verb;
	names[count] = NULL;
	return key_nearest(names, word);
}

/* --- help --------------------------------------------------------------- */

static void
print_usage(FILE *out, const char *noun)
{
	(void) fputs("Usage: muster [-c FILE] NOUN [VERB] [WORDS...]\n\n",
		     out);
	for (const struct verb *at = verbs; at->noun != NULL; at++)
		if (noun == NULL || strcmp(at->noun, noun) == 0)
			(void) fprintf(out, "  muster %s%s%s %s\n\t%s\n",
				       at->noun, at->verb != NULL ? " " : "",
				       at->verb != NULL ? at->verb : "",
				       at->args, at->help);
	(void) fputs("\nEach takes --help; those that print data take "
		     "--json. See muster(1).\n", out);
}

static void
print_verb_help(FILE *out, const struct verb *verb)
{
	(void) fprintf(out, "Usage: muster %s%s%s %s%s\n\n%s\n", verb->noun,
		       verb->verb != NULL ? " " : "",
		       verb->verb != NULL ? verb->verb : "", verb->args,
		       verb->takes & TAKES_JSON ? " [--json]" : "",
		       verb->help);
}

static int
unknown(FILE *errors, const char *noun, const char *word)
{
	const char *near = nearest(noun, word);

	(void) fprintf(errors, "muster: there is no %s%s\"%s\"",
		       noun != NULL ? noun : "", noun != NULL ? " " : "",
		       word);
	if (near != NULL)
		(void) fprintf(errors, "; did you mean \"%s\"?", near);
	(void) fputs(" (see muster --help)\n", errors);
	return ADMIN_USAGE;
}

/* --- options ------------------------------------------------------------ */

static void
words_done(struct words *words)
{
	g_strfreev(words->args);
	g_strfreev(words->owners);
	g_strfreev(words->unset);
	g_free(words->file);
	g_free(words->config);
}

static bool
parse_options(const struct verb *verb, struct words *words, GError **problem)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	GOptionEntry all[] = {
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &words->help, "", NULL },
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &words->config,
		  "", NULL },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &words->json, "", NULL },
		{ "owner", 0, 0, G_OPTION_ARG_STRING_ARRAY, &words->owners,
		  "", NULL },
		{ "unset", 0, 0, G_OPTION_ARG_STRING_ARRAY, &words->unset,
		  "", NULL },
		{ "file", 0, 0, G_OPTION_ARG_FILENAME, &words->file, "",
		  NULL },
		{ "dry-run", 0, 0, G_OPTION_ARG_NONE, &words->dry_run, "",
		  NULL },
	};
	GOptionEntry entries[G_N_ELEMENTS(all) + 1] = { all[0], all[1] };
	size_t count = 2;

	for (unsigned int bit = 0; bit < 5; bit++)
		if (verb->takes & 1U << bit)
			entries[count++] = all[bit + 2];
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, entries, NULL);
	return g_option_context_parse_strv(context, &words->args, problem);
}

static int
usage(FILE *errors, const struct verb *verb, const char *what)
{
	(void) fprintf(errors, "muster: %s\n", what);
	print_verb_help(errors, verb);
	return ADMIN_USAGE;
}

/* args[0] stands for the program's name while GOption looks. */
static int
read_words(int argc, char **argv, const struct verb *verb, FILE *errors,
	   struct words *out)
{
	int skip = verb->verb != NULL ? 1 : 0;
	g_autoptr(GError) problem = NULL;
	char *first;

	memset(out, 0, sizeof(*out));
	out->args = g_new0(char *, argc - skip + 1);
	for (int i = skip; i < argc; i++)
		out->args[i - skip] = g_strdup(argv[i]);
	if (!parse_options(verb, out, &problem))
		return usage(errors, verb, problem->message);
	first = out->args[0];
	out->count = (int)g_strv_length(out->args) - 1;
	memmove(out->args, out->args + 1, sizeof(char *) * (out->count + 1));
	g_free(first);
	/* "--" ends the options and is no word itself. */
	if (out->count > 0 && strcmp(out->args[0], "--") == 0) {
		g_free(out->args[0]);
		memmove(out->args, out->args + 1,
			sizeof(char *) * out->count--);
	}
	if (out->help)
		return ADMIN_DONE;
	if (out->count < verb->least)
		return usage(errors, verb, "something is missing");
	if (verb->most >= 0 && out->count > verb->most)
		return usage(errors, verb, "too many words");
	return ADMIN_DONE;
}

/* The verb that the words name; NULL with *status after saying why. */
static const struct verb *
choose(int argc, char **argv, FILE *out, FILE *errors, int *status)
{
	const struct verb *verb;

	*status = ADMIN_USAGE;
	if (argc == 0) {
		print_usage(errors, NULL);
		return NULL;
	}
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
	    strcmp(argv[0], "help") == 0) {
		print_usage(out, NULL);
		*status = ADMIN_DONE;
		return NULL;
	}
	verb = find_verb(argv[0], argc > 1 ? argv[1] : NULL);
	if (verb != NULL)
		return verb;
	if (!is_noun(argv[0])) {
		*status = unknown(errors, NULL, argv[0]);
	} else if (argc == 1) {
		print_usage(errors, argv[0]);
	} else if (strcmp(argv[1], "--help") == 0 ||
		   strcmp(argv[1], "-h") == 0) {
		print_usage(out, argv[0]);
		*status = ADMIN_DONE;
	} else {
		*status = unknown(errors, argv[0], argv[1]);
	}
	return NULL;
}

int
admin_run(struct admin *admin, int argc, char **argv)
{
	struct words words;
	const struct verb *verb;
	int status;

	verb = choose(argc, argv, admin->out, admin->errors, &status);
	if (verb == NULL)
		return status;
	status = read_words(argc, argv, verb, admin->errors, &words);
	if (status == ADMIN_DONE && words.help)
		print_verb_help(admin->out, verb);
	else if (status == ADMIN_DONE)
		status = verb->run(admin, &words);
	words_done(&words);
	return status;
}

/* A relative name means the caller's directory, and the daemon has another. */
static const char *
file_of(const struct verb *verb, const struct words *words)
{
	if (words->file != NULL)
		return words->file;
	if (verb->run == verb_load && words->count == 1)
		return words->args[0];
	if (verb->run == verb_member_add && words->count == 2 &&
	    strcmp(words->args[1], "-") == 0)
		return "-";
	return NULL;
}

bool
admin_prepare(int argc, char **argv, const char **file_out,
	      const char **path_out, int *status)
{
	struct admin admin = { .out = stdout, .errors = stderr, .file = -1 };
	struct words words;
	const struct verb *verb;

	verb = choose(argc, argv, stdout, stderr, status);
	if (verb == NULL)
		return false;
	*status = read_words(argc, argv, verb, stderr, &words);
	if (*status != ADMIN_DONE || words.help || verb->storeless) {
		if (*status == ADMIN_DONE)
			*status = admin_run(&admin, argc, argv);
		words_done(&words);
		return false;
	}
	*file_out = g_intern_string(file_of(verb, &words));
	if (words.config != NULL)
		*path_out = g_intern_string(words.config);
	words_done(&words);
	return true;
}
