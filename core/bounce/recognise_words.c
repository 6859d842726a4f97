/* SPDX-License-Identifier: BSD-2-Clause */

/* What servers say in words of their own. */
#include <string.h>

#include "core/bounce/judge.h"
#include "core/bounce/look.h"
#include "core/bounce/phrases.h"
#include "core/mail/addr.h"
#include "core/mail/content.h"
#include "core/mail/wordlist.h"
#include "core/base/banned.h"

#define RETURNED_LINES_MAX 200

/* Is it said that a recipient cannot have mail, as servers say it? That
 * something is refused, or late, people write as well. */
static bool
says_why(const struct look *look)
{
	switch (phrase_reason_said(look->words.plain)) {
	case REASON_USER:
	case REASON_HOST:
	case REASON_FULL:
	case REASON_DISABLED:
		return true;
	default:
		return judge_has_status(look->words.text);
	}
}

/* "That is not a valid user here." is enough of a server. */
static bool
says_failure(const struct look *look)
{
	if (phrase_fails(look->words.plain) || phrase_fails(look->subject))
		return true;
	return is_surely_server(look) &&
	       (phrase_fails_nearly(look->words.plain) ||
		(look->from_daemon && says_why(look)));
}

bool
says_delay(const struct look *look)
{
	return (phrase_delays(look->words.plain) ||
		phrase_delays(look->subject)) &&
	       !phrase_gives_up(look->words.plain);
}

static const struct bounce_recipient *
judge_all(struct look *look)
{
	if (look->whole == NULL) {
		look->whole = g_new0(struct bounce_recipient, 1);
		look->whole->status = g_strdup("");
		judge_failure(look->whole, look->words.text);
	}
	return look->whole;
}

/* Where nothing is said about one of them, what is said at all is */
static void
take_whole(struct look *look, struct bounce_recipient *one)
{
	const struct bounce_recipient *whole = judge_all(look);

	g_free(one->status);
	one->status = g_strdup(whole->status);
	one->reason = whole->reason;
	one->class = whole->class;
}

void
add_named(struct look *look, const char *addr, const char *about)
{
	struct bounce_recipient *one;
	bool delayed = says_delay(look);

	if (look_knows(look->out, addr) ||
	    look->out->recipients->len >= WORDS_RECIPIENTS_MAX)
		return;
	one = look_add(look->out, addr, about);
	judge_failure(one, about);
	if (one->reason == REASON_NONE && one->status[0] == '\0')
		take_whole(look, one);
	if (delayed)
		one->class = BOUNCE_DELAYED;
}

/* What the text says about an address, which is not always there */
static char *
about_addr(const struct look *look, const GPtrArray *addrs, const char *addr)
{
	for (guint i = 0; i < addrs->len; i++) {
		const struct words_addr *one = addrs->pdata[i];

		if (g_ascii_strcasecmp(one->addr, addr) == 0)
			return words_about(&look->words, addrs, i);
	}
	return g_strdup(look->words.text);
}

static void
add_of_field(struct look *look, const GPtrArray *addrs, const char *value)
{
	struct addr_span span = { 0, 0 };

	while (addr_next(value, span.end, &span)) {
		g_autofree char *addr = addr_take(value, &span);
		g_autofree char *about = NULL;

		if (addr == NULL)
			continue;
		about = about_addr(look, addrs, addr);
		add_named(look, addr, about);
	}
}

/* Exim's field, which others have taken over */
bool
by_field(struct look *look)
{
	g_autoptr(GPtrArray) values = content_field(&look->header,
						    "X-Failed-Recipients");
	g_autoptr(GPtrArray) addrs = NULL;
	enum words_found found;

	if (values->len == 0)
		return false;
	addrs = words_recipients(&look->words, &found);
	for (guint i = 0; i < values->len; i++)
		add_of_field(look, addrs, values->pdata[i]);
	if (look->out->recipients->len == 0)
		return false;
	look->out->how = "failed-recipients";
	return true;
}

/* The fields of RFC 3464, in a part that does not say that it has them */
static bool
by_loose_status(struct look *look)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct dsn dsn;

	for (guint i = 0; i < look->words.lines->len; i++) {
		const struct words_line *line = look->words.lines->pdata[i];

		g_string_append_printf(text, "%s\n", line->text);
	}
	if (!mime_dsn_text(text->str, text->len, &dsn))
		return false;
	(void)take_dsn(look, &dsn);
	if (look->out->recipients->len == 0)
		return false;
	look->out->how = "fields";
	return true;
}

/* The less is known of who has sent it, the more it must say. */
static bool
is_enough(const struct look *look, enum words_found found)
{
	if (is_surely_server(look) ||
	    (is_null(look) && found == WORDS_TOLD))
		return true;
	return is_by_server(look) ? found == WORDS_LISTED || says_why(look)
				  : found == WORDS_LISTED && says_why(look);
}

