/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "config.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

/*
 * From words to a call. The options that every verb knows may also stand
 * before the noun and before the verb; they are moved behind, where GOption
 * reads all of them.
 */
struct words {
	char *const *argv;	/* what is left */
	int argc;
	GPtrArray *moved;	/* borrowed, with a program's name in front */
	bool help, version;	/* seen among the moved */
};

GOptionEntry *
call_option_entries(const struct verb *verb, struct call *call)
{
	const struct { unsigned int bit; GOptionEntry entry; } all[] = {
		{ OPTION_OWNER, { "owner", 0, 0, G_OPTION_ARG_STRING_ARRAY,
		  &call->owners, "Who owns the list; may be repeated",
		  "ADDR" } },
		{ OPTION_UNSET, { "unset", 0, 0, G_OPTION_ARG_STRING_ARRAY,
		  &call->unsets, "Fall back to what is inherited; may be "
		  "repeated", "KEY" } },
		{ OPTION_FILE, { "file", 0, 0, G_OPTION_ARG_STRING,
		  &call->file, "Read addresses from a file; - is stdin",
		  "FILE" } },
		{ OPTION_DRY_RUN, { "dry-run", 0, 0, G_OPTION_ARG_NONE,
		  &call->dry_run, "Only check", NULL } },
		{ OPTION_REASON, { "reason", 0, 0, G_OPTION_ARG_STRING,
		  &call->reason, "What the authors are told", "TEXT" } },
		{ OPTION_RAW, { "raw", 0, 0, G_OPTION_ARG_NONE, &call->raw,
		  "Print the bytes as they came", NULL } },
		{ OPTION_EVIDENCE, { "from", 0, 0, G_OPTION_ARG_STRING,
		  &call->from, "Envelope sender; empty: the null sender",
		  "ADDR" } },
		{ OPTION_EVIDENCE, { "client", 0, 0, G_OPTION_ARG_STRING,
		  &call->client, "Address of the SMTP client", "IP" } },
		{ OPTION_EVIDENCE, { "helo", 0, 0, G_OPTION_ARG_STRING,
		  &call->helo, "How it greets", "NAME" } },
		{ OPTION_EVIDENCE, { "login", 0, 0, G_OPTION_ARG_STRING,
		  &call->login, "Who it has logged in as", "NAME" } },
		{ OPTION_EVIDENCE, { "evidence", 0, 0,
		  G_OPTION_ARG_STRING_ARRAY, &call->evidence,
		  "What authentication has found; may be repeated",
		  "KEY=VALUE" } },
		{ OPTION_WAIT, { "wait", 0, 0, G_OPTION_ARG_NONE,
		  &call->wait, "Wait until nothing is queued", NULL } },
		{ OPTION_WAIT, { "timeout", 0, 0, G_OPTION_ARG_STRING,
		  &call->timeout, "Wait at most so long (exit status 75)",
		  "TIME" } },
		{ OPTION_MEMBERS, { "delivery", 0, 0, G_OPTION_ARG_STRING,
		  &call->delivery, "Only those with this delivery: on, off, "
		  "digest, plain", "DELIVERY" } },
		{ OPTION_MEMBERS, { "off-by", 0, 0, G_OPTION_ARG_STRING,
		  &call->off_by, "Only those who were turned off by: self, "
		  "admin, bounces", "WHOM" } },
		{ OPTION_MEMBERS, { "moderated", 0, 0, G_OPTION_ARG_NONE,
		  &call->moderated, "Only those whose posts are held", NULL } },
		{ OPTION_OFF, { "off", 0, 0, G_OPTION_ARG_NONE, &call->off,
		  "Only those whose delivery bounces have turned off", NULL } },
		{ OPTION_LIVE, { "once", 0, 0, G_OPTION_ARG_NONE, &call->once,
		  "Print one look, and end", NULL } },
		{ OPTION_LIVE, { "interval", 0, 0, G_OPTION_ARG_INT,
		  &call->interval_s, "Look again after so many seconds (1)",
		  "SECONDS" } },
		{ OPTION_LIVE, { "uncounted", 0, G_OPTION_FLAG_HIDDEN,
		  G_OPTION_ARG_NONE, &call->uncounted, "Do not count who is "
		  "left", NULL } },
		{ OPTION_MODE, { "delivery", 0, 0, G_OPTION_ARG_STRING,
		  &call->delivery, "How they get posts: on (the default), "
		  "off, digest, plain", "DELIVERY" } },
		{ OPTION_WELCOME, { "welcome", 0, 0, G_OPTION_ARG_NONE,
		  &call->welcome, "Tell them that they are members", NULL } },
		{ OPTION_WELCOME, { "no-welcome", 0, 0, G_OPTION_ARG_NONE,
		  &call->no_welcome, "Tell them nothing (the default)",
		  NULL } },
		{ OPTION_CONFIRM, { "confirm", 0, 0, G_OPTION_ARG_NONE,
		  &call->confirm, "Ask them first, by mail", NULL } },
		{ OPTION_GOODBYE, { "goodbye", 0, 0, G_OPTION_ARG_NONE,
		  &call->goodbye, "Tell them that they are no members any "
		  "more", NULL } },
		{ OPTION_GOODBYE, { "no-goodbye", 0, 0, G_OPTION_ARG_NONE,
		  &call->no_goodbye, "Tell them nothing (the default)",
		  NULL } },
		{ OPTION_ALL, { "all", 0, 0, G_OPTION_ARG_NONE, &call->all,
		  "On all lists of the site", NULL } },
		{ OPTION_LANGUAGE, { "language", 0, 0, G_OPTION_ARG_STRING,
		  &call->language, "In this language, such as de or pt-br",
		  "LANGUAGE" } },
		{ OPTION_PREVIEW, { "preview", 0, 0, G_OPTION_ARG_NONE,
		  &call->preview, "Filled in with examples", NULL } },
		{ OPTION_NAME, { "name", 0, 0, G_OPTION_ARG_STRING,
		  &call->name, "Which template it is", "NAME" } },
		{ OPTION_FORMAT, { "format", 0, 0, G_OPTION_ARG_STRING,
		  &call->format, "In which form: maildir, mbox; to import "
		  "mboxrd, mboxo, mboxcl, mboxcl2, pipermail", "FORMAT" } },
		{ OPTION_FORGET, { "forget", 0, 0, G_OPTION_ARG_NONE,
		  &call->forget, "Forget what is not there", NULL } },
		{ OPTION_JSON, { "json", 0, 0, G_OPTION_ARG_NONE,
		  &call->json, "Print JSON", NULL } },
		{ 0, { "config", 'c', 0, G_OPTION_ARG_STRING, &call->config,
		  "Settings file", "FILE" } },
		{ 0, { "help", 'h', 0, G_OPTION_ARG_NONE, &call->help,
		  "Print this help", NULL } },
		{ 0, { "version", 0, 0, G_OPTION_ARG_NONE, &call->version,
		  "Print the version", NULL } },
	};
	GOptionEntry *entries = g_new0(GOptionEntry, G_N_ELEMENTS(all) + 1);
	size_t count = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i].bit == 0 ||
		    (verb != NULL && (verb->options & all[i].bit) != 0))
			entries[count++] = all[i].entry;
	return entries;
}

