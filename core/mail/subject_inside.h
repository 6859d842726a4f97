/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_SUBJECT_INSIDE_H
#define MUSTER_MAIL_SUBJECT_INSIDE_H

#include "core/mail/subject.h"

/* Private to subject.c, which reads subjects, and subject_write.c. */

#define COLON_WIDE "\uff1a"	/* a colon too */

/* A prefix in two halves, with the number between them, or with none. */
struct prefix {
	const char *front, *back;
	size_t front_len;
	unsigned int digits;	/* 0: it has no number */
};

/* prefix_read - borrows text; prefix_print - with that number, the caller
 * frees; prefix_in - length of the prefix, of whatever number, that text
 * begins with; 0: it begins with none. */
struct prefix prefix_read(const char *text);
char *prefix_print(const struct prefix *prefix, uint64_t number);
size_t prefix_in(const char *text, const struct prefix *prefix);

#endif
