/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What follows from failures, a step each. A step is in one transaction with
 * what it rests on: the letter, the member's record and the event are there
 * together or not at all.
 */
#include <string.h>

#include "core/bounce/inside.h"
#include "core/letter/letter.h"
#include "core/mail/addr.h"
#include "db/event.h"
#include "db/post.h"
#include "db/token.h"
#include "core/base/banned.h"

#define TOKEN_KEEP_S (365 * 86400)	/* where nobody is removed */

char *
bounce_day(int64_t time_s)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);

	return time != NULL && time_s > 0 ?
		g_date_time_format(time, "%Y-%m-%d") : g_strdup("");
}

/* What the mail server said, without our own word for it. */
static const char *
said(const struct member *member)
{
	const char *reason = member->bounce_reason;

	if (g_str_has_prefix(reason, "hard: ") ||
	    g_str_has_prefix(reason, "soft: "))
		reason += strlen("hard: ");
	return reason;
}

static struct letter
letter_to(const struct bounce_with *with, const struct member *member,
	  const char *template, const struct letter_field *fields)
{
	return (struct letter){
		.list = with->list, .list_addr = with->list_addr,
		.conf = with->conf, .to = member->addr,
		.template = template, .language = member->language,
		.fields = fields,
	};
}

static enum err_code
put(struct txn *txn, const struct bounce_with *with,
    const struct member *member, struct err *err)
{
	return roster_put(txn, with->list, member, err);
}

/* --- the probe ---------------------------------------------------------- */

static enum err_code
send_probe(struct txn *txn, const struct bounce_with *with,
	   const struct member *member, struct post_id *post,
	   struct err *err)
{
	g_autofree char *day = bounce_day(member->bounced_s);
	const struct letter_field fields[] = {
		{ "reason", said(member) }, { "bounced.at", day },
		{ NULL, NULL },
	};
	struct letter letter = letter_to(with, member, "bounce-probe",
					 fields);

	letter.sender = LETTER_VERP;
	return letter_send(txn, with->settings, &letter,
			   "probe whether mail arrives", post, err);
}

enum err_code
step_probe(struct txn *txn, const struct bounce_with *with, const char *addr,
	   struct member *member, struct err *err)
{
	struct post_id post;
	char id[POST_ID_TEXT + 1];
	enum err_code rc = send_probe(txn, with, member, &post, err);

	if (rc != ERR_OK)
		return rc;
	member->bounce.probe_s = with->now_s;
	memcpy(member->bounce.probe_post, post.bytes, VERP_POST_LEN);
	post_id_text(&post, id);
	rc = put(txn, with, member, err);
	return rc != ERR_OK ? rc :
		event_add(txn, with->list, EVENT_PROBE, addr, err,
			  "so much has failed that a probe was sent; post %s",
			  id);
}

enum err_code
step_clear(struct txn *txn, const struct bounce_with *with, const char *addr,
	   struct member *member, struct err *err)
{
	enum err_code rc;

	member->bounce = (struct bounce_state){ 0 };
	rc = put(txn, with, member, err);
	return rc != ERR_OK ? rc :
		event_add(txn, with->list, EVENT_CLEAR, addr, err,
			  "the probe has not come back: the score is 0 "
			  "again");
}

/* --- off, warned, removed ----------------------------------------------- */

/* A token that turns delivery on: core/command's kind "set", as its
 * subscription_confirm() reads it. */
static enum err_code
make_token(struct txn *txn, const struct bounce_with *with, const char *addr,
	   int64_t removal_s, char text[TOKEN_TEXT + 1], struct err *err)
{
	char kind[] = "set", other[] = "";
	char detail[] = "{\"set\": {\"delivery\": \"on\"}}";
	g_autofree char *whom = g_strdup(addr);
	const struct token token = {
		.kind = kind, .list = with->list, .addr = whom,
		.other = other, .detail = detail, .made_s = with->now_s,
		.expires_s = removal_s != 0 ? removal_s + 86400 :
			with->now_s + TOKEN_KEEP_S,
	};

	return token_new(txn, &token, text, err);
}

