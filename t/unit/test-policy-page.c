/* SPDX-License-Identifier: BSD-2-Clause */

/* muster-policy(5) says what the tables say, and what it shows is good. */
#include <string.h>

#include "core/moderate/policy.h"
#include "t/lib/tap.h"

/* The page, with the escapes of roff taken off */
static char *
read_page(void)
{
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *path = g_build_filename(src != NULL ? src : ".",
		"core", "moderate", "muster-policy.5", NULL);
	g_autofree char *text = NULL;
	GString *page;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	if (text == NULL)
		return g_strdup("");
	page = g_string_new(text);
	(void) g_string_replace(page, "\\e", "\\", 0);
	return g_string_free(page, FALSE);
}

/* From one line on to another; the caller frees, "" if there is none. */
static char *
part(const char *page, const char *from, const char *to)
{
	g_autofree char *from_line = g_strdup_printf("\n%s\n", from);
	const char *start = strstr(page, from_line), *end;

	if (start == NULL)
		return g_strdup("");
	start += strlen(from_line);
	end = strstr(start, to);
	return end == NULL ? g_strdup(start) :
		g_strndup(start, (gsize)(end - start));
}

static char *
one_line(const char *text)
{
	char *line = g_strdup(text);

	return g_strstrip(g_strdelimit(line, "\n", ' '));
}

static const char *
argument_text(const struct fact *fact)
{
	return fact->argument == ARG_TEXT ? "(name)" :
		fact->argument == ARG_DURATION ? "(duration)" : "";
}

static const char *const type_names[] = {
	[FACT_BOOL] = "yes or no", [FACT_NUMBER] = "number",
	[FACT_DURATION] = "duration", [FACT_TIME] = "time",
	[FACT_TEXT] = "text", [FACT_TEXTS] = "texts",
	[FACT_PERSON] = "addresses",
};
static const char *const step_heads[] = {
	[STEP_CONNECT] = ".Ss Known when the client connects",
	[STEP_HELO] = ".Ss Known at HELO",
	[STEP_MAIL] = ".Ss Known at MAIL",
	[STEP_RCPT] = ".Ss Known at RCPT",
	[STEP_HEADERS] = ".Ss Known at the end of the header",
	[STEP_END] = ".Ss Known at the end of the post",
};

static void
test_facts(void)
{
	g_autofree char *page = read_page();

	for (size_t i = 0; i < FACT_COUNT; i++) {
		const struct fact *fact = &fact_table[i];
		g_autofree char *section = part(page, step_heads[fact->step],
						"\n.El");
		g_autofree char *head = g_strdup_printf(
			".It Va %s%s Pq %s", fact->name, argument_text(fact),
			type_names[fact->type]);
		g_autofree char *text = part(section, head, "\n.It");
		g_autofree char *line = one_line(text);

		if (strcmp(line, fact->help) != 0)
			g_test_message("%s", head);
		g_assert_cmpstr(line, ==, fact->help);
	}
}

/* And nothing but facts stands there. */
static void
test_only_facts(void)
{
	g_autofree char *page = read_page();
	g_autofree char *section = part(page, ".Sh FACTS", "\n.Sh ");
	size_t count = 0;

	for (const char *p = section; (p = strstr(p, "\n.It ")) != NULL; p++)
		count++;
	g_assert_cmpuint(count, ==, FACT_COUNT);
}

/* Tabs are shown as eight blanks. */
static char *
shown(const char *text)
{
	GString *out = g_string_new(text);

	(void) g_string_replace(out, "\t", "        ", 0);
	return g_string_free(out, FALSE);
}

static void
test_presets(void)
{
	g_autofree char *page = read_page();

	for (size_t i = 0; policy_preset_names[i] != NULL; i++) {
		g_autofree char *head = g_strdup_printf(
			".Ss %s", policy_preset_names[i]);
		g_autofree char *section = part(page, head, ".Ed\n");
		g_autofree char *text = part(section,
			".Bd -literal -offset indent", ".Ed");
		g_autofree char *preset =
			shown(policy_preset(policy_preset_names[i]));

		g_assert_cmpstr(text, ==, preset);
	}
}

static guint
check_examples(const char *section)
{
	g_auto(GStrv) blocks = g_strsplit(section,
					  ".Bd -literal -offset indent\n", -1);
	guint count = 0;

	for (char **block = blocks + (blocks[0] != NULL); *block != NULL;
	     block++) {
		char *end = strstr(*block, ".Ed");
		struct err err = ERR_INIT;

		if (end != NULL)
			*end = '\0';
		if (g_str_has_prefix(*block, "muster ") ||
		    strstr(*block, "ACTION") != NULL)
			continue;
		g_assert_cmpint(policy_check("example", *block, &err), ==,
				ERR_OK);
		g_assert_cmpstr(err.what, ==, "");
		count++;
	}
	return count;
}

static void
test_examples(void)
{
	g_autofree char *page = read_page();
	g_autofree char *head = part(page, ".Sh DESCRIPTION", "\n.Sh FACTS");
	g_autofree char *section = part(page, ".Sh EXAMPLES", "\n.Sh ");

	g_assert_cmpuint(check_examples(head), ==, 1);
	g_assert_cmpuint(check_examples(section), >=, 8);
}

static void
test_limits(void)
{
	const int limits[] = {
		POLICY_TEXT_MAX, POLICY_RULES_MAX, POLICY_DEPTH_MAX,
		POLICY_REGEX_MAX, POLICY_STRING_MAX - 2
	};
	g_autofree char *page = read_page();
	g_autofree char *section = part(page, ".Ss Limits", "\n.S");

	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
		g_autofree char *number = g_strdup_printf(" %d ", limits[i]);

		g_strdelimit(section, "\n", ' ');
		if (strstr(section, number) == NULL)
			g_assert_cmpstr(section, ==, number);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "every fact is in the page, as in the table", test_facts },
		{ "and nothing but facts", test_only_facts },
		{ "presets stand there as they are", test_presets },
		{ "examples parse", test_examples },
		{ "limits are those of the code", test_limits },
		{ NULL, NULL },
	};

	return tap_run("policy-page", cases);
}
