/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_SIGNED_FIELDS_H
#define MUSTER_AUTH_SIGNED_FIELDS_H

#include <stdbool.h>

#include <glib.h>

#include "core/auth/sigcore.h"
#include "core/mail/header.h"

/* What a signature of DKIM's kind is made over (RFC 6376 section 3.7). */

#define SIGNED_NAMES_MAX 500

/* signed_fields - the fields that h= names, each name taking the lowest that
 * is not taken yet (section 5.4.2), appended to out. False: too many names. */
bool signed_fields(const struct header *header, const char *names,
		   enum canon canon, GString *out);

/* signed_own - the signature's own field with an empty b=, without its
 * final CRLF, appended to out */
void signed_own(const char *raw, size_t len, enum canon canon, GString *out);

/* tag_fold - append "; name=value" to a field's value that is being built,
 * long values cut so that lines keep to 76; *column is where the line is */
void tag_fold(GString *value, size_t *column, const char *name,
	      const char *text);

#endif
