/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/header_rules_inside.h"

#include <string.h>

#include "core/base/banned.h"

#define NAMES_MAX 1000		/* in all rules */

static void
rule_done(void *data)
{
	struct rule *rule = data;

	g_free(rule->name);
	g_free(rule->to);
	g_free(rule->text);
}

struct reader {
	const char *at;
	unsigned int line;	/* of the rule that is read */
	unsigned int names;
	GArray *rules;
	struct err *err;
};

static enum err_code fail(struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum err_code
fail(struct reader *reader, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list ap;

	va_start(ap, format);
	what = g_strdup_vprintf(format, ap);
	va_end(ap);
	return err_set(reader->err, ERR_INVALID, "", "line %u: %s",
		       reader->line, what);
}

/* Behind line ends, empty rules and comments; *next: the line there. */
static void
skip_nothing(struct reader *reader, unsigned int *next)
{
	for (;;) {
		reader->at += strspn(reader->at, " \t;");
		if (*reader->at == '#')
			reader->at += strcspn(reader->at, "\n");
		if (*reader->at != '\n')
			return;
		reader->at++;
		++*next;
	}
}

/* Length of a rule: a quote may have ";" and "#" in it, not a line end. */
static size_t
rule_len(const char *text)
{
	bool quoted = false;
	size_t len;

	for (len = 0; text[len] != '\0' && text[len] != '\n'; len++) {
		if (text[len] == '\\' && quoted && text[len + 1] != '\0' &&
		    text[len + 1] != '\n')
			len++;
		else if (text[len] == '"')
			quoted = !quoted;
		else if (!quoted && (text[len] == ';' || text[len] == '#'))
			break;
	}
	return len;
}

/* RFC 5322 section 2.2 allows more; what it allows besides is a slip here. */
static bool
is_name(const char *name, bool may_be_open)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	if (len > HEADER_RULE_NAME_MAX)
		return false;
	if (may_be_open && strcmp(name + len, "*") == 0)
		return true;
	return len > 0 && name[len] == '\0';
}

/* Words, and between two of them blanks or a comma */
static char **
read_words(const char *text)
{
	g_auto(GStrv) parts = g_strsplit_set(text, " \t,", -1);
	g_autoptr(GStrvBuilder) words = g_strv_builder_new();

	for (char **part = parts; *part != NULL; part++)
		if ((*part)[0] != '\0')
			g_strv_builder_add(words, *part);
	return g_strv_builder_end(words);
}

static void
add_rule(struct reader *reader, enum action action, const char *name,
	 const char *to, const char *text)
{
	size_t len = strcspn(name, "*");
	struct rule rule = {
		.action = action, .name = g_strndup(name, len),
		.is_open = name[len] == '*', .text = g_strdup(text),
		.to = to != NULL ? g_strndup(to, strcspn(to, "*")) : NULL,
	};

	g_array_append_val(reader->rules, rule);
}

/* A name that stands for itself must be one that rules may be about. */
static enum err_code
check_name(struct reader *reader, const char *name)
{
	const char *why = rule_why_kept(name, strlen(name));

	if (++reader->names > NAMES_MAX)
		return fail(reader, "more than %d names", NAMES_MAX);
	if (!is_name(name, true))
		return fail(reader, "\"%.100s\" is no name of a field, such "
			    "as X-Spam-Score or X-Spam-*", name);
	if (why != NULL)
		return fail(reader, "no rule may be about %s: %s", name, why);
	return ERR_OK;
}

static enum err_code
read_names(struct reader *reader, enum action action, const char *text)
{
	g_auto(GStrv) words = read_words(text);

	if (words[0] == NULL)
		return fail(reader, "%s what? The name of a field is "
			    "expected, such as X-Spam-Score or X-Spam-*",
			    action == KEEP ? "keep" : "remove");
	for (char **word = words; *word != NULL; word++) {
		enum err_code rc = check_name(reader, *word);

		if (rc != ERR_OK)
			return rc;
		add_rule(reader, action, *word, NULL, NULL);
	}
	return ERR_OK;
}

/* A name that is to be given: the list may have no other key for it. */
static enum err_code
check_new(struct reader *reader, const char *name)
{
	enum err_code rc = check_name(reader, name);

	if (rc == ERR_OK && rule_is_not_added(name))
		return fail(reader, "%s cannot be added by a rule", name);
	return rc;
}

