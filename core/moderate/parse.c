/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <string.h>

#include "conf/keys.h"
#include "core/base/banned.h"

/*
 * Policies and rules. A parser by recursive descent; each parse_x() is
 * called with the lexer at the first token of an x and leaves it behind the
 * last.
 */

#define KEYS_RULES_MAX 20	/* that policy_text_for() may add */
#define REFUSE_TEXT_USES_MAX 10	/* each may become much longer */

static const char *const actions[] = {
	[VERDICT_ACCEPT - 1] = "accept", [VERDICT_HOLD - 1] = "hold",
	[VERDICT_REJECT - 1] = "reject", [VERDICT_DISCARD - 1] = "discard",
	[VERDICT_DEFER - 1] = "defer", NULL
};

const char *
verdict_name(enum verdict_kind kind)
{
	return kind == VERDICT_NONE ? "none" : actions[kind - 1];
}

/* What the same is called elsewhere. */
static const char *
action_suggest(const char *word)
{
	static const struct {
		const char *word;
		const char *action;
	} others[] = {
		{ "allow", "accept" }, { "approve", "accept" },
		{ "deny", "reject" }, { "drop", "discard" },
		{ "ignore", "discard" }, { "moderate", "hold" },
		{ "pass", "accept" }, { "permit", "accept" },
		{ "refuse", "reject" }, { "tempfail", "defer" },
	};
	g_autofree char *lower = g_ascii_strdown(word, -1);

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		if (strcmp(others[i].word, lower) == 0)
			return others[i].action;
	if (strcmp(lower, "guards") == 0)
		return "guard";
	return key_nearest(actions, lower);
}

static enum err_code
fail_action(struct lexer *lexer)
{
	g_autofree char *found = lex_found(lexer), *word = NULL;
	const char *near = NULL;

	if (lexer->token.kind == TOKEN_WORD) {
		word = lex_slice(lexer);
		near = action_suggest(word);
	}
	if (near != NULL)
		return lex_fail(lexer, lexer->token.from, "a rule begins with "
				"accept, hold, reject, discard or defer, not "
				"with %s; did you mean \"%s\"?", found, near);
	return lex_fail(lexer, lexer->token.from, "a rule begins with accept, "
			"hold, reject, discard or defer, not with %s", found);
}

static enum err_code
parse_action(struct lexer *lexer, enum verdict_kind *out)
{
	for (size_t i = 0; actions[i] != NULL; i++)
		if (lex_is(lexer, actions[i])) {
			*out = (enum verdict_kind)(i + 1);
			return lex_next(lexer);
		}
	return fail_action(lexer);
}

/* RFC 5321 section 4.2: what refuses is 5yz, "not now" is 4yz. */
static enum err_code
check_code(struct lexer *lexer, enum verdict_kind action)
{
	int64_t code = lexer->token.number;
	size_t at = lexer->token.from;

	if (action != VERDICT_REJECT && action != VERDICT_DEFER)
		return lex_fail(lexer, at, "%s takes no code: only reject "
				"and defer answer with one",
				verdict_name(action));
	if (code == 421)
		return lex_fail(lexer, at, "421 would close the connection; "
				"write 451");
	if (action == VERDICT_REJECT && (code < 500 || code > 599))
		return lex_fail(lexer, at, "reject takes a code from 500 to "
				"599%s", code >= 400 && code <= 499 ?
				"; with this one write defer" : "");
	if (action == VERDICT_DEFER && (code < 400 || code > 499))
		return lex_fail(lexer, at, "defer takes a code from 400 to "
				"499%s", code >= 500 && code <= 599 ?
				"; with this one write reject" : "");
	return ERR_OK;
}

static enum err_code
parse_code(struct lexer *lexer, struct rule *rule)
{
	g_autofree char *status = NULL;
	enum err_code rc;

	if (lexer->token.kind != TOKEN_NUMBER)
		return ERR_OK;
	rc = check_code(lexer, rule->action);
	if (rc != ERR_OK)
		return rc;
	rule->code = (int)lexer->token.number;
	rc = lex_next(lexer);
	if (rc != ERR_OK || lexer->token.kind != TOKEN_STATUS)
		return rc;
	status = lex_slice(lexer);
	if (status[0] - '0' != rule->code / 100)
		return lex_fail(lexer, lexer->token.from, "%s does not go "
				"with %d: both begin with the same digit "
				"(RFC 3463)", status, rule->code);
	(void) g_strlcpy(rule->enhanced, status, sizeof(rule->enhanced));
	return lex_next(lexer);
}

