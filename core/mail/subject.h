/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_SUBJECT_H
#define MUSTER_MAIL_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What stands in front of a subject: the marks of replies and forwarded mail,
 * and the prefix of a list.
 */

/*
 * subject_mark - length of the mark that text begins with, its colon being
 * the last of it: "Re:", "AW:", "RE[2]:", "Re^2:", "Antw :", a fullwidth
 * colon, and the words of other languages; 0: it begins with none.
 * *is_reply false: the mark is of what was forwarded. text need not be
 * UTF-8.
 */
size_t subject_mark(const char *text, bool *is_reply);

/* subject_blanks - length of the blanks that text begins with, of all kinds
 * that programs put behind a mark */
size_t subject_blanks(const char *text);

/*
 * A prefix may have the number of the post in it, once: "[dev %{number}]";
 * "%{number:5}" has five digits or more. subject_prefix_wrong - NULL, or a
 * static text of what is expected instead. subject_is_numbered - is there
 * one?
 */
#define SUBJECT_DIGITS_MAX 9
const char *subject_prefix_wrong(const char *prefix);
bool subject_is_numbered(const char *prefix);

/*
 * subject_prefixed - the value of a Subject with the prefix in it once,
 * behind the marks: "Re: [dev] hi". old: as header_value() has it, or NULL if
 * there is none. One that has the prefix already stays as it is. That of
 * another number is replaced, wherever it stands among the marks, and marks
 * that are there twice because of it are there once: "AW: [dev 17] Re: [dev
 * 12] x" becomes "AW: [dev 18] x".
 *
 * What the author wrote behind that keeps its bytes and its encoded words, of
 * whatever charsets, where the prefix can be put in front of them. The caller
 * frees.
 */
char *subject_prefixed(const char *old, const char *prefix,
		       uint64_t number);

#endif
