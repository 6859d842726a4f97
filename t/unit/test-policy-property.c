/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Policies and posts by chance, from a fixed seed. Each policy is made as a
 * tree of the test's own, which a few lines below evaluate as plainly as can
 * be, with everything known; what policy_decide() says at any time before
 * must be that.
 */
#include <string.h>

#include "core/moderate/policy.h"
#include "t/lib/stand_in.h"
#include "t/lib/tap.h"

#define POLICIES 1000
#define POSTS 12		/* of each policy */
#define TIMES 8			/* at which more facts become known */

static const char *const words[] = {
	"alpha", "Beta", "gamma", "alphabet", "comma"
};
static const char *const people[] = {
	"ann@a.example", "Bob@b.example", "eve@c.a.example", "x@d.example"
};
static const char *const patterns[] = {
	"@a.example", "*.a.example", "bob@B.example", "*n@*"
};
static const int64_t numbers[] = { 0, 1, 5, 6, 60, 1024, 409600 };
static const char *const number_texts[] = {
	"0", "1", "5", "6", "60", "1k", "400k"
};
static const char *const duration_texts[] = {
	"0s", "1s", "5s", "6s", "1m", "1024s", "409600s"
};
static const char *const time_texts[] = {
	"00:00", "00:01", "0:05", "00:06", "01:00", "17:04", "24:00"
};
static const int64_t times[] = { 0, 1, 5, 6, 60, 1024, 1440 };
static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
static const char *const set_words[] = {
	"members", "owners", "moderators", "accepted", "banned"
};

/* --- a condition of the test's own -------------------------------------- */

enum kind { AND, OR, NOT, ALONE, COMPARE, EQUALS, MATCHES, IN_SET,
	    IN_LITERAL };

struct cond {
	enum kind kind;
	const struct fact *fact;
	struct cond *children[3];
	guint op, constant;
	bool negated;
};

struct gen_rule {
	bool guard;
	enum verdict_kind action;
	struct cond *when;
};

static guint
below(GRand *rand, guint limit)
{
	return (guint)g_rand_int_range(rand, 0, (gint32)limit);
}

static void
make_text_test(GRand *rand, struct cond *cond)
{
	bool person = cond->fact->type == FACT_PERSON;

	cond->negated = below(rand, 3) == 0;
	switch (below(rand, person ? 5 : 3)) {
	case 0:
		cond->kind = ALONE;
		cond->negated = false;
		return;
	case 1:
		/* A wrong word is a mistake where only some can be. */
		if (fact_values(cond->fact->id) != NULL) {
			cond->kind = MATCHES;
			cond->constant = below(rand, 3);
			return;
		}
		cond->kind = EQUALS;
		cond->constant = below(rand, person ? G_N_ELEMENTS(people) :
				       G_N_ELEMENTS(words));
		return;
	case 2:
		cond->kind = MATCHES;
		cond->constant = below(rand, 3);
		return;
	case 3:
		cond->kind = IN_SET;
		cond->constant = below(rand, G_N_ELEMENTS(set_words));
		return;
	default:
		cond->kind = IN_LITERAL;
		cond->constant = below(rand, G_N_ELEMENTS(patterns));
		return;
	}
}

static void
make_test(GRand *rand, struct cond *cond)
{
	/* Sets become known by themselves: enough of them. */
	cond->fact = &fact_table[below(rand, 4) == 0 ? FACT_AUTHOR :
				 below(rand, FACT_COUNT)];
	if (cond->fact->type >= FACT_TEXT) {
		make_text_test(rand, cond);
		return;
	}
	cond->kind = below(rand, 3) == 0 && cond->fact->type != FACT_TIME ?
		ALONE : COMPARE;
	cond->op = below(rand, cond->fact->type == FACT_BOOL ? 2 : 6);
	cond->constant = below(rand, cond->fact->type == FACT_BOOL ? 2 :
			       G_N_ELEMENTS(numbers));
}

