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
#include "core/bounce/place.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/* --- all of a text ------------------------------------------------------ */

enum rank { RANK_LIST, RANK_LED, RANK_DIALOGUE, RANK_SENTENCE, RANK_ALONE,
	    RANK_LEFT, RANKS };

#define UNLISTED_MAX 12	/* lines from such a heading to the first */

struct search {
	const struct words *words;
	GPtrArray *ranks[RANKS];	/* of struct words_addr */
	bool listing;		/* the text has announced addresses */
	bool listed;		/* and here they are */
	int unlisted;		/* lines since then, if they are not */
	bool succeeded;		/* it has announced those that were reached */
	bool nameless;		/* the entry before is a program or a file */
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

/* True: a sentence says it of this address. */
static bool
rank_place(struct search *search, const struct place *place, const char *addr,
	   guint line)
{
	bool named = !words_is_other(search->words, addr) &&
		     !place_is_role(addr) && !place_is_quoted(place);
	bool heads = search->entry < 0 || place->line->indent <= search->entry;

	if (search->succeeded)
		return false;
	if (search->nameless && phrase_owner(place->lead)) {
		addrs_add(search->ranks[RANK_LIST], addr, line);
		search->nameless = false;
	} else if (heads && search->listing && place->led && place->code == 0 &&
	    place_ends_entry(place->rest)) {
		addrs_add(search->ranks[RANK_LIST], addr, line);
		search->listed = true;
		search->entry = place->line->indent;
	} else if (heads && (place_is_led(place) || place_is_labelled(place))) {
		addrs_add(search->ranks[RANK_LED], addr, line);
		search->entry = place->line->indent;
	} else if (place->led && place_refuses(place->code)) {
		addrs_add(search->ranks[RANK_DIALOGUE], addr, line);
	} else if (named && !phrase_contact(place->lead) &&
		   (place->goes_on || place_is_in_sentence(place))) {
		addrs_add(search->ranks[RANK_SENTENCE], addr, line);
		return true;
	} else if (named && place->led && place->rest[0] == '\0') {
		addrs_add(search->ranks[RANK_ALONE], addr, line);
	} else if (named && !phrase_contact(place->lead)) {
		addrs_add(search->ranks[RANK_LEFT], addr, line);
	}
	return false;
}

/* "ann@example.org, bob@example.org and eve@example.org" */
static bool
is_joined(const char *between)
{
	static const char *const words[] = { " and ", " und ", " et ", " y ",
					     " e ", " en ", " и " };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strlen(between) < 12 && strstr(between, words[i]) != NULL)
			return true;
	return place_is_marks(between);
}

static void
search_addrs(struct search *search, const struct words_line *line, guint index)
{
	struct addr_span span = { 0, 0 };
	bool led = false, told = false;
	size_t end = 0;

	while (addr_next(line->text, end, &span)) {
		g_autofree char *between = g_strndup(line->text + end,
						     span.start - end);
		g_autofree char *addr = addr_take(line->text, &span);
		struct place place;

		if (addr != NULL) {
			place_init(&place, line, &span);
			if (end > 0)
				place.led = led && place_is_marks(between);
			led = place.led;
			place.goes_on = told && is_joined(between);
			told = rank_place(search, &place, addr, index);
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

/* "It could not be successfully delivered to:" */
static bool
is_negated(const char *plain)
{
	return strstr(plain, "not ") != NULL || strstr(plain, "n't ") != NULL;
}

static void
search_heading(struct search *search, const struct words_line *line)
{
	g_autofree char *both = g_strdup_printf("%s %s", search->previous,
						line->plain);

	if (phrase_succeeds(line->plain) && !is_negated(both)) {
		search->succeeded = true;
	} else if (phrase_names(line->plain) || phrase_names(both)) {
		search->listing = true;
		search->listed = search->succeeded = false;
		search->unlisted = 0;
	} else if (is_rule(line->plain) && search->listed) {
		search->listing = search->listed = false;
	} else if (!search->listed && ++search->unlisted > UNLISTED_MAX) {
		search->listing = false;
	}
	if (phrase_nameless(line->plain))
		search->nameless = true;
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
			  place_refuses(place_reply(reply)); i++) {
		const struct words_addr *one = search->asked->pdata[i];

		addrs_add(search->ranks[RANK_DIALOGUE], one->addr, one->line);
	}
	if (place_reply(reply) != 0)
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
best_rank(struct search *search, enum words_found *found)
{
	for (int i = 0; i < RANK_LEFT; i++) {
		*found = i < RANK_SENTENCE    ? WORDS_LISTED
			 : i == RANK_SENTENCE ? WORDS_TOLD
					      : WORDS_ALONE;
		if (search->ranks[i]->len > 0)
			return g_ptr_array_ref(search->ranks[i]);
	}
	if (search->ranks[RANK_LEFT]->len == 0)
		search_names(search);
	/* One that nothing speaks for, among others like it, is nobody. */
	if (search->ranks[RANK_LEFT]->len == 1)
		return g_ptr_array_ref(search->ranks[RANK_LEFT]);
	return addrs_new();
}

GPtrArray *
words_recipients(const struct words *words, enum words_found *found)
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
	best = best_rank(&search, found);
	for (int i = 0; i < RANKS; i++)
		g_ptr_array_unref(search.ranks[i]);
	g_ptr_array_unref(search.asked);
	g_free(search.previous);
	return best;
}
