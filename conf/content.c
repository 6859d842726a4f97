/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/content.h"

#include <string.h>

#include "conf/settings.h"
#include "core/base/banned.h"

#define WORD_MAX 200		/* bytes */

struct reader {
	const char *at;
	char *word;		/* NULL at the end of a rule */
	bool is_quoted;
	char mark;		/* , < > "; ';' at the end of a rule, '\0'
				 * at the end of all; 'w': a word */
	unsigned int rule;	/* which, from 1 */
	struct err *err;
};

/* --- words -------------------------------------------------------------- */

static void
skip(struct reader *r)
{
	for (;;) {
		r->at += strspn(r->at, " \t\r");
		if (*r->at != '#')
			return;
		r->at += strcspn(r->at, "\n");
	}
}

static void
next(struct reader *r)
{
	size_t len;

	skip(r);
	g_clear_pointer(&r->word, g_free);
	r->is_quoted = *r->at == '"' && strchr(r->at + 1, '"') != NULL;
	if (r->is_quoted) {
		len = strcspn(++r->at, "\"");
		r->word = g_strndup(r->at, len);
		r->at += len + 1;
		r->mark = 'w';
		return;
	}
	len = strcspn(r->at, " \t\r\n,;<>\"");
	if (len > 0) {
		r->word = g_strndup(r->at, len);
		r->at += len;
		r->mark = 'w';
		return;
	}
	r->mark = *r->at == '\n' ? ';' : *r->at;
	r->at += *r->at != '\0';
}

static bool
is_word(const struct reader *r, const char *word)
{
	return r->mark == 'w' && !r->is_quoted &&
		g_ascii_strcasecmp(r->word, word) == 0;
}

static bool
is_end(const struct reader *r)
{
	return r->mark == ';' || r->mark == '\0';
}

static enum err_code
expect(const struct reader *r, const char *what)
{
	char mark[2] = { r->mark, '\0' };

	if (is_end(r))
		return err_set(r->err, ERR_INVALID, "", "rule %u of content "
			       "ends where %s is expected", r->rule, what);
	if (r->mark == '"')
		return err_set(r->err, ERR_INVALID, "", "rule %u of content "
			       "has a \" that no other follows", r->rule);
	return err_set(r->err, ERR_INVALID, "", "rule %u of content: \"%.100s\""
		       " where %s is expected", r->rule,
		       r->mark == 'w' ? r->word : mark, what);
}

/* --- conditions --------------------------------------------------------- */

/* "text" is "text/" and anything. NULL: it is no pattern of types. */
static char *
type_pattern(const char *word)
{
	const char *slash = strchr(word, '/');
	g_autofree char *folded = filter_fold(word);

	if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			"!#$&^_.+-*/")] != '\0' ||
	    (slash != NULL && (slash == word || slash[1] == '\0' ||
			       strchr(slash + 1, '/') != NULL)))
		return NULL;
	if (slash == NULL && strcmp(word, "*") != 0)
		return g_strconcat(folded, "/*", NULL);
	return g_steal_pointer(&folded);
}

static enum err_code
read_pattern(struct reader *r, struct filter_test *test, GStrvBuilder *out)
{
	const bool is_type = test->what == FILTER_TYPE;
	g_autofree char *pattern = NULL;

	if (r->mark == 'w' && strlen(r->word) <= WORD_MAX && r->word[0] != '\0')
		pattern = is_type ? type_pattern(r->word) :
			filter_fold(r->word);
	if (pattern == NULL || pattern[0] == '\0')
		return expect(r, is_type ? "a type such as image/png, image "
			      "or application/x-*" :
			      "a file name such as *.exe");
	g_strv_builder_add(out, pattern);
	next(r);
	return ERR_OK;
}

static enum err_code
read_patterns(struct reader *r, struct filter_test *test)
{
	g_autoptr(GStrvBuilder) patterns = g_strv_builder_new();
	enum err_code rc;

	for (;;) {
		next(r);
		rc = read_pattern(r, test, patterns);
		if (rc != ERR_OK)
			return rc;
		if (r->mark != ',')
			break;
	}
	test->patterns = g_strv_builder_end(patterns);
	return ERR_OK;
}

static enum err_code
read_size(struct reader *r, struct filter_test *test)
{
	next(r);
	if (r->mark != '>' && r->mark != '<')
		return expect(r, "> or <");
	test->what = r->mark == '>' ? FILTER_LARGER : FILTER_SMALLER;
	next(r);
	if (r->mark != 'w' || !value_size(r->word, &test->size))
		return expect(r, "a size such as 400k or 2M");
	next(r);
	return ERR_OK;
}

