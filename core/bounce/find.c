/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Whom a server's own words say it could not reach.
 *
 * Such texts are full of addresses: the sender's, a postmaster's, of whoever
 * to ask. So an address counts for where it stands, and only those of the
 * best place that any of them has are taken: in a list that the text
 * announces; at the beginning of a line that goes on about it; behind a label;
 * in a dialogue, before the refusal; within a sentence about failure; alone on
 * a line; and, where nothing else is there, alone in the text.
 */
#include <string.h>

#include "core/bounce/words.h"
#include "core/bounce/phrases.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/* --- where one stands --------------------------------------------------- */

/* What may be around an address at the beginning of a line */
#define MARKS " \t<>\"'`*-|#[](){},;:.0123456789~="

static bool
is_marks(const char *text)
{
	return text[strspn(text, MARKS)] == '\0';
}

/* "550 5.1.1 <": the first digit of such a code; 0: none is there */
static char
reply_code(const char *text)
{
	text += strspn(text, " \t<>-");
	return text[0] >= '2' && text[0] <= '5' && g_ascii_isdigit(text[1]) &&
	       g_ascii_isdigit(text[2]) && !g_ascii_isdigit(text[3]) ?
	       text[0] : 0;
}

static bool
refuses(char code)
{
	return code == '4' || code == '5';
}