/* Words that may stand behind the action, code and text; NULL if this is one,
 * else what the error says. */
static char *
wrong_word(const char *word)
{
	static const char *const words[] = {
		"when", "guard", "accept", "hold", "reject", "discard",
		"defer", NULL
	};
	const char *near;

	if (g_strv_contains(words, word))
		return NULL;
	if (fact_find(word) != NULL || strcmp(word, "not") == 0 ||
	    strcmp(word, "if") == 0 || strcmp(word, "unless") == 0)
		return g_strdup_printf("a condition begins with \"when\"; "
				       "expected it here, found \"%s\"",
				       word);
	near = key_nearest(words, word);
	return g_strdup_printf("expected \"when\" or the next rule, found "
			       "\"%.40s\"%s%s%s", word, near != NULL ?
			       "; did you mean \"" : "", near != NULL ?
			       near : "", near != NULL ? "\"?" : "");
}

static enum err_code
check_when(struct lexer *lexer)
{
	g_autofree char *slice = lex_slice(lexer), *wrong = NULL;

	switch (lexer->token.kind) {
	case TOKEN_END:
		return ERR_OK;
	case TOKEN_STATUS:
		wrong = g_strdup_printf("before \"%s\" stands the code of "
					"three digits, such as 550", slice);
		break;
	case TOKEN_WORD:
		wrong = wrong_word(slice);
		break;
	default:
		wrong = g_strdup_printf("expected \"when\" or the next rule, "
					"found \"%.40s\"", slice);
		break;
	}
	return wrong == NULL ? ERR_OK :
		lex_fail(lexer, lexer->token.from, "%s", wrong);
}

static enum err_code
parse_rule(struct lexer *lexer, struct rule *rule)
{
	enum err_code rc;

	rule->line = lex_line(lexer, lexer->token.from);
	if (lex_is(lexer, "guard")) {
		rule->guard = true;
		rc = lex_next(lexer);
		if (rc != ERR_OK)
			return rc;
	}
	rc = parse_action(lexer, &rule->action);
	if (rc == ERR_OK)
		rc = parse_code(lexer, rule);
	if (rc == ERR_OK && lexer->token.kind == TOKEN_STRING)
		rc = parse_text(lexer, &rule->text);
	if (rc != ERR_OK)
		return rc;
	if (!lex_is(lexer, "when"))
		return check_when(lexer);
	rc = lex_next(lexer);
	return rc == ERR_OK ? parse_when(lexer, &rule->when) : rc;
}

static const struct rule *
last_rule(const struct policy *policy, bool guard)
{
	for (size_t i = policy->rules->len; i > 0; i--) {
		const struct rule *rule = policy->rules->pdata[i - 1];

		if (rule->guard == guard)
			return rule;
	}
	return NULL;
}

/* Nothing stands where it would never be applied. */
static enum err_code
check_reached(struct lexer *lexer, const struct policy *policy, bool guard)
{
	const struct rule *last = last_rule(policy, guard);

	if (last == NULL || last->when != NULL)
		return ERR_OK;
	return lex_fail(lexer, lexer->token.from, "this %s is never applied: "
			"the %s in line %u has no \"when\" and always matches",
			guard ? "guard" : "rule", guard ? "guard" : "rule",
			last->line);
}

static enum err_code
check_default(struct lexer *lexer, const struct policy *policy)
{
	const struct rule *last = last_rule(policy, false);

	if (last == NULL)
		return lex_fail(lexer, lexer->token.from, "a policy has at "
				"least one rule, such as \"accept\"");
	if (last->when != NULL)
		return lex_fail(lexer, lexer->token.from, "the last rule has a "
				"condition; say what becomes of all else, for "
				"example \"accept\" or \"hold\"");
	return ERR_OK;
}

