/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "conf/keys.h"
#include "core/letter/plain.h"
#include "core/letter/source.h"
#include "core/letter/template.h"
#include "t/lib/tap.h"
#include "core/base/banned.h"

#define COLUMNS 72
#define HEAD "Subject: s\n\n"

static const struct template_kind *
kind_of(const char *name)
{
	const struct template_kind *kind = template_kind_find(name);

	g_assert_nonnull(kind);
	return kind;
}

/* --- mistakes ----------------------------------------------------------- */

static void
test_mistakes(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "", "f:1:1: the first line is to be \"Subject: ...\"" },
		{ "Hello\n", "f:1:1: the first line" },
		{ "Subject:\n\nx\n", "f:1:9: the subject is empty" },
		{ "Subject: x\ny\n", "f:2:1: an empty line is expected" },
		{ HEAD "a %{reason", "f:3:3: %{ has no }" },
		{ HEAD "a %{list.address\n}", "f:3:3: %{ has no }" },
		{ HEAD "\xc3\xbc %{reson}", "f:3:3: unknown field \"reson\"; "
		  "did you mean \"reason\"?" },
		{ HEAD "%{frobnicate}", "see \"muster template fields "
		  "held-rejected\"" },
		{ HEAD "%{}", "f:3:1: the name of a field is expected" },
		{ HEAD "%{?reason}\nx\n", "f:3:1: what begins with "
		  "%{?reason} is not ended by %{/}" },
		{ HEAD "x %{/}", "f:3:3: %{/} ends nothing" },
		{ HEAD "%{?reason}%{/reason}", "f:3:11: %{/} is expected" },
		{ "Subject: %{?reason}x\n\n%{/}\n", "f:1:10: what begins" },
		{ HEAD "a\x01" "b", "f:3:2: a control character (0x01)" },
		{ HEAD "a\xc2\x85", "f:3:2: a control character (0x85)" },
		{ HEAD "\xff", "f:1:1: this is no text in UTF-8" },
		{ HEAD "%{?reason}%{?reason}%{?reason}%{?reason}%{?reason}"
		  "%{?reason}%{?reason}%{?reason}%{?reason}",
		  "f:3:81: more than 8 parts" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct template *text = NULL;
		struct err err = ERR_INIT;

		g_assert_cmpint(template_parse("f", kind_of("held-rejected"),
					       cases[i].text, &text, &err),
				==, ERR_INVALID);
		g_assert_null(text);
		if (strstr(err.what, cases[i].want) == NULL)
			g_error("%s: got \"%s\", wanted \"%s\"",
				cases[i].text, err.what, cases[i].want);
	}
}

static void
see_mistake(const char *name, const char *text, const char *want)
{
	struct template *parsed = NULL;
	struct err err = ERR_INIT;

	g_assert_cmpint(template_parse("f", kind_of(name), text, &parsed,
				       &err), ==, ERR_INVALID);
	if (strstr(err.what, want) == NULL)
		g_error("got \"%s\", wanted \"%s\"", err.what, want);
}

static void
test_kinds(void)
{
	g_autofree char *line = g_strnfill(901, 'x');
	g_autofree char *wide = g_strconcat(HEAD, line, NULL);
	g_autofree char *fill = g_strnfill(TEMPLATE_TEXT_MAX, '\n');
	g_autofree char *large = g_strconcat(HEAD, fill, NULL);

	see_mistake("join-confirm", HEAD "hello",
		    "%{confirm.address} is missing: ");
	see_mistake("join-confirm", HEAD "%{?confirm.address}x%{/}",
		    "%{confirm.address} is missing: ");
	see_mistake("command-who", HEAD "%{members} and others",
		    "f:3:1: %{members} may have several lines");
	see_mistake("command-who", "Subject: %{members}\n\nx",
		    "cannot stand in the subject");
	see_mistake("already-member", HEAD "%{delivery.off}",
		    "delivery.off is yes or no");
	see_mistake("held-waiting", wide, "f:3:1: the line has more than");
	see_mistake("held-waiting", large, "f:1:1: the text has more than");
}

/* --- filling ------------------------------------------------------------ */

static char *
fill(const char *name, const char *text, GHashTable *values,
     char **subject_out)
{
	struct template *parsed = NULL;
	struct err err = ERR_INIT;
	char *body;

	if (template_parse("f", kind_of(name), text, &parsed, &err) != ERR_OK)
		g_error("%s", err.what);
	template_fill(parsed, values, subject_out, &body);
	template_free(parsed);
	return body;
}

