/* SPDX-License-Identifier: BSD-2-Clause */

/* Reports that keep to a standard. */
#include <string.h>

#include <jansson.h>

#include "core/bounce/judge.h"
#include "core/bounce/look.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/* --- delivery status (RFC 3464) ----------------------------------------- */

static char *
addr_of_dsn(const struct dsn_recipient *from)
{
	char *addr = addr_canon(from->original);

	return addr != NULL ? addr : addr_canon(from->final);
}

static void
add_dsn(struct look *look, const struct dsn_recipient *from)
{
	g_autofree char *addr = addr_of_dsn(from);
	struct bounce_recipient *one;

	if (from->action == DSN_OTHER ||
	    look->out->recipients->len >= BOUNCE_RECIPIENTS_MAX ||
	    look_knows(look->out, addr != NULL ? addr : ""))
		return;
	one = look_add(look->out, addr != NULL ? addr : "",
			    from->diagnostic);
	g_free(one->original);
	g_free(one->final);
	g_free(one->status);
	one->original = g_strdup(from->original);
	one->final = g_strdup(from->final);
	one->status = g_strdup(from->status);
	judge_failure(one, from->diagnostic);
	if (from->action == DSN_DELAYED)
		one->class = BOUNCE_DELAYED;
}

/* True: it is one, and what it says is all there is to say. */
bool
take_dsn(struct look *look, struct dsn *dsn)
{
	guint count = dsn->recipients->len;

	for (guint i = 0; i < count; i++)
		add_dsn(look, dsn->recipients->pdata[i]);
	g_free(look->out->envelope_id);
	look->out->envelope_id = g_steal_pointer(&dsn->envelope_id);
	dsn_done(dsn);
	return count > 0;
}

/* None of them has a name; delayed: and none has failed yet. */
static bool
is_nameless(const GPtrArray *all, bool *delayed)
{
	*delayed = all->len > 0;
	for (guint i = 0; i < all->len; i++) {
		const struct bounce_recipient *one = all->pdata[i];

		if (one->addr[0] != '\0')
			return false;
		*delayed = *delayed && one->class == BOUNCE_DELAYED;
	}
	return all->len > 0;
}

/* Exim names the file or the program that it could not deliver to: whose it
 * was must be said somewhere else. */
static void
name_unnamed(struct look *look)
{
	GPtrArray *all = look->out->recipients;
	bool delayed;

	if (!is_nameless(all, &delayed))
		return;
	look->out->recipients = look_recipients();
	if (!by_field(look) && !by_words(look)) {
		g_ptr_array_unref(look->out->recipients);
		look->out->recipients = all;
		return;
	}
	g_ptr_array_unref(all);
	for (guint i = 0; delayed && i < look->out->recipients->len; i++)
		((struct bounce_recipient *)look->out->recipients->pdata[i])
			->class = BOUNCE_DELAYED;
}

bool
by_status(struct look *look)
{
	bool any;

	struct dsn dsn;

	if (!mime_dsn(look->bytes, look->len, &dsn))
		return false;
	any = take_dsn(look, &dsn);
	name_unnamed(look);
	if (any)
		look->out->how = "delivery-status";
	return any;
}

/* --- feedback (RFC 5965) ------------------------------------------------ */

static void
add_complainer(struct look *look, const struct header *fields,
	       const char *type)
{
	g_autofree char *value = header_get(fields, "Original-Rcpt-To");
	const char *start = value;
	g_autofree char *addr = NULL;

	if (value == NULL)
		return;
	start += strspn(start, " <");
	value[(size_t)(start - value) + strcspn(start, " >,;")] = '\0';
	addr = addr_canon(start);
	if (addr != NULL)
		look_add(look->out, addr, type)->class =
			BOUNCE_COMPLAINT;
}

bool
by_feedback(struct look *look)
{
	const struct report_part *part = look_part(look, REPORT_FEEDBACK);
	struct header fields;
	size_t end;

	if (part == NULL ||
	    !header_parse(part->text, strlen(part->text), &fields, &end))
		return false;
	g_autofree char *type = header_get(&fields, "Feedback-Type");

	look->out->how = "feedback-report";
	/* RFC 6591: a failure of authentication, of which nobody complains */
	if (type != NULL && g_ascii_strcasecmp(type, "auth-failure") != 0 &&
	    g_ascii_strcasecmp(type, "not-spam") != 0) {
		look->out->class = BOUNCE_COMPLAINT;
		add_complainer(look, &fields, type);
	}
	header_done(&fields);
	return true;
}

/* --- disposition (RFC 8098) --------------------------------------------- */

/* Somebody has the message, and says what became of it. Dovecot reports so
 * what it has refused, but as the server that it is. */
bool
by_disposition(struct look *look)
{
	if (look->from_daemon || look_part(look, REPORT_DISPOSITION) == NULL)
		return false;
	look->out->how = "disposition";
	return true;
}

/* --- Amazon SES: JSON in a mail of its own ------------------------------ */

static const char *
json_word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void
add_ses(struct look *look, const json_t *item, bool is_hard)
{
	const char *said = json_word(item, "diagnosticCode");
	g_autofree char *addr = addr_canon(json_word(item, "emailAddress"));
	struct bounce_recipient *one;

	if (addr == NULL || look_knows(look->out, addr) ||
	    look->out->recipients->len >= BOUNCE_RECIPIENTS_MAX)
		return;
	one = look_add(look->out, addr, said);
	g_free(one->status);
	one->status = g_strdup(json_word(item, "status"));
	judge_failure(one, said);
	if (said[0] == '\0')
		one->class = is_hard ? BOUNCE_HARD : BOUNCE_SOFT;
}

static void
read_ses(struct look *look, const json_t *all)
{
	const json_t *bounce = json_object_get(all, "bounce"), *item;
	bool is_hard = strcmp(json_word(bounce, "bounceType"),
			      "Permanent") == 0;
	size_t i;

	json_array_foreach(json_object_get(bounce, "bouncedRecipients"), i,
			   item)
		add_ses(look, item, is_hard);
	if (look->out->recipients->len > 0)
		look->out->how = "notification";
	else if (strcmp(json_word(all, "notificationType"), "Complaint") ==
			 0 ||
		 strcmp(json_word(all, "eventType"), "Complaint") == 0)
		look->out->class = BOUNCE_COMPLAINT;
}

/* What SNS has wrapped is a string in an object of its own. */
static json_t *
load_ses(const char *text)
{
	json_t *all = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	const char *inner = json_word(all, "Message");
	json_t *message;

	if (inner[0] != '{')
		return all;
	message = json_loads(inner, JSON_DISABLE_EOF_CHECK, NULL);
	json_decref(all);
	return message;
}

bool
by_json(struct look *look)
{
	const struct report_part *part = look_part(look, REPORT_TEXT);
	g_autoptr(GString) text = g_string_new(NULL);
	json_t *all;

	if (part == NULL || part->text[strspn(part->text, " \t\r\n")] != '{' ||
	    (strstr(part->text, "notificationType") == NULL &&
	     strstr(part->text, "eventType") == NULL))
		return false;
	/* Relays have cut the one long line that it was. */
	for (const char *p = part->text; *p != '\0'; p++)
		if (*p != '\r' && *p != '\n')
			g_string_append_c(text, *p);
	all = load_ses(text->str);
	if (all == NULL)
		return false;
	read_ses(look, all);
	json_decref(all);
	return true;
}
