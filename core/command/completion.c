/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/completion.h"

#include <string.h>

#include "core/command/verbs.h"
#include "core/base/banned.h"

static bool
is_first_of_noun(const struct verb *at)
{
	return at == verbs || strcmp(at->noun, at[-1].noun) != 0;
}

static void
print_keys(FILE *out, const struct key *keys)
{
	for (; keys->name != NULL; keys++)
		(void) fprintf(out, " %s=", keys->name);
}

/* The words that may follow a noun and its verb. */
static void
print_cases(FILE *out)
{
	for (const struct verb *at = verbs; at->noun != NULL; at++) {
		bool is_set = at->verb != NULL &&
			(strcmp(at->verb, "set") == 0 ||
			 strcmp(at->verb, "create") == 0);

		(void) fprintf(out, "\t'%s%s%s') words=\"--help%s%s%s%s%s",
			       at->noun, at->verb != NULL ? " " : "",
			       at->verb != NULL ? at->verb : "",
			       at->takes & TAKES_JSON ? " --json" : "",
			       at->takes & TAKES_OWNER ? " --owner" : "",
			       at->takes & TAKES_UNSET ? " --unset" : "",
			       at->takes & TAKES_FILE ? " --file" : "",
			       at->takes & TAKES_DRY_RUN ? " --dry-run" : "");
		if (is_set)
			print_keys(out, strcmp(at->noun, "list") == 0 ?
				   list_keys : member_keys);
		(void) fputs("\" ;;\n", out);
	}
}

static void
print_nouns(FILE *out)
{
	(void) fputs("\tlocal nouns=\"", out);
	for (const struct verb *at = verbs; at->noun != NULL; at++)
		if (is_first_of_noun(at))
			(void) fprintf(out, "%s%s", at == verbs ? "" : " ",
				       at->noun);
	(void) fputs("\"\n", out);
}

static void
print_verbs(FILE *out)
{
	for (const struct verb *at = verbs; at->noun != NULL; at++) {
		if (at->verb == NULL)
			continue;
		if (is_first_of_noun(at))
			(void) fprintf(out, "\t%s) verbs=\"", at->noun);
		(void) fprintf(out, "%s%s", is_first_of_noun(at) ? "" : " ",
			       at->verb);
		if (at[1].noun == NULL || is_first_of_noun(at + 1))
			(void) fputs("\" ;;\n", out);
	}
}

void
completion_bash(FILE *out)
{
	(void) fputs("# bash completion of muster(1); made by \"muster "
		     "completion bash\"\n"
		     "_muster()\n{\n"
		     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verbs= words= "
		     "lists=\n"
		     "\tlocal noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]}\n",
		     out);
	print_nouns(out);
	(void) fputs("\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		     "\t\tCOMPREPLY=($(compgen -W \"$nouns --help "
		     "--version -c\" -- \"$cur\"))\n\t\treturn\n\tfi\n"
		     "\tcase $noun in\n", out);
	print_verbs(out);
	(void) fputs("\tesac\n"
		     "\tif [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$verbs\" ]; "
		     "then\n"
		     "\t\tCOMPREPLY=($(compgen -W \"$verbs --help\" -- "
		     "\"$cur\"))\n\t\treturn\n\tfi\n"
		     "\t[ -n \"$verbs\" ] && noun=\"$noun $verb\"\n"
		     "\tcase $noun in\n", out);
	print_cases(out);
	(void) fputs("\tesac\n"
		     "\tif [ \"$COMP_CWORD\" -eq 3 ]; then\n"
		     "\t\tcase $noun in\n"
		     "\t\tlist\\ *|member\\ *|policy\\ *)\n"
		     "\t\t\tlists=$(muster list ls 2>/dev/null | "
		     "cut -f1) ;;\n\t\tesac\n\tfi\n"
		     "\tCOMPREPLY=($(compgen -W \"$words $lists\" -- "
		     "\"$cur\"))\n"
		     "\tcase $noun in load|backup|'member add')\n"
		     "\t\tCOMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n"
		     "\tesac\n}\n"
		     "complete -o nospace -F _muster muster\n", out);
}
