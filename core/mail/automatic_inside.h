/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_AUTOMATIC_INSIDE_H
#define MUSTER_MAIL_AUTOMATIC_INSIDE_H

#include <stdbool.h>

#include "core/mail/header.h"
#include "core/mail/wordlist.h"

/* Private to automatic*.c and meant.c. */

/* automatic_words.c; each is described there */
extern const struct wordlist automatic_dsn_subjects;
extern const struct wordlist automatic_reply_subjects;
extern const struct wordlist automatic_reply_followers;
extern const struct wordlist automatic_reply_endings;
extern const struct wordlist automatic_reply_middles;
extern const struct wordlist automatic_challenge_words;
extern const struct wordlist automatic_challenge_hints;
extern const struct wordlist automatic_bounce_words;
extern const struct wordlist automatic_generated_fields;
extern const struct wordlist automatic_reply_fields;

/* automatic_field.c; what is returned is the caller's to free */

/* automatic_word - the first word of a field's value without comments and
 * quotes, in lower case; "" if there is none */
char *automatic_word(const struct header *header, const char *name);
/* automatic_submitted - of Auto-Submitted; of several the first that does not
 * say "no" */
char *automatic_submitted(const struct header *header);
/* automatic_lower - a field's value, decoded, in lower case; "" if it is not
 * there */
char *automatic_lower(const struct header *header, const char *name);
/* automatic_has_field - one of these is there, and does not say "no" */
bool automatic_has_field(const struct header *header,
			 const struct wordlist *names);
/* automatic_has_reply_field - the same of those by which programs say that
 * they answer */
bool automatic_has_reply_field(const struct header *header);

#endif
