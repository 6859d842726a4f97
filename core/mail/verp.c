/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/verp.h"

#include <string.h>

#include <glib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "core/base/base32.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/*
 * HMAC-SHA-256 under two keys that are derived from the secret, one for the
 * MAC and one for the stream. Both HMACs begin with a block that depends on
 * the key alone, so the states behind that block are made once and copied:
 * a token costs four compressions of SHA-256 each way and no allocation.
 * EVP_MAC would allocate and look things up for each, and SHA256_Update() and
 * SHA256_Final() around each compression would make it a fifth dearer.
 */
#define PAYLOAD_LEN (VERP_MEMBER_LEN + VERP_POST_LEN)
#define MAC_LEN 6
#define RAW_LEN (MAC_LEN + PAYLOAD_LEN)
#define POST_RAW_LEN (MAC_LEN + VERP_POST_LEN)
#define ONE_BLOCK_MAX (SHA256_CBLOCK - 9)	/* bytes, a bit and a length */

struct hmac { SHA256_CTX inner, outer; };

struct verp { struct hmac mac, stream, post, other; };

#pragma GCC diagnostic push
/* OpenSSL 3 prefers EVP for these; see above why not here. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void
hmac_init(struct hmac *hmac, const uint8_t key[SHA256_DIGEST_LENGTH])
{
	uint8_t block[SHA256_CBLOCK];

	memset(block, 0x36, sizeof(block));
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
		block[i] ^= key[i];
	(void) SHA256_Init(&hmac->inner);
	(void) SHA256_Update(&hmac->inner, block, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	(void) SHA256_Init(&hmac->outer);
	(void) SHA256_Update(&hmac->outer, block, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
}

/* Of the blocks that a state has seen, and of this one, in which len bytes are
 * the last (RFC 6234 section 4.1). */
static void
digest_block(const SHA256_CTX *seen, uint8_t block[SHA256_CBLOCK], size_t len,
	     uint8_t out[SHA256_DIGEST_LENGTH])
{
	const uint64_t bits = GUINT64_TO_BE(seen->Nl + len * 8);
	SHA256_CTX state = *seen;

	memset(block + len, 0, SHA256_CBLOCK - len);
	block[len] = 0x80;
	memcpy(block + SHA256_CBLOCK - sizeof(bits), &bits, sizeof(bits));
	SHA256_Transform(&state, block);
	for (size_t i = 0; i < G_N_ELEMENTS(state.h); i++) {
		const uint32_t word = GUINT32_TO_BE(state.h[i]);

		memcpy(out + i * sizeof(word), &word, sizeof(word));
	}
}

/* Of the blocks that a state has seen, of these bytes, and of a text. */
static void
digest_rest(const SHA256_CTX *seen, const void *bytes, size_t len,
	    const char *text, uint8_t out[SHA256_DIGEST_LENGTH])
{
	const size_t text_len = strlen(text);
	uint8_t block[SHA256_CBLOCK];
	SHA256_CTX state;

	if (len + text_len <= ONE_BLOCK_MAX) {
		memcpy(block, bytes, len);
		memcpy(block + len, text, text_len);
		digest_block(seen, block, len + text_len, out);
		return;
	}
	state = *seen;
	(void) SHA256_Update(&state, bytes, len);
	(void) SHA256_Update(&state, text, text_len);
	(void) SHA256_Final(out, &state);
}

static void
hmac_make(const struct hmac *hmac, const void *bytes, size_t len,
	  const char *list, uint8_t out[SHA256_DIGEST_LENGTH])
{
	uint8_t block[SHA256_CBLOCK];

	digest_rest(&hmac->inner, bytes, len, list, block);
	digest_block(&hmac->outer, block, SHA256_DIGEST_LENGTH, out);
}

#pragma GCC diagnostic pop

static void
derive(const uint8_t secret[VERP_SECRET_LEN], const char *purpose,
       struct hmac *out)
{
	g_autoptr(GString) text = g_string_new("muster verp ");
	uint8_t key[SHA256_DIGEST_LENGTH];

	g_string_append(text, purpose);
	g_string_append_len(text, (const char *)secret, VERP_SECRET_LEN);
	(void) SHA256((const uint8_t *)text->str, text->len, key);
	hmac_init(out, key);
	OPENSSL_cleanse(text->str, text->len);
	OPENSSL_cleanse(key, sizeof(key));
}

struct verp *
verp_new(const uint8_t secret[VERP_SECRET_LEN])
{
	struct verp *verp = g_new0(struct verp, 1);

	derive(secret, "mac", &verp->mac);
	derive(secret, "stream", &verp->stream);
	derive(secret, "post", &verp->post);
	derive(secret, "other", &verp->other);
	return verp;
}

void
verp_free(struct verp *verp)
{
	if (verp == NULL)
		return;
	OPENSSL_cleanse(verp, sizeof(*verp));
	g_free(verp);
}

void
verp_secret(const struct verp *verp, const char *purpose,
	    uint8_t out[VERP_SECRET_LEN])
{
	G_STATIC_ASSERT(VERP_SECRET_LEN == SHA256_DIGEST_LENGTH);
	hmac_make(&verp->other, "", 0, purpose, out);
}

