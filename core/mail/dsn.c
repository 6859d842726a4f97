/* SPDX-License-Identifier: BSD-2-Clause */

/* Delivery status notifications (RFC 3464), read from the first part of
 * type message/delivery-status, wherever in the message it stands. */
#include <string.h>

#include <gmime/gmime.h>

#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define RECIPIENTS_MAX 1000
#define DIAGNOSTIC_MAX 400
#define STATUS_PART_MAX (1024 * 1024)

/* --- finding the part --------------------------------------------------- */

static void
find_status(GMimeObject *parent, GMimeObject *part, gpointer data)
{
	GMimeObject **found = data;
	GMimeContentType *type = g_mime_object_get_content_type(part);

	(void) parent;
	if (*found == NULL && type != NULL && GMIME_IS_PART(part) &&
	    (g_mime_content_type_is_type(type, "message",
					 "delivery-status") ||
	     g_mime_content_type_is_type(type, "message",
					 "global-delivery-status")))
		*found = part;
}

static GByteArray *
part_text(GMimePart *part)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GByteArray *bytes = g_byte_array_new();
	GMimeStream *stream;

	if (content == NULL)
		return bytes;
	stream = g_mime_stream_mem_new_with_byte_array(bytes);
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	(void) g_mime_data_wrapper_write_to_stream(content, stream);
	g_object_unref(stream);
	if (bytes->len > STATUS_PART_MAX)
		g_byte_array_set_size(bytes, STATUS_PART_MAX);
	return bytes;
}

static GByteArray *
status_text(const char *bytes, size_t len)
{
	GMimeObject *found = NULL;
	GByteArray *text = NULL;
	GMimeMessage *parsed;
	GMimeParser *parser;
	GMimeStream *stream;

	if (len == 0)
		return NULL;
	stream = g_mime_stream_mem_new_with_buffer(bytes, len);
	parser = g_mime_parser_new_with_stream(stream);
	parsed = g_mime_parser_construct_message(parser, NULL);
	if (parsed != NULL)
		g_mime_message_foreach(parsed, find_status, &found);
	if (found != NULL)
		text = part_text(GMIME_PART(found));
	g_clear_object(&parsed);
	g_object_unref(parser);
	g_object_unref(stream);
	return text;
}

/* --- reading it --------------------------------------------------------- */

static void
recipient_free(void *data)
{
	struct dsn_recipient *one = data;

	g_free(one->original);
	g_free(one->final);
	g_free(one->status);
	g_free(one->diagnostic);
	g_free(one);
}

static char *
field_text(const struct header *group, const char *name)
{
	g_autofree char *value = header_get(group, name);

	return g_utf8_make_valid(value != NULL ? value : "", -1);
}

/* "rfc822; <ann@example.org>" -> "ann@example.org" */
static char *
address_of(const struct header *group, const char *name)
{
	g_autofree char *value = field_text(group, name);
	char *semicolon = strchr(value, ';');
	char *addr = g_strstrip(semicolon != NULL ? semicolon + 1 : value);
	size_t len;

	addr += strspn(addr, "<");
	len = strcspn(addr, "> \t");
	return g_strndup(addr, len);
}

/* "5.1.1 (bad mailbox)" -> "5.1.1" */
static char *
status_of(const struct header *group)
{
	g_autofree char *value = field_text(group, "Status");

	return g_strndup(value, strspn(value, "0123456789."));
}

static char *
diagnostic_of(const struct header *group)
{
	g_autofree char *value = field_text(group, "Diagnostic-Code");
	char *semicolon = strchr(value, ';');
	const char *text = g_strstrip(semicolon != NULL ? semicolon + 1
				      : value);
	const char *end = text + strnlen(text, DIAGNOSTIC_MAX);

	if (*end != '\0')	/* not in the middle of a character */
		end = g_utf8_find_prev_char(text, end + 1);
	return g_strndup(text, (gsize)(end - text));
}

/* A report without Action, which the RFC demands, speaks by its Status. */
static enum dsn_action
action_of(const struct header *group, const char *status)
{
	g_autofree char *action = field_text(group, "Action");

	action[strcspn(action, " \t(;")] = '\0';
	if (g_ascii_strcasecmp(action, "failed") == 0)
		return DSN_FAILED;
	if (g_ascii_strcasecmp(action, "delayed") == 0)
		return DSN_DELAYED;
	if (action[0] != '\0')
		return DSN_OTHER;
	return status[0] == '5' ? DSN_FAILED : status[0] == '4' ?
		DSN_DELAYED : DSN_OTHER;
}

static void
read_group(const struct header *group, struct dsn *out)
{
	struct dsn_recipient *one;

	if (header_find(group, "Original-Envelope-Id", 0) >= 0) {
		g_free(out->envelope_id);
		out->envelope_id = field_text(group, "Original-Envelope-Id");
	}
	if (header_find(group, "Final-Recipient", 0) < 0 &&
	    header_find(group, "Original-Recipient", 0) < 0 &&
	    header_find(group, "Action", 0) < 0)
		return;
	if (out->recipients->len >= RECIPIENTS_MAX)
		return;
	one = g_new0(struct dsn_recipient, 1);
	one->original = address_of(group, "Original-Recipient");
	one->final = address_of(group, "Final-Recipient");
	one->status = status_of(group);
	one->diagnostic = diagnostic_of(group);
	one->action = action_of(group, one->status);
	g_ptr_array_add(out->recipients, one);
}

/* Groups of fields with empty lines between (RFC 3464 section 2.1). A line
 * that is no field is passed over. */
static void
read_groups(const char *text, size_t len, struct dsn *out)
{
	while (len > 0) {
		struct header group;
		const char *lf;
		size_t at;

		if (!header_parse(text, len, &group, &at))
			return;
		read_group(&group, out);
		if (at == 0) {
			lf = memchr(text, '\n', len);
			at = lf != NULL ? (size_t)(lf - text) + 1 : len;
		}
		header_done(&group);
		text += at;
		len -= at;
	}
}

bool
mime_dsn(const char *bytes, size_t len, struct dsn *out)
{
	g_autoptr(GByteArray) text = status_text(bytes, len);

	if (text == NULL)
		return false;
	out->envelope_id = g_strdup("");
	out->recipients = g_ptr_array_new_with_free_func(recipient_free);
	read_groups((const char *)text->data, text->len, out);
	return true;
}

void
dsn_done(struct dsn *dsn)
{
	g_free(dsn->envelope_id);
	if (dsn->recipients != NULL)
		g_ptr_array_unref(dsn->recipients);
	memset(dsn, 0, sizeof(*dsn));
}
