/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/seal.h"

#include <string.h>

#include <glib.h>

#include "core/auth/arc.h"
#include "core/auth/authres.h"
#include "core/auth/dkim_sign.h"
#include "core/auth/sigcore.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/* What was done, or will be done to each copy */
struct sealed { bool is_signed, has_set; };

static const char *
authserv_id(const struct settings *settings)
{
	return settings->authserv_id[0] != '\0' ? settings->authserv_id
						: settings->hostname;
}

void
seal_results(const struct settings *settings, const struct evidence *evidence,
	     struct header *header)
{
	const char *id = authserv_id(settings);
	g_autofree char *value = authres_print(evidence, id);

	(void)authres_remove(header, id);
	header_prepend(header, "Authentication-Results", value);
}

static enum err_code
key_load(const struct seal_with *with, struct sign_key **out, struct err *err)
{
	const struct list_conf *conf = with->conf;

	if (conf->sign_selector[0] == '\0')
		return err_set(err, ERR_INVALID, "muster list set LIST "
			       "sign-selector=NAME, then muster queue retry",
			       "%s has a sign-key, but no sign-selector",
			       with->list);
	return sign_keys_get(with->keys, conf->sign_key, conf->sign_domain,
			     conf->sign_selector, out, err);
}

static void
hash_of(const char *body, size_t len, uint8_t out[32])
{
	struct body_hash *hash = body_hash_new(CANON_RELAXED);

	body_hash_feed(hash, body, len);
	(void)body_hash_end(hash, out);
}

/* The set covers the signature, so that comes first (RFC 8617 section
 * 4.1.2). */
static void
add_all(const struct seal_with *with, const char *results, const char *body,
	size_t body_len, const struct sign_key *key, struct header *header,
	struct sealed *out)
{
	int64_t now_s = g_get_real_time() / G_USEC_PER_SEC;
	const struct arc_evidence *chain = &with->evidence->arc;
	uint8_t hash[32];

	if (with->own == SEAL_OWN_BODY) {
		out->is_signed = true;
		out->has_set = arc_begin(header, chain, results);
		return;
	}
	hash_of(body, body_len, hash);
	out->is_signed = with->own == SEAL_OWN_FIELDS ||
			 dkim_add_signature(header, hash, key, now_s);
	out->has_set = arc_seal(header, chain, results, hash, key, now_s);
}

static struct seal_with
with_work(const struct work *work)
{
	return (struct seal_with){
		.settings = work->with->settings, .keys = work->with->keys,
		.conf = work->conf, .list = work->job->list_addr,
		.evidence = work->shown, .own = work->own,
	};
}

static void
note_sealed(struct work *work, const struct sealed *sealed)
{
	if (sealed->is_signed)
		work_note(work, "signed (DKIM)");
	if (sealed->has_set)
		work_note(work, "sealed (ARC)");
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	const struct seal_with with = with_work(work);
	g_autofree char *results = authres_print(
		with.evidence, authserv_id(with.settings));
	struct sealed sealed = { false, false };
	struct sign_key *key = NULL;
	size_t len;
	const char *body = work_body(work, &len);
	enum err_code rc = key_load(&with, &key, err);

	(void) txn;
	if (rc != ERR_OK)
		return rc;
	add_all(&with, results, body, len, key, &work->header, &sealed);
	sign_key_unref(key);
	note_sealed(work, &sealed);
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && work->conf->sign_key[0] != '\0';
}

const struct filter filter_seal = { "seal", is_wanted, run };

enum err_code
seal_own(const struct seal_with *with, const uint8_t hash[32],
	 struct header *header, struct err *err)
{
	int64_t now_s = g_get_real_time() / G_USEC_PER_SEC;
	struct sign_key *key = NULL;
	enum err_code rc;

	if (with->conf->sign_key[0] == '\0' ||
	    with->own != SEAL_OWN_NOTHING)
		return ERR_OK;
	rc = key_load(with, &key, err);
	if (rc != ERR_OK)
		return rc;
	(void)dkim_add_signature(header, hash, key, now_s);
	sign_key_unref(key);
	return ERR_OK;
}
