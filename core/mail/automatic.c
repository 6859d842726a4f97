/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What says for sure that nobody wrote it (RFC 3834, report types) comes
 * first; then the fields that programs of the time before it add; then, where
 * a null sender, a robot's address or nothing else speaks for it, the words
 * that such mail is known by. A subject alone is never enough where people
 * write about such things: it must begin with the words.
 */
#include "core/mail/automatic.h"

#include <string.h>

#include <glib.h>

#include "core/mail/automatic_inside.h"
#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/mail/own.h"
#include "core/base/banned.h"

const char *
automatic_name(enum automatic automatic)
{
	static const char *const names[] = {
		[AUTOMATIC_NO] = NULL,
		[AUTOMATIC_REPLY] = "autoreply",
		[AUTOMATIC_DSN] = "dsn",
		[AUTOMATIC_CHALLENGE] = "challenge",
		[AUTOMATIC_GENERATED] = "generated",
	};

	return names[automatic];
}

struct look {
	const char *sender;
	const struct header *header;
	char *subject, *submitted, *precedence, *type;
	bool null_sender;
};

bool
automatic_from_daemon(const char *sender, const struct header *header)
{
	static const char *const names[] = {
		"mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon",
		"mdaemon", "mailadmin", "maildaemon", "double-bounce",
		"mail.daemon", "microsoftexchange",
	};
	static const struct wordlist list = WORDLIST(names);
	bool complete;
	g_autoptr(GPtrArray) authors = mime_authors(header, &complete);
	g_autofree char *lower = g_ascii_strdown(sender != NULL ? sender : "",
						 -1);

	if (wordlist_begins(&list, lower))
		return true;
	for (guint i = 0; i < authors->len; i++) {
		g_autofree char *addr = g_ascii_strdown(authors->pdata[i],
							-1);

		if (wordlist_begins(&list, addr))
			return true;
	}
	return false;
}

static bool
is_daemon(const struct look *look)
{
	return automatic_from_daemon(look->sender, look->header);
}

static enum automatic
by_type(const struct look *look)
{
	/* RFC 6522: of delivery (3464), disposition (8098), tracking (3886),
	 * abuse (5965); no person writes any */
	static const char *const reports[] = {
		"multipart/report", "message/delivery-status",
		"message/disposition-notif", "message/tracking-status",
		"message/feedback-report", "message/global-delivery-status",
		"message/global-disposition-notif",
	};
	static const struct wordlist list = WORDLIST(reports);

	if (wordlist_begins(&list, look->type))
		return AUTOMATIC_DSN;
	if (g_str_has_prefix(look->type, "text/calendar"))
		return AUTOMATIC_GENERATED;
	return AUTOMATIC_NO;
}

static bool
is_report_subject(const struct look *look)
{
	bool is_reply;
	const char *subject = own_subject(look->subject, &is_reply);

	return !is_reply && wordlist_begins(&automatic_dsn_subjects, subject);
}

/* Nothing, a mark, or one of the words that go on with it: what stands
 * behind the words of a reply's subject. The word itself may go on. */
static bool
follows_reply(const char *rest)
{
	while (g_unichar_isalpha(g_utf8_get_char(rest)))
		rest = g_utf8_next_char(rest);
	rest += strspn(rest, " \t");
	if (strcmp(rest, ".") == 0)
		return true;
	return *rest == '\0' || strchr(":-([|", *rest) != NULL ||
	       g_str_has_prefix(rest, "–") || g_str_has_prefix(rest, "—") ||
	       g_str_has_prefix(rest, "：") ||
	       wordlist_begins(&automatic_reply_followers, rest);
}

/* hinted: something else speaks for it, so that the words are enough */
static bool
begins_as_reply(const char *subject, bool hinted)
{
	for (size_t i = 0; i < automatic_reply_subjects.count; i++) {
		const char *words = automatic_reply_subjects.words[i];

		if (g_str_has_prefix(subject, words) &&
		    (hinted || g_str_has_suffix(words, ":") ||
		     follows_reply(subject + strlen(words))))
			return true;
	}
	return false;
}

static bool
is_patch(const char *subject)
{
	return strstr(subject, "[patch") != NULL ||
	       strstr(subject, "[rfc") != NULL;
}

