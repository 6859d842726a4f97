/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/signer.h"

#include <string.h>

#include "core/auth/arc.h"
#include "core/auth/dkim_sign.h"
#include "core/base/banned.h"

/*
 * Of a signature over a copy, all but the public key operation is the same
 * for all copies up to the first place: the canonical form of the fields is
 * kept with places in it, and the body's digest is kept as it is in front of
 * the first place. What goes into a field's place must be its own canonical
 * form (slot.h).
 */
struct signer {
	const struct text *raw;
	size_t body_from;	/* the first place in the body, or its end */
	struct body_hash *hash;	/* of the body up to there */
	struct sign_key *key;
	struct sig_draft *dkim;
	struct arc_draft *arc;	/* NULL: no set was begun */
	struct text dkim_fields, arc_fields;
};

static size_t
first_in_body(const struct text *raw, size_t header_len)
{
	for (guint i = 0; i < raw->place_count; i++)
		if (raw->places[i].at >= header_len)
			return raw->places[i].at;
	return raw->len;
}

/* The fields' text is the canonical form, with marks, of what a draft
 * covers. */
static void
take_fields(const struct sig_draft *draft,
	    char marks[SLOTS][SLOT_MARK_MAX], struct text *out)
{
	text_take(g_string_new_len(draft->fields->str,
				   (gssize)draft->fields->len), marks, out);
}

static void
draft(struct signer *signer, const struct header *header,
      char marks[SLOTS][SLOT_MARK_MAX], enum auth_result chain)
{
	int64_t now_s = g_get_real_time() / G_USEC_PER_SEC;

	signer->dkim = dkim_draft(header, signer->key, now_s);
	take_fields(signer->dkim, marks, &signer->dkim_fields);
	if (header->fields->len == 0 || !arc_has_begun(
		g_array_index(header->fields, struct header_field, 0).raw,
		g_array_index(header->fields, struct header_field, 0).raw_len))
		return;
	signer->arc = arc_draft_new(header, chain, signer->key, now_s);
	if (signer->arc != NULL)
		take_fields(signer->arc->ams, marks, &signer->arc_fields);
}

struct signer *
signer_new(const struct text *raw, size_t header_len,
	   char marks[SLOTS][SLOT_MARK_MAX], struct sign_key *key,
	   enum auth_result chain)
{
	g_autoptr(GString) block = g_string_sized_new(header_len + 256);
	const char *values[SLOTS];
	struct header header;
	struct signer *signer;
	size_t body_at;

	for (int i = 0; i < SLOTS; i++)
		values[i] = marks[i];
	text_append(raw, 0, header_len - strlen("\r\n"), values, block);
	if (!header_parse(block->str, block->len, &header, &body_at))
		return NULL;
	signer = g_new0(struct signer, 1);
	signer->raw = raw;
	signer->key = sign_key_ref(key);
	draft(signer, &header, marks, chain);
	header_done(&header);
	signer->body_from = first_in_body(raw, header_len);
	signer->hash = body_hash_new(CANON_RELAXED);
	body_hash_feed(signer->hash, raw->bytes + header_len,
		       signer->body_from - header_len);
	return signer;
}

void
signer_free(struct signer *signer)
{
	uint8_t unused[32];

	if (signer == NULL)
		return;
	(void) body_hash_end(signer->hash, unused);
	sig_draft_free(signer->dkim);
	arc_draft_free(signer->arc);
	text_done(&signer->dkim_fields);
	text_done(&signer->arc_fields);
	sign_key_unref(signer->key);
	g_free(signer);
}

/* --- one copy ----------------------------------------------------------- */

static void
put_hash(void *arg, const void *bytes, size_t len)
{
	body_hash_feed(arg, bytes, len);
}

static void
end_hash(const struct signer *signer, const char *const values[SLOTS],
	 uint8_t out[32])
{
	struct body_hash *hash = body_hash_copy(signer->hash);

	if (signer->body_from < signer->raw->len)
		text_fill(signer->raw, signer->body_from, signer->raw->len,
			  values, put_hash, hash);
	(void) body_hash_end(hash, out);
}

static bool
add_dkim(const struct signer *signer, const char *const values[SLOTS],
	 const uint8_t hash[32], GString *out)
{
	g_autoptr(GString) fields = g_string_sized_new(2048);
	g_autofree char *value = NULL;

	text_append(&signer->dkim_fields, 0, signer->dkim_fields.len, values,
		    fields);
	value = sig_draft_sign(signer->dkim, fields->str, fields->len, hash);
	if (value != NULL)
		g_string_append_printf(out, "%s: %s\r\n", DKIM_FIELD, value);
	return value != NULL;
}

static bool
add_set(const struct signer *signer, const char *const values[SLOTS],
	const uint8_t hash[32], GString *out)
{
	g_autoptr(GString) fields = g_string_sized_new(2048);
	g_autofree char *ams = NULL, *as = NULL;

	text_append(&signer->arc_fields, 0, signer->arc_fields.len, values,
		    fields);
	if (!arc_draft_seal(signer->arc, fields->str, fields->len, hash, &ams,
			    &as))
		return false;
	g_string_append_printf(out, "%s: %s\r\n%s: %s\r\n", ARC_AS_FIELD, as,
			       ARC_AMS_FIELD, ams);
	return true;
}

char *
signer_sign(const struct signer *signer, const char *const values[SLOTS])
{
	g_autoptr(GString) out = g_string_sized_new(3072);
	uint8_t hash[32];

	end_hash(signer, values, hash);
	if (!add_dkim(signer, values, hash, out) ||
	    (signer->arc != NULL && !add_set(signer, values, hash, out)))
		return NULL;
	return g_string_free(g_steal_pointer(&out), FALSE);
}
