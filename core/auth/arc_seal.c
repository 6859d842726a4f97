/* SPDX-License-Identifier: BSD-2-Clause */

/* Sealing, RFC 8617 section 5.1 */
#include "core/auth/arc.h"

#include <string.h>

#include "core/auth/arc_chain.h"
#include "core/auth/signed_fields.h"
#include "core/base/banned.h"

/* Fields that an ARC-Message-Signature covers where they are there; never
 * ARC's own, Authentication-Results or trace (section 4.1.2). List-Unsubscribe
 * may be another in each copy, which is no reason to seal each by itself: what
 * has to cover it is DKIM (RFC 8058 section 4). */
static const char *const covered[] = {
	"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date",
	"Message-ID", "In-Reply-To", "References", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
	"List-Id", "List-Post", "List-Help", "List-Subscribe",
	"List-Unsubscribe-Post", "List-Owner", "List-Archive",
	"DKIM-Signature",
};

G_STATIC_ASSERT(G_N_ELEMENTS(covered) * SIG_NAMES_EACH <= SIGNED_NAMES_MAX);

static char *
covered_names(const struct header *header)
{
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(covered); i++)
		sig_names(names, covered[i],
			  header_count(header, covered[i]));
	return g_string_free(names, FALSE);
}

/* --- the fields --------------------------------------------------------- */

/* What both signatures say of their maker */
struct maker {
	const struct sign_key *key;
	unsigned int instance;
	int64_t now_s;
};

static GString *
value_begin(const struct maker *maker, const char *name, size_t *column)
{
	GString *value = g_string_new(NULL);

	*column = strlen(name) + 2;
	g_string_append_printf(value, "i=%u", maker->instance);
	*column += value->len;
	tag_fold(value, column, "a",
		 sig_algorithm_name(sign_key_algorithm(maker->key)));
	return value;
}

static void
add_common(const struct maker *maker, GString *value, size_t *column)
{
	g_autofree char *time = g_strdup_printf("%lld",
						(long long)maker->now_s);

	tag_fold(value, column, "d", sign_key_domain(maker->key));
	tag_fold(value, column, "s", sign_key_selector(maker->key));
	tag_fold(value, column, "t", time);
}

static struct sig_draft *
draft_ams(const struct maker *maker, const struct header *header)
{
	g_autofree char *names = covered_names(header);
	size_t column;
	GString *value = value_begin(maker, ARC_AMS_FIELD, &column);

	tag_fold(value, &column, "c", "relaxed/relaxed");
	add_common(maker, value, &column);
	return sig_draft_new(ARC_AMS_FIELD, maker->key, header, names, value,
			     column);
}

static GString *
draft_as(const struct maker *maker, enum auth_result chain, size_t *column)
{
	GString *value = value_begin(maker, ARC_AS_FIELD, column);

	tag_fold(value, column, "cv", chain == AUTH_FAIL   ? "fail"
				      : chain == AUTH_PASS ? "pass"
							   : "none");
	add_common(maker, value, column);
	return value;
}

/* --- sets --------------------------------------------------------------- */

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
arc_begin(struct header *header, const struct arc_evidence *chain,
	  const char *results)
{
	unsigned int instance = next_instance(header);
	g_autofree char *aar = NULL;

	if (instance == 0 || chain->result == AUTH_TEMPERROR)
		return false;
	aar = g_strdup_printf("i=%u; %s", instance, results);
	header_prepend(header, ARC_AAR_FIELD, aar);
	return true;
}

bool
arc_has_begun(const char *header, size_t len)
{
	static const char start[] = ARC_AAR_FIELD ":";

	return len > strlen(start) &&
	       g_ascii_strncasecmp(header, start, strlen(start)) == 0;
}

/* A broken chain is sealed as such, with nothing but the new set in what is
 * signed (section 5.1.2). */