static struct cond *
make_cond(GRand *rand, guint depth)
{
	struct cond *cond = g_new0(struct cond, 1);
	guint dice = below(rand, 6);

	if (depth == 0 || dice < 2) {
		make_test(rand, cond);
		return cond;
	}
	cond->kind = dice < 4 ? OR : dice < 5 ? AND : NOT;
	cond->children[0] = make_cond(rand, depth - 1);
	if (cond->kind == NOT)
		return cond;
	cond->children[1] = make_cond(rand, depth - 1);
	if (below(rand, 3) == 0)
		cond->children[2] = make_cond(rand, depth - 1);
	return cond;
}

static void
free_cond(struct cond *cond)
{
	for (size_t i = 0; cond != NULL && i < 3; i++)
		free_cond(cond->children[i]);
	g_free(cond);
}

/* --- as text ------------------------------------------------------------ */

static const char *
blank(GRand *rand)
{
	static const char *const blanks[] = {
		" ", "\n", "\t ", " # a comment\n"
	};

	return blanks[below(rand, 20) < 17 ? 0 : below(rand, 4)];
}

static void
write_fact(const struct fact *fact, GString *out)
{
	g_string_append(out, fact->name);
	if (fact->argument == ARG_TEXT)
		g_string_append(out, "(\"X-Flag\")");
	if (fact->argument == ARG_DURATION)
		g_string_append(out, "(1h)");
}

static const char *
constant_text(const struct cond *cond)
{
	switch (cond->fact->type) {
	case FACT_BOOL:
		return cond->constant ? "yes" : "no";
	case FACT_NUMBER:
		return number_texts[cond->constant];
	case FACT_DURATION:
		return duration_texts[cond->constant];
	default:
		return time_texts[cond->constant];
	}
}

static void
write_test(GRand *rand, const struct cond *cond, GString *out)
{
	static const char *const regexes[] = { "/^a/", "/m{2}/", "/BET|BO/i" };
	bool person = cond->fact->type == FACT_PERSON;

	write_fact(cond->fact, out);
	g_string_append(out, blank(rand));
	switch (cond->kind) {
	case COMPARE:
		g_string_append_printf(out, "%s %s", ops[cond->op],
				       constant_text(cond));
		return;
	case EQUALS:
		g_string_append_printf(out, "%s\"%s\"", cond->negated ?
				       "!=" : "==", person ?
				       people[cond->constant] :
				       words[cond->constant]);
		return;
	case MATCHES:
		g_string_append_printf(out, "%s %s", cond->negated ?
				       "!~" : "=~", regexes[cond->constant]);
		return;
	case IN_SET:
		g_string_append_printf(out, "%sin %s", cond->negated ?
				       "not " : "",
				       set_words[cond->constant]);
		return;
	case IN_LITERAL:
		g_string_append_printf(out, "%sin (\"zoe@z.example\", "
				       "\"%s\")", cond->negated ? "not " : "",
				       patterns[cond->constant]);
		return;
	default:
		return;
	}
}

static void
write_cond(GRand *rand, const struct cond *cond, bool parens, GString *out)
{
	if (cond->kind > NOT) {
		write_test(rand, cond, out);
		return;
	}
	parens |= below(rand, 8) == 0;
	if (parens)
		g_string_append_c(out, '(');
	if (cond->kind == NOT)
		g_string_append(out, "not ");
	for (size_t i = 0; i < 3 && cond->children[i] != NULL; i++) {
		const struct cond *child = cond->children[i];

		if (i > 0)
			g_string_append_printf(out, "%s%s ", blank(rand),
					       cond->kind == AND ? "and" :
					       "or");
		write_cond(rand, child, child->kind < NOT &&
			   (cond->kind == NOT || child->kind == OR), out);
	}
	if (parens)
		g_string_append_c(out, ')');
}

/* --- what it means, with everything known ------------------------------- */

static bool
meant_number(const struct cond *cond, int64_t a)
{
	int64_t b = cond->fact->type == FACT_TIME ? times[cond->constant] :
		cond->fact->type == FACT_BOOL ? cond->constant :
		numbers[cond->constant];
	const bool results[] = { a == b, a != b, a < b, a <= b, a > b,
				 a >= b };

	return results[cond->op];
}

