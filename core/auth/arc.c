/* SPDX-License-Identifier: BSD-2-Clause */

/* Validation of a chain, RFC 8617 section 5.2 */
#include "core/auth/arc.h"

#include <string.h>

#include "core/auth/arc_chain.h"
#include "core/auth/domain.h"
#include "core/auth/signed_fields.h"
#include "core/base/banned.h"

/* What one signature comes to. */
enum outcome { GOOD, BAD, NOT_NOW };

struct check {
	struct lookups *lookups;
	const struct header *header;
	const char *body;
	size_t body_len;
	struct arc_chain *chain;
	char *hash[2];		/* base64 of the body's, by canon; NULL: not
				 * made yet */
	const char *why;
};

/* --- keys --------------------------------------------------------------- */

static void
ask_for_key(struct lookups *lookups, const struct tags *tags)
{
	const char *domain = tags_get(tags, "d");
	const char *selector = tags_get(tags, "s");
	g_autofree char *name = NULL;

	if (domain == NULL || selector == NULL)
		return;
	name = key_name(domain, selector);
	(void)lookups_get(lookups, name, DNS_TXT);
}

void
arc_start(struct lookups *lookups, const struct header *header)
{
	struct arc_chain *chain = arc_chain_read(header);

	for (unsigned int i = chain->count;
	     i > 0 && chain->any && chain->wrong == NULL; i--) {
		ask_for_key(lookups, &chain->sets[i - 1].ams);
		ask_for_key(lookups, &chain->sets[i - 1].as);
	}
	arc_chain_free(chain);
}

static enum outcome
verify(struct check *check, const struct tags *tags, const GString *data)
{
	struct public_key *key = NULL;
	enum sig_algorithm algorithm;
	enum key_status status;
	bool good;

	if (!sig_algorithm_of_name(tags_get(tags, "a"), &algorithm)) {
		check->why = "is by an algorithm that does not count";
		return BAD;
	}
	status = key_fetch(check->lookups, tags_get(tags, "d"),
			   tags_get(tags, "s"), &key);
	if (status == KEY_TEMPERROR) {
		check->why = "cannot be checked now: the DNS does not give "
			     "its key";
		return NOT_NOW;
	}
	if (status != KEY_GOOD) {
		check->why = status == KEY_MISSING   ? "has no key in the DNS"
			     : status == KEY_REVOKED ? "is by a revoked key"
						     : "is by an unfit key";
		return BAD;
	}
	good = sig_verify(key, algorithm, data->str, data->len,
			  tags_get(tags, "b"));
	public_key_free(key);
	if (!good)
		check->why = "does not verify";
	return good ? GOOD : BAD;
}

/* --- ARC-Message-Signature ---------------------------------------------- */

/* c=HEADER[/BODY]; without c= what is signed is relaxed, as sealers do it */
static bool
canon_of(const char *text, enum canon *header, enum canon *body)
{
	static const struct {
		const char *text;
		enum canon header, body;
	} rows[] = {
		{"relaxed/relaxed", CANON_RELAXED, CANON_RELAXED},
		{"relaxed/simple", CANON_RELAXED, CANON_SIMPLE},
		{"relaxed", CANON_RELAXED, CANON_SIMPLE},
		{"simple/relaxed", CANON_SIMPLE, CANON_RELAXED},
		{"simple/simple", CANON_SIMPLE, CANON_SIMPLE},
		{"simple", CANON_SIMPLE, CANON_SIMPLE},
	};

	if (text == NULL)
		text = rows[0].text;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].text, text) == 0) {
			*header = rows[i].header;
			*body = rows[i].body;
			return true;
		}
	return false;
}

static const char *
body_hash_of(struct check *check, enum canon canon)
{
	struct body_hash *hash;
	uint8_t digest[32];

	if (check->hash[canon] == NULL) {
		hash = body_hash_new(canon);
		body_hash_feed(hash, check->body, check->body_len);
		(void)body_hash_end(hash, digest);
		check->hash[canon] = g_base64_encode(digest, sizeof(digest));
	}
	return check->hash[canon];
}

/* Folds may stand anywhere in base64. */
static bool
same_base64(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (g_ascii_isspace(*a))
			a++;
		while (g_ascii_isspace(*b))
			b++;
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
	}
}

#define CLOCKS_APART_S (10 * 3600)	/* what a wrong clock may do */

