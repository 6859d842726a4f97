/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_OWN_H
#define MUSTER_MAIL_OWN_H

#include <stdbool.h>

#include <glib.h>

/*
 * What the author of a mail has written in it himself, line by line, for
 * those who look for something in it that was meant for a machine. Text is
 * that of content_own_text().
 */
#define OWN_LINES_MAX 400	/* of the text that are looked at */
#define OWN_LINE_MAX 1000	/* bytes of one that are kept */

/*
 * own_line - a line as it was meant: blanks of all kinds are one each and
 * gone at the ends, as are characters that nobody sees, remnants of HTML, and
 * the copy of an address that programs put behind it ("a@b<mailto:a@b>"). The
 * caller frees.
 */
char *own_line(const char *line);

/*
 * own_lines - char *, each as of own_line(); "" stands for one or more empty
 * lines. Quotes and the line that says who is quoted are left out; a
 * signature, the line of a telephone ("Sent from my ..."), and a mail that
 * stands below as a whole end it.
 */
GPtrArray *own_lines(const char *text);

/* own_subject - what stands behind any "Re:", "AW:", "Fwd:" and "[dev]" of a
 * Subject; *is_reply: there was one of the former */
const char *own_subject(const char *subject, bool *is_reply);

#endif
