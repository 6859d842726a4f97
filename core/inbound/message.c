/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/message.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

static char *
join(const GPtrArray *texts)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < texts->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
				       (const char *)texts->pdata[i]);
	return g_string_free(text, FALSE);
}

static void
header_forget(struct message *message)
{
	if (message->header.fields != NULL)
		header_done(&message->header);
	memset(&message->header, 0, sizeof(message->header));
	if (message->authors != NULL)
		g_ptr_array_unref(message->authors);
	message->authors = NULL;
	g_clear_pointer(&message->author_text, g_free);
	g_clear_pointer(&message->message_id, g_free);
}

bool
message_set_header(struct message *message, const char *bytes, size_t len,
		   size_t *body_at)
{
	struct header header;

	if (!header_parse(bytes, len, &header, body_at))
		return false;
	header_forget(message);
	message->header = header;
	message->message_id = header_get(&header, "Message-ID");
	if (message->message_id == NULL)
		message->message_id = g_strdup("");
	message->authors = mime_authors(&header, &message->authors_complete);
	message->author_text = join(message->authors);
	return true;
}

void
message_done(struct message *message)
{
	header_forget(message);
	if (message->has_parts)
		content_parts_done(&message->parts);
	g_free(message->text);
	g_free(message->own_text);
	memset(message, 0, sizeof(*message));
}

/* What the header says is final; that it says nothing is not. */
bool
message_automatic(struct message *message, enum automatic *out)
{
	bool at_end = message->step >= STEP_END;

	if (message->step < STEP_HEADERS)
		return false;
	if (!message->has_automatic) {
		message->automatic = automatic_kind(
			message->sender, &message->header,
			at_end ? message->body : NULL,
			at_end ? message->body_len : 0);
		message->has_automatic =
			at_end || message->automatic != AUTOMATIC_NO;
	}
	*out = message->automatic;
	return message->has_automatic;
}

const struct content_parts *
message_parts(struct message *message)
{
	if (!message->has_parts)
		content_parts(&message->header, message->body,
			      message->body_len, &message->parts);
	message->has_parts = true;
	return &message->parts;
}

const char *
message_text(struct message *message)
{
	if (message->text == NULL)
		message->text = content_text(&message->header, message->body,
					     message->body_len);
	return message->text;
}

const char *
message_own_text(struct message *message)
{
	if (message->own_text == NULL)
		message->own_text = content_own_text(&message->header,
						     message->body,
						     message->body_len);
	return message->own_text;
}

enum command_meant
message_command(struct message *message)
{
	if (!message->has_command)
		message->command = command_meant(&message->header,
						 message->body,
						 message->body_len);
	message->has_command = true;
	return message->command;
}