/* Text up to an address, or behind it, without what is between them */
static char *
before(const char *line, size_t start)
{
	size_t from = start > 120 ? start - 120 : 0;
	char *text = phrase_plain(line + from, start - from);
	size_t len = strlen(text);

	while (len > 0 && strchr(" <\"'`([:,-=;", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static const char *
behind(const char *line, size_t end)
{
	return line + end + strspn(line + end, ">\"'`)] \t");
}

struct place {
	const struct words_line *line;
	struct addr_span span;
	char *lead;		/* plain text before it, without marks */
	bool led;		/* nothing but marks before it */
	char code;		/* of a reply, before it; or 0 */
	const char *rest;	/* behind it */
};

static void
place_init(struct place *place, const struct words_line *line,
	   const struct addr_span *span)
{
	g_autofree char *start = g_strndup(line->text, span->start);

	place->line = line;
	place->span = *span;
	place->lead = before(line->text, span->start);
	place->code = reply_code(start);
	place->led = is_marks(start) || strstr(place->lead, "dda:smtp") != NULL;
	place->rest = behind(line->text, span->end);
}

static bool
ends_entry(const char *rest)
{
	return rest[0] == '\0' || strchr(":;,([<-|", rest[0]) != NULL ||
	       g_str_has_prefix(rest, "...") || g_str_has_prefix(rest, "on ") ||
	       g_str_has_prefix(rest, "：");
}

/* "<ann@example.org>: host ... said", "ann@example.org... User unknown" */
static bool
is_led(const struct place *place)
{
	bool bracketed = place->span.start > 0 &&
			 place->line->text[place->span.start - 1] == '<';

	if (!place->led || place->code != 0)
		return false;
	return place->rest[0] == ':' || g_str_has_prefix(place->rest, "...") ||
	       (bracketed && place->rest[0] == '(');
}

static bool
is_labelled(const struct place *place)
{
	return !place->led && strlen(place->lead) < 50 &&
	       phrase_is_label(place->lead);
}

static bool
is_in_sentence(const struct place *place)
{
	g_autofree char *after = phrase_plain(place->rest,
					      MIN(strlen(place->rest), 80));

	return phrase_before(place->lead) ||
	       phrase_after(after + strspn(after, ",.:- "));
}

/* --- all of a text ------------------------------------------------------ */

enum rank { RANK_LIST, RANK_LED, RANK_DIALOGUE, RANK_SENTENCE, RANK_ALONE,
	    RANK_LEFT, RANKS };

struct search {
	const struct words *words;
	GPtrArray *ranks[RANKS];	/* of struct words_addr */
	bool listing;		/* the text has announced addresses */
	bool listed;		/* and here they are */
	int entry;		/* the indent of the entry that the paragraph
				 * began with, or -1: what is deeper goes on
				 * about it */
	char *previous;		/* the line before, plain */
	GPtrArray *asked;	/* struct words_addr: RCPT without reply */
};

static void
words_addr_free(void *data)
{
	struct words_addr *one = data;

	g_free(one->addr);
	g_free(one);
}

static GPtrArray *
addrs_new(void)
{
	return g_ptr_array_new_with_free_func(words_addr_free);
}

static void
addrs_add(GPtrArray *addrs, const char *addr, guint line)
{
	struct words_addr *one;

	for (guint i = 0; i < addrs->len; i++) {
		one = addrs->pdata[i];
		if (g_ascii_strcasecmp(one->addr, addr) == 0)
			return;
	}
	if (addrs->len >= WORDS_RECIPIENTS_MAX)
		return;
	one = g_new0(struct words_addr, 1);
	one->addr = g_strdup(addr);
	one->line = line;
	g_ptr_array_add(addrs, one);
}

/* postmaster@ and the like, who are to be asked, unless they head a line */
static bool
is_role(const char *addr)
{
	static const char *const roles[] = {
		"postmaster@", "mailer-daemon@", "abuse@", "support@",
		"helpdesk@", "hostmaster@", "webmaster@", "admin@",
		"administrator@", "noreply@", "no-reply@", "help@",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(roles); i++)
		if (g_ascii_strncasecmp(addr, roles[i],
					strlen(roles[i])) == 0)
			return true;
	return false;
}

/* Of the lines that a text quotes from the header of what it returns */
static bool
is_quoted_field(const struct place *place)
{
	static const char *const fields[] = {
		"to:", "cc:", "bcc:", "from:", "subject:", "sent:", "date:",
		"reply-to:", "sender:", "message-id:", "return-path:",
		"von:", "an:", "betreff:", "de:", "à:", "para:", "mail from",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (g_str_has_prefix(place->line->plain, fields[i]))
			return true;
	return false;
}

static void
rank_place(struct search *search, const struct place *place, const char *addr,
	   guint line)
{
	bool named = !words_is_other(search->words, addr) && !is_role(addr) &&
		     !is_quoted_field(place);
	bool heads = search->entry < 0 || place->line->indent <= search->entry;

	if (heads && search->listing && place->led && place->code == 0 &&
	    ends_entry(place->rest)) {
		addrs_add(search->ranks[RANK_LIST], addr, line);
		search->listed = true;
		search->entry = place->line->indent;
	} else if (heads && (is_led(place) || is_labelled(place))) {
		addrs_add(search->ranks[RANK_LED], addr, line);
		search->entry = place->line->indent;
	} else if (place->led && refuses(place->code)) {
		addrs_add(search->ranks[RANK_DIALOGUE], addr, line);
	} else if (named && !phrase_contact(place->lead) &&
		   is_in_sentence(place)) {
		addrs_add(search->ranks[RANK_SENTENCE], addr, line);
	} else if (named && place->led && place->rest[0] == '\0') {
		addrs_add(search->ranks[RANK_ALONE], addr, line);
	} else if (named && !phrase_contact(place->lead)) {
		addrs_add(search->ranks[RANK_LEFT], addr, line);
	}
}

static void
search_addrs(struct search *search, const struct words_line *line, guint index)
{
	struct addr_span span = { 0, 0 };
	bool led = false;
	size_t end = 0;

	while (addr_next(line->text, end, &span)) {
		g_autofree char *between = g_strndup(line->text + end,
						     span.start - end);
		g_autofree char *addr = addr_take(line->text, &span);
		struct place place;

		if (addr != NULL) {
			place_init(&place, line, &span);
			/* "ann@example.org, bob@example.org" */
			if (end > 0)
				place.led = led && is_marks(between);
			led = place.led;
			rank_place(search, &place, addr, index);
			g_free(place.lead);
		}
		end = span.end;
	}
}

/* Nothing but a rule, or a heading within one */
static bool
is_rule(const char *plain)
{
	static const char *const rules[] = { "----", "====", "****", "____",
					     "####", "---" };

	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
		if (g_str_has_prefix(plain, rules[i]))
			return true;
	return false;
}

static void
search_heading(struct search *search, const struct words_line *line)
{
	g_autofree char *both = g_strdup_printf("%s %s", search->previous,
						line->plain);

	if (phrase_names(line->plain) || phrase_names(both)) {
		search->listing = true;
		search->listed = false;
	} else if (is_rule(line->plain) && search->listed) {
		search->listing = search->listed = false;
	}
	g_free(search->previous);
	search->previous = g_strdup(line->plain);
}

/* RCPT commands and what was replied, in whatever way they are marked */
static void
search_dialogue(struct search *search, const struct words_line *line,
		guint index)
{
	const char *rcpt = strstr(line->plain, "rcpt to:");
	const char *reply = line->plain + strcspn(line->plain, "0123456789");
	struct addr_span span;

	if (rcpt != NULL && strstr(line->plain, " command") == NULL &&
	    addr_next(line->text, 0, &span)) {
		g_autofree char *addr = addr_take(line->text, &span);

		if (addr != NULL)
			addrs_add(search->asked, addr, index);
		return;
	}
	if (search->asked->len == 0 || reply - line->plain > 16)
		return;
	for (guint i = 0; i < search->asked->len &&
			  refuses(reply_code(reply)); i++) {
		const struct words_addr *one = search->asked->pdata[i];

		addrs_add(search->ranks[RANK_DIALOGUE], one->addr, one->line);
	}
	if (reply_code(reply) != 0)
		g_ptr_array_set_size(search->asked, 0);
}

/* AOL names whoever is of its own domain without it. Other servers do not
 * have the name of the domain, but one of their own, below it. */
static void
search_names(struct search *search)
{
	const struct words *words = search->words;
	const char *dot = strchr(words->domain, '.');
	bool listing = false;

	if (dot == NULL || strchr(dot + 1, '.') != NULL)
		return;

	for (guint i = 0; i < words->lines->len; i++) {
		const struct words_line *line = words->lines->pdata[i];
		g_autofree char *text = NULL, *addr = NULL;
		size_t len = strspn(line->plain, "abcdefghijklmnopqrstuvwxyz"
				    "0123456789._");

		if (listing && len >= 3 && line->plain[len] == '\0') {
			text = g_strdup_printf("%s@%s", line->text,
					       words->domain);
			addr = addr_canon(text);
			if (addr != NULL)
				addrs_add(search->ranks[RANK_LEFT], addr, i);
		} else if (line->plain[0] != '\0') {
			listing = phrase_names(line->plain) &&
				  g_str_has_suffix(line->plain, ":");
		}
	}
}

static GPtrArray *
best_rank(struct search *search)
{
	for (int i = 0; i < RANK_LEFT; i++)
		if (search->ranks[i]->len > 0)
			return g_ptr_array_ref(search->ranks[i]);
	if (search->ranks[RANK_LEFT]->len == 0)
		search_names(search);
	/* One that nothing speaks for, among others like it, is nobody. */
	if (search->ranks[RANK_LEFT]->len == 1)
		return g_ptr_array_ref(search->ranks[RANK_LEFT]);
	return addrs_new();
}

GPtrArray *
words_recipients(const struct words *words)
{
	struct search search = { .words = words,
				 .entry = -1, .previous = g_strdup("") };
	GPtrArray *best;

	search.asked = addrs_new();
	for (int i = 0; i < RANKS; i++)
		search.ranks[i] = addrs_new();
	for (guint i = 0; i < words->lines->len; i++) {
		const struct words_line *line = words->lines->pdata[i];

		if (line->text[0] == '\0') {
			search.entry = -1;
			continue;
		}
		search_dialogue(&search, line, i);
		search_addrs(&search, line, i);
		search_heading(&search, line);
	}
	best = best_rank(&search);
	for (int i = 0; i < RANKS; i++)
		g_ptr_array_unref(search.ranks[i]);
	g_ptr_array_unref(search.asked);
	g_free(search.previous);
	return best;
}
