/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <string.h>

#include "core/base/banned.h"

/*
 * The whole policy of a list: what its keys say, then its own.
 *
 * What the envelope shows (bans of senders and clients, the null sender) is
 * a rule, in front of all. What is known later (automatic mail, a banned
 * author, rates) is a guard: it applies to what the list's own policy would
 * let in, and does not keep that from refusing strangers at RCPT.
 */

#define REFUSE_TEXT_MAX 600	/* bytes of the sentence that are used */

char *
policy_refusal(const char *list, const char *refuse_text)
{
	const char *at = strchr(list, '@');

	if (refuse_text[0] != '\0')
		return g_strdup(refuse_text);
	if (at == NULL)
		return g_strdup("Only subscribers may post to this list");
	return g_strdup_printf("Only subscribers may post to %s: write from "
			       "the address that is subscribed, or to "
			       "subscribe send a mail to %.*s-join%s", list,
			       (int)(at - list), list, at);
}

/* The sentence as it stands between quotes */
static char *
refusal_quoted(const struct policy_keys *keys)
{
	g_autofree char *text = policy_refusal(keys->list, keys->refuse_text);
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autoptr(GString) quoted = g_string_new(NULL);
	size_t len = strlen(valid);

	if (len > REFUSE_TEXT_MAX) {
		len = REFUSE_TEXT_MAX;
		while (((unsigned char)valid[len] & 0xc0) == 0x80)
			len--;
		valid[len] = '\0';
	}
	for (char *p = valid; *p != '\0'; p++)
		if (g_ascii_iscntrl(*p) && *p != '\n')
			*p = ' ';
	print_quoted(valid, true, quoted);
	return g_strndup(quoted->str + 1, quoted->len - 2);
}

/* One string of the own policy, from quote to quote */
static void
append_string(const char *from, const char *to, const char *refusal,
	      GString *out)
{
	while (from < to) {
		size_t len = from[0] == '\\' ? 2 : 1;

		if (strncmp(from, REFUSE_TEXT, strlen(REFUSE_TEXT)) == 0) {
			g_string_append(out, refusal);
			from += strlen(REFUSE_TEXT);
			continue;
		}
		g_string_append_len(out, from, (gssize)len);
		from += len;
	}
}

/* Behind which the text of a rule may stand: an action, or its codes */
static bool
leads_text(const struct lexer *lexer)
{
	switch (lexer->token.kind) {
	case TOKEN_WORD:
		return lex_is(lexer, "reject") || lex_is(lexer, "defer") ||
		       lex_is(lexer, "hold") || lex_is(lexer, "accept") ||
		       lex_is(lexer, "discard");
	case TOKEN_NUMBER:
	case TOKEN_STATUS:
		return true;
	default:
		return false;
	}
}

/*
 * The own policy with the sentence for strangers in its place, all else as
 * it was written. A text that is no policy stays as it is from where it goes
 * wrong; it will not parse.
 */