static GHashTable *
values_new(const char *name, const char *value, ...)
{
	GHashTable *values = g_hash_table_new(g_str_hash, g_str_equal);
	va_list ap;

	va_start(ap, value);
	while (name != NULL) {
		g_hash_table_insert(values, (void *)(uintptr_t)name,
				    (void *)(uintptr_t)value);
		name = va_arg(ap, const char *);
		value = name != NULL ? va_arg(ap, const char *) : NULL;
	}
	va_end(ap);
	return values;
}

#define INVITE "%{confirm.address}"

static void
see_invite(GHashTable *values, const char *text, const char *want)
{
	g_autofree char *whole = g_strconcat(HEAD, text, "%{?by}" INVITE
					     "%{/}", NULL);
	g_autofree char *subject = NULL;
	g_autofree char *body = fill("invite", whole, values, &subject);

	g_assert_cmpstr(body, ==, want);
}

static void
test_fields(void)
{
	g_autoptr(GHashTable) values = values_new(
		"expires", "tomorrow", "note", "one\n\n  two\n",
		"list.name", "dev", NULL);

	see_invite(values, "at %{expires}.\n", "at tomorrow.\n");
	see_invite(values, "%{list.description|none at all}\n",
		   "none at all\n");
	see_invite(values, "100%% and 5 %, %{list.name}\n",
		   "100% and 5 %, dev\n");
	see_invite(values, "a%{?expires} b%{/}%{!expires} c%{/}\n", "a b\n");
	see_invite(values, "a%{?confirm.url} b%{/}%{!confirm.url} c%{/}\n",
		   "a c\n");
	see_invite(values, "a%{?confirm.url} b\nc%{/}, d\n", "a, d\n");
	see_invite(values, "a\n\n%{?confirm.url}\nb\n\nb\n%{/}\n\nc\n",
		   "a\n\nc\n");
	see_invite(values, "a\n%{?expires}\n%{?confirm.url}\nb\n%{/}\nc\n"
		   "%{/}\n", "a c\n");
	see_invite(values, "  | %{note}\n", "  | one\n  |\n  |   two\n");
	see_invite(values, "x\n%{note}\ny\n", "x\none\n\n  two\ny\n");
	see_invite(values, "  %{?confirm.url}URL: %{confirm.url}%{/}\nx\n",
		   "x\n");
	see_invite(values, "%{confirm.url}\n", "");
}

static void
test_paragraphs(void)
{
	g_autofree char *word = g_strnfill(40, 'x');
	g_autofree char *addr = g_strnfill(100, 'y');
	g_autoptr(GHashTable) values = values_new(
		"expires", word, "confirm.url", addr, "by", "", NULL);
	g_autofree char *two = g_strdup_printf("%s\n%s\n", word, word);
	g_autofree char *kept = g_strdup_printf("  %s %s\n", word, word);
	g_autofree char *alone = g_strdup_printf("see\n%s\nthere\n", addr);

	see_invite(values, "a\n   b\nc d\n", "a\n   b\nc d\n");
	see_invite(values, "a\nb\n\nc\n\n\n\nd", "a b\n\nc\n\nd\n");
	see_invite(values, "%{expires} %{expires}\n", two);
	see_invite(values, "  %{expires} %{expires}\n", kept);
	see_invite(values, "see\n%{confirm.url}\nthere\n", alone);
	see_invite(values, "- a\n- b\n> c\nd\n--\ne\n",
		   "- a\n- b\n> c\nd\n--\ne\n");
}

/* Each of these characters takes two columns. */
static void
test_wide(void)
{
	g_autoptr(GHashTable) values = values_new(NULL, NULL);
	g_autofree char *subject = NULL, *body = NULL;
	GString *text = g_string_new(HEAD);

	for (int i = 0; i < 30; i++)
		g_string_append(text, "\xe8\xa9\xb1\xe8\xa9\xb1 ");
	body = fill("held-waiting", text->str, values, &subject);
	g_assert_cmpuint(strcspn(body, "\n"), ==, 14 * 7 - 1);
	g_string_free(text, TRUE);
}

