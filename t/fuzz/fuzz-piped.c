/* SPDX-License-Identifier: BSD-2-Clause */

/* What a program wrote, as a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mail/header.h"
#include "core/mail/piped.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* No LF is bare, and the last line has an end. */
static void
check_lines(GBytes *message)
{
	gsize len;
	const char *text = g_bytes_get_data(message, &len);

	for (gsize i = 0; i < len; i++)
		check(text[i] != '\n' || (i > 0 && text[i - 1] == '\r'));
	check(len == 0 || text[len - 1] == '\n');
}

static void
check_message(GBytes *message)
{
	struct header header;
	size_t body_at;
	gsize len;
	const char *text = g_bytes_get_data(message, &len);

	check(text != NULL && header_parse(text, len, &header, &body_at));
	check(header.fields->len > 0);
	header_done(&header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char one[] = "From: a@b\r\n\r\n";
	g_autoptr(GBytes) came = g_bytes_new_static(one, sizeof(one) - 1);
	g_autoptr(GBytes) written = g_bytes_new(data, size);
	g_autoptr(GBytes) message = piped_to(written);
	g_autoptr(GBytes) read = piped_from(message);
	g_autoptr(GBytes) again = piped_to(read);

	check_lines(message);
	if (piped_wrong(message, came) == NULL) {
		const char *cr = memchr(data, '\r', size);
		const char *lf = memchr(data, '\n', size);

		check_message(message);
		/* a CR in front of the first end is taken for a part of it */
		check(g_bytes_equal(message, again) ||
		      (cr != NULL && (lf == NULL || cr < lf)));
	}
	return 0;
}
