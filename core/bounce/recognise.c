/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/recognise.h"

#include <string.h>

#include "core/bounce/judge.h"
#include "core/bounce/look.h"
#include "core/bounce/phrases.h"
#include "core/mail/automatic.h"
#include "core/mail/wordlist.h"
#include "core/base/banned.h"

#define ENCLOSED_MAX 2

/* --- recipients --------------------------------------------------------- */

void
look_recipient_free(void *data)
{
	struct bounce_recipient *one = data;

	g_free(one->addr);
	g_free(one->original);
	g_free(one->final);
	g_free(one->status);
	g_free(one->diagnostic);
	g_free(one);
}

GPtrArray *
look_recipients(void)
{
	return g_ptr_array_new_with_free_func(look_recipient_free);
}

static char *
cut(const char *text)
{
	const char *end = text + strnlen(text, BOUNCE_DIAGNOSTIC_MAX);

	if (*end != '\0')
		end = g_utf8_find_prev_char(text, end + 1);
	return g_strndup(text, (gsize)(end - text));
}

/* Same address, whatever its case: one and the same to who has sent it */
bool
look_knows(const struct bounce_result *out, const char *addr)
{
	for (guint i = 0; addr[0] != '\0' && i < out->recipients->len; i++) {
		const struct bounce_recipient *one = out->recipients->pdata[i];

		if (g_ascii_strcasecmp(one->addr, addr) == 0)
			return true;
	}
	return false;
}

struct bounce_recipient *
look_add(struct bounce_result *out, const char *addr, const char *text)
{
	struct bounce_recipient *one = g_new0(struct bounce_recipient, 1);

	one->addr = g_strdup(addr);
	one->original = g_strdup("");
	one->final = g_strdup("");
	one->status = g_strdup("");
	one->diagnostic = cut(text);
	g_ptr_array_add(out->recipients, one);
	return one;
}

/* --- what is there ------------------------------------------------------ */

const struct report_part *
look_part(const struct look *look, enum report_kind kind)
{
	for (guint i = 0; i < look->parts->len; i++) {
		const struct report_part *part = look->parts->pdata[i];

		if (part->kind == kind)
			return part;
	}
	return NULL;
}

/* "Fwd: Undelivered Mail" is by a person who asks about it. */
static bool
is_forwarded(const struct look *look)
{
	static const char *const marks[] = { "fwd:", "fw:", "wg:", "tr:",
					     "rv:", "[fwd:", "re: un",
					     "re: mail deliv", "re: deliv" };

	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (g_str_has_prefix(look->subject, marks[i]))
			return true;
	return header_find(&look->header, "List-Id", 0) >= 0;
}

bool
is_null(const struct look *look)
{
	return look->sender != NULL && look->sender[0] == '\0';
}

/* No person writes under that name. */
static bool
is_by_name(const struct look *look)
{
	static const char *const names[] = {
		"mailer-daemon", "mailer daemon", "mail delivery s",
	};
	static const struct wordlist list = WORDLIST(names);
	g_autofree char *value = header_get(&look->header, "From");
	g_autofree char *from = phrase_plain(value != NULL ? value : "",
				value != NULL ? strlen(value) : 0);

	return wordlist_within(&list, from);
}

/* Programs that people write mail with say so; servers have none. */
static bool
is_typed(const struct look *look)
{
	static const char *const marks[] = {
		"mozilla", "thunderbird", "outlook", "apple mail",
		"iphone mail", "evolution", "claws", "the bat", "eudora",
		"kmail", "mutt", "pine", "roundcube", "squirrelmail", "git-",
	};
	static const struct wordlist list = WORDLIST(marks);
	g_autofree char *mailer = header_get(&look->header, "X-Mailer");
	g_autofree char *lower = NULL;

	if (header_find(&look->header, "User-Agent", 0) >= 0)
		return true;
	lower = g_ascii_strdown(mailer != NULL ? mailer : "", -1);
	return wordlist_within(&list, lower);
}

static bool
is_named_failed(const struct look *look)
{
	return header_find(&look->header, "X-Failed-Recipients", 0) >= 0;
}

bool
is_by_server(const struct look *look)
{
	return look->from_daemon || is_null(look) || is_named_failed(look) ||
	       (look->titled && !is_forwarded(look) && !is_typed(look));
}

bool
is_by_robot(const struct look *look)
{
	static const char *const names[] = {
		"no-reply", "noreply", "no_reply", "do-not-reply",
		"donotreply", "nobody", "system", "deliver", "mailer",
	};
	static const struct wordlist list = WORDLIST(names);
	bool complete;
	g_autoptr(GPtrArray) authors = mime_authors(&look->header, &complete);
	g_autofree char *lower = g_ascii_strdown(
		authors->len > 0 ? authors->pdata[0] : "", -1);

	return wordlist_begins(&list, lower);
}

bool
is_surely_server(const struct look *look)
{
	return is_by_name(look) ||
	       (look->from_daemon && (is_null(look) || look->titled)) ||
	       (is_null(look) && look->titled) || is_named_failed(look);
}

/* --- the ways ----------------------------------------------------------- */

/* What tells automatic mail from people's says so. */
static bool
by_robot(struct look *look)
{
	enum automatic kind = automatic_kind(
		look->sender, &look->header, look->bytes + look->body_at,
		look->len - look->body_at);

	if (kind != AUTOMATIC_CHALLENGE && kind != AUTOMATIC_REPLY)
		return false;
	look->out->class = kind == AUTOMATIC_CHALLENGE ? BOUNCE_CHALLENGE
						       : BOUNCE_REPLY;
	look->out->how = "automatic";
	return true;
}

