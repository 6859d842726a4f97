/* SPDX-License-Identifier: BSD-2-Clause */

/* Public keys from the DNS: RFC 6376 section 3.6.1, RFC 8463 section 4 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "core/auth/domain.h"
#include "core/auth/sigcore.h"
#include "core/base/banned.h"

#define RSA_BITS_MIN 1024	/* RFC 8301 section 3.2 */
#define RSA_BITS_MAX 8192	/* more only costs time */

struct public_key {
	EVP_PKEY *pkey;
	enum sig_algorithm algorithm;
};

void
public_key_free(struct public_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	g_free(key);
}

/* Is word one of "a:b:c"? */
static bool
is_in_list(const char *list, const char *word)
{
	g_auto(GStrv) words = g_strsplit(list, ":", -1);

	for (char **one = words; *one != NULL; one++)
		if (g_ascii_strcasecmp(g_strstrip(*one), word) == 0)
			return true;
	return false;
}

/* v= must be first (section 3.6.1); h= and s= must allow what we want. */
static bool
allows(const struct tags *tags)
{
	const char *version = tags_get(tags, "v");
	const char *hashes = tags_get(tags, "h");
	const char *services = tags_get(tags, "s");

	if (version != NULL && (strcmp(version, "DKIM1") != 0 ||
				strcmp(tags->list[0].name, "v") != 0))
		return false;
	if (hashes != NULL && !is_in_list(hashes, "sha256"))
		return false;
	return services == NULL || is_in_list(services, "email") ||
	       is_in_list(services, "*");
}

/* SubjectPublicKeyInfo, as everybody publishes it, or the bare RSAPublicKey
 * that the RFC's text asks for (erratum 3017) */
static EVP_PKEY *
read_rsa(const guchar *der, gsize len)
{
	const unsigned char *at = der;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)len);

	if (pkey == NULL) {
		at = der;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)len);
	}
	if (pkey == NULL)
		return NULL;
	if (EVP_PKEY_is_a(pkey, "RSA") &&
	    EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN &&
	    EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

static enum key_status
read_key(const char *kind, const char *base64, struct public_key **out)
{
	g_autofree guchar *bytes = NULL;
	enum sig_algorithm algorithm = SIG_RSA_SHA256;
	EVP_PKEY *pkey = NULL;
	gsize len;

	if (base64[0] == '\0')
		return KEY_REVOKED;
	bytes = g_base64_decode(base64, &len);
	if (g_ascii_strcasecmp(kind, "rsa") == 0) {
		pkey = read_rsa(bytes, len);
	} else if (g_ascii_strcasecmp(kind, "ed25519") == 0) {
		algorithm = SIG_ED25519_SHA256;
		pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
						   bytes, len);
	}
	if (pkey == NULL)
		return KEY_BAD;
	*out = g_new0(struct public_key, 1);
	(*out)->pkey = pkey;
	(*out)->algorithm = algorithm;
	return KEY_GOOD;
}

enum key_status
key_parse(const char *text, size_t len, struct public_key **out)
{
	enum key_status status = KEY_BAD;
	const char *kind, *base64;
	struct tags tags;

	if (!tags_parse(text, len, &tags))
		return KEY_BAD;
	kind = tags_get(&tags, "k");
	base64 = tags_get(&tags, "p");
	if (base64 != NULL && allows(&tags))
		status = read_key(kind != NULL ? kind : "rsa", base64, out);
	tags_done(&tags);
	return status;
}

static enum key_status
first_good(const struct dns_answer *answer, struct public_key **out)
{
	enum key_status status = KEY_BAD;

	for (size_t i = 0; i < answer->count && status == KEY_BAD; i++)
		status = key_parse(answer->records[i].data,
				   answer->records[i].len, out);
	return status;
}

char *
key_name(const char *domain, const char *selector)
{
	g_autofree char *name = g_strdup_printf("%s._domainkey.%s", selector,
						domain);
	char *ascii = domain_ascii(name);

	return ascii != NULL ? ascii : g_steal_pointer(&name);
}

enum key_status
key_fetch(struct lookups *lookups, const char *domain, const char *selector,
	  struct public_key **out)
{
	g_autofree char *name = key_name(domain, selector);
	const struct dns_answer *answer = lookups_await(lookups, name,
							DNS_TXT);

	switch (answer->status) {
	case DNS_FAILED:
		return KEY_TEMPERROR;
	case DNS_FOUND:
		return first_good(answer, out);
	default:
		return KEY_MISSING;
	}
}

/* --- verifying ---------------------------------------------------------- */

static bool
verify_bytes(const struct public_key *key, const EVP_MD *md,
	     const void *data, size_t len, const guchar *signature,
	     size_t signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(ctx, NULL, md, NULL, key->pkey) ==
			    1 &&
		    EVP_DigestVerify(ctx, signature, signature_len, data,
				     len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

bool
sig_verify(const struct public_key *key, enum sig_algorithm algorithm,
	   const void *data, size_t len, const char *signature_base64)
{
	g_autofree guchar *signature = NULL;
	unsigned char hash[32];
	gsize signature_len;

	if (key->algorithm != algorithm)
		return false;
	signature = g_base64_decode(signature_base64, &signature_len);
	if (algorithm == SIG_RSA_SHA256)
		return verify_bytes(key, EVP_sha256(), data, len, signature,
				    signature_len);
	return EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) == 1 &&
	       verify_bytes(key, NULL, hash, sizeof(hash), signature,
			    signature_len);
}
