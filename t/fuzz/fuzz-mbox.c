/* SPDX-License-Identifier: BSD-2-Clause */

/* An mbox that somebody imports: its first byte says in which form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/archive/mbox.h"
#include "core/archive/source.h"
#include "core/archive/text.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* What is archived of it comes back as it was, and is one message again. */
static void
check_message(const struct source_message *message)
{
	struct archive_text text = { 0 }, obscured = { 0 };
	g_autoptr(GByteArray) entry = NULL;
	g_autoptr(GBytes) back = NULL;

	archive_text_init(&text, (const char *)message->bytes->data,
			  message->bytes->len, false);
	archive_text_init(&obscured, (const char *)message->bytes->data,
			  message->bytes->len, true);
	entry = mbox_entry(text.bytes, text.message_id, message->time_s);
	back = mbox_text((const char *)entry->data, entry->len);
	check(back != NULL && g_bytes_equal(back, text.bytes));
	archive_text_done(&text);
	archive_text_done(&obscured);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *copy = NULL;
	g_autoptr(source_t) source = NULL;
	struct source_message message;
	struct err err = ERR_INIT;
	uint64_t octets = 0;
	bool more;
	FILE *in;

	if (size < 2)
		return 0;
	mime_init();
	copy = g_memdup2(data + 1, size - 1);
	in = fmemopen(copy, size - 1, "r");
	check(in != NULL);
	source = source_mbox(in, "f", (enum source_form)
			     (data[0] % SOURCE_FORMS));
	while (source_next(source, &message, &more, &err) == ERR_OK &&
	       more) {
		check(source_octets(source) > octets);
		octets = source_octets(source);
		check_message(&message);
		source_message_done(&message);
	}
	source_message_done(&message);
	(void) fclose(in);
	return 0;
}
