/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/survive.h"

#include <string.h>

#include <glib.h>

#include "core/auth/holds.h"
#include "core/base/banned.h"

#define FIELD "DKIM-Signature"
#define SIGNATURES_MAX 16	/* more than are verified (dkim.c) */

/* --- whose signatures --------------------------------------------------- */

/* Aligned whatever the record says (RFC 9989 section 4.4), or found so */
static bool
is_authors(const struct dmarc_evidence *dmarc, const char *domain)
{
	return strcmp(domain, dmarc->author_domain) == 0 ||
		(strcmp(dmarc->aligned, "dkim") == 0 &&
		 strcmp(domain, dmarc->aligned_domain) == 0);
}

static bool
has_value(const struct tags *tags, const char *name, const char *value)
{
	const char *text = tags_get(tags, name);

	return text != NULL && g_ascii_strcasecmp(text, value) == 0;
}

static bool
is_that(const struct tags *tags, const struct dkim_evidence *dkim)
{
	return signature_is(tags, dkim) &&
		has_value(tags, "s", dkim->selector);
}

static bool
is_good(const struct evidence *evidence, const struct tags *tags)
{
	for (guint i = 0; i < evidence->dkim->len; i++) {
		const struct dkim_evidence *dkim = evidence->dkim->pdata[i];

		if (dkim->result == AUTH_PASS &&
		    is_authors(&evidence->dmarc, dkim->domain) &&
		    is_that(tags, dkim))
			return true;
	}
	return false;
}

/* --- what it is made over ----------------------------------------------- */

/* Its own field has to be there still, byte for byte. */
static bool
is_there(const struct header *header, const struct header_field *field)
{
	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *other = &g_array_index(
			header->fields, struct header_field, i);

		if (other->raw_len == field->raw_len &&
		    memcmp(other->raw, field->raw, field->raw_len) == 0)
			return true;
	}
	return false;
}

/* --- the answers -------------------------------------------------------- */

typedef bool (*asked)(const struct survival *survival,
		      const struct tags *tags, const char *name);

static bool
holds(const struct survival *survival, const struct tags *tags,
      const char *name)
{
	(void) name;
	return signature_holds(survival->came, survival->now, survival->body,
			       survival->len, tags);
}

static bool
covers(const struct survival *survival, const struct tags *tags,
       const char *name)
{
	g_auto(GStrv) names = g_strsplit(tags_get(tags, "h"), ":", -1);

	(void) survival;
	for (char **at = names; *at != NULL; at++)
		if (g_ascii_strcasecmp(g_strstrip(*at), name) == 0)
			return true;
	return false;
}

static bool
is_for(const struct survival *survival, const struct header_field *field,
       asked is, const char *name)
{
	struct tags tags;
	bool answer;

	if (!tags_parse(field->raw + field->value_at,
			field->raw_len - field->value_at, &tags))
		return false;
	answer = is_good(survival->evidence, &tags) &&
		tags_get(&tags, "h") != NULL &&
		is_there(survival->now, field) && is(survival, &tags, name);
	tags_done(&tags);
	return answer;
}

/* Is the answer yes for one of the author's good signatures? */
static bool
any(const struct survival *survival, asked is, const char *name)
{
	const GArray *fields = survival->came->fields;
	unsigned int count = 0;

	for (guint i = 0; i < fields->len && count < SIGNATURES_MAX; i++) {
		const struct header_field *field = &g_array_index(
			fields, struct header_field, i);

		if (!header_field_is(field, FIELD))
			continue;
		count++;
		if (is_for(survival, field, is, name))
			return true;
	}
	return false;
}

bool
dkim_survives(const struct survival *survival)
{
	return any(survival, holds, NULL);
}

bool
dkim_covers(const struct survival *survival, const char *name)
{
	return any(survival, covers, name);
}
