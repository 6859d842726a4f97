/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_LETTER_PLAIN_H
#define MUSTER_LETTER_PLAIN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Text from outside as people are shown it: valid UTF-8, without what a
 * terminal or a mail reader would act on instead of showing it, such as
 * control characters and the marks that turn the direction of text around.
 */

/* plain_line - one line, at most max characters, without blanks at its ends.
 * The caller frees. */
char *plain_line(const char *text, size_t max);

/* plain_lines - line by line, at most max bytes, without empty lines at the
 * end; what is cut off is said so. The caller frees. */
char *plain_lines(const char *text, size_t max);

/* plain_time - "2026-11-23 12:00 UTC"; the caller frees */
char *plain_time(int64_t time_s);

#endif
