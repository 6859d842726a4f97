/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MODERATE_POLICY_H
#define MUSTER_MODERATE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "core/base/err.h"
#include "core/mail/pattern.h"
#include "core/moderate/fact.h"

/*
 * The policy language, muster-policy(5): rules, the first that matches wins.
 * The last rule, and only that, has no "when": it is the default.
 *
 *	policy	= 1*(["guard"] rule)
 *	rule	= action [code [enhanced]] [text] ["when" or]
 *	action	= accept | hold | reject | discard | defer
 *	text	= "..." with %{fact}, %{header(Name)}, %{list.rate(1h)};
 *		  \" \\ \n \%; strings that follow each other are one
 *	or	= and *("or" and)		and = not *("and" not)
 *	not	= *"not" ( "(" or ")" | test )
 *	test	= fact				a bool; a text or texts: is
 *						there one that is not empty?;
 *						a number or duration: is it
 *						not 0?
 *		| fact ("==" | "!=" | "<" | "<=" | ">" | ">=") constant
 *		| fact ("=~" | "!~") /regex/[i]
 *		| fact ["not"] "in" set
 *	set	= members | members("dev@...") | owners | moderators |
 *		  accepted | banned | file("name") |
 *		  ("a@b", "@b", "*.c", "192.0.2.0/24")
 *	fact	= name | name("argument") | name(duration)
 *	constant = "text" | number[k|M|G] | duration (s m h d w) | HH:MM |
 *		  yes | no
 *
 * "#" begins a comment. Line ends mean nothing. Texts compare without
 * regard to the case of ASCII letters.
 *
 * Several values, and none: a comparison is true if it is for one of the
 * values; "!=", "!~" and "not in" are true when "==", "=~" and "in" are true
 * for none. So a text that is absent equals nothing, matches nothing and is
 * in no set, and its "!=", "!~" and "not in" are true. (author in ("a@b") is
 * true for a From of two addresses of which one is a@b; author.member and
 * its like ask about all.)
 *
 * Types do not mix: a number is compared with a number, a duration with a
 * duration ("3d", never "3"), a time with HH:MM. k, M, G are 1024, 1024^2,
 * 1024^3. Times are minutes since midnight and do not wrap: the night is
 * "time >= 22:00 or time < 06:00".
 *
 * Three-valued logic (Kleene): a test on a fact that is not known yet is
 * unknown, "no and unknown" is no, "yes or unknown" is yes.
 *
 * Guards. Keys of a list such as a ban on authors must hold whatever its
 * policy says, but if they stood before it as rules, then what is known late
 * (the author, the body) would keep the policy from refusing strangers at
 * RCPT. So a rule may be a guard: guards do not stand in the way of what
 * refuses, they apply to what would be let in.
 *
 *	1. The rules without "guard" give a verdict: the first that matches.
 *	2. If that is reject, discard or defer, it is the verdict.
 *	3. If it is accept or hold, the first guard that matches, if any, is
 *	   the verdict instead.
 *
 * Where in the text a guard stands among the other rules does not matter. A
 * guard without "when" always matches and must be the last guard.
 */

#define POLICY_TEXT_MAX 16000	/* bytes that a list's own policy may have */
#define POLICY_WHOLE_MAX 48000	/* bytes that policy_parse() takes: one of
				 * the largest with what the keys add */
#define POLICY_RULES_MAX 500	/* in a list's own; the keys may add 20 */
#define POLICY_DEPTH_MAX 50	/* of parentheses and nots */
#define POLICY_REGEX_MAX 1000	/* bytes of one expression */
#define POLICY_STRING_MAX 1000	/* bytes of one text of a list's own; what
				 * a verdict says has at most twice that */

enum verdict_kind {
	VERDICT_NONE,		/* not decidable yet */
	VERDICT_ACCEPT, VERDICT_HOLD, VERDICT_REJECT, VERDICT_DISCARD,
	VERDICT_DEFER
};
const char *verdict_name(enum verdict_kind kind);	/* "none", "accept" */

struct policy;			/* immutable, counted; any thread */

/*
 * policy_parse - the whole text of a policy
 *
 * name	what the text is called: "dev.policy", "list dev@..."
 * out	policy_unref()
 *
 * ERR_INVALID: "NAME:3:12: ..." (line and column, in characters, from 1)
 * with what was expected and, for a word that is nearly a known one, a
 * suggestion.
 */
enum err_code policy_parse(const char *name, const char *text,
			   struct policy **out, struct err *err);
struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy);	/* takes NULL */

/*
 * policy_check - may a list have this as its policy: the name of a preset,
 * or rules that parse and are within the limits, so that they still are
 * when the keys' rules are put before them. Fails like policy_parse().
 */
enum err_code policy_check(const char *name, const char *policy,
			   struct err *err);