static bool
meant_match(guint regex, const char *text)
{
	g_autofree char *lower = g_ascii_strdown(text, -1);

	if (regex == 0)
		return text[0] == 'a';
	if (regex == 1)
		return strstr(text, "mm") != NULL;
	return strstr(lower, "bet") != NULL || strstr(lower, "bo") != NULL;
}

static bool
meant_pattern(guint pattern, const char *person)
{
	g_autofree char *lower = g_ascii_strdown(person, -1);

	if (pattern == 0)
		return g_str_has_suffix(lower, "@a.example");
	if (pattern == 1)
		return g_str_has_suffix(lower, ".a.example");
	if (pattern == 2)
		return strcmp(lower, "bob@b.example") == 0;
	return strstr(lower, "n@") != NULL;
}

static bool
meant_text(const struct cond *cond, const struct stand_in *in,
	   const char *text)
{
	const char *constant;

	switch (cond->kind) {
	case EQUALS:
		constant = cond->fact->type == FACT_PERSON ?
			people[cond->constant] : words[cond->constant];
		return g_ascii_strcasecmp(constant, text) == 0;
	case MATCHES:
		return meant_match(cond->constant, text);
	case IN_SET:
		return in->source.in(in->source.arg,
				     (enum set_kind)cond->constant, "",
				     text) == TRUTH_YES;
	case IN_LITERAL:
		return meant_pattern(cond->constant, text);
	default:
		return text[0] != '\0';
	}
}

static bool
meant_test(const struct cond *cond, const struct stand_in *in)
{
	enum fact_id id = cond->fact->id;
	bool any = false;

	if (cond->fact->type < FACT_TEXT)
		return cond->kind == ALONE ? in->numbers[id] != 0 :
			meant_number(cond, in->numbers[id]);
	for (char **text = in->texts[id]; text != NULL && *text != NULL;
	     text++)
		any |= meant_text(cond, in, *text);
	return any != cond->negated;
}

static bool
meant(const struct cond *cond, const struct stand_in *in)
{
	bool all = true, any = false;

	if (cond->kind > NOT)
		return meant_test(cond, in);
	if (cond->kind == NOT)
		return !meant(cond->children[0], in);
	for (size_t i = 0; i < 3 && cond->children[i] != NULL; i++) {
		bool one = meant(cond->children[i], in);

		all &= one;
		any |= one;
	}
	return cond->kind == AND ? all : any;
}

/* The first of the rules, or guards, that matches; from 1, 0 if none */
static guint
meant_first(const GPtrArray *rules, bool guard, const struct stand_in *in)
{
	for (guint i = 0; i < rules->len; i++) {
		const struct gen_rule *rule = rules->pdata[i];

		if (rule->guard == guard &&
		    (rule->when == NULL || meant(rule->when, in)))
			return i + 1;
	}
	return 0;
}

static guint
meant_rule(const GPtrArray *rules, const struct stand_in *in)
{
	guint found = meant_first(rules, false, in), guard;
	const struct gen_rule *rule = rules->pdata[found - 1];

	if (rule->action != VERDICT_ACCEPT && rule->action != VERDICT_HOLD)
		return found;
	guard = meant_first(rules, true, in);
	return guard != 0 ? guard : found;
}

/* --- policies ----------------------------------------------------------- */

static void
free_rule(struct gen_rule *rule)
{
	free_cond(rule->when);
	g_free(rule);
}

static GPtrArray *
make_rules(GRand *rand)
{
	GPtrArray *rules = g_ptr_array_new_with_free_func(
		(GDestroyNotify)free_rule);
	guint count = 1 + below(rand, 8);

	for (guint i = 0; i < count; i++) {
		struct gen_rule *rule = g_new0(struct gen_rule, 1);

		rule->action = (enum verdict_kind)(1 + below(rand, 5));
		rule->guard = i + 1 < count && below(rand, 4) == 0;
		if (i + 1 < count)
			rule->when = make_cond(rand, below(rand, 4));
		g_ptr_array_add(rules, rule);
	}
	return rules;
}

