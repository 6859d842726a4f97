/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_PIPED_H
#define MUSTER_MAIL_PIPED_H

#include <glib.h>

/*
 * A message as programs of Unix read it from a pipe, and as they write it:
 * with LF as the ends of lines. A CR that is no part of a line's end stays.
 *
 * piped_from - a message with CRLF, to be read by a program.
 * piped_to - what a program wrote, with CRLF: where its first line ends in
 * CRLF all do, but for those that end in LF; else LF alone ends a line. The
 * last line gets an end if it has none. piped_to(piped_from(x)) is x, unless
 * the first line of x has a CR in front of its end.
 * The caller unrefs.
 */
GBytes *piped_from(GBytes *message);
GBytes *piped_to(GBytes *written);

/*
 * piped_wrong - why this, with CRLF, is no message to go on with: no header
 * field, or what is none in its header; no From, or several, unless came, the
 * message that it was made of, had as many. NULL: it is one. Static text.
 */
const char *piped_wrong(GBytes *message, GBytes *came);

#endif
