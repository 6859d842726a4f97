/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/holds.h"

#include <string.h>

#include "core/auth/signed_fields.h"
#include "core/base/banned.h"

#define FIELD "DKIM-Signature"

/* --- one signature ------------------------------------------------------ */

static char *
without_blanks(const char *text)
{
	GString *out = g_string_new(NULL);

	for (; text != NULL && *text != '\0'; text++)
		if (!g_ascii_isspace(*text))
			g_string_append_c(out, *text);
	return g_string_free(out, FALSE);
}

/* c= is "header/body", each simple where it is not there (RFC 6376 section
 * 3.5) */
static enum canon
canon_of(const struct tags *tags, bool of_body)
{
	g_autofree char *c = without_blanks(tags_get(tags, "c"));
	const char *slash = strchr(c, '/');
	const char *word = !of_body ? c : slash != NULL ? slash + 1 : "";

	return g_ascii_strncasecmp(word, "relaxed", 7) == 0 ?
		CANON_RELAXED : CANON_SIMPLE;
}

static bool
fields_hold(const struct header *came, const struct header *now,
	    const struct tags *tags)
{
	g_autoptr(GString) before = g_string_new(NULL);
	g_autoptr(GString) after = g_string_new(NULL);
	const enum canon canon = canon_of(tags, false);
	const char *names = tags_get(tags, "h");

	return names != NULL && signed_fields(came, names, canon, before) &&
		signed_fields(now, names, canon, after) &&
		g_string_equal(before, after);
}

static bool
body_holds(const char *body, size_t len, const struct tags *tags)
{
	g_autofree char *wanted = without_blanks(tags_get(tags, "bh"));
	g_autofree char *is = NULL;
	struct body_hash *hash;
	uint8_t sum[32];

	if (body == NULL)
		return true;
	if (tags_get(tags, "l") != NULL)
		return false;
	hash = body_hash_new(canon_of(tags, true));
	body_hash_feed(hash, body, len);
	(void) body_hash_end(hash, sum);
	is = g_base64_encode(sum, sizeof(sum));
	return strcmp(is, wanted) == 0;
}

bool
signature_holds(const struct header *came, const struct header *now,
		const char *body, size_t len, const struct tags *tags)
{
	return fields_hold(came, now, tags) && body_holds(body, len, tags);
}

/* Nobody else makes the same signature. */
bool
signature_is(const struct tags *tags, const struct dkim_evidence *dkim)
{
	g_autofree char *b = without_blanks(tags_get(tags, "b"));
	g_autofree char *judged = without_blanks(dkim->signature);

	return judged[0] != '\0' && g_str_has_prefix(b, judged);
}

/* --- all of them -------------------------------------------------------- */

/* What could not be looked up is not known to be broken. */
static bool
was_broken(const struct evidence *evidence, const struct tags *tags)
{
	for (guint i = 0; i < evidence->dkim->len; i++) {
		const struct dkim_evidence *dkim = evidence->dkim->pdata[i];

		if ((dkim->result == AUTH_FAIL ||
		     dkim->result == AUTH_PERMERROR) &&
		    signature_is(tags, dkim))
			return true;
	}
	return false;
}

static bool
is_broken(const struct evidence *evidence, const struct header *came,
	  const struct header *now, const char *body, size_t len,
	  const struct header_field *field)
{
	struct tags tags;
	bool broken;

	if (!tags_parse(field->raw + field->value_at,
			field->raw_len - field->value_at, &tags))
		return true;
	broken = was_broken(evidence, &tags) ||
		!signature_holds(came, now, body, len, &tags);
	tags_done(&tags);
	return broken;
}

/* A signature may be made over another, so all are judged before one goes. */
unsigned int
signatures_remove_broken(const struct evidence *evidence,
			 const struct header *came, struct header *now,
			 const char *body, size_t len)
{
	g_autoptr(GArray) left = g_array_new(FALSE, FALSE,
					     sizeof(struct header_field));
	unsigned int removed;

	for (guint i = 0; i < now->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			now->fields, struct header_field, i);

		if (!header_field_is(field, FIELD) ||
		    !is_broken(evidence, came, now, body, len, field))
			g_array_append_vals(left, field, 1);
	}
	removed = now->fields->len - left->len;
	g_array_set_size(now->fields, 0);
	g_array_append_vals(now->fields, left->data, left->len);
	return removed;
}