static char *
write_rules(GRand *rand, const GPtrArray *rules)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < rules->len; i++) {
		const struct gen_rule *rule = rules->pdata[i];

		g_string_append_printf(out, "%s%s \"%u %%{author} %%{size}\"",
				       rule->guard ? "guard " : "",
				       verdict_name(rule->action), i + 1);
		if (rule->when != NULL) {
			g_string_append(out, " when ");
			write_cond(rand, rule->when, false, out);
		}
		g_string_append(out, blank(rand));
	}
	return g_string_free(out, FALSE);
}

static struct policy *
parse(const char *text)
{
	struct policy *policy = NULL;
	struct err err = ERR_INIT;

	if (policy_parse("p", text, &policy, &err) != ERR_OK)
		g_test_message("%s in: %s", err.what, text);
	g_assert_nonnull(policy);
	return policy;
}

/* --- posts -------------------------------------------------------------- */

static char **
make_texts(GRand *rand, enum fact_type type)
{
	guint count = type == FACT_TEXT ? below(rand, 2) : below(rand, 4);
	char **texts = g_new0(char *, count + 1);

	for (guint i = 0; i < count; i++)
		texts[i] = g_strdup(type == FACT_PERSON ?
			people[below(rand, G_N_ELEMENTS(people))] :
			below(rand, 8) == 0 ? "" :
			words[below(rand, G_N_ELEMENTS(words))]);
	return texts;
}

static struct stand_in *
make_post(GRand *rand)
{
	struct stand_in *in = stand_in_new();

	for (size_t i = 0; i < FACT_COUNT; i++) {
		enum fact_type type = fact_table[i].type;
		guint pick = below(rand, G_N_ELEMENTS(numbers));

		if (type >= FACT_TEXT)
			in->texts[i] = make_texts(rand, type);
		else
			in->numbers[i] = type == FACT_BOOL ? pick % 2 :
				type == FACT_TIME ? MIN(times[pick], 1439) :
				numbers[pick];
	}
	for (size_t set = 0; set < SET_FILE; set++)
		for (size_t i = 0; i < G_N_ELEMENTS(people); i++)
			if (below(rand, 3) == 0)
				stand_in_put(in, (enum set_kind)set, "",
					     people[i]);
	memset(in->sets_known, 0, sizeof(in->sets_known));
	return in;
}

/* When each fact becomes known: at its step at the latest, or, for half of
 * the posts, at any time, which is harder. */
static void
make_known_at(GRand *rand, guint known_at[FACT_COUNT])
{
	bool by_step = below(rand, 2) == 0;

	for (size_t i = 0; i < FACT_COUNT; i++) {
		guint latest = by_step ? (guint)fact_table[i].step + 1 :
			TIMES;

		known_at[i] = below(rand, 3) == 0 ? below(rand, latest + 1) :
			latest;
	}
}

struct same {
	enum verdict_kind kind;
	guint rule;
	int code;
	char enhanced[12];
};

static struct same
decide(const struct policy *policy, const struct stand_in *in, bool last)
{
	struct verdict verdict = { 0 };
	struct same same = { 0 };

	policy_decide(policy, &in->source, last, &verdict);
	same.kind = verdict.kind;
	same.rule = verdict.rule;
	same.code = verdict.code;
	(void) g_strlcpy(same.enhanced, verdict.enhanced,
			 sizeof(same.enhanced));
	g_assert_nonnull(verdict.text);
	g_assert_nonnull(verdict.why);
	verdict_done(&verdict);
	return same;
}

static guint early_count, pair_count, parse_count;