/* A letter with which he can come back: bounce-off or bounce-warning. */
static enum err_code
send_off(struct txn *txn, const struct bounce_with *with, const char *addr,
	 const struct member *member, const char *template, struct err *err)
{
	int64_t removal_s = bounce_removal_s(with->conf, member->off_s);
	g_autofree char *removal = bounce_day(removal_s);
	g_autofree char *since = bounce_day(member->off_s);
	g_autofree char *suffix = NULL, *confirm = NULL;
	struct letter_field fields[] = {
		{ "reason", said(member) }, { "remove.date", removal },
		{ "confirm.address", NULL }, { "off.since", since },
		{ NULL, NULL },
	};
	char token[TOKEN_TEXT + 1];
	struct letter letter;
	enum err_code rc = make_token(txn, with, addr, removal_s, token, err);

	if (rc != ERR_OK)
		return rc;
	suffix = g_strconcat("-confirm+", token, NULL);
	confirm = list_role_addr(with->list_addr, suffix);
	fields[2].value = confirm;
	if (strcmp(template, "bounce-off") == 0)
		fields[3] = (struct letter_field){ NULL, NULL };
	letter = letter_to(with, member, template, fields);
	letter.reply_to = confirm;
	return letter_send(txn, with->settings, &letter,
			   "letter that delivery is off", NULL, err);
}

enum err_code
step_off(struct txn *txn, const struct bounce_with *with, const char *addr,
	 struct member *member, struct err *err)
{
	enum err_code rc;

	member->bounce = (struct bounce_state){ 0 };
	member_deliver(member, DELIVERY_OFF, OFF_BY_BOUNCES, with->now_s);
	rc = put(txn, with, member, err);
	if (rc == ERR_OK)
		rc = send_off(txn, with, addr, member, "bounce-off", err);
	if (rc == ERR_OK)
		rc = event_add(txn, with->list, EVENT_OFF, addr, err, "%s",
			       member->bounce_reason);
	return rc == ERR_OK ? digest_note(txn, with, err) : rc;
}

enum err_code
step_warn(struct txn *txn, const struct bounce_with *with, const char *addr,
	  struct member *member, struct err *err)
{
	enum err_code rc;

	member->bounce.warned_s = with->now_s;
	member->bounce.warnings++;
	rc = put(txn, with, member, err);
	if (rc == ERR_OK)
		rc = send_off(txn, with, addr, member, "bounce-warning", err);
	if (rc == ERR_OK)
		rc = event_add(txn, with->list, EVENT_WARNED, addr, err,
			       "%u of %lld", member->bounce.warnings,
			       (long long)with->conf->bounce_warnings);
	return rc == ERR_OK ? digest_note(txn, with, err) : rc;
}

static enum err_code
send_removed(struct txn *txn, const struct bounce_with *with,
	     const struct member *member, struct err *err)
{
	g_autofree char *since = bounce_day(member->off_s);
	const struct letter_field fields[] = {
		{ "reason", said(member) }, { "off.since", since },
		{ NULL, NULL },
	};
	const struct letter letter = letter_to(with, member,
					       "bounce-removed", fields);

	return letter_send(txn, with->settings, &letter,
			   "letter that the subscription has ended", NULL,
			   err);
}

enum err_code
step_remove(struct txn *txn, const struct bounce_with *with,
	    const char *addr, struct member *member, struct err *err)
{
	g_autofree char *since = bounce_day(member->off_s);
	bool removed = false;
	enum err_code rc = roster_remove(txn, with->list, addr, &removed,
					 err);

	if (rc == ERR_OK)
		rc = send_removed(txn, with, member, err);
	if (rc == ERR_OK)
		rc = event_add(txn, with->list, EVENT_REMOVED, addr, err,
			       "delivery was off since %s, and %u warnings "
			       "had no answer", since,
			       member->bounce.warnings);
	return rc == ERR_OK ? digest_note(txn, with, err) : rc;
}

/* --- back --------------------------------------------------------------- */

enum err_code
bounce_reset(struct txn *txn, const struct bounce_with *with,
	     const char *addr, const char *who, bool *member_out,
	     struct err *err)
{
	g_autoptr(bounce_member_t) member = NULL;
	enum err_code rc = roster_find(txn, with->list, addr, &member, err);
	bool was_off;

	if (rc == ERR_OK && member_out != NULL)
		*member_out = member != NULL;
	if (rc != ERR_OK || member == NULL)
		return rc;
	was_off = member->delivery == DELIVERY_OFF &&
		member->off_by == OFF_BY_BOUNCES;
	member->bounce = (struct bounce_state){ 0 };
	if (was_off)
		member_deliver(member, member_delivery_before(member),
			       OFF_NOT, with->now_s);
	rc = put(txn, with, member, err);
	if (rc == ERR_OK)
		rc = event_add(txn, with->list, was_off ? EVENT_BACK :
			       EVENT_CLEAR, addr, err, "%s: %s", who,
			       was_off ? "gets posts again" :
			       "the score is 0 again");
	return rc == ERR_OK && was_off ? digest_note(txn, with, err) : rc;
}