static struct arc_draft *
draft_set(const struct header *header, const struct arc_chain *sets,
	  enum auth_result chain, struct maker maker)
{
	struct arc_draft *draft = g_new0(struct arc_draft, 1);

	maker.instance = sets->count;
	draft->ams = draft_ams(&maker, header);
	draft->value = draft_as(&maker, chain, &draft->column);
	draft->before = g_string_new(NULL);
	arc_chain_fields(header, sets, chain == AUTH_FAIL ? sets->count : 1,
			 sets->count, draft->before);
	return draft;
}

struct arc_draft *
arc_draft_new(const struct header *header, enum auth_result chain,
	      const struct sign_key *key, int64_t now_s)
{
	struct arc_chain *sets = arc_chain_read(header);
	struct maker maker = { .key = key, .now_s = now_s };
	struct arc_draft *draft = NULL;

	/* RFC 8617 section 4.1.3; what there was before may be gone */
	if (sets->count == 1)
		chain = AUTH_NONE;
	if (sets->count > 0 && sets->sets[sets->count - 1].field[ARC_AAR] == 0)
		draft = draft_set(header, sets, chain, maker);
	arc_chain_free(sets);
	return draft;
}

void
arc_draft_free(struct arc_draft *draft)
{
	if (draft == NULL)
		return;
	sig_draft_free(draft->ams);
	g_string_free(draft->before, TRUE);
	g_string_free(draft->value, TRUE);
	g_free(draft);
}

/* Section 5.1.1: the sets before, this AAR and AMS, and itself without b=. */
static char *
sign_seal(const struct arc_draft *draft, const char *ams)
{
	g_autoptr(GString) data = g_string_sized_new(draft->before->len +
						     2048);
	g_autofree char *field = g_strdup_printf("%s: %s\r\n",
						 ARC_AMS_FIELD, ams);
	g_autofree char *own = NULL, *signature = NULL;
	GString *value = NULL;
	size_t column = draft->column;

	g_string_append_len(data, draft->before->str,
			    (gssize)draft->before->len);
	canon_field(CANON_RELAXED, field, strlen(field), data);
	own = g_strdup_printf("%s: %s; b=\r\n", ARC_AS_FIELD,
			      draft->value->str);
	signed_own(own, strlen(own), CANON_RELAXED, data);
	signature = sig_sign(draft->ams->key, data->str, data->len);
	if (signature == NULL)
		return NULL;
	value = g_string_new_len(draft->value->str,
				 (gssize)draft->value->len);
	tag_fold(value, &column, "b", signature);
	return g_string_free(value, FALSE);
}

bool
arc_draft_seal(const struct arc_draft *draft, const char *fields, size_t len,
	       const uint8_t hash_body[32], char **ams_out, char **as_out)
{
	g_autofree char *ams = sig_draft_sign(draft->ams, fields, len,
					      hash_body);
	g_autofree char *as = ams != NULL ? sign_seal(draft, ams) : NULL;

	if (as == NULL)
		return false;
	*ams_out = g_steal_pointer(&ams);
	*as_out = g_steal_pointer(&as);
	return true;
}

bool
arc_seal(struct header *header, const struct arc_evidence *chain,
	 const char *results, const uint8_t hash_body[32],
	 const struct sign_key *key, int64_t now_s)
{
	g_autofree char *ams = NULL, *as = NULL;
	struct arc_draft *draft;
	bool sealed;

	if (!arc_begin(header, chain, results))
		return false;
	draft = arc_draft_new(header, chain->result, key, now_s);
	sealed = draft != NULL && arc_draft_seal(draft,
		draft->ams->fields->str, draft->ams->fields->len, hash_body,
		&ams, &as);
	arc_draft_free(draft);
	if (!sealed) {
		g_array_remove_index(header->fields, 0);
		return false;
	}
	header_prepend(header, ARC_AMS_FIELD, ams);
	header_prepend(header, ARC_AS_FIELD, as);
	return true;
}
