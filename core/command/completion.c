/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/letter/source.h"
#include "core/base/banned.h"

/*
 * core/muster.bash is installed as it is; the build makes a string of it, so
 * that there is one script. It knows no verb: it asks "completion words".
 */
static const char script[] =
#include "core/command/muster-bash.h"
	;

enum admin_status
completion_bash_run(struct call *call)
{
	(void) fputs(script, call->admin->out);
	return ADMIN_DONE;
}

/* What stands before the cursor. */
struct typed {
	const char *noun, *name;
	const struct verb *verb;
	int args;		/* behind the verb, without options */
	const char *value_of;	/* the option whose value is to come */
};

static bool
takes_value(const char *option)
{
	static const char *const options[] = {
		"-c", "--config", "--file", "--owner", "--unset",
		"--from", "--client", "--helo", "--login", "--evidence",
		"--reason", "--timeout", "--interval",
		"--delivery", "--off-by",
		"--language", "--name", "--format",
		NULL
	};

	return g_strv_contains(options, option);
}

static bool
is_file_option(const char *option)
{
	return strcmp(option, "-c") == 0 || strcmp(option, "--config") == 0 ||
		strcmp(option, "--file") == 0;
}

static void
read_word(struct typed *typed, const char *word)
{
	if (typed->noun == NULL)
		typed->noun = word;
	else if (typed->verb == NULL && typed->name == NULL)
		typed->name = word;
	else
		typed->args++;
	for (const struct verb *verb = verbs; verb->noun != NULL &&
	     typed->verb == NULL; verb++)
		if (strcmp(verb->noun, typed->noun) == 0 &&
		    (verb->name == NULL || (typed->name != NULL &&
		     strcmp(verb->name, typed->name) == 0)))
			typed->verb = verb;
}

static void
read_typed(struct typed *typed, char *const *words)
{
	*typed = (struct typed){ 0 };
	for (; *words != NULL; words++) {
		if (typed->value_of != NULL)
			typed->value_of = NULL;
		else if (takes_value(*words))
			typed->value_of = *words;
		else if ((*words)[0] != '-')
			read_word(typed, *words);
	}
}

static void
print_names(FILE *out, const char *noun)
{
	const char *last = "";

	for (const struct verb *verb = verbs; verb->noun != NULL; verb++) {
		const char *name = noun == NULL ? verb->noun : verb->name;

		if (noun != NULL && strcmp(verb->noun, noun) != 0)
			continue;
		if (name != NULL && strcmp(name, last) != 0)
			(void) fprintf(out, "%s\n", name);
		last = name != NULL ? name : "";
	}
}

static void
print_options(FILE *out, const struct verb *verb)
{
	struct call call = { 0 };
	g_autofree GOptionEntry *entries = call_option_entries(verb, &call);

	for (const GOptionEntry *entry = entries; entry->long_name != NULL;
	     entry++)
		if ((entry->flags & G_OPTION_FLAG_HIDDEN) == 0)
			(void) fprintf(out, "--%s\n", entry->long_name);
}

static void
print_key_names(FILE *out, const struct key *keys, const char *end)
{
	for (; keys->name != NULL; keys++)
		(void) fprintf(out, "%s%s\n", keys->name, end);
}

static void
print_words(FILE *out, const char *const *words)
{
	for (; *words != NULL; words++)
		(void) fprintf(out, "%s\n", *words);
}

static void
print_templates(FILE *out)
{
	for (const struct template_kind *kind = template_kinds;
	     kind->name != NULL; kind++)
		(void) fprintf(out, "%s\n", kind->name);
}

static void
print_kind(FILE *out, const char *kind)
{
	if (strcmp(kind, "KEY") == 0)
		print_key_names(out, list_keys, "=");
	else if (strcmp(kind, "MEMBERKEY") == 0)
		print_key_names(out, member_keys, "=");
	else if (strcmp(kind, "TEMPLATE") == 0)
		print_templates(out);
	else if (strcmp(kind, "OUT") == 0)
		(void) fprintf(out, "FILE\n");
	else if (strcmp(kind, "LIST") == 0 || strcmp(kind, "FILE") == 0 ||
		 strcmp(kind, "DIR") == 0)
		(void) fprintf(out, "%s\n", kind);
}

/* The next argument; the last kind of a verb that takes any number stands
 * for all that follow. */
static void
print_argument(FILE *out, const struct typed *typed)
{
	const struct verb *verb = typed->verb;
	g_auto(GStrv) kinds = g_strsplit(verb->takes, " ", -1);
	int count = (int)g_strv_length(kinds);

	if (count == 0 || (verb->most >= 0 && typed->args >= verb->most))
		return;
	print_kind(out, kinds[MIN(typed->args, count - 1)]);
}

static void
print_value(FILE *out, const char *option)
{
	static const char *const deliveries[] = {
		"on", "off", "digest", "plain", NULL
	};
	static const char *const offs[] = {
		"self", "admin", "bounces", NULL
	};

	static const char *const formats[] = {
		"maildir", "mbox", "mboxrd", "mboxo", "mboxcl", "mboxcl2",
		"pipermail", NULL
	};

	if (strcmp(option, "--format") == 0)
		print_words(out, formats);
	else if (strcmp(option, "--unset") == 0)
		print_key_names(out, list_keys, "");
	else if (strcmp(option, "--delivery") == 0)
		print_words(out, deliveries);
	else if (strcmp(option, "--off-by") == 0)
		print_words(out, offs);
	else if (strcmp(option, "--name") == 0)
		print_templates(out);
	else if (strcmp(option, "--language") == 0)
		print_words(out, template_languages);
	else if (is_file_option(option))
		print_kind(out, "FILE");
}

enum admin_status
completion_words_run(struct call *call)
{
	FILE *out = call->admin->out;
	struct typed typed;

	read_typed(&typed, call->args);
	if (typed.value_of != NULL) {
		print_value(out, typed.value_of);
		return ADMIN_DONE;
	}
	if (typed.verb != NULL)
		print_argument(out, &typed);
	else if (typed.name == NULL)
		print_names(out, typed.noun);
	print_options(out, typed.verb);
	return ADMIN_DONE;
}
