/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <string.h>

#include "core/base/banned.h"

/* What a verdict says: the rule's text with facts put in, or a usual one. */

#define FACT_SHOWN_MAX 200	/* characters of a fact in a text */

/* RFC 3463: other or undefined security or policy status */
#define CODE_REJECT 550
#define ENHANCED_REJECT "5.7.1"
#define CODE_DEFER 451
#define ENHANCED_DEFER "4.7.1"

/* A fact's text comes from a stranger and goes into an SMTP reply: one line
 * of bearable length. */
static void
append_clean(const char *text, GString *out)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	size_t count = 0;

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (count++ == FACT_SHOWN_MAX) {
			g_string_append(out, "...");
			return;
		}
		g_string_append_unichar(out, g_unichar_iscntrl(c) ? ' ' : c);
	}
}

static void
append_texts(const char *const *texts, GString *out)
{
	const char *comma = "";
	size_t start = out->len;

	for (; texts != NULL && *texts != NULL; texts++) {
		if (out->len - start > FACT_SHOWN_MAX) {
			g_string_append(out, ", ...");
			return;
		}
		g_string_append(out, comma);
		append_clean(*texts, out);
		comma = ", ";
	}
}

static void
append_fact(const struct ask *ask, const struct fact_source *source,
	    GString *out)
{
	struct fact_value value = { 0 };

	if (!source->get(source->arg, ask->fact->id, ask->argument,
			 ask->seconds, &value))
		return;
	switch (ask->fact->type) {
	case FACT_BOOL:
		g_string_append(out, value.number ? "yes" : "no");
		return;
	case FACT_NUMBER:
		g_string_append_printf(out, "%" PRIi64, value.number);
		return;
	case FACT_DURATION:
		print_duration(value.number, out);
		return;
	case FACT_TIME:
		print_time(value.number, out);
		return;
	default:
		append_texts(value.texts, out);
		return;
	}
}

static const char *
list_of(const struct fact_source *source)
{
	struct fact_value value = { 0 };

	if (!source->get(source->arg, FACT_LIST, "", 0, &value) ||
	    value.texts == NULL || value.texts[0] == NULL)
		return "";
	return value.texts[0];
}

static void
append_piece(const struct piece *piece, const struct fact_source *source,
	     GString *out)
{
	g_autofree char *refusal = NULL;

	if (piece->literal != NULL) {
		g_string_append(out, piece->literal);
	} else if (piece->ask.fact != NULL) {
		append_fact(&piece->ask, source, out);
	} else {
		refusal = policy_refusal(list_of(source), "");
		append_clean(refusal, out);
	}
}

/* Cut behind a whole character */
static void
cut(GString *text, size_t max)
{
	if (text->len <= max)
		return;
	while (max > 0 && ((unsigned char)text->str[max] & 0xc0) == 0x80)
		max--;
	g_string_truncate(text, max);
}

static char *
text_of_rule(const struct rule *rule, const struct fact_source *source)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < rule->text->len; i++)
		append_piece(rule->text->pdata[i], source, out);
	cut(out, 2 * POLICY_STRING_MAX);
	(void) g_strdelimit(out->str, "\t", ' ');
	return g_string_free(out, FALSE);
}

/* For a rule that has none. Why is said where it gives nothing away. */
static char *
text_usual(const struct rule *rule, enum verdict_kind kind,
	   const struct fact_source *source)
{
	const char *list = list_of(source);
	GString *out;

	if (kind != VERDICT_REJECT && kind != VERDICT_DEFER)
		return g_strdup("");
	out = g_string_new(kind == VERDICT_REJECT ?
			   "This post is not accepted" :
			   "This post cannot be accepted now");
	if (list[0] != '\0') {
		g_string_append(out, " by ");
		append_clean(list, out);
	}
	if (rule->harmless)
		g_string_append_printf(out, ": %s", rule->why);
	cut(out, POLICY_STRING_MAX / 2);
	if (kind == VERDICT_DEFER)
		g_string_append(out, "; please try again later");
	return g_string_free(out, FALSE);
}

static void
fill_code(const struct rule *rule, bool decided, struct verdict *out)
{
	const char *enhanced = ENHANCED_DEFER;

	if (out->kind == VERDICT_REJECT)
		enhanced = ENHANCED_REJECT;
	else if (out->kind != VERDICT_DEFER)
		return;
	out->code = out->kind == VERDICT_REJECT ? CODE_REJECT : CODE_DEFER;
	if (decided && rule->code != 0)
		out->code = rule->code;
	if (decided && rule->enhanced[0] != '\0')
		enhanced = rule->enhanced;
	(void) g_strlcpy(out->enhanced, enhanced, sizeof(out->enhanced));
}

void
verdict_fill(const struct rule *rule, bool decided,
	     const struct fact_source *source, struct verdict *out)
{
	fill_code(rule, decided, out);
	if (out->kind == VERDICT_NONE)
		out->text = g_strdup("");
	else if (!decided)
		out->text = g_strdup("This post could not be judged now; "
				     "please try again later");
	else if (rule->text != NULL && rule->text->len > 0)
		out->text = text_of_rule(rule, source);
	else
		out->text = text_usual(rule, out->kind, source);
	out->why = g_strdup_printf("rule %u: %s%s", out->rule,
				   decided ? "" : "not decidable: ",
				   rule->why);
}

void
verdict_done(struct verdict *verdict)
{
	g_clear_pointer(&verdict->text, g_free);
	g_clear_pointer(&verdict->why, g_free);
}