/* x= is over, or before t= (RFC 6376 section 3.5) */
static bool
is_expired(const struct tags *tags)
{
	const char *expires = tags_get(tags, "x");
	const char *signed_at = tags_get(tags, "t");
	gint64 until, from;

	if (expires == NULL)
		return false;
	until = g_ascii_strtoll(expires, NULL, 10);
	from = signed_at != NULL ? g_ascii_strtoll(signed_at, NULL, 10) : 0;
	return until < from ||
	       until < g_get_real_time() / G_USEC_PER_SEC - CLOCKS_APART_S;
}

static enum outcome
check_ams(struct check *check, unsigned int instance)
{
	const struct arc_set *set = &check->chain->sets[instance - 1];
	const struct header_field *own = &g_array_index(
		check->header->fields, struct header_field,
		(guint)set->field[ARC_AMS]);
	g_autoptr(GString) data = g_string_new(NULL);
	enum canon header, body;

	if (is_expired(&set->ams)) {
		check->why = "has expired";
		return BAD;
	}
	check->why = "covers another body";
	if (!canon_of(tags_get(&set->ams, "c"), &header, &body) ||
	    tags_get(&set->ams, "l") != NULL) {
		check->why = "has a c= or l= that does not count";
		return BAD;
	}
	if (!same_base64(tags_get(&set->ams, "bh"), body_hash_of(check, body)))
		return BAD;
	if (!signed_fields(check->header, tags_get(&set->ams, "h"), header,
			   data)) {
		check->why = "covers too many fields";
		return BAD;
	}
	signed_own(own->raw, own->raw_len, header, data);
	return verify(check, &set->ams, data);
}

/* --- the chain ---------------------------------------------------------- */

static enum outcome
check_seal(struct check *check, unsigned int instance)
{
	g_autoptr(GString) data = g_string_new(NULL);

	arc_chain_data(check->header, check->chain, 1, instance, data);
	return verify(check, &check->chain->sets[instance - 1].as, data);
}

static void
set_text(char **text, char *to)
{
	g_free(*text);
	*text = to;
}

static void
conclude(struct arc_evidence *out, enum outcome outcome, const char *what,
	 unsigned int instance, const char *why)
{
	out->result = outcome == GOOD  ? AUTH_PASS
		      : outcome == BAD ? AUTH_FAIL
				       : AUTH_TEMPERROR;
	if (outcome != GOOD)
		set_text(&out->reason, g_strdup_printf("%s %u %s", what,
						       instance, why));
}

/* Section 5.2 step 4: how far back the content is unchanged; 0: all the
 * way. It says nothing about whether the chain is good. */
static unsigned int
oldest_pass(struct check *check)
{
	unsigned int i = check->chain->count;

	while (i > 1 && check_ams(check, i - 1) == GOOD)
		i--;
	return i == 1 ? 0 : i;
}

/* "i=3; mx.example.org; spf=..." without its instance */
static char *
results_of(const struct check *check)
{
	const struct arc_set *newest =
		&check->chain->sets[check->chain->count - 1];
	g_autofree char *value = header_value(check->header,
					      newest->field[ARC_AAR]);
	const char *rest = strchr(value, ';');

	return rest == NULL ? g_strdup("")
			    : g_strstrip(g_utf8_make_valid(rest + 1, -1));
}

static void
describe_pass(struct check *check, struct arc_evidence *out)
{
	const struct tags *seal =
		&check->chain->sets[check->chain->count - 1].as;
	char *sealer = domain_ascii(tags_get(seal, "d"));

	set_text(&out->sealer, sealer != NULL ? sealer : g_strdup(""));
	set_text(&out->results, results_of(check));
	out->oldest_pass = oldest_pass(check);
}

static void
validate(struct check *check, struct arc_evidence *out)
{
	unsigned int i = check->chain->count;
	enum outcome outcome = check_ams(check, i);

	conclude(out, outcome, "ARC-Message-Signature", i, check->why);
	for (; outcome == GOOD && i > 0; i--) {
		outcome = check_seal(check, i);
		conclude(out, outcome, "ARC-Seal", i, check->why);
	}
	if (outcome == GOOD)
		describe_pass(check, out);
}

void
arc_check(struct lookups *lookups, const struct header *header,
	  const char *body, size_t body_len, struct arc_evidence *out)
{
	struct check check = {
		.lookups = lookups,
		.header = header,
		.body = body,
		.body_len = body_len,
		.chain = arc_chain_read(header),
	};

	arc_evidence_done(out);
	arc_evidence_init(out);
	out->instances = check.chain->count;
	if (check.chain->any && check.chain->wrong != NULL) {
		out->result = AUTH_FAIL;
		set_text(&out->reason, g_strdup(check.chain->wrong));
	} else if (check.chain->any) {
		validate(&check, out);
	}
	g_free(check.hash[0]);
	g_free(check.hash[1]);
	arc_chain_free(check.chain);
}