static void
append_own(const struct policy_keys *keys, GString *out)
{
	const char *preset = policy_preset(keys->policy);
	const char *text = preset != NULL ? preset : keys->policy;
	g_autofree char *refusal = refusal_quoted(keys);
	struct lexer lexer = { .name = "", .text = text };
	bool may_follow = false;
	size_t done = 0;

	while (lex_next(&lexer) == ERR_OK && lexer.token.kind != TOKEN_END) {
		bool is_text = may_follow && lexer.token.kind == TOKEN_STRING;

		may_follow = leads_text(&lexer);
		if (!is_text)
			continue;
		g_string_append_len(out, text + done,
				    (gssize)(lexer.token.from - done));
		append_string(text + lexer.token.from, text + lexer.token.to,
			      refusal, out);
		done = lexer.token.to;
	}
	g_string_append(out, text + done);
	if (out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
}

static void
append_bans(GString *out)
{
	g_string_append(out,
		"# banned, of the list, its domain and the site\n"
		"reject \"%{sender} may not write to %{list}\" "
		"when sender.banned\n"
		"reject \"The host %{client.addr} may not write to %{list}\" "
		"when client.banned\n"
		"guard reject \"%{author} may not write to %{list}\" "
		"when author.banned\n");
}

static void
append_automatic(const struct policy_keys *keys, GString *out)
{
	g_string_append(out,
		"# no list takes what machines answer\n"
		"reject \"%{list} takes no delivery reports and automatic "
		"answers; this one has no sender\" when not sender\n"
		"guard reject \"This looks like an automatic answer "
		"(%{automatic}), which %{list} does not take\"\n"
		"\twhen automatic in (\"autoreply\", \"dsn\", "
		"\"challenge\")\n");
	if (!keys->accept_automatic)
		g_string_append(out,
			"# accept-automatic = no\n"
			"guard reject \"This post was made by a machine, and "
			"%{list} takes posts by people only\"\n"
			"\twhen automatic\n");
}

static void
append_recipients(const struct policy_keys *keys, GString *out)
{
	if (keys->recipients_max <= 0)
		return;
	g_string_append_printf(out,
		"# max-recipients = %" PRIi64 "\n"
		"guard reject \"This post has %%{recipients} recipients; "
		"%%{list} takes posts with at most %" PRIi64 "\" "
		"when recipients > %" PRIi64 "\n",
		keys->recipients_max, keys->recipients_max,
		keys->recipients_max);
}

static void
append_rate(const char *key, const char *fact, const char *whose,
	    int64_t rate, int64_t window_s, GString *out)
{
	g_autoptr(GString) window = g_string_new(NULL);

	if (rate <= 0 || window_s <= 0)
		return;
	print_duration(window_s, window);
	g_string_append_printf(out,
		"# %s = %" PRIi64 "/%s\n"
		"guard defer 451 4.7.1 \"%%{list} takes at most %" PRIi64
		" posts %s in %s; please try again later\" "
		"when %s(%s) >= %" PRIi64 "\n", key, rate, window->str, rate,
		whose, window->str, fact, window->str, rate);
}

/* Those of whose domain a copy needs no other From */
static void
append_own_domains(const struct policy_keys *keys, GString *out)
{
	g_string_append(out, "\tand not author.domain in (");
	print_quoted(strrchr(keys->list, '@') + 1, false, out);
	if (keys->own_domain != NULL && keys->own_domain[0] != '\0') {
		g_string_append(out, ", ");
		print_quoted(keys->own_domain, false, out);
	}
	g_string_append(out, ")\n");
	if (keys->dmarc_may_hold)
		g_string_append(out,
			"\tand not dmarc.aligned == \"dkim\"\n");
}

/* What a domain asks for is not known as long as the DNS does not say; and
 * that it passed says nothing of it. */
static void
append_dmarc(const struct policy_keys *keys, GString *out)
{
	if (!keys->dmarc_reject)
		return;
	g_string_append(out,
		"# dmarc = reject\n"
		"guard defer 451 4.7.1 \"It could not be found out what "
		"%{author.domain} asks for (DMARC), since its DNS does not "
		"answer; please try again later\"\n"
		"\twhen (dmarc == \"temperror\" and not dmarc.policy == "
		"\"none\" or dmarc == \"pass\" and not dmarc.policy)\n");
	append_own_domains(keys, out);
	g_string_append(out,
		"guard reject 550 5.7.1 \"%{author.domain} asks to refuse "
		"its mail when a list sends it on (DMARC), so %{list} "
		"does not take it; please write from an address of another "
		"domain\"\n"
		"\twhen (dmarc.policy in (\"quarantine\", \"reject\") or "
		"dmarc == \"permerror\")\n");
	append_own_domains(keys, out);
}

/* Behind what refuses. There always is a list: a guard without "when" would
 * make one of the list's own policy a mistake, since it is never applied. */
static void
append_holds(const struct policy_keys *keys, GString *out)
{
	if (!keys->commands_pass)
		g_string_append(out,
			"# misdirected = yes: what is no command beyond "
			"doubt, but looks like one\n"
			"guard hold \"This looks like the command "
			"\\\"%{command}\\\", sent to the list by mistake\" "
			"when command\n");
	if (keys->emergency)
		g_string_append(out,
			"# emergency = yes\n"
			"guard hold \"All posts to %{list} are held at "
			"present\" when list\n");
}

/* What has passed the other list's policy; the guards hold for it, too. */
static void
append_lists(const struct policy_keys *keys, GString *out)
{
	if (keys->accepts_lists)
		g_string_append(out,
			"# accepted: lists that this one is a member of\n"
			"accept when sender.accepted\n");
}

/* The list's own policy is not applied: all is refused anyway. */
static char *
closed_text(void)
{
	return g_strdup("# closed = yes; the list's policy is not applied\n"
			"reject \"%{list} is closed and takes no posts\"\n");
}

char *
policy_text_for(const struct policy_keys *keys)
{
	GString *out;

	if (keys->closed)
		return closed_text();
	out = g_string_new(NULL);
	append_bans(out);
	append_automatic(keys, out);
	append_recipients(keys, out);
	append_rate("author-rate", "author.rate", "of one author",
		    keys->author_rate, keys->author_rate_s, out);
	append_rate("list-rate", "list.rate", "in all", keys->list_rate,
		    keys->list_rate_s, out);
	append_dmarc(keys, out);
	append_holds(keys, out);
	append_lists(keys, out);
	if (policy_preset(keys->policy) != NULL)
		g_string_append_printf(out, "# policy = %s\n", keys->policy);
	else
		g_string_append(out, "# policy, the list's own\n");
	append_own(keys, out);
	return g_string_free(out, FALSE);
}
