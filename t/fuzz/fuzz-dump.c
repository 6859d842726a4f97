/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "db/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first pass of a load, on its own: any bytes, line by line. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(load_check_t) check = load_check_new(NULL);
	const char *line = (const char *)data, *end = line + size;
	struct dump_counts counts;
	struct err err = ERR_INIT;

	while (line < end) {
		const char *newline = memchr(line, '\n',
					     (size_t)(end - line));
		size_t len = (size_t)((newline != NULL ? newline : end) -
				      line);

		if (load_check_line(check, line, len, &err) != ERR_OK)
			return 0;
		line += len + 1;
	}
	(void) load_check_end(check, &counts, &err);
	return 0;
}
