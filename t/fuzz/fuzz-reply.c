/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>

#include "core/outbound/reply.h"
#include "core/base/banned.h"

/* Whatever a relay says, in whatever pieces it comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_some(struct reply *reply, const char *bytes, size_t len)
{
	while (reply_read(reply, &bytes, &len) == REPLY_WHOLE) {
		char *line = reply_show(reply);

		g_assert_true(reply->code >= 200 && reply->code <= 599);
		g_assert_true(g_utf8_validate(line, -1, NULL));
		g_free(line);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut = size > 0 ? data[0] % size : 0;
	struct reply reply;

	reply_init(&reply);
	read_some(&reply, (const char *)data, cut);
	if (reply.broken == NULL)
		read_some(&reply, (const char *)data + cut, size - cut);
	reply_done(&reply);
	return 0;
}