static bool
is_reply_subject(const struct look *look, bool hinted)
{
	bool is_reply;
	const char *subject = own_subject(look->subject, &is_reply);

	/* "Re: Out of office": a person answers one; "[PATCH] autoreply: ..."
	 * is about a program. */
	return (!is_reply && (hinted || !is_patch(look->subject)) &&
		(begins_as_reply(look->subject, hinted) ||
		 begins_as_reply(subject, hinted) ||
		 wordlist_within(&automatic_reply_middles, subject))) ||
	       wordlist_ends(&automatic_reply_endings, look->subject);
}

/* It has come over a list, which may say "bulk" of what people write. */
static bool
is_of_list(const struct look *look)
{
	static const char *const fields[] = {
		"List-Id", "List-Post", "List-Unsubscribe", "List-Help",
		"Mailing-List", "X-Mailing-List", "X-BeenThere", "X-Loop",
		"X-List-Id", "Resent-From",
	};
	static const struct wordlist list = WORDLIST(fields);
	g_autofree char *from = automatic_lower(look->header, "Sender");

	return automatic_has_field(look->header, &list) ||
	       g_str_has_prefix(from, "owner-");
}

static bool
is_bulk(const struct look *look)
{
	return strcmp(look->precedence, "bulk") == 0 ||
	       strcmp(look->precedence, "junk") == 0 ||
	       g_str_has_prefix(look->precedence, "auto");
}

/* vacation(1) and its like: bulk or junk, in answer to something; no person
 * who answers writes that, and no list has added it. */
static bool
is_bulk_answer(const struct look *look)
{
	bool is_reply;

	(void)own_subject(look->subject, &is_reply);
	return is_bulk(look) && !is_of_list(look) &&
	       (is_reply || header_find(look->header, "In-Reply-To", 0) >= 0 ||
		header_find(look->header, "References", 0) >= 0);
}

/* Exchange has had a rule of the mailbox send it. */
static bool
is_by_rule(const struct look *look)
{
	return header_find(look->header, "X-MS-Exchange-Inbox-Rules-Loop",
			   0) >= 0;
}

/* Debian's tracker: its own words, and not those of people it hands on */
static bool
is_by_tracker(const struct look *look)
{
	g_autofree char *kind = automatic_word(look->header,
					   "X-Debian-PR-Message");

	return g_str_has_prefix(kind, "ack") ||
	       strcmp(kind, "transcript") == 0 || strcmp(kind, "closed") == 0;
}

/* What alone proves nothing */
static bool
is_hinted(const struct look *look)
{
	g_autofree char *suppress = automatic_lower(look->header,
						"X-Auto-Response-Suppress");

	return look->null_sender ||
	       (look->submitted[0] != '\0' &&
		strcmp(look->submitted, "no") != 0) ||
	       (is_bulk(look) && !is_of_list(look)) || is_by_rule(look) ||
	       is_daemon(look) || strcmp(suppress, "all") == 0;
}

/* RFC 3834 section 5: what says that it is automatic */
static enum automatic
by_submitted(const struct look *look)
{
	if (look->submitted[0] == '\0' || strcmp(look->submitted, "no") == 0)
		return AUTOMATIC_NO;
	if (is_report_subject(look) &&
	    (look->null_sender || is_daemon(look)))
		return AUTOMATIC_DSN;
	if (strcmp(look->submitted, "auto-replied") == 0 ||
	    look->null_sender || is_by_rule(look) || is_bulk_answer(look) ||
	    is_reply_subject(look, true))
		return AUTOMATIC_REPLY;
	return AUTOMATIC_GENERATED;
}

