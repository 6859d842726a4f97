/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Whatever a relay says. The first byte tells where it is cut in two: the
 * replies must be those that come of it in one piece.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/outbound/reply.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(struct reply_reader *reader, GString *out)
{
	struct reply reply;

	while (reply_next(reader, &reply)) {
		if (reply.code < 200 || reply.code > 599)
			abort();
		g_string_append_printf(out, "%d %s\n", reply.code, reply.text);
	}
}

static char *
replies(const char *bytes, size_t len, size_t cut)
{
	GString *out = g_string_new(NULL);
	struct reply_reader reader;

	reply_reader_init(&reader);
	reply_feed(&reader, bytes, cut);
	read_all(&reader, out);
	reply_feed(&reader, bytes + cut, len - cut);
	read_all(&reader, out);
	g_string_append(out, reader.broken ? "broken" : "");
	reply_reader_done(&reader);
	return g_string_free(out, FALSE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	g_autofree char *whole = replies(bytes, size, 0), *parts = NULL;

	if (size == 0)
		return 0;
	parts = replies(bytes, size, data[0] % size);
	if (strcmp(whole, parts) != 0)
		abort();
	return 0;
}