static enum err_code
read_rename(struct reader *reader, const char *text)
{
	g_auto(GStrv) words = read_words(text);
	enum err_code rc;

	if (g_strv_length(words) != 3 ||
	    g_ascii_strcasecmp(words[1], "to") != 0 ||
	    (strchr(words[0], '*') != NULL) !=
	    (strchr(words[2], '*') != NULL) || words[2][0] == '*')
		return fail(reader, "\"rename X-Old to X-New\" or \"rename "
			    "X-Old-* to X-New-*\" is expected");
	rc = check_name(reader, words[0]);
	if (rc == ERR_OK)
		rc = check_new(reader, words[2]);
	if (rc == ERR_OK)
		add_rule(reader, RENAME, words[0], words[2], NULL);
	return rc;
}

/* A quote, or words as they are; NULL: a quote that does not end, or with
 * something behind it. */
static char *
read_text(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (text[0] != '"')
		return g_strdup(text);
	for (text++; *text != '"'; text++) {
		if (text[0] == '\\' && (text[1] == '"' || text[1] == '\\'))
			text++;
		if (*text == '\0')
			return NULL;
		g_string_append_c(out, *text);
	}
	return text[1] == '\0' ? g_strdup(out->str) : NULL;
}

static bool
has_other_field(const char *text)
{
	for (; (text = strstr(text, "%{")) != NULL; text++)
		if (!g_str_has_prefix(text, HEADER_RULE_LIST))
			return true;
	return false;
}

static enum err_code
read_value(struct reader *reader, enum action action, const char *text)
{
	const char *colon = strchr(text, ':');
	g_autofree char *name = colon == NULL ? NULL :
		g_strstrip(g_strndup(text, (size_t)(colon - text)));
	g_autofree char *rest = colon == NULL ? NULL :
		g_strstrip(g_strdup(colon + 1));
	g_autofree char *value = colon == NULL ? NULL : read_text(rest);
	enum err_code rc;

	if (value == NULL || value[0] == '\0' || !is_name(name, false))
		return fail(reader, "\"%s X-Name: text\" or \"%s X-Name: "
			    "\"text\"\" is expected",
			    action == SET ? "set" : "add",
			    action == SET ? "set" : "add");
	rc = check_new(reader, name);
	if (rc != ERR_OK)
		return rc;
	if (strlen(value) > HEADER_RULE_TEXT_MAX)
		return fail(reader, "the text of %s has more than %d bytes",
			    name, HEADER_RULE_TEXT_MAX);
	if (has_other_field(value))
		return fail(reader, "%%{list} is the only field that a text "
			    "may have");
	add_rule(reader, action, name, NULL, value);
	return ERR_OK;
}

static enum err_code
read_rule(struct reader *reader, const char *rule)
{
	size_t len = strcspn(rule, " \t");
	g_autofree char *word = g_strndup(rule, len);
	const char *rest = rule + len + strspn(rule + len, " \t");

	if (reader->rules->len >= HEADER_RULES_MAX)
		return fail(reader, "there may be %d rules",
			    HEADER_RULES_MAX);
	if (g_ascii_strcasecmp(word, "keep") == 0)
		return read_names(reader, KEEP, rest);
	if (g_ascii_strcasecmp(word, "remove") == 0)
		return read_names(reader, REMOVE, rest);
	if (g_ascii_strcasecmp(word, "rename") == 0)
		return read_rename(reader, rest);
	if (g_ascii_strcasecmp(word, "set") == 0)
		return read_value(reader, SET, rest);
	if (g_ascii_strcasecmp(word, "add") == 0)
		return read_value(reader, ADD, rest);
	return fail(reader, "\"%.60s\": a rule begins with keep, remove, "
		    "rename, set or add", word);
}

static enum err_code
read_all(struct reader *reader)
{
	unsigned int next = 1;
	enum err_code rc = ERR_OK;

	for (;;) {
		g_autofree char *rule = NULL;
		size_t len;

		skip_nothing(reader, &next);
		if (*reader->at == '\0' || rc != ERR_OK)
			return rc;
		reader->line = next;
		len = rule_len(reader->at);
		rule = g_strstrip(g_strndup(reader->at, len));
		reader->at += len;
		rc = read_rule(reader, rule);
	}
}

enum err_code
header_rules_parse(const char *text, struct header_rules **out,
		   struct err *err)
{
	struct reader reader = {
		.at = text, .err = err,
		.rules = g_array_new(FALSE, FALSE, sizeof(struct rule)),
	};
	enum err_code rc;

	g_array_set_clear_func(reader.rules, rule_done);
	rc = read_all(&reader);
	if (rc != ERR_OK) {
		g_array_unref(reader.rules);
		return rc;
	}
	*out = g_new(struct header_rules, 1);
	(*out)->all = reader.rules;
	return ERR_OK;
}
