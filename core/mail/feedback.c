/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Providers cut the member's address out of what they return, and each leaves
 * other fields in. So all are looked at in which the envelope sender of the
 * copy, or its address to leave with, is known to stand.
 *
 * A copy may have gone on: through a forwarder, which is still the member's own
 * mail, or through another list that is subscribed to ours. The readers of
 * that one are none of our members, and its List-Id tells.
 */
#include "core/mail/feedback.h"

#include <string.h>

#include "core/mail/addr.h"
#include "core/mail/header.h"
#include "core/mail/report.h"
#include "core/base/banned.h"

#define FIELDS_MAX 200	/* of one copy that are looked at */
#define WORDS_MAX 200	/* of one field */

/* In this order */
static const char *const places[] = {
	"Return-Path", "X-Original-Return-Path", "X-Original-Mail-From",
	"X-Original-MailFrom", "X-Envelope-From", "X-Envelope-Sender",
	"X-MailFrom", "X-Original-Sender", "Sender", "Errors-To",
	"Received-SPF", "Authentication-Results", "List-Unsubscribe",
	"Received",
};

static void
copy_free(void *data)
{
	struct feedback_copy *copy = data;

	g_ptr_array_unref(copy->addrs);
	g_free(copy);
}

/* --- addresses with a token --------------------------------------------- */

/* The list whose role this is, if it has a token; NULL: neither */
static char *
list_of_token(const char *canon)
{
	struct role_addr role;
	struct addr addr;
	char *list = NULL;

	if (!addr_parse(canon, &addr))
		return NULL;
	role_parse(&addr, &role);
	if ((role.role == ROLE_BOUNCES || role.role == ROLE_LEAVE) &&
	    role.detail != NULL && role.detail[0] != '\0')
		list = g_strdup(role.list);
	role_addr_done(&role);
	addr_done(&addr);
	return list;
}

/* "dev@lists.example.org" is <dev.lists.example.org>. No List-Id says
 * nothing. */
static bool
agrees(const char *list, const char *list_id)
{
	size_t name = strcspn(list, "@");

	return list_id == NULL ||
	       (g_ascii_strncasecmp(list_id, list, name) == 0 &&
		list_id[name] == '.' &&
		g_ascii_strcasecmp(list_id + name + 1, list + name + 1) == 0);
}

static void
add_addr(GPtrArray *out, const char *word, const char *list_id)
{
	g_autofree char *plain = strchr(word, '%') != NULL ?
		g_uri_unescape_string(word, NULL) : g_strdup(word);
	g_autofree char *canon = plain != NULL ? addr_canon(plain) : NULL;
	g_autofree char *list = canon != NULL ? list_of_token(canon) : NULL;

	if (list == NULL || !agrees(list, list_id) ||
	    out->len >= FEEDBACK_ADDRS_MAX)
		return;
	for (guint i = 0; i < out->len; i++)
		if (strcmp(out->pdata[i], canon) == 0)
			return;
	g_ptr_array_add(out, g_steal_pointer(&canon));
}

/* "mailto:dev-leave+TOKEN@lists.example.org?subject=x",
 * "envelope-from=<...>", "smtp.mailfrom=..." */
static void
add_addrs(GPtrArray *out, char *value, const char *list_id)
{
	g_auto(GStrv) words = g_strsplit_set(value, " \t<>()[]\",:;?&",
					     WORDS_MAX);

	for (char **word = words; *word != NULL; word++) {
		const char *behind = strchr(*word, '@') != NULL ?
			strchr(*word, '=') : NULL;

		add_addr(out, *word, list_id);
		/* The "=" of a name, and no part of the address */
		if (behind != NULL && behind < strchr(*word, '@'))
			add_addr(out, behind + 1, list_id);
	}
}

/* --- a copy ------------------------------------------------------------- */

/* What stands in <> of List-Id; NULL: there is none */
static char *
list_id_of(const struct header *header)
{
	g_autofree char *value = header_get(header, "List-Id");
	char *open = value != NULL ? strrchr(value, '<') : NULL;

	if (open == NULL)
		return g_steal_pointer(&value);
	open[1 + strcspn(open + 1, ">")] = '\0';
	return g_strstrip(g_strdup(open + 1));
}

static void
add_field(const struct header *header, const char *name, const char *list_id,
	  unsigned int *left, GPtrArray *out)
{
	int index;

	for (int i = 0; *left > 0 && (index = header_find(header, name, i)) >=
	     0; i++) {
		g_autofree char *value = header_value(header, index);

		(*left)--;
		add_addrs(out, value, list_id);
	}
}

/* said: the envelope sender as the report has it, or NULL */
static struct feedback_copy *
read_copy(const char *text, const char *said)
{
	struct feedback_copy *copy = g_new0(struct feedback_copy, 1);
	g_autofree char *list_id = NULL, *sender = g_strdup(said);
	unsigned int left = FIELDS_MAX;
	struct header header;
	size_t end;

	copy->addrs = g_ptr_array_new_with_free_func(g_free);
	if (!header_parse(text, strlen(text), &header, &end))
		return copy;
	list_id = list_id_of(&header);
	if (sender != NULL)
		add_addrs(copy->addrs, sender, list_id);
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		add_field(&header, places[i], list_id, &left, copy->addrs);
	header_done(&header);
	return copy;
}

