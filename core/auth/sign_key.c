/* SPDX-License-Identifier: BSD-2-Clause */

/* Private keys: loaded once, used by any number of threads. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/auth/domain.h"
#include "core/auth/sigcore.h"
#include "core/base/banned.h"

#define RSA_BITS_MIN 1024	/* RFC 8301 section 3.2 */

struct sign_key {
	EVP_PKEY *pkey;
	enum sig_algorithm algorithm;
	char *domain, *selector;
	gint refs;
};

const char *
sig_algorithm_name(enum sig_algorithm algorithm)
{
	return algorithm == SIG_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256";
}

bool
sig_algorithm_of_name(const char *name, enum sig_algorithm *out)
{
	static const enum sig_algorithm all[] = {SIG_RSA_SHA256,
						 SIG_ED25519_SHA256};

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		/* A tag's value is case-sensitive (RFC 6376 section 3.2). */
		if (strcmp(sig_algorithm_name(all[i]), name) == 0) {
			*out = all[i];
			return true;
		}
	return false;
}

/* --- loading ------------------------------------------------------------ */

/* Nobody but its owner may read a private key. */
static enum err_code
open_key(const char *path, FILE **out, struct err *err)
{
	FILE *file = fopen(path, "re");
	struct stat st;

	if (file == NULL)
		return err_errno(err, "see sign-key in muster(1)",
				 "cannot read the key %s", path);
	if (fstat(fileno(file), &st) == 0 && (st.st_mode & 077) == 0) {
		*out = file;
		return ERR_OK;
	}
	(void)fclose(file);
	return err_set(err, ERR_INVALID, "chmod 600 the file",
		       "others than its owner may read the key %s", path);
}

/* A key with a pass phrase would ask for it on a terminal. */
static int
no_phrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static enum err_code
check_kind(const struct sign_key *key, const char *path, struct err *err)
{
	int bits = EVP_PKEY_get_bits(key->pkey);

	if (key->algorithm == SIG_ED25519_SHA256)
		return ERR_OK;
	if (!EVP_PKEY_is_a(key->pkey, "RSA"))
		return err_set(err, ERR_INVALID, "make one of RSA or ed25519",
			       "the key %s is of another kind than RSA and "
			       "ed25519", path);
	if (bits < RSA_BITS_MIN)
		return err_set(err, ERR_INVALID, "make one of 2048 bits",
			       "the key %s has %d bits; verifiers want at "
			       "least %d", path, bits, RSA_BITS_MIN);
	return ERR_OK;
}

enum err_code
sign_key_load(const char *path, const char *domain, const char *selector,
	      struct sign_key **out, struct err *err)
{
	struct sign_key *key;
	FILE *file = NULL;
	enum err_code rc = open_key(path, &file, err);

	if (rc != ERR_OK)
		return rc;
	key = g_new0(struct sign_key, 1);
	key->refs = 1;
	key->domain = domain_ascii(domain);
	key->selector = g_strdup(selector);
	key->pkey = PEM_read_PrivateKey(file, NULL, no_phrase, NULL);
	(void)fclose(file);
	if (key->pkey == NULL)
		rc = err_set(err, ERR_INVALID, "PEM without pass phrase is "
			     "expected", "%s holds no private key", path);
	else if (key->domain == NULL)
		rc = err_set(err, ERR_INVALID, "see sign-domain in "
			     "muster(1)", "\"%s\" is no domain", domain);
	else {
		key->algorithm = EVP_PKEY_is_a(key->pkey, "ED25519")
					 ? SIG_ED25519_SHA256
					 : SIG_RSA_SHA256;
		rc = check_kind(key, path, err);
	}
	if (rc == ERR_OK)
		*out = key;
	else
		sign_key_unref(key);
	return rc;
}

struct sign_key *
sign_key_ref(struct sign_key *key)
{
	g_atomic_int_inc(&key->refs);
	return key;
}

void
sign_key_unref(struct sign_key *key)
{
	if (key == NULL || !g_atomic_int_dec_and_test(&key->refs))
		return;
	EVP_PKEY_free(key->pkey);
	g_free(key->domain);
	g_free(key->selector);
	g_free(key);
}

enum sig_algorithm
sign_key_algorithm(const struct sign_key *key)
{
	return key->algorithm;
}

const char *
sign_key_domain(const struct sign_key *key)
{
	return key->domain;
}

const char *
sign_key_selector(const struct sign_key *key)
{
	return key->selector;
}

/* RSA: SubjectPublicKeyInfo (RFC 6376 section 3.6.1); ed25519: the bare 32
 * bytes (RFC 8463 section 4). */
char *
sign_key_record(const struct sign_key *key)
{
	bool rsa = key->algorithm == SIG_RSA_SHA256;
	g_autofree char *base64 = NULL;
	unsigned char raw[32], *der = NULL;
	size_t raw_len = sizeof(raw);
	int len = rsa ? i2d_PUBKEY(key->pkey, &der) : 0;

	if (rsa && len > 0)
		base64 = g_base64_encode(der, (gsize)len);
	else if (!rsa &&
		 EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_len) == 1)
		base64 = g_base64_encode(raw, raw_len);
	OPENSSL_free(der);
	return g_strdup_printf("v=DKIM1; k=%s; p=%s", rsa ? "rsa" : "ed25519",
			       base64 != NULL ? base64 : "");
}

/* --- signing ------------------------------------------------------------ */

static unsigned char *
sign_bytes(const struct sign_key *key, const EVP_MD *md, const void *data,
	   size_t len, size_t *out_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *out = NULL;

	if (EVP_DigestSignInit(ctx, NULL, md, NULL, key->pkey) == 1 &&
	    EVP_DigestSign(ctx, NULL, out_len, data, len) == 1) {
		out = g_malloc(*out_len);
		if (EVP_DigestSign(ctx, out, out_len, data, len) != 1)
			g_clear_pointer(&out, g_free);
	}
	EVP_MD_CTX_free(ctx);
	return out;
}

char *
sig_sign(const struct sign_key *key, const void *data, size_t len)
{
	g_autofree unsigned char *out = NULL;
	unsigned char hash[32];
	size_t out_len = 0;

	/* RFC 8463 section 3: ed25519 signs the hash, not the data. */
	if (key->algorithm == SIG_ED25519_SHA256) {
		if (EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) != 1)
			return NULL;
		out = sign_bytes(key, NULL, hash, sizeof(hash), &out_len);
	} else {
		out = sign_bytes(key, EVP_sha256(), data, len, &out_len);
	}
	return out != NULL ? g_base64_encode(out, out_len) : NULL;
}