/* "I am no longer with this company": a null sender alone makes no report of
 * an answer. */
static bool
by_answer(struct look *look)
{
	return is_null(look) && !look->from_daemon && !look->titled &&
	       !is_named_failed(look) && by_robot(look);
}

static bool look_at(const char *bytes, size_t len, struct look *look);

/*
 * A gateway has put the report of another into one of its own, in which it
 * names nobody: virus scanners do that, and helpdesks. Only a report by a
 * server is one; what is returned is not looked into.
 */
static bool
by_enclosed(struct look *look)
{
	const struct report_part *part = look_part(look, REPORT_RETURNED);
	struct look inner = { .out = look->out, .depth = look->depth + 1 };

	if (inner.depth > ENCLOSED_MAX || !is_by_server(look))
		return false;
	if (part != NULL && part->at > 0)
		(void)look_at(look->bytes + part->at, look->len - part->at,
			      &inner);
	else if (look->words.rest != NULL)
		(void)look_at(look->words.rest, strlen(look->words.rest),
			      &inner);
	if (look->out->recipients->len > 0) {
		look->out->how = "enclosed";
		return true;
	}
	look->out->class = BOUNCE_NONE;
	look->out->how = "";
	return false;
}

static void
recognise(struct look *look)
{
	static bool (*const ways[])(struct look *) = {
		by_status, by_feedback, by_disposition, by_json, by_answer,
		by_text, by_enclosed, by_returned, by_title, by_robot,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
		if (ways[i](look))
			break;
	judge_whole(look->out);
}

/* --- the message -------------------------------------------------------- */

/* The MTA writes the envelope's sender there (RFC 5321 section 4.4). */
static void
read_sender(struct look *look)
{
	char *value;

	if (look->sender != NULL)
		return;
	value = header_get(&look->header, "Return-Path");
	if (value == NULL)
		return;
	look->return_path = g_strdup(value + strspn(value, " <"));
	look->return_path[strcspn(look->return_path, "> ")] = '\0';
	look->sender = look->return_path;
	g_free(value);
}

/* "Mail Delivery System <>", "EMail-Administration <gw@example.org>", or a
 * name without a domain */
static bool
is_named_daemon(const struct look *look)
{
	static const char *const names[] = {
		"mailer-daemon", "mailer daemon", "mail daemon", "postmaster",
		"post_master", "mail delivery", "mail system", "mail-system",
		"mail server", "mail administrat", "mailadmin",
		"email-admin", "mail gateway", "system administrator",
		"delivery subsystem", "message transfer", "mail router",
		"メール配信", "邮件系统",
	};
	static const struct wordlist list = WORDLIST(names);
	g_autofree char *value = header_get(&look->header, "From");
	g_autofree char *decoded = mime_decode(value != NULL ? value : "");
	g_autofree char *from = phrase_plain(decoded, strlen(decoded));

	return wordlist_within(&list, from) || strcmp(from, "<>") == 0 ||
	       g_str_has_suffix(from, "<@>");
}

static void
look_begin(struct look *look)
{
	g_autofree char *subject = header_get(&look->header, "Subject");
	g_autofree char *decoded = subject != NULL ? mime_decode(subject)
						   : g_strdup("");

	read_sender(look);
	look->subject = phrase_plain(decoded, strlen(decoded));
	look->from_daemon = automatic_from_daemon(look->sender,
						  &look->header) ||
			    is_named_daemon(look);
	look->titled = phrase_is_report(look->subject) ||
		       (look->from_daemon &&
			phrase_fails_nearly(look->subject));
	look->parts = report_parts(look->bytes, look->len);
	words_init(&look->words);
	fill_words(look);
}

static void
look_done(struct look *look)
{
	words_done(&look->words);
	if (look->whole != NULL)
		look_recipient_free(look->whole);
	g_ptr_array_unref(look->parts);
	g_free(look->subject);
	g_free(look->return_path);
	header_done(&look->header);
}

/* Whoever the token names has failed, where the message does not say who. */
static void
add_member(struct bounce_result *out, const char *member)
{
	if (out->recipients->len > 0 ||
	    (out->class != BOUNCE_HARD && out->class != BOUNCE_SOFT &&
	     out->class != BOUNCE_DELAYED))
		return;
	look_add(out, member, "")->class = out->class;
}

/* False: it is no message. The header must have been mended. */
static bool
look_at(const char *bytes, size_t len, struct look *look)
{
	look->bytes = bytes;
	look->len = len;
	if (!header_parse(bytes, len, &look->header, &look->body_at))
		return false;
	look_begin(look);
	recognise(look);
	look_done(look);
	return true;
}

void
bounce_recognise(const char *bytes, size_t len,
		 const struct bounce_envelope *envelope,
		 struct bounce_result *out)
{
	struct look look = { .out = out };
	GString *mended = report_mend(bytes, len);

	*out = (struct bounce_result){ .how = "" };
	out->envelope_id = g_strdup("");
	out->recipients = look_recipients();
	if (envelope != NULL)
		look.sender = envelope->sender;
	if (mended != NULL)
		(void)look_at(mended->str, mended->len, &look);
	else
		(void)look_at(bytes, len, &look);
	if (envelope != NULL && envelope->member != NULL)
		add_member(out, envelope->member);
	if (mended != NULL)
		g_string_free(mended, TRUE);
}

void
bounce_result_done(struct bounce_result *result)
{
	g_clear_pointer(&result->envelope_id, g_free);
	g_clear_pointer(&result->recipients, g_ptr_array_unref);
}
