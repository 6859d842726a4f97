/* SPDX-License-Identifier: BSD-2-Clause */

/* Sealing, RFC 8617 section 5.1 */
#include "core/auth/arc.h"

#include <string.h>

#include "core/auth/arc_chain.h"
#include "core/auth/signed_fields.h"
#include "core/base/banned.h"

/* Fields that an ARC-Message-Signature covers where they are there; never
 * ARC's own, Authentication-Results or trace (section 4.1.2). */
static const char *const covered[] = {
	"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date",
	"Message-ID", "In-Reply-To", "References", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
	"List-Id", "List-Post", "List-Help", "List-Subscribe",
	"List-Unsubscribe", "List-Unsubscribe-Post", "List-Owner",
	"List-Archive", "DKIM-Signature",
};

struct seal {
	struct header *header;
	const struct sign_key *key;
	const uint8_t *hash_body;
	unsigned int instance;
	int64_t now_s;
	const char *cv;
};

static char *
covered_names(const struct header *header)
{
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(covered); i++) {
		unsigned int count = header_count(header, covered[i]);

		for (; count > 0; count--)
			g_string_append_printf(names, "%s%s",
					       names->len > 0 ? ":" : "",
					       covered[i]);
	}
	return g_string_free(names, FALSE);
}

static GString *
value_begin(const struct seal *seal, const char *name, size_t *column)
{
	GString *value = g_string_new(NULL);

	*column = strlen(name) + 2;
	g_string_append_printf(value, "i=%u", seal->instance);
	*column += value->len;
	tag_fold(value, column, "a",
		 sig_algorithm_name(sign_key_algorithm(seal->key)));
	return value;
}

static void
add_common(const struct seal *seal, GString *value, size_t *column)
{
	g_autofree char *time = g_strdup_printf("%lld",
						(long long)seal->now_s);

	tag_fold(value, column, "d", sign_key_domain(seal->key));
	tag_fold(value, column, "s", sign_key_selector(seal->key));
	tag_fold(value, column, "t", time);
}

/* "Name: value" as a field, ready to be signed over. */
static char *
field_text(const char *name, const GString *value)
{
	return g_strdup_printf("%s: %s\r\n", name, value->str);
}

static bool
add_ams(const struct seal *seal)
{
	static const char name[] = "ARC-Message-Signature";
	g_autoptr(GString) data = g_string_new(NULL);
	g_autofree char *names = covered_names(seal->header);
	g_autofree char *hash = g_base64_encode(seal->hash_body, 32);
	g_autofree char *own = NULL, *signature = NULL;
	size_t column, bare, bare_column;
	g_autoptr(GString) value = value_begin(seal, name, &column);

	tag_fold(value, &column, "c", "relaxed/relaxed");
	add_common(seal, value, &column);
	tag_fold(value, &column, "h", names);
	tag_fold(value, &column, "bh", hash);
	bare = value->len;
	bare_column = column;
	tag_fold(value, &column, "b", "");
	own = field_text(name, value);
	if (!signed_fields(seal->header, names, CANON_RELAXED, data))
		return false;
	signed_own(own, strlen(own), CANON_RELAXED, data);
	signature = sig_sign(seal->key, data->str, data->len);
	if (signature == NULL)
		return false;
	g_string_truncate(value, bare);
	tag_fold(value, &bare_column, "b", signature);
	header_prepend(seal->header, name, value->str);
	return true;
}

/* A broken chain is sealed as such, with nothing but the new set in what is
 * signed (section 5.1.2). */
static bool
add_as(const struct seal *seal)
{
	static const char name[] = "ARC-Seal";
	bool alone = strcmp(seal->cv, "fail") == 0;
	g_autoptr(GString) data = g_string_new(NULL);
	g_autofree char *signature = NULL;
	struct arc_chain *chain;
	size_t column, bare, bare_column;
	g_autoptr(GString) value = value_begin(seal, name, &column);

	tag_fold(value, &column, "cv", seal->cv);
	add_common(seal, value, &column);
	bare = value->len;
	bare_column = column;
	tag_fold(value, &column, "b", "");
	header_prepend(seal->header, name, value->str);
	chain = arc_chain_read(seal->header);
	arc_chain_data(seal->header, chain, alone ? seal->instance : 1,
		       seal->instance, data);
	arc_chain_free(chain);
	signature = sig_sign(seal->key, data->str, data->len);
	if (signature == NULL)
		return false;
	g_string_truncate(value, bare);
	tag_fold(value, &bare_column, "b", signature);
	g_array_remove_index(seal->header->fields, 0);
	header_prepend(seal->header, name, value->str);
	return true;
}

/* Has the newest seal said that the chain is broken? Then no more is to be
 * said (section 5.1 step 2). */
static bool
has_ended(const struct arc_chain *chain)
{
	const struct tags *newest = &chain->sets[chain->count - 1].as;
	const char *cv = newest->count > 0 ? tags_get(newest, "cv") : NULL;

	return cv != NULL && strcmp(cv, "fail") == 0;
}

/* The instance of the new set; 0: there can be none. */
static unsigned int
next_instance(const struct header *header)
{
	struct arc_chain *chain = arc_chain_read(header);
	unsigned int next = chain->count + 1;

	if (chain->count == ARC_SETS_MAX ||
	    (chain->count > 0 && has_ended(chain)))
		next = 0;
	arc_chain_free(chain);
	return next;
}

bool
arc_seal(struct header *header, const struct arc_evidence *chain,
	 const char *results, const uint8_t hash_body[32],
	 const struct sign_key *key, int64_t now_s)
{
	struct seal seal = {
		.header = header,
		.key = key,
		.hash_body = hash_body,
		.instance = next_instance(header),
		.now_s = now_s,
		.cv = chain->result == AUTH_FAIL   ? "fail"
		      : chain->result == AUTH_PASS ? "pass"
						   : "none",
	};
	guint before = header->fields->len;
	g_autofree char *aar = NULL;

	if (seal.instance == 0 || chain->result == AUTH_TEMPERROR)
		return false;
	aar = g_strdup_printf("i=%u; %s", seal.instance, results);
	header_prepend(header, "ARC-Authentication-Results", aar);
	if (add_ams(&seal) && add_as(&seal))
		return true;
	g_array_remove_range(header->fields, 0,
			     header->fields->len - before);
	return false;
}
