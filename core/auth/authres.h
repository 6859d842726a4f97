/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_AUTHRES_H
#define MUSTER_AUTH_AUTHRES_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "core/auth/evidence.h"
#include "core/mail/header.h"

/* Authentication-Results (RFC 8601) */

/*
 * authres_print - the value of the field, folded for a line that begins with
 * "Authentication-Results: ": authserv-id, then spf, dkim (one each), dmarc,
 * arc, auth. What comes from mail is a token or a quoted-string without
 * controls, cut at a sane length. The caller frees.
 */
char *authres_print(const struct evidence *evidence, const char *authserv_id);

/*
 * authres_remove - every Authentication-Results field that claims to be ours:
 * its authserv-id, behind comments and folds, quoted or not, in any case and
 * with any version, is authserv_id or a name below it; and every one that
 * cannot be parsed so far as to know. Returns how many were removed.
 */
unsigned int authres_remove(struct header *header, const char *authserv_id);

/* One result of a foreign field: "dmarc=pass (p=none) header.from=a.example" */
struct authres_item {
	char *method;		/* lower case */
	char *result;
	char *reason;		/* "" if none */
	GHashTable *properties;	/* "header.from" -> "a.example", lower-case
				 * keys */
};

/* authres_parse - the items behind the authserv-id (may be NULL) of a field's
 * value; NULL: it does not follow the grammar. Frees its items. At most
 * 100. */
GPtrArray *authres_parse(const char *value, char **authserv_id);

/*
 * authres_bare - the value up to the first stop that stands outside comments,
 * with a blank for each comment, appended to out. Returns where stop is; len:
 * there is none, or a comment does not end.
 */
size_t authres_bare(const char *value, size_t len, char stop, GString *out);

#endif
