/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_JUDGE_H
#define MUSTER_BOUNCE_JUDGE_H

#include "core/bounce/recognise.h"

/* Private to core/bounce. */

/*
 * judge_failure - class, reason and status of a failed recipient by what is
 * said about him: one->status, if it is there, and text. Where the words tell
 * more than a number they win: a mailbox is full with 552 and 5.2.2 too. status
 * is filled in where the text has one.
 */
void judge_failure(struct bounce_recipient *one, const char *text);

/* judge_has_status - does it name a status of a failure (RFC 3463)? */
bool judge_has_status(const char *text);

/* judge_whole - class of a message, by its recipients */
void judge_whole(struct bounce_result *result);

#endif