static void
test_hostile(void)
{
	g_autoptr(GHashTable) values = values_new(
		"reason", "a\r\nBcc: x@example.net\r\n\r\n%{list.owner} "
		"\x1b[2J\xe2\x80\xae" "b\xff" "c\xc2\x9b",
		"subject", "hi\r\nBcc: y@example.net\r\n%{?reason}", NULL);
	g_autofree char *subject = NULL;
	g_autofree char *body = fill("held-rejected", "Subject: Re: "
				     "%{subject}\n\n%{reason}\n", values,
				     &subject);

	g_assert_cmpstr(subject, ==, "Re: hi  Bcc: y@example.net  "
			"%{?reason}");
	g_assert_cmpstr(body, ==, "a Bcc: x@example.net %{list.owner} [2Jb"
			"\xef\xbf\xbd" "c\n");
}

static void
test_long(void)
{
	g_autofree char *much = g_strnfill(400000, 'x');
	g_autoptr(GHashTable) values = values_new("members", much, "count",
						  much, NULL);
	g_autofree char *subject = NULL;
	g_autofree char *body = fill("command-who", "Subject: %{count}\n\n"
				     "%{members}\n", values, &subject);

	g_assert_cmpuint(strlen(subject), ==, 300);
	g_assert_cmpuint(strlen(body), <=, 1000);
}

static void
test_plain(void)
{
	g_autofree char *line = plain_line(" \ta\nb\x7f" "c\xe2\x80\xa8 ", 9);
	g_autofree char *cut = plain_line("\xc3\xbc\xc3\xbc\xc3\xbc", 2);
	g_autofree char *lines = plain_lines("a \r\n b\x1b\n\n\n", 99);
	g_autofree char *many = plain_lines("a\nb\nc\nd\n", 3);

	g_assert_cmpstr(line, ==, "a bc");
	g_assert_cmpstr(cut, ==, "\xc3\xbc\xc3\xbc");
	g_assert_cmpstr(lines, ==, "a\n b");
	g_assert_cmpstr(many, ==, "a\nb\n[...]");
}

/* --- what is shipped ---------------------------------------------------- */

typedef void (*text_visit)(const struct template_kind *kind,
			   const char *language, const char *text);

static void
for_each_text(text_visit visit)
{
	for (const struct template_kind *kind = template_kinds;
	     kind->name != NULL; kind++)
		for (const char *const *language = template_languages;
		     *language != NULL; language++) {
			const char *text = template_shipped(kind->name,
							    *language);

			if (text == NULL)
				g_error("%s has no %s", *language,
					kind->name);
			visit(kind, *language, text);
		}
}

static void
see_parsed(const struct template_kind *kind, const char *language,
	   const char *text)
{
	g_autofree char *file = g_strconcat(language, "/", kind->name, NULL);
	struct template *parsed = NULL;
	struct err err = ERR_INIT;

	if (template_parse(file, kind, text, &parsed, &err) != ERR_OK)
		g_error("%s", err.what);
	template_free(parsed);
}

static void
test_shipped(void)
{
	for_each_text(see_parsed);
}

static void
see_columns(const char *file, const char *body)
{
	g_auto(GStrv) lines = g_strsplit(body, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		g_autofree char *text = g_strstrip(g_strdup(*line));
		bool words = strchr(text, ' ') != NULL;

		/* set lines are as long as whoever wrote them likes */
		if (words && g_utf8_strlen(*line, -1) >
		    (strchr(" -", **line) != NULL ? 78 : COLUMNS))
			g_error("%s: \"%s\"", file, *line);
		if (g_str_has_suffix(*line, " "))
			g_error("%s: blanks at the end of \"%s\"", file,
				*line);
	}
}

/* All that must be there is in the letter, and it says whom to ask. */
static void
see_example(const struct template_kind *kind, const char *language,
	    const char *text)
{
	g_autofree char *file = g_strconcat(language, "/", kind->name, NULL);
	g_autoptr(GHashTable) values = template_example(kind);
	g_autofree char *subject = NULL;
	g_autofree char *body = fill(kind->name, text, values, &subject);

	g_assert_true(g_utf8_validate(body, -1, NULL));
	see_columns(file, body);
	for (const struct template_field *field = kind->fields;
	     field->name != NULL; field++)
		if (field->must && field->type != FIELD_LINES &&
		    strstr(body, field->example) == NULL)
			g_error("%s: no %s in:\n%s", file, field->name, body);
	if (kind->is_part)
		return;
	g_assert_cmpuint(strlen(subject), >, 4);
	if (strstr(body, "dev-owner@lists.example.org") == NULL)
		g_error("%s does not say whom to ask", file);
}