static bool
is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* Moves the options in front; *word_out is the word that follows, NULL at
 * the end. False: an option that cannot stand here. */
static bool
next_word(struct words *words, const char **word_out)
{
	while (words->argc > 0 && words->argv[0][0] == '-') {
		char *word = words->argv[0];
		int take = 1;

		if (is_one_of(word, "-c", "--config"))
			take = MIN(2, words->argc);
		else if (is_one_of(word, "-h", "--help"))
			words->help = true;
		else if (strcmp(word, "--version") == 0)
			words->version = true;
		else if (!g_str_has_prefix(word, "-c") &&
			 !g_str_has_prefix(word, "--config=") &&
			 strcmp(word, "--json") != 0)
			return false;
		for (; take > 0; take--, words->argc--, words->argv++)
			g_ptr_array_add(words->moved, words->argv[0]);
	}
	*word_out = words->argc > 0 ? words->argv[0] : NULL;
	if (words->argc > 0) {
		words->argc--;
		words->argv++;
	}
	return true;
}

static const struct verb *
find_noun(const char *noun)
{
	for (const struct verb *verb = verbs; verb->noun != NULL; verb++)
		if (strcmp(verb->noun, noun) == 0)
			return verb;
	return NULL;
}

static const struct verb *
find_verb(const char *noun, const char *name)
{
	for (const struct verb *verb = verbs; verb->noun != NULL; verb++)
		if (strcmp(verb->noun, noun) == 0 &&
		    strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

/* What is asked for when the words end before there is a verb. */
static enum admin_status
no_verb(const struct words *words, const char *noun, FILE *out,
	FILE *errors)
{
	if (words->version) {
		(void) fputs("muster " PACKAGE_VERSION "\n", out);
		return ADMIN_DONE;
	}
	if (words->help) {
		usage_help(out, noun, NULL);
		return ADMIN_DONE;
	}
	return noun == NULL ? usage_unknown_noun(errors, NULL) :
		usage_unknown_verb(errors, noun, NULL);
}

static enum admin_status
bad_option(const struct words *words, FILE *errors)
{
	return usage_fail(errors, NULL, "unknown option %s before the verb",
			  words->argv[0]);
}

/* *out NULL: *status says why */
static void
read_verb(struct words *words, FILE *out_stream, FILE *errors,
	  const struct verb **out, enum admin_status *status)
{
	const struct verb *found;
	const char *noun, *name;

	*out = NULL;
	*status = ADMIN_USAGE;
	if (!next_word(words, &noun)) {
		*status = bad_option(words, errors);
		return;
	}
	if (noun == NULL) {
		*status = no_verb(words, NULL, out_stream, errors);
		return;
	}
	found = find_noun(noun);
	if (found == NULL) {
		*status = usage_unknown_noun(errors, noun);
		return;
	}
	if (found->name == NULL) {
		*out = found;
		return;
	}
	if (!next_word(words, &name)) {
		*status = bad_option(words, errors);
		return;
	}
	if (name == NULL) {
		*status = no_verb(words, noun, out_stream, errors);
		return;
	}
	*out = find_verb(noun, name);
	if (*out == NULL)
		*status = usage_unknown_verb(errors, noun, name);
}

/* GOption wants "-c FILE" or "--config=FILE", and many write "-cFILE". */
static char *
spelled_out(const char *word)
{
	if (strncmp(word, "-c", 2) == 0 && word[2] != '\0')
		return g_strconcat("--config=", word + 2, NULL);
	return g_strdup(word);
}

/* All words for GOption. */
static char **
all_words(const struct words *words)
{
	GPtrArray *all = g_ptr_array_new();
	bool options = true;

	for (guint i = 0; i < words->moved->len; i++)
		g_ptr_array_add(all, spelled_out(
				g_ptr_array_index(words->moved, i)));
	for (int i = 0; i < words->argc; i++) {
		options &= strcmp(words->argv[i], "--") != 0;
		g_ptr_array_add(all, options ? spelled_out(words->argv[i]) :
				g_strdup(words->argv[i]));
	}
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(all, FALSE);
}

static bool
parse_options(const struct words *words, struct call *out, GError **problem)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autofree GOptionEntry *entries = call_option_entries(out->verb,
							       out);
	const GOptionEntry rest[] = {
		{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY,
		  &out->args, NULL, NULL },
		{ 0 },
	};
	g_auto(GStrv) strv = all_words(words);

	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_main_entries(context, rest, NULL);
	if (!g_option_context_parse_strv(context, &strv, problem))
		return false;
	if (out->args == NULL)
		out->args = g_new0(char *, 1);
	out->count = (int)g_strv_length(out->args);
	return true;
}

static enum admin_status
check_args(const struct call *call, FILE *errors)
{
	const struct verb *verb = call->verb;
	const char *complaint;

	if (call->count < verb->least)
		return usage_fail(errors, verb, "an argument is missing");
	if (verb->most >= 0 && call->count > verb->most)
		return usage_fail(errors, verb, "unexpected argument \"%s\"",
				  call->args[verb->most]);
	for (int i = verb->pairs_from; i >= 0 && i < call->count; i++)
		if (strchr(call->args[i], '=') == NULL ||
		    call->args[i][0] == '=')
			return usage_fail(errors, verb, "\"%s\" is not "
					  "KEY=VALUE", call->args[i]);
	for (char **pair = call->evidence; pair != NULL && *pair != NULL;
	     pair++)
		if (strchr(*pair, '=') == NULL || (*pair)[0] == '=')
			return usage_fail(errors, verb, "\"%s\" is not "
					  "KEY=VALUE", *pair);
	complaint = verb->check != NULL ? verb->check(call) : NULL;
	if (complaint != NULL)
		return usage_fail(errors, verb, "%s", complaint);
	return ADMIN_DONE;
}

static enum admin_status
check_utf8(int argc, char *const *argv, FILE *errors)
{
	for (int i = 0; i < argc; i++)
		if (!g_utf8_validate(argv[i], -1, NULL))
			return usage_fail(errors, NULL, "argument %d is not "
					  "UTF-8", i + 1);
	return ADMIN_DONE;
}

/* True: the verb is to be run. */
static bool
parse_call(const struct words *words, FILE *out_stream, FILE *errors,
	   struct call *out, enum admin_status *status)
{
	g_autoptr(GError) problem = NULL;

	if (!parse_options(words, out, &problem)) {
		*status = usage_fail(errors, out->verb, "%s",
				     problem->message);
		return false;
	}
	*status = ADMIN_DONE;
	if (out->version) {
		(void) fputs("muster " PACKAGE_VERSION "\n", out_stream);
		return false;
	}
	if (out->help) {
		usage_help(out_stream, out->verb->noun, out->verb);
		return false;
	}
	*status = check_args(out, errors);
	return *status == ADMIN_DONE;
}

bool
verb_parse(int argc, char *const *argv, FILE *out_stream, FILE *errors,
	   struct call *out, enum admin_status *status)
{
	g_autoptr(GPtrArray) moved = g_ptr_array_new();
	struct words words = { .argv = argv, .argc = argc, .moved = moved };
	char program[] = "muster";

	*out = (struct call){ 0 };
	*status = check_utf8(argc, argv, errors);
	if (*status != ADMIN_DONE)
		return false;
	g_ptr_array_add(moved, program);
	read_verb(&words, out_stream, errors, &out->verb, status);
	if (out->verb == NULL)
		return false;
	return parse_call(&words, out_stream, errors, out, status);
}

void
call_done(struct call *call)
{
	g_strfreev(call->args);
	g_strfreev(call->owners);
	g_strfreev(call->unsets);
	g_free(call->file);
	g_free(call->config);
	g_free(call->reason);
	g_free(call->timeout);
	g_free(call->delivery);
	g_free(call->off_by);
	g_free(call->language);
	g_free(call->name);
	g_free(call->format);
	g_free(call->from);
	g_free(call->client);
	g_free(call->helo);
	g_free(call->login);
	g_strfreev(call->evidence);
	*call = (struct call){ 0 };
}