static enum err_code
read_test(struct reader *r, struct filter_test *test)
{
	test->negated = is_word(r, "not");
	if (test->negated)
		next(r);
	if (is_word(r, "size"))
		return read_size(r, test);
	if (!is_word(r, "type") && !is_word(r, "name") && !is_word(r, "holds"))
		return expect(r, "type, name, holds or size");
	test->what = is_word(r, "type") ? FILTER_TYPE :
		is_word(r, "name") ? FILTER_NAME : FILTER_HOLDS;
	return read_patterns(r, test);
}

/* --- rules -------------------------------------------------------------- */

static enum err_code
read_action(struct reader *r, enum filter_action *out)
{
	static const char *const words[] = { "pass", "remove", "replace" };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (is_word(r, words[i])) {
			*out = (enum filter_action)i;
			next(r);
			return ERR_OK;
		}
	return expect(r, "pass, remove, replace or default");
}

static enum err_code
read_rule(struct reader *r, struct filter_rule *rule)
{
	enum err_code rc = read_action(r, &rule->action);

	if (rc == ERR_OK && is_end(r))
		return err_set(r->err, ERR_INVALID, "", "rule %u of content "
			       "does not say for what: type, name, holds or "
			       "size; for all the rest write \"default ...\"",
			       r->rule);
	while (rc == ERR_OK) {
		if (rule->count == FILTER_TESTS_MAX)
			return err_set(r->err, ERR_INVALID, "", "rule %u of "
				       "content has more than %d conditions",
				       r->rule, FILTER_TESTS_MAX);
		rc = read_test(r, &rule->tests[rule->count++]);
		if (rc != ERR_OK || is_end(r))
			break;
		if (!is_word(r, "and"))
			return expect(r, "\"and\", or \";\" before the next "
				      "rule,");
		next(r);
	}
	return rc;
}

static enum err_code
read_default(struct reader *r, struct filter_policy *out)
{
	enum err_code rc;

	next(r);
	rc = read_action(r, &out->otherwise);
	return rc != ERR_OK || is_end(r) ? rc : expect(r, "the end of the "
						       "rule");
}

static enum err_code
read_rules(struct reader *r, struct filter_policy *out)
{
	bool has_default = false;
	enum err_code rc = ERR_OK;

	for (next(r); rc == ERR_OK; next(r)) {
		struct filter_rule rule = { 0 };

		if (r->mark == '\0')
			break;
		if (r->mark == ';')
			continue;
		r->rule++;
		if (has_default)
			return err_set(r->err, ERR_INVALID, "", "rule %u of "
				       "content is never asked: \"default\" "
				       "is before it", r->rule);
		if (r->rule > FILTER_RULES_MAX)
			return err_set(r->err, ERR_INVALID, "", "content has "
				       "more than %d rules",
				       FILTER_RULES_MAX);
		has_default = is_word(r, "default");
		if (has_default) {
			rc = read_default(r, out);
		} else {
			rc = read_rule(r, &rule);
			g_array_append_val(out->rules, rule);
		}
		if (r->mark == '\0')
			break;
	}
	return rc;
}

enum err_code
content_parse(const char *text, struct filter_policy *out, struct err *err)
{
	struct reader r = { .at = text, .err = err };
	enum err_code rc;

	out->rules = g_array_new(FALSE, FALSE, sizeof(struct filter_rule));
	out->otherwise = FILTER_PASS;
	rc = read_rules(&r, out);
	g_free(r.word);
	return rc;
}

/* --- printing ----------------------------------------------------------- */

static void
print_mark(const struct reader *r, GString *out)
{
	const char *quote = r->is_quoted ? "\"" : "";

	if (r->mark == ';' || r->mark == ',') {
		g_string_append_c(out, r->mark);
		return;
	}
	if (out->len > 0)
		g_string_append_c(out, ' ');
	if (r->mark == 'w')
		g_string_append_printf(out, "%s%s%s", quote, r->word, quote);
	else
		g_string_append_c(out, r->mark);
}

char *
content_print(const char *text)
{
	struct reader r = { .at = text };
	GString *out = g_string_new(NULL);
	bool ended = true;

	for (next(&r); r.mark != '\0'; next(&r)) {
		if (r.mark != ';' || !ended)
			print_mark(&r, out);
		ended = r.mark == ';';
	}
	g_free(r.word);
	if (g_str_has_suffix(out->str, ";"))
		g_string_truncate(out, out->len - 1);
	return g_string_free(out, FALSE);
}