bool
by_words(struct look *look)
{
	g_autoptr(GPtrArray) addrs = NULL;
	enum words_found found;

	addrs = words_recipients(&look->words, &found);
	if (addrs->len == 0 || !is_enough(look, found))
		return false;
	/* "Unknown user: ann@example.org", and no more than that */
	if (!says_failure(look) && !says_delay(look) &&
	    !(look->from_daemon && found == WORDS_LISTED && says_why(look)))
		return false;
	for (guint i = 0; i < addrs->len; i++) {
		const struct words_addr *one = addrs->pdata[i];
		g_autofree char *about = words_about(&look->words, addrs, i);

		add_named(look, one->addr, about);
	}
	look->out->how = "text";
	return true;
}

/* "Six messages for you could not be delivered. Click here." */
static bool
is_bait(const struct look *look)
{
	static const char *const words[] = {
		"click", "klick", "clique", "haga clic", "clicca", "нажмите",
		"クリック", "点击",
	};
	static const struct wordlist list = WORDLIST(words);

	return look_part(look, REPORT_RETURNED) == NULL &&
	       look->words.rest == NULL &&
	       wordlist_within(&list, look->words.plain);
}

/* It has failed, and says not whose. */
bool
by_title(struct look *look)
{
	if (!look->titled || !look->from_daemon ||
	    !phrase_fails_nearly(look->words.plain) ||
	    phrase_succeeds(look->words.plain) || is_bait(look))
		return false;
	look->out->class = says_delay(look) ? BOUNCE_DELAYED
					    : judge_all(look)->class;
	look->out->how = "text";
	return true;
}

/* Of the server that has sent it */
static void
fill_domain(struct look *look)
{
	bool complete;
	g_autoptr(GPtrArray) authors = mime_authors(&look->header, &complete);
	const char *at = authors->len > 0 ? strrchr(authors->pdata[0], '@')
					  : NULL;

	if (at == NULL)
		return;
	g_free(look->words.domain);
	look->words.domain = g_strdup(at + 1);
}

void
fill_words(struct look *look)
{
	static const char *const fields[] = { "From", "To", "Cc", "Reply-To" };
	enum report_kind kinds[] = { REPORT_TEXT, REPORT_HTML };
	struct words *words = &look->words;

	for (size_t k = 0; k < 2 && words->lines->len == 0; k++)
		for (guint i = 0; i < look->parts->len; i++) {
			const struct report_part *part = look->parts->pdata[i];

			/* A list's footer, a scanner's boast */
			if (part->kind == REPORT_RETURNED &&
			    words->lines->len > 0)
				break;
			if (part->kind == kinds[k])
				words_add(words, part->text);
		}
	words_end(words);
	if (look->from_daemon)
		fill_domain(look);
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		g_autofree char *value = header_get(&look->header, fields[i]);
		struct addr_span span = { 0, 0 };

		while (value != NULL && words->others->len < 20 &&
		       addr_next(value, span.end, &span)) {
			char *addr = addr_take(value, &span);

			if (addr != NULL)
				g_ptr_array_add(words->others, addr);
		}
	}
}

bool
by_text(struct look *look)
{
	static bool (*const ways[])(struct look *) = {
		by_loose_status, by_field, by_words,
	};

	if (!is_by_server(look) && !is_by_robot(look))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
		if (ways[i](look))
			return true;
	return false;
}

/* The one recipient of what is returned, where it is no post to a list; NULL:
 * there are more, or none. */
static char *
returned_to(const struct look *look, const char *text)
{
	g_autofree char *to = NULL;

	for (int i = 0; i < RETURNED_LINES_MAX && *text != '\0'; i++) {
		g_autofree char *line = g_strndup(text,
						  strcspn(text, "\r\n"));
		struct addr_span span = { 0, 0 };

		text += strlen(line);
		text += strspn(text, "\r");
		text += *text == '\n';
		if (g_ascii_strncasecmp(line, "List-", 5) == 0 ||
		    g_ascii_strncasecmp(line, "Cc:", 3) == 0 ||
		    g_ascii_strncasecmp(line, "Precedence:", 11) == 0)
			return NULL;
		if (g_ascii_strncasecmp(line, "To:", 3) != 0)
			continue;
		if (to != NULL || !addr_next(line, 0, &span))
			return NULL;
		to = addr_take(line, &span);
		if (to == NULL || addr_next(line, span.end, &span))
			return NULL;
	}
	return to != NULL && !words_is_other(&look->words, to)
		       ? g_steal_pointer(&to)
		       : NULL;
}

/* Old servers say that it failed, and leave it to the message that comes back
 * to say whose it was. */
bool
by_returned(struct look *look)
{
	const struct report_part *part = look_part(look, REPORT_RETURNED);
	const char *text = part != NULL ? part->text : look->words.rest;
	g_autofree char *addr = NULL;

	if (text == NULL || !look->titled || !is_by_server(look) ||
	    (!look->from_daemon && !is_null(look)) ||
	    (!phrase_fails(look->words.plain) && !says_delay(look)))
		return false;
	addr = returned_to(look, text);
	if (addr == NULL)
		return false;
	add_named(look, addr, look->words.text);
	look->out->how = "returned";
	return true;
}