/* Fields of a value that says it: what programs are known by */
static bool
is_by_robot(const struct look *look)
{
	static const char *const rows[][2] = {
		{"X-Autogenerated", "reply"},
		{"X-POST-MessageClass", "9; autoresponder"},
		{"Delivered-To", "autoresponder"},
		{"X-Precedence", "auto"},
		{"X-Mailer", "vacation"}, {"User-Agent", "vacation"},
		{"X-Mailer", "autorespond"}, {"X-Mailer", "auto-respond"},
		{"X-Mailer", "mail auto reply"},
		{"X-Sieve-Action", "vacation"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *value = automatic_lower(look->header,
							 rows[i][0]);

		if (g_str_has_prefix(value, rows[i][1]))
			return true;
	}
	return false;
}

static enum automatic
by_fields(const struct look *look)
{
	if (automatic_has_reply_field(look->header) || is_by_robot(look) ||
	    g_str_has_prefix(look->precedence, "auto"))
		return AUTOMATIC_REPLY;
	if (header_find(look->header, "X-Failed-Recipients", 0) >= 0)
		return AUTOMATIC_DSN;
	if (is_by_tracker(look) ||
	    automatic_has_field(look->header, &automatic_generated_fields))
		return AUTOMATIC_GENERATED;
	return AUTOMATIC_NO;
}

static enum automatic
by_subject(const struct look *look)
{
	if (is_report_subject(look) && (look->null_sender || is_daemon(look)))
		return AUTOMATIC_DSN;
	return is_reply_subject(look, is_hinted(look)) || is_bulk_answer(look)
		       ? AUTOMATIC_REPLY
		       : AUTOMATIC_NO;
}

/* Nobody may answer it, so nobody wrote it (RFC 5321 section 4.5.5). */
static enum automatic
by_sender(const struct look *look)
{
	if (!look->null_sender)
		return AUTOMATIC_NO;
	return is_bulk(look) ? AUTOMATIC_REPLY : AUTOMATIC_DSN;
}

/* The beginning of what its writer has put down himself, in lower case, in
 * one line: what he quotes is by others. */
static char *
own_beginning(const struct look *look, const char *body, size_t body_len)
{
	g_autofree char *text = content_text(look->header, body, body_len);
	g_auto(GStrv) lines = NULL;
	GString *own = g_string_new(NULL);

	lines = g_strsplit(text, "\n", 200);
	for (char **line = lines; *line != NULL && own->len < 3000; line++) {
		g_autofree char *lower = g_ascii_strdown(*line, -1);

		g_strstrip(lower);
		if (lower[0] != '>' && lower[0] != '|')
			g_string_append_printf(own, "%s ", lower);
	}
	if (own->len > 4000)
		g_string_truncate(own, 4000);
	return g_string_free(own, FALSE);
}

/* What only the body tells */
static enum automatic
by_body(const struct look *look, enum automatic found, const char *body,
	size_t body_len)
{
	g_autofree char *own = own_beginning(look, body, body_len);

	if (wordlist_within(&automatic_challenge_words, own))
		return AUTOMATIC_CHALLENGE;
	if ((found == AUTOMATIC_REPLY || is_hinted(look)) &&
	    wordlist_within(&automatic_challenge_hints, own))
		return AUTOMATIC_CHALLENGE;
	if (found == AUTOMATIC_NO && is_daemon(look) &&
	    wordlist_within(&automatic_bounce_words, own))
		return AUTOMATIC_DSN;
	return found;
}

static enum automatic
look_at_header(const struct look *look)
{
	static enum automatic (*const looks[])(const struct look *) = {
		by_type, by_submitted, by_fields, by_subject,
	};
	enum automatic found = AUTOMATIC_NO;

	for (size_t i = 0;
	     i < G_N_ELEMENTS(looks) && found == AUTOMATIC_NO; i++)
		found = looks[i](look);
	return found;
}

enum automatic
automatic_kind(const char *sender, const struct header *header,
	       const char *body, size_t body_len)
{
	struct look look = {
		.header = header,
		.sender = sender,
		.null_sender = sender != NULL && sender[0] == '\0',
	};
	enum automatic found;

	look.subject = automatic_lower(header, "Subject");
	look.type = automatic_lower(header, "Content-Type");
	look.submitted = automatic_submitted(header);
	look.precedence = automatic_word(header, "Precedence");
	found = look_at_header(&look);
	if (body != NULL &&
	    (found == AUTOMATIC_NO || found == AUTOMATIC_REPLY))
		found = by_body(&look, found, body, body_len);
	if (found == AUTOMATIC_NO)
		found = by_sender(&look);
	g_free(look.subject);
	g_free(look.type);
	g_free(look.submitted);
	g_free(look.precedence);
	return found;
}

/* Suppress: of "DR, RN, NRN, OOF, AutoReply" and "All" the last two are about
 * what we would send. */
bool
automatic_unwelcome(const struct header *header)
{
	g_autofree char *suppress = automatic_lower(header,
						"X-Auto-Response-Suppress");
	g_autofree char *precedence = automatic_word(header, "Precedence");
	const struct look look = { .header = header };

	return strcmp(precedence, "bulk") == 0 ||
	       strcmp(precedence, "junk") == 0 ||
	       strcmp(precedence, "list") == 0 || is_of_list(&look) ||
	       strstr(suppress, "all") != NULL ||
	       strstr(suppress, "autoreply") != NULL;
}
