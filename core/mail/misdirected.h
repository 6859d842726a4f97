/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_MISDIRECTED_H
#define MUSTER_MAIL_MISDIRECTED_H

#include "core/mail/automatic.h"
#include "core/mail/header.h"

/*
 * misdirected - a command that was sent to the list by mistake, beyond doubt:
 * such a post is not sent on, so what may be part of a discussion counts as
 * none. command_meant() sees more of them, and errs more often.
 *
 * The Subject, or the first paragraph that the author has written, must be a
 * command and nothing else but words that go with one; below it may stand
 * signatures and what companies add.
 *
 * list: canonical address; its name may stand there. text: of
 * content_own_text().
 */
enum command_meant misdirected(const char *list, const struct header *header,
			       const char *text);

#endif