size_t policy_rule_count(const struct policy *policy);
/* policy_rule_text - the rule as written, white space and comments
 * normalised, one line; owned by the policy. rule counts from 1. */
const char *policy_rule_text(const struct policy *policy, size_t rule);
/* policy_rule_line - where it begins in the text, from 1 */
unsigned int policy_rule_line(const struct policy *policy, size_t rule);
bool policy_rule_is_guard(const struct policy *policy, size_t rule);
/* policy_rule_step - the step at which all that it asks is known */
enum step policy_rule_step(const struct policy *policy, size_t rule);
/* policy_print - all rules so, one a line; parses to the same. Caller
 * frees. */
char *policy_print(const struct policy *policy);
/* policy_needs - could deciding it, or one of its texts, ask for this fact?
 * Sets are no facts. */
bool policy_needs(const struct policy *policy, enum fact_id fact);

struct verdict {
	enum verdict_kind kind;
	unsigned int rule;	/* that decided (or that is not decidable),
				 * from 1 */
	int code;		/* SMTP reply of reject, defer: 550, 451; else
				 * 0 */
	char enhanced[12];	/* "5.7.1"; else "" */
	char *text;		/* UTF-8 with facts put in; g_free(). No
				 * control characters but \n where the policy
				 * has one. Reject and defer always have one,
				 * of the others those whose rule has */
	char *why;		/* "rule 2: not author.member"; g_free() */
};
void verdict_done(struct verdict *verdict);	/* takes a zeroed one */

/*
 * policy_decide - the verdict, as far as it is known: a rule is applied when
 * it and every rule before it can be decided; a guard, when the rules
 * without "guard" have come to accept or hold, and every guard before it can
 * be decided.
 *
 * Once the kind is not NONE, later calls with more known facts give the same
 * kind, rule, code and enhanced. The text may differ: a fact in it that is
 * not known when the verdict is reached prints as "". (A regular expression
 * that just keeps to its CPU time once may pass it the next time; so act on
 * the first verdict.)
 *
 * A regular expression that passes its limits (matching, memory, CPU time;
 * all of a decision together get half a second of it)
 * counts as not decidable. last: nothing more will become known; then a rule
 * that is not decidable, whatever the reason, makes the verdict DEFER.
 *
 * Each call asks the source anew, and only for what the rules up to the one
 * that decides need; the source should not compute what is not asked for.
 */
void policy_decide(const struct policy *policy,
		   const struct fact_source *source, bool last,
		   struct verdict *out);

/*
 * policy_explain - for `muster policy test`: the rules in the order in which
 * policy_decide() looked at them, up to the one that decides or cannot be
 * decided, then, if that accepts or holds, the guards. Array of struct
 * policy_applied; g_array_unref().
 */
struct policy_applied {
	unsigned int rule;	/* from 1 */
	enum truth truth;	/* of its condition */
};
GArray *policy_explain(const struct policy *policy,
		       const struct fact_source *source);

/*
 * Presets: "open", "members", "members-strict", "moderated", "announce".
 * policy_preset - its text, which parses; NULL: no such preset. Where the
 * list's sentence for strangers goes, %{refuse-text} stands in it; it may be
 * used in any policy, and prints the usual sentence if policy_text_for() has
 * not put the list's there. Static.
 */
const char *policy_preset(const char *name);
extern const char *const policy_preset_names[];	/* NULL-ended */

/*
 * policy_text_for - the whole text that holds for a list: what its keys say
 * (as rules and guards, each with a comment that names the key), then its
 * policy. It parses if the policy passes policy_check(). The caller frees.
 */
struct policy_keys {
	const char *list;		/* canonical address */
	const char *policy;		/* preset's name, or rules */
	const char *refuse_text;	/* "" for the usual sentence */
	bool emergency;			/* hold all */
	bool closed;			/* refuse all */
	bool commands_pass;	/* misdirected = no */
	bool accept_automatic;		/* machine-made posts such as those of
					 * a bug tracker are for the policy */
	bool accepts_lists;	/* lists may be among those always to accept */
	/* dmarc = reject: refuse authors whose domain asks to refuse copies,
	 * but for those of the list's domain and of own_domain ("": none); and
	 * for those whose signature will hold, where there may be some */
	bool dmarc_reject, dmarc_may_hold;
	const char *own_domain;
	int64_t recipients_max;		/* 0: any */
	int64_t author_rate, author_rate_s;	/* posts in seconds; 0: any */
	int64_t list_rate, list_rate_s;
};
char *policy_text_for(const struct policy_keys *keys);

/*
 * policy_refusal - the sentence for strangers: refuse_text, or where that is
 * empty one that names the address to subscribe. The caller frees.
 */
char *policy_refusal(const char *list, const char *refuse_text);

#endif