/* Yahoo leaves the line of an mbox before it. */
static const char *
skip_from_line(const char *text)
{
	const char *end;

	text += strspn(text, "\r\n");
	if (!g_str_has_prefix(text, "From ") &&
	    !g_str_has_prefix(text, ">From "))
		return text;
	end = strchr(text, '\n');
	return end != NULL ? end + 1 : text;
}

/* --- the report --------------------------------------------------------- */

/* Takes value, which may be NULL. */
static char *
canonical(char *value)
{
	g_autofree char *word = NULL;
	const char *start;
	char *canon;

	if (value == NULL)
		return g_strdup("");
	start = strrchr(value, ';');
	start = start != NULL ? start + 1 : value;	/* "rfc822; a@b" */
	start += strspn(start, " <");
	word = g_strndup(start, strcspn(start, " >,"));
	g_free(value);
	canon = addr_canon(word);
	return canon != NULL ? canon : g_strdup("");
}

/* What the report says in its own part; false: there is none. *said: the
 * envelope sender, or NULL. */
static bool
read_fields(const GPtrArray *parts, struct feedback *out, char **said)
{
	for (guint i = 0; i < parts->len; i++) {
		const struct report_part *part = parts->pdata[i];
		struct header fields;
		size_t end;

		if (part->kind != REPORT_FEEDBACK ||
		    !header_parse(part->text, strlen(part->text), &fields,
				  &end))
			continue;
		out->type = header_get(&fields, "Feedback-Type");
		*said = header_get(&fields, "Original-Mail-From");
		out->rcpt = canonical(header_find(&fields, "Original-Rcpt-To",
						  0) >= 0 ?
				      header_get(&fields, "Original-Rcpt-To") :
				      header_get(&fields,
						 "Removal-Recipient"));
		header_done(&fields);
		return out->type != NULL;
	}
	return false;
}

/* Outlook.com: the copy, with a field that says whose it was */
static bool
read_bare(const GPtrArray *parts, struct feedback *out)
{
	for (guint i = 0; i < parts->len; i++) {
		const struct report_part *part = parts->pdata[i];
		struct header header;
		char *rcpt;
		size_t end;

		if (part->kind != REPORT_RETURNED || part->is_nested ||
		    !header_parse(part->text, strlen(part->text), &header,
				  &end))
			continue;
		rcpt = header_get(&header, "X-HmXmrOriginalRecipient");
		header_done(&header);
		if (rcpt == NULL)
			continue;
		out->rcpt = canonical(rcpt);
		out->type = g_strdup("abuse");
		return true;
	}
	return false;
}

static guint
count_copies(const GPtrArray *parts)
{
	guint count = 0;

	for (guint i = 0; i < parts->len; i++) {
		const struct report_part *part = parts->pdata[i];

		count += part->kind == REPORT_RETURNED && !part->is_nested;
	}
	return count;
}

/* What the report says itself is about the one copy that it has. */
static void
read_copies(const GPtrArray *parts, const char *said, struct feedback *out)
{
	const char *sender = count_copies(parts) == 1 ? said : NULL;

	for (guint i = 0; i < parts->len &&
	     out->copies->len < FEEDBACK_COPIES_MAX; i++) {
		const struct report_part *part = parts->pdata[i];

		if (part->kind == REPORT_RETURNED && !part->is_nested)
			g_ptr_array_add(out->copies, read_copy(
				skip_from_line(part->text), sender));
	}
}

static bool
is_complaint(const char *type)
{
	return strcmp(type, "auth-failure") != 0 &&
	       strcmp(type, "not-spam") != 0;
}

bool
feedback_read(const char *bytes, size_t len, struct feedback *out)
{
	g_autoptr(GPtrArray) parts = report_parts(bytes, len);
	g_autofree char *said = NULL, *type = NULL;
	bool is_one;

	memset(out, 0, sizeof(*out));
	is_one = read_fields(parts, out, &said);
	if (!is_one) {
		g_clear_pointer(&out->rcpt, g_free);
		is_one = read_bare(parts, out);
	}
	if (!is_one) {
		feedback_done(out);
		return false;
	}
	type = out->type;
	out->type = g_ascii_strdown(type, -1);
	out->is_complaint = is_complaint(out->type);
	out->copies = g_ptr_array_new_with_free_func(copy_free);
	read_copies(parts, said, out);
	return true;
}

void
feedback_done(struct feedback *feedback)
{
	g_free(feedback->type);
	g_free(feedback->rcpt);
	if (feedback->copies != NULL)
		g_ptr_array_unref(feedback->copies);
	memset(feedback, 0, sizeof(*feedback));
}
