/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_TOP_H
#define MUSTER_COMMAND_TOP_H

#include <stdbool.h>

#include <jansson.h>

/*
 * muster top. A look is one JSON object, as --json prints it (muster(1) has
 * its fields); a frame is a look as text for people. The live view
 * (core/live.c) asks musterd for looks and draws frames.
 */

/* How a frame is to be drawn */
struct top_size {
	int width, height;	/* of the terminal; 0: as much as it takes */
	bool bold;		/* headings, by ANSI codes */
};

/*
 * top_frame - a look as lines, each ended by "\n". before: an earlier look
 * that rates of relays are taken over, or NULL. notice: a line of its own,
 * or NULL. The caller frees.
 */
char *top_frame(const json_t *look, const json_t *before,
		const char *notice, const struct top_size *size);

#endif
