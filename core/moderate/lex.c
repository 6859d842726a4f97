/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <stdarg.h>
#include <string.h>

#include "core/base/banned.h"

#define DIGITS_MAX 9	/* of a number; times G that is within 64 bits */

unsigned int
lex_line(const struct lexer *lexer, size_t at)
{
	unsigned int line = 1;

	for (size_t i = 0; i < at; i++)
		line += lexer->text[i] == '\n';
	return line;
}

enum err_code
lex_fail(const struct lexer *lexer, size_t at, const char *format, ...)
{
	const char *start = lexer->text + at;
	g_autofree char *what = NULL;
	va_list ap;
	long column;

	while (start > lexer->text && start[-1] != '\n')
		start--;
	column = g_utf8_pointer_to_offset(start, lexer->text + at) + 1;
	va_start(ap, format);
	what = g_strdup_vprintf(format, ap);
	va_end(ap);
	return err_set(lexer->err, ERR_INVALID, "", "%s:%u:%ld: %s",
		       lexer->name, lex_line(lexer, at), column, what);
}

char *
lex_slice(const struct lexer *lexer)
{
	return g_strndup(lexer->text + lexer->token.from,
			 lexer->token.to - lexer->token.from);
}

/* Long words are cut: what is wrong with them shows at their start. */
char *
lex_found(const struct lexer *lexer)
{
	g_autofree char *slice = NULL, *cut = NULL;

	if (lexer->token.kind == TOKEN_END)
		return g_strdup("the end of the text");
	slice = lex_slice(lexer);
	if (lexer->token.kind == TOKEN_STRING)
		return g_strdup("a text");
	if (g_utf8_strlen(slice, -1) <= 40)
		return g_strdup_printf("\"%s\"", slice);
	cut = g_utf8_substring(slice, 0, 40);
	return g_strdup_printf("\"%s...\"", cut);
}

bool
lex_is(const struct lexer *lexer, const char *word)
{
	size_t len = lexer->token.to - lexer->token.from;

	return lexer->token.kind == TOKEN_WORD && strlen(word) == len &&
		strncmp(lexer->text + lexer->token.from, word, len) == 0;
}

char
lex_unescape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '%':
		return c;
	case 'n':
		return '\n';
	default:
		return '\0';
	}
}

static void
skip_blank(struct lexer *lexer)
{
	for (;;) {
		size_t blanks = strspn(lexer->text + lexer->at, " \t\r\n");

		lexer->at += blanks;
		if (lexer->text[lexer->at] != '#')
			return;
		lexer->at += strcspn(lexer->text + lexer->at, "\n");
	}
}

/* From a quote or slash to its partner, in one line. strchr() finds the end of
 * the text too. */
static enum err_code
lex_delimited(struct lexer *lexer, enum token_kind kind, const char *noun)
{
	const char *text = lexer->text;
	size_t i = lexer->at + 1;
	char end = text[lexer->at];

	while (text[i] != end) {
		if (text[i] == '\\' && strchr("\r\n", text[i + 1]) == NULL)
			i++;
		else if (strchr("\r\n", text[i]) != NULL)
			return lex_fail(lexer, lexer->at, "the %s that begins "
					"here has no closing %c in its line",
					noun, end);
		i++;
	}
	lexer->token.kind = kind;
	lexer->token.to = i + 1;
	if (kind == TOKEN_REGEX && text[i + 1] == 'i')
		lexer->token.to++;
	return ERR_OK;
}

static bool
is_word_char(char c)
{
	return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
}

static enum err_code
lex_word(struct lexer *lexer)
{
	size_t to = lexer->at;

	while (is_word_char(lexer->text[to]))
		to++;
	lexer->token.kind = TOKEN_WORD;
	lexer->token.to = to;
	return ERR_OK;
}

/* HH:MM, up to 24:00, the end of the day */
static bool
read_time(const char *word, int64_t *out)
{
	char *end;
	guint64 hour = g_ascii_strtoull(word, &end, 10), minute;
	size_t digits = (size_t)(end - word);

	if (digits < 1 || digits > 2 || *end != ':' ||
	    strspn(end + 1, "0123456789") != 2 || end[3] != '\0')
		return false;
	minute = g_ascii_strtoull(end + 1, NULL, 10);
	*out = (int64_t)(hour * 60 + minute);
	return minute < 60 && *out <= 24 * 60;
}

static bool
read_status(const char *word)
{
	size_t first = strspn(word, "0123456789"), second, third;

	if (first != 1 || word[1] != '.')
		return false;
	second = strspn(word + 2, "0123456789");
	if (second < 1 || second > 3 || word[2 + second] != '.')
		return false;
	third = strspn(word + 3 + second, "0123456789");
	return third >= 1 && third <= 3 && word[3 + second + third] == '\0';
}