static void
apply_stream(const struct verp *verp, const char *list,
	     const uint8_t mac[MAC_LEN], uint8_t payload[PAYLOAD_LEN])
{
	uint8_t stream[SHA256_DIGEST_LENGTH];

	hmac_make(&verp->stream, mac, MAC_LEN, list, stream);
	for (size_t i = 0; i < PAYLOAD_LEN; i++)
		payload[i] ^= stream[i];
}

void
verp_make(const struct verp *verp, const char *list,
	  const uint8_t member[VERP_MEMBER_LEN],
	  const uint8_t post[VERP_POST_LEN], char token[VERP_TOKEN_LEN + 1])
{
	uint8_t raw[RAW_LEN], mac[SHA256_DIGEST_LENGTH];
	uint8_t *payload = raw + MAC_LEN;

	memcpy(payload, member, VERP_MEMBER_LEN);
	memcpy(payload + VERP_MEMBER_LEN, post, VERP_POST_LEN);
	hmac_make(&verp->mac, payload, PAYLOAD_LEN, list, mac);
	memcpy(raw, mac, MAC_LEN);
	apply_stream(verp, list, raw, payload);
	base32_encode(raw, RAW_LEN, token);
}

bool
verp_open(const struct verp *verp, const char *list, const char *token,
	  uint8_t member[VERP_MEMBER_LEN], uint8_t post[VERP_POST_LEN])
{
	uint8_t raw[RAW_LEN], mac[SHA256_DIGEST_LENGTH];
	uint8_t *payload = raw + MAC_LEN;

	if (strlen(token) != VERP_TOKEN_LEN ||
	    !base32_decode(token, raw, RAW_LEN))
		return false;
	apply_stream(verp, list, raw, payload);
	hmac_make(&verp->mac, payload, PAYLOAD_LEN, list, mac);
	if (CRYPTO_memcmp(mac, raw, MAC_LEN) != 0)
		return false;
	memcpy(member, payload, VERP_MEMBER_LEN);
	memcpy(post, payload + VERP_MEMBER_LEN, VERP_POST_LEN);
	return true;
}

void
verp_make_post(const struct verp *verp, const char *list,
	       const uint8_t post[VERP_POST_LEN],
	       char token[VERP_POST_TOKEN_LEN + 1])
{
	uint8_t raw[POST_RAW_LEN], mac[SHA256_DIGEST_LENGTH];

	hmac_make(&verp->post, post, VERP_POST_LEN, list, mac);
	memcpy(raw, mac, MAC_LEN);
	memcpy(raw + MAC_LEN, post, VERP_POST_LEN);
	base32_encode(raw, POST_RAW_LEN, token);
}

/* The relay has put "=" for the "@", and no domain has a "=". */
static char *
named_addr(const char *text)
{
	g_autofree char *addr = g_strdup(text);
	char *at = strrchr(addr, '=');

	if (at == NULL)
		return NULL;
	*at = '@';
	return addr_canon(addr);
}

static bool
read_post(const struct verp *verp, const char *list, const char *detail,
	  struct verp_says *out)
{
	const char *rest = detail + VERP_POST_TOKEN_LEN;
	uint8_t raw[POST_RAW_LEN], mac[SHA256_DIGEST_LENGTH];

	if (!base32_decode(detail, raw, POST_RAW_LEN) ||
	    (*rest != '\0' && *rest != '+'))
		return false;
	hmac_make(&verp->post, raw + MAC_LEN, VERP_POST_LEN, list, mac);
	if (CRYPTO_memcmp(mac, raw, MAC_LEN) != 0)
		return false;
	out->is_shared = true;
	memcpy(out->post, raw + MAC_LEN, VERP_POST_LEN);
	out->addr = *rest == '+' ? named_addr(rest + 1) : NULL;
	return true;
}

bool
verp_read(const struct verp *verp, const char *list, const char *detail,
	  struct verp_says *out)
{
	memset(out, 0, sizeof(*out));
	return verp_open(verp, list, detail, out->member, out->post) ||
		read_post(verp, list, detail, out);
}

/* What may stand between is what needs no quotes anywhere, and is not
 * changed by anybody on the way. */
static bool
is_plain(const char *local)
{
	for (; *local != '\0' && *local != '@'; local++)
		if (!g_ascii_isalnum(*local) &&
		    strchr("._+-=", *local) == NULL)
			return false;
	return *local == '@';
}

bool
verp_can_share(const char *list, const char *addr)
{
	const size_t name = strcspn(list, "@");
	const size_t all = name + strlen("-bounces+") + VERP_POST_TOKEN_LEN +
		strlen("+") + strlen(addr);

	if (!is_plain(addr) || all > ADDR_LOCAL_MAX)
		return false;
	for (const char *p = strrchr(addr, '@') + 1; *p != '\0'; p++)
		if (!g_ascii_isalnum(*p) && *p != '.' && *p != '-')
			return false;
	return true;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

void
member_handle(const char *addr, uint8_t out[MEMBER_HANDLE_LEN])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX state;

	/* SHA256() would look the algorithm up each time. */
	(void) SHA256_Init(&state);
	digest_rest(&state, "", 0, addr, digest);
	memcpy(out, digest, MEMBER_HANDLE_LEN);
}

#pragma GCC diagnostic pop
