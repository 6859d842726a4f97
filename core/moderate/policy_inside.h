/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MODERATE_POLICY_INSIDE_H
#define MUSTER_MODERATE_POLICY_INSIDE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "core/moderate/policy.h"

/* What the files of the policy language share: the tree that the parser
 * makes, and that print.c and decide.c walk. */

/* --- lex.c: the text as tokens ------------------------------------------ */

enum token_kind {
	TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_REGEX, TOKEN_NUMBER,
	TOKEN_DURATION, TOKEN_TIME, TOKEN_STATUS,	/* 5.7.1 */
	TOKEN_OPEN, TOKEN_CLOSE, TOKEN_COMMA,
	TOKEN_EQ, TOKEN_NE, TOKEN_LT, TOKEN_LE, TOKEN_GT, TOKEN_GE,
	TOKEN_MATCH, TOKEN_NOT_MATCH,
};

struct token {
	enum token_kind kind;
	size_t from, to;	/* bytes of the text, quotes and slashes and
				 * the regex's "i" included */
	int64_t number;		/* NUMBER, DURATION, TIME */
};

struct lexer {
	const char *name;	/* of the text, for errors */
	const char *text;
	size_t at;
	struct token token;	/* the current one */
	struct err *err;
};

/* lex_next - to the next token; fails with what is wrong at its place */
enum err_code lex_next(struct lexer *lexer);
/* lex_fail - "name:line:column: ..." for a byte of the text */
enum err_code lex_fail(const struct lexer *lexer, size_t at,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* lex_found - the current token as an error names it: "\"foo\"", "the end".
 * The caller frees. */
char *lex_found(const struct lexer *lexer);
char *lex_slice(const struct lexer *lexer);	/* the token; caller frees */
bool lex_is(const struct lexer *lexer, const char *word);
unsigned int lex_line(const struct lexer *lexer, size_t at);
/* lex_unescape - the char behind a backslash in a string; '\0': none such */
char lex_unescape(char c);

/* --- the tree ----------------------------------------------------------- */

/* A fact with its argument. */
struct ask {
	const struct fact *fact;
	char *argument;		/* ARG_TEXT: a field's name; else "" */
	int64_t seconds;	/* ARG_DURATION */
};

/* A piece of a text: a literal, a fact, or the place of the sentence for
 * strangers. */
struct piece {
	char *literal;		/* NULL: a fact */
	struct ask ask;		/* fact NULL: the sentence */
};

enum set_form { SET_LITERAL, SET_KNOWN };

struct set {
	enum set_form form;
	enum set_kind kind;	/* KNOWN */
	char *name;		/* KNOWN: its argument, "" */
	GPtrArray *items;	/* LITERAL: char * */
};

enum node_kind {
	NODE_AND, NODE_OR, NODE_NOT,	/* children */
	NODE_FACT,		/* alone */
	NODE_COMPARE,		/* number, or text */
	NODE_REGEX, NODE_IN
};

struct node {
	enum node_kind kind;
	GPtrArray *children;	/* struct node * */
	struct ask ask;
	enum token_kind op;	/* COMPARE: TOKEN_EQ ... */
	bool negated;		/* !~, not in */
	int64_t number;		/* of a COMPARE */
	char *text;		/* constant; a regex without its slashes */
	bool caseless;		/* the regex */
	struct regex *regex;
	struct set set;
};

struct rule {
	bool guard;
	enum verdict_kind action;
	int code;		/* 0: the usual */
	char enhanced[12];	/* "" : the usual */
	GPtrArray *text;	/* struct piece *; NULL: none */
	struct node *when;	/* NULL: always */
	unsigned int line;
	char *print;		/* normalised */
	char *why;		/* its condition, printed */
	bool harmless;		/* why may be told to a stranger */
	enum step step;
};

struct policy {
	int refs;
	GPtrArray *rules;	/* struct rule * */
	bool needs[FACT_COUNT];
};

#define REFUSE_TEXT "%{refuse-text}"

/* policy_finish - what is derived from the rules */
void policy_finish(struct policy *policy);

void node_free(struct node *node);
void rule_free(struct rule *rule);
void piece_free(struct piece *piece);

typedef struct policy policy_auto;
typedef struct node node_auto;
typedef struct rule rule_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(policy_auto, policy_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(node_auto, node_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rule_auto, rule_free)

/* node_each - every test of a condition; stops at false */
bool node_each(const struct node *node,
	       bool (*visit)(const struct node *test, void *arg), void *arg);

/* --- the parser's parts: parse.c rules, parse_when.c conditions,
 *     parse_test.c tests, parse_ask.c facts and sets, parse_text.c texts --- */

enum err_code parse_when(struct lexer *lexer, struct node **out);
enum err_code parse_test(struct lexer *lexer, struct node **out);
/* parse_ask - a fact, the lexer being at its name */
enum err_code parse_ask(struct lexer *lexer, struct ask *out);
/* parse_set - the lexer being behind "in" */
enum err_code parse_set(struct lexer *lexer, const struct ask *ask,
			struct set *out);
/* parse_constant - one string, without escapes */
enum err_code parse_constant(struct lexer *lexer, char **out);
/* parse_text - one or more strings with facts in them */
enum err_code parse_text(struct lexer *lexer, GPtrArray **out);

const char *set_name(enum set_kind kind);	/* "members" */

/* type_noun - "a number", for errors; type_example - what to compare with */
const char *type_noun(enum fact_type type);
const char *type_example(enum fact_type type);
bool type_is_text(enum fact_type type);

/* --- the rest ----------------------------------------------------------- */

/* print.c */
void print_rule(const struct rule *rule, GString *out);
void print_node(const struct node *node, GString *out);
void print_number(int64_t number, GString *out);
void print_duration(int64_t seconds, GString *out);
void print_time(int64_t minutes, GString *out);
void print_quoted(const char *text, bool template, GString *out);

/* regex.c */
struct regex;
/* regex_new - NULL: wrong, and what PCRE2 says of it, with the byte */
struct regex *regex_new(const char *pattern, bool caseless, char **reason_out,
			size_t *at_out);
void regex_free(struct regex *regex);
/* regex_match - UNKNOWN: past a limit. cpu_ns: what is left of the CPU time
 * of this decision; what was used is taken off. */
enum truth regex_match(const struct regex *regex, const char *text,
		       int64_t *cpu_ns);

/* eval.c: what one decision goes by */
struct eval {
	const struct fact_source *source;
	int64_t cpu_ns;		/* left for regular expressions */
};
#define EVAL_CPU_NS (500 * 1000 * 1000LL)
enum truth node_eval(const struct node *node, struct eval *eval);

/* text.c: code, text and why of a verdict whose kind and rule are set;
 * decided: the rule matched, else it could not be decided */
void verdict_fill(const struct rule *rule, bool decided,
		  const struct fact_source *source, struct verdict *out);

#endif
