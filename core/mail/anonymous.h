/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_ANONYMOUS_H
#define MUSTER_MAIL_ANONYMOUS_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "core/mail/header.h"

/*
 * A post that does not say who has written it, but for what he says himself:
 * the texts, what is attached, and a message inside stay as they are.
 *
 * Of the fields only these stay, and only what is named here of their values:
 *
 *	Subject, Date (in UTC), MIME-Version, Auto-Submitted (its keyword),
 *	X-No-Archive, X-Loop of our own lists
 *	Content-Type: the type; charset, format, delsp, name, type, start,
 *	report-type, protocol, method, smime-type; a new boundary
 *	Content-Disposition: its kind, and filename
 *	Content-Transfer-Encoding
 *	Message-ID, In-Reply-To, References, Content-ID: other ids, see
 *	anonymous_id(), so that threads and pictures in HTML hold
 *
 * From and To are the list's. A name of a file that has a part of the author's
 * name or address in it becomes "attachment". Signatures (RFC 1847), keys and
 * visiting cards go, and so do preambles and what stands behind the parts,
 * where programs name themselves.
 */
struct anonymity {
	const char *list;		/* its address */
	const char *name;		/* shown beside it, in UTF-8 */
	const uint8_t *secret;		/* of ids */
	size_t secret_len;
	char *const *domains;		/* ours, NULL-ended */
	const char *people;		/* addresses of the author that the
					 * header need not have, as a list */
	int64_t received_s;		/* for a Date that cannot be read */
};

/*
 * anonymous_id - what a message id ("<...>") is called on this list: always
 * the same, and nobody can tell of which it is without the secret. One that
 * is such already stays. "" : it is no id. The caller frees.
 */
char *anonymous_id(const struct anonymity *with, const char *id);

/*
 * anonymous_make - *body_out NULL: the body may stay as it is. Returns NULL,
 * or why it cannot be done, with nothing changed: a static text.
 */
const char *anonymous_make(const struct anonymity *with,
			   struct header *header, const char *body,
			   size_t len, GBytes **body_out);

#endif
