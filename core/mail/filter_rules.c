/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/filter_inside.h"

#include <string.h>

#include "core/mail/pattern.h"
#include "core/base/banned.h"

/* What the rules of a list want of one part. */

/* One of the ways in which it may be understood */
struct face {
	char *type, *name;	/* folded; name: "" if there is none */
};

struct asked {
	const struct node *node;
	GArray *faces;
	GPtrArray *zipped;	/* NULL: nobody has asked so far */
	bool has_size;
	uint64_t size;
};

/* --- names in the form in which they are compared ----------------------- */

/* What cannot be seen may stand between any two letters, and a system that
 * opens "a.exe. " opens a.exe. */
char *
filter_fold(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *normal = g_utf8_normalize(valid, -1,
						   G_NORMALIZE_NFKC);
	g_autofree char *folded = g_utf8_casefold(normal != NULL ? normal :
						  valid, -1);
	GString *out = g_string_sized_new(strlen(folded));

	for (const char *p = folded; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_type(c) != G_UNICODE_FORMAT &&
		    !g_unichar_iscntrl(c))
			g_string_append_unichar(out, c);
	}
	while (out->len > 0 && strchr(". ", out->str[out->len - 1]) != NULL)
		g_string_truncate(out, out->len - 1);
	return g_string_free(out, FALSE);
}

static void
face_clear(void *data)
{
	struct face *face = data;

	g_free(face->type);
	g_free(face->name);
}

#define NAME_MAX_LEN 1024	/* bytes; no file system has as much */

/* Of a name that is made to be slow the end, which says what opens it */
static char *
fold_end(const char *text)
{
	g_autofree char *folded = filter_fold(text);
	const size_t len = strlen(folded);
	const char *from = folded + (len > NAME_MAX_LEN ?
				     len - NAME_MAX_LEN : 0);

	while (((unsigned char)*from & 0xc0) == 0x80)
		from++;
	return g_strdup(from);
}

static void
add_face(GArray *faces, const char *type, const char *name)
{
	struct face face = { fold_end(type), fold_end(name) };

	g_array_append_val(faces, face);
}

static GArray *
faces_of(const struct node *node)
{
	GArray *faces = g_array_new(FALSE, FALSE, sizeof(struct face));
	g_autoptr(GPtrArray) types = node_types(node);
	g_autoptr(GPtrArray) names = node_names(node);

	g_array_set_clear_func(faces, face_clear);
	for (guint i = 0; i < types->len; i++) {
		for (guint j = 0; j < names->len; j++)
			add_face(faces, types->pdata[i], names->pdata[j]);
		if (names->len == 0)
			add_face(faces, types->pdata[i], "");
	}
	return faces;
}

/* --- one rule ----------------------------------------------------------- */

/* Most patterns are ends of names, so these are looked at first. */
static bool
glob(const char *pattern, const char *text)
{
	const char *star = strrchr(pattern, '*');

	return g_str_has_suffix(text, star != NULL ? star + 1 : pattern) &&
		pattern_matches(pattern, text);
}

/* "a/b/c.exe": the last of it counts too, since that is what is saved */
static bool
name_matches(const char *pattern, const char *name)
{
	const char *last = name;

	if (name[0] == '\0')
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (*p == '/' || *p == '\\')
			last = p + 1;
	return glob(pattern, name) || glob(pattern, last);
}

static bool
any_matches(const struct filter_test *test, const struct face *face)
{
	for (char **pattern = test->patterns; *pattern != NULL; pattern++)
		if (test->what == FILTER_TYPE ?
		    glob(*pattern, face->type) :
		    name_matches(*pattern, face->name))
			return true;
	return false;
}

static bool
any_zipped(struct asked *asked, const struct filter_test *test)
{
	if (asked->zipped == NULL)
		asked->zipped = node_zipped(asked->node);
	for (guint i = 0; i < asked->zipped->len; i++)
		for (char **p = test->patterns; *p != NULL; p++)
			if (name_matches(*p, asked->zipped->pdata[i]))
				return true;
	return false;
}

static uint64_t
asked_size(struct asked *asked)
{
	if (!asked->has_size)
		asked->size = node_size(asked->node);
	asked->has_size = true;
	return asked->size;
}

static bool
test_holds(struct asked *asked, const struct filter_test *test,
	   const struct face *face)
{
	bool holds;

	if (test->what == FILTER_LARGER)
		holds = asked_size(asked) > (uint64_t)test->size;
	else if (test->what == FILTER_SMALLER)
		holds = asked_size(asked) < (uint64_t)test->size;
	else if (test->what == FILTER_HOLDS)
		holds = any_zipped(asked, test);
	else
		holds = any_matches(test, face);
	return holds != test->negated;
}

static bool
rule_holds(struct asked *asked, const struct filter_rule *rule,
	   const struct face *face)
{
	for (size_t i = 0; i < rule->count; i++)
		if (!test_holds(asked, &rule->tests[i], face))
			return false;
	return true;
}

static bool
rule_matches(struct asked *asked, const struct filter_rule *rule)
{
	const bool all = rule->action == FILTER_PASS;

	for (guint i = 0; i < asked->faces->len; i++)
		if (rule_holds(asked, rule, &g_array_index(asked->faces,
							   struct face, i)) !=
		    all)
			return !all;
	return all;
}

/* Does it speak of such parts, and not of any? */
static bool
rule_names(const struct filter_rule *rule, const struct node *node,
	   enum rules_which which)
{
	const char *type = node->part->type;
	const size_t len = strcspn(type, "/") + (which == RULES_SUB ? 2 : 1);

	for (size_t i = 0; i < rule->count; i++) {
		const struct filter_test *test = &rule->tests[i];

		if (test->negated)
			continue;
		if (test->what == FILTER_NAME && which == RULES_MAIN &&
		    node_is_message(node))
			return true;
		for (char **p = test->patterns; test->what == FILTER_TYPE &&
						*p != NULL; p++)
			if (strcspn(*p, "*") >= len &&
			    pattern_matches(*p, type))
				return true;
	}
	return false;
}

enum filter_action
rules_ask(const struct filter_policy *policy, const struct node *node,
	  enum rules_which which)
{
	struct asked asked = { .node = node };
	enum filter_action action = which == RULES_ALL ? policy->otherwise :
		FILTER_PASS;

	asked.faces = faces_of(node);
	for (guint i = 0; i < policy->rules->len; i++) {
		const struct filter_rule *rule = &g_array_index(
			policy->rules, struct filter_rule, i);

		if ((which == RULES_ALL || rule_names(rule, node, which)) &&
		    rule_matches(&asked, rule)) {
			action = rule->action;
			break;
		}
	}
	g_array_unref(asked.faces);
	g_clear_pointer(&asked.zipped, g_ptr_array_unref);
	return action;
}

void
filter_policy_done(struct filter_policy *policy)
{
	for (guint i = 0; policy->rules != NULL && i < policy->rules->len;
	     i++) {
		struct filter_rule *rule = &g_array_index(
			policy->rules, struct filter_rule, i);

		for (size_t j = 0; j < rule->count; j++)
			g_strfreev(rule->tests[j].patterns);
	}
	g_clear_pointer(&policy->rules, g_array_unref);
}