static enum err_code
parse_rules(struct lexer *lexer, struct policy *policy)
{
	enum err_code rc = lex_next(lexer);

	while (rc == ERR_OK && lexer->token.kind != TOKEN_END) {
		g_autoptr(rule_auto) rule = g_new0(struct rule, 1);

		if (policy->rules->len == POLICY_RULES_MAX + KEYS_RULES_MAX)
			return lex_fail(lexer, lexer->token.from, "a policy "
					"has at most %d rules",
					POLICY_RULES_MAX);
		rc = check_reached(lexer, policy, lex_is(lexer, "guard"));
		if (rc == ERR_OK)
			rc = parse_rule(lexer, rule);
		if (rc == ERR_OK)
			g_ptr_array_add(policy->rules,
					g_steal_pointer(&rule));
	}
	return rc == ERR_OK ? check_default(lexer, policy) : rc;
}

/* UTF-8 without control characters, of bearable length */
static enum err_code
check_text(struct lexer *lexer, size_t max)
{
	const char *end;

	if (strlen(lexer->text) > max)
		return err_set(lexer->err, ERR_INVALID, "", "%s: the text has "
			       "more than %zu bytes", lexer->name, max);
	if (!g_utf8_validate(lexer->text, -1, &end))
		return lex_fail(lexer, (size_t)(end - lexer->text),
				"this is not UTF-8");
	for (size_t i = 0; lexer->text[i] != '\0'; i++)
		if (g_ascii_iscntrl(lexer->text[i]) &&
		    strchr("\t\r\n", lexer->text[i]) == NULL)
			return lex_fail(lexer, i, "a control character");
	return ERR_OK;
}

static struct policy *
policy_new(void)
{
	struct policy *policy = g_new0(struct policy, 1);

	policy->refs = 1;
	policy->rules = g_ptr_array_new_with_free_func(
		(GDestroyNotify)rule_free);
	return policy;
}

enum err_code
policy_parse(const char *name, const char *text, struct policy **out,
	     struct err *err)
{
	g_autoptr(policy_auto) policy = policy_new();
	struct lexer lexer = { .name = name, .text = text, .err = err };
	enum err_code rc = check_text(&lexer, POLICY_WHOLE_MAX);

	if (rc == ERR_OK)
		rc = parse_rules(&lexer, policy);
	if (rc != ERR_OK)
		return rc;
	policy_finish(policy);
	*out = g_steal_pointer(&policy);
	return ERR_OK;
}

/* What policy_parse() would take, but would be too much with the keys: each
 * place of the sentence for strangers may become much longer. */
static enum err_code
check_strings(struct lexer *lexer)
{
	enum err_code rc = lex_next(lexer);

	for (; rc == ERR_OK && lexer->token.kind != TOKEN_END;
	     rc = lex_next(lexer))
		if (lexer->token.kind == TOKEN_STRING &&
		    lexer->token.to - lexer->token.from > POLICY_STRING_MAX)
			return lex_fail(lexer, lexer->token.from, "a text has "
					"at most %d bytes between its quotes",
					POLICY_STRING_MAX - 2);
	return rc;
}

static enum err_code
check_uses(struct lexer *lexer)
{
	const char *use = lexer->text;
	unsigned int uses = 0;

	while ((use = strstr(use, REFUSE_TEXT)) != NULL) {
		if (++uses > REFUSE_TEXT_USES_MAX)
			return lex_fail(lexer, (size_t)(use - lexer->text),
					"%s stands in more than %d places",
					REFUSE_TEXT, REFUSE_TEXT_USES_MAX);
		use++;
	}
	return ERR_OK;
}

static enum err_code
check_count(struct lexer *lexer, const struct policy *policy)
{
	if (policy->rules->len <= POLICY_RULES_MAX)
		return ERR_OK;
	return lex_fail(lexer, strlen(lexer->text), "a policy has at most %d "
			"rules", POLICY_RULES_MAX);
}

enum err_code
policy_check(const char *name, const char *text, struct err *err)
{
	g_autoptr(policy_auto) policy = NULL;
	struct lexer lexer = { .name = name, .text = text, .err = err };
	enum err_code rc;

	if (policy_preset(text) != NULL)
		return ERR_OK;
	rc = check_text(&lexer, POLICY_TEXT_MAX);
	if (rc == ERR_OK)
		rc = policy_parse(name, text, &policy, err);
	if (rc == ERR_OK)
		rc = check_strings(&lexer);
	if (rc == ERR_OK)
		rc = check_uses(&lexer);
	return rc == ERR_OK ? check_count(&lexer, policy) : rc;
}