static void
play(GRand *rand, const GPtrArray *rules, const struct policy *policy,
     const struct policy *printed)
{
	guint known_at[FACT_COUNT], sets_at[SET_FILE];
	struct stand_in *in = make_post(rand);
	struct same early = { 0 }, late;
	guint expected, at = TIMES;

	make_known_at(rand, known_at);
	for (size_t i = 0; i < SET_FILE; i++)
		sets_at[i] = below(rand, TIMES);
	for (guint now = 0; now <= TIMES; now++) {
		struct same same;

		for (size_t i = 0; i < FACT_COUNT; i++)
			in->known[i] = known_at[i] <= now;
		for (size_t i = 0; i < SET_FILE; i++)
			in->sets_known[i] = sets_at[i] <= now;
		same = decide(policy, in, false);
		if (early.kind != VERDICT_NONE)
			g_assert_cmpmem(&same, sizeof(same), &early,
					sizeof(early));
		else if (same.kind != VERDICT_NONE)
			at = now;
		early = same;
	}
	late = decide(policy, in, true);
	g_assert_cmpmem(&late, sizeof(late), &early, sizeof(early));
	expected = meant_rule(rules, in);
	g_assert_cmpuint(late.rule, ==, expected);
	g_assert_cmpint(late.kind, ==, ((struct gen_rule *)
					rules->pdata[expected - 1])->action);
	late = decide(printed, in, true);
	g_assert_cmpmem(&late, sizeof(late), &early, sizeof(early));
	early_count += at < TIMES;
	pair_count++;
	stand_in_free(in);
}

static void
test_early_is_late(void)
{
	GRand *rand = g_rand_new_with_seed(20261123);

	for (guint i = 0; i < POLICIES && !g_test_failed(); i++) {
		g_autoptr(GPtrArray) rules = make_rules(rand);
		g_autofree char *text = write_rules(rand, rules);
		struct policy *policy = parse(text), *printed;
		g_autofree char *print = policy_print(policy);
		g_autofree char *second = NULL;

		printed = parse(print);
		second = policy_print(printed);
		g_assert_cmpstr(second, ==, print);
		g_assert_cmpuint(policy_rule_count(policy), ==, rules->len);
		for (guint j = 0; j < POSTS && !g_test_failed(); j++)
			play(rand, rules, policy, printed);
		if (g_test_failed())
			g_test_message("policy: %s", text);
		policy_unref(policy);
		policy_unref(printed);
		parse_count++;
	}
	g_test_message("%u policies, %u pairs, %u decided before the end",
		       parse_count, pair_count, early_count);
	g_assert_cmpuint(pair_count, ==, POLICIES * POSTS);
	g_assert_cmpuint(early_count, >, pair_count / 4);
	g_rand_free(rand);
}

/* --- threads ------------------------------------------------------------ */

struct shared {
	struct policy *policy;
	struct same *expected;
};

#define THREAD_POSTS 400

static void *
decide_many(void *arg)
{
	const struct shared *shared = arg;
	GRand *rand = g_rand_new_with_seed(7);
	void *failed = NULL;

	for (guint i = 0; i < THREAD_POSTS; i++) {
		struct policy *policy = policy_ref(shared->policy);
		struct stand_in *in = make_post(rand);
		struct same same;

		stand_in_know(in, STEP_END);
		same = decide(policy, in, true);
		if (memcmp(&same, &shared->expected[i], sizeof(same)) != 0)
			failed = arg;
		stand_in_free(in);
		policy_unref(policy);
	}
	g_rand_free(rand);
	return failed;
}

static void
expect_many(struct shared *shared)
{
	GRand *rand = g_rand_new_with_seed(7);

	for (guint i = 0; i < THREAD_POSTS; i++) {
		struct stand_in *in = make_post(rand);

		stand_in_know(in, STEP_END);
		shared->expected[i] = decide(shared->policy, in, true);
		stand_in_free(in);
	}
	g_rand_free(rand);
}

static void
test_threads(void)
{
	struct same expected[THREAD_POSTS];
	struct shared shared = { .expected = expected };
	GRand *rand = g_rand_new_with_seed(8);
	g_autoptr(GPtrArray) rules = NULL;
	g_autofree char *text = NULL;
	GThread *threads[8];

	do {
		g_clear_pointer(&rules, g_ptr_array_unref);
		rules = make_rules(rand);
	} while (rules->len < 8);
	text = write_rules(rand, rules);
	shared.policy = parse(text);
	expect_many(&shared);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("decide", decide_many, &shared);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_null(g_thread_join(threads[i]));
	policy_unref(shared.policy);
	g_rand_free(rand);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "an early verdict is the late one, and what the policy "
		  "means, printed or not", test_early_is_late },
		{ "threads share a policy", test_threads },
		{ NULL, NULL },
	};

	return tap_run("policy-property", cases);
}
