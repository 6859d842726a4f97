/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_PHRASES_H
#define MUSTER_BOUNCE_PHRASES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/bounce/recognise.h"

/*
 * The words that mail servers use, in the languages that they speak. All
 * functions take text as phrase_plain() makes it.
 */

/* phrase_plain - UTF-8 in lower case on one line, single blanks, plain
 * quotes. The caller frees. */
char *phrase_plain(const char *text, size_t len);

/* phrase_reason - why it failed, as far as words say; REASON_NONE if they do
 * not; phrase_reason_said - the same of what servers are known to say */
enum bounce_reason phrase_reason(const char *plain);
enum bounce_reason phrase_reason_said(const char *plain);

/* phrase_fails - does it speak of mail that was not delivered, as servers are
 * known to? phrase_fails_nearly - or in words of that kind, which people use
 * too? */
bool phrase_fails(const char *plain);
bool phrase_fails_nearly(const char *plain);
/* phrase_succeeds - does it say that it was? A line that does is no heading of
 * those who have failed. */
bool phrase_succeeds(const char *plain);
/* phrase_delays - does it say that delivery will be tried again? */
bool phrase_delays(const char *plain);
/* phrase_gives_up - does it say that it will not? */
bool phrase_gives_up(const char *plain);
/* phrase_is_report - the subject of a report about a failure or a delay,
 * wherever in it the words stand */
bool phrase_is_report(const char *plain);

/* phrase_names - a line that says that addresses follow */
bool phrase_names(const char *plain);
/* phrase_is_label - a line's beginning, such as "recipient:", that an address
 * follows at once */
bool phrase_is_label(const char *plain);
/* phrase_before, phrase_after - a sentence in which the address that follows,
 * or that stands before, is one that mail did not reach: what stands next to
 * it */
bool phrase_before(const char *plain);
bool phrase_after(const char *plain);
/* phrase_nameless - an entry of a list that is no address: a program, a file
 */
bool phrase_nameless(const char *plain);
/* phrase_owner - does what stands before an address say that such an entry has
 * come of it? */
bool phrase_owner(const char *plain);
/* phrase_contact - does what stands before an address say that it is one to
 * ask, to answer to, or that has sent it? */
bool phrase_contact(const char *plain);

/* phrase_returns - a line behind which the message that comes back stands */
bool phrase_returns(const char *plain);

#endif
