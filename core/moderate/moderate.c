/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/moderate.h"

#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

/*
 * A preset is a few rules of the form "reject when not FACT"; what no rule
 * rejects is accepted. The table is both what is applied and what is
 * printed, so that the two cannot differ.
 */
struct rule {
	const char *name;	/* of the fact; NULL ends the rules */
	size_t fact;		/* offset in struct facts */
};

#define SENDER_MEMBER { "sender.member", offsetof(struct facts, sender_member) }
#define AUTHOR_MEMBER { "author.member", offsetof(struct facts, author_member) }
#define RULES_END { NULL, 0 }

static const struct rule rules_open[] = { RULES_END };
static const struct rule rules_members[] = { AUTHOR_MEMBER, RULES_END };
static const struct rule rules_strict[] = {
	SENDER_MEMBER, AUTHOR_MEMBER, RULES_END
};

const char *const policy_names[] = {
	"open", "members", "members-strict", NULL
};

static const struct rule *
policy_rules(const char *policy)
{
	if (strcmp(policy, "open") == 0)
		return rules_open;
	if (strcmp(policy, "members") == 0)
		return rules_members;
	if (strcmp(policy, "members-strict") == 0)
		return rules_strict;
	return NULL;
}

void
moderate(const char *policy, const struct facts *facts, struct verdict *out)
{
	const struct rule *rule = policy_rules(policy);
	enum fact value;
	int number = 1;

	g_assert(rule != NULL);
	for (; rule->name != NULL; rule++, number++) {
		memcpy(&value, (const char *)facts + rule->fact,
		       sizeof(value));
		if (value == FACT_YES)
			continue;
		out->kind = value == FACT_NO ? VERDICT_REJECT : VERDICT_NONE;
		out->rule = number;
		out->fact = rule->name;
		return;
	}
	out->kind = VERDICT_ACCEPT;
	out->rule = number;
	out->fact = "default";
}

char *
refusal_text(const char *list, const char *refuse_text)
{
	const char *at = strchr(list, '@');

	if (refuse_text[0] != '\0' || at == NULL)
		return g_strdup(refuse_text);
	return g_strdup_printf("Only subscribers may post to %s: write from "
			       "the address that is subscribed, or to "
			       "subscribe send a mail to %.*s-join%s", list,
			       (int)(at - list), list, at);
}

char *
policy_text(const char *policy, const char *refuse_text)
{
	const struct rule *rule = policy_rules(policy);
	g_autofree char *quoted = NULL;
	GString *text;

	if (rule == NULL)
		return NULL;
	quoted = g_strescape(refuse_text, "\t");
	text = g_string_new(NULL);
	for (; rule->name != NULL; rule++)
		g_string_append_printf(text, "reject \"%s\" when not %s\n",
				       quoted, rule->name);
	g_string_append(text, "accept\n");
	return g_string_free(text, FALSE);
}