/* With nothing known but what must be, there is neither a hole nor a line that waits for one:
 * no two blanks, no " ." and no "()" */
static void
see_empty(const struct template_kind *kind, const char *language,
	  const char *text)
{
	g_autofree char *file = g_strconcat(language, "/", kind->name, NULL);
	g_autoptr(GHashTable) values = template_example(kind);
	g_autofree char *subject = NULL, *body = NULL;

	for (const struct template_field *field = kind->fields;
	     field->name != NULL; field++)
		if (!field->must)
			g_hash_table_remove(values, field->name);
	(void) g_hash_table_remove(values, "list.description");
	body = fill(kind->name, text, values, &subject);
	see_columns(file, body);
	if (strstr(body, "()") != NULL || strstr(body, "( ") != NULL ||
	    strstr(body, "\n\n\n") != NULL || strstr(body, " ,") != NULL)
		g_error("%s: a hole in:\n%s", file, body);
	g_assert_false(strstr(body, "%{") != NULL);
}

static void
test_examples(void)
{
	for_each_text(see_example);
	for_each_text(see_empty);
}

/* Does it have "%{name}", "%{name|...}", "%{?name}" or "%{!name}"? */
static bool
mentions(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; (p = strstr(p, "%{")) != NULL;) {
		p += 2;
		p += strspn(p, "?!");
		if (strncmp(p, name, len) == 0 && strchr("}|", p[len]) != NULL)
			return true;
	}
	return false;
}

/* What one language says about a letter, each does. */
static void
see_same_fields(const struct template_kind *kind, const char *language,
		const char *text)
{
	const char *english = template_shipped(kind->name, "en");

	for (const struct template_field *field = kind->fields;
	     field->name != NULL; field++)
		if (mentions(english, field->name) !=
		    mentions(text, field->name))
			g_error("%s/%s and English differ about %s", language,
				kind->name, field->name);
}

static void
test_same(void)
{
	for_each_text(see_same_fields);
}

static void
test_table(void)
{
	const char *last = "";

	for (const struct template_kind *kind = template_kinds;
	     kind->name != NULL; kind++) {
		g_autofree char *key = template_setting(kind->name, "de");
		g_autofree char *name = NULL, *language = NULL;

		g_assert_cmpstr(kind->name, >, last);
		last = kind->name;
		g_assert_true(template_setting_read(key, &name, &language));
		g_assert_cmpstr(name, ==, kind->name);
		g_assert_cmpstr(language, ==, "de");
		for (const struct template_field *field = kind->fields;
		     field->name != NULL; field++)
			g_assert_cmpuint(strspn(field->name,
						"abcdefghijklmnopqrstuvwxyz."),
					 ==, strlen(field->name));
	}
}

static void
test_languages(void)
{
	static const char *const good[] = { "de", "pt-br", "zh-hant-tw",
					    "gsw", "de-1996" };
	static const char *const bad[] = { "", "d", "DE", "de-", "de_at",
					   "d1", "../x", "de/x" };

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(key_is_language(good[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(key_is_language(bad[i]));
	g_assert_true(key_of_setting("template/a-b/de") == &template_key);
	g_assert_null(key_of_setting("template/a_b/de"));
	g_assert_null(key_of_setting("template//de"));
	g_assert_null(key_of_setting("template/a/b/de"));
	g_assert_null(key_of_setting("template"));
	g_assert_cmpstr(key_of_setting("language")->name, ==, "language");
}

static const struct tap_case cases[] = {
	{ "a mistake has its line and column", test_mistakes },
	{ "each kind has its own rules", test_kinds },
	{ "fields, defaults, and parts that vanish", test_fields },
	{ "paragraphs are filled, set lines are kept", test_paragraphs },
	{ "wide letters count twice", test_wide },
	{ "a value is a value, whatever is in it", test_hostile },
	{ "values have limits", test_long },
	{ "text from outside is made plain", test_plain },
	{ "all languages have all texts, without mistakes", test_shipped },
	{ "each text says what it must, and whom to ask", test_examples },
	{ "all languages say the same", test_same },
	{ "the table is in order", test_table },
	{ "names of languages and of settings", test_languages },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run("template", cases);
}
