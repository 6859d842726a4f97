/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/seal.h"

#include <string.h>

#include <glib.h>

#include "core/auth/arc.h"
#include "core/auth/authres.h"
#include "core/auth/sigcore.h"
#include "core/base/banned.h"

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
key_load(const struct list_conf *conf, const char *list,
	 struct sign_key **out, struct err *err)
{
	if (conf->sign_selector[0] == '\0')
		return err_set(err, ERR_INVALID, "muster list set LIST "
			       "sign-selector=NAME, then muster queue retry",
			       "%s has a sign-key, but no sign-selector",
			       list);
	return sign_key_load(conf->sign_key, conf->sign_domain,
			     conf->sign_selector, out, err);
}

static void
hash_of(const char *body, size_t len, uint8_t out[32])
{
	struct body_hash *hash = body_hash_new(CANON_RELAXED);

	body_hash_feed(hash, body, len);
	(void)body_hash_end(hash, out);
}

/* The header with the set in front; false: nothing was added. */
static bool
add_set(const struct settings *settings, const struct evidence *evidence,
	const uint8_t hash[32], const struct sign_key *key, GBytes **block)
{
	g_autofree char *results = authres_print(evidence,
						 authserv_id(settings));
	gsize len;
	const char *bytes = g_bytes_get_data(*block, &len);
	GString *text = g_string_new(NULL);
	struct header header;
	size_t body_at;
	bool sealed = false;

	if (header_parse(bytes, len, &header, &body_at)) {
		sealed = arc_seal(&header, &evidence->arc, results, hash, key,
				  g_get_real_time() / G_USEC_PER_SEC);
		header_write(&header, text);
		header_done(&header);
	}
	if (sealed) {
		g_bytes_unref(*block);
		*block = g_bytes_new(text->str, text->len);
	}
	g_string_free(text, TRUE);
	return sealed;
}

enum err_code
seal_form(const struct settings *settings, const struct list_conf *conf,
	  const char *list, const struct evidence *evidence, const char *body,
	  size_t body_len, struct form *form, bool *sealed, struct err *err)
{
	struct sign_key *key = NULL;
	enum err_code rc;
	uint8_t hash[32];

	*sealed = false;
	if (conf->sign_key[0] == '\0')
		return ERR_OK;
	rc = key_load(conf, list, &key, err);
	if (rc != ERR_OK)
		return rc;
	hash_of(body, body_len, hash);
	*sealed = add_set(settings, evidence, hash, key, &form->header);
	sign_key_unref(key);
	return ERR_OK;
}