/* What stands behind the digits */
static bool
read_unit(const char *unit, enum token_kind *kind_out, int64_t *factor_out)
{
	static const struct {
		char unit;
		enum token_kind kind;
		int64_t factor;
	} units[] = {
		{ 'k', TOKEN_NUMBER, 1 << 10 }, { 'M', TOKEN_NUMBER, 1 << 20 },
		{ 'G', TOKEN_NUMBER, 1 << 30 }, { 's', TOKEN_DURATION, 1 },
		{ 'm', TOKEN_DURATION, 60 }, { 'h', TOKEN_DURATION, 3600 },
		{ 'd', TOKEN_DURATION, 86400 },
		{ 'w', TOKEN_DURATION, 7 * 86400 },
	};

	if (unit[0] == '\0') {
		*kind_out = TOKEN_NUMBER;
		*factor_out = 1;
		return true;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
		if (units[i].unit == unit[0] && unit[1] == '\0') {
			*kind_out = units[i].kind;
			*factor_out = units[i].factor;
			return true;
		}
	return false;
}

static enum err_code
lex_number(struct lexer *lexer)
{
	g_autofree char *word = NULL;
	struct token *token = &lexer->token;
	size_t digits;
	int64_t factor;

	token->to = lexer->at;
	while (is_word_char(lexer->text[token->to]) ||
	       lexer->text[token->to] == ':')
		token->to++;
	word = lex_slice(lexer);
	digits = strspn(word, "0123456789");
	token->kind = TOKEN_TIME;
	if (read_time(word, &token->number))
		return ERR_OK;
	token->kind = TOKEN_STATUS;
	if (read_status(word))
		return ERR_OK;
	if (!read_unit(word + digits, &token->kind, &factor))
		return lex_fail(lexer, lexer->at, "\"%.40s\" is no number (10, "
				"400k, 5M, 1G), no duration (30s, 5m, 2h, 3d, "
				"1w) and no time (22:00)", word);
	if (digits > DIGITS_MAX)
		return lex_fail(lexer, lexer->at, "this number has more than "
				"%d digits", DIGITS_MAX);
	token->number = g_ascii_strtoll(word, NULL, 10) * factor;
	return ERR_OK;
}

static enum err_code
lex_sign(struct lexer *lexer)
{
	static const struct {
		const char *sign;
		enum token_kind kind;
	} signs[] = {
		{ "==", TOKEN_EQ }, { "!=", TOKEN_NE }, { "=~", TOKEN_MATCH },
		{ "!~", TOKEN_NOT_MATCH }, { "<=", TOKEN_LE },
		{ ">=", TOKEN_GE }, { "<", TOKEN_LT }, { ">", TOKEN_GT },
		{ "(", TOKEN_OPEN }, { ")", TOKEN_CLOSE },
		{ ",", TOKEN_COMMA },
	};
	const char *at = lexer->text + lexer->at;

	for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
		if (strncmp(at, signs[i].sign, strlen(signs[i].sign)) == 0) {
			lexer->token.kind = signs[i].kind;
			lexer->token.to += strlen(signs[i].sign);
			return ERR_OK;
		}
	if (at[0] == '=')
		return lex_fail(lexer, lexer->at, "\"=\" is no comparison; "
				"write \"==\" for is equal, \"=~\" for "
				"matches");
	if (at[0] == '!')
		return lex_fail(lexer, lexer->at, "\"!\" is no word of this "
				"language; write \"not\"");
	if (at[0] == '\'')
		return lex_fail(lexer, lexer->at, "a text stands between "
				"double quotes: \"...\"");
	return lex_fail(lexer, lexer->at, "\"%.*s\" has no meaning here",
			(int)(g_utf8_next_char(at) - at), at);
}

enum err_code
lex_next(struct lexer *lexer)
{
	enum err_code rc;
	char c;

	skip_blank(lexer);
	c = lexer->text[lexer->at];
	lexer->token = (struct token){ .kind = TOKEN_END, .from = lexer->at,
				       .to = lexer->at };
	if (c == '\0')
		return ERR_OK;
	if (c == '"')
		rc = lex_delimited(lexer, TOKEN_STRING, "text");
	else if (c == '/')
		rc = lex_delimited(lexer, TOKEN_REGEX, "regular expression");
	else if (g_ascii_isdigit(c))
		rc = lex_number(lexer);
	else if (g_ascii_isalpha(c))
		rc = lex_word(lexer);
	else
		rc = lex_sign(lexer);
	lexer->at = lexer->token.to;
	return rc;
}
