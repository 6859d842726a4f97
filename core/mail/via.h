/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_VIA_H
#define MUSTER_MAIL_VIA_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/mail/header.h"

/*
 * A message that comes from its author by way of a list, and says so: From is
 * "Ann via dev" <dev@lists.example.org>, because the author's domain asks to
 * refuse what a list has changed. Whoever the author is stands in a field
 * that readers see, and in Author (RFC 9057).
 *
 * list is the list's canonical address.
 */

/*
 * via_set_from - From is the list's, with the names of the authors; none of
 * them where From is not understood. Who wrote is put into Author, and where
 * an answer goes to him as it did: into Reply-To, beside what he has put
 * there; or, where Reply-To is the list's choice (reply_is_lists, or it names
 * the list), into Cc, so that an answer to all still reaches him.
 */
void via_set_from(struct header *header, const char *list,
		  bool reply_is_lists);

/* via_unname - members answer "Ann via dev" <dev@...>; the name is nobody's in
 * that answer. True: the field of this name (To, Cc) had one, and has none
 * now. */
bool via_unname(struct header *header, const char *name, const char *list);

/*
 * via_wrap - the message as the content of another (message/rfc822, RFC 2046
 * section 5.2.1), which has what a list has put on top of it, and what threads
 * and replies need; inside are the fields that came, so that a signature there
 * keeps. header becomes the outer one, with From as by via_set_from(); the new
 * body is appended to out. came: the header before the list.
 */
void via_wrap(struct header *header, const struct header *came,
	      const char *body, size_t len, const char *list,
	      bool reply_is_lists, GString *out);

#endif
