/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_LETTER_SOURCE_H
#define MUSTER_LETTER_SOURCE_H

#include <stdbool.h>

#include <glib.h>

#include "core/letter/template.h"
#include "db/store.h"

/*
 * Where texts come from. One that was set for a list, its domain or the site
 * is a setting of that scope; the others are compiled in from conf/templates.
 *
 * Languages are tried in this order: the one that is wanted, that without
 * what follows "-" ("de-at": "de"), the list's key "language", "en". Of each
 * language the list's own text, the domain's, the site's, the shipped one.
 */

struct template_source {
	char *text;
	char *language;
	char *scope;	/* as of settings; NULL: it is shipped */
};

void template_source_done(struct template_source *source);

/* template_languages - those in which all texts are shipped; NULL-ended */
extern const char *const template_languages[];

/* template_shipped - NULL: there is none. Static. */
const char *template_shipped(const char *name, const char *language);

/* template_setting - the key of a setting that is a template's text; the
 * caller frees */
char *template_setting(const char *name, const char *language);

/* template_setting_read - is this the key of one? Both out are the caller's
 * to free. */
bool template_setting_read(const char *key, char **name_out,
			   char **language_out);

/*
 * template_find - what holds in a scope. language, list_language: NULL or ""
 * for none. One that cannot be parsed is passed over, so that mail goes out
 * in any case: `muster check` names it.
 */
enum err_code template_find(struct txn *txn, const char *scope,
			    const struct template_kind *kind,
			    const char *language, const char *list_language,
			    struct template_source *out, struct err *err);

#endif
